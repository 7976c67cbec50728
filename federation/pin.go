package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"crier/store"
)

// pinsShown is how many pinned posts Misskey (2025.11) reads and Mastodon lets its own people have.
const pinsShown = 5

// Pin pins a post: it stands in the featured collection, the newest pin first, and the followers are told (Add). A
// post that is pinned already stays where it is.
func (s *Server) Pin(what string) (Done, error) { return s.changePin(what, true) }

// Unpin takes a pin away (Remove).
func (s *Server) Unpin(what string) (Done, error) { return s.changePin(what, false) }

func (s *Server) changePin(what string, pin bool) (Done, error) {
	s.byHand.Lock()
	defer s.byHand.Unlock()
	post, err := s.FindPost(what)
	switch {
	case err != nil:
		return Done{}, err
	case pin && post.State != store.PostLive:
		return Done{}, fmt.Errorf("%s was deleted", post.ID)
	case pin && !forEverybody(post.Visibility):
		return Done{}, fmt.Errorf("%s is not for everybody: it cannot be pinned", post.ID)
	case pin != post.Pinned.IsZero():
		return Done{Post: post}, nil
	}
	now := time.Now().UTC()
	typ, at := "Remove", time.Time{}
	if pin {
		typ, at, post.Pinned = "Add", now, now
	}
	out, err := s.outgoing(s.featuring(typ, post), post.ID)
	if err != nil {
		return Done{}, err
	}
	queued, err := s.db.Pin(now, post.Path, at, out)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Done{}, fmt.Errorf("%s was deleted", post.ID)
	case err != nil:
		return Done{}, fmt.Errorf("store the pin of %s: %w", post.ID, err)
	}
	post.Pinned = at
	s.tellQueued(queued)
	done := Done{Post: post, Changed: true, Queued: queued}
	if pins, err := s.db.Pins(); err == nil && pin && len(pins) > pinsShown {
		done.Notes = []string{fmt.Sprintf("%d posts are pinned; most servers show %d, those pinned last", len(pins), pinsShown)}
	}
	return done, nil
}

// featuring is the Add or Remove of a pin. Its id follows from when the post was pinned, so every pin has its own.
func (s *Server) featuring(typ string, post store.Post) activityObject {
	return activityObject{
		Context: []any{nsActivityStreams}, ID: s.ids.Activity(typ, post.ID, post.Pinned.UTC().Format(time.RFC3339Nano)),
		Type: typ, Actor: s.ids.Actor(), To: []string{Public}, CC: []string{s.ids.Followers()},
		Object: json.RawMessage(mustEncode(post.ID)), Target: s.ids.Featured(),
	}
}

// serveFeatured answers with the pinned posts, all on one page and each as it is today: ids alone would have every
// Akkoma (2025.10) fetch each of them.
func (s *Server) serveFeatured(w http.ResponseWriter, r *http.Request) {
	pins, err := s.db.Pins()
	if err != nil {
		s.fault(w, r, fmt.Errorf("read the pinned posts: %w", err))
		return
	}
	items := []json.RawMessage{}
	for _, post := range pins {
		if post.State == store.PostLive && forEverybody(post.Visibility) {
			items = append(items, withoutContext(post.Object))
		}
	}
	serveCollection(w, r, collection{
		Context: threadContext(), ID: s.ids.Featured(), Type: "OrderedCollection",
		TotalItems: len(items), OrderedItems: items,
	})
}
