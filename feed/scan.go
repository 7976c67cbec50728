package feed

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// The parser recurses once for every open element and keeps two maps for each element it does not know, so
// a small document could take all memory or overflow the stack. No feed comes near these bounds.
const (
	maxDepth    = 256
	maxElements = 400_000
)

// outline is what the scan saw beside the balance of the elements: two attributes that the parser drops.
type outline struct {
	items []itemAttrs // of each item or entry, in order
}

type itemAttrs struct {
	about string // rdf:about, which is the identity of an RSS 1.0 item
	lang  string // xml:lang
}

// scanner walks over XML without building anything.
type scanner struct {
	doc   []byte
	pos   int
	open  []string
	count int
	out   outline
}

// scanXML checks that every element of a document is closed by its own end tag and that the document is
// not cut off. The parser is lenient and would read a document that ends too early, or whose markup got
// out of step, as one with fewer entries: that must never look as if the entries had been taken down.
func scanXML(doc []byte) (outline, error) {
	s := &scanner{doc: doc}
	for {
		next := bytes.IndexByte(s.doc[s.pos:], '<')
		if next < 0 {
			return s.out, s.cutOff()
		}
		s.pos += next
		if err := s.markup(); err != nil {
			return s.out, err
		}
		if len(s.open) == 0 && s.count > 0 {
			return s.out, nil // what follows the root element is nobody's business
		}
	}
}

func (s *scanner) markup() error {
	rest := s.doc[s.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return s.skip(after(rest[4:], "-->"), 4)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return s.skip(after(rest[9:], "]]>"), 9)
	case bytes.HasPrefix(rest, []byte("<?")):
		return s.skip(after(rest, "?>"), 0)
	case bytes.HasPrefix(rest, []byte("<!")):
		return s.skip(afterDoctype(rest), 0)
	case bytes.HasPrefix(rest, []byte("</")):
		return s.endTag(rest)
	}
	return s.startTag(rest)
}

// skip moves on by n bytes counted from a start; a negative n means that the end was not found.
func (s *scanner) skip(n, start int) error {
	if n < 0 {
		return s.cutOff()
	}
	s.pos += start + n
	return nil
}

func (s *scanner) endTag(rest []byte) error {
	end := bytes.IndexByte(rest, '>')
	if end < 0 {
		return s.cutOff()
	}
	name := elementName(rest[2:])
	if len(s.open) == 0 {
		return s.broken(fmt.Sprintf("</%s> closes nothing", clip(name, 40)))
	}
	if top := s.open[len(s.open)-1]; top != name {
		return s.broken(fmt.Sprintf("</%s> stands where <%s> is still open", clip(name, 40), clip(top, 40)))
	}
	s.open = s.open[:len(s.open)-1]
	s.pos += end + 1
	return nil
}

func (s *scanner) startTag(rest []byte) error {
	name := elementName(rest[1:])
	if name == "" {
		return s.broken("a < that is not written as &lt;")
	}
	end := tagEnd(rest)
	if end < 0 {
		return s.cutOff()
	}
	if s.count++; s.count > maxElements {
		return fmt.Errorf("the feed has more than %d elements", maxElements)
	}
	if len(s.open) < 4 {
		s.note(name, rest[:end])
	}
	if rest[end-2] != '/' {
		if len(s.open) >= maxDepth {
			return fmt.Errorf("the feed nests more than %d elements", maxDepth)
		}
		s.open = append(s.open, name)
	}
	s.pos += end
	return nil
}

// note keeps the attributes of an item that the parser drops.
func (s *scanner) note(name string, tag []byte) {
	local := name[strings.LastIndexByte(name, ':')+1:]
	if local != "item" && local != "entry" {
		return
	}
	s.out.items = append(s.out.items, itemAttrs{about: attrValue(tag, "about"), lang: attrValue(tag, "xml:lang")})
}

func (s *scanner) line() int { return 1 + bytes.Count(s.doc[:s.pos], []byte{'\n'}) }

func (s *scanner) broken(what string) error {
	return fmt.Errorf("the feed is broken near line %d of its content: %s", s.line(), what)
}

func (s *scanner) cutOff() error {
	inside := "before its first element"
	if len(s.open) > 0 {
		inside = "inside <" + clip(s.open[len(s.open)-1], 40) + ">"
	}
	return fmt.Errorf("the feed is cut off: it ends %s", inside)
}

// elementName returns the name that b starts with, prefix included, or "".
func elementName(b []byte) string {
	n := bytes.IndexAny(b[:min(len(b), 256)], " \t\r\n/>")
	if n < 0 {
		n = min(len(b), 256)
	}
	if n == 0 || strings.IndexByte("<&=\"'0123456789-.", b[0]) >= 0 {
		return ""
	}
	return string(b[:n])
}

// tagEnd returns the position behind the > that closes a start tag, not one inside a quoted value, or -1.
func tagEnd(b []byte) int {
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}

// attrValue returns the value of an attribute of a start tag; name may leave out the prefix.
func attrValue(tag []byte, name string) string {
	for rest := tag; ; {
		i := bytes.Index(rest, []byte(name))
		if i < 1 {
			return ""
		}
		before := rest[i-1]
		rest = bytes.TrimLeft(rest[i+len(name):], " \t\r\n")
		if strings.IndexByte(" \t\r\n:", before) < 0 || len(rest) < 2 || rest[0] != '=' {
			continue
		}
		value := bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(value) < 2 || (value[0] != '"' && value[0] != '\'') {
			return ""
		}
		if end := bytes.IndexByte(value[1:], value[0]); end >= 0 {
			return strings.TrimSpace(html.UnescapeString(string(value[1 : 1+end])))
		}
		return ""
	}
}
