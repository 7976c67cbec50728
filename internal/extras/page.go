package extras

import (
	"io"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/language"

	"crier/content"
)

const (
	maxAddress = 2_048 // bytes
	maxAlt     = 1_500 // characters, as content keeps them
	maxSide    = 100_000
)

// page is what a page says of itself in its head.
type page struct {
	Language string         // BCP 47; empty where it does not say
	Image    *content.Media // og:image, else twitter:image; nil where there is none
}

// readPage reads the head of an HTML page. contentType is the header of that name, base the page's address,
// to which relative addresses are relative.
func readPage(r io.Reader, contentType string, base *url.URL) page {
	decoded, err := charset.NewReader(r, contentType)
	if err != nil {
		return page{} // empty, or broken off at once
	}
	z := html.NewTokenizer(io.LimitReader(decoded, 2*maxPage))
	z.SetMaxBuf(maxPage)
	var h head
	for h.token(z) {
	}
	p := page{Language: h.language, Image: h.og.media(base)}
	if p.Language == "" {
		p.Language = h.equiv
	}
	if p.Image == nil {
		p.Image = h.twitter.media(base)
	}
	return p
}

// head collects what is of interest in the head of a page.
type head struct {
	language string // of the html element
	equiv    string // of the meta element that stands for a header
	og       shown
	twitter  shown
}

// token reads the next token; false says that the head is over. Any element that cannot stand in a head ends
// it (HTML, 13.2.6.4.4), since its tags are optional: what text and comments below contain is not the page's word.
func (h *head) token(z *html.Tokenizer) bool {
	switch z.Next() {
	case html.ErrorToken:
		return false
	case html.EndTagToken:
		name, _ := z.TagName()
		return string(name) != "head"
	case html.StartTagToken, html.SelfClosingTagToken:
		name, attrs := z.TagName()
		return h.element(z, string(name), attrs)
	}
	return true
}

func (h *head) element(z *html.Tokenizer, name string, attrs bool) bool {
	switch name {
	case "html":
		a := attributes(z, attrs)
		h.language = languageTag(a["lang"])
		if h.language == "" {
			h.language = languageTag(a["xml:lang"])
		}
	case "meta":
		h.meta(attributes(z, attrs))
	case "head", "title", "link", "script", "style", "base", "noscript", "template":
	default:
		return false
	}
	return true
}

// attributes returns the attributes that matter here.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	m := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch k := string(key); k {
		case "lang", "xml:lang", "property", "name", "http-equiv", "content":
			if _, ok := m[k]; !ok { // the first one counts
				m[k] = strings.TrimSpace(strings.ToValidUTF8(string(value), "\ufffd"))
			}
		}
	}
	return m
}

func (h *head) meta(a map[string]string) {
	value := a["content"]
	if value == "" {
		return
	}
	if strings.EqualFold(a["http-equiv"], "content-language") && h.equiv == "" {
		h.equiv = languageTag(value)
	}
	name := a["property"]
	if name == "" {
		name = a["name"]
	}
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "og:image"); ok {
		h.og.property(rest, value)
	}
	if rest, ok := strings.CutPrefix(name, "twitter:image"); ok {
		h.twitter.property(rest, value)
	}
}

// shown is the first picture with which a page wants to be shown (ogp.me, "Structured Properties").
type shown struct {
	address, secure, alt, kind string
	width, height              int
	over                       bool // another picture has begun
}

func (s *shown) property(name, value string) {
	if s.over {
		return
	}
	switch name {
	case "":
		s.over = s.address != "" && s.address != value
		if s.address == "" {
			s.address = value
		}
	case ":url", ":src":
		if s.address == "" {
			s.address = value
		}
	case ":secure_url":
		s.secure = value
	case ":alt":
		s.alt = value
	case ":type":
		s.kind = strings.ToLower(value)
	case ":width":
		s.width = side(value)
	case ":height":
		s.height = side(value)
	}
}

// media returns the picture, nil where there is none that can be fetched.
func (s *shown) media(base *url.URL) *content.Media {
	address := absolute(s.address, base)
	if secure := absolute(s.secure, base); strings.HasPrefix(secure, "https:") && !strings.HasPrefix(address, "https:") {
		address = secure
	}
	if address == "" {
		return nil
	}
	m := &content.Media{URL: address, Alt: clip(s.alt, maxAlt)}
	if strings.HasPrefix(s.kind, "image/") && len(s.kind) < 60 {
		m.Type = s.kind
	}
	if s.width > 0 && s.height > 0 {
		m.Width, m.Height = s.width, s.height
	}
	return m
}

// absolute returns a reference as a whole http(s) address, empty if it cannot be one.
func absolute(ref string, base *url.URL) string {
	if ref == "" || len(ref) > maxAddress {
		return ""
	}
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

func side(value string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(value, "px"))
	if err != nil || n < 0 || n > maxSide {
		return 0
	}
	return n
}

func clip(s string, limit int) string {
	n := 0
	for i := range s {
		if n++; n > limit {
			return s[:i]
		}
	}
	return s
}

// languageTag returns a language tag (BCP 47) in canonical form, empty for what is none, or says that the
// language is none or not known. Several of them (RFC 9110, 8.5) tell the readers' languages, not the text's.
func languageTag(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 100 {
		return ""
	}
	tag, err := language.Parse(s) // it returns a tag beside its error, too
	if err != nil {
		return ""
	}
	switch base, _, _ := tag.Raw(); base.String() {
	case "und", "mul", "mis", "zxx":
		return ""
	}
	return tag.String()
}
