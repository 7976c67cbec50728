package app

import (
	"testing"
	"time"

	"crier/content"
	"crier/feed"
)

func TestIsAbove(t *testing.T) {
	entries := []feed.ReadEntry{
		{Entry: content.Entry{URL: "https://example.com/blog/2026/hello/"}},
		{Entry: content.Entry{}},
	}
	tests := map[string]bool{
		"https://example.com":                        true,
		"https://example.com/":                       true,
		"https://example.com/index.html":             true,
		"http://www.example.com/blog":                true,
		"https://example.com/blog/index.html":        true,
		"https://example.com/blog/2026/":             true,
		"https://example.com/feeds/":                 true,
		"https://example.com/blog/2026/hello/":       false,
		"https://example.com/blog/2025/gone/":        false,
		"https://example.com/blo":                    false,
		"https://example.com/blog/2026/hello/?x=y":   false,
		"https://example.com/blog/2026/hello-world/": false,
	}
	for page, want := range tests {
		if got := isAbove(page, "https://example.com/feeds/index.xml", entries); got != want {
			t.Errorf("%s: %v", page, got)
		}
	}
}

func TestSameAddress(t *testing.T) {
	const a = "https://example.com/index.xml?x=1"
	tests := map[string]bool{
		a: true, "HTTPS://EXAMPLE.com:443/index.xml?x=1": true, "http://example.com/index.xml?x=1": false,
		"https://example.com/index.xml": false, "https://example.com:444/index.xml?x=1": false, "https://example.com/": false, "%": false,
	}
	for b, want := range tests {
		if got := sameAddress(a, b); got != want {
			t.Errorf("%s: %v", b, got)
		}
	}
	if !sameAddress("https://example.com", "https://example.com/") {
		t.Error("a missing path is not the root")
	}
}

func TestNewest(t *testing.T) {
	entry := func(title string, day int) feed.ReadEntry {
		e := feed.ReadEntry{Entry: content.Entry{Title: title}, Dated: day > 0}
		if e.Dated {
			e.Date = time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
		}
		return e
	}
	tests := map[string]struct {
		entries []feed.ReadEntry
		want    string
	}{
		"by date":                       {[]feed.ReadEntry{entry("a", 1), entry("b", 3), entry("c", 2)}, "bc"},
		"as they stand, if one is not":  {[]feed.ReadEntry{entry("a", 1), entry("b", 0), entry("c", 2)}, "ab"},
		"as they stand on the same day": {[]feed.ReadEntry{entry("a", 1), entry("b", 1), entry("c", 1)}, "ab"},
		"fewer":                         {[]feed.ReadEntry{entry("a", 1)}, "a"},
		"none":                          {nil, ""},
	}
	for name, tt := range tests {
		got := ""
		for _, e := range newest(&feed.Reading{Entries: tt.entries}, 2) {
			got += e.Title
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
