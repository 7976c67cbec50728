package idn

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/idna"
)

func TestHost(t *testing.T) {
	for shown, safe := range map[string]bool{
		"bücher.example":       true,
		"straße.example":       true,
		"wałęsa.example":       true,
		"việt.example":         true,
		"почта.рф":             true,
		"новости.example":      true,
		"ελλάδα.example":       true,
		"例え.テスト":               true,
		"中文.example":           true,
		"한국.example":           true,
		"блог2-a.example":      false, // two scripts
		"аррӏе.example":        false, // Cyrillic alone, but it reads as Latin
		"раураl.example":       false,
		"сосо.example":         false,
		"ουτ.example":          false, // Greek that reads as Latin
		"gооgle.example":       false,
		"ıstanbul.example":     false, // a letter without its dot
		"مثال.example":         false, // from right to left
		"דוגמה.example":        false,
		"faß-א.example":        false,
		"ノ.example":            false, // a slash, to some
		"a\u0337b.example":     false, // a mark
		"օրինակ.example":       false, // Armenian
		"q\u0307uelle.example": false,
		"plain.example":        true,
		"bücher.аррӏе.example": false,
	} {
		wire, err := idna.ToASCII(shown)
		if err != nil {
			t.Fatalf("%s: %v", shown, err)
		}
		got := Host(wire)
		if safe && got != shown {
			t.Errorf("%s is shown as %s", shown, got)
		}
		if !safe && got == shown {
			t.Errorf("%s (%s) is shown as it is", shown, wire)
		}
	}
	for as, want := range map[string]string{
		"xn--bcher-kva.example:8080":  "bücher.example:8080",
		"sub.xn--bcher-kva:81":        "sub.bücher:81",
		"xn--.example":                "xn--.example",
		"xn--a.example":               "xn--a.example",
		"xn--zzzzzzzzzz99999.example": "xn--zzzzzzzzzz99999.example",
		"XN--BCHER-KVA.example":       "XN--BCHER-KVA.example",
		"":                            "",
	} {
		if got := Host(as); got != want {
			t.Errorf("%q is shown as %q, want %q", as, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for as, want := range map[string]string{
		"@ann@xn--bcher-kva.example":                                     "@ann@bücher.example",
		"Follow(ann@xn--bcher-kva.example → user@xn--bcher-kva.example)": "Follow(ann@bücher.example → user@bücher.example)",
		"https://xn--bcher-kva.example/@ann@xn--bcher-kva.example":       "https://xn--bcher-kva.example/@ann@xn--bcher-kva.example",
		"xn--bcher-kva.example":                                          "xn--bcher-kva.example",
		"  (xn-- a@xn--80ak6aa92e ":                                      "  (xn-- a@xn--80ak6aa92e ",
	} {
		if got := Text(as); got != want {
			t.Errorf("%q is shown as %q, want %q", as, got, want)
		}
	}
}

// FuzzText: what is shown has nothing that a text of its own could not have, and is never read from right to left.
func FuzzText(f *testing.F) {
	f.Add("@ann@xn--bcher-kva.example")
	f.Add("xn--80ak6aa92e")
	f.Fuzz(func(t *testing.T, s string) {
		ascii := strings.Map(func(r rune) rune {
			if r > unicode.MaxASCII {
				return 'x'
			}
			return r
		}, s)
		for _, shown := range []string{Text(ascii), Host(ascii)} {
			for _, r := range shown {
				if unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Bidi_Control, unicode.Mn) || unicode.IsControl(r) && !strings.ContainsRune(ascii, r) {
					t.Errorf("%q is shown as %q", ascii, shown)
				}
			}
		}
	})
}
