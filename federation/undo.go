package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"crier/store"
)

// undoConcerns reports whether an Undo is of something that was done to us: of a Follow, embedded or by the id that was
// stored, of a reaction, or of another activity about something of ours.
func (s *Server) undoConcerns(a *activity) (bool, error) {
	inner := a.inner()
	if by := inner.refs("actor"); len(by) > 0 && by.First() != a.actor {
		return false, nil
	}
	if slices.ContainsFunc(inner.refs("object"), s.ids.Ours) {
		return true, nil
	}
	if _, found, err := s.undoneMark(a); found || err != nil {
		return found, err
	}
	if restored, err := s.undoesDelete(a); restored || err != nil {
		return restored, err
	}
	return s.undoesFollow(a)
}

// undoesFollow matches the Follow of a follower by actor and object first, since Misskey and others make up a new id
// for what they undo, and by its stored id second, since Akkoma may send the id alone.
func (s *Server) undoesFollow(a *activity) (bool, error) {
	f, err := s.db.Follower(a.actor)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	inner := a.inner()
	if inner.is("Follow") && inner.ref("object") == s.ids.Actor() {
		return true, nil
	}
	return inner.id() != "" && inner.id() == f.FollowID, nil
}

// takeUndo removes the follower or the reaction. What is not known may be on its way still: it is remembered, so that
// it does not count when it comes.
func (s *Server) takeUndo(ctx context.Context, a arrival) error {
	follow, err := s.undoesFollow(a.activity)
	if err != nil {
		return err
	}
	if follow {
		return s.endFollow(a)
	}
	if a.inner().is("Delete") {
		return s.takeRestored(ctx, a)
	}
	r, found, err := s.undoneMark(a.activity)
	if err != nil {
		return err
	}
	if found {
		return s.removeReaction(a, r)
	}
	inner := a.inner()
	_, isMark := markKind(inner.kind())
	if id := inner.id(); (inner.is("Follow") || isMark) && id != "" && len(id) <= maxAddress {
		return s.rememberUndone(a, id)
	}
	return s.onlyLog(a, "202 Accepted, noted")
}

// endFollow removes a follower that takes its Follow back.
func (s *Server) endFollow(a arrival) error {
	f, err := s.db.Follower(a.actor)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	ids := []string{f.FollowID}
	if id := a.inner().id(); id != f.FollowID && len(id) <= maxAddress {
		ids = append(ids, id)
	}
	line := s.line(a.activity, "202 Accepted, follower removed", a.now)
	if _, err := s.db.EndFollow(a.now, a.actor, ids, a.seenAs(), line); err != nil {
		return fmt.Errorf("remove follower %s: %w", a.actor, err)
	}
	return nil
}

// rememberUndone remembers that what has not come yet is taken back. It does so once: what comes with the same id
// again and again, as the Follows of Misskey, is meant in the end.
func (s *Server) rememberUndone(a arrival, id string) error {
	if spent, err := s.db.UndoneSpent(a.now, a.actor, id); err != nil {
		return err
	} else if spent {
		return s.onlyLog(a, "202 Accepted, noted: it was taken back before, and the next one counts")
	}
	if !s.noted.spend(hostOf(a.actor), a.now) {
		return errTooMany
	}
	line := s.line(a.activity, "202 Accepted, noted: it is not known, and will not count", a.now)
	return s.db.MarkUndone(a.now, a.actor, id, a.seenAs(), line)
}

// takeBlock removes a follower that blocks us: its server has ended the follow as well.
func (s *Server) takeBlock(_ context.Context, a arrival) error {
	_, err := s.db.Follower(a.actor)
	if errors.Is(err, store.ErrNotFound) {
		return s.onlyLog(a, "202 Accepted, noted: it blocks you")
	}
	if err != nil {
		return fmt.Errorf("look for follower %s: %w", a.actor, err)
	}
	return s.remove(a.activity, "202 Accepted, follower removed", a.now)
}
