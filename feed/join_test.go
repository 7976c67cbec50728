package feed

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// slowSite answers when it is told to.
func slowSite() (s *site, release chan struct{}) {
	s, release = &site{}, make(chan struct{})
	s.set(rssOf(1), "")
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return false
	}
	return s, release
}

// Whoever began a poll and goes away spoils it for nobody.
func TestPollOutlivesWhoBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, release := slowSite()
		p, _ := newPoller(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		began, joined := make(chan Outcome, 1), make(chan Outcome, 1)
		go func() { began <- p.PollAll(ctx, PollOptions{})[0] }()
		synctest.Wait()
		go func() { joined <- p.PollAll(t.Context(), PollOptions{})[0] }()
		synctest.Wait()
		cancel()
		if out := <-began; out.Error == "" {
			t.Errorf("who went away got %+v", out)
		}
		close(release)
		if out := <-joined; out.New != 1 || out.Error != "" {
			t.Errorf("who stayed got %+v", out)
		}
		if s.count() != 1 {
			t.Errorf("%d polls", s.count())
		}
	})
}

// A poll that nobody waits for ends, and none that comes after is spoilt by it.
func TestPollThatNobodyWaitsForEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, release := slowSite()
		p, db := newPoller(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan Outcome, 2)
		for range 2 {
			go func() { done <- p.PollAll(ctx, PollOptions{})[0] }()
		}
		synctest.Wait()
		cancel()
		for range 2 {
			if out := <-done; out.Error == "" {
				t.Errorf("%+v", out)
			}
		}
		if rec, err := db.Feed(feedURL); err == nil {
			t.Errorf("recorded: %+v", rec)
		}
		close(release)
		if out := one(t, p, PollOptions{}); out.New != 1 || out.Error != "" {
			t.Errorf("afterwards: %+v", out)
		}
	})
}

func TestPollOfOneFeed(t *testing.T) {
	s := &site{}
	s.set(rssOf(1), "")
	p, _ := newPoller(t, s, nil)
	if out, ok := p.Poll(t.Context(), feedURL, PollOptions{DryRun: true}); !ok || out.New != 1 {
		t.Errorf("dry run: %+v, %v", out, ok)
	}
	if out, ok := p.Poll(t.Context(), feedURL, PollOptions{}); !ok || out.New != 1 {
		t.Errorf("%+v, %v", out, ok)
	}
	if _, ok := p.Poll(t.Context(), "http://other.example/", PollOptions{}); ok {
		t.Error("a feed that is not configured was polled")
	}
}

// While a hub tells of changes a feed is polled every two hours, and as before within minutes once it does not.
func TestPollsAreFewWhileAHubTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{}
		s.set(rssOf(1), `"x"`)
		p, _ := newPoller(t, s, func(c *Config) { c.IntervalSet = false })
		pushed := make(chan bool, 1)
		pushed <- true
		p.o.Pushed = func(string) bool { v := <-pushed; pushed <- v; return v }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(24 * time.Hour)
		if n := s.count(); n < 11 || n > 13 {
			t.Errorf("%d polls in a day under a hub", n)
		}
		before := s.count()
		<-pushed
		pushed <- false
		time.Sleep(time.Hour)
		if n := s.count() - before; n < 3 || n > 4 {
			t.Errorf("%d polls in an hour without it", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
