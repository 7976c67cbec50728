package content

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxURL is the longest address that is kept, in bytes.
const maxURL = 4096

// webURL returns an absolute http or https address in the form in which it is written into a post, or
// "" for anything else. Names and passwords in it are dropped: they are never meant for readers.
func webURL(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if len(s) > maxURL || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"<>\^{|}`+"`", r) }) {
		return ""
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		// String would write such a name with %XX, which not every peer reads.
		name, err := idna.Lookup.ToASCII(u.Hostname())
		if err != nil || name == "" || name[0] == '.' || strings.Contains(name, "..") {
			return ""
		}
		port := u.Port()
		if u.Host = name; port != "" {
			u.Host += ":" + port
		}
	}
	u.User = nil
	s = u.String()
	if len(s) > maxURL || !utf8.ValidString(s) || strings.ContainsAny(s, "\"<> \n") {
		return ""
	}
	return s
}

// inPage tells whether href leads to a place in the page self: a footnote, a heading.
func inPage(href, self string) bool {
	page, _, found := strings.Cut(strings.TrimSpace(href), "#")
	if !found {
		return false
	}
	return page == "" || self != "" && samePage(page, self)
}

// samePage compares addresses without scheme, fragment and final slash.
func samePage(a, b string) bool {
	return a != "" && pageKey(a) == pageKey(b)
}

func pageKey(s string) string {
	s, _, _ = strings.Cut(s, "#")
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	return strings.TrimSuffix(s, "/")
}

// isHome tells whether an address is the front page of some site.
func isHome(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Path == "" || u.Path == "/") && u.RawQuery == ""
}

// findURL returns where the first http(s) address in s begins and ends; both are equal if there is none.
func findURL(s string) (from, to int) {
	for from < len(s) {
		i := strings.Index(s[from:], "http")
		if i < 0 {
			break
		}
		from += i
		n, ok := urlLength(s[from:])
		if ok {
			return from, from + n
		}
		from += n
	}
	return 0, 0
}

// urlLength returns how many bytes at the start of s are an address, without the punctuation after it;
// if there is none, how many need not be looked at again.
func urlLength(s string) (n int, ok bool) {
	rest, found := strings.CutPrefix(s, "https://")
	if !found {
		rest, found = strings.CutPrefix(s, "http://")
	}
	if !found {
		return len("http"), false
	}
	scheme := len(s) - len(rest)
	end := strings.IndexFunc(rest, func(r rune) bool { return !urlRune(r) })
	if end < 0 {
		end = len(rest)
	}
	if end > maxURL {
		return scheme + end, false
	}
	rest = trimURL(rest[:end])
	if rest == "" || webURL(s[:scheme+len(rest)]) == "" {
		return scheme + end, false
	}
	return scheme + len(rest), true
}

// trimURL takes the punctuation of the sentence off the end of an address. A bracket that was opened in
// the address belongs to it.
func trimURL(s string) string {
	open := strings.Count(s, "(") - strings.Count(s, ")")
	for s != "" {
		last := s[len(s)-1]
		if last == ')' && open >= 0 || !strings.ContainsRune(".,;:!?'*_~)]&", rune(last)) {
			break
		}
		if last == ')' {
			open++
		}
		s = s[:len(s)-1]
	}
	return s
}

func urlRune(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune("\"<>\\^`{|}", r)
}

// maxShown is the longest address that is shown, in characters.
const maxShown = 70

// showURL returns an address as people like to read it: without scheme, in their own script, not longer
// than a line or two.
func showURL(s string) string {
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	rs := []rune(decoded(s))
	if len(rs) <= maxShown {
		return string(rs)
	}
	n := maxShown - 1
	for n > 1 && !breakable(rs[n-1], rs[n]) {
		n--
	}
	return string(rs[:n]) + "…"
}

// decoded writes the letters of other scripts as letters and leaves all other escapes as they are.
func decoded(s string) string {
	var sb strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			break
		}
		sb.WriteString(s[:i])
		n := i
		for n+2 < len(s) && s[n] == '%' {
			n += 3
		}
		n = max(n, i+1)
		plain, err := url.PathUnescape(s[i:n])
		if err != nil || !utf8.ValidString(plain) {
			plain = s[i:n]
		} else {
			plain = escapeUnreadable(plain)
		}
		sb.WriteString(plain)
		s = s[n:]
	}
	sb.WriteString(s)
	return sb.String()
}

func escapeUnreadable(s string) string {
	var sb strings.Builder
	for _, r := range s {
		if !unreadable(r) {
			sb.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&sb, "%%%02X", c)
		}
	}
	return sb.String()
}

// unreadable tells what must stay escaped in an address that is shown, lest it looks like another one.
func unreadable(r rune) bool {
	return r < utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}
