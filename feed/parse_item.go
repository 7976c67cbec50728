package feed

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// withoutComments cuts white space and XML comments, which the library leaves in: a GUID that was commented
// out is none.
func withoutComments(s string) string {
	var b strings.Builder
	for {
		before, rest, comment := strings.Cut(s, "<!--")
		b.WriteString(before)
		if !comment {
			return strings.TrimSpace(b.String())
		}
		_, s, _ = strings.Cut(rest, "-->")
	}
}

// maxAddress is how long a link or GUID may be in bytes; browsers and servers take no longer ones, and the
// store has them in its keys.
const maxAddress = 2048

// finish makes addresses absolute and keeps sizes within bounds. base is what links are relative to.
func (i *Item) finish(base *url.URL, attrs itemAttrs, lang string) {
	if i.Language == "" {
		i.Language = lang
	}
	if b := parsedBase(first(attrs.linkBase, attrs.base)); b != nil && i.Link != "" {
		i.Link = resolve(b, i.Link)
	}
	if len(i.Link) > maxAddress {
		i.Link = "" // leads nowhere that anybody could follow
	}
	if len(i.GUID) > maxAddress {
		sum := sha256.Sum256([]byte(i.GUID))
		i.GUID, i.GUIDPermalink = "sha256:"+hex.EncodeToString(sum[:]), false
	}
	page := i.pageBase(base)
	around := cmp.Or(parsedBase(attrs.base), page)
	i.Content = strings.TrimSpace(resolveHTML(capHTML(i.Content, maxText), cmp.Or(parsedBase(attrs.contentBase), around)))
	i.Summary = strings.TrimSpace(resolveHTML(capHTML(i.Summary, maxText), cmp.Or(parsedBase(attrs.summaryBase), around)))
	i.capText()
	i.finishMedia(around)
}

// pageBase returns the address of the item's page, which what stands in it is relative to, or nil.
func (i *Item) pageBase(base *url.URL) *url.URL {
	page := base
	if link, err := url.Parse(i.Link); err == nil && i.Link != "" {
		if page = link; base != nil {
			page = base.ResolveReference(link)
		}
	}
	if page == nil || !page.IsAbs() {
		return nil
	}
	return page
}

func parsedBase(s string) *url.URL {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil
	}
	return u
}

// capText keeps all texts of an entry together within maxText. What is shown whole counts before its source, and a
// summary beside a text needs no more than an eighth.
func (i *Item) capText() {
	before := len(i.Content) + len(i.Summary) + len(i.Markdown)
	if len(i.Title) > maxTitle {
		i.Title = clip(i.Title, maxTitle)
	}
	rest := maxText - maxTitle - len("…")
	if i.Content == "" && i.Markdown == "" {
		i.Summary = capHTML(i.Summary, rest)
	} else {
		i.Summary = capHTML(i.Summary, maxText/8)
	}
	i.Content = capHTML(i.Content, rest-len(i.Summary))
	if i.Content != "" && len(i.Markdown) > rest-len(i.Summary)-len(i.Content) {
		i.Markdown = "" // half of a source is none
	}
	i.Markdown = capHTML(i.Markdown, rest-len(i.Summary)-len(i.Content))
	i.flaws.cut = len(i.Content)+len(i.Summary)+len(i.Markdown) < before
}

// baseURL returns what relative addresses in a document are relative to, or nil.
func baseURL(channelLink, feedURL string) *url.URL {
	feed, err := url.Parse(feedURL)
	if err != nil || (feed.Scheme != "http" && feed.Scheme != "https") {
		feed = nil
	}
	link, err := url.Parse(channelLink)
	if err != nil || channelLink == "" {
		return feed
	}
	if link.IsAbs() && link.Host != "" {
		return link
	}
	if feed == nil || link.IsAbs() {
		return feed
	}
	// A channel link without a scheme ("tayefi.example/") is a mistake as often as a path: only what
	// starts with a slash is taken for one.
	if strings.HasPrefix(channelLink, "/") {
		return feed.ResolveReference(link)
	}
	return feed
}

func clampDate(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Second)
	switch {
	case t.Year() <= 1: // how Go and .NET programs write "no date"
		return time.Time{}
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}

func language(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "-")
	if len(s) > 35 || strings.ContainsAny(s, " \t\n<>") {
		return ""
	}
	return s
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
