package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"crier/store"
)

// updateConcerns reports whether an Update is of an actor or a reaction that is known, or of what would be a reaction:
// its Create may have been lost.
func (s *Server) updateConcerns(a *activity) (bool, error) {
	if a.ofItself() {
		return true, nil // aboutStranger has looked
	}
	if ours, err := s.isReactionOf(a); ours || err != nil {
		return ours, err
	}
	return s.mentionsUs(a)
}

// isReactionOf reports whether the object of an activity is a reaction by its actor.
func (s *Server) isReactionOf(a *activity) (bool, error) {
	id := a.objectID()
	if id == "" {
		return false, nil
	}
	r, err := s.db.Reaction(id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for reaction %s: %w", id, err)
	}
	return r.Actor == a.actor, nil
}

// takeUpdate takes what became of an actor, or of something that it wrote.
func (s *Server) takeUpdate(ctx context.Context, a arrival) error {
	if a.ofItself() {
		return s.takeActor(ctx, a)
	}
	note, why, err := s.written(ctx, a)
	if err != nil {
		return err
	}
	if why != "" {
		return s.onlyLog(a, "202 Accepted, "+why)
	}
	return s.takeWritten(a, note)
}

// takeActor stores what an actor says of itself now, in its own document: the Update may be older than that, and
// proves nothing that the document does not.
func (s *Server) takeActor(ctx context.Context, a arrival) error {
	if !s.noted.spend(hostOf(a.actor), a.now) {
		return errTooMany
	}
	fresh, err := s.resolver.fetch(ctx, a.actor)
	switch {
	case errors.Is(err, errBusy):
		return errTooMany
	case err != nil && isFinal(err):
		return s.log202(a, "202 Accepted, noted: its document is not to be had")
	case err != nil:
		return &refusal{status: http.StatusServiceUnavailable, reason: "the actor could not be fetched, try later", cause: err}
	case fresh.ID != a.actor || !sameHost(fresh.Inbox, a.actor):
		// The inbox is where our posts go: it must be the actor's own server that asks for them.
		return s.log202(a, "202 Accepted, not taken over: the actor or its inbox is on another host")
	}
	facts := store.ActorFacts{
		Actor: fresh.ID, Inbox: fresh.Inbox, SharedInbox: fresh.SharedInbox, Name: fresh.Name, Handle: fresh.Handle,
		Fetched: fresh.fetched,
	}
	if k, ok := keptKey(fresh, a.key.ID); ok {
		facts.KeyID, facts.Key = k.ID, k.PEM
	}
	line := s.line(a.activity, "202 Accepted, profile renewed", a.now)
	if _, err := s.db.RefreshActor(a.now, facts, a.seenAs(), line); err != nil {
		return fmt.Errorf("store what became of %s: %w", a.actor, err)
	}
	return nil
}

// keptKey is the key of an actor to remember: the one that it signs with, else its first.
func keptKey(a *actor, id string) (publicKey, bool) {
	if k, ok := a.key(id); ok {
		return k, true
	}
	if len(a.Keys) == 0 {
		return publicKey{}, false
	}
	return a.Keys[0], true
}
