package feed

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/content"
	"crier/store"
)

// An entry that its own feed shows no more goes over to the feed that does, and is edited from there.
func TestEntryGoesOverToTheFeedThatShowsIt(t *testing.T) {
	const main, notes = "https://blog.example/main.xml", "https://blog.example/notes.xml"
	for _, deletions := range []string{"feed", "confirm", "never"} {
		s := newStory(t, "url = "+main+"\ndeletions = "+deletions)
		s.configured[notes] = true
		poll := func(feed string, hours int, d *Document) []string {
			s.cfg.URL = feed
			return s.at(hours, d)
		}
		poll(main, 0, posts(3, 2, 1))
		poll(notes, 0, docOf())
		if s.shown = nil; deletions == "feed" {
			s.shown = map[string]string{"p:blog.example/2": notes}
		}
		want(t, deletions+": gone from its feed", poll(main, 1, posts(3, 1)))
		edited := post(2)
		edited.Summary = "Written anew."
		want(t, deletions+": edited in the other one", poll(notes, 2, docOf(edited)), "update blog.example/2/")
		want(t, deletions+": and in the first one again", poll(main, 3, posts(3, 2, 1)))
		if e := s.entry("blog.example/2/"); e.Feed != notes || e.State != store.EntryLive {
			t.Errorf("%s: %+v", deletions, e)
		}
	}
}

// What a plan cannot know by itself it asks for before it lets anything be deleted.
func TestDeletionAsksTheOtherFeeds(t *testing.T) {
	s := newStory(t, "deletions = feed")
	s.at(0, posts(3, 2, 1))
	if p := s.plan(posts(3, 1), day1); p.ask || p.gone != 1 {
		t.Errorf("a single feed: %+v", p)
	}
	s.configured["https://blog.example/other.xml"] = true
	if p := s.plan(posts(3, 1), day1); !p.ask {
		t.Errorf("nothing is asked: %+v", p)
	}
	s.shown = map[string]string{}
	if p := s.plan(posts(3, 1), day1); p.gone != 1 {
		t.Errorf("shown by nobody: %+v", p)
	}
	s.shown = map[string]string{"g:id-2": "https://blog.example/other.xml", "k:blog.example/2/": "https://blog.example/other.xml"}
	p := s.plan(posts(3, 1), day1)
	if p.gone != 0 || len(p.put) != 1 || p.put[0].Entry.Feed != "https://blog.example/other.xml" || !p.put[0].Entry.MissingSince.IsZero() {
		t.Errorf("shown elsewhere: %+v", p)
	}
}

// An entry is moved from one configured feed to another: one post all along, whichever feed is read first.
func TestEntryMovesBetweenFeeds(t *testing.T) {
	for _, deletions := range []string{"feed", "confirm"} {
		for round := range 6 {
			bodies := map[string]string{"/a.xml": rssOf(9, 8, 7), "/b.xml": rssOf(5)}
			s := &site{answer: func(w http.ResponseWriter, r *http.Request) bool {
				body, ok := bodies[r.URL.Path]
				if !ok {
					return false
				}
				w.Header().Set("ETag", fmt.Sprintf("%q", body[len(body)/2:][:40]))
				_, _ = io.WriteString(w, body)
				return true
			}}
			var feeds []Config
			for _, name := range []string{"a", "b"} {
				feeds = append(feeds, Config{URL: "http://blog.example/" + name + ".xml", Interval: time.Hour, IntervalSet: true, Backfill: 20,
					MaxNew: 5, Deletions: deletions, Style: content.Style{Options: content.Options{Mode: content.ModeSummary}}, Transport: inProcess{s}})
			}
			db := openStore(t)
			p := NewPoller(Options{Store: db, Feeds: feeds, HandleHost: "blog.example", UserAgent: "crier-test", Log: slog.New(slog.DiscardHandler)})
			poll := func(order ...int) {
				for _, i := range order {
					if out, ok := p.Poll(t.Context(), feeds[i].URL, PollOptions{}); !ok || out.Error != "" {
						t.Fatal(out)
					}
				}
			}
			poll(0, 1)
			publishDue(t, db, time.Now())
			bodies["/a.xml"], bodies["/b.xml"] = rssOf(9, 7), rssOf(8, 5)
			switch round % 3 {
			case 0:
				poll(0, 1)
			case 1:
				poll(1, 0)
			default:
				for _, out := range p.PollAll(t.Context(), PollOptions{}) {
					if out.New+out.Changed+out.Removed != 0 {
						t.Errorf("%+v", out)
					}
				}
			}
			poll(1, 0, 1)
			if got := publishDue(t, db, time.Now()); len(got) != 0 {
				t.Errorf("%s, round %d: %q", deletions, round, got)
			}
			if e, err := db.Entry("blog.example/8/"); err != nil || e.State != store.EntryLive || deletions == "feed" && e.Feed != feeds[1].URL {
				t.Errorf("%s, round %d: %+v %v", deletions, round, e, err)
			}
		}
	}
}

// A blog goes to another domain, other paths, https, other GUIDs and other words at once. The old pages lead to the
// new ones, over several steps; an item that is news is asked about at nobody's page, and is not delayed.
func TestOldPagesLeadToTheNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looked []string
		s := &site{}
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/feed.xml" {
				return false
			}
			looked = append(looked, r.URL.String())
			name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/writing"), "/")
			switch {
			case r.URL.Host == "blog.example":
				http.Redirect(w, r, "http://new.example/"+name+"/", http.StatusMovedPermanently)
			case r.URL.Scheme == "http":
				http.Redirect(w, r, "https://new.example/writing/"+name, http.StatusMovedPermanently)
			default:
				_, _ = io.WriteString(w, "<p>a page</p>")
			}
			return true
		}
		s.set(rssOf(4, 3, 2, 1), "")
		p, db := newPoller(t, s, nil)
		one(t, p, PollOptions{})
		publishDue(t, db, time.Now())
		s.set(strings.Replace(rssOf(5, 4, 3, 2, 1), "Text of post 1", "Edited: text of post 1", 1), "")
		if out := one(t, p, PollOptions{}); out.New != 1 || out.Changed != 1 || len(looked) != 0 {
			t.Fatalf("%+v, looks at %q", out, looked)
		}
		publishDue(t, db, time.Now().Add(time.Minute))

		var b strings.Builder
		b.WriteString("<rss><channel><link>https://new.example/</link><item><title>News</title><link>https://new.example/writing/6</link>" +
			"<pubDate>06 May 1999 00:00:00 +0000</pubDate><description>Something new.</description></item>")
		for _, n := range []int{5, 4, 3, 2, 1} {
			fmt.Fprintf(&b, "<item><title>%d</title><guid>tag:new.example,%d</guid><link>https://new.example/writing/%d</link>"+
				"<description>%d in words that nobody has seen before.</description></item>", n*100, n, n, n)
		}
		b.WriteString("</channel></rss>")
		s.set(b.String(), "")
		out := one(t, p, PollOptions{})
		if out.New != 1 || out.Changed != 5 || out.Held != 0 || len(looked) != 15 {
			t.Errorf("%+v, looks at %q", out, looked)
		}
		for _, did := range publishDue(t, db, time.Now().Add(time.Minute)) {
			if !strings.HasPrefix(did, "update blog.example/") && did != "create new.example/writing/6" {
				t.Error(did)
			}
		}
	})
}

func TestRedirectsThatTellNothing(t *testing.T) {
	moved := func(n int) Item {
		return Item{Entry: content.Entry{Title: fmt.Sprintf("%d anew", n), Summary: fmt.Sprintf("Not the words of number %d.", n)},
			GUID: fmt.Sprintf("new-%d", n), Link: fmt.Sprintf("https://blog.example/new/%d", n), Published: post(n).Published.Add(17 * time.Second)}
	}
	for _, c := range []struct {
		name  string
		leads map[string]string
		looks int
		want  []string
	}{
		{"to the new page", map[string]string{"blog.example/2/": "https://blog.example/new/2/"}, 1, []string{"update blog.example/2/"}},
		{"to the front page", map[string]string{"blog.example/2/": "https://blog.example/"}, 1, []string{"create blog.example/new/2"}},
		{"to another page", map[string]string{"blog.example/2/": "https://blog.example/list"}, 1, []string{"create blog.example/new/2"}},
		{"nowhere else", map[string]string{"blog.example/2/": "https://blog.example/2/"}, 1, []string{"create blog.example/new/2"}},
		{"no answer", map[string]string{"blog.example/2/": ""}, 1, []string{"create blog.example/new/2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t, "deletions = never")
			s.at(0, posts(3, 2, 1))
			if p := s.plan(docOf(post(3), moved(2), post(1)), day1); len(p.want) != c.looks {
				t.Errorf("%d looks", len(p.want))
			}
			s.leads = c.leads
			want(t, "poll", s.at(1, docOf(post(3), moved(2), post(1))), c.want...)
		})
	}
	s := newStory(t, "deletions = never")
	s.at(0, posts(3, 2, 1))
	s.leads = map[string]string{"blog.example/2/": "https://blog.example/new/2", "blog.example/1/": "https://blog.example/new/2"}
	want(t, "two pages that were put together", s.at(1, docOf(post(3), moved(2))), "create blog.example/new/2")
	s = newStory(t, "deletions = never")
	s.at(0, posts(3, 2, 1))
	s.leads = map[string]string{"blog.example/2/": "https://blog.example/2/"}
	reused := moved(2)
	reused.Link = post(2).Link
	want(t, "another entry at the same address", s.at(1, docOf(post(3), reused, post(1))), "create "+hashKey("blog.example", s.cfg.URL, "new-2"))
	if p := s.plan(docOf(moved(4)), day1); len(p.want) != 0 {
		t.Errorf("what is newer than everything is asked about: %+v", p.want)
	}
}
