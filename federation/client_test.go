package federation

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// server puts a handler on the network and returns the requests it got.
func (d *daemon) server(host string, h http.HandlerFunc) *[]*http.Request {
	var got []*http.Request
	d.net.handle(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r)
		h(w, r)
	}))
	return &got
}

func TestPost(t *testing.T) {
	d := newDaemon(t)
	var body []byte
	got := d.server("a.example", func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "busy\n\x1b[31m now "+strings.Repeat("x", 5000))
	})
	const activity = `{"id":"https://fedi.example.com/activities/1"}`
	a, err := d.s.client.post(t.Context(), "https://a.example/users/al%20ice/inbox?x=1", []byte(activity))
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != 503 || a.RetryAfter != 2*time.Minute || !strings.HasPrefix(a.Snippet, "busy [31m now xxx") || len(a.Snippet) > maxSnippet {
		t.Errorf("%+v", a)
	}
	r := (*got)[0]
	if string(body) != activity {
		t.Errorf("body %q", body)
	}
	if err := plainVerify(r, body, &testKey().PublicKey); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/activity+json", "User-Agent": "crier/test (+https://fedi.example.com)",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(r.Header.Get("Signature"), `keyId="https://fedi.example.com/users/user#main-key"`) {
		t.Error(r.Header.Get("Signature"))
	}
}

func TestPostFollowsNoRedirect(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		d := newDaemon(t)
		got := d.server("a.example", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://a.example/other", code)
		})
		a, err := d.s.client.post(t.Context(), "https://a.example/inbox", []byte("{}"))
		if err != nil || a.Status != code || len(*got) != 1 {
			t.Errorf("%d: %+v, %v, %d requests", code, a, err, len(*got))
		}
	}
}

func TestPostRefusesAddresses(t *testing.T) {
	d := newDaemon(t)
	for _, inbox := range []string{
		"", "inbox", "ftp://a.example/inbox", "http://a.example/inbox", "https:///inbox", "https://user:pass@a.example/inbox",
		"javascript:alert(1)", "https://a.example/" + strings.Repeat("x", maxAddress), "https://a.example/\n",
	} {
		if _, err := d.s.client.post(t.Context(), inbox, []byte("{}")); err == nil {
			t.Errorf("%q: posted", inbox)
		}
	}
	for _, inbox := range []string{testBase + "/inbox", "https://FEDI.example.com:443/inbox", testBase + "/users/user/inbox#x"} {
		if _, err := d.s.client.post(t.Context(), inbox, []byte("{}")); !errors.Is(err, errSelf) {
			t.Errorf("%q: %v", inbox, err)
		}
	}
	d.s.client.allowHTTP = true
	d.server("a.example", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) })
	if a, err := d.s.client.post(t.Context(), "http://a.example/inbox", []byte("{}")); err != nil || a.Status != 202 {
		t.Error(a, err)
	}
}

func TestPostGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.server("a.example", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		_, err := d.s.client.post(t.Context(), "https://a.example/inbox", []byte("{}"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != attemptTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, "-5": 0, "soon": 0, "1e9": 0, "999999999": maxWait, "99999999999999999999": 0,
		"Thu, 01 Jan 2026 00:10:00 GMT": 10 * time.Minute, "Wed, 31 Dec 2025 00:00:00 GMT": 0, "Fri, 01 Jan 2100 00:00:00 GMT": maxWait,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// TestGet has what a fetched document must be.
func TestGet(t *testing.T) {
	typed := func(contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, body)
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/x" {
				http.Redirect(w, r, to, http.StatusFound)
				return
			}
			typed(typeActivity, `{"id":"`+to+`"}`)(w, r)
		}
	}
	loop := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }
	tests := []struct {
		name  string
		h     http.HandlerFunc
		want  wanted
		fails bool
	}{
		{"activity+json", typed("application/activity+json", `{}`), wantActor(), false},
		{"with a charset", typed("application/activity+json; charset=utf-8", `{}`), wantActor(), false},
		{"ld+json with the profile", typed(typeLD, `{}`), wantActor(), false},
		{"ld+json with several profiles", typed(`application/ld+json; profile="https://x.example https://www.w3.org/ns/activitystreams"`, `{}`), wantActor(), false},
		{"ld+json", typed("application/ld+json", `{}`), wantActor(), true},
		{"json", typed("application/json", `{}`), wantActor(), true},
		{"HTML", typed("text/html", `{}`), wantActor(), true},
		{"no type", typed("", `{}`), wantActor(), true},
		{"upload with a tail", typed("application/activity+jsonx", `{}`), wantActor(), true},
		{"JRD", typed("application/jrd+json; charset=utf-8", `{}`), wantJRD(), false},
		{"JRD as json", typed("application/json", `{}`), wantJRD(), false},
		{"JRD as octets", typed("application/octet-stream", `{}`), wantJRD(), false},
		{"two values", typed(typeActivity, `{}{}`), wantActor(), true},
		{"cut", typed(typeActivity, `{"id":`), wantActor(), true},
		{"deep", typed(typeActivity, strings.Repeat("[", 100)+strings.Repeat("]", 100)), wantActor(), true},
		{"just not too long", typed(typeActivity, `"`+strings.Repeat("x", maxDocument-2)+`"`), wantActor(), false},
		{"too long", typed(typeActivity, `"`+strings.Repeat("x", maxDocument-1)+`"`), wantActor(), true},
		{"redirect", redirect("https://a.example/y"), wantActor(), false},
		{"redirect without a host", redirect("/y"), wantActor(), false},
		{"redirect to another host", redirect("https://b.example/y"), wantActor(), true},
		{"redirect of an object to another host", redirect("https://b.example/y"), wantObject(), false},
		{"redirect to http", redirect("http://a.example/y"), wantActor(), true},
		{"redirect to us", redirect(testBase + "/users/user"), wantObject(), true},
		{"redirect to nowhere", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) }, wantActor(), true},
		{"redirects without end", loop, wantActor(), true},
		{"404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, wantActor(), true},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, wantActor(), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			got := d.server("a.example", test.h)
			d.server("b.example", typed(typeActivity, `{"id":"https://b.example/y"}`))
			_, err := d.s.client.get(t.Context(), "https://a.example/x#fragment", test.want)
			if (err != nil) != test.fails {
				t.Errorf("error: %v", err)
			}
			if n := len(*got); n > maxRedirects+1 {
				t.Errorf("%d requests", n)
			}
			for _, r := range *got {
				if err := plainVerify(r, nil, &testKey().PublicKey); err != nil {
					t.Errorf("%s: %v", r.URL, err)
				}
				if r.Header.Get("Accept") != test.want.accept || r.Header.Get("User-Agent") == "" {
					t.Error(r.Header)
				}
			}
		})
	}
}

// TestObjectIsWhereItsIDSays has the rule about ids that every large server has.
func TestObjectIsWhereItsIDSays(t *testing.T) {
	docs := map[string]string{
		"/a":    `{"id":"https://a.example/a"}`,
		"/alt":  `{"id":"https://a.example/a"}`,
		"/b":    `{"id":"https://a.example/c"}`,
		"/c":    `{"id":"https://a.example/d"}`,
		"/evil": `{"id":"https://b.example/a"}`,
		"/none": `{}`,
		"/ld":   `{"@id":"https://a.example/ld"}`,
		"/esc ": `{"id":"https://a.example/esc "}`,
	}
	for path, want := range map[string]string{
		"/a": "https://a.example/a", "/alt": "https://a.example/a", "/ld": "https://a.example/ld", "/esc%20": "https://a.example/esc ",
		"/b": "", "/evil": "", "/none": "",
	} {
		d := newDaemon(t)
		got := d.server("a.example", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typeActivity)
			_, _ = io.WriteString(w, docs[r.URL.Path])
		})
		doc, err := d.s.client.object(t.Context(), "https://a.example"+path, wantObject())
		if doc.URL != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", path, doc.URL, err)
		}
		if n := len(*got); n > 2 {
			t.Errorf("%s: %d requests", path, n)
		}
	}
}

func TestGetGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.server("a.example", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		_, err := d.s.client.get(t.Context(), "https://a.example/x", wantActor())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != getTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
