package fedtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// PostOptions say how a post differs from a public one without further ado.
type PostOptions struct {
	InReplyTo  string         // id of a post
	Mention    []string       // actor ids; they get the post too
	Inboxes    []string       // further inboxes it goes to
	Visibility Visibility     // empty: public
	Properties map[string]any // further properties of the note
}

// Post publishes a note of the local actor and delivers it to each distinct inbox of its followers (shared ones
// where there are) and of who is mentioned; a direct one only to the latter, each at its own inbox. It returns
// the note's id.
func (s *Server) Post(ctx context.Context, user, content string, o PostOptions) (string, error) {
	me, err := s.local(user)
	if err != nil {
		return "", err
	}
	for _, id := range o.Mention {
		s.known(ctx, id) // who cannot be found is named all the same, and gets nothing
	}
	s.mu.Lock()
	id := s.nextID(me.ID, "statuses")
	now := s.now().UTC().Truncate(time.Second)
	s.mu.Unlock()
	note := newNote(me, id, content, now, o)
	raw, err := json.Marshal(note)
	if err != nil {
		return "", fmt.Errorf("encode note: %w", err)
	}
	act := map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id + "/activity", "type": "Create",
		"actor": me.ID, "published": note["published"], "to": note["to"], "cc": note["cc"], "object": note,
	}
	s.mu.Lock()
	to := append(s.audienceInboxes(user, o), o.Inboxes...)
	s.notes[id] = &Note{ID: id, Author: me.ID, URL: id, Content: content, Published: now, Raw: raw, Create: id + "/activity",
		InReplyTo: o.InReplyTo, Visibility: visibilityOf(note["to"].([]string), note["cc"].([]string), me.Followers), sentTo: to}
	if s.notes[id].Visibility == Public || s.notes[id].Visibility == Unlisted {
		s.actors[user].outbox = append(s.actors[user].outbox, act)
	}
	s.touch()
	s.mu.Unlock()
	return id, s.broadcast(ctx, user, to, act)
}

func newNote(me Actor, id, content string, now time.Time, o PostOptions) map[string]any {
	to, cc := addresses(o.Visibility, me, o.Mention)
	note := map[string]any{
		"id": id, "type": "Note", "attributedTo": me.ID, "content": content, "url": id,
		"published": now.Format(time.RFC3339), "to": to, "cc": cc,
	}
	if o.InReplyTo != "" {
		note["inReplyTo"] = o.InReplyTo
	}
	tags := []map[string]any{}
	for _, m := range o.Mention {
		tags = append(tags, map[string]any{"type": "Mention", "href": m})
	}
	note["tag"] = tags
	maps.Copy(note, o.Properties)
	return note
}

// Reply answers a post of any server: it finds the post, mentions its author and publishes the answer.
func (s *Server) Reply(ctx context.Context, user, postID, content string) (string, error) {
	author, err := s.authorOf(ctx, postID)
	if err != nil {
		return "", fmt.Errorf("reply to %s: %w", postID, err)
	}
	return s.Post(ctx, user, content, PostOptions{InReplyTo: postID, Mention: []string{author.ID}})
}

// authorOf returns whom a post is by; the post is fetched where it is unknown.
func (s *Server) authorOf(ctx context.Context, postID string) (RemoteActor, error) {
	s.mu.Lock()
	n := s.notes[postID]
	s.mu.Unlock()
	if n != nil {
		return s.known(ctx, n.Author)
	}
	doc, err := s.getObject(ctx, postID)
	if err != nil {
		return RemoteActor{}, err
	}
	author, _ := doc["attributedTo"].(string)
	return s.known(ctx, author)
}

// EditPost gives a post of the local actor another text and sends Update to all who got it.
func (s *Server) EditPost(ctx context.Context, user, postID, content string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	s.mu.Lock()
	n, err := s.own(me, postID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(n.Raw, &doc); err != nil {
		s.mu.Unlock()
		return fmt.Errorf("edit %s: %w", postID, err)
	}
	now := s.now().UTC().Truncate(time.Second)
	if floor := maxTime(n.Published, n.Updated); !now.After(floor) {
		now = floor.Add(time.Second) // an edit within the same second would be no newer version to anybody
	}
	doc["content"], doc["updated"] = content, now.Format(time.RFC3339)
	n.Edits = append(n.Edits, n.Content)
	n.Content, n.Updated = content, now
	if n.Raw, err = json.Marshal(doc); err != nil {
		s.mu.Unlock()
		return fmt.Errorf("edit %s: %w", postID, err)
	}
	id, to := s.nextID(me.ID, "updates"), n.sentTo
	s.touch()
	s.mu.Unlock()
	return s.broadcast(ctx, user, to, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Update", "actor": me.ID,
		"to": doc["to"], "cc": doc["cc"], "object": doc,
	})
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// own returns a post that the local actor wrote. The lock must be held.
func (s *Server) own(me Actor, postID string) (*Note, error) {
	if n := s.notes[postID]; n != nil && n.Author == me.ID {
		return n, nil
	}
	return nil, fmt.Errorf("%s has no post %s", me.ID, postID)
}

// DeletePost deletes a post of the local actor and sends Delete with a Tombstone to all who got it.
func (s *Server) DeletePost(ctx context.Context, user, postID string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	s.mu.Lock()
	n, err := s.own(me, postID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.dropNote(postID)
	s.touch()
	s.mu.Unlock()
	return s.broadcast(ctx, user, n.sentTo, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": postID + "#delete", "type": "Delete", "actor": me.ID,
		"object": map[string]any{"id": postID, "type": "Tombstone"}, "to": []string{public},
	})
}

// audienceInboxes are where a post of the local actor goes. The lock must be held.
func (s *Server) audienceInboxes(user string, o PostOptions) []string {
	if o.Visibility != Direct {
		return s.inboxes(user, o.Mention)
	}
	var own []string
	for _, id := range o.Mention {
		if r, ok := s.remotes[id]; ok {
			own = append(own, r.Inbox)
		}
	}
	return own
}

// inboxes returns the distinct inboxes of the local actor's followers and of others. The lock must be held.
func (s *Server) inboxes(user string, others []string) []string {
	set := map[string]bool{}
	for _, id := range append(slices.Collect(maps.Keys(s.actors[user].followers)), others...) {
		r, ok := s.remotes[id]
		switch {
		case !ok:
		case r.SharedInbox != "":
			set[r.SharedInbox] = true
		default:
			set[r.Inbox] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (s *Server) broadcast(ctx context.Context, user string, inboxes []string, act map[string]any) error {
	var errs []error
	for _, to := range inboxes {
		errs = append(errs, s.deliver(ctx, user, to, act))
	}
	return errors.Join(errs...)
}

// DeleteActor deletes the local actor and tells all whom it followed or who followed it. Its document
// answers 410 before the first of them hears of it, so they have to make do with the key they know.
func (s *Server) DeleteActor(ctx context.Context, user string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	s.mu.Lock()
	a := s.actors[user]
	a.gone = true
	to := s.inboxes(user, slices.Collect(maps.Keys(a.follows)))
	id := me.ID + "#delete" // as Mastodon names it; it cannot be fetched and need not be
	s.touch()
	s.mu.Unlock()
	return s.broadcast(ctx, user, to, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Delete",
		"actor": me.ID, "object": me.ID, "to": []string{public},
	})
}
