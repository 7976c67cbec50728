package feed

import (
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
		ahead := e.Date.After(p.now)
		if p.out.first && !ahead || e.Dated && e.Date.Before(p.feed.FirstNewest) {
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
	n, most := len(news), p.cfg.MaxNew
	hold := !p.out.first && (n > most && !allNewer) || n > flood*most
	for i, put := range news {
		e := &put.Entry
		e.Deliver, e.Listed = true, true
		start := later(e.Date, p.now.Add(p.cfg.Grace))
		switch {
		case hold:
			e.State, e.Todo = store.EntryHeld, store.TodoNothing
			p.out.held++
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

// entry makes the entry of an item, or lets the one that is gone begin anew.
func (p *planner) entry(s *subject) (store.EntryPut, error) {
	fields, hash, err := encode(s)
	if err != nil {
		return store.EntryPut{}, err
	}
	e := store.Entry{Seen: p.now, Generation: 1}
	if s.entry >= 0 {
		e = p.own[s.entry]
		// Other servers keep a tombstone for the old id; without a post there is none.
		if raw, err := p.published(e.Key); err != nil {
			return store.EntryPut{}, err
		} else if raw != nil {
			e.Generation++
		}
	} else {
		e.Key = p.newKey(s)
	}
	e.Date, e.Dated = p.clamp(s.date), true
	if s.date.IsZero() {
		e.Date, e.Dated = p.now, false
	}
	e.State, e.Todo = store.EntryNew, store.TodoCreate
	e.Deliver, e.Listed, e.Due = false, false, time.Time{}
	p.describe(&e, s, hash)
	return store.EntryPut{Entry: e, Fields: fields}, nil
}

// newKey gives an item the key that its post's id is made of, and takes it: the address of its own page,
// else a hash of its identity, with more of it where that is taken as well.
func (p *planner) newKey(s *subject) string {
	host := p.host
	var candidates []string
	if s.hasPage {
		host = s.page.Host
		candidates = append(candidates, s.page.Key())
	}
	full := append(identityParts(s.Item, true), s.fingerprint(), s.Link)
	candidates = append(candidates,
		hashKey(host, p.feed.URL, identityParts(s.Item, s.repeats)...),
		hashKey(host, p.feed.URL, identityParts(s.Item, true)...),
		hashKey(host, p.feed.URL, full...),
		hashKey(host, p.feed.URL, append(full, s.Summary, s.Content, s.URL)...))
	for _, key := range candidates {
		if !p.keys[key] {
			p.keys[key] = true
			return key
		}
	}
	// All of that was seen before and was another entry since: the same words at the same place once more.
	key := hashKey(host, p.feed.URL, append(full, candidates...)...)
	p.keys[key] = true
	return key
}
