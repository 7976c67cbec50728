package e2e

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// feedRow is what the blog's host answers instead of the feed: broken, taken over, or in another's hands.
type feedRow struct {
	name, seen string
	serve      http.HandlerFunc
	fine       bool // it can be read; that nothing is lost is all that matters
	most       int  // requests of one poll at most; 0 is one
}

func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

func redirects(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

const rss = "application/rss+xml"

func feedRows() []feedRow {
	const head = `<?xml version="1.0"?><rss version="2.0"><channel><title>B</title><link>http://blog.example/</link><description>d</description>`
	whole := string(feedOf(3))
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", rss)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		for range 1 << 14 {
			if _, err := io.WriteString(z, strings.Repeat(" ", 1<<16)); err != nil {
				return
			}
		}
	}
	lol := `<!DOCTYPE lolz [<!ENTITY lol "lol">`
	for i := range 12 {
		lol += fmt.Sprintf(`<!ENTITY l%d "%s">`, i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	return []feedRow{
		{name: "nothing", seen: "a full disk at the blog", serve: text(rss, "")},
		{name: "half of it", seen: "a deployment in progress", serve: text(rss, whole[:len(whole)/2])},
		{name: "a page", seen: "captive portals and parked domains", serve: text("text/html", "<html><body>buy this domain</body></html>")},
		{name: "a feed without entries", seen: "a static site generator's bad build", serve: text(rss, head+"</channel></rss>"), fine: true},
		{name: "gone", seen: "a host that answers 410 while it is moved", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }},
		{name: "broken", seen: "every outage", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }},
		{name: "a gigabyte, packed", seen: "zip bombs: 42.zip", serve: bomb},
		{name: "twelve megabytes", seen: "gofeed, which reads all there is", serve: text(rss, head+strings.Repeat("<!-- x -->", 1_300_000)+"</channel></rss>")},
		{name: "an entity that grows", seen: "a billion laughs CVE-2003-1564", serve: text(rss, lol+`]>`+head+"<title>&l11;</title></channel></rss>")},
		{name: "an entity that is a file", seen: "XXE: readers built on libxml2", serve: text(rss, `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`+head+"<title>&e;</title></channel></rss>")},
		{name: "an entity at a private address", seen: "XXE", serve: text(rss, `<!DOCTYPE x [<!ENTITY e SYSTEM "http://inside.example/">]>`+head+"<title>&e;</title></channel></rss>")},
		{name: "a hundred thousand open elements", seen: "gofeed: a stack that overflows (go CVE-2022-30633)", serve: text(rss, head+strings.Repeat("<m:a>", 100_000))},
		{name: "a hundred thousand open lists", seen: "jackson CVE-2020-36518", serve: text("application/feed+json", `{"version":"https://jsonfeed.org/version/1.1","items":`+strings.Repeat("[", 100_000))},
		{name: "an element with a hundred thousand attributes", seen: "go CVE-2022-23772's kin: costs that grow", serve: text(rss, head+"<x "+strings.Repeat(`a="1" `, 100_000)+"/></channel></rss>"), fine: true},
		{name: "sent to a private address", seen: "RSSHub GHSA-64wp-jh9p-5cg2", serve: redirects("http://10.0.0.1/feed")},
		{name: "sent to a private name", seen: "rebinding: lemmy CVE-2026-33693", serve: redirects("http://zero.example/feed")},
		{name: "sent to metadata", seen: "RSSHub GHSA-64wp-jh9p-5cg2", serve: redirects("http://169.254.169.254/latest/meta-data/")},
		{name: "sent to a file", seen: "RSSHub GHSA-64wp-jh9p-5cg2", serve: redirects("file:///etc/passwd")},
		{name: "sent to us", seen: "wanderer #1100", serve: redirects(us)},
		{name: "sent in a circle", seen: "fedify CVE-2025-23221", serve: redirects("http://blog.example/feed"), most: 7},
	}
}

// TestSecurityFeeds: whatever the feed's host says, no post is changed or taken down, and the next poll of the right
// feed finds all as it was.
func TestSecurityFeeds(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	before := a.state()
	for _, k := range feedRows() {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			a.out.handle("blog.example", k.serve)
			asked := len(a.out.since(0))
			err := b.poll()
			if (err == nil) != k.fine {
				t.Errorf("the poll says %v", err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error is not fit to be shown: %q", err)
			}
			if caused := a.out.since(asked); len(caused) > max(1, k.most) {
				t.Errorf("it caused %q", caused)
			}
			if b.state() != before {
				t.Error("what is stored has changed")
			}
			if k.seen == "" {
				t.Error("the row names no real-world case")
			}
		})
	}
	a.out.handle("blog.example", text(rss, string(feedOf(3))))
	if err := a.poll(); err != nil || a.state() != before {
		t.Errorf("the right feed again: %v", err)
	}
}

// TestSecurityEntries: what an entry says becomes a post without anything in it that acts, and its pictures and its
// page are looked at only where everybody may look.
func TestSecurityEntries(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, seen, item string }{
		{"a script", "miniflux CVE-2023-27592", `<description>&lt;script&gt;alert(1)&lt;/script&gt;text</description>`},
		{"a handler", "mastodon CVE-2023-36459", `<description>&lt;b onmouseover=alert(1)&gt;text&lt;/b&gt;</description>`},
		{"a link to a script", "mastodon CVE-2023-36462", `<description>&lt;a href="javascript:alert(1)"&gt;text&lt;/a&gt;</description>`},
		{"a link hidden by a line break", "filters that look for javascript: alone", `<description>&lt;a href="java&#10;script:alert(1)"&gt;text&lt;/a&gt;</description>`},
		{"a frame", "clickjacking", `<description>&lt;iframe src="http://inside.example/"&gt;&lt;/iframe&gt;text</description>`},
		{"a style", "overlays", `<description>&lt;p style="position:fixed;inset:0"&gt;text&lt;/p&gt;&lt;style&gt;p{}&lt;/style&gt;</description>`},
		{"a form", "phishing", `<description>&lt;form action="http://evil.example/"&gt;&lt;input name=p&gt;&lt;/form&gt;text</description>`},
		{"an object", "plug-ins", `<description>&lt;object data="data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;"&gt;&lt;/object&gt;text</description>`},
		{"a drawing that acts", "SVG", `<description>&lt;svg onload=alert(1)&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/svg&gt;text</description>`},
		{"tags that are not closed", "mutation XSS", `<description>&lt;math&gt;&lt;mtext&gt;&lt;table&gt;&lt;mglyph&gt;&lt;style&gt;&lt;!--&lt;/style&gt;&lt;img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;"&gt;text</description>`},
		{"a title that acts", "stored XSS", `<title>&lt;script&gt;alert(1)&lt;/script&gt;</title><description>text</description>`},
		{"a title for a terminal", "CVE-2003-0063", `<title>a&#x9b;2Jb&#x202e;c</title><description>text</description>`},
		{"a link that is a script", "stored XSS", `<link>javascript:alert(1)</link><description>text</description>`},
		{"a picture at a private name", "RSSHub GHSA-64wp-jh9p-5cg2", `<description>&lt;img src="http://inside.example/a.png"&gt;text</description>`},
		{"a picture at metadata", "RSSHub GHSA-64wp-jh9p-5cg2", `<enclosure url="http://169.254.169.254/a.png" type="image/png" length="1"/><description>text</description>`},
		{"a picture that is a script", "stored XSS", `<enclosure url="javascript:alert(1)" type="image/png" length="1"/><description>text</description>`},
		{"a picture sent to a private address", "mastodon CVE-2023-36460", `<enclosure url="http://pictures.example/away" type="image/png" length="1"/><description>text</description>`},
		{"a picture of 400 megapixels", "decompression bombs: mastodon's limits", `<enclosure url="http://pictures.example/huge.png" type="image/png" length="1"/><description>text</description>`},
		{"a picture without end", "mastodon CVE-2023-36461", `<enclosure url="http://pictures.example/endless.png" type="image/png" length="1"/><description>text</description>`},
		{"a picture that is a page", "polyglots", `<enclosure url="http://pictures.example/page" type="image/png" length="1"/><description>text</description>`},
		{"a mention of everybody", "spam by mention", `<description>@friend@friend.example &lt;a class="u-url mention" href="http://friend.example/users/friend"&gt;@friend&lt;/a&gt; text</description>`},
	}
	a := newArena(t)
	var endless atomic.Int64
	a.out.handle("pictures.example", pictures(&endless))
	entries := ""
	for i, k := range rows {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			entries += fmt.Sprintf(`<item><guid>http://blog.example/h%d/</guid><pubDate>%s</pubDate>%s</item>`, i, time.Now().Add(-time.Minute).Format(time.RFC1123Z), k.item)
			a.out.handle("blog.example", withItems(entries))
			known := b.posts()
			must(t, b.poll())
			for id, object := range b.posts() {
				if known[id] == "" {
					harmless(t, object)
				}
			}
			if len(b.posts()) != len(known)+1 {
				t.Errorf("%d posts after %d", len(b.posts()), len(known))
			}
			if k.seen == "" {
				t.Error("the row names no real-world case")
			}
		})
	}
	if n := endless.Load(); n > 64<<20 {
		t.Errorf("%d bytes of the endless picture were taken", n)
	}
}

func withItems(items string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/feed" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", rss)
		_, _ = io.WriteString(w, strings.Replace(string(feedOf(3)), "<item>", items+"<item>", 1))
	}
}

// posts are the objects of all posts, by id.
func (a *arena) posts() map[string]string {
	a.t.Helper()
	list, err := a.app.Ops().Store.Posts()
	must(a.t, err)
	all := map[string]string{}
	for _, p := range list {
		all[p.ID] = string(p.Object)
	}
	return all
}

// harmless fails the test if a post has anything in it that acts.
func harmless(t *testing.T, object string) {
	t.Helper()
	var n struct {
		Content    string
		URL        string
		Tag        []struct{ Type string }
		Attachment []struct{ URL string }
	}
	must(t, json.Unmarshal([]byte(object), &n))
	for _, bad := range []string{"<script", "onerror", "onload", "onmouseover", "javascript:", "<iframe", "<style", "style=", "<form", "<object", "<svg", "<img"} {
		if strings.Contains(strings.ToLower(n.Content), bad) {
			t.Errorf("the post has %s: %s", bad, n.Content)
		}
	}
	for _, address := range append([]string{n.URL}, urlsOf(n.Attachment)...) {
		if !strings.HasPrefix(address, "http") {
			t.Errorf("the post has the address %q", address)
		}
	}
	for _, tag := range n.Tag {
		if tag.Type == "Mention" {
			t.Error("the post mentions somebody")
		}
	}
}

func urlsOf(list []struct{ URL string }) (all []string) {
	for _, x := range list {
		all = append(all, x.URL)
	}
	return all
}

// pictures serves what is none, or too much of one.
func pictures(sent *atomic.Int64) http.HandlerFunc {
	huge := "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x4e\x20\x00\x00\x4e\x20\x08\x02\x00\x00\x00" + strings.Repeat("\x00", 64)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://10.0.0.1/a.png", http.StatusFound)
		case "/page":
			_, _ = io.WriteString(w, "<script>alert(1)</script>")
		case "/huge.png":
			_, _ = io.WriteString(w, huge)
		default:
			out := countingWriter{w, sent}
			_, _ = io.WriteString(out, huge)
			for range 1 << 14 {
				if _, err := out.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}
	}
}
