package federation

import (
	"net/http"
	"strings"
	"testing"

	"crier/store"
)

// TestWhoMayKeepErrors: what is not there, not for whoever asks, or not now is kept by nobody, and what is deleted is
// kept like a post. TestCachePolicy in internal/app has all addresses that answer.
func TestWhoMayKeepErrors(t *testing.T) {
	d := newDaemon(t)
	const varies = "Accept"
	check := func(method, target, accept string, status int, cacheControl, vary string) {
		t.Helper()
		w := d.ask(method, target, accept)
		if w.Code != status || w.Header().Get("Cache-Control") != cacheControl || w.Header().Get("Vary") != vary {
			t.Errorf("%s %s for %s: %d, Cache-Control %q, Vary %q", method, target, accept, w.Code, w.Header().Get("Cache-Control"), w.Header().Get("Vary"))
		}
	}
	for _, accept := range []string{acceptAS, acceptBrowser} {
		check("GET", "/posts/example.com/a/", accept, http.StatusServiceUnavailable, "no-store", varies) // nothing was read yet
	}
	d.firstPoll()
	d.add("example.com/a/", false, noon)
	d.add("example.com/gone/", false, noon)
	d.publishDue()
	create := strings.TrimPrefix(d.post("example.com/gone/").Create, testBase)
	d.remove("example.com/gone/")
	d.publishDue()
	private := "/posts/" + d.publishFor(visibilityFollowers).Path
	for _, accept := range []string{acceptAS, acceptBrowser} {
		for target, status := range map[string]int{
			"/posts/example.com/none/": 404, "/nothing": 404, "/users/other": 404, "/replies/example.com/none/": 404, "/likes/example.com/gone/": 404,
			"/shares/example.com/none/": 404, "/activities/none": 404, "/quotes/none": 404, "/tags/none": 404, "/posts?url=x": 400,
			"/posts?url=https://example.com/none/": 404, "/.well-known/webfinger": 400, "/.well-known/webfinger?resource=acct:none@example.com": 404,
			"/users/user/outbox?page=x": 400, "/users/user/outbox?page=9999": 404, create: 410,
		} {
			check("GET", target, accept, status, "no-store", varies)
		}
		check("GET", private, accept, http.StatusUnauthorized, "no-store", varyOnSignature)
		check("GET", strings.Replace(private, "/posts/", "/likes/", 1), accept, http.StatusUnauthorized, "no-store", varyOnSignature)
		check("GET", "/users/user/followers_synchronization", accept, http.StatusUnauthorized, "no-store", varyOnSignature)
		check("GET", "/inbox", accept, http.StatusMethodNotAllowed, "no-store", "")
		check("POST", "/users/user", accept, http.StatusMethodNotAllowed, "no-store", "")
	}
	check("GET", "/posts/example.com/gone/", acceptAS, http.StatusGone, "public, max-age=180, stale-if-error=86400", varies)
	check("GET", "/posts/example.com/gone/", acceptBrowser, http.StatusGone, "no-store", varies)

	x := newStranger(t, d, "a.example", "alice")
	d.followedBy(x, store.FollowerAccepted)
	w := x.get(t, d, private)
	if h := w.Header(); w.Code != http.StatusOK || h.Get("Cache-Control") != "private, max-age=180" || h.Get("Vary") != varyOnSignature {
		t.Errorf("for a follower: %d %v", w.Code, h)
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	check("GET", "/posts/example.com/a/", acceptAS, http.StatusServiceUnavailable, "no-store", varies)
	check("GET", "/users/user", acceptAS, http.StatusOK, "public, max-age=300, stale-if-error=86400", varies)
	d.open()
}

// TestTagPageShowsNoDeletedPost: which posts have a hashtag is looked up once a minute, what they are each time.
func TestTagPageShowsNoDeletedPost(t *testing.T) {
	d := published(t, "example.com/a/")
	d.tagged("example.com/tagged/")
	if w := d.ask("GET", "/tags/Go", acceptAS); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	post := d.post("example.com/tagged/")
	if _, err := d.s.Delete(post.ID); err != nil {
		t.Fatal(err)
	}
	for _, accept := range []string{acceptAS, acceptBrowser} {
		if w := d.ask("GET", "/tags/Go", accept); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), post.ID) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// TestKeptFollowsTheActor: the actor that is served is another one a moment after the store has the change.
func TestKeptFollowsTheActor(t *testing.T) {
	d := newDaemon(t)
	if got := d.actorNow().MovedTo; got != "" {
		t.Fatal(got)
	}
	d.s.living.now.Store(d.s.makePerson(store.Presence{Move: &store.Move{Target: homeActor}}))
	if got := d.actorNow().MovedTo; got != homeActor {
		t.Errorf("movedTo is %q", got)
	}
}
