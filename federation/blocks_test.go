package federation

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

func (d *daemon) block(what string) BlockChange {
	d.t.Helper()
	b, err := d.s.AddBlock(d.t.Context(), what, "")
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

// TestBlockedIsDropped: whatever a blocked sender sends, to whichever inbox, signed or not, it is answered as if all
// were well, nothing is fetched, and nothing is left of it.
func TestBlockedIsDropped(t *testing.T) {
	const us = testBase + "/users/user"
	activities := map[string]string{
		"Follow":             `{"id":"ID/1","type":"Follow","actor":"ID","object":"` + us + `"}`,
		"actor in full":      `{"id":"ID/1","type":"Follow","actor":{"id":"ID","type":"Person"},"object":"` + us + `"}`,
		"actor in a list":    `{"id":"ID/1","type":"Follow","actor":["ID"],"object":{"id":"` + us + `"}}`,
		"Undo":               `{"id":"ID/2","type":"Undo","actor":"ID","object":{"id":"ID/1","type":"Follow","actor":"ID","object":"` + us + `"}}`,
		"Like":               `{"id":"ID/3","type":"Like","actor":"ID","object":"` + testBase + `/posts/example.com/a/"}`,
		"Create":             `{"id":"ID/4","type":"Create","actor":"ID","object":{"type":"Note","content":"x","inReplyTo":"` + testBase + `/posts/example.com/a/"}}`,
		"Flag":               `{"id":"ID/5","type":"Flag","actor":"ID","object":["` + us + `"]}`,
		"QuoteRequest":       `{"id":"ID/6","type":"QuoteRequest","actor":"ID","object":"` + testBase + `/posts/example.com/a/","instrument":"ID/7"}`,
		"Delete of itself":   `{"id":"ID/8","type":"Delete","actor":"ID","object":"ID"}`,
		"Update of itself":   `{"id":"ID/9","type":"Update","actor":"ID","object":{"id":"ID","type":"Person"}}`,
		"Block":              `{"id":"ID/10","type":"Block","actor":"ID","object":"` + us + `"}`,
		"Move":               `{"id":"ID/11","type":"Move","actor":"ID","object":"ID","target":"` + us + `"}`,
		"unknown":            `{"id":"ID/12","type":"Wave","actor":"ID","object":"` + us + `"}`,
		"nothing to do here": `{"id":"ID/13","type":"Create","actor":"ID","object":{"type":"Note"}}`,
	}
	for _, what := range []string{"https://social.bad.example/users/alice", "bad.example", "SOCIAL.bad.example."} {
		d := newDaemon(t)
		d.block(what) // it cannot be looked up, and is taken as it stands
		alice := newStranger(t, d, "social.bad.example", "alice")
		before := len(d.told())
		d.log.Reset()
		for name, body := range activities {
			body = strings.ReplaceAll(body, "ID", alice.id())
			for _, inbox := range []string{testInbox, testBase + "/inbox"} {
				signed := postTo(t, inbox, body, time.Now())
				alice.sign(t, signed)
				for _, r := range []*http.Request{signed, postTo(t, inbox, body, time.Now())} {
					if w := d.receive(r); w.Code != 202 || w.Body.Len() > 0 {
						t.Errorf("%s blocked, %s to %s, signature %q: %d %s", what, name, inbox, r.Header.Get("Signature"), w.Code, w.Body)
					}
				}
			}
		}
		if alice.reads() != 0 || d.followers() != "" || len(d.queue()) != 0 || len(d.told()) != before || d.log.Len() > 0 {
			t.Errorf("%s blocked: %d look-ups, followers %q, queue %v, log %q %q",
				what, alice.reads(), d.followers(), d.answers(), d.told()[before:], d.log)
		}
	}
}

// TestNeighboursAreNotBlocked: only what was named is.
func TestNeighboursAreNotBlocked(t *testing.T) {
	for _, what := range []string{"bad.example", "x.a.example", "https://a.example/users/alice2", "https://a.example/users/alic"} {
		d := newDaemon(t)
		d.block(what)
		alice := newStranger(t, d, "a.example", "alice")
		notbad := newStranger(t, d, "notbad.example", "bob")
		d.wants(alice)
		d.wants(notbad)
		if d.followers() != "bob@notbad.example accepted, alice@a.example accepted" {
			t.Errorf("%s blocked: %s", what, d.followers())
		}
	}
}

// TestBlockAnActor: its follow ends, its server is told that, once, and nothing else of it.
func TestBlockAnActor(t *testing.T) {
	for _, state := range []store.FollowerState{store.FollowerAccepted, store.FollowerPending} {
		d := newDaemon(t)
		d.s.cfg.Profile.ManuallyApproves = state == store.FollowerPending
		alice := newStranger(t, d, "a.example", "alice")
		d.wants(alice)
		if b := d.block("@Alice@A.example"); b.Block.What != alice.id() || b.Followers != 1 || b.Doubt != nil {
			t.Errorf("%+v", b)
		}
		alike(t, "queue", []string{"Reject(Follow https://a.example/1) to https://a.example/users/alice/inbox"}, d.answers())
		if d.followers() != "" || !d.woken() {
			t.Errorf("followers %q", d.followers())
		}
		if again := d.block(alice.id()); !again.Known || again.Followers != 0 || len(d.queue()) != 1 {
			t.Errorf("%+v, queue %v", again, d.answers())
		}
		told := d.told()
		if got := told[len(told)-2]; got != "Block(alice@a.example): blocked by the owner" {
			t.Error(got)
		}
	}
}

// TestBlockWhoWasMentioned: a post that waits at the shared inbox of somebody who does not follow is not sent after
// the block; one that names somebody else there, too, is.
func TestBlockWhoWasMentioned(t *testing.T) {
	d := newDaemon(t)
	newTown(d.net, "a.example")
	d.compose(Draft{Markdown: "Hi @bob@a.example"})
	both := d.compose(Draft{Markdown: "Hi @bob@a.example and @ann@a.example"})
	if b := d.block("@bob@a.example"); b.Deliveries != 1 {
		t.Errorf("%+v", b)
	}
	if q := d.queue(); len(q) != 1 || q[0].Object != both.Post.ID {
		t.Errorf("queue %+v", q)
	}
}

// TestBlockADomain: it gets nothing any more, not even word of it, and others get theirs.
func TestBlockADomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		bad, sub, good := newPeer(d.net, "bad.example"), newPeer(d.net, "m.bad.example"), newPeer(d.net, "good.example")
		d.follow(bad, "ann", true)
		d.follow(bad, "bob", false)
		d.follow(sub, "carl", true)
		d.follow(good, "dora", true)
		bad.answer(statuses(503))
		sub.answer(hangs)
		d.run()
		d.announce("example.com/one/")
		settle()
		time.Sleep(settleTogether)
		settle()
		if len(d.queue()) != 3 {
			t.Fatalf("%d deliveries wait, want two retries and one under way", len(d.queue()))
		}
		if b := d.block("Bad.example"); b.Followers != 3 || b.Deliveries != 3 || b.Block.What != "bad.example" {
			t.Errorf("%+v", b)
		}
		alike(t, "followers", "dora@good.example accepted", d.followers())
		before := len(bad.posts()) + len(sub.posts())
		d.announce("example.com/two/")
		time.Sleep(10 * 24 * time.Hour)
		if n := len(bad.posts()) + len(sub.posts()); n != before || len(d.queue()) != 0 {
			t.Errorf("%d posts after the block, queue %+v", n-before, d.queue())
		}
		if n := len(good.posts()); n != 2 {
			t.Errorf("the others got %d posts, want 2", n)
		}
		if _, dead, err := d.db.QueueStats(1); len(dead) > 0 || err != nil {
			t.Errorf("%v are counted as dead: nobody asks them any more (%v)", dead, err)
		}

		// The block is lifted: nobody follows by it, and who follows now is served.
		bad.answer(nil)
		if _, err := d.s.RemoveBlock(t.Context(), "BAD.example"); err != nil {
			t.Fatal(err)
		}
		d.follow(bad, "ann", true)
		d.announce("example.com/three/")
		settle()
		if n := len(bad.posts()) + len(sub.posts()); n != before+1 {
			t.Errorf("%d posts after the block was lifted, want 1", n-before)
		}
	})
}

// TestBlockedWhileAsking: the owner blocks somebody whose Follow is being looked at.
func TestBlockedWhileAsking(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	alice.instead(func(w http.ResponseWriter, r *http.Request) {
		_, err := d.s.AddBlock(r.Context(), "a.example", "")
		if err != nil {
			t.Error(err)
		}
		alice.documents(w, r)
	})
	d.wants(alice)
	if d.followers() != "" || len(d.queue()) != 0 {
		t.Errorf("followers %s, queue %v", d.followers(), d.answers())
	}
}

// TestClaimedBeforeTheBlock: what was about to leave does not.
func TestClaimedBeforeTheBlock(t *testing.T) {
	d := newDaemon(t)
	p := newPeer(d.net, "bad.example")
	d.block("bad.example")
	o := d.s.attempt(t.Context(), store.Delivery{Inbox: p.inbox("ann"), Host: p.host}, letter{body: []byte(`{}`)})
	if o.Result != store.Refused || len(p.posts()) != 0 || len(o.Log) != 0 {
		t.Errorf("%+v, %d posts", o, len(p.posts()))
	}
}

func TestWhatIsBlocked(t *testing.T) {
	d := newDaemon(t)
	d.server("a.example", func(w http.ResponseWriter, r *http.Request) {
		x := &stranger{host: "a.example", name: "alice", pair: keyPair(t, 1), keyPath: "#main-key"}
		switch r.URL.Path {
		case "/.well-known/webfinger":
			jrdServer(t, map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", x.id()}})(w, r)
		case "/users/alice", "/@alice":
			serveJSON(w, typeActivity, x.document())
		case "/notes/1":
			serveJSON(w, typeActivity, map[string]any{"id": "https://a.example/notes/1", "type": "Note"})
		default:
			http.NotFound(w, r)
		}
	})
	const alice = "https://a.example/users/alice"
	for _, test := range []struct{ what, want string }{
		{"bad.example", "domain bad.example"},
		{"BAD.Example.", "domain bad.example"},
		{" bad.example:8443 ", "domain bad.example"},
		{"bücher.example", "domain xn--bcher-kva.example"},
		{"BÜCHER。example", "domain xn--bcher-kva.example"},
		{"a_b.bad.example", "domain a_b.bad.example"},
		{"192.0.2.7", "domain 192.0.2.7"},
		{"someone.github.io", "domain someone.github.io"},
		{"github.io", "domain github.io"}, // one company's
		{"other.example.com", "domain other.example.com"},
		{"@alice@a.example", "actor " + alice},
		{"alice@A.EXAMPLE", "actor " + alice},
		{alice, "actor " + alice},
		{"https://a.example/@alice", "actor " + alice},
		{"https://gone.example/users/x", "actor https://gone.example/users/x"},
		{"https://gone.example/?author=1", "actor https://gone.example/?author=1"},

		{"com", "no one server's"}, {"co.uk", "no one server's"}, {"localhost", "no one server's"}, {"рф", "no one server's"},
		{"", "neither a domain"}, {".", "neither a domain"}, {"*.bad.example", "neither a domain"},
		{"bad example", "neither a domain"}, {"bad..example", "neither a domain"}, {"bad.example/x", "neither a domain"},
		{strings.Repeat("a.", 130) + "example", "neither a domain"},
		{"example.com", "your own domain"}, {"fedi.example.com", "your own domain"}, {"EXAMPLE.com.", "your own domain"},
		{"@user@example.com", "is yourself"}, {"USER@fedi.example.com", "is yourself"},
		{testBase + "/users/user", "is yourself"}, {testBase + "/users/USER", "is yourself"},
		{"@bad.example", "neither a handle"}, {"a@b@c.example", "neither a handle"},
		{"nobody@a.example", "or block all of a.example"}, {"x@nowhere.example", "or block all of nowhere.example"},
		{"https://a.example/notes/1", "is no actor"},
		{"https://bad.example/", "to block the whole server: crier block add bad.example"},
		{"https://bad.example", "to block the whole server: crier block add bad.example"},
		{"https://", "no http address"},
	} {
		b, err := d.s.AddBlock(t.Context(), test.what, "why")
		got := string(b.Block.Kind) + " " + b.Block.What
		switch {
		case err != nil && !strings.Contains(err.Error(), test.want):
			t.Errorf("%q: %v, want %s", test.what, err, test.want)
		case err == nil && got != test.want:
			t.Errorf("%q: %s, want %s", test.what, got, test.want)
		case err == nil && b.Doubt != nil != strings.Contains(test.what, "gone.example"):
			t.Errorf("%q: doubt %v", test.what, b.Doubt)
		}
	}
}

func TestRemoveBlock(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	d.wants(alice)
	for _, test := range []struct{ add, remove, wrong string }{
		{"bad.example", "bad.example", ""},
		{"bad.example", " BAD.Example. ", ""},
		{"bücher.example", "XN--bcher-kva.example", ""},
		{"@alice@a.example", "acct:ALICE@a.example", ""},
		{"https://a.example/users/alice", "https://a.example/users/alice", ""},
		{"bad.example", "good.example", "good.example is not blocked; see crier block list"},
		{"bad.example", "x.bad.example", "to lift that: crier block remove bad.example"},
		{"bad.example", "@x@m.bad.example", "to lift that: crier block remove bad.example"},
		{"bad.example", "https://bad.example/users/x", "to lift that: crier block remove bad.example"},
		{"bad.example", "user@bad.example", "to lift that: crier block remove bad.example"},
		{"https://a.example/users/alice", "a.example", "is not blocked"},
	} {
		added := d.block(test.add).Block
		b, err := d.s.RemoveBlock(t.Context(), test.remove)
		if test.wrong == "" && (err != nil || b.What != added.What || d.s.blocked(added.What)) {
			t.Errorf("%s with %q: %+v, %v", test.add, test.remove, b, err)
		}
		if test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%s with %q: %v", test.add, test.remove, err)
		}
		if _, err := d.db.RemoveBlock(added.What); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBlocksOutliveARestart(t *testing.T) {
	d := newDaemon(t)
	d.block("bad.example")
	d.run()
	d.restart()
	if !d.s.blocked("https://m.bad.example/users/x") || d.s.blocked("https://good.example/users/x") {
		t.Error("the blocks are not what they were")
	}
}

// TestBlockConflict: who follows anew just then is rejected by the Follow that is there.
func TestBlockConflict(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	d.wants(alice)
	f, err := d.db.Follower(alice.id())
	if err != nil {
		t.Fatal(err)
	}
	f.FollowID = "https://a.example/0"
	block := store.Blocking{Block: store.Block{What: f.Actor, Kind: store.BlockActor}, Ended: &f}
	if _, err := d.db.AddBlock(time.Now(), block); !errors.Is(err, store.ErrConflict) {
		t.Error(err)
	}
	if d.s.blocked(f.Actor) || d.followers() == "" {
		t.Error("a block that failed left something")
	}
}

func BenchmarkBlocked(b *testing.B) {
	d := newDaemon(b)
	for i := range 1000 {
		block := store.Blocking{Block: store.Block{What: fmt.Sprintf("bad%d.example", i), Kind: store.BlockDomain}}
		if _, err := d.db.AddBlock(time.Now(), block); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if d.s.blocked("https://social.good.example/users/alice") {
			b.Fatal("blocked")
		}
	}
}
