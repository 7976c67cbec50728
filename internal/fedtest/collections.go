package fedtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// maxPages ends the reading of a collection that never ends.
const maxPages = 1000

// Collection is a collection of another server with all of its pages.
type Collection struct {
	ID, Type string
	Total    int
	Hidden   bool  // there is neither a first page nor an item: only the total is shown
	Items    []any // ids or whole objects, as they stand there
	Pages    int
	Raw      map[string]any // the collection itself
}

// IDs returns the ids of the items.
func (c Collection) IDs() []string {
	var ids []string
	for _, item := range c.Items {
		if o, ok := item.(map[string]any); ok {
			item = o["id"]
		}
		id, _ := item.(string)
		ids = append(ids, id)
	}
	return ids
}

// Collection reads a collection from its first page to its last. It is strict: every page is fetched by its id,
// names the collection in partOf and the page before it in prev where it has one, none comes twice, and there
// are no more items than the total says.
func (s *Server) Collection(ctx context.Context, id string) (Collection, error) {
	doc, err := s.getObject(ctx, id)
	if err != nil {
		return Collection{}, err
	}
	c := Collection{ID: id, Raw: doc}
	c.Type, _ = doc["type"].(string)
	if c.Type != "Collection" && c.Type != "OrderedCollection" {
		return c, fmt.Errorf("collection %s is of type %q", id, c.Type)
	}
	total, ok := doc["totalItems"].(float64)
	if !ok {
		return c, fmt.Errorf("collection %s has no totalItems, or none that is a number", id)
	}
	c.Total, c.Items = int(total), itemsOf(doc)
	if doc["first"] == nil {
		c.Hidden = c.Items == nil
	} else if err := s.readPages(ctx, &c, doc["first"]); err != nil {
		return c, fmt.Errorf("collection %s: %w", id, err)
	}
	if len(c.Items) > c.Total {
		return c, fmt.Errorf("collection %s holds %d items, its total says %d", id, len(c.Items), c.Total)
	}
	return c, nil
}

func (s *Server) readPages(ctx context.Context, c *Collection, next any) error {
	var seen []string
	for next != nil {
		page, ok := next.(map[string]any)
		if id, isID := next.(string); isID {
			if slices.Contains(seen, id) || len(seen) == maxPages {
				return fmt.Errorf("its pages lead in a circle: %s comes again", id)
			}
			seen = append(seen, id)
			var err error
			if page, err = s.getObject(ctx, id); err != nil {
				return err
			}
		} else if !ok {
			return fmt.Errorf("its page is %v, want an id or a page", next)
		}
		if page["type"] != c.Type+"Page" || page["partOf"] != c.ID {
			return fmt.Errorf("page %v is a %v of %v, want a %sPage", page["id"], page["type"], page["partOf"], c.Type)
		}
		c.Pages++
		c.Items = append(c.Items, itemsOf(page)...)
		next = page["next"]
	}
	return nil
}

func itemsOf(doc map[string]any) []any {
	for _, name := range []string{"orderedItems", "items"} {
		switch items := doc[name].(type) {
		case []any:
			return items
		case nil:
		default:
			return []any{items} // a list of one, compacted
		}
	}
	return nil
}

// SyncPins reads the featured collection of another server's actor, as Mastodon does when it meets one, and
// fetches what is in there by id: posts by that very actor count, all else is passed over. It returns their ids.
func (s *Server) SyncPins(ctx context.Context, actorID string) ([]string, error) {
	a, err := s.known(ctx, actorID)
	if err != nil {
		return nil, err
	}
	featured, _ := a.Raw["featured"].(string)
	c, err := s.Collection(ctx, featured)
	if err != nil {
		return nil, fmt.Errorf("pinned posts of %s: %w", actorID, err)
	}
	var pins []string
	var errs []error
	for _, id := range c.IDs() {
		n, err := s.fetchNote(ctx, id)
		if err != nil {
			errs = append(errs, err)
		} else if n.Author == a.ID {
			pins = append(pins, id)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[a.ID] = pins
	s.touch()
	return slices.Clone(pins), errors.Join(errs...)
}

// Pins lists the posts that this server shows as pinned by an actor of another: those of the last SyncPins and
// what Add and Remove made of them since.
func (s *Server) Pins(actorID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pins[actorID])
}

// applyPin takes an Add to or a Remove from the actor's featured collection (Mastodon 4.5, activity/add.rb).
func (s *Server) applyPin(ctx context.Context, act activity) (string, error) {
	a, err := s.known(ctx, act.Actor)
	if err != nil {
		return "", refuse(http.StatusServiceUnavailable, "%w", err)
	}
	if featured, _ := a.Raw["featured"].(string); featured == "" || act.Target != featured {
		return "ignored: the target is not the featured collection of its actor", nil
	}
	id := objectID(act.Object)
	if act.Type == "Add" {
		n, err := s.fetchNote(ctx, id)
		if err != nil {
			return "ignored: the note cannot be had: " + err.Error(), nil
		}
		if n.Author != act.Actor {
			return "ignored: the note is by somebody else", nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[act.Actor] = slices.DeleteFunc(s.pins[act.Actor], func(p string) bool { return p == id })
	effect := "note unpinned"
	if act.Type == "Add" {
		s.pins[act.Actor], effect = append(s.pins[act.Actor], id), "note pinned"
	}
	s.touch()
	return effect, nil
}

// applyFlag takes a report; a person would look at it.
func (s *Server) applyFlag(act activity) (string, error) {
	var ids []string
	if json.Unmarshal(act.Object, &ids) != nil {
		ids = []string{objectID(act.Object)}
	}
	return fmt.Sprintf("report taken about %q", ids), nil
}
