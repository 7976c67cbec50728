package feed

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pages is a web site: bodies by path. A body that begins with "=> " leads elsewhere.
type pages struct {
	bodies map[string]string
	header http.Header
	asked  *[]string
}

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	*p.asked = append(*p.asked, r.URL.Path)
	body, ok := p.bodies[r.URL.Path]
	if to, elsewhere := strings.CutPrefix(body, "=> "); elsewhere {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	for name, values := range p.header {
		w.Header()[name] = values
	}
	io.WriteString(w, body)
}

func TestDiscover(t *testing.T) {
	head := func(links ...string) string {
		return "<!DOCTYPE html><html><head><title>x</title>" + strings.Join(links, "\n") + "</head><body></body></html>"
	}
	link := func(kind, href string) string {
		return fmt.Sprintf(`<link rel="alternate" type="%s" href="%s">`, kind, href)
	}
	const rssType, atomType = "application/rss+xml", "application/atom+xml"
	many := make([]string, 30)
	for i := range many {
		many[i] = link(rssType, fmt.Sprintf("/%d.xml", i))
	}
	for _, c := range []struct {
		name   string
		bodies map[string]string
		header http.Header
		page   string
		want   []string
		error  string
	}{
		{name: "the page is a feed", page: "/feed.xml", bodies: map[string]string{"/feed.xml": rssOf(1)}, want: []string{"http://blog.example/feed.xml"}},
		{name: "a link in the head", page: "/", bodies: map[string]string{"/": head(link(rssType, "/rss.xml"))}, want: []string{"http://blog.example/rss.xml"}},
		{name: "several, each once, comments last", page: "/blog/", bodies: map[string]string{"/blog/": head(
			link(rssType, "/comments/feed/"), link(rssType, "feed/"), link(" Application/Atom+XML; charset=utf-8", "https://other.example/atom.xml"),
			`<link rel="alternate" type="application/rss+xml" title="One Post » Comments Feed" href="/one/feed/">`, link(rssType, "feed/#top"), `<LINK REL=ALTERNATE TYPE=application/feed+json HREF=feed.json>`)},
			want: []string{"http://blog.example/blog/feed/", "https://other.example/atom.xml", "http://blog.example/blog/feed.json", "http://blog.example/comments/feed/", "http://blog.example/one/feed/"}},
		{name: "what is no feed", page: "/", bodies: map[string]string{"/": head(link("application/json", "/wp-json/wp/v2/pages/2"), link("application/json+oembed", "/oembed"), link("text/html", "/de/"),
			`<link rel="stylesheet" type="application/rss+xml" href="/x">`, link(rssType, ""), link(rssType, "javascript:x"), link("application/json", "/feed.json"))}, want: []string{"http://blog.example/feed.json"}},
		{name: "a base", page: "/a/b", bodies: map[string]string{"/a/b": head(`<base href="/c/">`, link(atomType, "atom.xml"))}, want: []string{"http://blog.example/c/atom.xml"}},
		{name: "after a redirect", page: "/", bodies: map[string]string{"/": "=> /en/", "/en/": head(link(atomType, "atom.xml"))}, want: []string{"http://blog.example/en/atom.xml"}},
		{name: "a link of the answer", page: "/", bodies: map[string]string{"/": head()}, header: http.Header{"Link": {`</style.css>; rel=preload, <//blog.example/h.xml>; rel="alternate"; type="application/rss+xml"`}},
			want: []string{"http://blog.example/h.xml"}},
		{name: "not what a comment in the body says", page: "/", bodies: map[string]string{"/": "<html><head></head><body>" + link(rssType, "//evil.example/rss") + "</body></html>", "/index.xml": rssOf(1)},
			want: []string{"http://blog.example/index.xml"}},
		{name: "at most twenty", page: "/", bodies: map[string]string{"/": head(many...)}, want: func() (out []string) {
			for i := range maxFeeds {
				out = append(out, fmt.Sprintf("http://blog.example/%d.xml", i))
			}
			return out
		}()},
		{name: "the usual places", page: "/", bodies: map[string]string{"/": head(), "/feed.xml": head(), "/atom.xml": rssOf(1), "/feed": "=> /feed/", "/feed/": rssOf(2)},
			want: []string{"http://blog.example/atom.xml", "http://blog.example/feed/"}},
		{name: "the usual places of a part of the site", page: "/blog/index.html", bodies: map[string]string{"/blog/index.html": head(), "/blog/index.xml": rssOf(1), "/index.xml": rssOf(2)},
			want: []string{"http://blog.example/blog/index.xml"}},
		{name: "the usual places of the whole site", page: "/blog/index.html", bodies: map[string]string{"/blog/index.html": head(), "/index.xml": rssOf(2)}, want: []string{"http://blog.example/index.xml"}},
		{name: "none", page: "/", bodies: map[string]string{"/": head()}, error: "the page names no feed, and there is none at the usual places"},
		{name: "no page", page: "/", error: "there is no page at this address (404)"},
		{name: "endless redirects", page: "/", bodies: map[string]string{"/": "=> /"}, error: "more than 5 redirects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			cfg := Config{URL: "http://blog.example" + c.page, Transport: inProcess{pages{c.bodies, c.header, &asked}}}
			got, err := Discover(t.Context(), cfg, "crier-test")
			if c.error != "" {
				if err == nil || !strings.Contains(err.Error(), c.error) {
					t.Errorf("%v, want %q", err, c.error)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
	for _, address := range []string{"", "blog.example", "/srv/blog/feed.xml", "ftp://blog.example/", "http://", "http://[::1"} {
		if _, err := Discover(t.Context(), Config{URL: address, Transport: inProcess{http.NotFoundHandler()}}, "crier-test"); err == nil || !strings.Contains(err.Error(), "is no address of a page") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestDiscoverGivesUp has a site on which every guess hangs.
func TestDiscoverGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/a/b/" {
				<-r.Context().Done()
			}
		})
		began := time.Now()
		if _, err := Discover(t.Context(), Config{URL: "http://blog.example/a/b/", Transport: inProcess{slow}}, "crier-test"); err == nil {
			t.Error("a feed was found")
		}
		if took := time.Since(began); took > discoverTotal {
			t.Errorf("took %v", took)
		}
	})
}

func TestHeaderLinks(t *testing.T) {
	for written, want := range map[string][]pageLink{
		`<https://hub.example/>; rel="hub", <https://blog.example/feed>; rel=self`: {{rel: "hub", href: "https://hub.example/"}, {rel: "self", href: "https://blog.example/feed"}},
		`</a,b;c>; title="x, \"y\"; z" ; rel="Alternate Self"; type="Application/RSS+XML; a=b"`: {
			{rel: "alternate self", href: "/a,b;c", kind: "application/rss+xml", title: `x, "y"; z`}},
		`</a>; rel=hub; rel=self`:        {{rel: "hub", href: "/a"}},
		`</a>; rel=hub; anchor="/other"`: nil,
		`</a>; rel="never closed`:        {{rel: "never closed", href: "/a"}},
		`</a>; crossorigin; rel=hub`:     {{rel: "hub", href: "/a"}},
		`</a>`:                           nil, `<`: nil, `</a`: nil, ``: nil, `rel=hub`: nil, `,,;;<>;;rel=,`: nil,
	} {
		if got := headerLinks(http.Header{"Link": {written}}); !slices.Equal(got, want) {
			t.Errorf("%s\nis %+v, want %+v", written, got, want)
		}
	}
}

// TestWebSubOfTheAnswer checks that what the answer says of hub and topic counts before what the document says.
func TestWebSubOfTheAnswer(t *testing.T) {
	for _, c := range []struct{ name, link, hub, topic string }{
		{"the document alone", "", "https://hub.example/", "https://blog.example/feed.xml"},
		{"the answer", `<https://better.example/>; rel=hub, </topic.xml>; rel="self"`, "https://better.example/", "http://blog.example/topic.xml"},
		{"a hub that is no address", `<mailto:hub@hub.example>; rel=hub`, "", ""},
	} {
		var asked []string
		answering := pages{bodies: map[string]string{"/feed.xml": sound}, header: http.Header{"Link": {c.link}}, asked: &asked}
		p, _ := newPoller(t, &site{}, func(cfg *Config) { cfg.Transport = inProcess{answering} })
		r := p.feeds[0].read(t.Context(), mustRecord(t, p.feeds[0]))
		if r.err != nil {
			t.Fatal(r.err)
		}
		if r.doc.Hub != c.hub || r.doc.Topic != c.topic {
			t.Errorf("%s: hub %q, topic %q, want %q and %q", c.name, r.doc.Hub, r.doc.Topic, c.hub, c.topic)
		}
	}
}
