package federation

import (
	"context"
	"fmt"
	"time"
)

// isOfItself reports whether an activity is about its actor. That the actor is known was made sure before
// (aboutStranger).
func (s *Server) isOfItself(a *activity) (bool, error) { return a.objectID() == a.actor, nil }

// takeDelete removes a follower whose account was deleted.
func (s *Server) takeDelete(_ context.Context, a arrival) error {
	return s.remove(a.activity, "202 Accepted, follower removed: its account was deleted", a.now)
}

// removeGone handles a Delete that cannot be verified since the key is no more. It counts if the actor's
// own document is gone as well.
func (s *Server) removeGone(ctx context.Context, a *activity) error {
	if !s.resolver.actorGone(ctx, a.actor) {
		return nil // its own server says otherwise; nothing follows from the activity
	}
	return s.remove(a, "202 Accepted, follower removed: its account is gone", time.Now())
}

// remove forgets a follower with all that waits for it alone.
func (s *Server) remove(a *activity, result string, now time.Time) error {
	if _, err := s.db.RemoveFollower(now, a.actor, a.id, s.line(a, result, now)); err != nil {
		return fmt.Errorf("remove follower %s: %w", a.actor, err)
	}
	return nil
}
