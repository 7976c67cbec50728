package fedtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"crier/internal/fedtest"
)

// jrdFor answers every WebFinger query with one subject and self link.
func jrdFor(subject, self string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/webfinger" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"subject":"acct:%s","links":[{"rel":"self","type":"application/activity+json","href":%q}]}`, subject, self)
	}
}

func TestLookup(t *testing.T) {
	w := newWorld(t)
	// split.example names carol's handle; her actor lives at social.split.example.
	split := w.server(t, fedtest.Config{BaseURL: "https://social.split.example", Host: "split.example"})
	split.AddActor("carol")
	w.net.Handle("split.example", split)
	carol := "https://social.split.example/users/carol"
	w.net.Handle("alias.example", jrdFor("bob@b.example", bob))
	w.net.Handle("article.example", jrdFor("seb@article.example", bob)) // the article's second example
	w.net.Handle("slash.example", jrdFor("bob@b.example", bob+"/"))
	w.net.Handle("loop.example", jrdFor("x@alias.example", bob))
	w.net.Handle("gone.example", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }))
	w.net.Handle("meta.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/host-meta" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, `<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="https://b.example/.well-known/webfinger?resource={uri}"/></XRD>`)
	}))
	for _, c := range []struct{ ask, id, handle, err string }{
		{ask: "bob@b.example", id: bob, handle: "bob@b.example"},
		{ask: "@BOB@b.example", id: bob, handle: "bob@b.example"},
		{ask: "carol@split.example", id: carol, handle: "carol@split.example"},
		{ask: "carol@social.split.example", id: carol, handle: "carol@split.example"},
		{ask: "anything@alias.example", id: bob, handle: "bob@b.example"},
		{ask: "seb@article.example", id: bob, handle: "bob@b.example"},
		{ask: "bob@meta.example", err: "404"},                        // b.example does not know that name
		{ask: "bob@slash.example", id: bob, handle: "bob@b.example"}, // the confirming query decides
		{ask: "x@loop.example", err: "says it is x@alias.example, which says it is bob@b.example"},
		{ask: "x@gone.example", err: "410"},
		{ask: "nobody@b.example", err: "host-meta answers 404"},
		{ask: "b.example", err: "not a handle"},
		{ask: "x@nowhere.example", err: "no host nowhere.example"},
	} {
		t.Run(c.ask, func(t *testing.T) {
			got, err := w.a.Lookup(t.Context(), c.ask)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %+v, %v; want an error with %q", got, err, c.err)
				}
				return
			}
			if err != nil || got.ID != c.id || got.Handle != c.handle {
				t.Errorf("got %s as %s, %v", got.ID, got.Handle, err)
			}
		})
	}
}

// TestLookupWantsTheWayBack: an actor whose own host does not answer for it is not taken.
func TestLookupWantsTheWayBack(t *testing.T) {
	w := newWorld(t)
	w.b.OnRequest(nil)
	w.net.Handle("handle.example", jrdFor("bob@handle.example", bob))
	w.net.Handle("b.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			jrdFor("bob@handle.example", "https://b.example/users/bob")(rw, r)
			return
		}
		w.b.ServeHTTP(rw, r)
	}))
	got, err := w.a.Lookup(t.Context(), "bob@handle.example")
	if err != nil || got.Handle != "bob@handle.example" {
		t.Errorf("split handle: %+v %v", got, err)
	}
	w.net.Handle("b.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			jrdFor("bob@b.example", "https://b.example/users/Bob")(rw, r)
			return
		}
		w.b.ServeHTTP(rw, r)
	}))
	if _, err := w.a.Lookup(t.Context(), "bob@handle.example"); err == nil || !strings.Contains(err.Error(), "not to the actor's id") {
		t.Errorf("a way back that leads elsewhere: %v", err)
	}
	w.net.Handle("handle.example", jrdFor("bob@handle.example", bob+"?x"))
	if _, err := w.a.Lookup(t.Context(), "bob@handle.example"); err == nil {
		t.Error("an id that is not the address it came from was taken")
	}
}

func TestActorsThatSomeServerRefuses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		prop string
		to   any
	}{
		{"key list", "publicKey", []any{}},
		{"blog address as url", "url", "https://blog.example/"},
		{"inbox elsewhere", "inbox", "https://c.example/inbox"},
		{"no name", "preferredUsername", ""},
		{"no actor", "type", "Note"},
		{"another id", "id", bob + "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.b.AddActor("bob")
			w.b.SetProperty("bob", c.prop, c.to)
			if _, err := w.a.FetchActor(t.Context(), bob); err == nil {
				t.Error("was taken")
			}
		})
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	id := post(t, w.b, "bob", "hello")
	link := func(href string) string {
		return `<html><link rel="alternate" type="application/rss+xml" href="/feed">` + "\n<link\n href=\"" + href + `" type="application/activity+json" rel="alternate">`
	}
	for path, body := range map[string]string{"/right": link(id), "/other": link(id + "?x"), "/none": "<html>", "/relative": link("/x")} {
		w.net.Handle(strings.Trim(path, "/")+".example", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, body)
		}))
	}
	w.net.Handle("moved.example", http.RedirectHandler(id, http.StatusFound))
	for _, c := range []struct {
		page string
		ok   bool
	}{{"https://right.example/", true}, {"https://moved.example/", true}, {id, true}, {"https://other.example/", false}, {"https://none.example/", false}, {"https://relative.example/", false}} {
		doc, err := w.a.Search(t.Context(), c.page)
		if (err == nil) != c.ok || c.ok && doc["id"] != id {
			t.Errorf("%s: %v %v", c.page, doc["id"], err)
		}
	}
}

// TestNegotiation: who does not ask for ActivityPub gets a page, and what is not ActivityPub is not taken.
func TestNegotiation(t *testing.T) {
	w := newWorld(t)
	for accept, want := range map[string]string{
		"text/html": "text/html", "": "text/html", "application/activity+json": "application/activity+json",
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`: "application/activity+json",
	} {
		f, err := w.a.Get(t.Context(), bob, accept)
		if err != nil || !strings.HasPrefix(f.Header.Get("Content-Type"), want) {
			t.Errorf("%q: %s %v", accept, f.Header.Get("Content-Type"), err)
		}
	}
	w.net.Handle("json.example", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprint(rw, `{"id":"https://json.example/x"}`)
	}))
	if _, err := w.a.GetObject(t.Context(), "https://json.example/x"); err == nil || !strings.Contains(err.Error(), "application/json") {
		t.Errorf("plain JSON: %v", err)
	}
}
