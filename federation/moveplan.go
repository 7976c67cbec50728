package federation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"crier/store"
)

// MovePlan is what a move would do, with all that has to hold for it.
type MovePlan struct {
	Target    string // id of the new actor; what was asked for where it was not found
	Handle    string // of the new account
	Name      string
	Locked    bool // its owner approves each follower
	Followers int  // that would be asked to go over
	Checks    []MoveCheck
}

// MoveCheck is one thing that other servers, or crier itself, want of a move.
type MoveCheck struct {
	OK   bool
	What string // "it is also known as https://…"
	Mend string // what is wrong and what to do, where it is not so
}

// Wrong lists what has to be mended first.
func (p MovePlan) Wrong() []string {
	var all []string
	for _, c := range p.Checks {
		if !c.OK {
			all = append(all, c.Mend)
		}
	}
	return all
}

func (p *MovePlan) check(ok bool, what, mend string) bool {
	c := MoveCheck{OK: ok, What: what}
	if !ok {
		c.Mend = mend
	}
	p.Checks = append(p.Checks, c)
	return ok
}

// PlanMove checks all that other servers check when they are told of a move to that account, named by handle or
// address, and what crier asks for itself. The account is fetched afresh. An error means that nothing could be
// checked; what does not hold is in the plan.
func (s *Server) PlanMove(ctx context.Context, target string, webFinger bool) (MovePlan, error) {
	target = strings.TrimSpace(target)
	plan := MovePlan{Target: target}
	p, err := s.db.Presence()
	if err != nil {
		return plan, fmt.Errorf("read the account's presence: %w", err)
	}
	if plan.Followers, err = s.db.CountFollowers(); err != nil {
		return plan, fmt.Errorf("count the followers: %w", err)
	}
	s.checkHome(&plan, p, time.Now())
	if webFinger {
		plan.check(s.handleCanMove(), "the handle may lead elsewhere",
			"the handle @"+s.cfg.Handle+" is the only name of this account, and must go on leading to it, or servers that "+
				"come late cannot see that it has moved: leave --webfinger out")
	}
	s.checkTarget(ctx, &plan)
	return plan, nil
}

// checkHome checks this side.
func (s *Server) checkHome(plan *MovePlan, p store.Presence, now time.Time) {
	mend := ""
	if p.Move != nil {
		mend = "this account has moved to " + firstOf(p.Move.Handle, p.Move.Target) +
			" already; see `crier move --status`, or take it back with `crier move --cancel`"
	}
	plan.check(p.Move == nil, "this account has not moved away", mend)
	next := p.LastMove.Add(moveRest)
	plan.check(p.LastMove.IsZero() || !next.After(now), "it has not moved within the last 30 days",
		"this account moved on "+p.LastMove.Format(time.DateOnly)+"; other servers ignore a move so soon after: wait until "+
			next.Format(time.DateOnly))
}

// checkTarget checks the other side, as far as each thing makes sense when those before it do not hold.
func (s *Server) checkTarget(ctx context.Context, plan *MovePlan) {
	asked := plan.Target
	other, itself := "it is another account", clean(asked, 200)+" is this account itself: name the new one"
	if s.namesUs(asked) {
		plan.check(false, other, itself)
		return
	}
	doc, err := s.account(ctx, asked)
	found := "it can be fetched, and is an account"
	if err != nil {
		plan.check(false, found, fmt.Sprintf("%s cannot be looked up (%v): check the spelling, and that its server is up",
			clean(asked, 200), err))
		return
	}
	plan.Target, plan.Handle, plan.Name, plan.Locked = doc.ID, doc.Handle, doc.Name, doc.Locked
	plan.check(true, found, "")
	if !plan.check(!s.ids.Ours(doc.ID), other, itself) {
		return
	}
	handle, err := s.asking.confirm(ctx, doc.Own, doc.ID) // Mastodon and GoToSocial take no account whose name leads elsewhere
	if err == nil {
		plan.Handle = handle
	}
	plan.check(err == nil, "its handle leads to it", fmt.Sprintf(
		"other servers cannot look it up (%v): its server's WebFinger has to be mended", err))
	plan.check(doc.KnownAs.Has(s.ids.Actor()), "it is also known as "+s.ids.Actor(), s.mendAlias(doc))
	plan.check(doc.MovedTo == "", "it has not moved on itself",
		doc.ID+" has moved to "+clean(doc.MovedTo, 200)+" itself: move there instead, or take that move back first")
	plan.check(!s.blocked(doc.ID), "you do not block it", doc.ID+" is blocked: lift that with crier block remove")
	plan.check(!doc.Suspended, "it is not suspended", doc.ID+" is suspended by its server; nobody could follow it")
}

// mendAlias says what to do where the new account does not name this one. A near miss is shown, since ids are
// compared byte by byte everywhere.
func (s *Server) mendAlias(doc accountDocument) string {
	own := s.ids.Actor()
	for _, id := range doc.KnownAs {
		if looksLike(id, own) {
			return fmt.Sprintf("it is also known as %s, which has to be exactly %s: enter that address there", clean(id, 200), own)
		}
	}
	return fmt.Sprintf("it does not say that it is also known as %s: enter @%s there as an alias (Mastodon: Preferences, "+
		"Account, Moving from a different account; GoToSocial: Settings, Migration), then try again", own, s.nameOf(s.person().profile))
}

// looksLike reports whether somebody could take one address for the other.
func looksLike(a, b string) bool {
	plain := func(s string) string {
		_, rest, _ := strings.Cut(strings.ToLower(strings.TrimRight(s, "/")), "://")
		return strings.Replace(rest, "/@", "/users/", 1)
	}
	return plain(a) == plain(b)
}
