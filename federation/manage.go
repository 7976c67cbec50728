package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"crier/store"
)

// ApproveFollowers accepts the follows of those named, each by a handle or an actor's address. All of them are
// accepted or, where one name fits nobody, none; who was accepted before stays so.
func (s *Server) ApproveFollowers(ctx context.Context, names []string) ([]FollowerChange, error) {
	return s.decideOn(ctx, names, s.approve)
}

// ApproveAll accepts all follows that await approval, and returns who they are by.
func (s *Server) ApproveAll(context.Context) ([]FollowerChange, error) {
	return retried(func() ([]FollowerChange, error) {
		pending, err := s.db.PendingFollowers()
		if err != nil {
			return nil, fmt.Errorf("list who awaits approval: %w", err)
		}
		return s.approve(pending)
	})
}

// RejectFollowers turns down the follows of those named, who await approval: they are forgotten, and their servers
// are told. They may ask again. All are turned down, or none.
func (s *Server) RejectFollowers(ctx context.Context, names []string) ([]FollowerChange, error) {
	return s.decideOn(ctx, names, func(list []store.Follower) ([]FollowerChange, error) {
		for _, f := range list {
			if f.State == store.FollowerAccepted {
				return nil, fmt.Errorf("%s follows already; to end that: crier follower remove %s", called(f), called(f))
			}
		}
		return s.dismiss(list, "turned down by the owner")
	})
}

// RemoveFollowers ends the follows of those named, who were accepted: they get nothing any more, and their servers
// are told. They may ask again; AddBlock keeps them out. All are removed, or none.
func (s *Server) RemoveFollowers(ctx context.Context, names []string) ([]FollowerChange, error) {
	return s.decideOn(ctx, names, func(list []store.Follower) ([]FollowerChange, error) {
		for _, f := range list {
			if f.State == store.FollowerPending {
				return nil, fmt.Errorf("%s awaits approval; to turn that down: crier follower reject %s", called(f), called(f))
			}
		}
		return s.dismiss(list, "removed by the owner")
	})
}

// FollowerChange is a follower that the owner decided on.
type FollowerChange struct {
	Follower store.Follower // as it was before
	Changed  bool           // false: it was so already
}

// called is what people know a follower by.
func called(f store.Follower) string {
	if f.Handle == "" {
		return f.Actor
	}
	return "@" + f.Handle
}

// decideOn finds the followers that are named and decides on them, again where one changed in between.
func (s *Server) decideOn(ctx context.Context, names []string, decide func([]store.Follower) ([]FollowerChange, error)) ([]FollowerChange, error) {
	return retried(func() ([]FollowerChange, error) {
		list, err := s.findFollowers(ctx, names)
		if err != nil {
			return nil, err
		}
		return decide(list)
	})
}

// retried runs what decides by something stored again, as long as that changes in between.
func retried[T any](decide func() (T, error)) (done T, err error) {
	for range decideTries {
		if done, err = decide(); !errors.Is(err, store.ErrConflict) {
			return done, err
		}
	}
	return done, err
}

func (s *Server) approve(list []store.Follower) ([]FollowerChange, error) {
	changes := make([]FollowerChange, len(list))
	var waiting []store.Follower
	for i, f := range list {
		changes[i] = FollowerChange{Follower: f, Changed: f.State == store.FollowerPending}
		if changes[i].Changed {
			waiting = append(waiting, f)
		}
	}
	if len(waiting) == 0 {
		return changes, nil
	}
	if err := s.canApprove(); err != nil {
		return nil, err
	}
	decisions, err := s.decisions("Accept", waiting, "approved by the owner")
	if err != nil {
		return nil, err
	}
	if err := s.db.ApproveFollowers(time.Now(), decisions); err != nil {
		return nil, fmt.Errorf("approve followers: %w", err)
	}
	s.WakeDeliverer()
	return changes, nil
}

func (s *Server) dismiss(list []store.Follower, result string) ([]FollowerChange, error) {
	decisions, err := s.decisions("Reject", list, result)
	if err != nil {
		return nil, err
	}
	if err := s.db.DismissFollowers(time.Now(), decisions); err != nil {
		return nil, fmt.Errorf("remove followers: %w", err)
	}
	s.WakeDeliverer()
	changes := make([]FollowerChange, len(list))
	for i, f := range list {
		changes[i] = FollowerChange{Follower: f, Changed: true}
	}
	return changes, nil
}

// decisions makes the answer to each follow, with its line in the log.
func (s *Server) decisions(typ string, list []store.Follower, result string) ([]store.Decision, error) {
	decisions := make([]store.Decision, len(list))
	for i, f := range list {
		answer, err := s.answerFollow(typ, f)
		if err != nil {
			return nil, err
		}
		decisions[i] = store.Decision{Follower: f, Answer: answer, Log: []store.LogEntry{s.decided(answer, f, result)}}
	}
	return decisions, nil
}

// decided is the log's line about the owner's word on a follower. The answer's way to its server has a line of its own.
func (s *Server) decided(answer store.Activity, f store.Follower, result string) store.LogEntry {
	_, object := s.describe(answer.Body)
	return store.LogEntry{
		Time: time.Now(), Direction: "own", Type: answer.Type, Object: object, From: s.ids.Actor(), To: f.Actor,
		Result: result, Source: answer.Body,
	}
}

// findFollowers finds the followers with those names, each once.
func (s *Server) findFollowers(ctx context.Context, names []string) ([]store.Follower, error) {
	var handles []string
	for _, name := range names {
		if handle, err := plainHandle(strings.TrimSpace(name)); err == nil {
			handles = append(handles, handle)
		}
	}
	fitting, err := s.fitting(handles)
	if err != nil {
		return nil, err
	}
	var found []store.Follower
	known := map[string]bool{}
	for _, name := range names {
		f, err := s.findFollower(ctx, strings.TrimSpace(name), fitting)
		if err != nil {
			return nil, err
		}
		if !known[f.Actor] {
			known[f.Actor] = true
			found = append(found, f)
		}
	}
	return found, nil
}

// findFollower finds the follower with that name: by what is stored, and only where that does not tell by asking the
// name's own host.
func (s *Server) findFollower(ctx context.Context, name string, fitting map[string]fits) (store.Follower, error) {
	f, err := s.storedFollower(name, fitting)
	if !errors.Is(err, store.ErrNotFound) {
		return f, err
	}
	nobody := fmt.Errorf("nobody by the name of %s follows; see crier follower list", clean(name, 200))
	id, err := s.actorCalled(ctx, name)
	if err != nil {
		// Most likely a slip of the pen. It must be told from a network that is down all the same.
		return store.Follower{}, fmt.Errorf("%w (nor does the name lead anywhere: %w)", nobody, err)
	}
	f, err = s.db.Follower(id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Follower{}, nobody
	}
	if err != nil {
		return store.Follower{}, fmt.Errorf("look for follower %s: %w", id, err)
	}
	return f, nil
}

// storedFollower is the follower with that name as far as what is stored tells, else ErrNotFound.
func (s *Server) storedFollower(name string, fitting map[string]fits) (store.Follower, error) {
	if isWebAddress(name) {
		f, err := s.db.Follower(name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Follower{}, fmt.Errorf("look for follower %s: %w", name, err)
		}
		return f, err
	}
	handle, err := plainHandle(name)
	if err != nil {
		return store.Follower{}, err
	}
	for _, list := range [][]store.Follower{fitting[handle].named, fitting[handle].shown} {
		switch len(list) {
		case 0:
		case 1:
			return list[0], nil
		default: // an account that was made anew under its old name
			return store.Follower{}, fmt.Errorf("%s may be %s or %s: name the one you mean by its address",
				clean(name, 200), list[0].Actor, list[1].Actor)
		}
	}
	return store.Follower{}, store.ErrNotFound
}

// fits are the followers that a handle fits.
type fits struct {
	named []store.Follower // their servers call them so, or both their hosts do
	shown []store.Follower // the log calls them so, by what their ids look like
}

// atOnce is how many followers are in memory while one is looked for: each has its key with it.
const atOnce = 1000

// fitting goes through all followers for those that the handles (see plainHandle) fit.
func (s *Server) fitting(handles []string) (map[string]fits, error) {
	found := map[string]fits{}
	for skip := 0; len(handles) > 0; skip += atOnce {
		list, err := s.db.Followers(skip, atOnce)
		if err != nil {
			return nil, fmt.Errorf("list followers: %w", err)
		}
		confirmed, err := s.db.Handles(actorsOf(list))
		if err != nil {
			return nil, err
		}
		for _, f := range list {
			s.fit(found, handles, f, confirmed[f.Actor])
		}
		if len(list) < atOnce {
			break
		}
	}
	return found, nil
}

func actorsOf(list []store.Follower) []string {
	actors := make([]string, len(list))
	for i, f := range list {
		actors[i] = f.Actor
	}
	return actors
}

// fit notes a follower with each handle that fits it.
func (s *Server) fit(found map[string]fits, handles []string, f store.Follower, asked store.Handle) {
	names := describer{actor: s.ids.Actor(), handle: s.cfg.Handle}
	named, shown, confirmed := sameForm(f.Handle), sameForm(names.name(f.Actor)), sameForm(asked.Handle)
	for _, handle := range handles {
		fit := found[handle]
		switch handle {
		case named, confirmed:
			fit.named = withFollower(fit.named, f)
		case shown:
			fit.shown = withFollower(fit.shown, f)
		}
		found[handle] = fit
	}
}

// withFollower adds a follower unless it is there: one who follows meanwhile moves all others on by a place.
func withFollower(list []store.Follower, f store.Follower) []store.Follower {
	for _, other := range list {
		if other.Actor == f.Actor {
			return list
		}
	}
	return append(list, f)
}

func isWebAddress(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")
}

// plainHandle is a handle in the form in which handles are compared: user@host, in lower case and A-labels.
func plainHandle(handle string) (string, error) {
	user, host, err := parseHandle(handle)
	if err != nil {
		return "", err
	}
	return strings.ToLower(user + "@" + strings.TrimSuffix(host, ".")), nil
}

// sameForm is plainHandle, or nothing where that is no handle.
func sameForm(handle string) string {
	plain, err := plainHandle(handle)
	if err != nil {
		return ""
	}
	return plain
}

// actorCalled asks for the id of the actor that a handle or an address leads to.
func (s *Server) actorCalled(ctx context.Context, name string) (string, error) {
	doc, _, err := s.Lookup(ctx, name)
	if err != nil {
		return "", err
	}
	a, err := parseActor(doc)
	if err != nil {
		return "", fmt.Errorf("%s: %w", clean(name, 200), err)
	}
	return a.ID, nil
}
