package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"crier/internal/fedtest"
)

// TestSecureDaemon is a whole daemon in secure mode, whose posts are for the followers: they get them, with a word on
// who else follows from their server, and nobody else reads anything but who it is.
func TestSecureDaemon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.network, w.feed = "secure_mode = true", `visibility = "followers"`
	w.a.RequireSignedGET(true)
	w.blog.set(item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.start()
	found, err := w.a.Lookup(t.Context(), "user@blog.test")
	must(t, err)
	w.follow(w.a, "alice")
	w.follow(w.a, "anna")
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusUnauthorized })
	w.blog.set(item{"second", "Second", "Tue, 06 Jan 2026 10:00:00 GMT"}, item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.poll()
	got, err := w.a.WaitFor(t.Context(), func(a fedtest.Arrival) bool { return a.Type == "Create" })
	must(t, err)
	if told := got.Header.Get("Collection-Synchronization"); !got.Verified || !strings.Contains(told, `url="`+actorID+`/followers_synchronization"`) {
		t.Errorf("verified %v, told %q", got.Verified, told)
	}
	for url, want := range map[string]int{
		actorID: http.StatusOK, found.Outbox: http.StatusUnauthorized, found.Followers: http.StatusUnauthorized, postBase + "second/": http.StatusUnauthorized,
	} {
		if got := w.status(url); got != want {
			t.Errorf("%s, unsigned: %d, want %d", url, got, want)
		}
	}
	for url, want := range map[string]int{
		found.Outbox: http.StatusOK, actorID + "/followers_synchronization": http.StatusOK, postBase + "second/": http.StatusForbidden,
	} {
		f, err := w.a.Get(t.Context(), url, "application/activity+json")
		if err != nil || f.Status != want {
			t.Errorf("%s, signed by the other server: %d, %v, want %d", url, f.Status, err, want)
		}
		if strings.HasSuffix(url, "synchronization") && !strings.Contains(string(f.Body), `"orderedItems":["http://a.test/users/alice","http://a.test/users/anna"]`) {
			t.Errorf("%s", f.Body)
		}
	}
}

// TestCheckInSecureMode: crier check asks unsigned, as anybody may, and knows what the answer then has to be.
func TestCheckInSecureMode(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		visibility string
		secure     bool
		want       CheckState
	}{
		"open": {http.StatusOK, "public", false, CheckOK}, "open, secure": {http.StatusUnauthorized, "public", true, CheckOK},
		"refused": {http.StatusUnauthorized, "public", false, CheckWrong}, "followers": {http.StatusUnauthorized, "followers", false, CheckOK},
		"gone, secure": {http.StatusNotFound, "public", true, CheckWrong},
	} {
		w := newWorld(t)
		w.host("fedi.test", status(c.status, "application/activity+json", `{"id":"http://fedi.test/posts/blog.test/a/"}`))
		w.network = fmt.Sprintf("secure_mode = %t", c.secure)
		cfg := w.config()
		cfg.Network.Resolve["fedi.test"] = w.addr("fedi.test")
		it := newChecker(cfg, CheckOptions{Log: testLog(t)}).post(t.Context(), "http://fedi.test/posts/blog.test/a/", c.visibility)
		if it.State != c.want {
			t.Errorf("%s: %s %s", name, it.State, it.Text)
		}
	}
}
