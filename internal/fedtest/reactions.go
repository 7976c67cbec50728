package fedtest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Reaction is a Like or an Announce of a note, by an actor of this server or another.
type Reaction struct{ ID, Type, Actor, Object string }

// Like sends a Like of a post to its author's own inbox and returns the Like's id.
func (s *Server) Like(ctx context.Context, user, postID string) (string, error) {
	return s.react(ctx, user, postID, "Like")
}

// Announce boosts a post: the Announce goes to the followers and to the post's author. It returns its id.
func (s *Server) Announce(ctx context.Context, user, postID string) (string, error) {
	return s.react(ctx, user, postID, "Announce")
}

func (s *Server) react(ctx context.Context, user, postID, kind string) (string, error) {
	me, err := s.local(user)
	if err != nil {
		return "", err
	}
	author, err := s.authorOf(ctx, postID)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", kind, postID, err)
	}
	s.mu.Lock()
	r := Reaction{ID: s.nextID(me.ID, kind), Type: kind, Actor: me.ID, Object: postID}
	act := r.activity()
	act["@context"] = "https://www.w3.org/ns/activitystreams"
	to := []string{author.Inbox}
	if kind == "Announce" {
		act["to"], act["cc"] = []string{public}, []string{author.ID, me.Followers}
		act["published"] = s.now().UTC().Format(time.RFC3339)
		to = s.inboxes(user, []string{author.ID})
	}
	s.reactions[r.ID] = r
	s.touch()
	s.mu.Unlock()
	return r.ID, s.broadcast(ctx, user, to, act)
}

func (r Reaction) activity() map[string]any {
	return map[string]any{"id": r.ID, "type": r.Type, "actor": r.Actor, "object": r.Object}
}

// Unlike takes the local actor's Like of a post back.
func (s *Server) Unlike(ctx context.Context, user, postID string) error {
	return s.unreact(ctx, user, postID, "Like")
}

// Unannounce takes the local actor's boost of a post back.
func (s *Server) Unannounce(ctx context.Context, user, postID string) error {
	return s.unreact(ctx, user, postID, "Announce")
}

func (s *Server) unreact(ctx context.Context, user, postID, kind string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	author, err := s.authorOf(ctx, postID)
	if err != nil {
		return fmt.Errorf("undo %s of %s: %w", kind, postID, err)
	}
	s.mu.Lock()
	r, ok := s.findReaction(kind, me.ID, postID, "")
	delete(s.reactions, r.ID)
	id := s.nextID(me.ID, "undos")
	to := []string{author.Inbox}
	if kind == "Announce" {
		to = s.inboxes(user, []string{author.ID})
	}
	s.touch()
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("undo %s of %s: %s has sent none", kind, postID, user)
	}
	return s.broadcast(ctx, user, to, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Undo", "actor": me.ID, "object": r.activity(),
	})
}

// findReaction finds one by its id, or else by its kind, actor and object. The lock must be held.
func (s *Server) findReaction(kind, actor, object, id string) (Reaction, bool) {
	if r, ok := s.reactions[id]; ok {
		return r, r.Actor == actor
	}
	for _, r := range s.reactions {
		if r.Type == kind && r.Actor == actor && r.Object == object {
			return r, true
		}
	}
	return Reaction{}, false
}

// Reactions lists the Likes and Announces of a note that this server knows, ordered by id.
func (s *Server) Reactions(noteID string) []Reaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Reaction
	for _, id := range slices.Sorted(maps.Keys(s.reactions)) {
		if s.reactions[id].Object == noteID {
			all = append(all, s.reactions[id])
		}
	}
	return all
}

// applyLike keeps a Like of a note that is known here.
func (s *Server) applyLike(act activity) (string, error) {
	id := objectID(act.Object)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes[id] == nil {
		return "ignored: the note that is liked is unknown here", nil
	}
	s.reactions[act.ID] = Reaction{ID: act.ID, Type: "Like", Actor: act.Actor, Object: id}
	s.touch()
	return "note liked", nil
}

// applyAnnounce shows a boosted note to those here who follow who boosts, and counts it. The note itself is
// fetched by its id where it is unknown: what an Announce embeds is somebody else's word.
func (s *Server) applyAnnounce(ctx context.Context, act activity) (string, error) {
	id := objectID(act.Object)
	s.mu.Lock()
	gone, names, n := s.tombs[id], s.followersHere(act.Actor), s.notes[id]
	s.mu.Unlock()
	switch {
	case gone:
		return "ignored: the note was deleted", nil
	case len(names) == 0 && n == nil:
		return "ignored: nobody here follows who boosts", nil
	}
	if n == nil {
		var err error
		if n, err = s.fetchNote(ctx, id); err != nil {
			return "ignored: the note cannot be had: " + err.Error(), nil
		}
	}
	if n.Visibility != Public && n.Visibility != Unlisted && n.Author != act.Actor {
		return "ignored: the note is not public", nil
	}
	if !act.Published.IsZero() && act.Published.Before(n.Published) {
		return "", refuse(http.StatusBadRequest, "boost %s is older than its note", act.ID) // Misskey refuses it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes[id] == nil {
		s.notes[id] = n
	}
	s.reactions[act.ID] = Reaction{ID: act.ID, Type: "Announce", Actor: act.Actor, Object: id}
	for _, name := range names {
		a := s.actors[name]
		a.timeline = append(a.timeline, shown{note: id, boost: act.ID, by: act.Actor})
	}
	s.touch()
	return fmt.Sprintf("boost shown to %d", len(names)), nil
}

// fetchNote fetches a note by its id, which has to be on its author's host.
func (s *Server) fetchNote(ctx context.Context, id string) (*Note, error) {
	doc, err := s.getObject(ctx, id)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode note: %w", err)
	}
	var head noteJSON
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("note %s: %w", id, err)
	}
	n, err := readNote(activity{Actor: head.AttributedTo, Object: raw, To: head.To, CC: head.CC})
	if err != nil {
		return nil, err
	}
	author, err := s.known(ctx, n.AttributedTo)
	if err != nil {
		return nil, err
	}
	return n.note(raw, author, ""), nil
}

// undoReaction takes a Like or Announce back; only who sent it can.
func (s *Server) undoReaction(act activity, inner embeddedFollow) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.findReaction(inner.Type, act.Actor, objectID(inner.Object), inner.ID)
	if !ok {
		return "ignored: no such " + cmp.Or(inner.Type, "activity") + " is known", nil
	}
	delete(s.reactions, r.ID)
	for _, a := range s.actors {
		a.timeline = slices.DeleteFunc(a.timeline, func(t shown) bool { return t.boost == r.ID })
	}
	s.touch()
	return r.Type + " taken back", nil
}
