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

// TestLookupOfSplitDomains: others have their handles on other hosts than their actors, too, in each of the ways.
func TestLookupOfSplitDomains(t *testing.T) {
	const id = "https://fedi.a.example/users/alice"
	const jrd, xrd, octets, page = "application/jrd+json", "application/xrd+xml", "application/octet-stream", "text/html"
	here := map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", id}, "acct:alice@fedi.a.example": {"acct:alice@a.example", id}}
	meta := func(template string) string {
		return `<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="x" template="https://x.example/{uri}"/>` +
			`<Link rel="lrdd" type="application/xrd+xml" template="` + template + `"/></XRD>`
	}
	fedi := meta("https://fedi.a.example/.well-known/webfinger?resource={uri}")
	type file struct{ typ, body string }
	for name, c := range map[string]struct {
		files map[string]file // at a.example; nothing: 404
		to    string          // or everything sent on
		found bool
	}{
		"redirect":                     {to: "https://fedi.a.example", found: true},
		"host-meta":                    {files: map[string]file{pathMeta: {xrd, fedi}}, found: true},
		"host-meta as XML":             {files: map[string]file{pathMeta: {"text/xml; charset=utf-8", fedi}}, found: true},
		"a page for everything":        {files: map[string]file{pathFinger: {page, "<html>"}, pathMeta: {xrd, fedi}}, found: true},
		"a file of no type":            {files: map[string]file{pathFinger: {octets, `{"subject":"acct:alice@a.example","links":[{"rel":"self","type":"` + typeActivity + `","href":"` + id + `"}]}`}}, found: true},
		"host-meta as octets":          {files: map[string]file{pathMeta: {octets, fedi}}},
		"host-meta that is none":       {files: map[string]file{pathMeta: {xrd, "<html>"}}},
		"host-meta without template":   {files: map[string]file{pathMeta: {xrd, meta("https://fedi.a.example/")}}},
		"host-meta over http":          {files: map[string]file{pathMeta: {xrd, meta("http://fedi.a.example/.well-known/webfinger?resource={uri}")}}},
		"host-meta to a file":          {files: map[string]file{pathMeta: {xrd, meta("file:///etc/passwd?{uri}")}}},
		"host-meta to us":              {files: map[string]file{pathMeta: {xrd, meta(testBase + "/.well-known/webfinger?resource={uri}")}}},
		"nothing":                      {},
		"two names that do not agree":  {files: map[string]file{pathFinger: {jrd, `{"subject":"acct:alice@b.example","links":[{"rel":"self","type":"` + typeActivity + `","href":"` + id + `"}]}`}}},
		"a subject that is no handle":  {files: map[string]file{pathFinger: {jrd, `{"subject":"alice","links":[{"rel":"self","type":"` + typeActivity + `","href":"` + id + `"}]}`}}},
		"a link that is not the actor": {files: map[string]file{pathFinger: {jrd, `{"subject":"acct:alice@a.example","links":[{"rel":"self","type":"text/html","href":"` + id + `"}]}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			x := newStranger(t, d, "fedi.a.example", "alice")
			x.instead(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == pathFinger {
					jrdServer(t, here)(w, r)
					return
				}
				x.documents(w, r)
			})
			d.net.handle("a.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				f, ok := c.files[r.URL.Path]
				switch {
				case c.to != "":
					http.Redirect(w, r, c.to+r.URL.RequestURI(), http.StatusFound)
				case !ok:
					http.NotFound(w, r)
				default:
					w.Header().Set("Content-Type", f.typ)
					_, _ = w.Write([]byte(f.body))
				}
			}))
			doc, got, err := d.s.Lookup(t.Context(), "alice@a.example")
			if c.found != (err == nil) || c.found && got != id {
				t.Fatalf("%q, %v", got, err)
			}
			if !c.found {
				return
			}
			if handle, err := d.s.Handle(t.Context(), doc); handle != "alice@a.example" {
				t.Errorf("the handle is %q, %v", handle, err)
			}
		})
	}
}

// TestHandle: an actor's handle is the one that leads back to it. What the actor says alone proves nothing.
func TestHandle(t *testing.T) {
	const id = "https://fedi.a.example/users/alice"
	own := [2]string{"acct:alice@fedi.a.example", id}
	for name, c := range map[string]struct {
		webfinger string               // FEP-2c59, in the actor
		atApex    map[string][2]string // what a.example answers
		atHost    map[string][2]string // what fedi.a.example answers
		want      string
	}{
		"at its host":            {"", nil, map[string][2]string{"acct:alice@fedi.a.example": own}, "alice@fedi.a.example"},
		"on another domain":      {"", map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", id}}, map[string][2]string{"acct:alice@fedi.a.example": {"acct:alice@a.example", id}}, "alice@a.example"},
		"as it says":             {"alice@a.example", map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", id}}, nil, "alice@a.example"},
		"as it says, with acct":  {"acct:alice@a.example", map[string][2]string{"acct:alice@a.example": {"acct:alice@a.example", id}}, nil, "alice@a.example"},
		"of another":             {"bob@a.example", map[string][2]string{"acct:bob@a.example": {"acct:bob@a.example", "https://a.example/users/bob"}}, map[string][2]string{"acct:alice@fedi.a.example": own}, "alice@fedi.a.example"},
		"that is none":           {"https://a.example", nil, map[string][2]string{"acct:alice@fedi.a.example": own}, "alice@fedi.a.example"},
		"that only it knows":     {"", nil, map[string][2]string{"acct:alice@fedi.a.example": {"acct:alice@a.example", id}}, ""},
		"that leads to another":  {"", nil, map[string][2]string{"acct:alice@fedi.a.example": {"acct:alice@fedi.a.example", id + "2"}}, ""},
		"that nobody knows":      {"alice@a.example", nil, nil, ""},
		"that leads on and on":   {"", map[string][2]string{"acct:alice@a.example": {"acct:alice@fedi.a.example", id}}, map[string][2]string{"acct:alice@fedi.a.example": {"acct:alice@a.example", id}}, ""},
		"in capitals, as served": {"", nil, map[string][2]string{"acct:alice@fedi.a.example": {"acct:Alice@fedi.a.example", id}}, "Alice@fedi.a.example"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			d.server("a.example", jrdServer(t, c.atApex))
			x := newStranger(t, d, "fedi.a.example", "alice")
			x.bend(func(doc map[string]any) { doc["webfinger"] = c.webfinger })
			x.instead(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == pathFinger {
					jrdServer(t, c.atHost)(w, r)
					return
				}
				x.documents(w, r)
			})
			doc, _, err := d.s.Lookup(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := d.s.Handle(t.Context(), doc); got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
