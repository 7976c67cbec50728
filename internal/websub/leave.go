package websub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crier/store"
)

// farewells is how often a hub is asked to end a subscription. After that its lease ends it.
const farewells = 3

// farewell is a subscription that is not wanted any more and that the hub still keeps.
type farewell struct {
	sub    store.Subscription
	stored bool // its record is still in the store, so that it is left after a restart, too
	asked  int
	next   time.Time // when to ask again
	over   bool      // the hub has agreed, or never will
}

// dismiss begins to leave a subscription. stored says that its record is to be deleted when that is done; else the
// record is about to be replaced.
func (s *Subscriber) dismiss(sub store.Subscription, now time.Time, stored bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub.State == store.SubscriptionActive && now.Before(sub.Expires) {
		s.leaving[sub.Path] = &farewell{sub: sub, stored: stored, next: now}
		return nil
	}
	if !stored {
		return nil
	}
	return s.forget(sub)
}

// forget deletes the record of a subscription, unless another has taken its place. The caller holds mu.
func (s *Subscriber) forget(sub store.Subscription) error {
	_, there, err := s.find(sub.Path)
	if err != nil || !there {
		return err
	}
	if err := s.cfg.Store.DeleteSubscription(sub.Feed); err != nil {
		return fmt.Errorf("delete the subscription of %s: %w", sub.Feed, err)
	}
	return nil
}

// takeLeave asks the hubs that are to be left, as far as that is due, and returns when to do so again.
func (s *Subscriber) takeLeave(ctx context.Context) (time.Time, error) {
	for _, path := range s.dueFarewells(time.Now().UTC()) {
		s.mu.Lock()
		f := *s.leaving[path] // only this loop deletes
		s.mu.Unlock()
		failure := s.unsubscribe(ctx, f.sub)
		if ctx.Err() != nil {
			return time.Time{}, nil
		}
		s.mu.Lock()
		l := s.leaving[path]
		l.asked++
		l.next = time.Now().UTC().Add(backoff(l.asked, jitter(path, l.asked)))
		if _, refused := errors.AsType[*refusal](failure); refused {
			l.over = true
		}
		s.mu.Unlock()
	}
	return s.takenLeave(time.Now().UTC())
}

// takenLeave drops the farewells that are over and returns when the others go on. After the last request its
// verification may still come for a while.
func (s *Subscriber) takenLeave(now time.Time) (next time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, f := range s.leaving {
		if !f.over && (f.asked < farewells || now.Before(f.next)) {
			next = earlier(next, f.next)
			continue
		}
		if f.stored {
			if err := s.forget(f.sub); err != nil {
				return next, err
			}
		}
		delete(s.leaving, path)
	}
	return next, nil
}

func (s *Subscriber) dueFarewells(now time.Time) (paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, f := range s.leaving {
		if !f.over && f.asked < farewells && !now.Before(f.next) {
			paths = append(paths, path)
		}
	}
	return paths
}
