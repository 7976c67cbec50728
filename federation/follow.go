package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"crier/store"
)

// followActivity is a Follow as it is embedded in our answers: GoToSocial matches its actor and object,
// Mastodon its id, and Misskey could fetch none of it.
type followActivity struct {
	ID     string `json:"id,omitempty"` // some relays and old servers send none
	Type   string `json:"type"`
	Actor  string `json:"actor"`
	Object string `json:"object"`
}

// acceptActivity is our answer to a Follow.
type acceptActivity struct {
	Context string          `json:"@context"`
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Actor   string          `json:"actor"`
	Object  json.RawMessage `json:"object"`
	To      []string        `json:"to"`
}

// takeFollow stores a follower and its answer. A Follow by a follower is answered again: its server lost
// the first answer.
func (s *Server) takeFollow(ctx context.Context, a arrival) error {
	if a.by.stored {
		// The key came from the store. A Follow is the moment to learn of a changed inbox, but what is
		// known will do where the actor cannot be fetched now.
		if fresh, err := s.resolver.actor(ctx, a.actor); err == nil {
			a.by = fresh
		}
	}
	if !sameHost(a.by.Inbox, a.actor) {
		// Else anybody could have our posts sent to a third party.
		return &refusal{status: http.StatusBadRequest, reason: "the inbox of the follower is on another host than the follower"}
	}
	follow, err := encode(followActivity{ID: a.id, Type: "Follow", Actor: a.actor, Object: s.ids.Actor()})
	if err != nil {
		return fmt.Errorf("write the follow of %s: %w", a.actor, err)
	}
	f := store.Follow{
		Follower: store.Follower{
			Actor: a.actor, Inbox: a.by.Inbox, SharedInbox: a.by.SharedInbox,
			Handle: a.by.Handle, Name: a.by.Name, KeyID: a.key.ID, Key: a.key.PEM,
			FollowID: a.id, Follow: follow, Since: a.now, State: store.FollowerAccepted,
		},
		Seen: a.seenAs(),
	}
	if done, err := s.turnAway(a, f.Follower); done || err != nil {
		return err
	}
	result, err := s.decide(&f)
	if err != nil {
		return err
	}
	f.Log = []store.LogEntry{s.line(a.activity, result, a.now)}
	if _, err := s.db.AddFollower(a.now, f); err != nil {
		return fmt.Errorf("store follower %s: %w", a.actor, err)
	}
	if f.Answer != nil {
		s.WakeDeliverer()
	}
	return nil
}

// decide fills in whether a follow counts, and the answer to it; it returns what to tell in the log.
func (s *Server) decide(f *store.Follow) (result string, err error) {
	before, err := s.db.Follower(f.Follower.Actor)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("look for follower %s: %w", f.Follower.Actor, err)
	}
	approved := known && before.State == store.FollowerAccepted
	if s.cfg.Profile.ManuallyApproves && !approved {
		f.Follower.State = store.FollowerPending
		return "202 Accepted, awaits approval", nil
	}
	answer, err := s.accept(f.Follower)
	if err != nil {
		return "", err
	}
	f.Answer = &answer
	if approved {
		return "202 Accepted, followed already", nil
	}
	return "202 Accepted, follower added", nil
}

// accept makes the Accept of a follow. Its id follows from the Follow, so a repeated one has the same.
func (s *Server) accept(f store.Follower) (store.Activity, error) {
	accept := acceptActivity{
		Context: nsActivityStreams,
		ID:      s.ids.Activity("Accept", f.FollowID, f.Actor),
		Type:    "Accept",
		Actor:   s.ids.Actor(),
		Object:  f.Follow,
		To:      []string{f.Actor},
	}
	body, err := encode(accept)
	if err != nil {
		return store.Activity{}, fmt.Errorf("write the accept for %s: %w", f.Actor, err)
	}
	object := f.FollowID
	if object == "" {
		object = f.Actor
	}
	return store.Activity{ID: accept.ID, Type: accept.Type, Object: object, Body: body}, nil
}
