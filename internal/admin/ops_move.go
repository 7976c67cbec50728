package admin

import (
	"context"
	"errors"
	"time"
)

// Alias is another account of the owner's.
type Alias struct {
	Actor      string `json:"actor"`
	Handle     string `json:"handle,omitempty"`
	Added      Time   `json:"added"`                  // null: it was never looked up
	Followers  int    `json:"followers"`              // that it had then; -1: not known
	Configured bool   `json:"configured"`             // it stands in the configuration
	Before     bool   `json:"known_before,omitempty"` // of one that is added: it was an alias already

	Since   int `json:"since"`   // follows of this account since then
	Known   int `json:"known"`   // its followers that are known by name
	Arrived int `json:"arrived"` // of these, those that follow this account now
}

// MoveRequest says where to.
type MoveRequest struct {
	Target    string `json:"target"` // handle or address; empty with Former
	WebFinger bool   `json:"webfinger,omitempty"`
	Former    bool   `json:"former,omitempty"` // not this account moves, but the one that it takes the place of, and to here
}

// MovePlan is what a move would do, and what has to hold for it.
type MovePlan struct {
	From      string      `json:"from"`   // handle of the account that moves
	Target    string      `json:"target"` // id
	Handle    string      `json:"handle,omitempty"`
	Name      string      `json:"name,omitempty"`
	Locked    bool        `json:"locked"` // followers wait there for approval
	Followers int         `json:"followers"`
	WebFinger bool        `json:"webfinger"`
	Checks    []MoveCheck `json:"checks"`
}

// OK reports whether everything holds.
func (p MovePlan) OK() bool {
	for _, c := range p.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// MoveCheck is one condition of a move.
type MoveCheck struct {
	OK   bool   `json:"ok"`
	What string `json:"what"`
	Mend string `json:"mend,omitempty"`
}

// MoveStatus tells how far a move is.
type MoveStatus struct {
	From      string    `json:"from"`             // handle of the account that moves
	Phase     string    `json:"phase"`            // "none", "telling", "sending" or "done"
	Target    string    `json:"target,omitempty"` // id
	Handle    string    `json:"handle,omitempty"`
	Begun     time.Time `json:"begun,omitzero"`
	Sent      time.Time `json:"sent,omitzero"`
	WebFinger bool      `json:"webfinger,omitempty"`
	Followers int       `json:"followers"` // when it began
	Left      int       `json:"left"`      // of these, gone over or away since
	Telling   Queue     `json:"telling"`   // deliveries of the Update that wait
	Waiting   Queue     `json:"waiting"`   // deliveries of the Move that wait
	Delivered int       `json:"delivered"` // inboxes that took the Move
	Refused   int       `json:"refused"`
	Next      time.Time `json:"next,omitzero"`  // no other move before that
	Held      int       `json:"held,omitempty"` // after a cancellation: new entries that wait for the owner
}

// Moving is what Ops need for aliases and moves; Former tells which account moves.
type Moving struct {
	Aliases     func() ([]Alias, error)
	AddAlias    func(ctx context.Context, who string) (Alias, error)
	RemoveAlias func(ctx context.Context, who string) (Alias, error)
	Plan        func(context.Context, MoveRequest) (MovePlan, error)
	Begin       func(context.Context, MoveRequest) (MovePlan, error)
	Status      func(former bool) (MoveStatus, error)
	Cancel      func(ctx context.Context, former bool) (MoveStatus, error)
}

// errNoDaemon refuses what only a daemon can bring to its end.
var errNoDaemon = errors.New("a move needs the daemon: start it with `crier serve`, then try again")

// Aliases lists the accounts that this one is also known as.
func (o *Ops) Aliases(context.Context) ([]Alias, error) { return o.Moving.Aliases() }

// AddAlias adds an account, named by handle or address.
func (o *Ops) AddAlias(ctx context.Context, who string) (Alias, error) {
	return o.Moving.AddAlias(ctx, who)
}

// RemoveAlias removes an account that was added.
func (o *Ops) RemoveAlias(ctx context.Context, who string) (Alias, error) {
	return o.Moving.RemoveAlias(ctx, who)
}

// PlanMove checks whether a move is possible.
func (o *Ops) PlanMove(ctx context.Context, r MoveRequest) (MovePlan, error) {
	if !o.Running {
		return MovePlan{}, errNoDaemon
	}
	return o.Moving.Plan(ctx, r)
}

// BeginMove checks again and begins it.
func (o *Ops) BeginMove(ctx context.Context, r MoveRequest) (MovePlan, error) {
	if !o.Running {
		return MovePlan{}, errNoDaemon
	}
	return o.Moving.Begin(ctx, r)
}

// MoveStatus tells how far a move is.
func (o *Ops) MoveStatus(_ context.Context, former bool) (MoveStatus, error) {
	return o.Moving.Status(former)
}

// CancelMove takes a move back.
func (o *Ops) CancelMove(ctx context.Context, former bool) (MoveStatus, error) {
	return o.Moving.Cancel(ctx, former)
}
