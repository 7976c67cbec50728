package feed

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"crier/content"

	ext "github.com/mmcdole/gofeed/extensions"
	"github.com/mmcdole/gofeed/rss"
)

// maxAlt is how long a description of a picture may be, in bytes.
const maxAlt = 8192

// rssMedia takes enclosures, and what iTunes and the podcast namespace say besides.
func (i *Item) rssMedia(src *rss.Item) {
	kept := i.Media
	i.Media = nil
	for _, e := range src.Enclosures {
		i.addEnclosure(e.URL, e.Type, e.Length, "")
	}
	for _, m := range kept { // Media RSS tells more of the same files, and of others
		i.addMedia(m)
	}
	if len(i.Media) == 0 {
		i.alternateEnclosure(src.Extensions["podcast"]["alternateEnclosure"])
	}
	if src.ITunesExt != nil && src.ITunesExt.Image != "" {
		i.addMedia(content.Media{URL: src.ITunesExt.Image, Type: first(typeByName(src.ITunesExt.Image), "image/jpeg")})
	}
	if i.Summary == "" && i.Content == "" && src.ITunesExt != nil {
		i.Summary = src.ITunesExt.Subtitle
	}
}

// alternateEnclosure takes the first file that can be had over the web, where an episode has no enclosure at all
// (podcast namespace, 1.0).
func (i *Item) alternateEnclosure(all []ext.Extension) {
	for _, e := range all {
		for _, s := range e.Children["source"] {
			if isHTTP(s.Attrs["uri"]) {
				i.addMedia(content.Media{URL: s.Attrs["uri"], Type: first(s.Attrs["contentType"], e.Attrs["type"])})
				return
			}
		}
	}
}

// addEnclosure adds a file that the feed attaches to an entry, and notes what is wrong with how it does.
func (i *Item) addEnclosure(address, mediaType, length, title string) {
	address = strings.TrimSpace(address)
	n, err := strconv.ParseInt(strings.TrimSpace(length), 10, 64)
	switch {
	case address == "":
		i.flaws.medium = "has no address"
	case !strings.Contains(mediaType, "/"):
		i.flaws.medium = "has no type"
	case length != "" && (err != nil || n < 0):
		i.flaws.medium = "has a length that is no number"
	}
	i.addMedia(content.Media{URL: address, Type: mediaType, Alt: content.PlainText(title)})
}

// extensions takes what stands in other vocabularies, under whatever prefix a document gives them.
func (i *Item) extensions(all ext.Extensions) {
	for _, group := range all {
		if m := group["markdown"]; len(m) > 0 && i.Markdown == "" {
			i.Markdown = strings.TrimSpace(m[0].Value)
		}
	}
	media := all["media"]
	if len(media) == 0 {
		return
	}
	around := i.mediaText(media)
	i.Sensitive = adult(media["rating"])
	for _, g := range media["group"] {
		i.Sensitive = i.Sensitive || adult(g.Children["rating"])
		for _, c := range renditions(g.Children["content"]) {
			i.addMediaContent(c, first(i.mediaText(c.Children), i.mediaText(g.Children), around))
		}
	}
	for _, c := range media["content"] {
		i.addMediaContent(c, first(i.mediaText(c.Children), around))
	}
	if len(i.Media) > 0 {
		return
	}
	thumbnails := slices.Clone(media["thumbnail"])
	for _, g := range media["group"] {
		thumbnails = append(thumbnails, g.Children["thumbnail"]...)
		around = first(around, i.mediaText(g.Children))
	}
	if t, ok := widest(thumbnails); ok {
		i.addMedia(content.Media{URL: t.Attrs["url"], Type: first(typeByName(t.Attrs["url"]), "image/jpeg"), Alt: around,
			Width: number(t.Attrs["width"]), Height: number(t.Attrs["height"])})
	}
}

// renditions returns one medium of each kind out of a group: those in it show the same thing (Media RSS 1.5.1, group).
// The default one counts, else the widest picture, else the first that is named.
func renditions(all []ext.Extension) []ext.Extension {
	byKind := map[string][]ext.Extension{}
	var kinds []string
	for _, c := range all {
		kind := c.Attrs["medium"]
		if kind == "" {
			kind, _, _ = strings.Cut(first(c.Attrs["type"], typeByName(c.Attrs["url"])), "/")
		}
		if byKind[kind] == nil {
			kinds = append(kinds, kind)
		}
		byKind[kind] = append(byKind[kind], c)
	}
	var out []ext.Extension
	for _, kind := range kinds {
		best := byKind[kind][0]
		if kind == "image" {
			best, _ = widest(byKind[kind])
		}
		for _, c := range byKind[kind] {
			if c.Attrs["isDefault"] == "true" {
				best = c
				break
			}
		}
		out = append(out, best)
	}
	return out
}

func widest(all []ext.Extension) (best ext.Extension, ok bool) {
	for _, c := range all {
		if !ok || number(c.Attrs["width"]) > number(best.Attrs["width"]) {
			best, ok = c, true
		}
	}
	return best, ok
}

// adult tells whether a rating, which is of the simple scheme unless it says otherwise, keeps children out (Media RSS
// 1.5.1, rating).
func adult(ratings []ext.Extension) bool {
	for _, r := range ratings {
		if scheme := r.Attrs["scheme"]; (scheme == "" || scheme == "urn:simple") && strings.EqualFold(strings.TrimSpace(r.Value), "adult") {
			return true
		}
	}
	return false
}

// addMediaContent adds a media:content (Media RSS 1.5.1).
func (i *Item) addMediaContent(c ext.Extension, alt string) {
	m := content.Media{URL: c.Attrs["url"], Type: c.Attrs["type"], Alt: alt,
		Width: number(c.Attrs["width"]), Height: number(c.Attrs["height"])}
	if portrait(m.URL) {
		return
	}
	if m.Type == "" && c.Attrs["medium"] == "image" {
		m.Type = first(typeByName(m.URL), "image/jpeg")
	}
	i.Sensitive = i.Sensitive || adult(c.Children["rating"])
	i.addMedia(m)
}

// portrait tells pictures of an author: WordPress.com (August 2026) lists one first in every item.
func portrait(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	return err == nil && (u.Hostname() == "gravatar.com" || strings.HasSuffix(u.Hostname(), ".gravatar.com"))
}

// mediaText returns what Media RSS says of a medium: its description, else its title, unless that is the entry's
// own or the name of a file.
func (i *Item) mediaText(children map[string][]ext.Extension) string {
	if d := children["description"]; len(d) > 0 {
		if text := content.PlainText(d[0].Value); text != "" {
			return text
		}
	}
	if t := children["title"]; len(t) > 0 {
		if text := content.PlainText(t[0].Value); text != i.Title && strings.Contains(text, " ") {
			return text
		}
	}
	return ""
}

// addMedia adds a medium once; what a later mention knows besides is kept.
func (i *Item) addMedia(m content.Media) {
	m.URL, m.Type = strings.TrimSpace(m.URL), mediaType(m.Type)
	if m.URL == "" || len(m.URL) > maxAddress || len(i.Media) >= maxMedia {
		return
	}
	if m.Type == "" {
		m.Type = typeByName(m.URL)
	}
	m.Alt = clip(m.Alt, maxAlt)
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

// finishMedia makes the addresses of media absolute and drops those that lead nowhere.
func (i *Item) finishMedia(base *url.URL) {
	kept := i.Media[:0]
	for _, m := range i.Media {
		m.URL = resolve(base, m.URL)
		if u, err := url.Parse(m.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(m.URL) <= maxAddress {
			kept = append(kept, m)
		}
	}
	i.Media = kept
	if len(kept) == 0 {
		i.Media = nil
	}
}

// mediaType returns a media type in the form in which others expect it; empty if it is none.
func mediaType(written string) string {
	t, _, _ := strings.Cut(strings.ToLower(written), ";")
	switch t = strings.TrimSpace(t); {
	case len(t) > 100 || !strings.Contains(t, "/") || strings.ContainsAny(t, " \t\n<>\""):
		return ""
	case t == "image/jpg" || t == "image/pjpeg":
		return "image/jpeg"
	case t == "audio/mp3" || t == "audio/x-mp3":
		return "audio/mpeg"
	}
	return t
}

func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 100_000 {
		return 0
	}
	return n
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
