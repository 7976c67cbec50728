package fedtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// UpdateProfile puts properties into the local actor's document (nil takes one out) and sends Update{Person}
// with the whole of it to every distinct inbox of its followers, as Mastodon does after a change of a profile.
func (s *Server) UpdateProfile(ctx context.Context, user string, set map[string]any) error {
	if _, err := s.local(user); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		s.SetProperty(user, name, set[name])
	}
	return s.sendProfile(ctx, user)
}

// sendProfile tells the followers of the local actor what its document says now.
func (s *Server) sendProfile(ctx context.Context, user string) error {
	me, err := s.local(user)
	if err != nil {
		return err
	}
	doc, _ := s.document(user)
	s.mu.Lock()
	id := s.nextID(me.ID, "updates")
	to := s.inboxes(user, nil)
	s.mu.Unlock()
	return s.broadcast(ctx, user, to, map[string]any{
		"@context": doc["@context"], "id": id, "type": "Update", "actor": me.ID, "object": doc, "to": []string{public},
	})
}

// AddAlias says that the local actor is also known as actorURL, so that who is there may move here, and tells
// the followers. The other account is fetched first, as on Mastodon's page for it; naming it twice changes
// nothing.
func (s *Server) AddAlias(ctx context.Context, user, actorURL string) error {
	other, err := s.FetchActor(ctx, actorURL)
	if err != nil {
		return fmt.Errorf("add alias %s: %w", actorURL, err)
	}
	aliases := s.Aliases(user)
	if slices.Contains(aliases, other.ID) {
		return nil
	}
	return s.UpdateProfile(ctx, user, map[string]any{"alsoKnownAs": append(aliases, other.ID)})
}

// RemoveAlias takes an alias of the local actor back and tells the followers.
func (s *Server) RemoveAlias(ctx context.Context, user, actorURL string) error {
	rest := slices.DeleteFunc(s.Aliases(user), func(a string) bool { return a == actorURL })
	return s.UpdateProfile(ctx, user, map[string]any{"alsoKnownAs": rest})
}

// Aliases lists what the local actor is also known as.
func (s *Server) Aliases(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[user]; a != nil {
		return textList(a.extra["alsoKnownAs"])
	}
	return nil
}

// textList reads a property that is a string or a list of them; the result is the caller's own.
func textList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return slices.Clone(v)
	case []any:
		var all []string
		for _, one := range v {
			if text, ok := one.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}
