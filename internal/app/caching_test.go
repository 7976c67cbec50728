package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestCachePolicy asks a whole daemon for every address of its public surface, as a server and as a browser would, and
// says who may keep the answer. docs/caching.md says the same in words.
func TestCachePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blog.set(item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.start()
	const server, browser = "application/activity+json", "text/html,application/xhtml+xml,*/*;q=0.8"
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })
	w.eventually("its end", func() bool { return w.status(postBase+"none/") == http.StatusNotFound })
	media := filepath.Join(w.dir, "data", mediaFolder)
	const picture = "0123456789abcdef0123456789abcdef.png"
	must(t, os.MkdirAll(media, 0o700))
	must(t, os.WriteFile(filepath.Join(media, picture), []byte("\x89PNG\r\n\x1a\n"), 0o600))
	const (
		none       = "no-store"
		discovery  = "public, max-age=3600, stale-while-revalidate=600, stale-if-error=86400"
		actor      = "public, max-age=300, stale-if-error=86400"
		post       = "public, max-age=180, stale-if-error=86400"
		collection = "public, max-age=60, stale-if-error=86400" // a page, too
		forever    = "public, max-age=31536000, immutable"
	)
	h := w.daemon.handler()
	for _, c := range []struct {
		target, accept string
		status         int
		cache, vary    string
	}{
		{"/.well-known/webfinger?resource=acct:user@blog.test", server, 200, discovery, ""},
		{"/.well-known/webfinger?resource=acct:none@blog.test", server, 404, none, "Accept"},
		{"/.well-known/host-meta", server, 200, discovery, ""},
		{"/.well-known/nodeinfo", server, 200, discovery, ""},
		{"/nodeinfo/2.1", server, 200, actor, ""},
		{"/nodeinfo/2.0", server, 200, actor, ""},
		{"/users/user", server, 200, actor, "Accept"},
		{"/users/user", browser, 200, collection, "Accept"},
		{"/users/user/inbox", server, 405, none, ""},
		{"/inbox", server, 405, none, ""},
		{"/users/user/outbox", server, 200, collection, ""},
		{"/users/user/outbox?page=1", server, 200, collection, ""},
		{"/users/user/followers", server, 200, collection, ""},
		{"/users/user/followers?page=1", server, 200, collection, ""},
		{"/users/user/following", server, 200, collection, ""},
		{"/users/user/collections/featured", server, 200, collection, ""},
		{"/posts/blog.test/first/", server, 200, post, "Accept"},
		{"/posts/blog.test/first/", browser, 302, collection, "Accept"},
		{"/posts/blog.test/none/", server, 404, none, "Accept"},
		{"/replies/blog.test/first/", server, 200, collection, ""},
		{"/replies/blog.test/first/?page=1", server, 200, collection, ""},
		{"/likes/blog.test/first/", server, 200, collection, ""},
		{"/shares/blog.test/first/", server, 200, collection, ""},
		{"/posts?url=http://blog.test/first/", server, 302, collection, "Accept"},
		{"/posts?url=http://blog.test/none/", server, 404, none, "Accept"},
		{"/", browser, 302, collection, ""},
		{"/healthz", server, 200, none, ""},
		{"/readyz", server, 200, none, ""},
		{"/hook", server, 405, none, ""},
		{"/media/" + picture, server, 200, forever, ""},
		{"/media/none", server, 404, none, ""},
		{"/websub/none", server, 404, none, ""},
		{"/anything", server, 404, none, "Accept"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.target, nil)
		r.Header.Set("Accept", c.accept)
		for range 2 { // what is kept is answered like what is not
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			if got.Code != c.status || got.Header().Get("Cache-Control") != c.cache || got.Header().Get("Vary") != c.vary {
				t.Errorf("%s for %s: %d, Cache-Control %q, Vary %q", c.target, c.accept, got.Code, got.Header().Get("Cache-Control"), got.Header().Get("Vary"))
			}
			if got.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s sets a cookie", c.target)
			}
		}
	}
}
