package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"crier/store"
)

// reactedMost is how many reactions of one host are stored in a minute. A big server sends as many when it shows one
// post to all of its people; more than that wait there.
const reactedMost = 600

var errTooMany = &refusal{status: http.StatusTooManyRequests, reason: "too many activities, try later"}

// takeLike counts a Like, and an EmojiReact (Akkoma, FEP-c0e0), which is one with a picture.
func (s *Server) takeLike(_ context.Context, a arrival) error {
	return s.takeMark(a, store.ReactionLike, a.objectID())
}

// takeBoost counts an Announce. Whatever it embeds, only the id counts: groups (Lemmy, FEP-1b12) wrap the activities
// of other actors, whose word an Announce is not.
func (s *Server) takeBoost(_ context.Context, a arrival) error {
	object := a.inner()
	if object.is("Create") && s.ids.Ours(object.id()) {
		return s.takeMark(a, store.ReactionBoost, object.ref("object"))
	}
	return s.takeMark(a, store.ReactionBoost, a.objectID())
}

// takeMark counts a reaction that has no text of its own.
func (s *Server) takeMark(a arrival, kind store.ReactionKind, object string) error {
	post, why, err := s.reactedTo(a.activity, object)
	if err != nil {
		return err
	}
	if why != "" {
		return s.onlyLog(a, "202 Accepted, "+why)
	}
	if undone, err := s.wasUndone(a, a.id, string(kind)+" not counted: it was taken back before"); undone || err != nil {
		return err
	}
	return s.store(a, store.Reaction{
		ID: a.markID(kind, post.Path), Kind: kind, Post: post.Path,
		Published: a.doc.time("published"),
		Public:    a.doc.isOpen() || !a.doc.isAddressed() || kind == store.ReactionLike,
	})
}

// markID is what a like or boost is stored by. One without an id is known by what it says.
func (a *activity) markID(kind store.ReactionKind, post string) string {
	if a.id != "" {
		return partID(a.id, a.part.place)
	}
	return a.actor + " " + string(kind) + " " + post
}

// reactedTo finds the post of ours that a reaction is about. A reaction that does not count has a reason why.
func (s *Server) reactedTo(a *activity, object string) (post store.Post, why string, err error) {
	path, ours := s.ids.PostPath(object)
	if !ours {
		return store.Post{}, "noted", nil
	}
	post, err = s.db.Post(canonicalPath(path))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return store.Post{}, "noted: there is no such post", nil
	case err != nil:
		return store.Post{}, "", fmt.Errorf("read the post that %s is about: %w", a.id, err)
	case post.State != store.PostLive:
		return store.Post{}, "noted: the post was deleted", nil
	}
	if post.Visibility != visibilityFollowers {
		return post, "", nil
	}
	follows, err := s.follows(a.actor)
	if err == nil && !follows {
		return store.Post{}, "not counted: the post is for followers", nil
	}
	return post, "", err
}

// follows reports whether an actor is an accepted follower.
func (s *Server) follows(actor string) (bool, error) {
	f, err := s.db.Follower(actor)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for follower %s: %w", actor, err)
	}
	return f.State == store.FollowerAccepted, nil
}

// wasUndone reports whether an activity, or the note that it brings, was taken back before it came, and says so in
// the log.
func (s *Server) wasUndone(a arrival, id, result string) (bool, error) {
	if id == "" {
		return false, nil
	}
	line := s.line(a.activity, "202 Accepted, "+result, a.now)
	if id == a.id {
		return s.db.SpendUndone(a.now, a.actor, id, a.seenAs(), line)
	}
	undone, err := s.db.Undone(a.now, a.actor, id)
	if !undone || err != nil {
		return false, err
	}
	return true, s.db.MarkSeen(a.now, a.seenAs(), line)
}

// store stores a reaction of the activity's actor.
func (s *Server) store(a arrival, r store.Reaction) error {
	if !s.reacted.spend(hostOf(a.actor), a.now) {
		return errTooMany
	}
	if err := s.notCrowded(a); err != nil { // hosts are bounded each, and a wildcard name has any number of them
		return err
	}
	r.Actor, r.Name, r.Handle, r.Received = a.actor, a.by.Name, a.by.Handle, a.now
	if inbox := a.by.box(visibilityPublic); sameHost(inbox, a.actor) { // or one could have us write to anybody
		r.Inbox = inbox
	}
	if r.Published.After(a.now) {
		r.Published = a.now
	}
	before, err := s.known(r)
	if err != nil {
		return err
	}
	line := s.line(a.activity, "202 Accepted, "+storedText(r, before), a.now)
	_, err = s.db.PutReaction(a.now, r, a.seenAs(), line)
	switch {
	case errors.Is(err, store.ErrBlocked):
		return nil // just now
	case errors.Is(err, store.ErrFull):
		return s.onlyLog(a, "202 Accepted, "+string(r.Kind)+" not counted: there is no room for more")
	case errors.Is(err, store.ErrConflict):
		return s.onlyLog(a, "202 Accepted, "+string(r.Kind)+" not counted: its id is another actor's")
	case err != nil:
		return fmt.Errorf("store reaction %s: %w", r.ID, err)
	}
	return nil
}

// known returns what is stored of a reaction, the zero value where that is nothing.
func (s *Server) known(r store.Reaction) (store.Reaction, error) {
	before, err := s.db.Reaction(r.ID)
	if errors.Is(err, store.ErrNotFound) && (r.Kind == store.ReactionLike || r.Kind == store.ReactionBoost) {
		before, err = s.db.ReactionOf(r.Actor, r.Kind, r.Post)
	}
	if errors.Is(err, store.ErrNotFound) {
		return store.Reaction{}, nil
	}
	if err != nil {
		return store.Reaction{}, fmt.Errorf("look for reaction %s: %w", r.ID, err)
	}
	return before, nil
}

// storedText says in the log what was done with a reaction.
func storedText(r, before store.Reaction) string {
	written := r.Kind == store.ReactionReply || r.Kind == store.ReactionQuote
	switch {
	case before.ID != "" && written:
		return string(before.Kind) + " changed"
	case before.ID != "":
		return string(before.Kind) + " counted already"
	case !r.Public:
		return string(r.Kind) + " kept, not shown: it is not public"
	case written:
		return string(r.Kind) + " added"
	}
	return string(r.Kind) + " counted"
}

// undoneMark finds the like or boost that an Undo takes back: by its id, else, since some servers make up a new id
// for what they undo, by what it was done to.
func (s *Server) undoneMark(a *activity) (r store.Reaction, found bool, err error) {
	inner := a.inner()
	path, ours := s.ids.PostPath(inner.ref("object"))
	if id := inner.id(); id != "" {
		r, err = s.db.Reaction(id)
		if err == nil && !(a.part.of && ours && r.Post != canonicalPath(path)) {
			return r, r.Actor == a.actor && !isWritten(r), nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Reaction{}, false, fmt.Errorf("look for reaction %s: %w", id, err)
		}
	}
	kind, ok := markKind(inner.kind())
	if !ok || !ours {
		return store.Reaction{}, false, nil
	}
	r, err = s.db.ReactionOf(a.actor, kind, canonicalPath(path))
	if errors.Is(err, store.ErrNotFound) {
		return store.Reaction{}, false, nil
	}
	if err != nil {
		return store.Reaction{}, false, fmt.Errorf("look for what %s takes back: %w", a.id, err)
	}
	return r, true, nil
}

func isWritten(r store.Reaction) bool {
	return r.Kind == store.ReactionReply || r.Kind == store.ReactionQuote
}

// markKind is the kind of reaction that an activity of a type is.
func markKind(typ string) (store.ReactionKind, bool) {
	switch typ {
	case "Like", "EmojiReact":
		return store.ReactionLike, true
	case "Announce":
		return store.ReactionBoost, true
	}
	return "", false
}

// removeReaction removes a reaction of the activity's actor.
func (s *Server) removeReaction(a arrival, r store.Reaction) error {
	if !isWritten(r) {
		if err := s.db.ForgetSeen(seenOf(a.actor, r.ID)); err != nil {
			return fmt.Errorf("let %s come again: %w", r.ID, err)
		}
	}
	line := s.line(a.activity, "202 Accepted, "+string(r.Kind)+" removed", a.now)
	if _, err := s.db.RemoveReaction(a.now, a.actor, r.ID, a.seenAs(), line); err != nil {
		return fmt.Errorf("remove reaction %s: %w", r.ID, err)
	}
	return nil
}

// onlyLog writes an activity that changes nothing here into the log. One host cannot fill the log with them.
func (s *Server) onlyLog(a arrival, result string) error {
	if !s.noted.spend(hostOf(a.actor), a.now) {
		return errTooMany
	}
	return s.log202(a, result)
}

// objectTimeout is for one fetch of an object that an activity names.
const objectTimeout = 4 * time.Second

// fetchObject fetches an object from its own host, for an activity that only names it. The host's places for look-ups
// and its budget of failures count, as for keys.
func (s *Server) fetchObject(ctx context.Context, id string) (node, error) {
	host := strings.Clone(hostOf(id))
	if !s.resolver.failed.left(host, time.Now()) {
		return node{}, errTooMany
	}
	leave := s.resolver.slots.take(host, slotWait)
	if leave == nil {
		return node{}, errTooMany
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	doc, err := s.client.object(ctx, id, wantActor())
	if err != nil {
		s.resolver.failed.spend(host, time.Now())
		return node{}, err
	}
	return readNode(doc.Body)
}
