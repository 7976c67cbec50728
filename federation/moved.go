package federation

import (
	"errors"
	"fmt"

	"crier/store"
)

// An account that has moved away is quiet and stays: everything is served as before, for years, since servers
// that were away come late and read it then, with movedTo in the actor. Nothing that the feeds bring is published,
// changed or deleted any more, and nobody new may follow. What the owner does by hand still counts.

// hasMoved reports whether the account has moved away, or is about to.
func (s *Server) hasMoved() bool { return s.person().profile.movedTo != "" }

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
// confirmation there. The name at the actor's own host, the actor and its host still lead to the old one.
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
	for key := range fingers {
		if stays[key] {
			put(key, s.ownJRD(p, subject, subject))
		}
	}
	put(s.nameHere(s.domain), elsewhereJRD("acct:"+s.nameHere(s.domain), p.movedTo))
	if key, err := resourceKey("https://" + s.domain + "/"); err == nil && !stays[key] {
		put(key, elsewhereJRD("https://"+s.domain+"/", p.movedTo))
	}
	for name, target := range s.cfg.Aliases {
		if key, err := resourceKey(name); err == nil && target == "self" && !stays[key] {
			put(key, elsewhereJRD(asWritten(name, key), p.movedTo))
		}
	}
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
