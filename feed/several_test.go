package feed

import (
	"context"
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

// Two feeds of one blog bring an entry that has no page of its own: it is one post, whichever comes first.
func TestTwoFeedsOneEntry(t *testing.T) {
	item := "<item><title>Shared</title><guid isPermaLink=\"false\">http://blog.example/?p=9</guid><link>http://blog.example/?p=9</link>" +
		"<pubDate>09 May 2026 00:00:00 +0000</pubDate><description>Text of the shared entry.</description></item>"
	for range 10 {
		db := openStore(t)
		s := &site{answer: func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(w, "<rss><channel><link>http://blog.example/</link>"+item+"</channel></rss>")
			return true
		}}
		var feeds []Config
		for _, name := range []string{"main", "category"} {
			feeds = append(feeds, Config{URL: "http://blog.example/" + name + ".xml", Interval: time.Hour, IntervalSet: true,
				Backfill: 20, MaxNew: 5, Deletions: "feed", Style: content.Style{Options: content.Options{Mode: content.ModeSummary}}, Transport: inProcess{s}})
		}
		p := NewPoller(Options{Store: db, Feeds: feeds, HandleHost: "blog.example", UserAgent: "crier-test", Log: slog.New(slog.DiscardHandler)})
		for _, out := range p.PollAll(t.Context(), PollOptions{}) {
			if out.Error != "" {
				t.Fatal(out.Error)
			}
		}
		all, err := db.Entries()
		if err != nil || len(all) != 1 {
			t.Fatalf("%d entries (%v)", len(all), err)
		}
	}
}

// Names and addresses of any length are stored, or left out, and stop nothing.
func TestEndlessAddresses(t *testing.T) {
	endless := strings.Repeat("b", 40_000)
	s := &site{}
	s.set(fmt.Sprintf("<rss><channel><link>https://%s/</link>"+
		"<item><title>One</title><guid>%s</guid><link>https://blog.example/?%s</link><description>The first text of them.</description></item>"+
		"<item><title>Two</title><guid isPermaLink=\"false\">%s2</guid><link>/%s</link><description>The second text of them.</description></item>"+
		"</channel></rss>", endless, endless, endless, endless, endless), "")
	p, db := newPoller(t, s, nil)
	if out := one(t, p, PollOptions{}); out.Error != "" || out.New != 2 {
		t.Fatalf("%+v", out)
	}
	all, err := db.Entries()
	if err != nil || len(all) != 2 {
		t.Fatalf("%d entries (%v)", len(all), err)
	}
	for _, e := range all {
		if e.URL != "" || len(e.Link) > maxAddress || len(e.GUID) > 100 || !strings.HasPrefix(e.Key, "blog.example/") {
			t.Errorf("entry %.80q, address %.80q, guid %.80q", e.Key, e.URL, e.GUID)
		}
	}
}

// A hook that comes while a poll is under way brings one more: the feed may have changed after it was read.
func TestFreshPollFollowsTheOneUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, release := make(chan struct{}), make(chan struct{})
		asked := 0
		s := &site{}
		s.answer = func(http.ResponseWriter, *http.Request) bool {
			if asked++; asked == 1 {
				close(read)
				<-release
			}
			return false
		}
		s.set(rssOf(1), "")
		p, _ := newPoller(t, s, nil)
		go p.PollAll(t.Context(), PollOptions{})
		<-read
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.PollAll(t.Context(), PollOptions{Fresh: true})
		}()
		time.Sleep(time.Second) // it has joined by now
		close(release)
		<-done
		if n := s.count(); n != 2 {
			t.Errorf("the feed was read %d times", n)
		}
	})
}

// What another feed holds, one that is configured no more, is not settled along with this one's.
func TestSettleLeavesOtherFeedsAlone(t *testing.T) {
	p, db := newPoller(t, &site{}, nil)
	e := store.Entry{Key: "other.example/1", Feed: "http://other.example/feed", State: store.EntryHeld, Generation: 1, Date: time.Now()}
	if err := db.RecordPoll(store.Poll{Feed: store.Feed{URL: e.Feed}, Put: []store.EntryPut{{Entry: e}}}); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Settle("", true); n != 0 || err != nil {
		t.Errorf("%d settled (%v)", n, err)
	}
}

// A poll that cannot be recorded does not end the poller, and so the daemon; it is made again, in peace.
func TestPollThatCannotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := &site{answer: func(w http.ResponseWriter, _ *http.Request) bool {
			asked++
			_, _ = io.WriteString(w, rssOf(1))
			return true
		}}
		p, db := newPoller(t, s, func(c *Config) { c.URL += "?" + strings.Repeat("x", 9_000) }) // too long for the store's keys
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(4*storePause + time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the poller ended: %v", err)
		}
		if all, err := db.Entries(); len(all) != 0 || err != nil {
			t.Errorf("half of it was recorded: %v %v", all, err)
		}
		if asked != 5 {
			t.Errorf("%d polls in four pauses", asked)
		}
	})
}
