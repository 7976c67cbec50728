package federation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"crier/store"
)

// An account that has moved away is quiet and stays: everything is served as before, for years, since servers
// that were away come late and read it then, with movedTo in the actor. Nothing that the feeds bring is published,
// changed or deleted any more, nobody new may follow, and the owner can neither write nor boost. What there is the
// owner may still correct, take away, pin and unpin by hand.

// hasMoved reports whether the account has moved away, or is about to.
func (s *Server) hasMoved() bool { return s.person().profile.movedTo != "" }

// canPublish is the error for somebody who wants to publish by hand what is new; nil where the account is at home.
func (s *Server) canPublish() error {
	if !s.hasMoved() {
		return nil
	}
	p := s.person().profile
	to := p.movedTo
	if p.movedHandle != "" {
		to = "@" + p.movedHandle
	}
	return fmt.Errorf("this account has moved to %s; nothing new is published here: `crier move --cancel` takes it back", to)
}

// nameOf is the name that the actor gives itself: its handle, or that of its own host where the handle now leads
// to another actor. Other servers look that name up, and take the actor only if it leads back.
func (s *Server) nameOf(p Profile) string {
	if p.handleMoved {
		return s.nameHere(s.ids.Host())
	}
	return s.cfg.Handle
}

// handleCanMove reports whether the handle may lead elsewhere: it must not be the only name the actor has, or no
// server could look the actor up again and see that it has moved.
func (s *Server) handleCanMove() bool { return s.nameHere(s.domain) != s.nameHere(s.ids.Host()) }

// leadAway makes the account's names lead to the new actor, each as its own subject, so that they need no
// confirmation there. What leads to somebody else stays; so do the name at the actor's own host, the actor and its
// host, which still lead to the old one.
func (s *Server) leadAway(fingers map[string]finger, p Profile) {
	put := func(key string, d descriptor) { fingers[key] = finger{d, newJRD(mustEncode(d))} }
	own := s.nameHere(s.ids.Host())
	subject := "acct:" + own
	stays := map[string]bool{own: true}
	for _, address := range []string{s.ids.Actor(), s.ids.Base()} {
		if key, err := resourceKey(address); err == nil {
			stays[key] = true
		}
	}
	written := map[string]string{}
	for name := range s.cfg.Aliases {
		if key, err := resourceKey(name); err == nil {
			written[key] = asWritten(name, key)
		}
	}
	for key, f := range fingers {
		switch {
		case !slices.Contains(f.descriptor.Aliases, s.ids.Actor()):
		case stays[key]:
			put(key, s.ownJRD(p, subject, subject))
		case strings.HasPrefix(key, "//"):
			put(key, elsewhereJRD("https:"+key+"/", p.movedTo))
		default:
			put(key, elsewhereJRD(firstOf(written[key], "acct:"+key), p.movedTo))
		}
	}
}

// canApprove is the error for an owner who wants to let in somebody that has waited; nil where the account is at home.
func (s *Server) canApprove() error {
	if !s.hasMoved() {
		return nil
	}
	return errors.New("this account has moved, and nobody new may follow it: crier follower reject turns down who still waits")
}

// turnDownWaiting makes the Rejects for all who await approval when the account moves: they would hear neither of
// that nor of an approval. Nothing where nobody waits.
func (s *Server) turnDownWaiting() ([]store.Broadcast, error) {
	pending, err := s.db.PendingFollowers()
	if err != nil {
		return nil, fmt.Errorf("list who awaits approval: %w", err)
	}
	if len(pending) == 0 {
		return nil, nil
	}
	decisions, err := s.decisions("Reject", pending, "turned down: the account has moved")
	return []store.Broadcast{{Dismiss: decisions}}, err
}

// turnAway refuses a Follow of an account that has moved, unless it is by somebody who follows already and only
// asks again. It reports whether it has answered; ErrConflict if what it was decided by has changed.
func (s *Server) turnAway(a arrival, f store.Follower) (done bool, err error) {
	if !s.hasMoved() {
		return false, nil
	}
	before, err := s.db.Follower(a.actor)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return false, fmt.Errorf("look for follower %s: %w", a.actor, err)
	case err == nil && before.State == store.FollowerAccepted:
		return false, nil
	}
	answer, err := s.reject(f)
	if err != nil {
		return false, err
	}
	refusal := store.FollowRefusal{
		Actor: a.actor, Before: before, Seen: a.seenAs(), Answer: answer, Inbox: f.Inbox,
		Log: []store.LogEntry{s.line(a.activity, "202 Accepted, follow refused: the account has moved", a.now)},
	}
	if err := s.db.RefuseFollow(a.now, refusal); err != nil {
		return false, fmt.Errorf("store the refusal of follower %s: %w", a.actor, err)
	}
	s.WakeDeliverer()
	return true, nil
}

// reject makes the Reject of a follow. Its id follows from the Follow, as that of an Accept does.
func (s *Server) reject(f store.Follower) (store.Activity, error) {
	body, err := encode(acceptActivity{
		Context: nsActivityStreams,
		ID:      s.ids.Activity("Reject", f.FollowID, f.Actor),
		Type:    "Reject",
		Actor:   s.ids.Actor(),
		Object:  f.Follow,
		To:      []string{f.Actor},
	})
	if err != nil {
		return store.Activity{}, fmt.Errorf("write the reject for %s: %w", f.Actor, err)
	}
	return store.Activity{ID: idOf(body), Type: "Reject", Object: f.Actor, Body: body}, nil
}
