package federation

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// anew asks as ask does, but past everything that is kept.
func (d *daemon) anew(target, accept string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RequestURI = ""
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	d.s.Handler().ServeHTTP(w, r)
	return w
}

// isKept reports whether an answer is kept and true.
func (d *daemon) isKept(target, accept string) bool {
	a := d.s.docs.prepared.get(asked{target, prefersHTML([]string{accept})})
	return a != nil && a.at == d.s.basis()
}

func shown(w *httptest.ResponseRecorder) string {
	var lines []string
	for name, values := range w.Header() {
		lines = append(lines, fmt.Sprint(name, values))
	}
	slices.Sort(lines)
	return fmt.Sprint(w.Code, lines, w.Body)
}

// everything is what the addresses of the account answer with, by address and Accept. Whatever is kept is compared
// with what is made anew.
func (d *daemon) everything(after string) map[string]string {
	d.t.Helper()
	all := map[string]string{}
	targets := []string{"/posts/example.com/a/~2", "/posts/example.com/b/"}
	for _, c := range readRoutes() {
		targets = append(targets, c.target)
	}
	for _, target := range targets {
		for _, accept := range []string{acceptAS, acceptBrowser} {
			all[target+" "+accept] = d.asIfAnew(after, target, accept)
		}
	}
	return all
}

// asIfAnew compares two answers with one that is made anew, at a moment when nothing else changes the store.
func (d *daemon) asIfAnew(after, target, accept string) string {
	d.t.Helper()
	for {
		before := d.db.Changes()
		want := shown(d.anew(target, accept))
		got := []string{shown(d.ask(http.MethodGet, target, accept)), shown(d.ask(http.MethodGet, target, accept))}
		if got[0] != want || got[1] != want {
			settle() // a change is counted a moment after it can be read
		}
		if d.db.Changes() != before {
			continue
		}
		for _, g := range got {
			if g != want {
				d.t.Errorf("after %s, %s for %q:\n got %s\nwant %s", after, target, accept, g, want)
			}
		}
		return want
	}
}

// TestNothingKeptIsStale takes an account through what can happen to it. After each step every address answers as if
// nothing were kept, and those that show what happened answer otherwise than before.
func TestNothingKeptIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _, _ := crowd(t)
		d.firstPoll()
		d.announce("example.com/a/")
		d.announce("example.com/b/")
		settle()
		const a = "/posts/example.com/a/"
		reply := "https://r.example/users/reply000true/1"
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		steps := []struct {
			name    string
			do      func()
			changes []string
		}{
			{"an edit", func() { d.edit("example.com/a/", "Another text.") }, []string{a, "/users/user/outbox?page=1"}},
			{"a like", func() { d.react("example.com/a/", store.ReactionLike, 1, true) }, []string{a, "/likes/example.com/a/"}},
			{"a boost of it", func() { d.react("example.com/a/", store.ReactionBoost, 1, true) }, []string{a, "/shares/example.com/a/"}},
			{"a reply", func() { d.react("example.com/a/", store.ReactionReply, 1, true) },
				[]string{"/replies/example.com/a/", "/replies/example.com/a/?page=1"}},
			{"a reply that is hidden", func() { must(d.db.HideReaction(reply, true)) },
				[]string{"/replies/example.com/a/", "/replies/example.com/a/?page=1"}},
			{"one that is shown again", func() { must(d.db.HideReaction(reply, false)) }, []string{"/replies/example.com/a/?page=1"}},
			{"a like that is taken back", func() {
				must(d.db.RemoveReaction(time.Now(), "https://r.example/users/like000true", "https://r.example/users/like000true/1", ""))
			}, []string{a, "/likes/example.com/a/"}},
			{"a pin", func() { must(d.s.Pin(testBase + a)) }, []string{"/users/user/collections/featured"}},
			{"an edit of what is pinned", func() { d.edit("example.com/a/", "A third text.") }, []string{a, "/users/user/collections/featured"}},
			{"its end", func() { must(d.s.Unpin(testBase + a)) }, []string{"/users/user/collections/featured"}},
			{"a follower", func() { d.crowd(1) }, []string{"/users/user/followers", "/users/user/followers?page=1"}},
			{"one less", func() {
				must(d.db.RemoveFollower(time.Now(), "https://peer.example/users/f000", ""))
			}, []string{"/users/user/followers", "/users/user/followers?page=1"}},
			{"a block", func() { must(d.s.AddBlock(t.Context(), "a.example", "")) }, []string{"/users/user/followers"}},
			{"a deletion", func() { d.remove("example.com/a/") }, []string{a, "/likes/example.com/a/", "/users/user/outbox?page=1"}},
			{"its return", func() { d.again("example.com/a/") }, []string{a + "~2", "/users/user/outbox?page=1"}},
			{"a move", func() { d.moveHome() }, []string{"/users/user"}},
			{"its end", func() { must(d.s.CancelMove(t.Context())) }, []string{"/users/user"}},
		}
		before := d.everything("the beginning")
		for _, step := range steps {
			step.do()
			d.everything(step.name + ", at once")
			settle()
			now := d.everything(step.name)
			for _, target := range step.changes {
				if key := target + " " + acceptAS; now[key] == before[key] {
					t.Errorf("%s does not show in %s: %s", step.name, target, now[key])
				}
			}
			before = now
		}
	})
}

// again lets a deleted entry come back, as the feed has it again.
func (d *daemon) again(key string) {
	d.t.Helper()
	e := d.entry(key)
	e.Todo, e.Deliver, e.Due, e.Generation = store.TodoCreate, true, time.Now(), e.Generation+1
	d.put(e, "It is back.")
}

// TestWhatIsKept: what is asked for again comes without the store, also after the actor changed, and nothing that
// depends on who asks.
func TestWhatIsKept(t *testing.T) {
	d := published(t, "example.com/a/")
	for _, c := range readRoutes() {
		fixed := strings.HasPrefix(c.target, "/.well-known/host-meta") || strings.HasPrefix(c.target, "/.well-known/nodeinfo")
		byClock := strings.HasPrefix(c.target, "/nodeinfo/") || strings.HasPrefix(c.target, "/tags/")
		d.ask(http.MethodGet, c.target, acceptAS)
		if d.isKept(c.target, acceptAS) == (fixed || byClock) {
			t.Errorf("%s is kept: %v", c.target, fixed || byClock)
		}
	}
	for _, target := range []string{
		"/posts/example.com/none/", "/nothing", "/users/user/outbox?page=x", "/.well-known/webfinger?resource=acct:none@example.com",
		"/users/user/followers_synchronization", "/users/user?" + strings.Repeat("x", preparedMostKey),
	} {
		d.ask(http.MethodGet, target, acceptAS)
		if d.isKept(target, acceptAS) {
			t.Errorf("%s is kept", target)
		}
	}
	d.ask(http.MethodPost, "/users/user/outbox?page=1&x", acceptAS)
	d.ask(http.MethodHead, "/users/user/outbox?page=1&x", acceptAS)
	if d.isKept("/users/user/outbox?page=1&x", acceptAS) {
		t.Error("the answer to a HEAD is kept")
	}
}

// TestKeptIsForEverybody: what one follower may read is never what the next one gets, whoever asks first.
func TestKeptIsForEverybody(t *testing.T) {
	d := published(t, "example.com/a/")
	x := newStranger(t, d, "a.example", "alice")
	d.followedBy(x, store.FollowerAccepted)
	private := "/posts/" + d.publishFor(visibilityFollowers).Path
	for range 2 {
		if w := x.get(t, d, private); w.Code != http.StatusOK {
			t.Fatalf("a follower: %d", w.Code)
		}
		if w := d.ask(http.MethodGet, private, acceptAS); w.Code != http.StatusUnauthorized {
			t.Errorf("a stranger after a follower: %d", w.Code)
		}
		if w := d.ask(http.MethodGet, private, acceptBrowser); w.Code != http.StatusUnauthorized {
			t.Errorf("a browser after a follower: %d", w.Code)
		}
	}
	d.s.cfg.SecureMode = true
	d.db.SetLife("as if it were started anew")
	const post = "/posts/example.com/a/"
	for range 2 {
		if w := x.get(t, d, post); w.Code != http.StatusOK {
			t.Fatalf("who signs: %d", w.Code)
		}
		if w := d.ask(http.MethodGet, post, acceptAS); w.Code != http.StatusUnauthorized {
			t.Errorf("who does not: %d", w.Code)
		}
		if w := d.ask(http.MethodGet, post, acceptBrowser); w.Code != http.StatusFound {
			t.Errorf("a browser: %d", w.Code)
		}
	}
}

// TestKeptIsBounded: made-up addresses neither fill the memory nor stay.
func TestKeptIsBounded(t *testing.T) {
	d := published(t, "example.com/a/")
	h := d.s.Handler()
	for i := range 3 * preparedMost {
		askHandler(h, http.MethodGet, fmt.Sprintf("/users/user?%d", i), acceptAS)
	}
	p := &d.s.docs.prepared
	sum := 0
	for _, a := range p.kept.Values() {
		sum += len(a.body)
	}
	if p.kept.Len() > preparedMost || sum != p.bytes || sum > preparedMostBytes {
		t.Errorf("%d answers with %d bytes, counted %d", p.kept.Len(), sum, p.bytes)
	}
	large := &reply{body: make([]byte, preparedMostOne)}
	for i := range 2 * preparedMostBytes / preparedMostOne {
		p.put(asked{target: fmt.Sprint(i)}, large)
	}
	p.put(asked{target: "too large"}, &reply{body: make([]byte, preparedMostOne+1)})
	if p.bytes > preparedMostBytes || p.kept.Contains(asked{target: "too large"}) {
		t.Errorf("%d bytes are kept", p.bytes)
	}
}
