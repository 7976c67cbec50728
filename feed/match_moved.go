package feed

import (
	"encoding/json"
	"slices"
	"time"

	"crier/content"
	"crier/store"
)

// What follows finds out which vanished entry an item is whose GUID and address say nothing: what blogs that move,
// change their permalinks or their generator leave behind.

// vanished limits a key to the entries that stood in the last document; of a feed that is configured no more, in its
// last one.
func (m *matcher) vanished(key func(*store.Entry) string) func(*store.Entry) string {
	return func(e *store.Entry) string {
		if !e.MissingSince.IsZero() || e.State == store.EntryGone || e.State == store.EntrySkipped && e.Feed != m.feed {
			return ""
		}
		return key(e)
	}
}

// entryOpening returns how the entry began when the feed last had it; empty where that cannot be read.
func (m *matcher) entryOpening(e *store.Entry) string {
	raw, err := m.current(e.Key)
	if err != nil {
		return ""
	}
	var was content.Entry
	if json.Unmarshal(raw, &was) != nil {
		return ""
	}
	return opening(was.Title, first(was.Content, was.Summary, was.Markdown))
}

// findSlid finds the entry that the window of the feed dropped, if it is the only one that is not there any more.
func (m *matcher) findSlid() {
	var gone []*store.Entry
	var oldest time.Time
	for i := range m.entries {
		e := &m.entries[i]
		if !inLast(e, m.feed) {
			continue
		}
		if !m.taken[i] {
			gone = append(gone, e)
		} else if oldest.IsZero() || e.Date.Before(oldest) {
			oldest = e.Date
		}
	}
	if len(gone) == 1 && (oldest.IsZero() || gone[0].Date.Before(oldest)) {
		m.slid = gone[0]
	}
}

// notTheNext objects to taking an entry that says the same as one before ("Open thread", every week) for that one
// under another name: the window moved on by one, and what came in is new by GUID, by address and by date.
func (m *matcher) notTheNext(s *subject, e *store.Entry) bool {
	return e != m.slid || s.GUID == "" || e.GUID == "" || s.GUID == e.GUID || !s.Date().After(m.newest) ||
		s.address == "" || entryAddress(e) == "" || s.address == entryAddress(e)
}

// maxRedirectLooks bounds how many pages are asked where they lead to.
const maxRedirectLooks = 20

// byRedirect matches what is left by where the pages of vanished entries lead to now, as far as looks tells, and
// returns the entries whose pages have to be looked at for that. An item that is newer than everything known is
// news, and nobody's page is asked about it.
func (m *matcher) byRedirect(looks map[string]sight) (ask []int) {
	items := map[string]int{}
	for i, s := range m.subjects {
		if s.entry < 0 && !s.foreign && s.address != "" && (s.Date().IsZero() || !s.Date().After(m.newest)) {
			items[s.address] = i
		}
	}
	if len(items) == 0 {
		return nil
	}
	leads := map[int][]int{} // item → entries whose pages lead there
	for _, i := range m.redirectable() {
		e := &m.entries[i]
		seen, looked := looks[e.Key]
		if !looked {
			ask = append(ask, i)
			continue
		}
		if item, ok := items[distinctAddress(seen.final)]; ok && distinctAddress(seen.final) != entryAddress(e) {
			leads[item] = append(leads[item], i)
		}
	}
	for item, entries := range leads {
		if len(entries) == 1 {
			m.pair(item, entries[0])
		}
	}
	return ask
}

// redirectable returns the vanished entries whose pages may lead to an item, the newest first.
func (m *matcher) redirectable() []int {
	var out []int
	for i := range m.entries {
		if e := &m.entries[i]; !m.taken[i] && inLast(e, m.feed) && isHTTP(e.URL) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return m.entries[b].Date.Compare(m.entries[a].Date) })
	return out[:min(len(out), maxRedirectLooks)]
}

// sameDay tells whether an item that goes by the name of a vanished entry, at another address, is as old as that: a
// weekly "weeknotes" is not. Undated ones have nothing but the name.
func (m *matcher) sameDay(s *subject, e *store.Entry) bool {
	was, is := dateOf(e), s.Date()
	if was.IsZero() || is.IsZero() {
		return was.IsZero() && is.IsZero()
	}
	return is.Sub(was).Abs() < 24*time.Hour && m.notTheNext(s, e)
}

// redated tells whether an item with the title of a vanished entry is that entry with another address, other
// markup and another date, all at once: what a change of generator does. The next instalment of a series
// bears the title of the last one too, but it is newer than everything known.
func (m *matcher) redated(s *subject, e *store.Entry) bool {
	was, is := dateOf(e), s.Date()
	if was.IsZero() || is.IsZero() || is.After(m.newest) {
		return false
	}
	return is.Sub(was).Abs() <= maxRedated
}

// byCandidate matches what only the choice of its key told apart from another one when it came: the same entry twice
// in one document, once without its GUID.
func (m *matcher) byCandidate() {
	known := map[string]int{}
	for i := range m.entries {
		if !m.taken[i] && inLast(&m.entries[i], m.feed) {
			known[m.entries[i].Key] = i
		}
	}
	if len(known) == 0 {
		return
	}
	for _, same := range []bool{true, false} { // first those that did not change since
		for i, s := range m.subjects {
			if s.entry < 0 && !s.foreign {
				m.claim(i, known, same)
			}
		}
	}
}

// claim matches an item with the first free entry whose key it might get; same: with one that says the same.
func (m *matcher) claim(i int, known map[string]int, same bool) {
	s := m.subjects[i]
	for _, key := range keyCandidates(s, m.host, m.feed) {
		k, ok := known[key]
		if !ok {
			continue
		}
		e := &m.entries[k]
		if unchanged := e.Title == s.Title && e.Fingerprint == s.fingerprint(); m.corroborated(s, e) && (unchanged || !same) {
			m.pair(i, k)
		}
	}
}
