package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"crier/store"
)

// isOfItself reports whether an activity is about its actor. That the actor is known was made sure before
// (aboutStranger).
func (s *Server) isOfItself(a *activity) (bool, error) { return a.objectID() == a.actor, nil }

// takeDelete removes a follower whose account was deleted.
func (s *Server) takeDelete(_ context.Context, a arrival) error {
	return s.remove(a.activity, "202 Accepted, follower removed: its account was deleted", a.now)
}

// removeGone handles a Delete that cannot be verified since the key that the follower had is no more. It
// counts if the actor's own server says that the actor is gone: at once with 410; with 404, which also a
// server under maintenance answers, on several days.
func (s *Server) removeGone(ctx context.Context, a *activity, keyID string) error {
	f, err := s.db.Follower(a.actor)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	if f.KeyID != keyID {
		return nil // a key that never was is no proof that one is gone
	}
	err = s.resolver.stillThere(ctx, a.actor)
	var answer *statusError
	switch {
	case !isGone(err) || !errors.As(err, &answer):
		return nil // its own server says otherwise, or nothing
	case answer.Status == http.StatusGone:
		return s.remove(a, "202 Accepted, follower removed: its account is gone", time.Now())
	}
	if _, err := s.db.RecordActorGone(time.Now(), a.actor, goneDays); err != nil {
		return fmt.Errorf("note that %s is not found: %w", a.actor, err)
	}
	return nil
}

// remove forgets a follower with all that waits for it alone.
func (s *Server) remove(a *activity, result string, now time.Time) error {
	if _, err := s.db.RemoveFollower(now, a.actor, a.seenAs(), s.line(a, result, now)); err != nil {
		return fmt.Errorf("remove follower %s: %w", a.actor, err)
	}
	return nil
}
