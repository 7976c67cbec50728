package federation

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// jrdServer serves WebFinger: what is asked for, with the subject that is answered and the actor.
func jrdServer(t *testing.T, answers map[string][2]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/webfinger" {
			http.NotFound(w, r)
			return
		}
		if !strings.HasPrefix(r.URL.RawQuery, "resource=acct:") || strings.Contains(r.URL.RawQuery, "%40") {
			t.Errorf("query %q", r.URL.RawQuery)
		}
		a, ok := answers[r.URL.Query().Get("resource")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		serveJSON(w, typeJRD, map[string]any{"subject": a[0], "links": []map[string]string{
			{"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": "https://a.example/@alice"},
			{"rel": "self", "type": "text/html", "href": "https://a.example/html"},
			{"rel": "self", "type": typeActivity, "href": a[1]},
		}})
	}
}

func TestLookup(t *testing.T) {
	const id = "https://fedi.a.example/users/alice"
	tests := []struct {
		what    string
		answers map[string][2]string // at a.example; the actor is at fedi.a.example
		want    string
	}{
		{"alice@a.example", map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", id}}, id},
		{"@alice@A.Example", map[string][2]string{"acct:alice@a.example": {"acct:Alice@a.example", id}}, id},
		{"acct:alice@a.example", map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", id}}, id},
		{" " + id, nil, id},
		{id + "#main-key", nil, id},
		{"old@a.example", map[string][2]string{
			"acct:old@a.example": {"acct:alice@a.example", id}, "acct:alice@a.example": {"acct:alice@a.example", id},
		}, id},
		{"old@a.example", map[string][2]string{
			"acct:old@a.example": {"acct:alice@a.example", id}, "acct:alice@a.example": {"acct:third@a.example", id},
		}, ""},
		{"old@a.example", map[string][2]string{
			"acct:old@a.example": {"acct:alice@a.example", id}, "acct:alice@a.example": {"acct:alice@a.example", "https://fedi.a.example/users/bob"},
		}, ""},
		{"alice@a.example", map[string][2]string{"acct:alice@a.example": {"acct:alice@b.example", id}}, ""},
		{"alice@a.example", nil, ""},
		{"alice@a.example", map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", "https://fedi.a.example/users/nobody"}}, ""},
		{"alice@a.example", map[string][2]string{"acct:alice@a.example": {"", id}}, ""},
		{"alice", nil, ""}, {"alice@", nil, ""}, {"@a.example", nil, ""}, {"alice@a.example/x", nil, ""},
		{"alice@a.example@b.example", nil, ""}, {"", nil, ""}, {"ftp://a.example/x", nil, ""},
		{testBase + "/users/user", nil, ""}, {"http://fedi.a.example/users/alice", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			d := newDaemon(t)
			d.server("a.example", jrdServer(t, test.answers))
			newStranger(t, d, "fedi.a.example", "alice")
			doc, got, err := d.s.Lookup(t.Context(), test.what)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%q, %v", got, err)
			}
			if err == nil && idOf(doc) != test.want {
				t.Errorf("%s", doc)
			}
		})
	}
}

func TestLookupOfAnInternationalName(t *testing.T) {
	d := newDaemon(t)
	const id = "https://xn--bcher-kva.example/users/alice"
	x := newStranger(t, d, "xn--bcher-kva.example", "alice")
	x.instead(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/users/alice" {
			x.documents(w, r)
			return
		}
		jrdServer(t, map[string][2]string{"acct:alice@xn--bcher-kva.example": {"acct:alice@xn--bcher-kva.example", id}})(w, r)
	})
	if _, got, err := d.s.Lookup(t.Context(), "alice@Bücher.example"); got != id {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add("@alice@a.example")
	f.Add("acct:a@b:8080")
	f.Fuzz(func(t *testing.T, handle string) {
		user, host, err := parseHandle(handle)
		if err != nil {
			return
		}
		if user == "" || host == "" || strings.ContainsAny(user+host, "@/?#% \t\r\n") {
			t.Errorf("%q: %q at %q", handle, user, host)
		}
	})
}

// The owner asks for the account itself, to see whether the blog's host sends the question on.
func TestLookupOfOurselves(t *testing.T) {
	d := newDaemon(t)
	d.net.handle("fedi.example.com", d.s.Handler())
	d.net.handle("example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, testBase+r.URL.RequestURI(), http.StatusFound)
	}))
	for _, what := range []string{"user@example.com", "@user@example.com", "user@fedi.example.com", testBase + "/users/user"} {
		doc, id, err := d.s.Lookup(t.Context(), what)
		if err != nil || id != testBase+"/users/user" || !strings.Contains(string(doc), "publicKey") {
			t.Errorf("%s: %q %v", what, id, err)
		}
	}
	// A stranger's request still makes us ask ourselves nothing.
	if _, err := d.s.client.get(t.Context(), testBase+"/users/user", wantActor()); !errors.Is(err, errSelf) {
		t.Errorf("the daemon's own client: %v", err)
	}
}
