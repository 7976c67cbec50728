package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"crier/internal/admin"
	"crier/internal/fedtest"
)

const (
	oldHome = "keeper"  // the author's old account, on heron
	newHome = "harbour" // where the blog goes for a while, on birch
)

// moves are an old account that moves to the blog, and the blog that moves away and comes back.
func (s *stage) moves() []chapter {
	birch, heron := s.peers[0], s.peers[1]
	var leaving uint64 // the last line of crier's log before its followers leave
	return []chapter{
		{"Moving in", "The author has an older account, keeper on heron, which alice and bob follow. It moves to the blog: " +
			"the blog says that it is also known as keeper, and heron tells the followers’ servers.", []step{
			{"heron lets nobody go before the blog names keeper", func(ctx context.Context) error { return s.tooEarly(ctx, heron) }},
			{"crier alias add: birch hears that the blog is also known as keeper", func(ctx context.Context) error {
				return s.named(ctx, heron)
			}},
			{"the Move brings bob, who had left, and crier counts 3 followers", func(ctx context.Context) error { return s.movedIn(ctx, heron) }},
			{"crier alias list: 2 of keeper’s 2 followers have arrived", s.allArrived},
		}},
		{"Moving away, and home again", "The blog moves to harbour on birch: each server gets an Update with the new address, " +
			"then the Move, and lets its people follow there.", []step{
			{"crier move refuses as long as harbour does not name the blog", func(ctx context.Context) error { return s.refused(ctx, birch) }},
			{"each server got exactly one Update, and after it one Move", func(ctx context.Context) (err error) {
				if leaving, err = s.lastLine(ctx); err != nil {
					return err
				}
				return s.movedOut(ctx, birch)
			}},
			{"all three follow harbour now, and crier counts 0 followers", func(ctx context.Context) error {
				if err := s.goneOver(ctx, birch); err != nil {
					return err
				}
				return s.incoming(ctx, leaving)
			}},
			{"who wants to follow the blog now gets a Reject", s.turnedAway},
			{"crier move --cancel: the blog is home, and alice and anna follow again", s.home},
			{"nothing was sent twice, and nothing was refused", func(context.Context) error { return s.clean() }},
		}},
	}
}

// tooEarly has alice and bob follow keeper, and tries to move it.
func (s *stage) tooEarly(ctx context.Context, heron *peer) error {
	keeper := heron.AddActor(oldHome)
	for _, f := range []follow{s.follows()[0], s.follows()[2]} {
		if _, err := f.at.Follow(ctx, f.user, keeper.ID); err != nil {
			return err
		}
		if err := f.at.Wait(ctx, func() bool { return f.at.Following(f.user, keeper.ID) }); err != nil {
			return fmt.Errorf("%s does not follow keeper: %w", f.user, err)
		}
	}
	if _, err := heron.Move(ctx, oldHome, s.actor); err == nil {
		return errors.New("heron moved the followers to an account that does not name keeper")
	}
	return nil
}

func (s *stage) named(ctx context.Context, heron *peer) error {
	if _, err := s.app.Ops().AddAlias(ctx, "@"+oldHome+"@"+heron.host); err != nil {
		return err
	}
	birch := s.peers[0] // the only server with followers at the moment
	if err := s.arrives(ctx, birch, "Update", s.actor); err != nil {
		return err
	}
	keeper, _ := heron.Actor(oldHome)
	known, _ := birch.Remote(s.actor)
	if got := known.AlsoKnownAs(); len(got) != 1 || got[0] != keeper.ID {
		return fmt.Errorf("birch knows the blog as %q, want %s", got, keeper.ID)
	}
	return nil
}

// arrives waits for the newest activity of a type about an object at a peer, and shows it.
func (s *stage) arrives(ctx context.Context, at *peer, kind, object string) error {
	in, err := at.WaitFor(ctx, func(in fedtest.Arrival) bool { return in.Type == kind && in.Object == object })
	if err != nil {
		return fmt.Errorf("no %s of %s at %s: %w", kind, object, at.name, err)
	}
	s.arrived(at, in)
	if !in.Verified || in.Err != nil {
		return fmt.Errorf("%s did not take the %s: %s", at.name, kind, in.Effect)
	}
	return nil
}

func (s *stage) movedIn(ctx context.Context, heron *peer) error {
	after, err := s.lastLine(ctx)
	if err != nil {
		return err
	}
	when := time.Now()
	if _, err := heron.Move(ctx, oldHome, s.actor); err != nil {
		return err
	}
	s.row(row{when: when, what: "Move(keeper → blog)", from: "keeper", to: "birch, heron", outcome: "202"})
	bob := s.follows()[2]
	if err := bob.at.Wait(ctx, func() bool { return bob.at.Following(bob.user, s.actor) }); err != nil {
		return fmt.Errorf("bob does not follow the blog: %w", err)
	}
	if err := poll(ctx, func() error { return s.countFollowers(ctx, 3) }); err != nil {
		return err
	}
	return s.incoming(ctx, after)
}

// lastLine is the number of the newest line in crier's log.
func (s *stage) lastLine(ctx context.Context) (uint64, error) {
	lines, err := s.app.Ops().Log(ctx, admin.LogQuery{Last: 1})
	if err != nil || len(lines) == 0 {
		return 0, err
	}
	return lines[0].Seq, nil
}

// incoming shows what came to crier since a line of its log.
func (s *stage) incoming(ctx context.Context, after uint64) error {
	lines, err := s.app.Ops().Log(ctx, admin.LogQuery{After: after})
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Direction != "in" || l.Type != "Follow" && l.Type != "Undo" {
			continue
		}
		who := localName(l.From)
		what := "Follow(" + who + " → blog)"
		if l.Type == "Undo" {
			what = "Undo(" + what + ")"
		}
		answer, _, _ := strings.Cut(l.Result, " ")
		s.row(row{when: l.Time, what: what, from: who, to: "blog’s inbox", outcome: answer})
	}
	return nil
}

func (s *stage) allArrived(ctx context.Context) error {
	return poll(ctx, func() error {
		list, err := s.app.Ops().Aliases(ctx)
		if err == nil && (len(list) != 1 || list[0].Followers != 2 || list[0].Arrived != 2) {
			err = fmt.Errorf("it says %+v", list)
		}
		return err
	})
}

// target is how the owner names the new home.
func target(birch *peer) admin.MoveRequest {
	return admin.MoveRequest{Target: "@" + newHome + "@" + birch.host}
}

func (s *stage) refused(ctx context.Context, birch *peer) error {
	birch.AddActor(newHome)
	plan, err := s.app.Ops().PlanMove(ctx, target(birch))
	if err != nil {
		return err
	}
	if plan.OK() {
		return errors.New("crier would move to an account that does not name it")
	}
	return nil
}

func (s *stage) movedOut(ctx context.Context, birch *peer) error {
	if err := birch.AddAlias(ctx, newHome, s.actor); err != nil {
		return err
	}
	before := make([]int, len(s.peers))
	for i, p := range s.peers {
		before[i] = len(p.Arrivals())
	}
	if _, err := s.app.Ops().BeginMove(ctx, target(birch)); err != nil {
		return err
	}
	var all []told
	for i, p := range s.peers {
		if _, err := p.WaitFor(ctx, func(in fedtest.Arrival) bool { return in.Type == "Move" && in.Object == s.actor }); err != nil {
			return fmt.Errorf("no Move at %s: %w", p.name, err)
		}
		var kinds []string
		for _, in := range p.Arrivals()[before[i]:] {
			if in.Object == s.actor {
				kinds = append(kinds, in.Type)
				all = append(all, told{p, in})
			}
		}
		if got := strings.Join(kinds, ", "); got != "Update, Move" {
			return fmt.Errorf("%s got %s", p.name, got)
		}
	}
	slices.SortStableFunc(all, func(a, b told) int { return a.in.Time.Compare(b.in.Time) })
	for _, t := range all {
		s.arrived(t.at, t.in)
	}
	return nil
}

// told is what arrived at a peer.
type told struct {
	at *peer
	in fedtest.Arrival
}

func (s *stage) goneOver(ctx context.Context, birch *peer) error {
	harbour, _ := birch.Actor(newHome)
	for _, f := range s.follows() {
		if err := f.at.Wait(ctx, func() bool { return f.at.Following(f.user, harbour.ID) && !f.at.Following(f.user, s.actor) }); err != nil {
			return fmt.Errorf("%s does not follow harbour: %w", f.user, err)
		}
	}
	return poll(ctx, func() error { return s.countFollowers(ctx, 0) })
}

func (s *stage) turnedAway(ctx context.Context) error {
	bob := s.follows()[2]
	id, err := bob.at.Follow(ctx, bob.user, s.actor)
	if err != nil {
		return err
	}
	in, err := bob.at.WaitFor(ctx, func(in fedtest.Arrival) bool { return in.Type == "Reject" && in.Object == id })
	if err != nil {
		return fmt.Errorf("no Reject for bob: %w", err)
	}
	s.arrived(bob.at, in)
	return nil
}

func (s *stage) home(ctx context.Context) error {
	if _, err := s.app.Ops().CancelMove(ctx, false); err != nil {
		return err
	}
	for _, f := range s.follows()[:2] {
		id, err := f.at.Follow(ctx, f.user, s.actor)
		if err != nil {
			return err
		}
		in, err := f.at.WaitFor(ctx, func(in fedtest.Arrival) bool { return in.Type == "Accept" && in.Object == id })
		if err != nil {
			return fmt.Errorf("no Accept for %s: %w", f.user, err)
		}
		s.arrived(f.at, in)
	}
	doc, err := s.peers[0].GetObject(ctx, s.actor)
	if err != nil {
		return err
	}
	if to := doc["movedTo"]; to != nil {
		return fmt.Errorf("movedTo is still %v", to)
	}
	return s.countFollowers(ctx, 2)
}
