package config

import (
	"strings"
	"testing"
)

func TestParseHandle(t *testing.T) {
	for in, want := range map[string]string{
		"user@example.com":             "user@example.com",
		"@user@example.com":            "user@example.com",
		"USER@EXAMPLE.COM":             "user@example.com",
		"a.b-c_d@example.com":          "a.b-c_d@example.com",
		"a..b--c@example.com":          "a..b--c@example.com", // Mastodon takes several in a row
		"_@example.com":                "_@example.com",
		"user@bücher.example":          "user@xn--bcher-kva.example",
		"user@xn--bcher-kva.example":   "user@xn--bcher-kva.example",
		"user@example.com:8080":        "user@example.com:8080",
		"user@[::1]:8080":              "user@[::1]:8080",
		"example.com@example.com":      "example.com@example.com",
		"":                             "",
		"@":                            "",
		"@@":                           "",
		"user@":                        "",
		"@example.com":                 "",
		"user@example.com.":            "",
		"user@example.com/":            "",
		"user@exa mple.com":            "",
		"-user@example.com":            "",
		"user.@example.com":            "",
		"user+tag@example.com":         "",
		"us%65r@example.com":           "",
		"user@example.com:http":        "",
		"acct:user@example.com":        "",
		"user@2130706433":              "",
		"https://example.com/users/u":  "",
		"user@example.com\nuser@b.com": "",
	} {
		h, err := ParseHandle(in)
		if (err == nil) != (want != "") || (err == nil && h.String() != want) {
			t.Errorf("%q: got %q, %v, want %q", in, h, err, want)
		}
	}
}

func TestParseBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://fedi.example.com":      "https://fedi.example.com",
		"https://fedi.example.com/":     "https://fedi.example.com",
		"HTTPS://FEDI.example.com:443/": "https://fedi.example.com",
		"https://fedi.example.com:8443": "https://fedi.example.com:8443",
		"http://fedi.example.com:80":    "http://fedi.example.com",
		"http://127.0.0.1:8080":         "http://127.0.0.1:8080",
		"https://[::1]":                 "https://[::1]",
		"https://[0:0::1]:8443/":        "https://[::1]:8443",
		"https://bücher.example":        "https://xn--bcher-kva.example",
	} {
		if got, err := ParseBaseURL(in); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                             `"plain"`,
		"two\nlines\x1b":                    `"two\nlines\x1b"`,
		"https://u:secret@h/p?token=secret": `"https://…@h/p?…"`,
		"https://u:sec@ret@h/":              `"https://…@h/"`,
		"x://a?b=secret@c":                  `"x://…@c"`,
		"https://h/":                        `"https://h/"`,
		strings.Repeat("é", maxQuoted+1):    `"` + strings.Repeat("é", maxQuoted) + `…"`,
	} {
		if got := quote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"base_url", "listen", "data_dir", "hook_token", "feed"}
	for in, want := range map[string]string{
		"base_ulr": "base_url", "BaseURL": "base_url", "baseurl": "base_url", "datadir": "data_dir", "lisetn": "listen",
		"feeds": "feed", "fed": "feed", "token": "", "x": "", "": "", "completely_else": "",
	} {
		if got := nearest(names, in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
