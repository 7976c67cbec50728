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
	// taken out.
	proof := was.MissingSince.IsZero() && !p.older.IsZero() && p.older.Before(e.Date)
	suspect := !e.NextLook.IsZero()
	if e.State != store.EntryGone && (proof || suspect) {
		p.vanished(&e)
	}
	p.keep(was, e)
}

// vanished applies the owner's policy to an entry that was taken out of the feed.
func (p *planner) vanished(e *store.Entry) {
	if e.State != store.EntryLive {
		e.State, e.Todo, e.Due = store.EntryGone, store.TodoNothing, time.Time{}
		p.report("drop", e)
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
	result, looked := p.looks[e.Key]
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

func (p *planner) remove(e *store.Entry) {
	e.Todo, e.Due, e.NextLook = store.TodoDelete, p.now, time.Time{}
	p.out.gone++
	p.report("remove", e)
}

// keep records an entry that changed.
func (p *planner) keep(was, e store.Entry) {
	if sameMissing(was, e) {
		return
	}
	p.out.put = append(p.out.put, store.EntryPut{Entry: e})
}

func sameMissing(a, b store.Entry) bool {
	return a.State == b.State && a.Todo == b.Todo && a.MissingSince.Equal(b.MissingSince) &&
		a.FirstLook.Equal(b.FirstLook) && a.NextLook.Equal(b.NextLook)
}
