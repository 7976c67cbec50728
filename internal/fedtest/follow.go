package fedtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Follow is a follow of a local actor. One that was rejected, be it at once or after it had been accepted, stays
// listed but counts for nothing.
type Follow struct {
	ID       string // of the activity
	Object   string // who is followed
	Accepted bool
	Rejected bool
}

// applyFollow takes a follower and answers with an Accept, on the server's own account: the Accept leaves
// while or after the Follow is answered, as from a queue.
func (s *Server) applyFollow(ctx context.Context, act activity) (string, error) {
	name, ok := s.resourceName(objectID(act.Object))
	if _, here := s.Actor(name); !ok || !here {
		return "", refuse(http.StatusNotFound, "nobody here is %s", objectID(act.Object))
	}
	who, err := s.known(ctx, act.Actor)
	if err != nil {
		return "", refuse(http.StatusServiceUnavailable, "%w", err)
	}
	s.mu.Lock()
	a := s.actors[name]
	a.asked[who.ID] = act.ID
	verdict, effect := "Accept", "follower added"
	switch { // as Mastodon (activity/follow.rb)
	case a.extra["movedTo"] != nil:
		verdict, effect = "Reject", "follow rejected: "+name+" has moved"
	case a.blocks[who.ID] != "":
		verdict, effect = "Reject", "follow rejected: "+name+" blocks who asks"
	case a.opts.Locked && !a.followers[who.ID]:
		a.requests[who.ID] = true
		s.touch()
		s.mu.Unlock()
		return "follow waits for approval", nil
	default:
		a.followers[who.ID] = true
	}
	answer := s.answer(a, verdict, who.ID, act.ID)
	s.touch()
	s.mu.Unlock()
	s.begin(func() {
		s.Send(s.life, name, who.Inbox, answer) // what became of it, the other side records
	})
	return effect, nil
}

// answer makes the Accept or Reject of a Follow, which it embeds. The lock must be held.
func (s *Server) answer(a *actor, verdict, follower, follow string) map[string]any {
	return map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": s.nextID(a.ID, strings.ToLower(verdict)+"s"),
		"type": verdict, "actor": a.ID, "to": []string{follower},
		"object": map[string]any{"id": follow, "type": "Follow", "actor": follower, "object": a.ID},
	}
}

// embeddedFollow is a Follow inside an Accept, Reject or Undo. Bridgy Fed, Misskey and GoToSocial want it
// embedded, so nothing less is taken here.
type embeddedFollow struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Actor  string          `json:"actor"`
	Object json.RawMessage `json:"object"`
}

func readFollow(act activity) (embeddedFollow, error) {
	var f embeddedFollow
	if err := json.Unmarshal(act.Object, &f); err != nil || f.Type != "Follow" {
		return f, refuse(http.StatusBadRequest, "%s %s does not embed a Follow", act.Type, act.ID)
	}
	return f, nil
}

// applyAnswer marks a follow as accepted or rejected; only who is followed may say so.
func (s *Server) applyAnswer(act activity) (string, error) {
	f, err := readFollow(act)
	if err != nil {
		return "", err
	}
	if objectID(f.Object) != act.Actor {
		return "", refuse(http.StatusUnauthorized, "%s answers a follow of %s", act.Actor, objectID(f.Object))
	}
	name, _ := s.resourceName(f.Actor)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[name]
	if a == nil || a.follows[act.Actor] == nil || a.follows[act.Actor].ID != f.ID {
		return "ignored: no such follow was sent from here", nil
	}
	mine := a.follows[act.Actor]
	mine.Accepted, mine.Rejected = act.Type == "Accept", act.Type == "Reject"
	s.touch()
	if mine.Accepted {
		return "follow of " + name + " accepted", nil
	}
	return "follow of " + name + " rejected", nil
}

func (s *Server) applyUndo(act activity) (string, error) {
	var inner embeddedFollow
	if err := json.Unmarshal(act.Object, &inner); err != nil {
		return "", refuse(http.StatusBadRequest, "Undo %s does not embed what it undoes", act.ID)
	}
	if inner.Actor != act.Actor {
		return "", refuse(http.StatusUnauthorized, "%s undoes what %s did", act.Actor, inner.Actor)
	}
	switch inner.Type {
	case "Follow":
		return s.undoFollow(act, objectID(inner.Object))
	case "Like", "Announce":
		return s.undoReaction(act, inner)
	case "Block":
		return s.undoBlock(act, objectID(inner.Object))
	}
	return "ignored: the Undo of a " + inner.Type + " means nothing here", nil
}

func (s *Server) undoFollow(act activity, object string) (string, error) {
	name, _ := s.resourceName(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[name]; a != nil && (a.followers[act.Actor] || a.requests[act.Actor]) {
		delete(a.requests, act.Actor)
		delete(a.followers, act.Actor)
		s.touch()
		return "follower removed", nil
	}
	return "ignored: no such follower", nil
}

// Follow sends a Follow by the local actor and returns its id. The answer comes by itself; wait for it
// with Wait and Follows, or with WaitFor. A repeated Follow has a new id.
func (s *Server) Follow(ctx context.Context, user, actorURL string) (string, error) {
	me, err := s.local(user)
	if err != nil {
		return "", err
	}
	who, err := s.FetchActor(ctx, actorURL)
	if err != nil {
		return "", fmt.Errorf("follow %s: %w", actorURL, err)
	}
	s.mu.Lock()
	id := s.nextID(me.ID, "follows")
	s.actors[user].follows[who.ID] = &Follow{ID: id, Object: who.ID} // before it is sent: the Accept may be faster than the answer
	s.touch()
	s.mu.Unlock()
	return id, s.deliver(ctx, user, who.Inbox, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Follow", "actor": me.ID, "object": who.ID,
	})
}

// Undo takes the local actor's follow of actorURL back.
func (s *Server) Undo(ctx context.Context, user, actorURL string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	who, err := s.known(ctx, actorURL)
	if err != nil {
		return fmt.Errorf("undo follow of %s: %w", actorURL, err)
	}
	s.mu.Lock()
	f := s.actors[user].follows[who.ID]
	delete(s.actors[user].follows, who.ID)
	id := s.nextID(me.ID, "undos")
	s.touch()
	s.mu.Unlock()
	if f == nil {
		return fmt.Errorf("undo follow of %s: %s does not follow it", actorURL, user)
	}
	return s.deliver(ctx, user, who.Inbox, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Undo", "actor": me.ID,
		"object": map[string]any{"id": f.ID, "type": "Follow", "actor": me.ID, "object": who.ID},
	})
}

// deliver is Send where only a 2xx will do.
func (s *Server) deliver(ctx context.Context, user, inbox string, act map[string]any) error {
	status, body, err := s.Send(ctx, user, inbox, act)
	if err != nil {
		return err
	}
	if status < 200 || status > 299 {
		return fmt.Errorf("%s: %w", act["type"], &statusError{URL: inbox, Status: status, Body: excerpt([]byte(body))})
	}
	return nil
}

// Follows returns whom the local actor follows or has asked to follow, ordered by id.
func (s *Server) Follows(user string) []Follow {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Follow
	if a := s.actors[user]; a != nil {
		for _, id := range slices.Sorted(maps.Keys(a.follows)) {
			all = append(all, *a.follows[id])
		}
	}
	return all
}

// Following reports whether the local actor follows actorURL and was accepted.
func (s *Server) Following(user, actorURL string) bool {
	for _, f := range s.Follows(user) {
		if f.Object == actorURL && f.Accepted {
			return true
		}
	}
	return false
}

// Followers returns the ids of who follows the local actor, ordered.
func (s *Server) Followers(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[user]; a != nil {
		return slices.Sorted(maps.Keys(a.followers))
	}
	return nil
}
