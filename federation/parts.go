package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"crier/store"
)

// partsMost is how many objects of one activity are looked at. Lists of them are allowed (ActivityStreams 2.0 core
// §4.2), and hardly anybody sends them.
const partsMost = 16

// part says which part of an activity with several objects it is; the zero value: it is whole.
type part struct {
	of    bool // it is a part
	place int  // of its object in the list
	more  bool // others come after it, so the activity is not done with yet
}

// comesApart reports whether an activity with several objects says of each what it says.
func comesApart(typ string) bool {
	return slices.Contains([]string{"Follow", "Like", "EmojiReact", "Announce", "Undo", "Delete"}, typ)
}

// severally has an activity with several objects taken one by one, as far as they concern us. All else is taken whole.
// Only the last part marks the activity as taken: what a crash or a refusal cuts off comes again, and each part that
// was taken before changes nothing then.
func (s *Server) severally(a *activity, k kind) kind {
	if !comesApart(a.typ) || a.typ != "Undo" && len(a.doc.all("object")) < 2 {
		return k
	}
	var parts []*activity
	return kind{
		concerns: func(a *activity) (bool, error) {
			var err error
			if parts, err = s.concerning(a, k); err != nil || len(parts) > 0 {
				return true, err
			}
			return k.concerns(a)
		},
		act: func(ctx context.Context, arrived arrival) error {
			if len(parts) == 0 {
				return k.act(ctx, arrived)
			}
			if undone, err := s.partsUndone(arrived); undone || err != nil {
				return err
			}
			for i, p := range parts {
				p.part.more = i < len(parts)-1
				one := arrived
				one.activity = p
				if err := k.act(ctx, one); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// partsUndone reports whether an activity as a whole was taken back before it came.
func (s *Server) partsUndone(a arrival) (bool, error) {
	if _, mark := markKind(a.typ); !mark {
		return false, nil
	}
	return s.wasUndone(a, a.id, "not counted: it was taken back before")
}

// concerning are the parts of an activity that concern us; none of one that is whole.
func (s *Server) concerning(a *activity, k kind) (concerned []*activity, err error) {
	all, err := s.partsOf(a)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		ours, err := s.partConcerns(p, k)
		if err != nil {
			return nil, err
		}
		if ours {
			concerned = append(concerned, p)
		}
	}
	return concerned, nil
}

// partConcerns reports whether a part is about something of ours. That the activity is addressed to us says nothing of
// its parts.
func (s *Server) partConcerns(p *activity, k kind) (bool, error) {
	if _, mark := markKind(p.typ); mark {
		return s.isAboutOurs(p.inner()), nil
	}
	if ignore, err := s.aboutStranger(p); ignore || err != nil {
		return false, err
	}
	return k.concerns(p)
}

// partsOf takes an activity apart: by its objects; an Undo of one with several objects by these, and one that only
// names such an activity by what is stored of that.
func (s *Server) partsOf(a *activity) (parts []*activity, err error) {
	objects := a.doc.all("object")
	if len(objects) > 1 {
		for i, n := range objects[:min(len(objects), partsMost)] {
			parts = append(parts, a.only(i, n))
		}
		return parts, nil
	}
	inner := a.inner()
	if a.typ != "Undo" || inner.is("Follow") && len(inner.all("object")) < 2 {
		return nil, nil
	}
	if done := inner.all("object"); len(done) > 0 {
		for i, n := range done[:min(len(done), partsMost)] {
			parts = append(parts, a.only(i, inner.with("object", n)))
		}
		if len(parts) == 1 {
			parts = nil
		}
		return parts, nil
	}
	return s.partsNamed(a, inner.id())
}

// partsNamed are the parts of an Undo that names an activity with several objects by its id.
func (s *Server) partsNamed(a *activity, id string) (parts []*activity, err error) {
	if id == "" || len(id) > maxAddress {
		return nil, nil
	}
	for i := range partsMost {
		name := partID(id, i)
		r, err := s.db.Reaction(name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for reaction %s: %w", name, err)
		}
		if r.Actor == a.actor && !isWritten(r) {
			parts = append(parts, a.only(i, node{shape: shapeString, value: name}))
		}
	}
	return parts, nil
}

// only is an activity as if it had that object alone.
func (a *activity) only(place int, object node) *activity {
	p := *a
	p.doc = a.doc.with("object", object)
	p.part = part{of: true, place: place}
	return &p
}

// with is a node with one value for a property that it has.
func (n node) with(name string, value node) node {
	n.fields = slices.Clone(n.fields)
	for i, f := range n.fields {
		if f.name == name {
			n.fields[i].values = []node{value}
		}
	}
	return n
}

// partID is the id of what an activity does to the object at a place in its list: two reactions have not one id.
func partID(id string, place int) string {
	if place == 0 {
		return id
	}
	return id + "#" + strconv.Itoa(place)
}
