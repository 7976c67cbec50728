package demo

import (
	"context"
	"encoding/xml"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func testSite(t *testing.T) (*site, func(path string, header ...string) *httptest.ResponseRecorder) {
	t.Helper()
	s, err := newSite("http://blog.localhost:4000", "http://fedi.localhost:4001", "blog@blog.localhost:4000")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, slug := range []string{"first-light", "tide-table", "sea-fog"} {
		if _, err := s.add(slug, now); err != nil {
			t.Fatal(err)
		}
	}
	h := s.routes()
	return s, func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://blog.localhost:4000"+path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
}

func TestPages(t *testing.T) {
	s, get := testSite(t)
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/", 200, "Sea fog, and how to walk in it"},
		{"/2026/sea-fog/", 200, `<link rel="alternate" type="application/activity+json" href="http://fedi.localhost:4001/posts/blog.localhost:4000/2026/sea-fog/">`},
		{"/2026/sea-fog/", 200, `<img src="/fog.png" alt="Pale hills`},
		{"/2025/sea-fog/", 404, ""},
		{"/2026/none/", 404, ""},
		{"/style.css", 200, "body"},
		{"/nothing.png", 404, ""},
	} {
		w := get(c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s answers %d %s", c.path, w.Code, w.Body)
		}
	}
	w := get("/.well-known/webfinger?resource=acct:blog@blog.localhost:4000")
	if got := w.Header().Get("Location"); w.Code != 302 || got != "http://fedi.localhost:4001/.well-known/webfinger?resource=acct:blog@blog.localhost:4000" {
		t.Errorf("webfinger answers %d %q", w.Code, got)
	}
	if _, err := png.Decode(get("/fog.png").Body); err != nil {
		t.Errorf("picture: %v", err)
	}
	s.remove("sea-fog")
	if w := get("/2026/sea-fog/"); w.Code != 404 {
		t.Errorf("a removed entry answers %d", w.Code)
	}
}

func TestFeedAndItsValidators(t *testing.T) {
	s, get := testSite(t)
	first := get("/feed.xml")
	var f struct {
		Entry []struct {
			Title   string `xml:"title"`
			Content struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"content"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(first.Body.Bytes(), &f); err != nil || len(f.Entry) != 3 {
		t.Fatalf("%d entries, %v", len(f.Entry), err)
	}
	if e := f.Entry[0]; e.Title != "Sea fog, and how to walk in it" || !strings.Contains(e.Content.Text, "<p>Keep the sound") ||
		!strings.Contains(e.Content.Text, `src="http://blog.localhost:4000/fog.png" alt="Pale`) {
		t.Errorf("first entry: %+v", e)
	}
	tag := first.Header().Get("ETag")
	if w := get("/feed.xml", "If-None-Match", tag); w.Code != 304 {
		t.Errorf("unchanged: %d", w.Code)
	}
	s.edit("sea-fog", editFrom, editTo, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) // in the same second
	if w := get("/feed.xml", "If-None-Match", tag); w.Code != 200 || !strings.Contains(w.Body.String(), editTo) {
		t.Errorf("after an edit: %d", w.Code)
	}
}

func TestPublishButton(t *testing.T) {
	s, _ := testSite(t)
	var told []string
	s.publish = func(_ context.Context, p post) { told = append(told, p.Slug) }
	press := func(header ...string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://blog.localhost:4000/publish", nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, r)
		return w.Code
	}
	if code := press("Origin", "http://evil.example"); code != 403 {
		t.Errorf("another site's page pressed the button: %d", code)
	}
	spare := len(s.spare)
	for range spare {
		if code := press(); code != 303 {
			t.Errorf("answer %d", code)
		}
	}
	if code := press(); code != 409 || len(told) != spare || len(s.snapshot()) != 3+spare {
		t.Errorf("at the end %d, told of %q, %d entries", code, told, len(s.snapshot()))
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"ab", 4, "ab  "}, {"abcd", 4, "abcd"}, {"abcde", 4, "abc…"}, {"→→→→→", 4, "→→→…"}} {
		if got := fit(c.in, c.n); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
	if got := indent("aa bb cc", "  ", 7); got != "  aa bb\n  cc\n" {
		t.Errorf("indent: %q", got)
	}
}
