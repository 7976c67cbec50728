package e2e

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"crier/content"
	"crier/feed"

	"golang.org/x/net/html"
)

// hosts are those of the blog's own pages, in every spelling.
func (b blogOf) hosts() []string {
	var all []string
	for _, e := range b.version.Entries {
		for _, address := range []string{e.Link, e.ID} {
			if u, err := url.Parse(address); err == nil && u.Host != "" && strings.HasPrefix(u.Scheme, "http") {
				all = append(all, u.Host)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// replace puts one scheme for another before some hosts.
func (b blogOf) replace(hosts []string, from, to string) blogOf {
	for _, h := range hosts {
		b.text = strings.ReplaceAll(b.text, from+h, to+h)
		b.text = strings.ReplaceAll(b.text, strings.ReplaceAll(from+h, "/", `\/`), strings.ReplaceAll(to+h, "/", `\/`))
	}
	return b
}

// domain moves all pages to one other host.
func domain(b blogOf) blogOf {
	for _, h := range b.hosts() {
		b.text = strings.ReplaceAll(b.text, h, "moved.example")
	}
	return b
}

// permalinks gives every page another path; GUIDs that are addresses follow.
func permalinks(b blogOf) blogOf {
	to := map[string]string{}
	for _, e := range b.version.Entries {
		for _, address := range []string{e.Link, e.ID} {
			if u, err := url.Parse(strings.TrimSpace(address)); err == nil && (u.Host != "" || strings.HasPrefix(address, "/")) && u.Path != "" {
				to[address] = otherPath(u)
			}
		}
	}
	var pairs []string
	for _, from := range slices.SortedFunc(maps.Keys(to), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		pairs = append(pairs, escaped(from), escaped(to[from]), from, to[from])
	}
	b.text = strings.NewReplacer(pairs...).Replace(b.text)
	return b
}

func otherPath(u *url.URL) string {
	slug := path.Base(u.EscapedPath())
	if slug == "/" || slug == "." || u.RawQuery != "" {
		slug = fmt.Sprintf("%x", sha256.Sum256([]byte(u.String())))[:10]
	}
	moved := *u
	moved.RawQuery, moved.Fragment = "", ""
	moved.RawPath = "/writing/" + strings.TrimSuffix(slug, ".html") + ".html"
	moved.Path, _ = url.PathUnescape(moved.RawPath) // it was escaped a moment ago
	return moved.String()
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}

// idElement is an element that holds an entry's identity, in any of the formats.
var idElement = regexp.MustCompile(`(<guid)([^>]*)(>)([^<]*)(</guid>)|(<id)([^>]*)(>)([^<]*)(</id>)|("id"\s*:\s*")([^"]*)(")|(rdf:about=")([^"]*)(")`)

// guids gives every entry an identity of another kind; those that share one go on doing so.
func guids(b blogOf) blogOf {
	b.text = idElement.ReplaceAllStringFunc(b.text, func(s string) string {
		id := fmt.Sprintf("urn:sha:%x", sha256.Sum256([]byte(s)))[:40]
		switch {
		case strings.HasPrefix(s, "<guid"):
			return `<guid isPermaLink="false">` + id + "</guid>"
		case strings.HasPrefix(s, "<id"):
			return "<id>" + id + "</id>"
		case strings.HasPrefix(s, "rdf:about"):
			return `rdf:about="` + id + `"`
		}
		return `"id": "` + id + `"`
	})
	return b
}

// entryOf is an entry as another generator writes it.
type entryOf struct {
	ID, URL, Title, HTML, Date string
	Media                      []content.Media
}

// rebuild publishes the same entries with another generator: other format, GUIDs and permalinks, HTML set in another
// way, typographic quotation marks, no time of day.
func rebuild(b blogOf, write func([]entryOf) blogOf) blogOf {
	d, err := feed.Parse([]byte(b.text), feed.Source{URL: "http://blog.example/feed", ContentType: b.typ})
	if err != nil {
		return b
	}
	var all []entryOf
	for i, it := range d.Items {
		e := entryOf{ID: fmt.Sprintf("tag:generator.example,2026:%d", len(d.Items)-i), Title: curly(it.Title), Media: it.Media}
		if u, err := url.Parse(it.Link); err == nil && u.Host != "" {
			e.URL = otherPath(u)
		}
		e.HTML = `<div class="entry">` + reset(cmp.Or(it.Content, it.Summary)) + "</div>"
		if date := it.Date(); !date.IsZero() {
			e.Date = date.Truncate(24 * time.Hour).Format(time.RFC3339)
		}
		all = append(all, e)
	}
	out := write(all)
	out.version = b.version
	return out
}

func curly(s string) string {
	return strings.NewReplacer(`"`, "”", "'", "’", "...", "…", " - ", " – ").Replace(s)
}

// reset parses HTML and writes it anew.
func reset(s string) string {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(s)); z.Next() != html.ErrorToken; {
		t := z.Token()
		switch t.Type {
		case html.TextToken:
			b.WriteString(html.EscapeString(curly(t.Data)))
		case html.CommentToken:
		default:
			t.Attr = slices.DeleteFunc(t.Attr, func(a html.Attribute) bool { return a.Key == "class" || a.Key == "style" })
			b.WriteString(t.String())
		}
	}
	return b.String()
}

func atomOf(all []entryOf) blogOf {
	var b strings.Builder
	b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom"><title>The blog</title><id>urn:blog</id>`)
	for _, e := range all {
		fmt.Fprintf(&b, "<entry><id>%s</id><title>%s</title>", escaped(e.ID), escaped(e.Title))
		if e.URL != "" {
			fmt.Fprintf(&b, `<link rel="alternate" href="%s"/>`, escaped(e.URL))
		}
		if e.Date != "" {
			fmt.Fprintf(&b, "<published>%s</published>", e.Date)
		}
		for _, m := range e.Media {
			fmt.Fprintf(&b, `<link rel="enclosure" href="%s" type="%s"/>`, escaped(m.URL), escaped(m.Type))
		}
		fmt.Fprintf(&b, `<content type="html">%s</content></entry>`, escaped(e.HTML))
	}
	b.WriteString("</feed>")
	return blogOf{text: b.String(), typ: "application/atom+xml"}
}

func jsonOf(all []entryOf) blogOf {
	items := []map[string]any{}
	for _, e := range all {
		item := map[string]any{"id": e.ID, "content_html": e.HTML}
		for key, value := range map[string]string{"url": e.URL, "title": e.Title, "date_published": e.Date} {
			if value != "" {
				item[key] = value
			}
		}
		items = append(items, item)
	}
	text, _ := json.Marshal(map[string]any{"version": "https://jsonfeed.org/version/1.1", "title": "The blog", "items": items}) // strings alone
	return blogOf{text: string(text), typ: "application/feed+json"}
}
