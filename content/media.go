package content

import (
	"net/url"
	"path"
	"strconv"
	"strings"
)

const (
	maxMedia  = 4     // Mastodon keeps so many
	maxLooked = 500   // media of an entry that are looked at
	maxAlt    = 1_500 // characters; Mastodon writes so many, Misskey cuts at 512
)

// gallery collects the attachments of a post.
type gallery struct {
	pictures Pictures
	list     []Media
	seen     map[string]int // key of an address: place in list
	looked   int            // media looked at
}

// declare adds what the feed says belongs to the entry.
func (g *gallery) declare(media []Media) {
	for _, m := range media {
		g.add(m, "")
	}
}

// add attaches a medium, unless it is attached already; false says that it is not attached. guess is
// the media type where neither the feed nor the address tells it.
func (g *gallery) add(m Media, guess string) bool {
	if g.looked++; g.looked > maxLooked {
		return false
	}
	m.URL = webURL(m.URL)
	m.Type = mediaType(m.Type, m.URL, guess)
	if m.URL == "" || m.Type == "" || g.pictures == PicturesCard || tracker(m) {
		return false
	}
	if g.pictures == PicturesNone && strings.HasPrefix(m.Type, "image/") {
		return false
	}
	m.Alt = altText(m.Alt)
	key, _ := mediaKey(m.URL)
	if i, ok := g.seen[key]; ok {
		g.merge(i, m)
		return true
	}
	if len(g.list) == maxMedia {
		return false
	}
	if g.seen == nil {
		g.seen = map[string]int{}
	}
	g.seen[key] = len(g.list)
	g.list = append(g.list, m)
	return true
}

// merge takes over what another mention of the same medium knows better.
func (g *gallery) merge(i int, m Media) {
	old := &g.list[i]
	if old.Alt == "" {
		old.Alt = m.Alt
	}
	_, was := mediaKey(old.URL)
	if _, is := mediaKey(m.URL); is > was {
		old.URL, old.Width, old.Height = m.URL, m.Width, m.Height
	}
	if old.Width == 0 && old.Height == 0 && old.URL == m.URL {
		old.Width, old.Height = m.Width, m.Height
	}
}

// original is the width of a picture that was not made smaller.
const original = 1 << 30

// mediaKey returns what is the same for all sizes of one picture, and the width if the address names it
// (WordPress: name-300x200.jpg).
func mediaKey(address string) (key string, width int) {
	u, err := url.Parse(address)
	if err != nil {
		return address, original
	}
	ext := path.Ext(u.Path)
	if extensionType(ext) == "" {
		return pageKey(address), original
	}
	width = original
	name := strings.TrimSuffix(u.Path, ext)
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		if w, h, ok := strings.Cut(name[i+1:], "x"); ok && digits(w) && digits(h) {
			name = name[:i]
			width, _ = strconv.Atoi(w) // what is too large for an int is none that anybody uses
		}
	}
	for _, k := range []string{"w", "width", "resize", "fit"} {
		if n, err := strconv.Atoi(strings.SplitN(u.Query().Get(k), ",", 2)[0]); err == nil {
			width = n
		}
	}
	return u.Host + name + ext, width
}

// mediaType returns the media type to declare, "" for what no post can show.
func mediaType(declared, address, guess string) string {
	declared, _, _ = strings.Cut(strings.ToLower(declared), ";")
	declared = strings.TrimSpace(declared)
	byName := ""
	if u, err := url.Parse(address); err == nil {
		byName = extensionType(path.Ext(u.Path))
	}
	switch declared {
	case "image/jpg", "image/pjpeg":
		return "image/jpeg"
	case "audio/mp3", "audio/x-mp3", "audio/mpeg3":
		return "audio/mpeg"
	case "audio/x-m4a", "audio/m4a":
		return "audio/mp4"
	case "video/x-m4v":
		return "video/mp4"
	case "image", "image/*":
		guess = "image/jpeg"
	case "audio", "audio/*":
		guess = "audio/mpeg"
	case "video", "video/*":
		guess = "video/mp4"
	case "", "application/octet-stream", "binary/octet-stream", "text/html", "text/plain":
	default:
		return known(declared)
	}
	if byName == "" {
		return known(guess)
	}
	return known(byName)
}

// known returns a media type that servers show: SVG can carry script and is refused by them.
func known(t string) string {
	kind, name, ok := strings.Cut(t, "/")
	if !ok || name == "" || len(t) > 60 || strings.ContainsAny(t, " \"<>\\") || strings.HasPrefix(name, "svg") || name == "x-icon" {
		return ""
	}
	switch kind {
	case "image", "audio", "video":
		return t
	}
	return ""
}

func extensionType(ext string) string {
	switch strings.ToLower(ext) {
	case ".jpg", ".jpeg", ".jpe":
		return "image/jpeg"
	case ".png", ".gif", ".webp", ".avif", ".heic", ".bmp":
		return "image/" + strings.ToLower(ext[1:])
	case ".svg", ".svgz":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	case ".mp3":
		return "audio/mpeg"
	case ".m4a", ".m4b":
		return "audio/mp4"
	case ".ogg", ".oga", ".opus":
		return "audio/ogg"
	case ".aac", ".flac", ".wav":
		return "audio/" + strings.ToLower(ext[1:])
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	case ".ogv":
		return "video/ogg"
	case ".mov":
		return "video/quicktime"
	}
	return ""
}

// tracker tells pictures that count readers, space text or show who wrote, not what.
func tracker(m Media) bool {
	if m.Width > 0 && m.Width <= 2 || m.Height > 0 && m.Height <= 2 {
		return true
	}
	u, err := url.Parse(m.URL)
	if err != nil {
		return true
	}
	host, where := strings.ToLower(u.Hostname()), strings.ToLower(u.Path)
	for _, h := range []string{"pixel.wp.com", "stats.wordpress.com", "feeds.wordpress.com", "feedsportal.com",
		"google-analytics.com", "doubleclick.net", "gravatar.com", "pheedo.com", "feeds.feedburner.com", "feedads.g.doubleclick.net"} {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return host == "medium.com" && where == "/_/stat" || strings.HasSuffix(where, "/spacer.gif") || strings.HasSuffix(where, "/blank.gif")
}

// altText returns a description without markup; a file name is none.
func altText(s string) string {
	s = PlainText(s)
	if extensionType(path.Ext(s)) != "" && !strings.Contains(s, " ") {
		return ""
	}
	return clipText(s, maxAlt)
}
