package federation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"crier/store"
)

const (
	handleAge     = 7 * 24 * time.Hour // how long a confirmed handle is believed
	unnamedAge    = 24 * time.Hour     // after so long one that was not confirmed is asked for again
	handlesWanted = 500                // actors that wait to be asked for; who does not fit waits to be shown again
	handlePause   = time.Second        // between two actors
	handlesOfHost = 10                 // actors of one host in a minute
)

// handles are the actors whose handles somebody wants to see and nobody has confirmed. Only what is shown to the
// owner is asked for, one after the other: a burst of Follows causes no look-up at all.
type handles struct {
	wake   chan struct{} // one slot
	byHost *budget

	mu     sync.Mutex
	wanted []string // ids, oldest first
}

func newHandles() *handles {
	return &handles{wake: make(chan struct{}, 1), byHost: newBudget(handlesOfHost, time.Minute)}
}

// want notes actors to be asked for, as many as there is room for, each once.
func (h *handles) want(actors []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting := make(map[string]bool, len(h.wanted))
	for _, id := range h.wanted {
		waiting[id] = true
	}
	for _, id := range actors {
		if len(h.wanted) == handlesWanted {
			break
		}
		if !waiting[id] {
			waiting[id] = true
			h.wanted = append(h.wanted, id)
		}
	}
	wake(h.wake)
}

// next takes the first actor whose host may be asked now. none says that nobody waits at all.
func (h *handles) next(now time.Time) (actor string, none bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, id := range h.wanted {
		if h.byHost.left(hostOf(id), now) {
			h.byHost.spend(hostOf(id), now)
			h.wanted = append(h.wanted[:i:i], h.wanted[i+1:]...)
			return id, false
		}
	}
	return "", len(h.wanted) == 0
}

// Handles returns how to call actors that follow or reacted, given how their own servers name them, both by id: the
// handle that both hosts agree on where that is known, else what was given. What is not known, or for long, is asked
// for by RunHandles, so that it is known the next time.
func (s *Server) Handles(own map[string]string) (map[string]string, error) {
	actors := make([]string, 0, len(own))
	for id := range own {
		actors = append(actors, id)
	}
	known, err := s.db.Handles(actors)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	shown := make(map[string]string, len(own))
	var due []string
	for id, name := range own {
		h := known[id]
		if h.Own != name {
			h = store.Handle{} // it was renamed
		}
		shown[id] = firstOf(h.Handle, name)
		if age := now.Sub(h.Checked); age >= handleAge || h.Handle == "" && age >= unnamedAge {
			due = append(due, id)
		}
	}
	if len(due) > 0 {
		s.handles.want(due)
	}
	return shown, nil
}

// RunHandles asks for the handles that are wanted (see Handles), slowly, until ctx is done. A store that takes none, on a
// full disk for example, is tried again; it returns no error.
func (s *Server) RunHandles(ctx context.Context) error {
	for {
		actor, none := s.handles.next(time.Now())
		if actor != "" {
			if err := s.learnHandle(ctx, actor); err != nil {
				s.log.Debug("a handle cannot be stored for now", "actor", actor, "err", err)
				s.handles.want([]string{actor})
			}
		}
		var pause <-chan time.Time
		woken := s.handles.wake
		if !none {
			pause, woken = time.After(handlePause), nil // who comes meanwhile waits its turn
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pause:
		case <-woken:
		}
	}
}

// learnHandle asks how an actor is called and stores what came of it. Where its server cannot be reached, what was
// known stays.
func (s *Server) learnHandle(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, calledTime)
	defer cancel()
	a, err := s.resolver.actor(ctx, id)
	if err != nil {
		s.log.Debug("an actor whose handle is wanted cannot be fetched", "actor", id, "err", err)
		return nil
	}
	handle, err := s.client.handleOf(ctx, a.ID, a.WebFinger, a.Handle)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		s.log.Debug("the handle of an actor is not confirmed", "actor", id, "instead", a.Handle, "err", err)
	}
	h := store.Handle{Actor: id, Own: a.Handle, Handle: clean(handle, 320), Checked: time.Now().UTC()}
	if _, err := s.db.PutHandle(h); err != nil {
		return fmt.Errorf("learn the handle of %s: %w", id, err)
	}
	return nil
}
