package feed

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// maxLinks is how many links of one header or one page are looked at.
const maxLinks = 100

// pageLink is a link that a page or an answer gives of itself.
type pageLink struct {
	rel   string // lower case, one or several words
	href  string // as written
	kind  string // media type, lower case, without parameters; may be empty
	title string
}

// is tells whether the link has that relation.
func (l pageLink) is(rel string) bool {
	for r := range strings.FieldsSeq(l.rel) {
		if r == rel {
			return true
		}
	}
	return false
}

// leadsToFeed tells whether the link says that it leads to a feed. JSON alone says little: WordPress names its own
// interface that way.
func (l pageLink) leadsToFeed() bool {
	if l.href == "" || !l.is("alternate") {
		return false
	}
	switch l.kind {
	case "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml":
		return true
	case "application/json":
		return strings.Contains(l.href, "feed") && !strings.Contains(l.href, "wp-json")
	}
	return false
}

// feedLink returns the link in a <link> that leads to a feed, else an empty one.
func feedLink(t html.Token) pageLink {
	if t.Data != "link" {
		return pageLink{}
	}
	var l pageLink
	for _, a := range t.Attr {
		switch a.Key {
		case "rel":
			l.rel = strings.ToLower(a.Val)
		case "href":
			l.href = strings.TrimSpace(a.Val)
		case "type":
			l.kind = bareType(a.Val)
		case "title":
			l.title = a.Val
		}
	}
	if !l.leadsToFeed() {
		return pageLink{}
	}
	return l
}

func bareType(written string) string {
	t, _, err := mime.ParseMediaType(written)
	if err != nil {
		t, _, _ = strings.Cut(strings.ToLower(written), ";")
	}
	return strings.TrimSpace(t)
}

// headerLinks reads the Link headers of an answer (RFC 8288, 3). A link whose context is another resource ("anchor") says
// nothing of this one.
func headerLinks(h http.Header) []pageLink {
	var out []pageLink
	for _, value := range h.Values("Link") {
		for value != "" && len(out) < maxLinks {
			var l pageLink
			var ok bool
			if l, value, ok = nextLink(value); ok {
				out = append(out, l)
			}
		}
	}
	return out
}

// nextLink reads the first link of a header and returns the rest of it.
func nextLink(s string) (l pageLink, rest string, ok bool) {
	_, s, found := strings.Cut(s, "<")
	if !found {
		return l, "", false
	}
	l.href, s, found = strings.Cut(s, ">")
	if !found {
		return l, "", false
	}
	l.href = strings.TrimSpace(l.href)
	anchored := false
	for {
		s = strings.TrimLeft(s, " \t")
		if !strings.HasPrefix(s, ";") {
			break
		}
		var name, value string
		name, value, s = nextParam(s[1:])
		switch {
		case name == "rel" && l.rel == "":
			l.rel = strings.ToLower(value)
		case name == "type":
			l.kind = bareType(value)
		case name == "title":
			l.title = value
		case name == "anchor":
			anchored = true
		}
	}
	if i := strings.IndexByte(s, ','); i >= 0 {
		return l, s[i+1:], l.rel != "" && !anchored
	}
	return l, "", l.rel != "" && !anchored
}

// nextParam reads one parameter of a link: name, name=token or name="quoted".
func nextParam(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t")
	end := strings.IndexAny(s, "=;,")
	if end < 0 {
		return strings.ToLower(strings.TrimSpace(s)), "", ""
	}
	name = strings.ToLower(strings.TrimSpace(s[:end]))
	if s[end] != '=' {
		return name, "", s[end:]
	}
	s = strings.TrimLeft(s[end+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		if end = strings.IndexAny(s, ";,"); end < 0 {
			end = len(s)
		}
		return name, strings.TrimSpace(s[:end]), s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return name, b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return name, b.String(), ""
}

// webSubLinks returns what links say of WebSub, absolute (WebSub, 4).
func webSubLinks(links []pageLink, from *url.URL) (hub, topic string) {
	for _, l := range links {
		if hub == "" && l.is("hub") {
			hub = resolve(from, l.href)
		}
		if topic == "" && l.is("self") {
			topic = resolve(from, l.href)
		}
	}
	return hub, topic
}
