package app

import (
	"context"
	"errors"

	"crier/federation"
	"crier/internal/admin"
)

// mover is an account that may move.
type mover struct {
	server *federation.Server
	handle string
}

// moving is what the owner can ask of the aliases of an account and of its moves. formerDir is the configured data
// directory of the former account, which the daemon alone opens; "" is none.
func (c *core) moving(own mover, formerDir string) admin.Moving {
	who := func(former bool) (mover, error) {
		switch {
		case !former:
			return own, nil
		case c.former == nil && formerDir != "":
			return mover{}, errors.New("the daemon is needed for what concerns the former account: start it with `crier serve`, then try again")
		case c.former == nil:
			return mover{}, errors.New("there is no former account: name its data directory in `former` in the configuration, and start the daemon")
		}
		return c.former.mover, nil
	}
	return admin.Moving{
		Aliases: func() ([]admin.Alias, error) { return aliases(own.server) },
		AddAlias: func(ctx context.Context, name string) (admin.Alias, error) {
			k, err := own.server.AddAlias(ctx, name)
			return aliasOf(k), err
		},
		RemoveAlias: func(ctx context.Context, name string) (admin.Alias, error) {
			a, err := own.server.RemoveAlias(ctx, name)
			return aliasOf(federation.KnownAs{Alias: a}), err
		},
		Plan: func(ctx context.Context, r admin.MoveRequest) (admin.MovePlan, error) {
			m, err := who(r.Former)
			if err != nil {
				return admin.MovePlan{}, err
			}
			plan, err := m.server.PlanMove(ctx, own.target(r), r.WebFinger)
			return m.plan(plan, r), err
		},
		Begin: func(ctx context.Context, r admin.MoveRequest) (admin.MovePlan, error) {
			m, err := who(r.Former)
			if err != nil {
				return admin.MovePlan{}, err
			}
			plan, err := m.server.Move(ctx, own.target(r), r.WebFinger)
			return m.plan(plan, r), err
		},
		Status: func(former bool) (admin.MoveStatus, error) {
			m, err := who(former)
			if err != nil {
				return admin.MoveStatus{}, err
			}
			return m.status()
		},
		Cancel: func(ctx context.Context, former bool) (admin.MoveStatus, error) {
			m, err := who(former)
			if err != nil {
				return admin.MoveStatus{}, err
			}
			held, err := m.server.CancelMove(ctx)
			if err != nil {
				return admin.MoveStatus{}, err
			}
			status, err := m.status()
			status.Held = held
			return status, err
		},
	}
}

// target is where a move goes: that of the former account, to this one.
func (m mover) target(r admin.MoveRequest) string {
	if r.Former {
		return m.server.ActorID()
	}
	return r.Target
}

func aliases(s *federation.Server) ([]admin.Alias, error) {
	known, err := s.Aliases()
	out := make([]admin.Alias, 0, len(known))
	for _, k := range known {
		out = append(out, aliasOf(k))
	}
	return out, err
}

func aliasOf(k federation.KnownAs) admin.Alias {
	return admin.Alias{
		Actor: k.Actor, Handle: k.Handle, Added: admin.Time{Time: k.Added}, Followers: k.Followers,
		Configured: k.Configured != "", Before: k.Before, Since: k.Since, Known: k.Known, Arrived: k.Arrived,
	}
}

func (m mover) plan(p federation.MovePlan, r admin.MoveRequest) admin.MovePlan {
	out := admin.MovePlan{
		From: m.handle, Target: p.Target, Handle: p.Handle, Name: p.Name, Locked: p.Locked, Followers: p.Followers,
		WebFinger: r.WebFinger, Checks: []admin.MoveCheck{},
	}
	for _, c := range p.Checks {
		out.Checks = append(out.Checks, admin.MoveCheck(c))
	}
	return out
}

func (m mover) status() (admin.MoveStatus, error) {
	s, err := m.server.MoveStatus()
	return admin.MoveStatus{
		From: m.handle, Phase: s.Phase, Target: s.Target, Handle: s.Handle, Begun: s.Begun, Sent: s.Sent, WebFinger: s.WebFinger,
		Followers: s.Followers, Left: s.Left, Telling: s.Telling, Waiting: s.Waiting,
		Delivered: s.Delivered, Refused: s.Refused, Next: s.Next,
	}, err
}
