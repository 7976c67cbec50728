package content

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// blank tells the white space of HTML, with the line separators of Unicode. A no-break space is none.
func blank(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r', '\f', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// blank tells whether a paragraph shows nothing.
func (b *block) blank() bool {
	for _, r := range b.runs {
		if bytes.IndexFunc(r.text, visible) >= 0 {
			return false
		}
	}
	return true
}

func visible(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && r != '\u2800' && r != '\u3164'
}

func (b *block) endsInBreak() bool {
	n := len(b.runs)
	return n > 0 && bytes.HasSuffix(b.runs[n-1].text, []byte("\n"))
}

// trim takes the white space off the ends. Of a pre the first line keeps its indentation.
func (b *block) trim() {
	for len(b.runs) > 0 {
		last := &b.runs[len(b.runs)-1]
		last.text = bytes.TrimRightFunc(last.text, unicode.IsSpace)
		if len(last.text) > 0 {
			break
		}
		b.runs = b.runs[:len(b.runs)-1]
	}
	for len(b.runs) > 0 {
		first := &b.runs[0]
		if b.kind == pre {
			first.text = trimLines(first.text)
		} else {
			first.text = bytes.TrimLeftFunc(first.text, unicode.IsSpace)
		}
		if len(first.text) > 0 {
			break
		}
		b.runs = b.runs[1:]
	}
}

// trimLines takes the empty lines off the start.
func trimLines(text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 || len(bytes.TrimSpace(text[:i])) > 0 {
			return text
		}
		text = text[i+1:]
	}
}

// clip returns a copy of the first n characters of a paragraph.
func (b *block) clip(n int) *block {
	c := *b
	c.runs = nil
	for _, r := range b.runs {
		if n <= 0 {
			break
		}
		size := utf8.RuneCount(r.text)
		if size > n {
			r.text = runePrefix(r.text, n)
		}
		r.text = slices.Clone(r.text)
		c.runs = append(c.runs, r)
		n -= size
	}
	return &c
}

func runePrefix(text []byte, n int) []byte {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return text[:at]
}
