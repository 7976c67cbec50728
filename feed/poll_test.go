package feed

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"crier/content"
	"crier/store"
)

// inProcess is a transport that calls a handler without a socket, so that it works inside a bubble.
type inProcess struct{ h http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); t.h.ServeHTTP(w, r) }()
	select {
	case <-done:
		resp := w.Result()
		resp.Request = r
		return resp, nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

// site is a blog's web server with one feed.
type site struct {
	mu      sync.Mutex
	body    string
	etag    string
	answer  func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	polls   []time.Time
	headers []http.Header
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/feed.xml" {
		s.polls = append(s.polls, time.Now())
		s.headers = append(s.headers, r.Header.Clone())
	}
	if s.answer != nil && s.answer(w, r) {
		return
	}
	if r.URL.Path != "/feed.xml" {
		http.NotFound(w, r)
		return
	}
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
		if r.Header.Get("If-None-Match") == s.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	io.WriteString(w, s.body)
}

func (s *site) set(body, etag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body, s.etag = body, etag
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.polls)
}

const feedURL = "http://blog.example/feed.xml"

func newPoller(t *testing.T, s *site, change func(*Config)) (*Poller, *store.DB) {
	t.Helper()
	cfg := Config{URL: feedURL, Interval: 15 * time.Minute, IntervalSet: true, Backfill: 20, MaxNew: 5,
		Deletions: "confirm", ConfirmAfter: 6 * time.Hour, Style: content.Style{Options: content.Options{Mode: content.ModeSummary}}, Transport: inProcess{s}}
	if change != nil {
		change(&cfg)
	}
	db := openStore(t)
	return NewPoller(Options{Store: db, Feeds: []Config{cfg}, HandleHost: "blog.example", UserAgent: "crier-test",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}), db
}

// rssOf writes a feed with the posts of some days of May.
func rssOf(days ...int) string {
	var b strings.Builder
	b.WriteString("<rss><channel><link>http://blog.example/</link>")
	for _, n := range days {
		fmt.Fprintf(&b, "<item><title>Post %d</title><guid>http://blog.example/%d/</guid><link>http://blog.example/%d/</link>"+
			"<pubDate>%02d May 1999 00:00:00 +0000</pubDate><description>Text of post %d.</description></item>", n, n, n, n, n)
	}
	b.WriteString("</channel></rss>")
	return b.String()
}

func one(t *testing.T, p *Poller, o PollOptions) Outcome {
	t.Helper()
	out := p.PollAll(t.Context(), o)
	if len(out) != 1 {
		t.Fatalf("%d outcomes", len(out))
	}
	return out[0]
}

func TestPollIsConditional(t *testing.T) {
	s := &site{}
	s.set(rssOf(2, 1), `"one"`)
	p, db := newPoller(t, s, nil)
	if out := one(t, p, PollOptions{}); out.New != 2 || out.Error != "" {
		t.Fatalf("first poll: %+v", out)
	}
	if out := one(t, p, PollOptions{}); out.New != 0 || out.Error != "" {
		t.Fatalf("second poll: %+v", out)
	}
	if h := s.headers[0]; h.Get("User-Agent") != "crier-test" || h.Get("Accept") == "" || h.Get("If-None-Match") != "" {
		t.Errorf("first request: %v", h)
	}
	if h := s.headers[1]; h.Get("If-None-Match") != `"one"` {
		t.Errorf("second request: %v", h)
	}
	lines, err := db.Log(0, 0, false)
	if err != nil || len(lines) != 1 || lines[0].Direction != "feed" || lines[0].From != feedURL {
		t.Errorf("log %+v (%v): an idle poll writes nothing", lines, err)
	}
	s.set(rssOf(3, 2, 1), `"two"`)
	if out := one(t, p, PollOptions{DryRun: true}); out.New != 1 || len(out.Items) != 1 || out.Items[0].Action != "publish" || out.Items[0].Title != "Post 3" {
		t.Errorf("dry run: %+v", out)
	}
	if out := one(t, p, PollOptions{}); out.New != 1 {
		t.Errorf("after the dry run: %+v", out)
	}
}

// What an answer says of itself holds for that answer alone.
func TestValidatorsFollowTheDocument(t *testing.T) {
	s := &site{}
	s.set(rssOf(1), `"one"`)
	p, db := newPoller(t, s, nil)
	one(t, p, PollOptions{})
	s.set(rssOf(2, 1), "")
	one(t, p, PollOptions{})
	if rec, err := db.Feed(feedURL); err != nil || rec.ETag != "" {
		t.Errorf("record %+v, %v", rec, err)
	}
}

// A document that is broken does not become the one that later answers are compared with: while the error
// lasts, it is shown.
func TestBrokenDocumentKeepsTheOldValidators(t *testing.T) {
	s := &site{}
	s.set(rssOf(2, 1), `"good"`)
	p, db := newPoller(t, s, nil)
	one(t, p, PollOptions{})
	s.set(rssOf(2, 1)[:100], `"bad"`)
	for range 2 {
		if out := one(t, p, PollOptions{}); !strings.Contains(out.Error, "cut off") {
			t.Fatalf("broken: %+v", out)
		}
	}
	rec, err := db.Feed(feedURL)
	if err != nil || rec.ETag != `"good"` || rec.Failures != 2 || !strings.Contains(rec.LastError, "cut off") {
		t.Errorf("record %+v, %v", rec, err)
	}
	s.set(rssOf(2, 1), `"good"`)
	if out := one(t, p, PollOptions{}); out.Error != "" || out.New+out.Changed+out.Removed != 0 {
		t.Errorf("mended: %+v", out)
	}
	if rec, _ := db.Feed(feedURL); rec.LastError != "" || rec.Failures != 0 {
		t.Errorf("record %+v", rec)
	}
	lines, _ := db.Log(0, 0, false)
	var kinds []string
	for _, l := range lines {
		kinds = append(kinds, l.Type)
	}
	if got := strings.Join(kinds, ", "); got != "First poll, Error, Recovered" {
		t.Errorf("log: %s", got)
	}
}

// The page of a vanished entry is looked at by the poll that misses it, and six hours later by a poll that
// ends in 304.
func TestLooksAtPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{}
		s.set(rssOf(3, 2, 1), "")
		p, db := newPoller(t, s, nil)
		one(t, p, PollOptions{})
		publishDue(t, db, time.Now())
		s.set(rssOf(3, 1), `"shorter"`)
		if out := one(t, p, PollOptions{}); out.Removed != 0 {
			t.Fatalf("first look: %+v", out)
		}
		if rec, _ := db.Feed(feedURL); rec.Missing != 1 {
			t.Fatalf("record %+v", rec)
		}
		time.Sleep(5 * time.Hour)
		if out := one(t, p, PollOptions{}); out.Removed != 0 {
			t.Fatalf("too early: %+v", out)
		}
		time.Sleep(time.Hour)
		if out := one(t, p, PollOptions{}); out.Removed != 1 {
			t.Fatalf("second look: %+v", out)
		}
		if got := publishDue(t, db, time.Now()); len(got) != 1 || got[0] != "delete blog.example/2/" {
			t.Errorf("published %q", got)
		}
		if rec, _ := db.Feed(feedURL); rec.Missing != 0 {
			t.Errorf("record %+v", rec)
		}
	})
}

func TestRunKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{}
		s.set(rssOf(1), `"x"`)
		p, db := newPoller(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		if s.count() != 1 {
			t.Fatalf("%d polls at once, want 1", s.count())
		}
		time.Sleep(24 * time.Hour)
		if n := s.count(); n < 87 || n > 97 {
			t.Errorf("%d polls in a day, want one every 15 to 16.5 minutes", n)
		}
		for i := 1; i < len(s.polls); i++ {
			if d := s.polls[i].Sub(s.polls[i-1]); d < 15*time.Minute || d > 16*time.Minute+30*time.Second {
				t.Errorf("poll %d came %v after the one before", i, d)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stopped with %v", err)
		}
		// The next process keeps to what is stored, and believes no absurd date.
		rec, _ := db.Feed(feedURL)
		before := s.count()
		run := func(d time.Duration) int {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { done <- p.Run(ctx) }()
			time.Sleep(d)
			cancel()
			<-done
			return s.count() - before
		}
		if n := run(time.Until(rec.NextPoll) - time.Second); n != 0 {
			t.Errorf("%d polls before the stored time", n)
		}
		if n := run(2 * time.Second); n != 1 {
			t.Errorf("%d polls at the stored time, want 1", n)
		}
		rec, _ = db.Feed(feedURL)
		rec.NextPoll = time.Now().Add(1000 * 24 * time.Hour)
		if err := db.RecordPoll(store.Poll{Feed: rec}); err != nil {
			t.Fatal(err)
		}
		if n := run(time.Second); n != 2 {
			t.Errorf("%d polls although the clock was wrong once, want 2", n)
		}
	})
}

func TestRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{answer: func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}}
		p, _ := newPoller(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(2*time.Hour - time.Second)
		if s.count() != 1 {
			t.Errorf("%d polls within two hours of Retry-After", s.count())
		}
		if one(t, p, PollOptions{}); s.count() != 2 {
			t.Errorf("a poll by hand waits for Retry-After")
		}
		time.Sleep(20 * 24 * time.Hour)
		if n := s.count(); n < 200 || n > 20*12+2 { // every two hours, as the server asks
			t.Errorf("%d polls of a dead feed in twenty days", n)
		}
		cancel()
		<-done
	})
}

func TestPollsAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{}
		s.set(rssOf(1), "")
		release := make(chan struct{})
		s.answer = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
		p, _ := newPoller(t, s, nil)
		outs := make(chan Outcome, 3)
		for range 3 {
			go func() { outs <- p.PollAll(t.Context(), PollOptions{})[0] }()
		}
		synctest.Wait()
		close(release)
		for range 3 {
			if out := <-outs; out.New != 1 {
				t.Errorf("%+v", out)
			}
		}
		if s.count() != 1 {
			t.Errorf("%d polls, want 1", s.count())
		}
	})
}

// The publisher may write an entry while a poll is under way: the plan is made anew, nothing is fetched
// twice and nothing is lost.
func TestConflictIsPlannedAnew(t *testing.T) {
	s := &site{}
	s.set(rssOf(2, 1), "")
	var p *Poller
	var db *store.DB
	p, db = newPoller(t, s, func(c *Config) { c.Deletions = "confirm" })
	one(t, p, PollOptions{})
	publishDue(t, db, time.Now())
	edited := strings.Replace(rssOf(2, 1), "Text of post 1", "New text of post 1", 1)
	s.set(strings.Replace(edited, "<item><title>Post 2", "<item><title>Post 3</title></item><item><title>Post 2", 1), "")
	w := p.feeds[0]
	r := w.read(t.Context(), store.Feed{URL: feedURL})
	e, err := db.Entry("blog.example/1/")
	if err != nil {
		t.Fatal(err)
	}
	pl, err := w.plan(t.Context(), mustRecord(t, w), r, &learnt{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.RecordPoll(store.Poll{Feed: mustRecord(t, w), Put: []store.EntryPut{{Entry: e}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.RecordPoll(store.Poll{Feed: pl.feed, Put: pl.put}); err == nil {
		t.Fatal("a stale plan was recorded")
	}
	out, err := w.store(t.Context(), r)
	if err != nil || out.Changed != 1 || out.New != 1 || s.count() != 2 {
		t.Errorf("%+v, %v after %d polls", out, err, s.count())
	}
}

func mustRecord(t *testing.T, w *watcher) store.Feed {
	t.Helper()
	rec, err := w.record()
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestSettle(t *testing.T) {
	s := &site{}
	s.set(rssOf(9), "")
	p, db := newPoller(t, s, func(c *Config) { c.MaxNew = 1 })
	notified := 0
	p.o.Notify = func() { notified++ }
	one(t, p, PollOptions{})
	undated := strings.NewReplacer("<pubDate>", "<x>", "</pubDate>", "</x>").Replace(rssOf(3, 2, 1))
	s.set(undated, "")
	if out := one(t, p, PollOptions{}); out.Held != 3 || out.New != 0 {
		t.Fatalf("%+v", out)
	}
	if n, err := p.Settle(feedURL, true); n != 3 || err != nil || notified != 3 {
		t.Errorf("settled %d, %v; notified %d times", n, err, notified)
	}
	if due, _, _ := db.DueEntries(time.Now().Add(time.Minute), 100); len(due) != 4 {
		t.Errorf("%d entries due, want 4", len(due))
	}
}
