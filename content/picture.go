package content

import (
	"math"
	"strconv"
	"strings"
)

const base83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

// blurhash returns a blurhash if it is one (the specification's base 83, of the length that its first character
// tells), else "".
func blurhash(s string) string {
	if len(s) < 6 || len(s) > 4+2*81 {
		return ""
	}
	size := strings.IndexByte(base83, s[0])
	if size < 0 || len(s) != 4+2*(size%9+1)*(size/9+1) {
		return ""
	}
	for _, r := range s {
		if !strings.ContainsRune(base83, r) {
			return ""
		}
	}
	return s
}

// focus returns a focal point if it lies in the picture, else nil.
func focus(f *Focus) *Focus {
	if f == nil || !(math.Abs(f.X) <= 1 && math.Abs(f.Y) <= 1) { // NaN is neither
		return nil
	}
	return f
}

// focusOf reads the focal point of an img: data-focus-x and data-focus-y as jquery-focuspoint has them, from -1 to 1,
// or object-position of its style.
func focusOf(t tag) *Focus {
	x, errX := strconv.ParseFloat(t.get("data-focus-x"), 64)
	y, errY := strconv.ParseFloat(t.get("data-focus-y"), 64)
	if errX == nil && errY == nil {
		return focus(&Focus{X: x, Y: y})
	}
	words := strings.Fields(styleOf(t, "object-position"))
	switch len(words) {
	case 1:
		words = append(words, "50%")
	case 2:
	default:
		return nil
	}
	if upright(words[0]) || sideways(words[1]) {
		words[0], words[1] = words[1], words[0]
	}
	if upright(words[0]) || sideways(words[1]) {
		return nil
	}
	x, okX := percent(words[0])
	y, okY := percent(words[1])
	if !okX || !okY || x == 50 && y == 50 { // which every picture has that says nothing
		return nil
	}
	return focus(&Focus{X: round(x/50 - 1), Y: round(1 - y/50)})
}

func upright(word string) bool  { return word == "top" || word == "bottom" }
func sideways(word string) bool { return word == "left" || word == "right" }

func percent(word string) (float64, bool) {
	switch word {
	case "left", "top":
		return 0, true
	case "center":
		return 50, true
	case "right", "bottom":
		return 100, true
	}
	number, ok := strings.CutSuffix(word, "%")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(number, 64)
	return n, err == nil
}

// round leaves four digits, so that 1/3 is not written with sixteen.
func round(x float64) float64 { return math.Round(x*1e4)/1e4 + 0 }

// styleOf returns what the style of a tag says of a property, in lower case.
func styleOf(t tag, property string) string {
	value := ""
	for decl := range strings.SplitSeq(strings.ToLower(t.get("style")), ";") {
		k, v, _ := strings.Cut(decl, ":")
		if strings.TrimSpace(k) == property {
			value, _, _ = strings.Cut(v, "!")
		}
	}
	return strings.TrimSpace(value)
}
