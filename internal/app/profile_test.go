package app

import (
	"slices"
	"testing"

	"crier/internal/config"
	"crier/store"
)

// TestAttributionDomains: the blog's host is that which its feed names, beside the handle's and the feed's own.
func TestAttributionDomains(t *testing.T) {
	cfg := &config.Config{Feeds: []config.Feed{{URL: "https://feeds.example/blog"}, {URL: "/srv/index.xml"}}}
	cfg.Account.Handle.Host = "example.com"
	read := []store.Feed{
		{URL: "https://feeds.example/blog", Host: "blog.example.com:8443"}, {URL: "/srv/index.xml", Host: "example.com"},
		{URL: "https://old.example/feed", Host: "old.example"},
	}
	for _, c := range []struct {
		read []store.Feed
		want []string
	}{
		{nil, []string{"example.com", "feeds.example"}},
		{read, []string{"blog.example.com", "example.com", "feeds.example"}},
	} {
		if got := attributionDomains(cfg, c.read); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
