package feed

import (
	"bytes"
	"fmt"
	"html"
	"net/url"
	"strings"
)

// The parser recurses once for every open element and keeps two maps for each element it does not know, so
// a small document could take all memory or overflow the stack. No feed comes near these bounds.
const (
	maxDepth    = 256
	maxElements = 400_000
)

// outline is what the scan saw beside the balance of the elements: attributes that the parser drops or misreads.
type outline struct {
	lang  string      // xml:lang of the root or the channel
	base  string      // xml:base of the same
	items []itemAttrs // of each item or entry, in order
	cuts  []span      // what the parser must not see, in order: xml:base attributes, and what is too much of a text
	json  jsonExtras  // the same for a JSON Feed, which is not scanned
	spans []span      // where each item stands; of a JSON Feed too
	end   int         // behind the root element
}

// span is a part of a document: its bytes from start up to end.
type span struct{ start, end int }

type itemAttrs struct {
	about       string // rdf:about, which is the identity of an RSS 1.0 item
	lang        string // xml:lang of the item, else of its content
	base        string // xml:base that is in force in the item; empty: none
	linkBase    string // the same in its first link, where that has one of its own
	contentBase string // the same in its content
	summaryBase string // the same in its summary
	summaryText bool   // the summary says that it is plain text
}

// scanner walks over XML without building anything.
type scanner struct {
	doc   []byte
	pos   int
	url   string // of the document: what an xml:base is relative to
	open  [][]byte
	bases []xmlBase
	item  int // how many elements are open around the children of the item we are in; 0: in none
	count int
	out   outline
}

// xmlBase is an xml:base in force while more than depth elements are open.
type xmlBase struct {
	depth int
	url   string
}

// scanXML checks that every element of a document is closed by its own end tag and that the document is
// not cut off. The parser is lenient and would read a document that ends too early, or whose markup got
// out of step, as one with fewer entries: that must never look as if the entries had been taken down. start
// is where the root element begins.
func scanXML(doc []byte, start int, address string) (outline, error) {
	s := &scanner{doc: doc, pos: start, url: address}
	for {
		next := bytes.IndexByte(s.doc[s.pos:], '<')
		if next < 0 {
			return s.out, s.cutOff()
		}
		s.limit(s.pos, next, true)
		s.pos += next
		if err := s.markup(); err != nil {
			return s.out, err
		}
		if len(s.open) == 0 && s.count > 0 {
			s.out.end = s.pos
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
		end := after(rest[9:], "]]>")
		s.limit(s.pos+9, end-3, false)
		return s.skip(end, 9)
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
		return s.broken(fmt.Sprintf("</%s> closes nothing", clip(string(name), 40)))
	}
	if top := s.open[len(s.open)-1]; !bytes.Equal(top, name) {
		return s.broken(fmt.Sprintf("</%s> stands where <%s> is still open", clip(string(name), 40), clip(string(top), 40)))
	}
	s.open = s.open[:len(s.open)-1]
	if n := len(s.bases); n > 0 && s.bases[n-1].depth >= len(s.open) {
		s.bases = s.bases[:n-1]
	}
	s.pos += end + 1
	if len(s.open) < s.item {
		s.item = 0
		s.out.spans[len(s.out.spans)-1].end = s.pos
	}
	return nil
}

func (s *scanner) startTag(rest []byte) error {
	name := elementName(rest[1:])
	if len(name) == 0 {
		return s.broken("a < that is not written as &lt;")
	}
	end := tagEnd(rest)
	if end < 0 {
		return s.cutOff()
	}
	if s.count++; s.count > maxElements {
		return fmt.Errorf("the feed has more than %d elements", maxElements)
	}
	closed := rest[end-2] == '/'
	if len(s.open) < 4 {
		s.note(name, rest[:end], closed)
	}
	if !closed {
		if len(s.open) >= maxDepth {
			return fmt.Errorf("the feed nests more than %d elements", maxDepth)
		}
		s.open = append(s.open, name)
	}
	s.pos += end
	return nil
}

// note keeps the attributes of a feed, of an item and of its parts that the parser drops or misreads. closed tells
// that the element has no content.
func (s *scanner) note(name, tag []byte, closed bool) {
	local := localName(name)
	here := s.base()
	if from, to, value := findAttr(tag, "xml:base"); to > 0 {
		s.out.cuts = append(s.out.cuts, span{s.pos + from, s.pos + to})
		here = s.resolved(value)
		if !closed {
			s.bases = append(s.bases, xmlBase{len(s.open), here})
		}
	}
	switch depth := len(s.open); {
	case depth == 0, depth == 1 && string(local) == "channel":
		s.out.lang, s.out.base = first(attrValue(tag, "xml:lang"), s.out.lang), here
	case s.item > 0 && depth == s.item:
		s.noteChild(&s.out.items[len(s.out.items)-1], string(local), tag, here)
	case isItem(local) && holdsItems(localName(s.open[depth-1])):
		s.out.items = append(s.out.items, itemAttrs{about: attrValue(tag, "about"), lang: attrValue(tag, "xml:lang"), base: here})
		s.out.spans = append(s.out.spans, span{s.pos, s.pos + len(tag)})
		if !closed {
			s.item = depth + 1
		}
	}
}

// noteChild keeps the attributes of a part of an item.
func (s *scanner) noteChild(it *itemAttrs, local string, tag []byte, base string) {
	switch local {
	case "link":
		if it.linkBase == "" && base != it.base {
			it.linkBase = base
		}
	case "content", "encoded":
		it.contentBase = base
		it.lang = first(it.lang, attrValue(tag, "xml:lang"))
	case "summary", "description":
		it.summaryBase = base
		it.summaryText = attrValue(tag, "type") == "text"
	}
}

// base returns the xml:base that is in force, or "".
func (s *scanner) base() string {
	if len(s.bases) == 0 {
		return ""
	}
	return s.bases[len(s.bases)-1].url
}

// resolved makes the value of an xml:base absolute: it is relative to the one around it, and the outermost
// to the address of the document (XML Base, 4.2). One that leads nowhere changes nothing.
func (s *scanner) resolved(value string) string {
	around := s.base()
	if around == "" {
		around = s.url
	}
	u, err := url.Parse(value)
	if err != nil {
		return s.base()
	}
	if outer, err := url.Parse(around); err == nil && outer.IsAbs() {
		u = outer.ResolveReference(u)
	}
	if !u.IsAbs() || u.Host == "" {
		return s.base()
	}
	return u.String()
}

func isItem(local []byte) bool {
	return bytes.EqualFold(local, []byte("item")) || bytes.EqualFold(local, []byte("entry"))
}

func holdsItems(local []byte) bool {
	for _, name := range []string{"channel", "feed", "rss", "rdf"} {
		if len(local) == len(name) && bytes.EqualFold(local, []byte(name)) {
			return true
		}
	}
	return false
}

func (s *scanner) broken(what string) error {
	return brokenAt(s.doc, s.pos, what)
}

// brokenAt says what is wrong with a document and where, in the lines of the document as it was served.
func brokenAt(doc []byte, pos int, what string) error {
	line := 1 + bytes.Count(doc[:min(max(pos, 0), len(doc))], []byte{'\n'})
	return fmt.Errorf("the feed is broken near line %d: %s", line, what)
}

func (s *scanner) cutOff() error {
	inside := "before its first element"
	if len(s.open) > 0 {
		inside = "inside <" + clip(string(s.open[len(s.open)-1]), 40) + ">"
	}
	return fmt.Errorf("the feed is cut off: it ends %s", inside)
}

// elementName returns the name that b starts with, prefix included; empty if it starts with none.
func elementName(b []byte) []byte {
	n := nameEnd(b[:min(len(b), 256)])
	if n < 0 {
		n = min(len(b), 256)
	}
	if n == 0 || strings.IndexByte("<&=\"'0123456789-.", b[0]) >= 0 {
		return nil
	}
	return b[:n]
}

// nameEnd returns the position of the first byte that ends a name, or -1.
func nameEnd(b []byte) int {
	for i, c := range b {
		if c == '>' || c == ' ' || c == '/' || c == '\n' || c == '\t' || c == '\r' {
			return i
		}
	}
	return -1
}

func localName(name []byte) []byte { return name[bytes.LastIndexByte(name, ':')+1:] }

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
	_, _, value := findAttr(tag, name)
	return value
}

// findAttr returns the value of an attribute of a start tag, and where name and value stand in it; to is 0 where
// there is none.
func findAttr(tag []byte, name string) (from, to int, value string) {
	for pos := 0; ; {
		i := bytes.Index(tag[pos:], []byte(name))
		if i < 0 || pos+i < 1 {
			return 0, 0, ""
		}
		from = pos + i
		pos = from + len(name)
		rest := bytes.TrimLeft(tag[pos:], " \t\r\n")
		if strings.IndexByte(" \t\r\n:", tag[from-1]) < 0 || len(rest) < 2 || rest[0] != '=' {
			continue
		}
		quoted := bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(quoted) < 2 || (quoted[0] != '"' && quoted[0] != '\'') {
			return 0, 0, ""
		}
		end := bytes.IndexByte(quoted[1:], quoted[0])
		if end < 0 {
			return 0, 0, ""
		}
		return from, len(tag) - len(quoted) + end + 2, strings.TrimSpace(html.UnescapeString(string(quoted[1 : 1+end])))
	}
}
