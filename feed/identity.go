package feed

import (
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// BlogHost returns the host that an entry's own page must lie on: that of the channel's link if it is an
// absolute http(s) URL, else of the feed's URL, else of the handle (contract, "the blog's host"). The
// result is lower case, in A-label form, with a port that is not the scheme's default.
func BlogHost(channelLink, feedURL, handleHost string) string {
	for _, address := range []string{channelLink, feedURL} {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil {
			continue
		}
		if host := hostOf(u); host != "" {
			return host
		}
	}
	if u, err := url.Parse("https://" + strings.TrimSpace(handleHost)); err == nil {
		return hostOf(u)
	}
	return ""
}

// OwnPage returns the address of the entry's own page: the first of its link and its permalink GUID that
// lies on the blog's host with a clean path (contract, "the entry's own page"). base is what relative
// addresses are relative to and may be nil.
func OwnPage(it Item, blogHost string, base *url.URL) (Page, bool) {
	for _, c := range it.addresses() {
		if p, ok := page(c, base); ok && sameHost(p.Host, blogHost) && cleanPath(p.Path) {
			return p, true
		}
	}
	return Page{}, false
}

// addresses are what may lead to the item's page: its link, and its GUID where that is a whole address. RSS
// takes every GUID for one unless told otherwise, but a bare "1f3870be" leads nowhere.
func (it Item) addresses() []string {
	if it.GUIDPermalink && isHTTP(it.GUID) {
		return []string{it.Link, it.GUID}
	}
	return []string{it.Link}
}

// Page is the address of an entry's own page in the parts that its post's id is made of.
type Page struct {
	URL  string // absolute
	Host string // lower case, A-label, with a port that is not the default
	Path string // as written, with its leading slash
}

// Key returns the key that the page gives: HOST/PATH.
func (p Page) Key() string { return p.Host + p.Path }

// page takes an address apart. An absolute address is taken as it is written: cleaning it up here would
// give an id that the blog's templates, which write the address as it is, could not reproduce.
func page(address string, base *url.URL) (Page, bool) {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	if err != nil || address == "" || strings.ContainsAny(address, "?#") || u.User != nil {
		return Page{}, false
	}
	path := rawPath(address, u)
	if !u.IsAbs() {
		if base == nil {
			return Page{}, false
		}
		if strings.IndexFunc(path, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			return Page{}, false
		}
		u = base.ResolveReference(u)
		path = u.EscapedPath()
	}
	host := hostOf(u)
	if host == "" || u.Opaque != "" {
		return Page{}, false
	}
	return Page{URL: u.String(), Host: host, Path: path}, true
}

// rawPath returns the path of an address byte for byte; the URL type would encode it anew.
func rawPath(address string, u *url.URL) string {
	if u.Host == "" {
		return address
	}
	_, rest, _ := strings.Cut(address, "//")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return ""
}

// maxHost is the longest name there can be (RFC 1035 §2.3.4).
const maxHost = 253

// hostOf returns the host of an http(s) URL in canonical form, else "".
func hostOf(u *url.URL) string {
	if u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	host := strings.TrimRight(strings.ToLower(u.Hostname()), ".")
	if host == "" || len(host) > maxHost {
		return ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	} else if a, err := labels2008().ToASCII(host); err == nil {
		host = a
	} else if !plainHost(host) {
		return ""
	}
	port := u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return host
	}
	return host + ":" + port
}

// labels2008 maps a host to its A-labels as browsers do, names with an underscore included.
func labels2008() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))
}

func plainHost(host string) bool {
	for _, c := range []byte(host) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// sameHost compares hosts; www. makes no difference.
func sameHost(a, b string) bool {
	return a != "" && strings.TrimPrefix(a, "www.") == strings.TrimPrefix(b, "www.")
}

// cleanPath tells whether a path can stand in a post's id as it is (contract: only A-Z a-z 0-9 - _ . / and
// canonical upper-case %XX of non-ASCII UTF-8; no empty, . or .. segment; not empty and not /).
func cleanPath(path string) bool {
	if len(path) < 2 || len(path) > 1024 || path[0] != '/' {
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		if s == "." || s == ".." || s == "" && !last {
			return false
		}
		if !cleanSegment(s) {
			return false
		}
	}
	return true
}

func cleanSegment(s string) bool {
	var encoded []byte // the run of %XX that we are in
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			b, ok := upperHex(s[i+1:])
			if !ok || b < utf8.RuneSelf {
				return false
			}
			encoded = append(encoded, b)
			i += 2
			continue
		}
		if !utf8.Valid(encoded) || !plainByte(c) {
			return false
		}
		encoded = encoded[:0]
	}
	return utf8.Valid(encoded)
}

func plainByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return c == '-' || c == '_' || c == '.'
}

// upperHex reads two upper-case hexadecimal digits.
func upperHex(s string) (byte, bool) {
	const digits = "0123456789ABCDEF"
	if len(s) < 2 {
		return 0, false
	}
	high, low := strings.IndexByte(digits, s[0]), strings.IndexByte(digits, s[1])
	if high < 0 || low < 0 {
		return 0, false
	}
	return byte(high<<4 | low), true
}

// hashKey returns HOST/ and 26 characters of lower-case base32 of SHA-256 over the feed's address and what
// else identifies an entry, each part ended by a line feed.
func hashKey(host, feedURL string, parts ...string) string {
	h := sha256.New()
	for _, p := range append([]string{feedURL}, parts...) {
		h.Write([]byte(p))
		h.Write([]byte{'\n'})
	}
	sum := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil))
	return host + "/" + strings.ToLower(sum[:26])
}

// identityParts returns what identifies an item in a hash: the GUID, else the link, else title and date;
// title and date are added where the GUID repeats.
func identityParts(it Item, repeats bool) []string {
	id := first(it.GUID, it.Link)
	if id != "" && !repeats {
		return []string{id}
	}
	date := ""
	if d := it.Date(); !d.IsZero() {
		date = d.UTC().Format(time.RFC3339)
	}
	if id == "" {
		return []string{it.Title, date}
	}
	return []string{id, it.Title, date}
}

// pageKey returns an address in the form in which two addresses of one page are equal: without scheme,
// www. and default port, and without the slash at its end. It is empty for what is no http(s) address.
func pageKey(address string, base *url.URL) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || address == "" {
		return ""
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	host := hostOf(u)
	if host == "" {
		return ""
	}
	key := strings.TrimPrefix(host, "www.") + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	return key
}
