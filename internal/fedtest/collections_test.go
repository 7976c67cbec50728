package fedtest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// shelf is a host that serves ActivityPub documents by their ids.
type shelf map[string]map[string]any

func (s shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc := s["https://s.example"+r.URL.RequestURI()]
	if doc == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/activity+json")
	_ = json.NewEncoder(w).Encode(doc)
}

func (s shelf) put(id string, doc map[string]any) {
	doc["id"] = id
	s[id] = doc
}

const list = "https://s.example/list"

// pages fills a shelf with a collection of two pages.
func pages() shelf {
	s := shelf{}
	s.put(list, map[string]any{"type": "OrderedCollection", "totalItems": 3, "first": list + "?page=1"})
	s.put(list+"?page=1", map[string]any{"type": "OrderedCollectionPage", "partOf": list, "next": list + "?page=2",
		"orderedItems": []any{"https://s.example/1", map[string]any{"id": "https://s.example/2"}}})
	s.put(list+"?page=2", map[string]any{"type": "OrderedCollectionPage", "partOf": list, "orderedItems": "https://s.example/3"})
	return s
}

func TestCollection(t *testing.T) {
	w := newWorld(t)
	w.net.Handle("s.example", pages())
	c, err := w.a.Collection(t.Context(), list)
	check(t, err)
	want := []string{"https://s.example/1", "https://s.example/2", "https://s.example/3"}
	if c.Total != 3 || c.Pages != 2 || c.Hidden || !slices.Equal(c.IDs(), want) {
		t.Errorf("read as %+v", c)
	}
	hidden := shelf{}
	hidden.put(list, map[string]any{"type": "Collection", "totalItems": 3})
	w.net.Handle("s.example", hidden)
	if c, err := w.a.Collection(t.Context(), list); err != nil || !c.Hidden || c.Total != 3 {
		t.Errorf("hidden: %+v %v", c, err)
	}
}

func TestCollectionWrong(t *testing.T) {
	for want, spoil := range map[string]func(shelf){
		"holds 3 items, its total says 2": func(s shelf) { s[list]["totalItems"] = 2 },
		"none that is a number":           func(s shelf) { s[list]["totalItems"] = "3" },
		"is of type":                      func(s shelf) { s[list]["type"] = "Note" },
		"in a circle":                     func(s shelf) { s[list+"?page=2"]["next"] = list + "?page=1" },
		"want a OrderedCollectionPage":    func(s shelf) { s[list+"?page=2"]["partOf"] = "https://s.example/other" },
		"404":                             func(s shelf) { delete(s, list+"?page=2") },
	} {
		w := newWorld(t)
		s := pages()
		spoil(s)
		w.net.Handle("s.example", s)
		if _, err := w.a.Collection(t.Context(), list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestPins: the featured collection is read once and kept up by Add and Remove.
func TestPins(t *testing.T) {
	w := newWorld(t)
	featured := "https://b.example/users/bob/collections/featured"
	first, second := post(t, w.b, "bob", "one"), post(t, w.b, "bob", "two")
	w.b.AddActor("carl")
	alien := post(t, w.b, "carl", "three")
	s := shelf{}
	s.put(list, map[string]any{"type": "OrderedCollection", "totalItems": 2, "orderedItems": []any{first, alien}})
	w.net.Handle("s.example", s)
	w.b.SetProperty("bob", "featured", list)
	pins, err := w.a.SyncPins(t.Context(), bob)
	if err != nil || !slices.Equal(pins, []string{first}) {
		t.Fatalf("pins %q %v", pins, err)
	}
	follow(t, w.a, "alice", bob)
	check(t, w.b.UpdateProfile(t.Context(), "bob", map[string]any{"featured": featured}))
	for _, step := range []struct {
		typ, object, target, effect string
		pins                        []string
	}{
		{"Add", second, featured, "note pinned", []string{first, second}},
		{"Add", second, featured, "note pinned", []string{first, second}},
		{"Add", alien, featured, "ignored: the note is by somebody else", []string{first, second}},
		{"Add", first, bob + "/followers", "ignored: the target is not the featured collection of its actor", []string{first, second}},
		{"Remove", first, featured, "note unpinned", []string{second}},
	} {
		act := map[string]any{"id": bob + "/" + step.typ + step.object + step.target + strings.Repeat("x", len(w.a.Arrivals())),
			"type": step.typ, "actor": bob, "object": step.object, "target": step.target}
		if status, body, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), act); err != nil || status != 202 {
			t.Fatal(status, body, err)
		}
		if got := last(t, w.a).Effect; got != step.effect || !slices.Equal(w.a.Pins(bob), step.pins) {
			t.Errorf("%s %s: %s, pins %q", step.typ, step.object, got, w.a.Pins(bob))
		}
	}
}

func TestNothingOfDeletedActor(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	id := post(t, w.b, "bob", "x")
	check(t, w.b.DeleteActor(t.Context(), "bob"))
	if len(w.a.Timeline("alice")) != 0 || len(w.a.Reactions(id)) != 0 || len(w.a.Follows("alice")) != 0 {
		t.Errorf("left: %+v", w.a.Timeline("alice"))
	}
}
