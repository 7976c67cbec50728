package websub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crier/store"
)

// tend sees to the subscription of one feed and returns when to do so again, zero if nothing is to come. sub is
// the stored subscription; without a path there is none.
func (s *Subscriber) tend(ctx context.Context, t *target, feed store.Feed, sub store.Subscription) (time.Time, error) {
	now := time.Now().UTC()
	hub, topic, ok := offer(feed)
	if !ok {
		if sub.Path == "" {
			return time.Time{}, nil
		}
		return time.Time{}, s.dismiss(sub, now, true)
	}
	if sub.Path == "" || sub.Hub != hub || sub.Topic != topic || sub.Base != s.cfg.BaseURL {
		var err error
		if sub, err = s.replace(sub, s.fresh(t.url, hub, topic), now); err != nil {
			return time.Time{}, err
		}
	}
	sub, judged, err := s.judge(t, sub, now)
	if err != nil {
		return time.Time{}, err
	}
	if lapsed(sub, now) || !now.Before(due(sub, now)) {
		if sub, err = s.ask(ctx, sub, now); err != nil {
			return time.Time{}, err
		}
	}
	next := earlier(due(sub, now), judged)
	if sub.State == store.SubscriptionActive {
		next = earlier(next, sub.Expires)
	}
	return next, nil
}

// replace puts a new subscription in the place of an old one, if there is one. The old hub is told as long as this
// process lives; a crash before that lets the lease run out.
func (s *Subscriber) replace(old, sub store.Subscription, now time.Time) (store.Subscription, error) {
	if old.Path != "" {
		if err := s.dismiss(old, now, false); err != nil {
			return sub, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cfg.Store.PutSubscription(sub); err != nil {
		return sub, fmt.Errorf("write the subscription of %s: %w", sub.Feed, err)
	}
	return sub, nil
}

// ask asks the hub for the subscription or for its renewal. That it asked is stored before: the hub may verify it
// before it answers, and after a crash in between the verification is still expected.
func (s *Subscriber) ask(ctx context.Context, sub store.Subscription, now time.Time) (store.Subscription, error) {
	lost := false
	sub, err := s.change(sub.Path, func(sub *store.Subscription) bool {
		lost = lapsed(*sub, now)
		asked(sub, now)
		return true
	})
	if err != nil {
		return sub, err
	}
	if lost {
		s.note(sub.Feed, "Subscription lost", "the hub did not renew it in time; crier polls until it does")
	}
	failure := s.subscribe(ctx, sub)
	if failure == nil || ctx.Err() != nil {
		// The hub has perhaps verified it already.
		return s.change(sub.Path, func(*store.Subscription) bool { return false })
	}
	return s.failed(sub.Path, failure)
}

// asked brings a subscription into the state of having been asked for at now.
func asked(sub *store.Subscription, now time.Time) {
	if sub.Failures > 0 && sub.LastError == "" {
		sub.LastError = "the hub accepts the request but never comes to verify it; can it reach " + sub.Base + "?"
	}
	if sub.State != store.SubscriptionActive || lapsed(*sub, now) {
		sub.State = store.SubscriptionPending
	}
	sub.Requested = now
	sub.Expires = earlier(sub.Expires, now.Add(maxLease)) // from a clock that was wrong
	sub.Failures++
}

// refusals is how many requests in a row a hub must refuse before it is left alone for a week. Some verify before
// they answer, and refuse as long as we cannot be reached yet; others stand behind something that refuses at times.
const refusals = 3

// failed records that a request failed. One that was verified all the same, its answer having been lost, counts as
// good.
func (s *Subscriber) failed(path string, failure error) (store.Subscription, error) {
	var counts, news, denied bool
	sub, err := s.change(path, func(sub *store.Subscription) bool {
		if sub.Failures == 0 {
			return false
		}
		counts, news = true, sub.LastError != failure.Error()
		sub.LastError = failure.Error()
		now := time.Now().UTC()
		_, refused := errors.AsType[*refusal](failure)
		good := sub.State == store.SubscriptionActive && !lapsed(*sub, now)
		if denied = refused && !good && sub.Failures >= refusals; denied {
			deny(sub, now, sub.LastError)
		}
		return true
	})
	if err != nil || !counts {
		return sub, err
	}
	if denied {
		s.note(sub.Feed, "Subscription refused", sub.LastError)
	}
	if news {
		s.cfg.Log.Info("the hub was asked in vain; the feed is polled meanwhile",
			"feed", sub.Feed, "hub", sub.Hub, "err", failure, "requests", sub.Failures)
	}
	return sub, nil
}

// deny ends a subscription by the hub's word.
func deny(sub *store.Subscription, now time.Time, reason string) {
	sub.State, sub.LastError, sub.Expires = store.SubscriptionDenied, reason, now
}
