package federation

import (
	"context"
	"crier/content"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/store"
)

const (
	acceptAS      = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json`
	acceptBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
)

// ask sends a request to the account's public routes. The target is taken as it stands, so that odd paths
// arrive as a client sent them.
func (d *daemon) ask(method, target, accept string) *httptest.ResponseRecorder {
	d.t.Helper()
	return askHandler(d.s.Handler(), method, target, accept)
}

func askHandler(h http.Handler, method, target, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// object gets a document as ActivityPub and decodes it.
func (d *daemon) object(target string) map[string]any {
	d.t.Helper()
	w := d.ask("GET", target, acceptAS)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != typeActivity {
		d.t.Fatalf("GET %s: %d %s\n%s", target, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		d.t.Fatalf("GET %s: %v", target, err)
	}
	return v
}

// published is a daemon whose feed was read, with posts of the given keys.
func published(t testing.TB, keys ...string) *daemon {
	t.Helper()
	d := newDaemon(t)
	d.firstPoll()
	for i, key := range keys {
		d.add(key, false, noon.Add(time.Duration(i)*time.Minute))
	}
	d.publishDue()
	return d
}

func (d *daemon) publishDue() {
	d.t.Helper()
	if _, err := d.s.PublishDue(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

// firstPoll records that the feed was read, and was empty.
func (d *daemon) firstPoll() {
	d.t.Helper()
	err := d.db.RecordPoll(store.Poll{Feed: store.Feed{URL: testFeed, LastPoll: noon, FirstRead: noon}})
	if err != nil {
		d.t.Fatal(err)
	}
}

// readRoutes are all addresses that answer a GET, with what they answer it with.
func readRoutes() []struct {
	target, typ, htmlType string
	htmlStatus            int
} {
	const page, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	const xrd, plain = "application/xrd+xml", "application/json"
	const html, redirected = http.StatusOK, http.StatusFound
	return []struct {
		target, typ, htmlType string
		htmlStatus            int
	}{
		{"/.well-known/webfinger?resource=acct:user@example.com", typeJRD, typeJRD, html},
		{"/.well-known/host-meta", xrd, xrd, html},
		{"/.well-known/nodeinfo", plain, plain, html},
		{"/nodeinfo/2.1", plain, plain, html},
		{"/nodeinfo/2.0", plain, plain, html},
		{"/users/user", typeActivity, page, html},
		{"/users/user/outbox", typeActivity, typeActivity, html},
		{"/users/user/outbox?page=1", typeActivity, typeActivity, html},
		{"/users/user/followers", typeActivity, typeActivity, html},
		{"/users/user/followers?page=1", typeActivity, typeActivity, html},
		{"/users/user/following", typeActivity, typeActivity, html},
		{"/users/user/following?page=1", typeActivity, typeActivity, html},
		{"/users/user/collections/featured", typeActivity, typeActivity, html},
		{"/posts/example.com/a/", typeActivity, text, redirected},
		{"/replies/example.com/a/", typeActivity, typeActivity, html},
		{"/replies/example.com/a/?page=1", typeActivity, typeActivity, html},
		{"/likes/example.com/a/", typeActivity, typeActivity, html},
		{"/shares/example.com/a/", typeActivity, typeActivity, html},
		{"/tags/Go", typeActivity, page, html},
	}
}

// tagged adds a post with the hashtag #Go to what was published.
func (d *daemon) tagged(key string) {
	d.t.Helper()
	post, err := d.s.note(store.Entry{Key: key, Generation: 1, URL: entryURL(key), Date: noon}, noteCases()[1].fields,
		postInfo{Rendered: noteCases()[1].info.Rendered, Visibility: visibilityPublic})
	if err != nil {
		d.t.Fatal(err)
	}
	post.Tags, post.URL = append(post.Tags, "go"), entryURL(key)
	d.store(post)
}

// store writes a post as it is, as one that no entry stands behind.
func (d *daemon) store(post store.Post) {
	d.t.Helper()
	post.Entry = ""
	a, err := d.s.activity("Create", post, "")
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.db.Publish(time.Now(), store.Publication{Post: post, Activity: a}); err != nil {
		d.t.Fatal(err)
	}
}

func TestNegotiatedRoutes(t *testing.T) {
	d := published(t, "example.com/a/")
	d.tagged("example.com/tagged/")
	for _, c := range readRoutes() {
		for _, accept := range []string{"", "*/*", acceptAS, "application/json", "text/html;q=0.1, " + acceptAS, "image/png"} {
			w := d.ask("GET", c.target, accept)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != c.typ {
				t.Errorf("%s for %q: %d %q", c.target, accept, w.Code, w.Header().Get("Content-Type"))
			}
			d.checkRead(t, c.target, accept, w)
		}
		w := d.ask("GET", c.target, acceptBrowser)
		if w.Code != c.htmlStatus || w.Header().Get("Content-Type") != c.htmlType {
			t.Errorf("%s for a browser: %d %q", c.target, w.Code, w.Header().Get("Content-Type"))
		}
		if c.htmlType != c.typ && w.Header().Get("Vary") != "Accept" {
			t.Errorf("%s for a browser: Vary %q", c.target, w.Header().Get("Vary"))
		}
	}
}

// checkRead checks what holds for the 200 of every address that is read.
func (d *daemon) checkRead(t *testing.T, target, accept string, w *httptest.ResponseRecorder) {
	t.Helper()
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: header %v", target, h)
	}
	if !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") || h.Get("Set-Cookie") != "" {
		t.Errorf("%s: header %v", target, h)
	}
	head := d.ask("HEAD", target, accept)
	if head.Code != w.Code || head.Body.Len() > 0 || head.Header().Get("Content-Length") != h.Get("Content-Length") {
		t.Errorf("HEAD %s: %d, %d bytes, header %v", target, head.Code, head.Body.Len(), head.Header())
	}
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept", accept)
	r.Header.Set("If-None-Match", h.Get("ETag"))
	again := httptest.NewRecorder()
	d.s.Handler().ServeHTTP(again, r)
	if again.Code != http.StatusNotModified || again.Header().Get("Vary") != h.Get("Vary") {
		t.Errorf("%s asked for again: %d %v", target, again.Code, again.Header())
	}
}

func TestMethods(t *testing.T) {
	d := published(t, "example.com/a/")
	for _, c := range readRoutes() {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			w := d.ask(method, c.target, "")
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: %d, Allow %q", method, c.target, w.Code, w.Header().Get("Allow"))
			}
		}
		w := d.ask("OPTIONS", c.target, "")
		if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("OPTIONS %s: %d %v", c.target, w.Code, w.Header())
		}
	}
	for _, inbox := range []string{"/inbox", "/users/user/inbox"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} {
			w := d.ask(method, inbox, "")
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, Allow %q", method, inbox, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := d.ask("POST", inbox, ""); w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotFound {
			t.Errorf("POST %s: %d", inbox, w.Code)
		}
	}
}

func TestUnknownAddresses(t *testing.T) {
	d := published(t)
	for _, target := range []string{
		"/x", "/users/other", "/users/user/", "/users/", "/users%2Fuser", "//users/user", "/users/user/x", "/posts/x", "/posts/example.com/a/",
		"/posts/../users/user", "/replies/x", "/likes/x", "/shares/x", "/activities/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/activities/",
		"/activities/a/b", "/tags/", "/tags/none", "/tags/%FF", "/nodeinfo/1.0", "/.well-known/",
	} {
		for _, accept := range []string{"", acceptBrowser} {
			w := d.ask("GET", target, accept)
			if w.Code != http.StatusNotFound || w.Header().Get("Location") != "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s for %q: %d %v", target, accept, w.Code, w.Header())
			}
		}
	}
}

func TestRoot(t *testing.T) {
	w := published(t).ask("GET", "/", acceptBrowser)
	if w.Code != http.StatusFound || w.Header().Get("Location") != testBase+"/users/user" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestServedActor(t *testing.T) {
	d := published(t)
	if w := d.ask("GET", "/users/user", acceptAS); w.Body.String() != string(d.s.Actor()) {
		t.Errorf("served %s", w.Body)
	}
}

func TestNodeInfo(t *testing.T) {
	d := published(t, "example.com/a/", "example.com/b/")
	d.add("example.com/new/", false, time.Now().AddDate(0, -2, 0))
	d.publishDue()
	var links struct{ Links []struct{ Rel, Href string } }
	decode(t, d.ask("GET", "/.well-known/nodeinfo", ""), &links)
	if len(links.Links) != 2 || !strings.HasSuffix(links.Links[0].Rel, "/2.1") || !strings.HasSuffix(links.Links[1].Rel, "/2.0") {
		t.Fatalf("links %+v", links)
	}
	for i, version := range []string{"2.1", "2.0"} {
		target, ours := strings.CutPrefix(links.Links[i].Href, testBase)
		if !ours {
			t.Fatalf("link to %s", links.Links[i].Href)
		}
		var n nodeInfo
		decode(t, d.ask("GET", target, ""), &n)
		if n.Version != version || n.Software.Name != "crier" || !slices.Equal(n.Protocols, []string{"activitypub"}) {
			t.Errorf("%+v", n)
		}
		want := nodeUsage{Users: nodeUsers{Total: 1, ActiveHalfyear: 1}, LocalPosts: 3}
		if n.Usage != want {
			t.Errorf("usage %+v, want %+v", n.Usage, want)
		}
	}
}

func decode(t *testing.T, w *httptest.ResponseRecorder, v any) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%d\n%s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatalf("%v\n%s", err, w.Body)
	}
}

func TestFirstPollsDone(t *testing.T) {
	d := newDaemon(t)
	if d.s.FirstPollsDone() {
		t.Error("done before any feed was read")
	}
	d.add("example.com/a/", false, noon)
	if d.s.FirstPollsDone() {
		t.Error("done before the first entries have their posts")
	}
	d.publishDue()
	if !d.s.FirstPollsDone() {
		t.Error("not done when all have their posts")
	}
	d.add("example.com/b/", false, noon)
	if !d.s.FirstPollsDone() {
		t.Error("it changed back")
	}
	d.publishDue()
}

func TestFirstPollsDoneOfEveryFeed(t *testing.T) {
	d := newDaemon(t)
	d.s.cfg.Feeds["https://example.com/other.xml"] = content.Style{}
	d.firstPoll()
	if d.s.FirstPollsDone() {
		t.Error("done although one feed was never read")
	}
	if err := d.db.RecordPoll(store.Poll{Feed: store.Feed{URL: "https://example.com/other.xml", FirstRead: noon}}); err != nil {
		t.Fatal(err)
	}
	d.announce("example.com/news/") // what goes to the followers is no part of a first poll
	if !d.s.FirstPollsDone() {
		t.Error("not done when both were read")
	}
	d.publishDue()
}

func TestReady(t *testing.T) {
	d := newDaemon(t)
	if err := d.db.CreateAccount(store.Account{BaseURL: testBase, Handle: "user@example.com", PrivateKey: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if !d.s.Ready() {
		t.Error("not ready with a good store")
	}
}

// TestFirstPollsDoneDespiteAnImpossibleEntry: one entry that can never become a post must not make all
// unknown ids 503 for ever.
func TestFirstPollsDoneDespiteAnImpossibleEntry(t *testing.T) {
	d := newDaemon(t)
	d.firstPoll()
	d.putFields(store.Entry{
		Key: "example.com/a/", Feed: testFeed, GUID: "a", Date: noon, State: store.EntryNew, Generation: 1,
		Todo: store.TodoCreate, Due: time.Now(),
	}, []byte("no JSON"))
	if d.s.FirstPollsDone() {
		t.Error("done before it was tried")
	}
	d.publishDue()
	if !d.s.FirstPollsDone() {
		t.Error("not done after it was left out")
	}
}
