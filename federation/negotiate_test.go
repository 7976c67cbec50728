package federation

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPrefersHTML(t *testing.T) {
	firefox := "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	for _, c := range []struct {
		name   string
		accept []string
		want   bool
	}{
		{"no header", nil, false},
		{"empty", []string{""}, false},
		{"anything", []string{"*/*"}, false},
		{"Firefox", []string{firefox}, true},
		{"two lines", []string{"application/xml", "text/html"}, true},
		{"capitals", []string{"Text/HTML"}, true},
		{"any text", []string{"text/*"}, false},
		{"xhtml alone", []string{"application/xhtml+xml"}, false},
		{"Mastodon", []string{"application/activity+json, application/ld+json"}, false},
		{"Mastodon's search", []string{`application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json, text/html;q=0.1`}, false},
		{"GoToSocial", []string{`application/ld+json;profile="https://www.w3.org/ns/activitystreams",application/activity+json`}, false},
		{"Mastodon's search, 4.7", []string{`application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", text/html;q=0.1`}, false},
		{"Misskey", []string{`application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"`}, false},
		{"Misskey's link to a page", []string{"text/html, application/xhtml+xml"}, true},
		{"Lemmy", []string{"application/activity+json"}, false},
		{"PeerTube", []string{"application/activity+json, application/ld+json"}, false},
		{"Pixelfed", []string{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`}, false},
		{"Akkoma", []string{"application/activity+json"}, false},
		{"WordPress", []string{"application/activity+json"}, false},
		{"Fedify", []string{`application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/ld+json`}, false},
		{"tootik", []string{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`}, false},
		{"ld+json without profile", []string{"application/ld+json"}, false},
		{"curl and wget", []string{"*/*"}, false},
		{"Go and Python", []string{"gzip, deflate", "*/*"}, false},
		{"Chrome", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"}, true},
		{"Safari", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		{"Lynx", []string{"text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01"}, true},
		{"an old Internet Explorer", []string{"image/gif, image/jpeg, application/x-ms-application, */*"}, false},
		{"a script that wants JSON", []string{"application/json, text/javascript, */*; q=0.01"}, false},
		{"a script that takes all", []string{"application/json, text/plain, */*"}, false},
		{"a page of any kind", []string{"text/html, */*"}, true},
		{"profile with a comma", []string{`application/ld+json; profile="a,text/html,b", text/html;q=0.2`}, false},
		{"equal", []string{"text/html, application/activity+json"}, false},
		{"page first", []string{"text/html, application/activity+json;q=0.9"}, true},
		{"page last", []string{"text/html;q=0.9, application/activity+json"}, false},
		{"lower and lower", []string{"text/html;q=0.5, application/ld+json;q=0.4"}, true},
		{"ld wins over activity", []string{"text/html;q=0.5, application/activity+json;q=0.1, application/ld+json;q=0.7"}, false},
		{"refused page", []string{"text/html;q=0"}, false},
		{"refused activity", []string{"text/html;q=0.1, application/activity+json;q=0"}, true},
		{"any application", []string{"application/*, text/html;q=0.5"}, false},
		{"plain JSON", []string{"application/json, text/html;q=0.5"}, false},
		{"bad q", []string{"text/html;q=x"}, false},
		{"q above 1", []string{"text/html;q=7"}, false},
		{"no number", []string{"text/html;q=NaN"}, false},
		{"space and capitals", []string{"text/html ; Q=0.8 , application/activity+json ; q=0.7"}, true},
		{"comma in quotes", []string{`text/plain; x="a,text/html,b"`}, false},
		{"quote in quotes", []string{`text/plain; x="a\",text/html,"`}, false},
		{"open quotes", []string{`text/plain; x=",text/html,`}, false},
	} {
		if got := prefersHTML(c.accept); got != c.want {
			t.Errorf("%s: %v for %q", c.name, got, c.accept)
		}
	}
}

func FuzzPrefersHTML(f *testing.F) {
	f.Add("text/html,application/xhtml+xml,*/*;q=0.8", "")
	f.Add(`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, "text/html;q=0.1")
	f.Add(`a;b="\`, `,;=`)
	f.Fuzz(func(t *testing.T, first, second string) {
		got := prefersHTML([]string{first, second})
		if got && !strings.Contains(strings.ToLower(first+" "+second), "text/html") {
			t.Errorf("%q %q: a page, though nobody named text/html", first, second)
		}
		if both := prefersHTML([]string{first, second, "application/activity+json"}); both {
			t.Errorf("%q %q: a page, though ActivityPub is wanted as much as can be", first, second)
		}
		if prefersHTML([]string{second, first}) != got {
			t.Errorf("%q %q: the order of lines matters", first, second)
		}
	})
}

func TestDocument(t *testing.T) {
	d := newDocument([]byte(`{"id":"x"}`), agePost)
	for _, c := range []struct {
		name, match string
		status      int
	}{
		{"nothing known", "", 200},
		{"the same", d.etag, 304},
		{"weak", "W/" + d.etag, 304},
		{"one of many", `"a", ` + d.etag, 304},
		{"anything", "*", 304},
		{"another", `"a"`, 200},
		{"no quotes", strings.Trim(d.etag, `"`), 200},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.match != "" {
			r.Header.Set("If-None-Match", c.match)
		}
		w := httptest.NewRecorder()
		d.serve(w, r)
		if w.Code != c.status || w.Header().Get("ETag") != d.etag || w.Header().Get("Cache-Control") != "public, max-age=180, stale-if-error=86400" {
			t.Errorf("%s: %d %v", c.name, w.Code, w.Header())
		}
		if (w.Body.Len() > 0) != (c.status == http.StatusOK) {
			t.Errorf("%s: body %q", c.name, w.Body)
		}
	}
	if other := newDocument([]byte(`{"id":"y"}`), agePost); other.etag == d.etag {
		t.Error("two bodies share an ETag")
	}
}
