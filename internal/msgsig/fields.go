package msgsig

import (
	"errors"
	"strings"

	"github.com/dunglas/httpsfv"
)

// maxField bounds the fields that are parsed, in bytes; an RSA signature of 8192 bits has 1,368.
const maxField = 16 << 10

// dictionary reads a structured field (RFC 9651 §3.2) of one or several lines. A key or parameter that stands
// there twice is refused: the library takes the last one, other readers the first, and the two would then
// see different messages.
func dictionary(lines []string) (*httpsfv.Dictionary, error) {
	raw := strings.Join(lines, ", ")
	if len(raw) > maxField {
		return nil, errors.New("it is too long")
	}
	d, err := httpsfv.UnmarshalDictionary([]string{raw})
	if err != nil {
		return nil, errors.New("it is no dictionary of structured fields")
	}
	written, err := httpsfv.Marshal(d)
	if err != nil {
		return nil, errors.New("it cannot be written again")
	}
	if separators(raw) != separators(written) {
		return nil, errors.New("something stands in it twice")
	}
	return d, nil
}

// separators counts what separates members and parameters, outside of strings. What was dropped as a
// repetition takes its separator along.
func separators(field string) int {
	n, quoted, escaped := 0, false, false
	for _, c := range []byte(field) {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = c == '\\'
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == ',' || c == ';':
			n++
		}
	}
	return n
}
