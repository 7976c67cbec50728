package fedtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Note is a post of another server (or of this one) as this server knows it.
type Note struct {
	ID, Author, URL string
	Content         string // HTML, as it came
	Published       time.Time
	Updated         time.Time // zero: never
	Edits           []string  // earlier contents, oldest first
	Raw             json.RawMessage
	Create          string // id of the activity that brought it; empty where it was fetched
	InReplyTo       string // id of another
	Visibility      Visibility
	BoostedBy       string // in a timeline: id of the actor whose boost stands there; empty: the note itself does
	Boost           string // in a timeline: id of that Announce

	sentTo []string // inboxes that got it; of a local note
}

// shown is a line of a timeline.
type shown struct {
	note  string // id
	boost string // id of the Announce that brought it there; empty: it came by itself
	by    string // id of who boosted it
}

// noteJSON is what is read of a Note.
type noteJSON struct {
	ID           string    `json:"id"`
	Type         string    `json:"type"`
	AttributedTo string    `json:"attributedTo"`
	URL          string    `json:"url"`
	Content      string    `json:"content"`
	Published    time.Time `json:"published"`
	Updated      time.Time `json:"updated"`
	To           oneOrMany `json:"to"`
	CC           oneOrMany `json:"cc"`
	InReplyTo    string    `json:"inReplyTo"`
}

// readNote reads the embedded object of a Create or Update and checks its origin and its addresses: the
// same actor and host throughout, and the same recipients on both levels (Akkoma refuses others).
func readNote(act activity) (noteJSON, error) {
	var n noteJSON
	if err := json.Unmarshal(act.Object, &n); err != nil {
		return n, refuse(http.StatusBadRequest, "object of %s is not readable: %w", act.ID, err)
	}
	switch {
	case n.Type != "Note" && n.Type != "Article":
		return n, refuse(http.StatusBadRequest, "object of %s is a %q, want a Note", act.ID, n.Type)
	case n.AttributedTo != act.Actor:
		return n, refuse(http.StatusUnauthorized, "note %s is attributed to %q, but %s sent it", n.ID, n.AttributedTo, act.Actor)
	case !sameHost(n.ID, act.Actor):
		return n, refuse(http.StatusUnauthorized, "note %s is not on the host of its author", n.ID)
	case strings.Contains(n.ID, "#"):
		return n, refuse(http.StatusBadRequest, "note id %s has a fragment, it cannot be fetched", n.ID)
	case !slices.Equal(act.To, n.To) || !slices.Equal(act.CC, n.CC):
		return n, refuse(http.StatusBadRequest, "activity %s and its note are addressed to different people", act.ID)
	case n.Published.IsZero():
		return n, refuse(http.StatusBadRequest, "note %s has no date", n.ID)
	case !n.Updated.IsZero() && n.Updated.Before(n.Published):
		return n, refuse(http.StatusBadRequest, "note %s was updated before it was published", n.ID)
	}
	return n, nil
}

// applyNote stores a note for those who want it: the local followers of its author, where it is addressed
// to the public or to the followers, and those it names.
func (s *Server) applyNote(ctx context.Context, act activity, late bool) (string, error) {
	n, err := readNote(act)
	if err != nil {
		return "", err
	}
	author, err := s.known(ctx, act.Actor)
	if err != nil {
		return "", refuse(http.StatusServiceUnavailable, "%w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tombs[n.ID] {
		return "ignored: a deleted id cannot come back", nil
	}
	if s.notes[n.ID] != nil {
		return "ignored: the note is here already", nil
	}
	names := s.audience(act, author)
	if len(names) == 0 {
		return "ignored: nobody here follows its author or is addressed", nil
	}
	s.notes[n.ID] = n.note(act.Object, author, act.ID)
	for _, name := range names {
		s.actors[name].timeline = append(s.actors[name].timeline, shown{note: n.ID})
	}
	s.touch()
	effect := "note stored for " + strings.Join(names, ", ")
	if late {
		effect += " (by its Update)"
	}
	return effect, nil
}

// note is the note as it is kept; author is whom it is attributed to.
func (n noteJSON) note(raw json.RawMessage, author RemoteActor, create string) *Note {
	return &Note{ID: n.ID, Author: n.AttributedTo, URL: n.URL, Content: n.Content, Published: n.Published, Updated: n.Updated,
		Raw: raw, Create: create, InReplyTo: n.InReplyTo, Visibility: visibilityOf(n.To, n.CC, author.Followers)}
}

// audience names the local actors that get a note. The lock must be held.
func (s *Server) audience(act activity, author RemoteActor) []string {
	all := slices.Concat(act.To, act.CC)
	toFollowers := slices.Contains(all, public) || author.Followers != "" && slices.Contains(all, author.Followers)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.actors)) {
		a := s.actors[name]
		f := a.follows[act.Actor]
		follows := f != nil && f.Accepted && toFollowers
		if name != instanceName && !a.gone && a.blocks[act.Actor] == "" && (follows || slices.Contains(all, a.ID)) {
			names = append(names, name)
		}
	}
	return names
}

// known returns what is known of a remote actor, and fetches it where nothing is.
func (s *Server) known(ctx context.Context, id string) (RemoteActor, error) {
	s.mu.Lock()
	a, ok := s.remotes[id]
	s.mu.Unlock()
	if ok {
		return a, nil
	}
	return s.FetchActor(ctx, id)
}

// applyUpdate takes a newer version of a note, or of an actor. An unknown note that is young is taken as
// new, as Mastodon does (activity/update.rb).
func (s *Server) applyUpdate(ctx context.Context, act activity) (string, error) {
	if objectID(act.Object) == act.Actor {
		return s.applyProfile(act)
	}
	n, err := readNote(act)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	old := s.notes[n.ID]
	if old == nil {
		s.mu.Unlock()
		if s.now().Sub(n.Published) < 24*time.Hour {
			return s.applyNote(ctx, act, true)
		}
		return "ignored: the note is unknown here", nil
	}
	defer s.mu.Unlock()
	switch {
	case old.Author != act.Actor:
		return "", refuse(http.StatusUnauthorized, "note %s is by %s, not by %s", n.ID, old.Author, act.Actor)
	case !n.Published.Equal(old.Published):
		return "", refuse(http.StatusBadRequest, "note %s changed its date of publication", n.ID) // GoToSocial refuses it
	case !n.Updated.After(old.Updated) || !n.Updated.After(old.Published):
		return "ignored: the version is not newer", nil
	}
	old.Edits = append(old.Edits, old.Content)
	old.Content, old.URL, old.Updated, old.Raw = n.Content, n.URL, n.Updated, act.Object
	s.touch()
	return "note edited", nil
}

func (s *Server) applyProfile(act activity) (string, error) {
	var doc map[string]any
	if err := json.Unmarshal(act.Object, &doc); err != nil {
		return "", refuse(http.StatusBadRequest, "object of %s is not readable: %w", act.ID, err)
	}
	a, err := actorOf(doc)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Handle = s.remotes[a.ID].Handle
	s.remotes[a.ID] = a
	s.touch()
	return "profile updated", nil
}

// applyDelete removes a note for ever, or all that is known of an actor.
func (s *Server) applyDelete(act activity) (string, error) {
	id := objectID(act.Object)
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == act.Actor {
		delete(s.remotes, id)
		for _, a := range s.actors {
			delete(a.followers, id)
			delete(a.requests, id)
			delete(a.follows, id)
		}
		for noteID, n := range s.notes {
			if n.Author == id {
				s.dropNote(noteID)
			}
		}
		s.touch()
		return "actor forgotten", nil
	}
	old := s.notes[id]
	if old != nil && old.Author != act.Actor || !sameHost(id, act.Actor) {
		return "", refuse(http.StatusUnauthorized, "%s may not delete %s", act.Actor, id)
	}
	s.tombs[id] = true // a known post or not: Mastodon never takes the id again
	s.touch()
	if old == nil {
		return "ignored: the note is unknown here (its id is taken no more)", nil
	}
	s.dropNote(id)
	return "note deleted", nil
}

// dropNote removes a note, for ever, and all that was said of it. The lock must be held.
func (s *Server) dropNote(id string) {
	s.tombs[id] = true
	delete(s.notes, id)
	for _, a := range s.actors {
		a.timeline = slices.DeleteFunc(a.timeline, func(t shown) bool { return t.note == id })
		a.outbox = slices.DeleteFunc(a.outbox, func(c map[string]any) bool { return c["id"] == id+"/activity" })
	}
	maps.DeleteFunc(s.reactions, func(_ string, r Reaction) bool { return r.Object == id })
	for who := range s.pins {
		s.pins[who] = slices.DeleteFunc(s.pins[who], func(p string) bool { return p == id })
	}
}

// Timeline returns the notes that the local actor sees, newest arrival first.
func (s *Server) Timeline(user string) []Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[user]
	if a == nil {
		return nil
	}
	var notes []Note
	for _, line := range slices.Backward(a.timeline) {
		n := *s.notes[line.note]
		n.Edits = slices.Clone(n.Edits)
		n.Boost, n.BoostedBy = line.boost, line.by
		notes = append(notes, n)
	}
	return notes
}

// Tombstoned reports whether the id was deleted and is never taken again.
func (s *Server) Tombstoned(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tombs[id]
}

// serveNote serves a note of a local actor.
func (s *Server) serveNote(w http.ResponseWriter, r *http.Request) {
	id := s.base + r.URL.Path
	s.mu.Lock()
	note, gone := s.notes[id], s.tombs[id]
	var raw json.RawMessage
	if note != nil {
		raw = note.Raw
	}
	s.mu.Unlock()
	switch {
	case gone:
		writeJSON(w, typeActivity, http.StatusGone, map[string]any{
			"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Tombstone"})
	case raw == nil:
		http.Error(w, fmt.Sprintf("no note %s", id), http.StatusNotFound)
	default:
		s.negotiate(w, r, raw)
	}
}
