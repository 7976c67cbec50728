package content

import (
	"slices"
	"testing"
)

func TestRuleFits(t *testing.T) {
	e := Entry{URL: "https://a.example/notes/2026/%D0%BC%D0%B8%D1%80/", Categories: []string{"Static Site", "[draft]", "Ελλάδα", "AC/DC"}, Authors: []string{"Ann Ö. Smith", "Bo"}}
	for _, c := range []struct {
		rule Rule
		want bool
	}{
		{Rule{Category: "static site"}, true}, {Rule{Category: "STATIC*"}, true}, {Rule{Category: "static?site"}, true}, {Rule{Category: "static"}, false},
		{Rule{Category: "[draft]"}, true}, {Rule{Category: "[a-z]raft]"}, false}, {Rule{Category: "[*]"}, true}, {Rule{Category: "ελλάδα"}, true}, {Rule{Category: "ελλα\u0301δα"}, true},
		{Rule{Category: "ac*dc"}, true}, {Rule{Category: "a*"}, true}, {Rule{Category: `\a*`}, false}, {Rule{Category: "*"}, true},
		{Rule{Path: "/notes/*"}, true}, {Rule{Path: "/notes"}, false}, {Rule{Path: "/notes/2026/мир"}, true}, {Rule{Path: "/notes/2026/мир/"}, true},
		{Rule{Path: "/notes/2026/%D0%BC%D0%B8%D1%80/"}, true}, {Rule{Path: "/notes/????/*"}, true}, {Rule{Path: "*/мир/"}, true}, {Rule{Path: "/Notes/*"}, true}, {Rule{Path: "a.example/*"}, false},
		{Rule{Author: "ann ö. smith"}, true}, {Rule{Author: "b?"}, true}, {Rule{Author: "smith"}, false},
		{Rule{Author: "bo", Category: "static*", Path: "/notes/*"}, true}, {Rule{Author: "bo", Category: "other"}, false}, {Rule{}, true},
	} {
		if got := c.rule.fits(e); got != c.want {
			t.Errorf("%+v fits: %v", c.rule, got)
		}
	}
	for _, r := range []Rule{{Category: "*"}, {Author: "*"}, {Path: "/*"}} {
		if r.fits(Entry{URL: "http://[bad"}) {
			t.Errorf("%+v fits an entry without anything", r)
		}
	}
}

func TestStyleFor(t *testing.T) {
	s := Style{
		Options: Options{Mode: ModeSummary, Tags: []string{"all"}}, Visibility: "public",
		Rules: []Rule{
			{Category: "note", Visibility: "unlisted", Mode: ModeFull, Tags: []string{"one"}, Warning: "first"},
			{Path: "/x/*", Pictures: PicturesNone, Tags: []string{"two"}, Warning: "second", Sensitive: true},
			{Author: "nobody", Skip: true},
		},
	}
	got := s.For(Entry{URL: "https://a.example/x/1", Categories: []string{"Note"}})
	if got.Visibility != "unlisted" || got.Mode != ModeFull || got.Pictures != PicturesNone || got.Warning != "second" || !got.Sensitive || got.Skip ||
		!slices.Equal(got.Tags, []string{"all", "one", "two"}) {
		t.Errorf("got %+v", got)
	}
	if again := s.For(Entry{}); !slices.Equal(again.Tags, []string{"all"}) || again.Visibility != "public" {
		t.Errorf("got %+v", again)
	}
	if !s.For(Entry{Authors: []string{"Nobody"}}).Skip {
		t.Error("not skipped")
	}
}

// A category may be a list: a rule that keeps something back must see each of them, as the hashtags do.
func TestRuleSeesEachOfAList(t *testing.T) {
	s := Style{Rules: []Rule{{Category: "private", Skip: true}}}
	for category, want := range map[string]bool{"Photos, Private": true, "写真、Private": true, "Private; x": true, "Privately, owned": false} {
		if got := s.For(Entry{Categories: []string{category}}).Skip; got != want {
			t.Errorf("%q: skipped %v", category, got)
		}
	}
}
