package fedtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	// moveOut is how long an account that moved away may not move again (Mastodon 4.5, account_migration.rb).
	moveOut = 30 * 24 * time.Hour
	// moveSeen is how long a second Move of the same account is not looked at (Mastodon 4.5, activity/move.rb).
	moveSeen = 7 * 24 * time.Hour
)

// Move lets the local actor move to target and returns the id of the Move. It does what Mastodon 4.5 does
// (account_migration.rb, move_service.rb): the target is fetched afresh, has to be another account that is also
// known as this one, and there must have been no move for 30 days; then movedTo stands in the actor's document,
// and the followers get Update{Person}, after that the Move, once per distinct inbox. From then on a Follow of
// the local actor is answered with a Reject. An error of delivery does not take the move back.
func (s *Server) Move(ctx context.Context, user, target string) (string, error) {
	me, err := s.local(user)
	if err != nil {
		return "", err
	}
	there, err := s.FetchActor(ctx, target)
	switch {
	case err != nil:
		return "", fmt.Errorf("move to %s: %w", target, err)
	case there.ID == me.ID:
		return "", fmt.Errorf("move to %s: an account cannot move to itself", target)
	case !slices.Contains(there.AlsoKnownAs(), me.ID):
		return "", fmt.Errorf("move to %s: it is not also known as %s (but as %q)", target, me.ID, there.AlsoKnownAs())
	}
	s.mu.Lock()
	a, now := s.actors[user], s.now()
	if since := now.Sub(a.moved); !a.moved.IsZero() && since < moveOut {
		s.mu.Unlock()
		return "", fmt.Errorf("move to %s: %s moved %s ago, not even %s", target, me.ID, since, moveOut)
	}
	a.moved, a.extra["movedTo"] = now, there.ID
	id := s.nextID(me.ID, "moves")
	to := s.inboxes(user, nil)
	s.touch()
	s.mu.Unlock()
	return id, errors.Join(s.sendProfile(ctx, user), s.broadcast(ctx, user, to, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Move", "actor": me.ID,
		"object": me.ID, "target": there.ID, "to": []string{me.Followers},
	}))
}

// CancelMove takes movedTo out of the local actor's document again and tells its followers. Who has gone over
// does not come back, and the 30 days run on.
func (s *Server) CancelMove(ctx context.Context, user string) error {
	return s.UpdateProfile(ctx, user, map[string]any{"movedTo": nil})
}

// AlsoKnownAs lists the other accounts that the actor's document names as its own.
func (a RemoteActor) AlsoKnownAs() []string { return textList(a.Raw["alsoKnownAs"]) }

// MovedTo returns the account that the actor's document names as its successor, or nothing.
func (a RemoteActor) MovedTo() string {
	to, _ := a.Raw["movedTo"].(string)
	return to
}

// MovedTo returns where the actor of another server has moved, by a Move that was believed here.
func (s *Server) MovedTo(actorID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves[actorID].target
}

// moved is a Move that was believed.
type moved struct {
	target string
	at     time.Time
}

// applyMove believes a Move if the target, fetched afresh, is also known as who moves; then the local followers
// follow the target and take their old follow back, in this order, as from a queue (Mastodon 4.5,
// activity/move.rb, move_worker.rb).
func (s *Server) applyMove(ctx context.Context, act activity) (string, error) {
	if origin := objectID(act.Object); origin != act.Actor {
		return "", refuse(http.StatusUnauthorized, "%s wants to move %s", act.Actor, origin)
	}
	s.mu.Lock()
	before, again := s.moves[act.Actor]
	s.mu.Unlock()
	if again && s.now().Sub(before.at) < moveSeen {
		return "ignored: it has moved within 7 days", nil
	}
	target, err := s.FetchActor(ctx, act.Target)
	switch {
	case err != nil:
		return "ignored: the target cannot be fetched: " + err.Error(), nil
	case target.ID == act.Actor:
		return "ignored: a move to itself", nil
	case !slices.Contains(target.AlsoKnownAs(), act.Actor):
		return "ignored: the target is not also known as who moves", nil
	}
	s.mu.Lock()
	s.moves[act.Actor] = moved{target: target.ID, at: s.now()}
	names := s.followersHere(act.Actor)
	s.touch()
	s.mu.Unlock()
	s.begin(func() {
		for _, name := range names {
			s.goOver(name, act.Actor, target.ID)
		}
	})
	followers := "followers"
	if len(names) == 1 {
		followers = "follower"
	}
	return fmt.Sprintf("moved with %d %s to %s", len(names), followers, target.ID), nil
}

// goOver lets a local actor follow the new account of one that moved, and undo the old follow. What became of
// both, the other sides record.
func (s *Server) goOver(name, from, to string) {
	if me, err := s.local(name); err == nil && me.ID != to { // nobody follows itself
		s.Follow(s.life, name, to)
	}
	s.Undo(s.life, name, from)
}

// followersHere names the local actors that follow an actor and were accepted, ordered. The lock must be held.
func (s *Server) followersHere(id string) []string {
	var names []string
	for name, a := range s.actors {
		if f := a.follows[id]; f != nil && f.Accepted && !a.gone {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
