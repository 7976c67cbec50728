package federation

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crier/internal/fedtest"
	"crier/store"
)

// get asks for a document of ours, signed by the stranger; change may bend the request before it is signed.
func (x *stranger) get(t testing.TB, d *daemon, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, testBase+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", acceptAS)
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	for _, f := range change {
		f(r)
	}
	cavage{key: x.pair, keyID: x.keyID(), headers: "(request-target) host date", label: "rsa-sha256"}.sign(t, r)
	return d.receive(r)
}

// followedBy stores the stranger as a follower, as its Follow would.
func (d *daemon) followedBy(x *stranger, state store.FollowerState) {
	d.t.Helper()
	_, err := d.db.AddFollower(time.Now(), store.Follow{Follower: store.Follower{
		Actor: x.id(), Inbox: x.id() + "/inbox", Handle: x.name + "@" + x.host, KeyID: x.keyID(), Key: publicPEM(x.pair),
		FollowID: x.id() + "/1", Since: time.Now(), State: state,
	}})
	if err != nil {
		d.t.Fatal(err)
	}
}

// publishFor publishes one post that only the followers may read, and returns its path.
func (d *daemon) publishFor(visibility string) store.Post {
	d.t.Helper()
	c := noteCases()[3]
	c.info.Visibility = visibility
	post, err := d.s.note(c.entry, c.fields, c.info)
	if err != nil {
		d.t.Fatal(err)
	}
	d.store(post)
	return post
}

// TestPostForWhoFollows: a post for the followers is served to a follower that signs, and to nobody else.
func TestPostForWhoFollows(t *testing.T) {
	d := published(t)
	post := d.publishFor(visibilityFollowers)
	create := strings.TrimPrefix(post.Create, testBase)
	targets := []string{"/posts/" + post.Path, create, "/replies/" + post.Path, "/likes/" + post.Path, "/shares/" + post.Path}
	follower, waits, other := newStranger(t, d, "a.example", "alice"), newStranger(t, d, "b.example", "bob"), newStranger(t, d, "c.example", "carol")
	neighbour := newStranger(t, d, "a.example", "actor") // the follower's instance itself; it serves no alice any more
	neighbour.pair = keyPair(t, 2)
	d.followedBy(follower, store.FollowerAccepted)
	d.followedBy(waits, store.FollowerPending)
	for _, target := range targets {
		if w := d.ask("GET", target, acceptAS); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" ||
			w.Header().Get("Accept-Signature") != `sig1=("@method" "@target-uri");created` {
			t.Errorf("%s, unsigned: %d %v", target, w.Code, w.Header())
		}
		w := follower.get(t, d, target)
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Vary") != varyOnSignature || !strings.HasPrefix(h.Get("Cache-Control"), "private, ") {
			t.Errorf("%s, follower: %d %v", target, w.Code, h)
		}
		again := follower.get(t, d, target, func(r *http.Request) { r.Header.Set("If-None-Match", h.Get("ETag")) })
		if again.Code != http.StatusNotModified || again.Header().Get("Vary") != varyOnSignature {
			t.Errorf("%s, follower again: %d", target, again.Code)
		}
		for name, x := range map[string]*stranger{"pending": waits, "stranger": other, "instance": neighbour} {
			w := x.get(t, d, target, func(r *http.Request) { r.Header.Set("If-None-Match", h.Get("ETag")) })
			if w.Code != http.StatusForbidden || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != varyOnSignature {
				t.Errorf("%s, %s: %d %v", target, name, w.Code, w.Header())
			}
		}
		forged := follower.get(t, d, target, func(r *http.Request) {
			r.Header.Set("Date", time.Now().Add(-2*time.Hour).UTC().Format(http.TimeFormat))
		})
		if forged.Code != http.StatusUnauthorized {
			t.Errorf("%s, signed two hours ago: %d", target, forged.Code)
		}
	}
	follower.pair = keyPair(t, 0)
	if w := follower.get(t, d, targets[0]); w.Code != http.StatusUnauthorized {
		t.Errorf("another key: %d", w.Code)
	}
}

// TestWhoCannotBeProvedGetsNoVerdict: others delete what answers 404 or 410, so a fault of their own server must
// not look like that.
func TestWhoCannotBeProvedGetsNoVerdict(t *testing.T) {
	d := published(t)
	post := d.publishFor(visibilityFollowers)
	for status, want := range map[int]int{
		http.StatusInternalServerError: http.StatusServiceUnavailable, http.StatusNotFound: http.StatusUnauthorized,
		http.StatusGone: http.StatusUnauthorized, http.StatusForbidden: http.StatusUnauthorized,
	} {
		x := newStranger(t, d, http.StatusText(status)[:3]+".example", "alice")
		x.status(status)
		if w := x.get(t, d, "/posts/"+post.Path); w.Code != want {
			t.Errorf("a key that answers %d: %d, want %d", status, w.Code, want)
		}
	}
	for _, keyID := range []string{testBase + "/users/user#main-key", "http://a.example/users/alice#main-key", "acct:alice@a.example", "x"} {
		r, err := http.NewRequest(http.MethodGet, testBase+"/posts/"+post.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		cavage{key: keyPair(t, 1), keyID: keyID, headers: "(request-target) host date"}.sign(t, r)
		if w := d.receive(r); w.Code != http.StatusUnauthorized {
			t.Errorf("signed by %s: %d", keyID, w.Code)
		}
	}
}

// TestSignatureMattersOnlyWhereAccessDoes: a public post is the same for all, so nobody's key is fetched for it and
// every cache may keep it.
func TestSignatureMattersOnlyWhereAccessDoes(t *testing.T) {
	d := published(t, "example.com/a/")
	x := newStranger(t, d, "a.example", "alice")
	for _, c := range readRoutes() {
		w := x.get(t, d, c.target)
		if w.Code != http.StatusOK && w.Code != http.StatusNotFound || strings.Contains(w.Header().Get("Vary"), "Signature") {
			t.Errorf("%s: %d %v", c.target, w.Code, w.Header())
		}
	}
	if n := x.reads(); n > 0 {
		t.Errorf("its key was fetched %d times", n)
	}
}

func TestSecureMode(t *testing.T) {
	d := published(t, "example.com/a/")
	d.tagged("example.com/tagged/")
	d.s.cfg.SecureMode = true
	x, gts := newStranger(t, d, "a.example", "alice"), newStranger(t, d, "g.example", "greta")
	gts.keyPath = "/main-key"
	open := func(target string) bool {
		return strings.HasPrefix(target, "/.well-known/") || strings.HasPrefix(target, "/nodeinfo/") || target == "/users/user"
	}
	for _, c := range readRoutes() {
		unsigned := d.ask("GET", c.target, acceptAS)
		if open(c.target) {
			if unsigned.Code != http.StatusOK || strings.Contains(unsigned.Header().Get("Vary"), "Signature") {
				t.Errorf("%s: %d %v", c.target, unsigned.Code, unsigned.Header())
			}
			continue
		}
		if unsigned.Code != http.StatusUnauthorized || unsigned.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s, unsigned: %d", c.target, unsigned.Code)
		}
		for _, by := range []*stranger{x, gts} {
			w := by.get(t, d, c.target)
			if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Cache-Control"), "private, ") {
				t.Errorf("%s by %s: %d %v", c.target, by.host, w.Code, w.Header())
			}
		}
		w := d.ask("GET", c.target, acceptBrowser)
		h := w.Header()
		if c.htmlType != typeActivity { // there is a page, for everybody
			if w.Code != c.htmlStatus || h.Get("Vary") != "Accept" {
				t.Errorf("%s for a browser: %d %v", c.target, w.Code, h)
			}
			continue
		}
		if w.Code != http.StatusUnauthorized || h.Get("Vary") != varyOnSignature || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s for a browser: %d %v", c.target, w.Code, h)
		}
		w = x.get(t, d, c.target, func(r *http.Request) { r.Header.Set("Accept", acceptBrowser) })
		if w.Code != http.StatusOK || w.Header().Get("Vary") != varyOnSignature {
			t.Errorf("%s for a browser that signs: %d %v", c.target, w.Code, w.Header())
		}
	}
	create := strings.TrimPrefix(d.post("example.com/a/").Create, testBase)
	d.remove("example.com/a/")
	d.publishDue()
	for _, target := range []string{create, "/quotes/none"} {
		for _, accept := range []string{acceptAS, acceptBrowser} {
			if w := d.ask("GET", target, accept); w.Code != http.StatusUnauthorized || w.Header().Get("Vary") != varyOnSignature {
				t.Errorf("%s for %s: %d %v", target, accept, w.Code, w.Header())
			}
		}
	}
	if w := x.get(t, d, "/posts/example.com/a/"); w.Code != http.StatusGone || !strings.HasPrefix(w.Header().Get("Cache-Control"), "private, ") {
		t.Errorf("a Tombstone: %d %v", w.Code, w.Header())
	}
}

// secureServer is a second account of ours, on another host, in secure mode.
func secureServer(t *testing.T, d *daemon, host string) *Server {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "other.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := testConfig(db, d.net, slog.New(slog.DiscardHandler))
	c.BaseURL, c.Handle, c.Key, c.SecureMode = "https://"+host, "other@"+host, keyPair(t, 2), true
	s := New(c)
	d.net.handle(host, s.Handler())
	return s
}

// TestTwoSecureServers: each has to read the other's key to answer, and neither waits for the other.
func TestTwoSecureServers(t *testing.T) {
	d := published(t, "example.com/a/")
	d.s.cfg.SecureMode = true
	d.net.handle("fedi.example.com", d.s.Handler())
	d.net.handle("example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, testBase+r.URL.RequestURI(), http.StatusFound)
	}))
	other := secureServer(t, d, "other.example")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, what := range []string{testBase + "/posts/example.com/a/", testBase + "/users/user/outbox", "user@fedi.example.com"} {
		if _, _, err := other.Lookup(ctx, what); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := d.s.Lookup(ctx, "https://other.example/users/other/followers"); err != nil {
		t.Errorf("the other way: %v", err)
	}
	third := secureServer(t, d, "third.example") // and both at once, where neither knows the other
	errs := make(chan error, 2)
	for asks, of := range map[*Server]string{third: "https://other.example/users/other/outbox", other: "https://third.example/users/other/outbox"} {
		go func() {
			_, _, err := asks.Lookup(ctx, of)
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Errorf("both at once: %v", err)
		}
	}
	if w := askHandler(other.Handler(), "GET", "/users/other/followers", acceptAS); w.Code != http.StatusUnauthorized {
		t.Errorf("unsigned: %d", w.Code)
	}
}

// TestSecureModeWithAnIndependentPeer does the same with a peer whose signatures are not ours.
func TestSecureModeWithAnIndependentPeer(t *testing.T) {
	d := published(t, "example.com/a/")
	d.s.cfg.SecureMode = true
	d.net.handle("fedi.example.com", d.s.Handler())
	peer := fedtest.New(fedtest.Config{BaseURL: "https://peer.example", HTTP: d.net, Secure: true})
	t.Cleanup(peer.Close)
	peer.AddActor("alice")
	d.net.handle("peer.example", peer)
	if _, err := peer.GetObject(t.Context(), testBase+"/posts/example.com/a/"); err != nil {
		t.Error(err)
	}
	if _, err := peer.GetObject(t.Context(), testBase+"/users/user/outbox?page=1"); err != nil {
		t.Error(err)
	}
	if _, _, err := d.s.Lookup(t.Context(), "https://peer.example/users/alice"); err != nil {
		t.Errorf("the other way: %v", err)
	}
}
