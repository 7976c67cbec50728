package fedtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// FollowRequests lists who has asked to follow the local actor, which approves by hand, and has no answer yet.
func (s *Server) FollowRequests(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[user]; a != nil {
		return slices.Sorted(maps.Keys(a.requests))
	}
	return nil
}

// Approve accepts the follow request of that actor.
func (s *Server) Approve(ctx context.Context, user, follower string) error {
	return s.settle(ctx, user, follower, "Accept")
}

// Reject turns a follow request down, or removes a follower: both are the same Reject of its Follow.
func (s *Server) Reject(ctx context.Context, user, follower string) error {
	return s.settle(ctx, user, follower, "Reject")
}

func (s *Server) settle(ctx context.Context, user, follower, verdict string) error {
	if _, err := s.local(user); err != nil {
		return err
	}
	who, err := s.known(ctx, follower)
	if err != nil {
		return fmt.Errorf("%s %s: %w", verdict, follower, err)
	}
	s.mu.Lock()
	a := s.actors[user]
	if !a.requests[who.ID] && !(a.followers[who.ID] && verdict == "Reject") {
		s.mu.Unlock()
		return fmt.Errorf("%s %s: it has not asked to follow %s", verdict, follower, user)
	}
	delete(a.requests, who.ID)
	delete(a.followers, who.ID)
	if verdict == "Accept" {
		a.followers[who.ID] = true
	}
	answer := s.answer(a, verdict, who.ID, a.asked[who.ID])
	s.touch()
	s.mu.Unlock()
	return s.deliver(ctx, user, who.Inbox, answer)
}

// Block lets the local actor block another, as Mastodon 4.5 does (block_service.rb): its own follow is undone,
// the other's follow or request rejected, and a Block sent. From then on a Follow is answered with a Reject, and
// the local actor sees no post of the other.
func (s *Server) Block(ctx context.Context, user, actorURL string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	who, err := s.known(ctx, actorURL)
	if err != nil {
		return fmt.Errorf("block %s: %w", actorURL, err)
	}
	s.mu.Lock()
	a := s.actors[user]
	follows := a.follows[who.ID] != nil && !a.follows[who.ID].Rejected
	followed := a.followers[who.ID] || a.requests[who.ID]
	id := s.nextID(me.ID, "blocks")
	a.blocks[who.ID] = id
	s.touch()
	s.mu.Unlock()
	if follows {
		if err := s.Undo(ctx, user, who.ID); err != nil {
			return err
		}
	}
	if followed {
		if err := s.Reject(ctx, user, who.ID); err != nil {
			return err
		}
	}
	return s.deliver(ctx, user, who.Inbox, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Block", "actor": me.ID, "object": who.ID,
	})
}

// Unblock takes a block back and sends Undo{Block}; nobody follows anybody again by it.
func (s *Server) Unblock(ctx context.Context, user, actorURL string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	who, err := s.known(ctx, actorURL)
	if err != nil {
		return fmt.Errorf("unblock %s: %w", actorURL, err)
	}
	s.mu.Lock()
	block := s.actors[user].blocks[who.ID]
	delete(s.actors[user].blocks, who.ID)
	id := s.nextID(me.ID, "undos")
	s.touch()
	s.mu.Unlock()
	if block == "" {
		return fmt.Errorf("unblock %s: %s does not block it", actorURL, user)
	}
	return s.deliver(ctx, user, who.Inbox, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Undo", "actor": me.ID,
		"object": map[string]any{"id": block, "type": "Block", "actor": me.ID, "object": who.ID},
	})
}

// Flag reports an actor and some of its posts to its server, in the name of the instance and not of who
// complains, as Mastodon does (report_service.rb).
func (s *Server) Flag(ctx context.Context, actorURL, comment string, posts ...string) error {
	who, err := s.known(ctx, actorURL)
	if err != nil {
		return fmt.Errorf("report %s: %w", actorURL, err)
	}
	me, err := s.local(instanceName)
	if err != nil {
		return err
	}
	s.mu.Lock()
	id := s.nextID(me.ID, "reports")
	s.mu.Unlock()
	return s.deliver(ctx, instanceName, who.Inbox, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Flag", "actor": me.ID,
		"content": comment, "object": append([]string{who.ID}, posts...),
	})
}

// BlockedBy reports whether the actor of another server has blocked the local one and not taken it back.
func (s *Server) BlockedBy(user, actorID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[user]
	return a != nil && a.blockedBy[actorID]
}

// applyBlock severs both directions, as Mastodon, Misskey, GoToSocial and Akkoma do.
func (s *Server) applyBlock(act activity) (string, error) {
	a, unlock, err := s.lockLocal(objectID(act.Object))
	if err != nil {
		return "", err
	}
	defer unlock()
	a.blockedBy[act.Actor] = true
	delete(a.followers, act.Actor)
	delete(a.requests, act.Actor)
	delete(a.follows, act.Actor)
	s.touch()
	return a.Name + " is blocked", nil
}

func (s *Server) undoBlock(act activity, object string) (string, error) {
	a, unlock, err := s.lockLocal(object)
	if err != nil {
		return "", err
	}
	defer unlock()
	delete(a.blockedBy, act.Actor)
	s.touch()
	return a.Name + " is blocked no longer", nil
}

// lockLocal finds the local actor with that id and returns it under the lock, with what opens it again.
func (s *Server) lockLocal(id string) (*actor, func(), error) {
	name, _ := s.resourceName(id)
	s.mu.Lock()
	if a := s.actors[name]; a != nil && a.ID == id && !a.gone {
		return a, s.mu.Unlock, nil
	}
	s.mu.Unlock()
	return nil, nil, refuse(http.StatusNotFound, "nobody here is %s", id)
}
