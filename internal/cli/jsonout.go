package cli

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// jsonOut writes JSON that may hold anybody's text: the characters that plain would take out of a text for people
// are escaped, since a terminal obeys them in JSON, too, and a reader of the JSON still gets all of it. It must be
// given whole documents, as json.Encoder does.
type jsonOut struct{ io.Writer }

func (o jsonOut) Write(b []byte) (int, error) {
	if _, err := o.Writer.Write(escapeJSON(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// escapeJSON escapes what is harmful in valid JSON; there it can only stand inside of strings.
func escapeJSON(b []byte) []byte {
	if bytes.IndexFunc(b, harmful) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if harmful(r) {
			out = fmt.Appendf(out, `\u%04x`, r) // none of them lies beyond the basic plane
		} else {
			out = append(out, b[:size]...)
		}
		b = b[size:]
	}
	return out
}
