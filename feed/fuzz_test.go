package feed

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are the documents of the golden tests, one of each format and custom.
func seeds(f *testing.F) (all [][]byte) {
	f.Helper()
	paths, err := filepath.Glob("testdata/parse/*.feed")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no documents: %v", err)
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, body)
	}
	return append(all, []byte(small), []byte(sound),
		[]byte(`<!DOCTYPE rss [<!ENTITY a "b"><!ENTITY % c SYSTEM 'd'>]><rss/>`),
		[]byte(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item rdf:about="x"/></rdf:RDF>`),
		[]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":1,"content_text":"x","attachments":[{"url":"/a"}]}]}`),
		[]byte("<\x00r\x00s\x00s\x00/\x00>\x00"))
}

// FuzzParse reads what strangers write, and takes it as far as the keys of entries and the owner's advice.
func FuzzParse(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body, "text/xml")
		f.Add(body, "text/html; charset=windows-1251")
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		before := string(body)
		d, err := Parse(body, Source{URL: "https://blog.example/f.xml", ContentType: contentType})
		if string(body) != before {
			t.Fatal("the document was changed")
		}
		if err != nil {
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 2000 {
				t.Fatalf("error %q", err)
			}
			return
		}
		checkAdvice(t, d)
		base := baseURL(d.Link, "https://blog.example/f.xml")
		keys := map[string]bool{}
		p := &planner{keys: keys}
		p.feed.URL, p.host = "https://blog.example/f.xml", BlogHost(d.Link, "https://blog.example/f.xml", "h.example")
		for _, s := range subjectsOf(d, p.host, base) {
			before := len(keys)
			key := p.newKey(s)
			if len(keys) != before+1 || !utf8.ValidString(key) || strings.ContainsAny(key, "~?# ") {
				t.Fatalf("key %q", key)
			}
			checkItem(t, s.Item)
		}
	})
}

func checkItem(t *testing.T, it Item) {
	t.Helper()
	for _, text := range []string{it.Title, it.URL, it.GUID, it.Warning, it.flaws.date, strings.Join(it.Authors, ""), strings.Join(it.Categories, "")} {
		if !utf8.ValidString(text) {
			t.Fatalf("invalid UTF-8: %q", text)
		}
	}
	if date := it.Date(); !date.IsZero() && (date.Before(earliest) || date.After(latest)) {
		t.Fatalf("date %v", date)
	}
	if n := len(it.Title) + len(it.Content) + len(it.Summary) + len(it.Markdown); n > maxText {
		t.Fatalf("%d bytes of text", n)
	}
	if len(it.Authors) > maxAuthors || len(it.Categories) > maxCategories || len(it.Media) > maxMedia || len(it.Warning) > maxWarning+2 {
		t.Fatalf("too much of something: %+v", it)
	}
	for _, m := range it.Media {
		if u, err := url.Parse(m.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("medium at %q", m.URL)
		}
	}
}

func checkAdvice(t *testing.T, d *Document) {
	t.Helper()
	advice := d.Lint("blog.example", day1)
	if len(advice) > maxAdvice {
		t.Fatalf("%d lines of advice", len(advice))
	}
	for _, line := range advice {
		if !utf8.ValidString(line) || line == "" || len(line) > 1000 || strings.ContainsAny(line, "\n\r") {
			t.Fatalf("advice %q", line)
		}
	}
	for _, address := range []string{d.Hub, d.Topic} {
		if address != "" && !isHTTP(address) || len(address) > maxAddress {
			t.Fatalf("hub or topic %q", address)
		}
	}
}

// FuzzScan looks at XML as the scan before the parser does.
func FuzzScan(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		seen, err := scanXML(doc, 0, "https://blog.example/f.xml")
		if err != nil {
			return
		}
		last := 0
		for _, c := range seen.cuts {
			if c.start < last || c.end <= c.start || c.end > len(doc) {
				t.Fatalf("cuts %v of %d bytes", seen.cuts, len(doc))
			}
			last = c.end
		}
		for _, it := range seen.items {
			for _, base := range []string{it.base, it.linkBase, it.contentBase, it.summaryBase} {
				if u, err := url.Parse(base); base != "" && (err != nil || u.Host == "") {
					t.Fatalf("base %q", base)
				}
			}
		}
	})
}

// FuzzDecode converts documents of any encoding.
func FuzzDecode(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body, "")
	}
	for _, label := range []string{"windows-1251", "shift_jis", "gbk", "utf-16", "iso-2022-jp", "x-user-defined", "replacement", "utf-7"} {
		f.Add([]byte("<?xml version='1.0' encoding='"+label+"'?><rss>\xe4\x1b$B\xff</rss>"), "text/xml; charset="+label)
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		d, err := toUTF8(body, contentType)
		if err != nil {
			return
		}
		if !utf8.Valid(d.text) || d.encoding == "" {
			t.Fatalf("%q is no UTF-8 (%s)", d.text, d.encoding)
		}
		if kind, start, err := sniff(d.text); err == nil && (kind == "" || start < 0 || start >= len(d.text)) {
			t.Fatalf("%q from %d on", kind, start)
		}
	})
}

// FuzzDiscover looks for feeds in pages and in headers.
func FuzzDiscover(f *testing.F) {
	f.Add([]byte(`<head><base href="/x/"><link rel=alternate type=application/rss+xml href="a b"></head>`), `</f>; rel=alternate; type="application/atom+xml"`)
	f.Add([]byte(`<link rel="alternate" type="application/json" href="//feed">`), `<`)
	at := &url.URL{Scheme: "https", Host: "blog.example", Path: "/a/"}
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		found := namedFeeds(fetched{body: body, links: headerLinks(http.Header{"Link": {header}})}, at)
		if len(found) > maxFeeds {
			t.Fatalf("%d feeds", len(found))
		}
		for _, address := range found {
			if !isHTTP(address) || len(address) > maxAddress || strings.Contains(address, "#") {
				t.Fatalf("a feed at %q", address)
			}
		}
	})
}

// FuzzHeaderLinks reads Link headers.
func FuzzHeaderLinks(f *testing.F) {
	for _, s := range []string{`<a>; rel="x y"; title*=UTF-8''b, <c>;rel=d`, `<a>;;;`, `<a>; rel="\`, `<>;=,<>`, `<a>; rel`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		links := headerLinks(http.Header{"Link": {header, header}})
		if len(links) > maxLinks {
			t.Fatalf("%d links", len(links))
		}
		for _, l := range links {
			if l.rel == "" || l.rel != strings.ToLower(l.rel) {
				t.Fatalf("link %+v", l)
			}
		}
	})
}

// FuzzReadDate reads dates.
func FuzzReadDate(f *testing.F) {
	for _, s := range []string{"Sa, 4. Februar 2017 08:03 Uhr", "2024-12-31T23:59:60Z", "1714557600", "12 de octubre de 2020 10:00 +0200", "1er août 2019"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := readDate(s); ok && (d.Year() < -1 || d.Year() > 10_000) {
			t.Fatalf("%q is %v", s, d)
		}
	})
}

// FuzzResolveHTML checks that the short cut for HTML without relative addresses changes nothing, and that resolving
// twice is resolving once.
func FuzzResolveHTML(f *testing.F) {
	for _, s := range []string{`<a href="x">`, `<img src=https://a/b srcset="https://a/b 2x, c 3x">`, `<a href = 'mailto:x'>`, `<a href="https://x/ y">`, `href=y <a`, `<video poster=//x>`, `<A HREF=" /x">`} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "https", Host: "blog.example", Path: "/a/b.html"}
	f.Fuzz(func(t *testing.T, s string) {
		once := resolveHTML(s, base)
		if allAbsolute(s) && resolveTokens(s, base) != s {
			t.Fatalf("%q has a relative address, which becomes %q", s, resolveTokens(s, base))
		}
		if twice := resolveHTML(once, base); twice != once && utf8.ValidString(s) {
			t.Fatalf("%q became %q and then %q", s, once, twice)
		}
	})
}

// FuzzCutJSON checks that cutting long strings leaves JSON what it is.
func FuzzCutJSON(f *testing.F) {
	f.Add([]byte(`{"a":"b\"\u00e4\\","c":["d",1]}`))
	f.Add([]byte(`{"a":"\`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if cut := cutJSON(doc); string(cut) != string(doc) {
			t.Fatalf("%q became %q", doc, cut)
		}
		_, _ = json.Marshal(readJSONExtras(doc))
	})
}
