package websub

import (
	"context"
	"time"

	"crier/store"
)

const (
	// breath is the least time between two polls that pushes cause.
	breath = 10 * time.Second
	// hintPause is the least time between two unsigned pushes that count: anybody who saw the callback's address
	// can send them.
	hintPause = time.Minute
	// pushNote is how far apart the moments of pushes are that get written down.
	pushNote = time.Minute
	// lateness is how much later than a poll a hub may tell of the same news.
	lateness = 10 * time.Minute
)

// patience returns how long after a poll that brought nothing the feed is polled again: a cache in front of the
// blog may still give the old document.
func patience() []time.Duration {
	return []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute}
}

// pushed takes note of a push and has the feed polled. A store that cannot be written is no reason to miss news.
func (s *Subscriber) pushed(sub store.Subscription, signed bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.targets[sub.Feed]
	if !signed {
		if age := now.Sub(t.lastHint); age >= 0 && age < hintPause {
			return
		}
		t.lastHint = now
		t.poll()
		return
	}
	t.lastPush, t.news = now, time.Time{}
	t.poll()
	_, err := s.changeLocked(sub.Path, func(sub *store.Subscription) bool {
		if now.Sub(sub.LastPush).Abs() < pushNote {
			return false
		}
		sub.LastPush = now
		return true
	})
	if err != nil {
		s.cfg.Log.Warn("a push cannot be written down; the feed is polled all the same", "feed", sub.Feed, "err", err)
	}
}

// poll asks for a poll. Pushes that come before it begins share it.
func (t *target) poll() {
	select {
	case t.slot <- struct{}{}:
	default:
	}
}

// Missed says that a poll has just found news that no push led to. Unless the hub tells of it within ten minutes,
// or has done so in the ten minutes before, the feed is not healthy until the next push. It may be called after
// every poll that found something, whatever caused it.
func (s *Subscriber) Missed(feedURL string) {
	t := s.targets[feedURL]
	if t == nil || !s.Healthy(feedURL) {
		return
	}
	now := time.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(t.lastPush).Abs() < lateness || !t.news.IsZero() {
		return
	}
	t.news = now
	s.Wake()
}

// judge takes the trust away from a hub that did not tell of news in time, and returns when there is something to
// judge again.
func (s *Subscriber) judge(t *target, sub store.Subscription, now time.Time) (store.Subscription, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.news.IsZero() {
		return sub, time.Time{}, nil
	}
	if until := t.news.Add(lateness); now.Before(until) {
		return sub, until, nil
	}
	found := t.news
	t.news = time.Time{}
	sub, err := s.changeLocked(sub.Path, func(sub *store.Subscription) bool {
		sub.Missed = found // a push in between would have taken the news back
		return true
	})
	if err == nil {
		s.cfg.Log.Info("the hub did not tell of news; the feed is polled as usual until it does", "feed", t.url, "hub", sub.Hub)
	}
	return sub, time.Time{}, err
}

// whileAway returns the feeds whose hubs may have told of news while nobody listened. A push whose polls may have
// been cut off is as if it had come just now.
func (s *Subscriber) whileAway(now time.Time) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	missed := map[string]bool{}
	subs, err := s.cfg.Store.Subscriptions()
	if err != nil {
		return missed // the loop meets the same error and says so
	}
	for _, sub := range subs {
		t := s.targets[sub.Feed]
		if t == nil || sub.State != store.SubscriptionActive {
			continue
		}
		if sub.LastPush.After(t.lastPush) {
			t.lastPush = sub.LastPush
		}
		if waits := patience(); now.Sub(sub.LastPush) < waits[len(waits)-1]+pushNote {
			t.poll()
			continue
		}
		missed[sub.Feed] = true
	}
	return missed
}

// follow polls a feed whenever its hub told of news, until ctx is done. away says that it may have done so already.
func (s *Subscriber) follow(ctx context.Context, t *target, away bool) {
	if away {
		s.cfg.Poll(ctx, t.url)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.slot:
			s.chase(ctx, t)
		}
	}
}

// chase polls until something comes of it or patience ends. A push in between begins anew.
func (s *Subscriber) chase(ctx context.Context, t *target) {
	waits := patience()
	for tries := 0; ctx.Err() == nil; tries++ {
		found := s.cfg.Poll(ctx, t.url)
		if !sleep(ctx, nil, breath) || found || tries == len(waits) {
			return
		}
		if wait(ctx, t.slot, waits[tries]-breath) {
			tries = -1
		}
	}
}

// wait waits for that long and reports whether a push came meanwhile.
func wait(ctx context.Context, slot <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-slot:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
