package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"crier/content"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	"github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

const (
	maxText       = 1 << 20 // bytes of one entry's text; more is cut off
	maxCategories = 50
	maxMedia      = 50
	maxItems      = 20_000
)

// Dates outside these years are set to the nearer end. A year before that is nobody's post but a clock that
// was not set, one after it would wait for ever.
var (
	earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Document is a feed as it was read.
type Document struct {
	Title    string        // plain text
	Link     string        // of the channel, as written there
	Language string        // BCP 47 as written, may be empty
	Kind     string        // "rss", "rdf", "atom" or "json"
	Hint     time.Duration // how often the feed asks to be polled; 0 if it does not say
	Items    []Item        // in the order of the document
}

// Item is one entry as it was read. The addresses in content.Entry are absolute; its URL is left to the
// caller, who knows the blog's host.
type Item struct {
	content.Entry
	GUID          string    // identity as written, white space cut off; may be empty
	GUIDPermalink bool      // the GUID claims to be the address of the entry's page
	Link          string    // address of the page, as written; may be relative or empty
	Published     time.Time // zero if undated
	Updated       time.Time // zero if not said
}

// Date returns the item's own date: of publication, else of the last change, else zero.
func (i Item) Date() time.Time {
	if !i.Published.IsZero() {
		return i.Published
	}
	return i.Updated
}

// Source says where a document came from.
type Source struct {
	URL         string // as configured; what relative addresses are resolved against, after the channel's link
	ContentType string // of the HTTP answer; may be empty
}

// Parse reads a feed: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed. The error says in the owner's words what is
// wrong with the document; then nothing of it may be used.
func Parse(body []byte, src Source) (*Document, error) {
	text, err := toUTF8(body, src.ContentType)
	if err != nil {
		return nil, err
	}
	kind, text, err := sniff(text)
	if err != nil {
		return nil, err
	}
	var seen outline
	if kind != "json" {
		if seen, err = scanXML(text); err != nil {
			return nil, err
		}
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the feed is broken: %w", err)
	}
	if len(f.Items) > maxItems {
		return nil, fmt.Errorf("the feed has %d entries; more than %d are not read", len(f.Items), maxItems)
	}
	d, err := document(f, seen, src)
	if err != nil {
		return nil, err
	}
	d.Kind = kind
	return d, nil
}

// parse hands a document to the library. It is the one place where a panic is caught: version 1.4.2 stumbles
// over null in a list of a JSON Feed, and a feed must not be able to end the daemon.
func parse(text []byte) (f *gofeed.Feed, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, errors.New("a list in it holds something that is no entry")
		}
	}()
	p := gofeed.NewParser()
	p.KeepOriginalFeed = true
	p.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	return p.Parse(bytes.NewReader(text))
}

// document makes ours of what the library read.
func document(f *gofeed.Feed, seen outline, src Source) (*Document, error) {
	d := &Document{
		Title:    content.PlainText(f.Title),
		Link:     strings.TrimSpace(f.Link),
		Language: language(f.Language),
		Items:    make([]Item, len(f.Items)),
	}
	if len(seen.items) != len(f.Items) {
		seen.items = make([]itemAttrs, len(f.Items))
	}
	base := baseURL(d.Link, src.URL)
	for n, g := range f.Items {
		d.Items[n] = common(g, seen.items[n])
	}
	switch o := f.OriginalFeed().(type) {
	case *rss.Feed:
		d.rss(o, f, seen)
	case *atom.Feed:
		d.atom(o)
	case *json.Feed:
		if o.Items == nil {
			return nil, errors.New("this is no feed: it is JSON without a list of items")
		}
		d.json(o)
	}
	for n := range d.Items {
		d.Items[n].finish(base, d.Language)
		f.Items[n] = nil // lets the originals go while the rest is worked on
	}
	return d, nil
}

// common takes over what all formats share.
func common(g *gofeed.Item, attrs itemAttrs) Item {
	it := Item{
		GUID: withoutComments(g.GUID),
		Link: withoutComments(g.Link),
		Entry: content.Entry{
			Title:    content.PlainText(g.Title),
			Summary:  g.Description,
			Content:  g.Content,
			Language: language(attrs.lang),
		},
	}
	if g.PublishedParsed != nil {
		it.Published = clampDate(*g.PublishedParsed)
	}
	if g.UpdatedParsed != nil {
		it.Updated = clampDate(*g.UpdatedParsed)
	}
	for _, c := range g.Categories {
		it.addCategory(c)
	}
	for _, e := range g.Enclosures {
		it.addMedia(content.Media{URL: e.URL, Type: e.Type})
	}
	it.extensions(g.Extensions)
	return it
}

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

// finish makes addresses absolute and keeps sizes within bounds.
func (i *Item) finish(base *url.URL, lang string) {
	if i.Language == "" {
		i.Language = lang
	}
	if len(i.Link) > maxAddress {
		i.Link = "" // leads nowhere that anybody could follow
	}
	if len(i.GUID) > maxAddress {
		sum := sha256.Sum256([]byte(i.GUID))
		i.GUID, i.GUIDPermalink = "sha256:"+hex.EncodeToString(sum[:]), false
	}
	page := base
	if link, err := url.Parse(i.Link); err == nil && i.Link != "" {
		if page = link; base != nil {
			page = base.ResolveReference(link)
		}
	}
	if page != nil && !page.IsAbs() {
		page = nil
	}
	i.Content = resolveHTML(strings.TrimSpace(capHTML(i.Content, maxText)), page)
	i.Summary = resolveHTML(strings.TrimSpace(capHTML(i.Summary, maxText)), page)
	i.Markdown = capHTML(i.Markdown, maxText)
	if len(i.Title) > 4096 {
		i.Title = clip(i.Title, 4096)
	}
	kept := i.Media[:0]
	for _, m := range i.Media {
		m.URL = resolve(page, m.URL)
		if u, err := url.Parse(m.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			kept = append(kept, m)
		}
	}
	i.Media = kept
	if len(kept) == 0 {
		i.Media = nil
	}
}

// addCategory adds a category once, whatever its case.
func (i *Item) addCategory(c string) {
	if c = content.PlainText(c); c == "" || len(c) > 200 || len(i.Categories) >= maxCategories {
		return
	}
	for _, have := range i.Categories {
		if strings.EqualFold(have, c) {
			return
		}
	}
	i.Categories = append(i.Categories, c)
}

// addMedia adds a medium once; what a later mention knows besides is kept.
func (i *Item) addMedia(m content.Media) {
	m.URL, m.Type = strings.TrimSpace(m.URL), strings.ToLower(strings.TrimSpace(m.Type))
	if m.URL == "" || len(i.Media) >= maxMedia {
		return
	}
	if m.Type == "" {
		m.Type = typeByName(m.URL)
	}
	for n := range i.Media {
		if have := &i.Media[n]; have.URL == m.URL {
			have.Alt = first(have.Alt, m.Alt)
			have.Type = first(have.Type, m.Type)
			have.Width, have.Height = max(have.Width, m.Width), max(have.Height, m.Height)
			return
		}
	}
	i.Media = append(i.Media, m)
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

// typeByName guesses a media type from a file name. The system's own table is not asked: an entry must
// not change because crier moved to another machine.
func typeByName(address string) string {
	if u, err := url.Parse(address); err == nil {
		address = u.Path
	}
	switch strings.ToLower(path.Ext(address)) {
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".avif":
		return "image/avif"
	case ".svg":
		return "image/svg+xml"
	case ".mp3":
		return "audio/mpeg"
	case ".m4a":
		return "audio/mp4"
	case ".ogg", ".oga", ".opus":
		return "audio/ogg"
	case ".wav":
		return "audio/wav"
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	}
	return ""
}
