package content

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	someMedia = 4     // Mastodon keeps so many
	maxMedia  = 16    // Misskey keeps so many
	maxLooked = 500   // media of an entry that are looked at
	maxAlt    = 1_500 // characters; Mastodon writes so many, Misskey cuts at 512
)

// gallery collects the attachments of a post.
type gallery struct {
	pictures Pictures
	most     int                // attachments
	learnt   map[string]Picture // of pictures, by address
	list     []Media
	seen     map[string]int // key of an address: place in list
	looked   int            // media looked at
	dropped  int            // that would be attached if there were room
	review   bool           // what is left out is remembered, for advice
	refused  []string       // addresses of what servers refuse
	unfit    []string       // addresses of pictures that nobody could show
}

func mostMedia(wish int) int {
	if wish <= 0 {
		return someMedia
	}
	return min(wish, maxMedia)
}

func (g *gallery) hasPicture() bool {
	return slices.ContainsFunc(g.list, func(m Media) bool { return strings.HasPrefix(m.Type, "image/") })
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
	if g.review && refused(m.Type, m.URL) {
		g.refused = append(g.refused, m.URL)
	}
	usable, unfit := g.learn(m.URL, guess, &m)
	if !usable || g.pictures == PicturesCard || tracker(m) {
		return false
	}
	if g.pictures == PicturesNone && strings.HasPrefix(m.Type, "image/") {
		return false
	}
	key, _ := mediaKey(m.URL)
	if i, ok := g.seen[key]; ok {
		if !unfit {
			g.merge(i, m)
		}
		return true
	}
	if unfit {
		if g.review {
			g.unfit = append(g.unfit, m.URL)
		}
		return false
	}
	if g.seen == nil {
		g.seen = map[string]int{}
	}
	if len(g.list) >= g.most {
		g.dropped++
		return false
	}
	g.seen[key] = len(g.list)
	g.list = append(g.list, m)
	return true
}

// learn puts a medium into the form in which it is attached, with what was learnt of it by fetching it in place of
// what was declared. usable tells whether it is anything that a post can show, unfit that it could not be fetched.
func (g *gallery) learn(address, guess string, m *Media) (usable, unfit bool) {
	m.URL = webURL(address)
	m.Type = mediaType(m.Type, m.URL, guess)
	m.Alt = altText(m.Alt)
	p, ok := g.learnt[m.URL]
	if !ok {
		p = g.learnt[address]
	}
	if p.Type != "" {
		m.Type = mediaType(p.Type, "", "")
	}
	if p.Width > 0 && p.Height > 0 {
		m.Width, m.Height = p.Width, p.Height
	}
	if p.Blurhash != "" {
		m.Blurhash = p.Blurhash
	}
	m.Blurhash = blurhash(m.Blurhash)
	m.Focus = focus(m.Focus)
	return m.URL != "" && m.Type != "", p.Unfit
}

// merge takes over what another mention of the same medium knows better.
func (g *gallery) merge(i int, m Media) {
	old := &g.list[i]
	if old.Alt == "" {
		old.Alt = m.Alt
	}
	if old.Focus == nil {
		old.Focus = m.Focus
	}
	if m.Blurhash != "" && (old.Blurhash == "" || g.learnt[m.URL].Blurhash != "") {
		old.Blurhash = m.Blurhash
	}
	_, was := mediaKey(old.URL)
	if _, is := mediaKey(m.URL); is > was {
		old.URL, old.Width, old.Height = m.URL, m.Width, m.Height
		if _, ok := g.learnt[m.URL]; ok {
			old.Type = m.Type
		}
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
	query := u.Query()
	for _, k := range []string{"w", "width", "resize", "fit"} {
		if n, err := strconv.Atoi(strings.SplitN(query.Get(k), ",", 2)[0]); err == nil {
			width = n
		}
	}
	for _, k := range []string{"w", "width", "h", "height", "resize", "fit", "crop", "quality", "q", "dpr", "ssl", "strip"} {
		query.Del(k)
	}
	return u.Host + name + ext + "?" + query.Encode(), width
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

// refused tells a picture that is none for servers.
func refused(declared, address string) bool {
	u, err := url.Parse(address)
	if err != nil || webURL(address) == "" {
		return false
	}
	t := strings.ToLower(declared)
	if t == "" {
		t = extensionType(path.Ext(u.Path))
	}
	return strings.HasPrefix(t, "image/svg") || t == "image/x-icon"
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
