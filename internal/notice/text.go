package notice

import (
	"strings"
	"unicode"
)

// maxText bounds a message. ntfy (2.x) takes up to 4,096 bytes as text and makes an attachment of anything longer.
const maxText = 3500

// title returns the header of a message. It is ASCII: HTTP has no other headers that arrive everywhere.
func title(v view, what string) string { return ascii("crier @" + v.account + ": " + what) }

// text returns the body of a message.
func text(v view, what string) string {
	return cut(what+"\n(crier for @"+v.account+")\n", maxText)
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// oneLine makes a stranger's text fit for a list: printable, on one line, of at most limit bytes.
func oneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return cut(strings.Join(strings.Fields(s), " "), limit)
}

// cut shortens a text to at most limit bytes, at a character's end.
func cut(s string, limit int) string {
	const more = "…"
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-len(more)], "") + more
}
