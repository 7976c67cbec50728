package admin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// withMoving gives ops aliases and moves that tell how they were asked.
func withMoving(ops *Ops) *Ops {
	at := time.Now().UTC().Truncate(time.Second)
	ops.Moving = Moving{
		Aliases: func() ([]Alias, error) {
			return []Alias{{Actor: "a", Added: Time{at}, Followers: 3, Known: 2, Arrived: 1}}, nil
		},
		AddAlias: func(_ context.Context, who string) (Alias, error) {
			if who == "nobody" {
				return Alias{}, errors.New("not there")
			}
			return Alias{Actor: who}, nil
		},
		RemoveAlias: func(_ context.Context, who string) (Alias, error) { return Alias{Handle: who}, nil },
		Plan: func(_ context.Context, r MoveRequest) (MovePlan, error) {
			return MovePlan{Target: r.Target, WebFinger: r.WebFinger, Locked: r.Former, Checks: []MoveCheck{{OK: true, What: "w"}, {Mend: "m"}}}, nil
		},
		Begin: func(_ context.Context, r MoveRequest) (MovePlan, error) {
			if r.Target == "" && !r.Former {
				return MovePlan{}, errors.New("nothing was moved")
			}
			return MovePlan{Target: r.Target, Checks: []MoveCheck{}}, nil
		},
		Status: func(former bool) (MoveStatus, error) {
			return MoveStatus{From: map[bool]string{true: "old", false: "new"}[former], Phase: "done", Begun: at, Sent: at}, nil
		},
		Cancel: func(_ context.Context, former bool) (MoveStatus, error) {
			if former {
				return MoveStatus{}, errors.New("nothing to cancel")
			}
			return MoveStatus{Phase: "none", Held: 7}, nil
		},
	}
	return ops
}

// TestSameAnswersOfMoves: over the socket as well as in the process, every word of a request counts.
func TestSameAnswersOfMoves(t *testing.T) {
	for _, running := range []bool{true, false} {
		ops := withMoving(filled(t))
		ops.Running = running
		c, _ := dialled(t, ops)
		ctx := t.Context()
		same(t, "aliases", ops.Aliases, c.Aliases, ctx)
		for _, who := range []string{"@me@a.example", "https://a.example/users/me?x=1&y=2", "nobody", ""} {
			same(t, "add alias", with(ops.AddAlias, who), with(c.AddAlias, who), ctx)
			same(t, "remove alias", with(ops.RemoveAlias, who), with(c.RemoveAlias, who), ctx)
		}
		for _, r := range []MoveRequest{{}, {Target: "@a@b.example"}, {Target: "https://b.example/?a=b", WebFinger: true}, {Former: true}} {
			same(t, "plan", with(ops.PlanMove, r), with(c.PlanMove, r), ctx)
			same(t, "begin", with(ops.BeginMove, r), with(c.BeginMove, r), ctx)
			same(t, "status", with(ops.MoveStatus, r.Former), with(c.MoveStatus, r.Former), ctx)
			same(t, "cancel", with(ops.CancelMove, r.Former), with(c.CancelMove, r.Former), ctx)
		}
		_, err := c.BeginMove(ctx, MoveRequest{Target: "x"})
		if refused := err != nil && strings.Contains(err.Error(), "needs the daemon"); refused == running {
			t.Errorf("with a daemon %t: %v", running, err)
		}
	}
}

func TestPlanIsOK(t *testing.T) {
	if (MovePlan{Checks: []MoveCheck{{OK: true}, {}}}).OK() || !(MovePlan{Checks: []MoveCheck{{OK: true}}}).OK() {
		t.Error("one thing that does not hold is enough")
	}
	b, err := json.Marshal(MoveStatus{Phase: "none"})
	if err != nil || strings.Contains(string(b), "0001-01-01") {
		t.Errorf("a time that never was is shown: %s %v", b, err)
	}
}
