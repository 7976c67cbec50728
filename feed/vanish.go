package feed

import (
	"time"

	"crier/store"
)

const (
	lookEvery = 24 * time.Hour      // after a look that proved nothing
	lookFor   = 30 * 24 * time.Hour // then the entry is left in peace
)

// missing deals with an entry of this feed that is not in the document.
func (p *planner) missing(e store.Entry) {
	was := e
	if e.MissingSince.IsZero() {
		e.MissingSince = p.now
	}
	// A window that moved on drops its oldest entries. Only where an older one is still there was this one
	// taken out. Of an undated one there is no telling: it counts as young as it was when it was first seen, and
	// where in the document it stood is not remembered. One that came with the first document is never older or
	// younger than the other undated ones of that, and stays.
	proof := was.MissingSince.IsZero() && !p.older.IsZero() && p.older.Before(e.Date)
	suspect := !e.NextLook.IsZero()
	// Of what is skipped there is nothing to take back.
	if e.State != store.EntryGone && e.State != store.EntrySkipped && (proof || suspect) {
		p.vanished(&e)
	}
	p.keep(was, e)
}

// vanished applies the owner's policy to an entry that was taken out of the feed.
func (p *planner) vanished(e *store.Entry) {
	switch {
	case e.State == store.EntryWithdrawn:
		if !p.goesOn(e) {
			e.State = store.EntryGone // the owner's word was about what stood in the feed: a return is news
		}
		return
	case e.State != store.EntryLive:
		if !p.goesOn(e) {
			withdraw(e, store.EntryGone)
			p.report("drop", e)
		}
		return
	}
	if e.Todo == store.TodoDelete {
		return
	}
	switch p.cfg.Deletions {
	case "feed":
		p.remove(e)
	case "confirm":
		p.confirm(e)
	default:
		e.FirstLook, e.NextLook = time.Time{}, time.Time{}
	}
}

// lookAgain looks at the pages that are due although the feed did not change.
func (p *planner) lookAgain() {
	suspects := 0
	for _, e := range p.own {
		if e.Feed != p.feed.URL || e.NextLook.IsZero() {
			continue
		}
		was := e
		p.vanished(&e)
		p.keep(was, e)
		if !e.NextLook.IsZero() {
			suspects++
		}
	}
	p.out.feed.Missing = suspects
}

// confirm takes two answers that the page is not there, far enough apart, for a proof.
func (p *planner) confirm(e *store.Entry) {
	switch {
	case !e.HasPage:
		e.NextLook = time.Time{}
		return
	case p.now.Sub(e.MissingSince) > lookFor:
		e.FirstLook, e.NextLook = time.Time{}, time.Time{}
		return
	case e.NextLook.After(p.now):
		return
	}
	seen, looked := p.looks[e.Key]
	result := seen.result
	switch {
	case !looked:
		e.NextLook = p.now // where there is no time for the look now it is due at the next poll
		p.out.want = append(p.out.want, *e)
	case result == pageGone && e.FirstLook.IsZero():
		e.FirstLook, e.NextLook = p.now, p.now.Add(p.cfg.ConfirmAfter)
	case result == pageGone && p.now.Sub(e.FirstLook) >= p.cfg.ConfirmAfter:
		p.remove(e)
	case result == pageGone:
		e.NextLook = e.FirstLook.Add(p.cfg.ConfirmAfter)
	case result == pageThere:
		e.FirstLook, e.NextLook = time.Time{}, p.now.Add(lookEvery)
	default:
		e.NextLook = p.now.Add(lookEvery)
	}
}

// remove has the post deleted, for good.
//
// Under "feed" that happens even where most entries vanish at once: the contract says at once, and who chose it said
// that the feed alone decides. What appears in their place is held (see mistake), and under "confirm", the default,
// the pages have a say.
func (p *planner) remove(e *store.Entry) {
	if p.goesOn(e) {
		return
	}
	e.Todo, e.Due, e.NextLook = store.TodoDelete, p.now, time.Time{}
	p.out.gone++
	p.report("remove", e)
}

// goesOn hands an entry over to another configured feed that shows it now, and tells whether there is one: an entry
// that was moved from one category to another has one post all along.
func (p *planner) goesOn(e *store.Entry) bool {
	if len(p.configured) < 2 {
		return false
	}
	if p.shown == nil {
		p.out.ask = true
		return false
	}
	for _, name := range append(append(entryNames(e), e.Aliases...), "k:"+e.Key) {
		if to := p.shown[name]; to != "" {
			e.Feed = to
			e.MissingSince, e.FirstLook, e.NextLook = time.Time{}, time.Time{}, time.Time{}
			p.report("move", e)
			return true
		}
	}
	return false
}

// keep records an entry that changed.
func (p *planner) keep(was, e store.Entry) {
	if sameMissing(was, e) {
		return
	}
	p.out.put = append(p.out.put, store.EntryPut{Entry: e})
}

func sameMissing(a, b store.Entry) bool {
	return a.Feed == b.Feed && a.State == b.State && a.Todo == b.Todo && a.MissingSince.Equal(b.MissingSince) &&
		a.FirstLook.Equal(b.FirstLook) && a.NextLook.Equal(b.NextLook)
}
