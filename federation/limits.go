package federation

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep the JSON of a stranger may nest. Real activities stay below ten.
const maxDepth = 32

// maxValues bounds how many values the JSON of a stranger may hold: decoding costs by the value, not by
// the byte. A post that mentions a thousand people stays below it.
const maxValues = 20_000

// checkJSON makes sure that b is exactly one JSON value, in UTF-8, not nested too deep and of not too many
// parts. Those are counted first, without recursion.
func checkJSON(b []byte) error {
	depth, values, quoted, escaped := 0, 0, false, false
	for _, c := range b {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = c == '\\'
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
			values++
		case c == ',':
			values++
		case c == '}' || c == ']':
			depth--
		}
		if values > maxValues {
			return errors.New("the JSON has too many values")
		}
		if depth > maxDepth {
			return errors.New("the JSON nests too deep")
		}
	}
	if !utf8.Valid(b) || !json.Valid(b) {
		return errors.New("it is not one JSON value")
	}
	return nil
}

// clean makes the text of a stranger fit for one line of a terminal: control characters and those that
// turn the direction of writing are left out, white space is one blank, and what exceeds max bytes is cut.
func clean(s string, max int) string {
	if len(s) > 4*max {
		s = s[:4*max]
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
	if len(s) <= max {
		return strings.Clone(s) // not a part of something large
	}
	cut := max
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
