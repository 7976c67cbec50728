package feed

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"crier/content"
)

func TestBlogHost(t *testing.T) {
	for _, c := range []struct{ name, link, feed, handle, want string }{
		{"the channel's link", "https://blog.example/", "https://cdn.example/f.xml", "h.example", "blog.example"},
		{"http is as good", "http://blog.example", "https://cdn.example/f.xml", "h.example", "blog.example"},
		{"lower case", "https://BLOG.Example/", "", "h.example", "blog.example"},
		{"A-label", "https://bücher.example/", "", "h.example", "xn--bcher-kva.example"},
		{"a port is kept", "https://blog.example:8443/", "", "h.example", "blog.example:8443"},
		{"the default port is not", "https://blog.example:443/", "", "h.example", "blog.example"},
		{"nor that of http", "http://blog.example:80/", "", "h.example", "blog.example"},
		{"another scheme's default is no default", "http://blog.example:443/", "", "h.example", "blog.example:443"},
		{"a relative link counts for nothing", "/blog/", "https://cdn.example/f.xml", "h.example", "cdn.example"},
		{"nor does one without a scheme", "blog.example/", "https://cdn.example/f.xml", "h.example", "cdn.example"},
		{"nor one that is no web address", "mailto:me@blog.example", "https://cdn.example/f.xml", "h.example", "cdn.example"},
		{"nor a word", "undefined", "https://cdn.example/f.xml", "h.example", "cdn.example"},
		{"no link", "", "https://cdn.example/f.xml", "h.example", "cdn.example"},
		{"a local file", "", "/srv/blog/feed.xml", "h.example", "h.example"},
		{"a local file with a link", "https://blog.example/", "/srv/blog/feed.xml", "h.example", "blog.example"},
		{"www stays in the name", "https://www.blog.example/", "", "h.example", "www.blog.example"},
		{"an address", "http://127.0.0.1:8080/", "", "h.example", "127.0.0.1:8080"},
		{"an address of six", "http://[::1]:8080/", "", "h.example", "[::1]:8080"},
	} {
		if got := BlogHost(c.link, c.feed, c.handle); got != c.want {
			t.Errorf("%s: BlogHost(%q, %q) = %q, want %q", c.name, c.link, c.feed, got, c.want)
		}
	}
}

func TestOwnPage(t *testing.T) {
	base, _ := url.Parse("https://blog.example/")
	for _, c := range []struct {
		name, link, guid string
		permalink        bool
		want             string // key; empty: no page of its own
	}{
		{"the contract's example", "https://blog.example/2026/hello/", "", false, "blog.example/2026/hello/"},
		{"without a slash at the end", "https://blog.example/2026/hello.html", "", false, "blog.example/2026/hello.html"},
		{"all plain characters", "https://blog.example/A-z_0.9/x", "", false, "blog.example/A-z_0.9/x"},
		{"non-ASCII in canonical form", "https://blog.example/caf%C3%A9/", "", false, "blog.example/caf%C3%A9/"},
		{"lower-case escapes", "https://blog.example/caf%c3%a9/", "", false, ""},
		{"non-ASCII as it is", "https://blog.example/café/", "", false, ""},
		{"escaped ASCII", "https://blog.example/a%20b", "", false, ""},
		{"an escaped plain letter", "https://blog.example/%41", "", false, ""},
		{"half a character", "https://blog.example/caf%C3/", "", false, ""},
		{"a character torn apart", "https://blog.example/%C3a%A9", "", false, ""},
		{"a stray percent sign", "https://blog.example/100%", "", false, ""},
		{"empty path", "https://blog.example", "", false, ""},
		{"front page", "https://blog.example/", "", false, ""},
		{"query", "https://blog.example/post?id=1", "", false, ""},
		{"empty query", "https://blog.example/post?", "", false, ""},
		{"fragment", "https://blog.example/post#x", "", false, ""},
		{"empty fragment", "https://blog.example/post#", "", false, ""},
		{"empty segment", "https://blog.example/a//b", "", false, ""},
		{"two slashes at the end", "https://blog.example/a//", "", false, ""},
		{"dot segment", "https://blog.example/a/./b", "", false, ""},
		{"dots up", "https://blog.example/a/../b", "", false, ""},
		{"tilde, which generations use", "https://blog.example/~me/post", "", false, ""},
		{"other characters", "https://blog.example/a+b", "", false, ""},
		{"colon", "https://blog.example/a:b", "", false, ""},
		{"name and password", "https://me@blog.example/post", "", false, ""},
		{"another host", "https://elsewhere.example/post", "", false, ""},
		{"a host inside the other", "https://notblog.example/post", "", false, ""},
		{"another port", "https://blog.example:8443/post", "", false, ""},
		{"the default port", "https://blog.example:443/post", "", false, "blog.example/post"},
		{"www is the same host, and kept", "https://www.blog.example/post", "", false, "www.blog.example/post"},
		{"http is as good", "http://blog.example/post", "", false, "blog.example/post"},
		{"upper-case host", "https://Blog.EXAMPLE/Post", "", false, "blog.example/Post"},
		{"relative link", "/docs/post/", "", false, "blog.example/docs/post/"},
		{"no link, permalink GUID", "", "https://blog.example/post", true, "blog.example/post"},
		{"no link, GUID that is no permalink", "", "https://blog.example/post", false, ""},
		{"a bare GUID, which RSS takes for a permalink", "", "1f3870be274f6c49b3e31a0c6728957f", true, ""},
		{"a GUID that is a path", "", "/docs/post/", true, ""},
		{"link elsewhere, permalink GUID here", "https://elsewhere.example/x", "https://blog.example/post", true, "blog.example/post"},
		{"unclean link, clean GUID", "https://blog.example/?p=1", "https://blog.example/post", true, "blog.example/post"},
		{"the link comes first", "https://blog.example/link", "https://blog.example/guid", true, "blog.example/link"},
		{"white space around", " https://blog.example/post\n", "", false, "blog.example/post"},
		{"not the web", "ftp://blog.example/post", "", false, ""},
		{"no address at all", "post 12", "", false, ""},
	} {
		got := ""
		if p, ok := OwnPage(Item{Link: c.link, GUID: c.guid, GUIDPermalink: c.permalink}, "blog.example", base); ok {
			got = p.Key()
		}
		if got != c.want {
			t.Errorf("%s: OwnPage(%q, %q) = %q, want %q", c.name, c.link, c.guid, got, c.want)
		}
	}
	if p, ok := OwnPage(Item{Link: "https://blog.example/post"}, "www.blog.example", nil); !ok || p.Key() != "blog.example/post" {
		t.Errorf("a blog at www.: got %+v %v", p, ok)
	}
}

// keysOf polls a document for the first time and returns the keys in the order of the document.
func keysOf(t *testing.T, d *Document, feedURL string) []string {
	t.Helper()
	s := newStory(t, "url = "+feedURL)
	p := s.plan(d, time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC))
	byTitle := map[string]string{}
	for _, put := range p.put {
		byTitle[put.Entry.Title] = put.Entry.Key
	}
	var out []string
	for _, it := range d.Items {
		out = append(out, byTitle[it.Title])
	}
	return out
}

func titled(title, guid, link string, day int) Item {
	return Item{Entry: content.Entry{Title: title}, GUID: guid, Link: link, Published: time.Date(2024, 1, day, 0, 0, 0, 0, time.UTC)}
}

// The literal keys are part of the contract: a change of any of them gives every such post of every blog a
// new address.
func TestKeys(t *testing.T) {
	const feed = "https://blog.example/feed.xml"
	for _, c := range []struct {
		name  string
		items []Item
		want  []string
	}{
		{"own page", []Item{titled("A", "1", "https://blog.example/a", 1)}, []string{"blog.example/a"}},
		{"GUID", []Item{titled("A", "urn:1", "https://else.example/a", 1)}, []string{hashKey("blog.example", feed, "urn:1")}},
		{"link where there is no GUID", []Item{titled("A", "", "https://else.example/a", 1)}, []string{hashKey("blog.example", feed, "https://else.example/a")}},
		{"title and date where there is neither", []Item{titled("A", "", "", 1)}, []string{hashKey("blog.example", feed, "A", "2024-01-01T00:00:00Z")}},
		{"GUID that repeats", []Item{titled("B", "urn:1", "", 2), titled("A", "urn:1", "", 1)},
			[]string{hashKey("blog.example", feed, "urn:1", "B", "2024-01-02T00:00:00Z"), hashKey("blog.example", feed, "urn:1", "A", "2024-01-01T00:00:00Z")}},
		{"one page for two entries: the older one has it", []Item{titled("B", "urn:2", "https://blog.example/p", 2), titled("A", "urn:1", "https://blog.example/p", 1)},
			[]string{hashKey("blog.example", feed, "urn:2"), "blog.example/p"}},
	} {
		got := keysOf(t, &Document{Link: "https://blog.example", Items: c.items}, feed)
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: keys %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := hashKey("blog.example", feed, "urn:1"), "blog.example/7uexadicdeivsodb3onqra244z"; got != want {
		t.Errorf("hashKey = %q, want %q", got, want)
	}
}

// A crier that lost its data gives every entry the key it had: the order of the document, what else is in
// it, and the moment make no difference.
func TestKeysAreTheSameAfterLosingEverything(t *testing.T) {
	a, b, c := titled("A", "1", "https://blog.example/a", 1), titled("B", "2", "", 2), titled("C", "", "", 3)
	first := keysOf(t, &Document{Link: "https://blog.example", Items: []Item{c, b, a}}, "/srv/feed.xml")
	again := keysOf(t, &Document{Link: "https://blog.example", Items: []Item{a, b, c}}, "/srv/feed.xml")
	if first[0] != again[2] || first[1] != again[1] || first[2] != again[0] {
		t.Errorf("keys %q became %q", first, again)
	}
}

func FuzzIdentity(f *testing.F) {
	for _, seed := range [][3]string{
		{"https://blog.example/2026/hello/", "https://blog.example/?p=1", "https://blog.example"},
		{"/a/../b", "urn:x", "https://www.blog.example:8443/x/"},
		{"https://http://blog.example/x/", "", "blog.example/"},
		{"https://bücher.example/%E6%97%A5", "%", "https://xn--bcher-kva.example"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	clean := regexp.MustCompile(`^(/[A-Za-z0-9_.%-]+)+/?$`)
	f.Fuzz(func(t *testing.T, link, guid, channel string) {
		host := BlogHost(channel, "https://blog.example/f.xml", "handle.example")
		if host == "" || strings.ContainsAny(host, "/?#% ") {
			t.Fatalf("BlogHost(%q) = %q", channel, host)
		}
		it := Item{Link: link, GUID: guid, GUIDPermalink: true}
		p, ok := OwnPage(it, host, baseURL(channel, "https://blog.example/f.xml"))
		if !ok {
			return
		}
		if !clean.MatchString(p.Path) || !utf8.ValidString(p.Key()) || !sameHost(p.Host, host) {
			t.Fatalf("OwnPage(%q, %q) at %q = %+v", link, guid, host, p)
		}
		again, ok := OwnPage(Item{Link: "https://" + p.Key()}, host, nil)
		if !ok || again.Key() != p.Key() {
			t.Fatalf("%q is not its own page: %q %v", p.Key(), again.Key(), ok)
		}
	})
}
