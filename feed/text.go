package feed

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// textOf returns the text of HTML for a fingerprint: tags go, entities are decoded. It is not meant for
// readers, and it must stay as it is: a fingerprint is compared with one that was made long ago.
func textOf(s string) string {
	var out strings.Builder
	hidden := atom.Atom(0) // the script or style we are in
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			out.Write(z.Raw()) // a tag that never ends was no tag
			return out.String()
		}
		raw := string(z.Raw())
		t := z.Token()
		switch {
		case kind == html.TextToken:
			if hidden == 0 {
				out.WriteString(t.Data)
			}
		case kind == html.CommentToken || kind == html.DoctypeToken:
		case t.DataAtom == 0:
			out.WriteString(raw)
		default:
			hidden = hiddenBy(t, kind, hidden)
			if !inline(t.DataAtom) {
				out.WriteByte(' ')
			}
		}
	}
}

func hiddenBy(t html.Token, kind html.TokenType, now atom.Atom) atom.Atom {
	if t.DataAtom != atom.Script && t.DataAtom != atom.Style {
		return now
	}
	if kind == html.StartTagToken {
		return t.DataAtom
	}
	return 0
}

// inline tells elements that do not part words.
func inline(a atom.Atom) bool {
	switch a {
	case atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Cite, atom.Code, atom.Del, atom.Em, atom.Font, atom.I,
		atom.Ins, atom.Kbd, atom.Mark, atom.Q, atom.S, atom.Small, atom.Span, atom.Strike, atom.Strong, atom.Sub,
		atom.Sup, atom.Tt, atom.U, atom.Var, atom.Wbr:
		return true
	}
	return false
}

// textToHTML makes HTML of plain text: paragraphs at empty lines, breaks at the others.
func textToHTML(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if s == "" {
		return ""
	}
	var out strings.Builder
	for para := range strings.SplitSeq(s, "\n\n") {
		if para = strings.TrimSpace(para); para != "" {
			out.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(para), "\n", "<br>") + "</p>")
		}
	}
	return out.String()
}

// resolveHTML makes the addresses in HTML absolute. Everything else stays byte for byte as it is, so that
// an entry does not count as changed because of how it was read.
func resolveHTML(s string, base *url.URL) string {
	if base == nil || allAbsolute(s) {
		return s
	}
	return resolveTokens(s, base)
}

// resolveTokens is resolveHTML without its short cut.
func resolveTokens(s string, base *url.URL) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/16)
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			out.Write(z.Raw())
			return strings.Clone(out.String()) // without the room that was left
		}
		raw := z.Raw()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			out.Write(raw)
			continue
		}
		before := string(raw)
		if t := z.Token(); resolveAttrs(t.Attr, base) {
			out.WriteString(t.String())
		} else {
			out.WriteString(before)
		}
	}
}

// allAbsolute tells whether there is plainly no relative address in HTML, so that it need not be taken apart. It may
// say no too often.
func allAbsolute(s string) bool {
	for rest := s; ; {
		i := strings.IndexByte(rest, '=')
		if i < 0 {
			return true
		}
		name, value := strings.TrimRight(rest[:i], " \t\r\n"), strings.TrimLeft(rest[i+1:], " \t\r\n\"'")
		rest = rest[i+1:]
		if addressAttr(name) && !startsAbsolute(value) {
			return false
		}
	}
}

// addressAttr tells whether a text ends in the name of an attribute with an address or several in it.
func addressAttr(s string) bool {
	for _, name := range []string{"href", "src", "poster", "srcset"} {
		if len(s) >= len(name) && strings.EqualFold(s[len(s)-len(name):], name) {
			return true
		}
	}
	return false
}

// startsAbsolute tells whether an address begins with a scheme. A list of addresses is never one.
func startsAbsolute(s string) bool {
	for _, scheme := range []string{"https://", "http://", "mailto:", "data:"} {
		if strings.HasPrefix(s, scheme) {
			end := strings.IndexAny(s, " \"'>")
			return end < 0 || s[end] != ' '
		}
	}
	return false
}

// resolveAttrs makes the addresses among attributes absolute, in place, and tells whether one changed.
func resolveAttrs(attrs []html.Attribute, base *url.URL) bool {
	changed := false
	for i, a := range attrs {
		value := a.Val
		switch a.Key {
		case "href", "src", "poster":
			value = resolve(base, a.Val)
		case "srcset":
			value = resolveSet(a.Val, base)
		}
		if value != a.Val {
			attrs[i].Val, changed = value, true
		}
	}
	return changed
}

// resolveSet resolves the addresses of a srcset (HTML, 4.8.4.2.1). An address may contain a comma, but
// a candidate ends only at a comma with white space behind it or behind its descriptor.
func resolveSet(set string, base *url.URL) string {
	parts := strings.Split(set, ", ")
	for i, p := range parts {
		fields := strings.Fields(p)
		if len(fields) == 0 {
			continue
		}
		if abs := resolve(base, fields[0]); abs != fields[0] {
			fields[0] = abs
			parts[i] = strings.Join(fields, " ")
		}
	}
	return strings.Join(parts, ", ")
}

// resolve returns ref made absolute, or ref itself where that is not needed or not possible.
func resolve(base *url.URL, ref string) string {
	trimmed := strings.TrimSpace(ref)
	if base == nil || trimmed == "" {
		return ref
	}
	u, err := url.Parse(trimmed)
	if err != nil || u.IsAbs() {
		return ref
	}
	return base.ResolveReference(u).String()
}

// capHTML cuts HTML to at most n bytes, at a character and not inside a tag.
func capHTML(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = strings.ToValidUTF8(s[:n], "")
	if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
		s = s[:open]
	}
	return s
}
