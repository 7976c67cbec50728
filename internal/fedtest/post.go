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
	InReplyTo string   // id of a post
	Mention   []string // actor ids; they get the post too
	Inboxes   []string // further inboxes it goes to
}

// Post publishes a public note of the local actor and delivers it to each distinct inbox of its followers
// (shared ones where there are) and of who is mentioned. It returns the note's id.
func (s *Server) Post(ctx context.Context, user, content string, o PostOptions) (string, error) {
	me, err := s.local(user)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	id := s.nextID(me.ID, "statuses")
	now := s.now().UTC().Truncate(time.Second)
	s.mu.Unlock()
	cc := append([]string{me.Followers}, o.Mention...)
	note := map[string]any{
		"id": id, "type": "Note", "attributedTo": me.ID, "content": content, "url": id,
		"published": now.Format(time.RFC3339), "to": []string{public}, "cc": cc,
	}
	if o.InReplyTo != "" {
		note["inReplyTo"] = o.InReplyTo
	}
	var tags []map[string]any
	for _, m := range o.Mention {
		tags = append(tags, map[string]any{"type": "Mention", "href": m})
	}
	note["tag"] = tags
	raw, err := json.Marshal(note)
	if err != nil {
		return "", fmt.Errorf("encode note: %w", err)
	}
	act := map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id + "/activity", "type": "Create",
		"actor": me.ID, "published": note["published"], "to": note["to"], "cc": cc, "object": note,
	}
	s.mu.Lock()
	s.notes[id] = &Note{ID: id, Author: me.ID, URL: id, Content: content, Published: now, Raw: raw, Create: id + "/activity"}
	s.actors[user].outbox = append(s.actors[user].outbox, act)
	to := append(s.inboxes(user, o.Mention), o.Inboxes...)
	s.touch()
	s.mu.Unlock()
	return id, s.broadcast(ctx, user, to, act)
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
