package feed

import (
	"strconv"
	"strings"
	"time"

	"crier/content"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
	"github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

// rss adds what only RSS says, or what the common form of the library lost.
func (d *Document) rss(o *rss.Feed, f *gofeed.Feed, seen outline) {
	if d.Language == "" && o.DublinCoreExt != nil && len(o.DublinCoreExt.Language) > 0 {
		d.Language = language(o.DublinCoreExt.Language[0])
	}
	d.Hint = rssHint(o)
	for n, src := range o.Items {
		it := &d.Items[n]
		if src.GUID != nil {
			it.GUIDPermalink = !strings.EqualFold(strings.TrimSpace(src.GUID.IsPermalink), "false")
		}
		if it.GUID == "" && seen.items[n].about != "" {
			it.GUID = seen.items[n].about // the identity of an RSS 1.0 item (RSS 1.0, 5.5)
		}
		if it.Link == "" {
			it.Link = atomLink(src.Extensions)
		}
		if orig := extValue(src.Extensions, "feedburner", "origLink"); orig != "" {
			it.Link = orig
		}
		if src.DublinCoreExt != nil && len(src.DublinCoreExt.Language) > 0 && it.Language == "" {
			it.Language = language(src.DublinCoreExt.Language[0])
		}
		if src.ITunesExt != nil && src.ITunesExt.Image != "" {
			it.addMedia(content.Media{URL: src.ITunesExt.Image, Type: first(typeByName(src.ITunesExt.Image), "image/jpeg")})
		}
		// Where the date of publication is the one of Dublin Core the library calls it the last change too.
		if it.Published.Equal(it.Updated) {
			it.Updated = time.Time{}
		}
		f.Items[n].Extensions = nil
	}
}

// atom adds what only Atom says. The type of a text is known for the content alone: the title and the
// summary are read as HTML, which plain text survives unless it looks like a tag.
func (d *Document) atom(o *atom.Feed) {
	d.Link = first(atomAlternate(o.Links), d.Link)
	for n, src := range o.Entries {
		it := &d.Items[n]
		it.Link = first(atomAlternate(src.Links), it.Link)
		it.GUIDPermalink = it.Link == "" && isHTTP(it.GUID)
		if src.Content != nil {
			it.Content = atomContent(*src.Content)
		}
		for _, l := range src.Links {
			if l.Rel == "enclosure" {
				it.addMedia(content.Media{URL: l.Href, Type: l.Type, Alt: content.PlainText(l.Title)})
			}
		}
	}
}

// atomContent returns HTML whatever the type was (RFC 4287, 4.1.3). A content without a type is text by
// the letter; where it obviously is HTML, that is what its author meant.
func atomContent(c atom.Content) string {
	switch t := strings.ToLower(strings.TrimSpace(c.Type)); {
	case t == "text", strings.HasPrefix(t, "text/") && t != "text/html":
		return textToHTML(c.Value)
	case t == "" && !strings.Contains(c.Value, "</") && !strings.Contains(c.Value, "<br"):
		return textToHTML(c.Value)
	case strings.HasPrefix(t, "image/"), strings.HasPrefix(t, "audio/"), strings.HasPrefix(t, "video/"):
		return ""
	}
	return c.Value
}

// atomAlternate returns the page that links point to: the alternate one, of several the HTML one.
func atomAlternate(links []*atom.Link) string {
	found := ""
	for _, l := range links {
		if l.Rel != "alternate" || l.Href == "" {
			continue
		}
		if found == "" || strings.HasPrefix(l.Type, "text/html") {
			found = strings.TrimSpace(l.Href)
		}
		if strings.HasPrefix(l.Type, "text/html") {
			break
		}
	}
	return found
}

// json adds what only JSON Feed says (versions 1 and 1.1).
func (d *Document) json(o *json.Feed) {
	d.Link = first(strings.TrimSpace(o.HomePageURL), d.Link)
	for n, src := range o.Items {
		it := &d.Items[n]
		it.Link = strings.TrimSpace(src.URL)
		it.GUIDPermalink = it.Link == "" && isHTTP(it.GUID)
		it.Language = first(language(src.Language), it.Language)
		it.Content = src.ContentHTML
		if it.Content == "" {
			it.Content = textToHTML(src.ContentText)
		}
		it.Summary = textToHTML(src.Summary)
		it.Media = nil
		for _, picture := range []string{src.Image, src.BannerImage} {
			it.addMedia(content.Media{URL: picture, Type: first(typeByName(picture), "image/jpeg")})
		}
		if src.Attachments == nil {
			continue
		}
		for _, a := range *src.Attachments {
			it.addMedia(content.Media{URL: a.URL, Type: a.MimeType, Alt: content.PlainText(a.Title)})
		}
	}
}

// extensions takes what stands in other vocabularies, under whatever prefix a document gives them.
func (i *Item) extensions(all ext.Extensions) {
	for _, group := range all {
		if m := group["markdown"]; len(m) > 0 && i.Markdown == "" {
			i.Markdown = strings.TrimSpace(m[0].Value)
		}
	}
	media := all["media"]
	around := mediaText(media)
	for _, g := range media["group"] {
		for _, c := range g.Children["content"] {
			i.addMediaContent(c, first(mediaText(c.Children), mediaText(g.Children), around))
		}
	}
	for _, c := range media["content"] {
		i.addMediaContent(c, first(mediaText(c.Children), around))
	}
	if len(i.Media) == 0 {
		for _, t := range media["thumbnail"] {
			i.addMedia(content.Media{URL: t.Attrs["url"], Type: first(typeByName(t.Attrs["url"]), "image/jpeg"), Alt: around,
				Width: number(t.Attrs["width"]), Height: number(t.Attrs["height"])})
		}
	}
}

// addMediaContent adds a media:content (Media RSS 1.5.1).
func (i *Item) addMediaContent(c ext.Extension, alt string) {
	m := content.Media{URL: c.Attrs["url"], Type: c.Attrs["type"], Alt: alt,
		Width: number(c.Attrs["width"]), Height: number(c.Attrs["height"])}
	if m.Type == "" && c.Attrs["medium"] == "image" {
		m.Type = first(typeByName(m.URL), "image/jpeg")
	}
	i.addMedia(m)
}

func mediaText(children map[string][]ext.Extension) string {
	if d := children["description"]; len(d) > 0 {
		return content.PlainText(d[0].Value)
	}
	return ""
}

func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 100_000 {
		return 0
	}
	return n
}

func isHTTP(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// atomLink returns the page that an atom:link inside an RSS item names.
func atomLink(all ext.Extensions) string {
	for _, l := range all["atom"]["link"] {
		if rel := l.Attrs["rel"]; rel == "" || rel == "alternate" {
			return strings.TrimSpace(l.Attrs["href"])
		}
	}
	return ""
}

func extValue(all ext.Extensions, prefix, name string) string {
	if e := all[prefix][name]; len(e) > 0 {
		return strings.TrimSpace(e[0].Value)
	}
	return ""
}

// rssHint returns how often an RSS feed asks to be polled: <ttl> in minutes (RSS 2.0), else the syndication
// module's period divided by its frequency.
func rssHint(o *rss.Feed) time.Duration {
	if n := number(o.TTL); n > 0 {
		return time.Duration(n) * time.Minute
	}
	periods := map[string]time.Duration{"hourly": time.Hour, "daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour,
		"monthly": 30 * 24 * time.Hour, "yearly": 365 * 24 * time.Hour}
	period := periods[extValue(o.Extensions, "sy", "updatePeriod")]
	return period / time.Duration(max(1, number(extValue(o.Extensions, "sy", "updateFrequency"))))
}
