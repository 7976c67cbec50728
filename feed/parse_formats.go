package feed

import (
	"bytes"
	stdjson "encoding/json"
	"html"
	"regexp"
	"slices"
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

// The library gives a feed in the form of its own format and in a common one. Both are read, because the common
// form loses what crier needs: whether a GUID is a permalink, the type of an Atom text and its src, the titles of Atom
// enclosures and JSON attachments, all authors but one, hubs, hours to skip. Each original is let go as soon
// as its item is done.

// rss adds what only RSS says, or what the common form of the library lost.
func (d *Document) rss(o *rss.Feed, f *gofeed.Feed, seen outline) {
	if d.Language == "" && o.DublinCoreExt != nil && len(o.DublinCoreExt.Language) > 0 {
		d.Language = language(o.DublinCoreExt.Language[0])
	}
	d.Hint = rssHint(o)
	d.SkipHours, d.SkipDays = skipHours(o.SkipHours), skipDays(o.SkipDays)
	for _, l := range o.Extensions["atom"]["link"] {
		d.relation(l.Attrs["rel"], l.Attrs["href"])
	}
	for n, src := range o.Items {
		it := &d.Items[n]
		if src.GUID != nil {
			it.GUIDPermalink = !strings.EqualFold(strings.TrimSpace(src.GUID.IsPermalink), "false")
		}
		if it.GUID == "" && seen.items[n].about != "" {
			it.GUID = seen.items[n].about // the identity of an RSS 1.0 item (RSS 1.0, 5.5)
		}
		for i := len(src.Links) - 1; i >= 0 && it.Link == ""; i-- {
			it.Link = withoutComments(src.Links[i])
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
		it.rssAuthors(src)
		it.rssMedia(src)
		// Where the date of publication is the one of Dublin Core the library calls it the last change too.
		if it.Published.Equal(it.Updated) {
			it.Updated = time.Time{}
		}
		o.Items[n], f.Items[n] = nil, nil
	}
}

// relation takes a link of the feed's own that says who tells of changes (WebSub, 4).
func (d *Document) relation(rel, href string) {
	for r := range strings.FieldsSeq(strings.ToLower(rel)) {
		switch {
		case r == "hub" && d.Hub == "":
			d.Hub = href
		case r == "self" && d.Topic == "":
			d.Topic = href
		}
	}
}

// atom adds what only Atom says. The type of a title is not looked at: it is read as HTML, which plain text
// survives unless it looks like a tag.
func (d *Document) atom(o *atom.Feed, f *gofeed.Feed, seen outline) {
	d.Link = first(atomAlternate(o.Links), d.Link)
	for _, l := range o.Links {
		d.relation(l.Rel, l.Href)
	}
	for n, src := range o.Entries {
		it := &d.Items[n]
		it.Link = first(atomAlternate(src.Links), it.Link)
		it.Content = ""
		if src.Content != nil {
			it.atomContent(*src.Content)
		}
		if src.Published == "" {
			it.Published = time.Time{} // the library makes it up from the last change
		}
		if seen.items[n].summaryText {
			it.Summary = textToHTML(src.Summary)
		}
		it.GUIDPermalink = it.Link == "" && isHTTP(it.GUID)
		for _, l := range src.Links {
			if l.Rel == "enclosure" {
				it.addEnclosure(l.Href, l.Type, l.Length, l.Title)
			}
		}
		for _, p := range slices.Concat(src.Authors, atomAuthors(src, o)) {
			it.addAuthor(first(p.Name, p.Email))
		}
		o.Entries[n], f.Items[n] = nil, nil
	}
}

// atomAuthors returns the authors of an entry that names none itself: those of the feed that it comes from, else of
// this one (RFC 4287, 4.2.1).
func atomAuthors(e *atom.Entry, o *atom.Feed) []*atom.Person {
	switch {
	case len(e.Authors) > 0:
		return nil
	case e.Source != nil && len(e.Source.Authors) > 0:
		return e.Source.Authors
	}
	return o.Authors
}

// atomContent takes the content of an entry as HTML, whatever its type was (RFC 4287, 4.1.3). A content without a
// type is text by the letter; where it obviously is HTML, that is what its author meant.
func (i *Item) atomContent(c atom.Content) {
	t := strings.ToLower(strings.TrimSpace(c.Type))
	medium := strings.HasPrefix(t, "image/") || strings.HasPrefix(t, "audio/") || strings.HasPrefix(t, "video/")
	switch {
	case c.Src != "" && medium:
		i.addMedia(content.Media{URL: c.Src, Type: t})
	case c.Src != "":
		i.Link = first(i.Link, strings.TrimSpace(c.Src)) // the text is there and only there
	case medium:
	case t == "text", strings.HasPrefix(t, "text/") && t != "text/html":
		i.Content = textToHTML(c.Value)
	case t == "" && !strings.Contains(c.Value, "</") && !strings.Contains(c.Value, "<br"):
		i.Content = textToHTML(c.Value)
	case strings.Contains(t, "xhtml"):
		i.Content = withoutPrefix(c.Value)
	default:
		i.Content = c.Value
	}
}

// withoutPrefix makes HTML of XHTML whose elements bear a prefix: <h:div> is an element that HTML does not know.
func withoutPrefix(s string) string {
	m := regexp.MustCompile(`^\s*<([A-Za-z][\w-]*):div\b`).FindStringSubmatch(s)
	if m == nil {
		return s
	}
	return strings.NewReplacer("<"+m[1]+":", "<", "</"+m[1]+":", "</").Replace(s)
}

// atomAlternate returns the page that links point to: the alternate one, of several the HTML one.
func atomAlternate(links []*atom.Link) string {
	found := ""
	for _, l := range links {
		rel := strings.TrimPrefix(l.Rel, "http://www.iana.org/assignments/relation/")
		if rel != "alternate" || l.Href == "" {
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

// jsonExtras is what the library does not read of a JSON Feed: hubs, and what crier itself adds to the format
// (see doc.go).
type jsonExtras struct {
	Hubs []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"hubs"`
	Items []struct {
		Crier struct {
			Warning string `json:"content_warning"`
		} `json:"_crier"`
	} `json:"items"`
}

func readJSONExtras(text []byte) (more jsonExtras) {
	if !bytes.Contains(text, []byte(`"hubs"`)) && !bytes.Contains(text, []byte(`"_crier"`)) {
		return more
	}
	// What is of another type than it should be says nothing; the rest still counts. The document as a whole has
	// been read before.
	_ = stdjson.NewDecoder(bytes.NewReader(text)).Decode(&more)
	return more
}

// json adds what only JSON Feed says (versions 1 and 1.1).
func (d *Document) json(o *json.Feed, f *gofeed.Feed, more jsonExtras) {
	d.Link = first(strings.TrimSpace(o.HomePageURL), d.Link)
	for _, h := range more.Hubs {
		if strings.EqualFold(h.Type, "websub") || strings.EqualFold(h.Type, "pubsubhubbub") {
			d.relation("hub", h.URL)
		}
	}
	d.Topic = o.FeedURL
	for n, src := range o.Items {
		it := &d.Items[n]
		it.Link = strings.TrimSpace(src.URL)
		it.GUIDPermalink = it.Link == "" && isHTTP(it.GUID)
		it.Language = first(language(src.Language), it.Language)
		it.Content = src.ContentHTML
		if it.Content == "" {
			it.Content = textToHTML(src.ContentText)
		}
		it.Summary = textToHTML(html.UnescapeString(src.Summary)) // text by the letter, but Publii writes &hellip;
		if n < len(more.Items) {
			it.addWarning(more.Items[n].Crier.Warning)
		}
		it.jsonAuthors(src, o)
		for _, picture := range []string{src.Image, src.BannerImage} {
			it.addMedia(content.Media{URL: picture, Type: first(typeByName(picture), "image/jpeg")})
		}
		if src.Attachments != nil {
			for _, a := range *src.Attachments {
				it.addMedia(content.Media{URL: a.URL, Type: a.MimeType, Alt: content.PlainText(a.Title)})
			}
		}
		o.Items[n], f.Items[n] = nil, nil
	}
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

// skipHours reads the hours in which a feed never changes (RSS 2.0: 0 to 23, in 0.91 1 to 24). A list of all
// hours is a mistake.
func skipHours(written []string) []int {
	var out []int
	for _, s := range written {
		h, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || h < 0 || h > 24 || slices.Contains(out, h%24) {
			continue
		}
		out = append(out, h%24)
	}
	if len(out) == 24 {
		return nil
	}
	slices.Sort(out)
	return out
}

// skipDays reads the days on which a feed never changes. A list of all days is a mistake.
func skipDays(written []string) []time.Weekday {
	var out []time.Weekday
	for _, s := range written {
		for d := time.Sunday; d <= time.Saturday; d++ {
			if strings.EqualFold(strings.TrimSpace(s), d.String()) && !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	if len(out) == 7 {
		return nil
	}
	slices.Sort(out)
	return out
}
