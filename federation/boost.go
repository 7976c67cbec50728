package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"crier/store"
)

// Boost passes a post on to the followers (Announce), ours or somebody else's, and tells its author. Only what
// everybody may read can be boosted, and nothing by an account that has moved away. What is boosted already stays as
// it is. An error means that nothing was stored.
func (s *Server) Boost(ctx context.Context, address string) (Done, error) {
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	if err := s.canPublish(); err != nil {
		return Done{}, err
	}
	t, err := s.thing(ctx, address)
	if err != nil {
		return Done{}, fmt.Errorf("find what is to be boosted: %w", err)
	}
	if !forEverybody(t.Visibility) {
		return Done{}, fmt.Errorf("%s is not for everybody: it cannot be boosted", t.ID)
	}
	var inbox string
	if t.ours == nil {
		author, err := s.somebody(ctx, t.Author)
		if err != nil {
			return Done{}, fmt.Errorf("find the author of %s: %w", t.ID, err)
		}
		inbox = author.box(visibilityPublic)
	}
	s.byHand.Lock()
	defer s.byHand.Unlock()
	old, err := s.db.Boost(t.ID)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return Done{}, fmt.Errorf("read the boost of %s: %w", t.ID, err)
	case err == nil && old.Undone.IsZero():
		return Done{Boost: old}, nil
	}
	b := store.Boost{
		Object: t.ID, URL: t.URL, Title: t.Title, Author: t.Author, Inbox: inbox, Number: old.Number + 1,
		Published: boostTime(t, time.Now()),
	}
	if t.ours != nil {
		b.Path = t.ours.Path
	}
	b.Announce = s.ids.Activity("Announce", b.Object, strconv.Itoa(b.Number))
	out, err := s.outgoing(s.announce(b), b.Object, inbox)
	if err != nil {
		return Done{}, err
	}
	queued, err := s.db.AddBoost(time.Now(), b, out)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Done{}, fmt.Errorf("%s was deleted", b.Object)
	case err != nil:
		return Done{}, fmt.Errorf("store the boost of %s: %w", b.Object, err)
	}
	s.tellQueued(queued)
	return Done{Boost: b, Changed: true, Queued: queued}, nil
}

// boostTime is the date of a boost. Misskey (2025.11) refuses one that is older than what it boosts, which may be of
// this very second, or of a clock that is a little ahead.
func boostTime(t thing, now time.Time) time.Time {
	const skew = 10 * time.Minute
	at := now.UTC().Truncate(time.Second)
	if t.Published.After(at) && t.Published.Before(now.Add(skew)) {
		at = t.Published.UTC().Add(time.Second - 1).Truncate(time.Second)
	}
	return at
}

// Unboost takes a boost back: one that is named by what is boosted, by that one's page, or by the Announce. The Undo
// has the Announce in it (Mastodon and Misskey want it so).
func (s *Server) Unboost(what string) (Done, error) {
	s.byHand.Lock()
	defer s.byHand.Unlock()
	b, err := s.boostOf(what)
	if err != nil {
		return Done{}, err
	}
	announce, err := encode(s.announce(b))
	if err != nil {
		return Done{}, fmt.Errorf("write the boost of %s: %w", b.Object, err)
	}
	undo := s.announce(b)
	undo.Type, undo.Published = "Undo", ""
	undo.ID = s.ids.Activity("Undo", b.Announce, "")
	undo.Object = withoutContext(announce)
	out, err := s.outgoing(undo, b.Object, b.Inbox)
	if err != nil {
		return Done{}, err
	}
	queued, err := s.db.UndoBoost(time.Now(), b.Object, out)
	if err != nil {
		return Done{}, fmt.Errorf("take back the boost of %s: %w", b.Object, err)
	}
	s.tellQueued(queued)
	return Done{Boost: b, Changed: true, Queued: queued}, nil
}

// boostOf finds a boost that stands.
func (s *Server) boostOf(what string) (store.Boost, error) {
	all, err := s.db.Boosts()
	if err != nil {
		return store.Boost{}, fmt.Errorf("read the boosts: %w", err)
	}
	own, err := s.findPostOf(what)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Boost{}, fmt.Errorf("look for %s: %w", what, err)
	}
	for _, b := range all {
		if what == b.Object || what == b.URL || what == b.Announce || own.ID == b.Object {
			return b, nil
		}
	}
	return store.Boost{}, fmt.Errorf("nothing is boosted under the address %q; see `crier post list`", clean(what, 200))
}

// announce is the Announce of a boost: for everybody, the followers and the author, as in the article and as Mastodon
// writes it. The object is the id alone: what it says is its own server's to tell.
func (s *Server) announce(b store.Boost) activityObject {
	cc := []string{s.ids.Followers()}
	if b.Author != s.ids.Actor() {
		cc = append(cc, b.Author)
	}
	return activityObject{
		Context: []any{nsActivityStreams}, ID: b.Announce, Type: "Announce", Actor: s.ids.Actor(),
		Published: stamp(b.Published), To: []string{Public}, CC: cc, Object: json.RawMessage(mustEncode(b.Object)),
	}
}

// outgoing is an activity about an object as it is stored and sent: to the followers, and to further inboxes.
func (s *Server) outgoing(a activityObject, object string, inboxes ...string) (store.Outgoing, error) {
	body, err := encode(a)
	if err != nil {
		return store.Outgoing{}, fmt.Errorf("write the %s of %s: %w", a.Type, object, err)
	}
	typ, described := s.describe(body)
	return store.Outgoing{
		Activity:  store.Activity{ID: a.ID, Type: a.Type, Object: object, Body: body},
		Followers: true, Inboxes: inboxes,
		Log: []store.LogEntry{{
			Time: time.Now(), Direction: "out", Type: typ, Object: described, From: s.ids.Actor(),
			To: "the followers", Result: "queued", Activity: a.ID, Source: body,
		}},
	}, nil
}

func (s *Server) tellQueued(n int) {
	if n > 0 {
		s.WakeDeliverer()
	}
}
