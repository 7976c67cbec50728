package idn

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const prefix = "xn--"

// Host returns a host, with or without a port, as people read it. What is no A-label, or not safe to be shown, stays
// as it was.
func Host(host string) string {
	if !strings.Contains(host, prefix) {
		return host
	}
	labels := strings.Split(host, ".")
	for i, l := range labels {
		labels[i] = label(l)
	}
	return strings.Join(labels, ".")
}

// Handle is Host for the host of a handle, "user@host" or "@user@host". What is none stays as it was.
func Handle(handle string) string {
	at := strings.LastIndexByte(handle, '@')
	if at < 0 || strings.Contains(handle, "/") {
		return handle
	}
	return handle[:at+1] + Host(handle[at+1:])
}

// Text is Handle for every handle in a text of words; addresses in it stay as they are.
func Text(s string) string {
	if !strings.Contains(s, prefix) {
		return s
	}
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, parts)
		if end < 0 {
			end = len(s)
		}
		b.WriteString(Handle(s[:end]))
		s = s[end:]
		next := strings.IndexFunc(s, func(r rune) bool { return !parts(r) })
		if next < 0 {
			next = len(s)
		}
		b.WriteString(s[:next])
		s = s[next:]
	}
	return b.String()
}

// parts reports whether a character cannot belong to a handle.
func parts(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()[]<>"“”',;`, r) }

// label is one label, perhaps with a port behind it.
func label(l string) string {
	name, port, _ := strings.Cut(l, ":")
	if !strings.HasPrefix(name, prefix) {
		return l
	}
	shown, err := idna.Lookup.ToUnicode(name)
	if err != nil || !harmless(shown) {
		return l
	}
	// One name has one spelling: what does not lead back is not what is asked for.
	if back, err := idna.Lookup.ToASCII(shown); err != nil || back != name {
		return l
	}
	if port != "" {
		shown += ":" + port
	}
	return shown
}

// harmless reports whether a label is of one script, and could not be taken for a label of another.
func harmless(label string) bool {
	for _, script := range scripts() {
		if script.has(label) {
			return true
		}
	}
	return false
}

// script is a set of letters that belong together.
type script struct {
	letters func(r rune) bool
	// alike are letters that look like Latin ones: a label must have another one, too.
	alike string
}

func (s script) has(label string) bool {
	own := false
	for _, r := range label {
		switch {
		case r == '-' || r >= '0' && r <= '9':
		case !s.letters(r):
			return false
		case !strings.ContainsRune(s.alike, r):
			own = true
		}
	}
	return own
}

func scripts() []script {
	return []script{
		{letters: latin},
		// The letters that UTS 39 and the browsers take for Latin ones, capitals aside: names are in lower case.
		{letters: of(unicode.Cyrillic, 'а', 'ӿ'), alike: "асԁеһіјӏорԛѕԝхуъЬҽпгѵѡьвкмнтбѐёѓѕїќўіһґҙқҝҡңҥҩҫҭүұҳҵҷҹһ"},
		{letters: of(unicode.Greek, 'ΐ', 'ώ'), alike: "αγεηικνορςτυωχϊϋόύώάίή"},
		{letters: japanese, alike: likeSigns},
		{letters: func(r rune) bool { return unicode.Is(unicode.Hangul, r) && r >= '가' }},
		{letters: of(unicode.Devanagari, 'ऄ', 'ह')},
	}
}

// of are the letters of a script between two of them; marks are in none.
func of(table *unicode.RangeTable, first, last rune) func(rune) bool {
	return func(r rune) bool { return r >= first && r <= last && unicode.IsLetter(r) && unicode.Is(table, r) }
}

// latin are the letters of European languages and Vietnamese, but for those that look like another or like nothing.
func latin(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z':
		return true
	case strings.ContainsRune("ıĸŀŉſ", r):
		return false
	case r >= 'ß' && r <= 'ž' && unicode.IsLower(r), r == 'ș', r == 'ț', r == 'ơ', r == 'ư', r >= 'ạ' && r <= 'ỹ':
		return unicode.IsLower(r)
	}
	return false
}

// likeSigns are signs of Chinese and Japanese that look like strokes, dots and slashes.
const likeSigns = "一丨丶丿乙亅二工口へヘノハニロソンリーエ"

func japanese(r rune) bool {
	return unicode.IsLetter(r) && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー'
}
