package websub

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"crier/store"
)

const (
	// longestSleep bounds how long the loop sleeps without looking at the clock, which may have been set.
	longestSleep = 5 * time.Minute
	// storePause is how long to wait where the store could not be read or written.
	storePause = time.Minute
)

// Config is what a Subscriber works with.
type Config struct {
	Store     *store.DB
	Log       *slog.Logger
	Transport http.RoundTripper // guarded; it also decides whether a hub may be asked over plain http
	BaseURL   string            // how the world reaches crier, without a slash at the end
	UserAgent string
	Feeds     []string // addresses of the configured feeds; those that are no http(s) URLs are left out
	// Poll polls one feed now and tells whether something new or changed came of it. A poll that was under way
	// when it is called must not count, since it may have fetched the feed before the news.
	Poll func(ctx context.Context, feedURL string) (changed bool)
}

// Subscriber keeps a subscription for each feed that names a hub. It is safe for concurrent use.
type Subscriber struct {
	cfg     Config
	hubs    *http.Client
	targets map[string]*target // by the feed's address; never changes
	wake    chan struct{}      // one slot: a record has changed

	mu      sync.Mutex           // held from reading a subscription to writing it
	leaving map[string]*farewell // by path; guarded by mu
}

// target is a configured feed.
type target struct {
	url  string
	slot chan struct{} // one slot: a push came

	lastPush time.Time // when the last signed push came; guarded by Subscriber.mu
	lastHint time.Time // when the last unsigned push was taken; guarded by Subscriber.mu
	news     time.Time // when news was found that the hub has not told of yet; zero: none; guarded by Subscriber.mu
}

// New returns a subscriber. It asks for nothing until Run; its Handler answers from the start.
func New(cfg Config) *Subscriber {
	s := &Subscriber{
		cfg:     cfg,
		hubs:    &http.Client{Transport: cfg.Transport, CheckRedirect: checkRedirect},
		targets: map[string]*target{},
		wake:    make(chan struct{}, 1),
		leaving: map[string]*farewell{},
	}
	for _, address := range cfg.Feeds {
		if strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://") {
			s.targets[address] = &target{url: address, slot: make(chan struct{}, 1)}
		}
	}
	return s
}

// Wake says that a feed's record has changed: it may name another hub now.
func (s *Subscriber) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Healthy reports whether the hub of a feed can be relied on to tell of news, so that the feed may be polled less
// often: the subscription is active, its pushes are signed, and no news was missed since the last push. A store
// that cannot be read counts as no.
func (s *Subscriber) Healthy(feedURL string) bool {
	subs, err := s.cfg.Store.Subscriptions()
	if err != nil {
		return false
	}
	for _, sub := range subs {
		if sub.Feed == feedURL {
			return s.targets[feedURL] != nil && sub.Base == s.cfg.BaseURL && healthy(sub, time.Now().UTC())
		}
	}
	return false
}

// Run subscribes, renews and polls on pushes until ctx is done, and returns when all of that has ended. A store
// that fails is tried again; the error is always nil.
func (s *Subscriber) Run(ctx context.Context) error {
	var polls sync.WaitGroup
	defer polls.Wait()
	missed := s.whileAway(time.Now().UTC())
	for _, t := range s.targets {
		polls.Go(func() { s.follow(ctx, t, missed[t.url]) })
	}
	failing := false
	for {
		wait, err := s.round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			s.cfg.Log.Error("cannot see to the subscriptions; it is tried again until the store can be used", "err", err)
		case err == nil && failing:
			s.cfg.Log.Info("subscriptions are seen to again")
		}
		failing = err != nil
		if err != nil {
			wait = storePause
		}
		if !sleep(ctx, s.wake, min(wait, longestSleep)) {
			return nil
		}
	}
}

// round does all that is due and returns how long nothing will be.
func (s *Subscriber) round(ctx context.Context) (time.Duration, error) {
	records, subs, err := s.load()
	if err != nil {
		return 0, err
	}
	now := time.Now().UTC()
	next := now.Add(longestSleep)
	for _, sub := range subs {
		if s.targets[sub.Feed] == nil {
			if err := s.dismiss(sub, now, true); err != nil {
				return 0, err
			}
		}
	}
	for address, t := range s.targets {
		at, err := s.tend(ctx, t, records[address], subs[address])
		if err != nil {
			return 0, err
		}
		next = earlier(next, at)
	}
	at, err := s.takeLeave(ctx)
	if err != nil {
		return 0, err
	}
	return max(time.Until(earlier(next, at)), 0), nil
}

// sleep waits for a wake-up or until the time is over; false says that ctx is done.
func sleep(ctx context.Context, wake <-chan struct{}, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// earlier returns the earlier of two times, where zero is no time.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
