package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"crier/store"
)

const (
	// moveRest is how long after a move no other one may begin. Mastodon's rule for its own accounts; as a
	// receiver it takes one Move of an account in 7 days, and so does GoToSocial, Misskey one in 14.
	moveRest = 30 * 24 * time.Hour

	// tellTime is how long the Move waits at most for the Update that goes before it: a receiver that looks at
	// the old actor, as Misskey does, should find movedTo there.
	tellTime = 2 * time.Minute

	tellPause = time.Second // between two looks at whether the Update is delivered

	// newsAfter is how many new entries may go out at once when a move is cancelled. More wait for the owner.
	newsAfter = 5
)

// moving is what moving away needs of Server beside the store.
type moving struct {
	mu   sync.Mutex    // held while a move begins, goes on or is cancelled
	wake chan struct{} // one slot: wakes RunMover
}

// moveActivity tells the followers that an account has moved (FEP-7628).
type moveActivity struct {
	Context string   `json:"@context"`
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Actor   string   `json:"actor"`
	Object  string   `json:"object"` // the old account, which is the actor: Mastodon refuses any other
	Target  string   `json:"target"`
	To      []string `json:"to"`
}

// Move begins to move the followers to another account, after all checks of PlanMove; webFinger also lets the
// handle lead there. When it returns without error the move is stored, the actor has movedTo, and the Update that
// tells of it is queued; RunMover sends the Move.
func (s *Server) Move(ctx context.Context, target string, webFinger bool) (MovePlan, error) {
	plan, err := s.PlanMove(ctx, target, webFinger)
	if err != nil {
		return plan, err
	}
	if wrong := plan.Wrong(); len(wrong) > 0 {
		return plan, fmt.Errorf("nothing was moved: %s", strings.Join(wrong, "; "))
	}
	// Who follows an actor that was never announced would not be told of the change.
	if _, err := s.AnnounceActor(); err != nil {
		return plan, err
	}
	s.moving.mu.Lock()
	defer s.moving.mu.Unlock()
	s.publishing.mu.Lock() // what is being published now still belongs to the time before
	defer s.publishing.mu.Unlock()
	begin := func() (queued int, err error) { return s.beginMove(plan, webFinger) }
	if _, err := retried(begin); err != nil {
		return plan, err
	}
	s.log.Info("the account moves", "target", plan.Target, "followers", plan.Followers)
	wake(s.moving.wake)
	return plan, nil
}

// beginMove stores that the account moves, and turns down who awaits its approval; ErrConflict if somebody more does
// by now.
func (s *Server) beginMove(plan MovePlan, webFinger bool) (queued int, err error) {
	waiting, err := s.turnDownWaiting()
	if err != nil {
		return 0, err
	}
	taken := false
	queued, err = s.changePresence(func(p *store.Presence) {
		if taken = p.Move != nil; taken {
			return
		}
		p.Moves++
		p.Move = &store.Move{
			Target: plan.Target, Handle: plan.Handle, Begun: time.Now().UTC(), Followers: plan.Followers, WebFinger: webFinger,
			Update: s.ids.Activity("Update", s.ids.Actor(), fmt.Sprint(p.Told+1)),
			ID:     s.ids.Activity("Move", s.ids.Actor(), fmt.Sprint(plan.Target, " ", p.Moves)),
		}
	}, waiting...)
	if taken {
		err = errors.New("nothing was moved: another move began at the same moment")
	}
	return queued, err
}

// RunMover goes on with a move that has begun until ctx is done: it waits until the Update is delivered wherever
// that is possible, for two minutes at most, then queues the Move. It also tries again, each hour, to look up the
// configured aliases that are not known yet. A store that fails is tried again; the error is always nil.
//
// A crash at any moment loses nothing and sends nothing twice: that the Move is queued is stored together with its
// deliveries, and its id was stored when the move began.
func (s *Server) RunMover(ctx context.Context) error {
	failing := false
	var learn time.Time // when to look for unknown aliases again; zero: there are none
	if known, err := s.aliasesKnown(); err != nil || !known {
		learn = time.Now().Add(aliasEvery)
	}
	for {
		if !learn.IsZero() && !time.Now().Before(learn) {
			learn = time.Now().Add(aliasEvery)
			if all, err := s.LearnAliases(ctx); err == nil && all {
				learn = time.Time{}
			}
		}
		next, err := s.stepMove(time.Now())
		if err != nil && !failing {
			s.log.Error("the move cannot go on; it is tried again until the store can be written", "err", err)
			next = time.Now().Add(storePause)
		}
		failing = err != nil
		if !sleep(ctx, s.moving.wake, publisherWait(earliest([]time.Time{next, learn}), err)) {
			return nil
		}
	}
}

// stepMove queues the Move when it is time; next is when to look again (zero: nothing is to be done).
func (s *Server) stepMove(now time.Time) (next time.Time, err error) {
	s.moving.mu.Lock()
	defer s.moving.mu.Unlock()
	p, err := s.db.Presence()
	if err != nil {
		return time.Time{}, fmt.Errorf("read the account's presence: %w", err)
	}
	if p.Move == nil || !p.Move.Sent.IsZero() {
		return time.Time{}, nil
	}
	// A clock that was set back must not make it wait for longer.
	if waited := now.Sub(p.Move.Begun); waited >= 0 && waited < tellTime {
		q, err := s.db.DeliveriesOf(p.Move.Update)
		if err != nil {
			return time.Time{}, fmt.Errorf("look for the update of the actor: %w", err)
		}
		if q.Pending > 0 {
			return earliest([]time.Time{now.Add(tellPause), p.Move.Begun.Add(tellTime)}), nil
		}
	}
	return time.Time{}, s.sendMove(now, *p.Move)
}

func (s *Server) sendMove(now time.Time, m store.Move) error {
	body, err := encode(moveActivity{
		Context: nsActivityStreams, ID: m.ID, Type: "Move", Actor: s.ids.Actor(), Object: s.ids.Actor(),
		Target: m.Target, To: []string{s.ids.Followers()},
	})
	if err != nil {
		return fmt.Errorf("write the move to %s: %w", m.Target, err)
	}
	_, object := s.describe(body)
	// Its object is that of the Update, so that no inbox gets it before the Update.
	tell := store.Broadcast{
		Activity: store.Activity{ID: m.ID, Type: "Move", Object: s.ids.Actor(), Body: body},
		Log: []store.LogEntry{{
			Time: now, Direction: "out", Type: "Move", Object: object, From: s.ids.Actor(),
			To: "the followers", Result: "queued", Activity: m.ID,
		}},
	}
	queued, err := s.changePresence(func(p *store.Presence) {
		m.Sent = now.UTC()
		p.Move, p.LastMove = &m, m.Sent
	}, tell)
	if err != nil {
		return err
	}
	s.log.Info("the followers are told to move", "target", m.Target, "inboxes", queued)
	return nil
}

// MoveStatus tells how far a move is.
type MoveStatus struct {
	store.Move
	Phase     string      // MoveNone and so on
	Telling   store.Queue // deliveries of the Update that wait
	Waiting   store.Queue // deliveries of the Move that wait
	Delivered int         // inboxes that took the Move
	Refused   int         // inboxes that refused it for good
	Left      int         // followers that have gone over, or away, since it began
	Next      time.Time   // before that, no other move may begin; zero: it may
}

// Phases of a move.
const (
	MoveNone    = "none"    // the account is at home
	MoveTelling = "telling" // the followers are told that the actor has movedTo
	MoveSending = "sending" // they are told to move
	MoveDone    = "done"    // there is nothing left to be sent
)

// MoveStatus tells how far the move is.
func (s *Server) MoveStatus() (MoveStatus, error) {
	p, err := s.db.Presence()
	if err != nil {
		return MoveStatus{}, fmt.Errorf("read the move: %w", err)
	}
	m := MoveStatus{Phase: MoveNone}
	if until := p.LastMove.Add(moveRest); !p.LastMove.IsZero() && until.After(time.Now()) {
		m.Next = until
	}
	if p.Move == nil {
		return m, nil
	}
	m.Move, m.Phase = *p.Move, MoveTelling
	followers, err := s.db.CountFollowers()
	if err != nil {
		return m, fmt.Errorf("count the followers: %w", err)
	}
	m.Left = max(m.Followers-followers, 0)
	if m.Telling, err = s.db.DeliveriesOf(m.Update); err != nil {
		return m, fmt.Errorf("count the deliveries of the update: %w", err)
	}
	if m.Sent.IsZero() {
		return m, nil
	}
	if m.Waiting, err = s.db.DeliveriesOf(m.ID); err != nil {
		return m, fmt.Errorf("count the deliveries of the move: %w", err)
	}
	if m.Delivered, m.Refused, err = s.db.MoveCounts(); err != nil {
		return m, fmt.Errorf("count the deliveries of the move: %w", err)
	}
	m.Phase = MoveSending
	if m.Waiting.Pending+m.Waiting.Retrying == 0 {
		m.Phase = MoveDone
	}
	return m, nil
}

// CancelMove brings the account home: movedTo is taken out of the actor, every server that was told of it is told,
// what was not sent of the Move is not sent any more, and entries are published again. Who has gone over does not
// come back. New entries that have piled up are held for the owner where there are more than five; held tells how
// many.
func (s *Server) CancelMove(context.Context) (held int, err error) {
	s.moving.mu.Lock()
	defer s.moving.mu.Unlock()
	p, err := s.db.Presence()
	switch {
	case err != nil:
		return 0, fmt.Errorf("read the move: %w", err)
	case p.Move == nil:
		return 0, errors.New("this account has not moved, so there is nothing to cancel")
	}
	// First, since nothing is published as long as the account is away.
	if held, err = s.db.HoldNews(newsAfter); err != nil {
		return held, fmt.Errorf("hold the new entries: %w", err)
	}
	_, err = s.changePresence(func(p *store.Presence) {
		p.Move, p.Returned = nil, s.ids.Activity("Update", s.ids.Actor(), fmt.Sprint(p.Told+1))
	}, store.Broadcast{Withdraw: p.Move.ID})
	if err != nil {
		return held, err
	}
	s.log.Info("the move is cancelled", "target", p.Move.Target, "held", held)
	s.WakePublisher()
	return held, nil
}
