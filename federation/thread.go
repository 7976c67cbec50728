package federation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"crier/store"
)

const (
	// threadDepth is how deep below a post an answer still counts as one to it. Nobody reads on from there, and
	// two who answer each other for ever should not grow a page.
	threadDepth = 32

	// namesRead is how many of the things that an object answers are looked up; it names one.
	namesRead = 4
)

// ourPost is the id of the post of ours that an address means, if it means one: the id itself or another spelling of
// it, the page of its entry (some clients answer what they see), /posts?url=…, or the id of its Create.
func (s *Server) ourPost(address string) (id string, ok bool) {
	address = withoutFragment(address)
	if _, ok := s.ids.PostPath(address); ok {
		return address, true
	}
	if len(address) > maxAddress || !isWebAddress(address) {
		return "", false
	}
	if s.ids.Ours(address) {
		return s.ourPostHere(address)
	}
	p, err := s.findPostOf(address)
	return p.ID, err == nil
}

// ourPostHere is ourPost for an address on this host.
func (s *Server) ourPostHere(address string) (id string, ok bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	here := s.ids.Base() + u.EscapedPath() // whatever scheme and case it was written with
	if _, ok := s.ids.PostPath(here); ok {
		return here, true
	}
	if asked := u.Query().Get("url"); u.Path == "/posts" && asked != "" {
		p, err := s.findPostOf(asked)
		return p.ID, err == nil
	}
	if !strings.HasPrefix(u.Path, "/activities/") {
		return "", false
	}
	a, err := s.db.Activity(here)
	return a.Object, err == nil && a.Type == "Create"
}

// firstOurs is the first of some addresses that means a post of ours.
func (s *Server) firstOurs(addresses []string) (id string, ok bool) {
	for _, address := range addresses[:min(len(addresses), namesRead)] {
		if id, ok := s.ourPost(address); ok {
			return id, true
		}
	}
	return "", false
}

// beneath finds the stored reply that a note answers. It counts only if we are addressed: what others say to each
// other is theirs.
func (s *Server) beneath(note, addressed node) (parent store.Reaction, found bool, err error) {
	if !addressed.isTo(s.ids.Actor()) && !slices.Contains(mentions(note), s.ids.Actor()) {
		return store.Reaction{}, false, nil
	}
	answered := note.refs("inReplyTo")
	for _, id := range answered[:min(len(answered), namesRead)] {
		parent, err = s.db.Reaction(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return store.Reaction{}, false, fmt.Errorf("look for reply %s: %w", id, err)
		}
		if parent.Kind == store.ReactionReply && parent.Depth < threadDepth && parent.ID != note.id() {
			return parent, true, nil
		}
	}
	return store.Reaction{}, false, nil
}

// answered finds the post that a note replies to, itself or through replies that are stored, or else quotes; r takes
// what follows from that, and may bring what was known of the note before.
func (s *Server) answered(note, addressed node, r *store.Reaction) (object string, err error) {
	kind, object := s.answers(note)
	if r.Kind = kind; kind == store.ReactionReply {
		r.Depth = 0
		return object, nil
	}
	parent, found, err := s.beneath(note, addressed)
	switch {
	case err != nil:
		return "", err
	case found: // what answers something that is not shown would say what that was
		r.Post, r.Depth, r.Hidden = parent.Post, parent.Depth+1, parent.Hidden || !parent.Public
	case object != "" || r.Depth == 0:
		r.Depth = 0
		return object, nil
	}
	r.Kind = store.ReactionReply // also where what it answers is gone
	return s.ids.Post(r.Post), nil
}

// undoesDelete reports whether an Undo takes back the deletion of something that is remembered as deleted, or that would
// be a reaction.
func (s *Server) undoesDelete(a *activity) (bool, error) {
	inner := a.inner()
	if !inner.is("Delete") {
		return false, nil
	}
	if slices.ContainsFunc(inner.all("object"), s.isAboutOurs) {
		return true, nil
	}
	id := inner.ref("object")
	if id == "" || len(id) > maxAddress {
		return false, nil
	}
	return s.db.Undone(time.Now(), a.actor, id)
}

// takeRestored takes what somebody wrote, deleted and has now back (Lemmy does so with comments).
func (s *Server) takeRestored(ctx context.Context, a arrival) error {
	objects := a.inner().all("object")
	if len(objects) == 0 {
		return s.onlyLog(a, "202 Accepted, noted")
	}
	note, why, err := s.writtenAs(ctx, a, objects[0])
	if err != nil {
		return err
	}
	if why != "" {
		return s.onlyLog(a, "202 Accepted, "+why)
	}
	if _, err := s.db.SpendUndone(a.now, a.actor, note.id(), ""); err != nil {
		return err
	}
	return s.takeWritten(a, note)
}
