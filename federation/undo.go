package federation

import (
	"context"
	"errors"
	"fmt"

	"crier/store"
)

// undoConcerns reports whether an Undo is of something that was done to us: of a Follow by a follower,
// embedded or by the id that was stored, or of another activity about something of ours.
func (s *Server) undoConcerns(a *activity) (bool, error) {
	inner := a.inner()
	switch inner.kind() {
	case "Follow", "":
		return s.undoesFollow(a, inner)
	}
	for _, id := range refsOf(inner.Object) {
		if s.ids.Ours(id) {
			return true, nil
		}
	}
	return false, nil
}

// undoesFollow matches a Follow by actor and object first, since Misskey and others make up a new id for
// what they undo, and by its stored id second, since Akkoma may send the id alone.
func (s *Server) undoesFollow(a *activity, inner envelope) (bool, error) {
	f, err := s.db.Follower(a.actor)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	if inner.kind() == "Follow" && inner.Actor.First() == a.actor && refsOf(inner.Object).First() == s.ids.Actor() {
		return true, nil
	}
	return inner.id() != "" && inner.id() == f.FollowID, nil
}

// takeUndo removes the follower, or notes that something else was taken back.
func (s *Server) takeUndo(_ context.Context, a arrival) error {
	follow, err := s.undoesFollow(a.activity, a.inner())
	if err != nil {
		return err
	}
	if !follow {
		return s.log202(a, "202 Accepted, noted")
	}
	return s.remove(a.activity, "202 Accepted, follower removed", a.now)
}

// takeBlock removes a follower that blocks us: its server has ended the follow as well.
func (s *Server) takeBlock(_ context.Context, a arrival) error {
	known, err := s.knows(a.actor)
	if err != nil {
		return err
	}
	if !known {
		return s.log202(a, "202 Accepted, noted")
	}
	return s.remove(a.activity, "202 Accepted, follower removed", a.now)
}
