package content

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

const maxTitle = 300 // characters of a title

// tidy makes text valid and removes characters that nobody wrote to be read: control characters, and
// the two overrides of writing direction with which text can be made to look like other text.
func tidy(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if !strings.ContainsFunc(s, unwanted) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unwanted(r) {
			return -1
		}
		return r
	}, s)
}

func unwanted(r rune) bool {
	switch r {
	case '\t', '\n', '\r', '\f', '\u0085':
		return false
	case '\u202d', '\u202e', '\ufeff', '\ufffe', '\uffff':
		return true
	}
	return unicode.IsControl(r)
}

// PlainText returns the text of a title or a name that may contain HTML, with entities escaped once or
// twice, as one line. A tag that is no element of HTML or is never closed ("Vec<T>", "the <b> element")
// is text.
func PlainText(s string) string {
	if len(s) > maxSource {
		s = s[:maxSource]
	}
	s = tidy(s)
	for range 3 {
		if !strings.ContainsAny(s, "<&") {
			break
		}
		next := stripTags(s)
		if next == s {
			break
		}
		s = next
	}
	return strings.Join(strings.FieldsFunc(tidy(s), blank), " ")
}

// stripTags removes markup and decodes entities, once.
func stripTags(s string) string {
	closed := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(s))
	for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
		if name, _ := z.TagName(); tt == html.EndTagToken {
			closed[string(name)] = true
		}
	}
	var sb strings.Builder
	z = html.NewTokenizer(strings.NewReader(s))
	skip := ""
	end := 0
	for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
		raw := string(z.Raw())
		end += len(raw)
		switch tt {
		case html.TextToken:
			if skip == "" {
				sb.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			b, _ := z.TagName()
			name := string(b)
			switch {
			case !markup(name, closed[name]):
				sb.WriteString(raw)
			case skip == name && tt == html.EndTagToken:
				skip = ""
			case tt == html.StartTagToken && (name == "script" || name == "style"):
				skip = name
			case breaksWord(name):
				sb.WriteByte(' ')
			}
		}
	}
	sb.WriteString(s[min(end, len(s)):]) // "a <b" ends in something that is no tag
	return sb.String()
}

// markup tells whether a tag is one: an element of HTML that is void or closed in the same text.
func markup(name string, closed bool) bool {
	switch name {
	case "br", "img", "wbr", "hr":
		return true
	case "a", "abbr", "b", "bdi", "bdo", "big", "blockquote", "cite", "code", "del", "dfn", "div", "em", "font",
		"h1", "h2", "h3", "h4", "h5", "h6", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s",
		"samp", "script", "section", "small", "span", "strike", "strong", "style", "sub", "sup", "svg", "time", "tt", "u", "ul", "var":
		return closed
	}
	return false
}

func breaksWord(name string) bool {
	switch name {
	case "br", "p", "div", "li", "ul", "ol", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre":
		return true
	}
	return false
}

// clipText cuts a text to n characters, after a whole word if it can.
func clipText(s string, n int) string {
	rs := []rune(s)
	if len(rs) <= n {
		return s
	}
	at, _ := cutPoint(rs, n-1, n)
	return strings.TrimRightFunc(string(rs[:at]), unicode.IsSpace) + "…"
}
