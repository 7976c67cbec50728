package feed

import (
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

// in returns a post in a category.
func in(category string, n int) Item {
	it := post(n)
	it.Categories = []string{category}
	return it
}

func (s *story) state(key string, want store.EntryState) {
	s.t.Helper()
	if e := s.entry(key); e.State != want {
		s.t.Errorf("%s is %s, want %s: %+v", key, e.State, want, e)
	}
}

// Taking a rule away makes news of what it skipped, under the breaker that all news is under.
func TestRuleIsTakenAway(t *testing.T) {
	s := newStory(t, "skip = links")
	s.at(0, docOf(post(3), in("links", 2), post(1)))
	s.state("blog.example/2/", store.EntrySkipped)
	if e := s.entry("blog.example/2/"); e.Todo != store.TodoNothing || e.Deliver || e.Listed {
		t.Errorf("skipped: %+v", e)
	}
	many := docOf(post(10), in("links", 9), in("links", 8), in("links", 7), in("links", 6), in("links", 5), in("links", 4), post(3), in("links", 2), post(1))
	want(t, "six skipped and one that is none", s.at(24, many), "create blog.example/10/")
	s.cfg.Style.Rules = nil
	want(t, "304 says nothing about rules", s.at(25, nil))
	want(t, "the rule is gone", s.at(26, many), "create blog.example/2/") // served: it is older than the newest one of the first poll
	s.state("blog.example/9/", store.EntryHeld)
	if e := s.entry("blog.example/2/"); e.Deliver {
		t.Errorf("delivered: %+v", e)
	}
	s.cfg.Style.Rules = []content.Rule{{Category: "links", Skip: true}}
	s.at(27, many)
	s.state("blog.example/9/", store.EntrySkipped)
	s.state("blog.example/2/", store.EntryLive)
}

// An undated entry keeps the moment at which it was first seen.
func TestSkippedUndated(t *testing.T) {
	s := newStory(t, "skip = links")
	s.at(0, posts(1))
	undated := in("links", 2)
	undated.Published = time.Time{}
	s.at(1, docOf(undated, post(1)))
	undated.Categories = nil
	want(t, "no link any more", s.at(48, docOf(undated, post(1))), "create blog.example/2/")
	if e := s.entry("blog.example/2/"); !e.Date.Equal(day1.Add(time.Hour)) || e.Dated {
		t.Errorf("dated %v", e.Date)
	}
}

func TestSkippedThatVanishes(t *testing.T) {
	s := newStory(t, "skip = links")
	s.at(0, docOf(post(3), in("links", 2), post(1)))
	want(t, "gone", s.at(1, posts(3, 1)))
	s.state("blog.example/2/", store.EntrySkipped)
	want(t, "back, and no link any more", s.at(2, posts(3, 2, 1)), "create blog.example/2/")
}

// A deleted entry that returns within a rule stays gone; without the rule it is the next generation, and not the one
// after that.
func TestSkippedReturn(t *testing.T) {
	s := newStory(t, "grace = 1h\nskip = links")
	s.at(0, posts(2, 1))
	s.at(24, posts(3, 2, 1))
	want(t, "news", s.at(26, nil), "create blog.example/3/")
	want(t, "gone", s.at(27, posts(2, 1)), "delete blog.example/3/")
	want(t, "back as a link", s.at(28, docOf(in("links", 3), post(2), post(1))))
	s.state("blog.example/3/", store.EntryGone)
	want(t, "back as a post, for a moment", s.at(29, posts(3, 2, 1)))
	s.state("blog.example/3/", store.EntryNew)
	want(t, "a link after all", s.at(29, docOf(in("links", 3), post(2), post(1))))
	s.state("blog.example/3/", store.EntryGone)
	want(t, "back as a post", s.at(30, posts(3, 2, 1)))
	want(t, "and out", s.at(32, nil), "create blog.example/3/~2")
}

// A return that is withdrawn before it went out uses up no number.
func TestReturnIsDroppedBeforeItWentOut(t *testing.T) {
	s := newStory(t, "grace = 1h")
	s.at(0, posts(2, 1))
	s.at(24, posts(3, 2, 1))
	want(t, "news", s.at(26, nil), "create blog.example/3/")
	want(t, "gone", s.at(27, posts(2, 1)), "delete blog.example/3/")
	for range 3 {
		want(t, "back", s.at(28, posts(3, 2, 1)))
		want(t, "and gone again", s.at(28, posts(2, 1)))
	}
	s.at(30, posts(3, 2, 1))
	want(t, "back for good", s.at(40, nil), "create blog.example/3/~2")
}

// What one feed skips another one may publish, whichever is polled first.
func TestSkippedByOneFeedAlone(t *testing.T) {
	const all, links = "https://blog.example/all.xml", "https://blog.example/links.xml"
	for _, order := range [][]string{{all, links, all}, {links, all, links}} {
		s := newStory(t, "url = "+all)
		s.configured[links] = true
		poll := func(hours int, d *Document) {
			for _, feed := range order {
				s.cfg.URL, s.cfg.Style.Rules = feed, nil
				if feed == all {
					s.cfg.Style.Rules = []content.Rule{{Category: "links", Skip: true}}
				}
				s.at(hours, d)
			}
		}
		poll(0, posts(1))
		poll(200, docOf(in("links", 4), post(1)))
		if e := s.entry("blog.example/4/"); e.State != store.EntryLive || !e.Deliver || e.Feed != links {
			t.Errorf("%v: %+v", order, e)
		}
	}
}

// An entry that both feeds skip does not go to and fro between them.
func TestSkippedByTwoFeeds(t *testing.T) {
	const other = "https://blog.example/other.xml"
	s := newStory(t, "skip = links")
	s.configured[other] = true
	first := s.cfg.URL
	s.at(0, docOf(in("links", 1)))
	s.cfg.URL = other
	if p := s.poll(docOf(in("links", 1)), day1); len(p.put) != 0 {
		t.Errorf("written again: %+v", p.put)
	}
	if e := s.entry("blog.example/1/"); e.Feed != first {
		t.Errorf("owner %s", e.Feed)
	}
}
