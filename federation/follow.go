package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"crier/store"
)

// decideTries is how often a follower is read again because it changed while it was being decided on.
const decideTries = 5

// followActivity is a Follow as it is embedded in our answers: GoToSocial matches its actor and object,
// Mastodon its id, and Misskey could fetch none of it.
type followActivity struct {
	ID     string `json:"id,omitempty"` // some relays and old servers send none
	Type   string `json:"type"`
	Actor  string `json:"actor"`
	Object string `json:"object"`
}

// acceptActivity is our answer to a Follow, be it Accept or Reject.
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
	if err := s.notCrowded(a); err != nil {
		return err
	}
	if undone, err := s.wasUndone(a, a.id, "follow not taken: it was taken back before"); undone || err != nil {
		return err
	}
	if a.by.stored && !a.by.isFresh(a.now) {
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
	f := store.Follower{
		Actor: a.actor, Inbox: a.by.Inbox, SharedInbox: a.by.SharedInbox,
		Handle: a.by.Handle, Name: a.by.Name, KeyID: a.key.ID, Key: a.key.PEM, Fetched: a.by.fetched,
		FollowID: a.id, Follow: follow, Since: a.now,
	}
	for range decideTries {
		done, err := s.turnAway(a, f)
		if !done && err == nil {
			err = s.storeFollow(a, f)
		}
		switch {
		case errors.Is(err, store.ErrConflict): // the owner's word, or another Follow, was quicker
		case errors.Is(err, store.ErrBlocked):
			return nil // just now
		default:
			return err
		}
	}
	return &refusal{status: http.StatusServiceUnavailable, reason: "too many Follows at once, try later"}
}

// storeFollow decides on a follow and stores it, as one event; ErrConflict if what it was decided by has changed.
func (s *Server) storeFollow(a arrival, follower store.Follower) error {
	f := store.Follow{Follower: follower, Seen: a.seenAs()}
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

// notCrowded is a refusal where somebody unknown comes from one more host of a domain that has sent many today.
func (s *Server) notCrowded(a arrival) error {
	known, err := s.knows(a.actor)
	if err == nil && !known && !s.crowds.allow(hostOf(a.actor), a.now) {
		err = &refusal{status: http.StatusTooManyRequests, reason: "too many new hosts of this domain, try later"}
	}
	return err
}

// decide fills in whether a follow counts, and the answer to it; it returns what to tell in the log.
func (s *Server) decide(f *store.Follow) (result string, err error) {
	before, err := s.db.Follower(f.Follower.Actor)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("look for follower %s: %w", f.Follower.Actor, err)
	}
	f.Before = &before
	if known {
		f.Follower.Since = before.Since
	}
	approved := known && before.State == store.FollowerAccepted
	if s.cfg.Profile.ManuallyApproves && !approved {
		f.Follower.State = store.FollowerPending
		return "202 Accepted, awaits approval", nil
	}
	f.Follower.State = store.FollowerAccepted
	answer, err := s.answerFollow("Accept", f.Follower)
	if err != nil {
		return "", err
	}
	f.Answer = &answer
	if approved {
		return "202 Accepted, followed already", nil
	}
	return "202 Accepted, follower added", nil
}

// answerFollow makes the Accept or the Reject of a follow. Its id follows from the Follow and from when it came, so
// that a repeated Accept has the same, and the answers to a Follow that comes back after its end, with the same id as
// before where Misskey sends it, have others: Lemmy and Fedify act on no id twice.
//
// The answer is filed under who follows, not under the Follow: so what still waits of an earlier follow is found,
// whatever id that had, and of several answers the queue sends the oldest first.
func (s *Server) answerFollow(typ string, f store.Follower) (store.Activity, error) {
	a := acceptActivity{
		Context: nsActivityStreams,
		ID:      s.ids.Activity(typ, f.FollowID, f.Actor+" "+f.Since.UTC().Format(time.RFC3339Nano)),
		Type:    typ,
		Actor:   s.ids.Actor(),
		Object:  f.Follow,
		To:      []string{f.Actor},
	}
	body, err := encode(a)
	if err != nil {
		return store.Activity{}, fmt.Errorf("write the %s for %s: %w", typ, f.Actor, err)
	}
	return store.Activity{ID: a.ID, Type: typ, Object: f.Actor, Body: body}, nil
}
