package feed

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// limit leaves out the end of a text of n bytes that would be cut off anyway: the parser would keep several copies
// of it. In escaped text an entity counts as one byte, which is the least that it can become.
func (s *scanner) limit(start, n int, escaped bool) {
	if n <= maxText+utf8.UTFMax {
		return
	}
	text := s.doc[start : start+n]
	i := 0
	for kept := 0; kept <= maxText && i < n; kept++ {
		if escaped && text[i] == '&' {
			if end := bytes.IndexByte(text[i:min(n, i+64)], ';'); end > 0 {
				i += end
			}
		}
		i++
	}
	for i < n && !utf8.RuneStart(text[i]) {
		i++
	}
	if i < n {
		s.out.cuts = append(s.out.cuts, span{start + i, start + n})
	}
}

// reader returns a document from its root element on, without the cuts. An xml:base is one of them because the parser
// takes every base for a folder, so that a picture beside the page /2024/post.html would be looked for in
// /2024/post.html/, and because it writes the HTML of a whole entry anew only to make its links absolute; here they are
// resolved by RFC 3986, §5.
func (o outline) reader(doc []byte, start int) io.Reader {
	if len(o.cuts) == 0 {
		return bytes.NewReader(doc[start:])
	}
	parts := make([]io.Reader, 0, len(o.cuts)+1)
	for _, c := range o.cuts {
		parts = append(parts, bytes.NewReader(doc[start:c.start]))
		start = c.end
	}
	return io.MultiReader(append(parts, bytes.NewReader(doc[start:]))...)
}

// cutJSON returns a JSON document without what is too much of its strings, which is cut off anyway: the decoder would
// keep several copies of it. An escape counts as one byte.
func cutJSON(doc []byte) []byte {
	var out []byte
	done := 0 // what has been copied
	for pos := 0; pos < len(doc); {
		start := bytes.IndexByte(doc[pos:], '"')
		if start < 0 {
			break
		}
		start += pos + 1
		end, enough := stringEnd(doc, start)
		if enough > 0 {
			out = append(out, doc[done:enough]...)
			done = end
		}
		pos = end + 1
	}
	if out == nil {
		return doc
	}
	return append(out, doc[min(done, len(doc)):]...)
}

// stringEnd returns where the string that starts there ends, and, if it is too long, from where on it is too much;
// else 0.
func stringEnd(doc []byte, start int) (end, enough int) {
	kept := 0
	for i := start; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			return i, enough
		case kept > maxText && enough == 0 && utf8.RuneStart(c):
			enough = i
		}
		if doc[i] == '\\' {
			if i++; i < len(doc) && doc[i] == 'u' {
				i += 4
			}
		}
		kept++
	}
	return len(doc), 0 // it never ends: the decoder will say so
}
