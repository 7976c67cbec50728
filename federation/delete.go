package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"crier/store"
)

// deleteConcerns reports whether a Delete is of an actor that is known or of a reaction of its actor.
func (s *Server) deleteConcerns(a *activity) (bool, error) {
	if a.ofItself() {
		return true, nil // aboutStranger has looked
	}
	return s.isReactionOf(a)
}

// takeDelete removes an actor whose account was deleted, or a reaction.
func (s *Server) takeDelete(_ context.Context, a arrival) error {
	if a.ofItself() {
		return s.forget(a.activity, "its account was deleted", a.now)
	}
	r, err := s.db.Reaction(a.objectID())
	if errors.Is(err, store.ErrNotFound) {
		return s.log202(a, "202 Accepted, noted")
	}
	if err != nil {
		return fmt.Errorf("look for reaction %s: %w", a.objectID(), err)
	}
	return s.removeReaction(a, r)
}

// removeGone handles a Delete that cannot be verified since the key that the actor had is no more. It
// counts if the actor's own server says that the actor is gone: at once with 410; with 404, which also a
// server under maintenance answers, on several days.
func (s *Server) removeGone(ctx context.Context, a *activity, keyID string) error {
	if !a.ofItself() {
		return nil
	}
	f, err := s.db.Follower(a.actor)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	follows := err == nil
	if follows && f.KeyID != keyID {
		return nil // a key that never was is no proof that one is gone
	}
	err = s.resolver.stillThere(ctx, a.actor)
	var answer *statusError
	switch {
	case !isGone(err) || !errors.As(err, &answer):
		return nil // its own server says otherwise, or nothing
	case answer.Status == http.StatusGone:
		return s.forget(a, "its account is gone", time.Now())
	case !follows:
		return nil
	}
	if _, err := s.db.RecordActorGone(time.Now(), a.actor, goneDays); err != nil {
		return fmt.Errorf("note that %s is not found: %w", a.actor, err)
	}
	return nil
}

// forget removes an actor that is no more, with its follow and its reactions.
func (s *Server) forget(a *activity, why string, now time.Time) error {
	what := "reactions"
	_, err := s.db.Follower(a.actor)
	if err == nil {
		what = "follower"
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	line := s.line(a, "202 Accepted, "+what+" removed: "+why, now)
	if _, err := s.db.ForgetActor(now, a.actor, a.seenAs(), line); err != nil {
		return fmt.Errorf("forget %s: %w", a.actor, err)
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
