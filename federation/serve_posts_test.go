package federation

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/store"
)

const umlautKey = "example.com/%C3%BCber/"

func TestPostPaths(t *testing.T) {
	d := published(t, "example.com/a/", umlautKey, "example.com/plain")
	for _, c := range []struct {
		target, key string // no key: not found
	}{
		{"/posts/example.com/a/", "example.com/a/"},
		{"/posts/example.com/a/?utm_source=x", "example.com/a/"},
		{"/posts/example.com/%61/", "example.com/a/"},
		{"/posts/example.com/plain", "example.com/plain"},
		{"/posts/" + umlautKey, umlautKey},
		{"/posts/example.com/%c3%bcber/", umlautKey},
		{"/posts/example.com/%c3%BCber/", umlautKey},
		{"/posts/example.com/a", ""},
		{"/posts/example.com/plain/", ""},
		{"/posts/EXAMPLE.com/a/", ""},
		{"/posts/example.com%2Fa/", ""},
		{"/posts/example.com/a/%20", ""},
		{"/posts/example.com//a/", ""},
		{"/posts//example.com/a/", ""},
		{"/posts/example.com/./a/", ""},
		{"/posts/example.com/b/../a/", ""},
		{"/posts/example.com/a/~2", ""},
	} {
		w := d.ask("GET", c.target, acceptAS)
		if c.key == "" {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d, want 404", c.target, w.Code)
			}
			continue
		}
		if want := string(d.post(c.key).Object); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d\n%s", c.target, w.Code, w.Body)
		}
	}
}

func TestCanonicalPath(t *testing.T) {
	for in, want := range map[string]string{
		"example.com/a/": "example.com/a/", "%c3%bc": "%C3%BC", "%7E2": "~2", "%41%2e": "A.", "%2f%3F": "%2F%3F",
		"%": "%", "a%2": "a%2", "%zz": "%ZZ", "%20": "%20", "%00": "%00",
	} {
		if got := canonicalPath(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestPostForBrowsers(t *testing.T) {
	d := published(t, "example.com/a/")
	w := d.ask("GET", "/posts/example.com/a/", acceptBrowser)
	if w.Code != http.StatusFound || w.Header().Get("Location") != entryURL("example.com/a/") || w.Header().Get("Vary") != "Accept" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestPostWithoutPage(t *testing.T) {
	d := published(t)
	c := noteCases()[5]
	c.info.Rendered.Attachments = noteCases()[1].info.Rendered.Attachments
	post, err := d.s.note(c.entry, c.fields, c.info)
	if err != nil {
		t.Fatal(err)
	}
	post.Listed = false
	d.store(post)
	w := d.ask("GET", "/posts/"+post.Path, acceptBrowser)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), c.info.Rendered.HTML) {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	if !strings.Contains(w.Body.String(), `<img class="media" src="https://example.com/a.png" alt="a cat">`) {
		t.Errorf("no picture:\n%s", w.Body)
	}
}

func TestDeletedPost(t *testing.T) {
	d := published(t, "example.com/a/")
	create := strings.TrimPrefix(d.post("example.com/a/").Create, testBase)
	if w := d.ask("GET", create, ""); w.Code != http.StatusOK {
		t.Fatalf("its Create: %d", w.Code)
	}
	d.remove("example.com/a/")
	d.publishDue()
	w := d.ask("GET", "/posts/example.com/a/", acceptAS)
	if w.Code != http.StatusGone || w.Header().Get("Content-Type") != typeActivity {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if want := d.post("example.com/a/").Object; w.Body.String() != string(want) || !strings.Contains(string(want), `"Tombstone"`) {
		t.Errorf("served %s", w.Body)
	}
	w = d.ask("GET", "/posts/example.com/a/", acceptBrowser)
	if w.Code != http.StatusGone || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("for a browser: %d %v", w.Code, w.Header())
	}
	for _, of := range []string{"/replies/", "/likes/", "/shares/"} {
		if w := d.ask("GET", of+"example.com/a/", ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", of, w.Code)
		}
	}
	if w := d.ask("GET", create, ""); w.Code != http.StatusGone {
		t.Errorf("its Create, with its text: %d", w.Code)
	}
	if n := d.object("/users/user/outbox?page=1")["totalItems"]; n != 0.0 {
		t.Errorf("the outbox still has %v", n)
	}
}

func TestUnknownPostDuringTheFirstPoll(t *testing.T) {
	d := newDaemon(t)
	targets := []string{"/posts/example.com/a/", "/replies/example.com/a/", "/posts?url=https://example.com/a/"}
	for _, target := range targets {
		for _, accept := range []string{acceptAS, acceptBrowser} {
			w := d.ask("GET", target, accept)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s before: %d %v", target, w.Code, w.Header())
			}
		}
	}
	d.add("example.com/b/", false, noon) // read, but not yet published
	if w := d.ask("GET", targets[0], ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("while posts are being made: %d", w.Code)
	}
	d.publishDue()
	for _, target := range targets {
		if w := d.ask("GET", target, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s after: %d", target, w.Code)
		}
	}
	if w := d.ask("GET", "/posts/example.com/b/", ""); w.Code != http.StatusOK {
		t.Errorf("the post that is there: %d", w.Code)
	}
}

func TestPostForFollowers(t *testing.T) {
	d := published(t)
	c := noteCases()[3]
	post, err := d.s.note(c.entry, c.fields, c.info)
	if err != nil {
		t.Fatal(err)
	}
	post.Listed, post.Tags = true, []string{"go"} // whatever the store says
	d.store(post)
	create := strings.TrimPrefix(post.Create, testBase)
	for _, target := range []string{"/posts/" + post.Path, "/replies/" + post.Path, "/likes/" + post.Path, create} {
		for _, accept := range []string{acceptAS, acceptBrowser} {
			if w := d.ask("GET", target, accept); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "1 &lt; 2") {
				t.Errorf("%s for %q: %d\n%s", target, accept, w.Code, w.Body)
			}
		}
	}
	if w := d.ask("GET", "/users/user", acceptBrowser); strings.Contains(w.Body.String(), post.URL) {
		t.Error("it stands on the profile")
	}
	if w := d.ask("GET", outbox+"?page=1", ""); strings.Contains(w.Body.String(), post.ID) {
		t.Error("it stands in the outbox")
	}
	if w := d.ask("GET", "/tags/go", ""); w.Code != http.StatusNotFound {
		t.Errorf("its hashtag tells of it: %d\n%s", w.Code, w.Body)
	}
}

func TestFindPost(t *testing.T) {
	d := published(t, "example.com/a/", umlautKey)
	for _, c := range []struct{ address, key string }{
		{"https://example.com/a/", "example.com/a/"},
		{"http://example.com/a/", "example.com/a/"},
		{"https://www.example.com/a/", "example.com/a/"},
		{"https://example.com/a", "example.com/a/"},
		{"HTTPS://Example.COM/a/", "example.com/a/"},
		{"https://example.com/a/%23top", "example.com/a/"},
		{"https://example.com/a/?utm_source=x", "example.com/a/"},
		{"+https://example.com/a/+", "example.com/a/"},
		{"https://example.com/%25C3%25BCber/", umlautKey},
	} {
		for _, path := range []string{"/posts", "/posts/"} {
			w := d.ask("GET", path+"?url="+c.address, "")
			if w.Code != http.StatusFound || w.Header().Get("Location") != testBase+"/posts/"+c.key {
				t.Errorf("%s: %d %v", c.address, w.Code, w.Header())
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: no CORS", c.address)
			}
		}
	}
	for target, status := range map[string]int{
		"/posts?url=https://example.com/b/": 404, "/posts?url=https://other.example/a/": 404, "/posts": 400, "/posts?url=": 400,
		"/posts?url=a": 400, "/posts?url=javascript:1": 400, "/posts?url=https:///a": 400,
	} {
		w := d.ask("GET", target, "")
		if w.Code != status || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d, want %d", target, w.Code, status)
		}
	}
}

func TestServedActivity(t *testing.T) {
	d := published(t, "example.com/a/")
	post := d.post("example.com/a/")
	w := d.ask("GET", strings.TrimPrefix(post.Create, testBase), acceptAS)
	stored, err := d.db.Activity(post.Create)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusOK || w.Body.String() != string(stored.Body) {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	accept := store.Activity{ID: testBase + "/activities/aaaaaaaaaaaaaaaaaaaaaaaaaa", Type: "Accept", Object: "https://b.example/f/1", Body: []byte(`{"a":1}`)}
	_, err = d.db.AddFollower(time.Now(), store.Follow{
		Follower: store.Follower{Actor: "https://b.example/users/b", Inbox: "https://b.example/inbox", State: store.FollowerAccepted},
		Answer:   &accept,
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := d.ask("GET", "/activities/aaaaaaaaaaaaaaaaaaaaaaaaaa", ""); w.Code != http.StatusOK {
		t.Errorf("an Accept: %d", w.Code)
	}
}
