package feed

import (
	"bytes"
	"fmt"
	"time"

	"crier/store"
)

// added decides what becomes of the items that have no entry yet, and of those that came back: what was
// there before the feed was followed is no news.
func (p *planner) added(fresh []*subject) error {
	oldestFirst(fresh)
	var old, news []*store.EntryPut
	allNewer := !p.feed.Newest.IsZero()
	for _, s := range fresh {
		put, err := p.entry(s)
		if err != nil {
			return err
		}
		e := &put.Entry
		if s.skip {
			e.State, e.Todo = store.EntrySkipped, store.TodoNothing
			p.report("skip", e)
			p.out.put = append(p.out.put, put)
			continue
		}
		if p.isOld(e) {
			old = append(old, &put)
			continue
		}
		allNewer = allNewer && e.Dated && e.Date.After(p.feed.Newest)
		news = append(news, &put)
	}
	if p.out.first && len(old) == 0 && len(news) > 1 {
		old, news = news, nil // all of a blog written ahead of its time: it is our clock that is wrong
	}
	for i, put := range old {
		put.Entry.Listed = p.out.first && i >= len(old)-p.cfg.Backfill
		p.backlog(*put)
	}
	p.news(news, allNewer)
	return nil
}

// isOld tells whether an entry gets a post that is served and not delivered: it was there before the feed was
// followed, or is older than the owner wants to hear of. How old an entry is, the newest one known in the feed says
// and never the clock: a blog that wakes up after years has news.
func (p *planner) isOld(e *store.Entry) bool {
	if p.out.first {
		return !e.Date.After(p.now)
	}
	limit := p.feed.FirstNewest
	if p.cfg.MaxAge > 0 && !p.feed.Newest.IsZero() {
		limit = later(limit, p.feed.Newest.Add(-p.cfg.MaxAge))
	}
	return e.Dated && e.Date.Before(limit)
}

// backlog lets an entry that is no news become a post that can be fetched and is not delivered.
func (p *planner) backlog(put store.EntryPut) {
	put.Entry.Due = p.now
	p.out.fresh++
	p.report("serve", &put.Entry)
	p.out.put = append(p.out.put, put)
}

// news sends entries out one after the other, those dated ahead at their time, or holds all of them where they
// look like a mistake. What a first document has that is dated ahead is never held: there is nothing to compare
// it with.
func (p *planner) news(news []*store.EntryPut, allNewer bool) {
	why := p.mistake(len(news), allNewer)
	for i, put := range news {
		e := &put.Entry
		e.Deliver, e.Listed = true, true
		start := later(e.Date, p.now.Add(p.cfg.Grace))
		switch {
		case why != "":
			e.State, e.Todo = store.EntryHeld, store.TodoNothing
			p.out.held, p.out.why = p.out.held+1, why
			p.report("hold", e)
		case e.Date.After(p.now):
			e.Due = start.Add(time.Duration(i) * p.spacing)
			p.out.fresh++
			p.report("wait", e)
		default:
			e.Due = start.Add(time.Duration(i) * p.spacing)
			p.out.fresh++
			p.report("publish", e)
		}
		p.out.put = append(p.out.put, *put)
	}
}

// mistake says in the owner's words why n news of one poll look like a mistake and are held; empty: they do not.
func (p *planner) mistake(n int, allNewer bool) string {
	switch most := p.cfg.MaxNew; {
	case n > flood*most:
		return fmt.Sprintf("that is more than %d times max_new", flood)
	case p.out.first || n == 0 || allNewer:
		return ""
	case n > most:
		return "that is more than max_new, and not all of them are newer than what was known"
	case p.lost >= fewLost && 2*p.lost > p.last:
		return fmt.Sprintf("%d of the %d entries before them are gone from the feed, as when a blog moves and crier cannot tell what is what", p.lost, p.last)
	}
	return ""
}

// fewLost is how many entries must vanish at once, besides being most of them, before that throws suspicion on what
// appears in their place. In a smaller feed it happens by hand.
const fewLost = 4

// entry makes the entry of an item, or lets the one that is gone begin anew.
func (p *planner) entry(s *subject) (store.EntryPut, error) {
	fields, hash, err := p.encode(s)
	fields = bytes.Clone(fields)
	if err != nil {
		return store.EntryPut{}, err
	}
	e := store.Entry{Seen: p.now, Generation: 1}
	if s.entry >= 0 {
		e = p.own[s.entry]
		// Other servers keep a tombstone for the old id; without a post there is none.
		if raw, err := p.published(e.Key); err != nil {
			return store.EntryPut{}, err
		} else if raw != nil && e.State == store.EntryGone {
			e.Generation++
		}
	} else {
		e.Key = p.newKey(s)
	}
	known := e.State == store.EntrySkipped // an undated one was first seen when it was skipped
	switch {
	case !s.date.IsZero():
		e.Date, e.Dated = p.clamp(s.date), true
	case !known:
		e.Date, e.Dated = p.now, false
	}
	e.State, e.Todo = store.EntryNew, store.TodoCreate
	e.Deliver, e.Listed, e.Due = false, false, time.Time{}
	p.describe(&e, s, hash)
	return store.EntryPut{Entry: e, Fields: fields}, nil
}

// newKey gives an item the key that its post's id is made of, and takes it: the first of its candidates that no
// entry has.
func (p *planner) newKey(s *subject) string {
	candidates := keyCandidates(s, p.host, p.feed.URL)
	for _, key := range candidates {
		if !p.keys[key] {
			p.keys[key] = true
			return key
		}
	}
	// All of that was seen before and was another entry since: the same words at the same place once more.
	key := hashKey(p.host, p.feed.URL, append(candidates, s.Summary, s.Content)...)
	p.keys[key] = true
	return key
}

// keyCandidates returns the keys that an item may get: the address of its own page, else a hash of its identity,
// with more of it where that is taken as well.
func keyCandidates(s *subject, host, feedURL string) []string {
	var candidates []string
	if s.hasPage {
		host = s.page.Host
		candidates = append(candidates, s.page.Key())
	}
	full := append(identityParts(s.Item, true), s.fingerprint(), s.Link)
	return append(candidates,
		hashKey(host, feedURL, identityParts(s.Item, s.repeats)...),
		hashKey(host, feedURL, identityParts(s.Item, true)...),
		hashKey(host, feedURL, full...),
		hashKey(host, feedURL, append(full, s.Summary, s.Content, s.URL)...))
}
