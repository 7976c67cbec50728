package feed

import (
	"strings"
	"time"

	"crier/store"
)

// matcher finds out which item is which entry. Each step joins what is unique on both sides and hands the
// rest on to the next, weaker one.
type matcher struct {
	subjects []*subject
	entries  []store.Entry // that may be matched
	feed     string        // address of the feed that is polled
	host     string        // the blog's
	newest   time.Time     // the newest date known in it
	current  func(key string) ([]byte, error)

	taken []bool       // by entry
	slid  *store.Entry // the one entry that slid out of the window, if nothing else vanished
}

// match sets subject.entry and taken. foreign are the entries of other configured feeds: an item that is one of
// them is left alone.
func (m *matcher) match(foreign []store.Entry) {
	m.taken = make([]bool, len(m.entries))
	m.byGUID()
	m.join(func(s *subject) string { return s.address }, entryAddress, m.corroborated)
	m.join((*subject).pageKey, func(e *store.Entry) string { return e.Key }, m.corroborated)
	m.byAlias()
	m.skipForeign(foreign)
	m.byCandidate()
	m.findSlid()
	uprooted := m.uprooted()
	m.join((*subject).fingerprint, m.vanished(func(e *store.Entry) string { return e.Fingerprint }), m.notTheNext)
	m.join((*subject).titleAndDate, m.vanished(entryTitleAndDate), nil)
	m.join((*subject).longTitle, m.vanished(func(e *store.Entry) string { return longTitle(e.Title) }), m.redated)
	if uprooted {
		m.join((*subject).slug, m.vanished(entrySlug), m.sameDay)
		m.join((*subject).moment, m.vanished(func(e *store.Entry) string { return moment(dateOf(e)) }), nil)
		m.join((*subject).opening, m.vanished(m.entryOpening), m.redated)
	}
}

// uprooted tells whether most of the last document is not there any more under any name: the blog moved, and less
// than its whole text or title is enough to know an entry again. A single entry of which all that was changed is
// another one.
func (m *matcher) uprooted() bool {
	last, gone := 0, 0
	for i := range m.entries {
		if inLast(&m.entries[i], m.feed) {
			last++
			if !m.taken[i] {
				gone++
			}
		}
	}
	return gone >= fewLost && 2*gone > last
}

// identity returns what its feed names an item or entry by: the GUID, else the link.
func identity(guid, link string) string {
	if guid == "" && link != "" {
		return "link " + link
	}
	return guid
}

// byGUID matches by GUID, or by link where there is no GUID; where that occurs more than once on either side, title,
// date, address and text tell those that share it apart.
func (m *matcher) byGUID() {
	items, known := map[string][]int{}, map[string][]int{}
	for i, s := range m.subjects {
		if id := identity(s.GUID, s.Link); id != "" {
			items[id] = append(items[id], i)
		}
	}
	for i, e := range m.entries {
		if id := identity(e.GUID, e.Link); len(items[id]) > 0 {
			known[id] = append(known[id], i)
		}
	}
	for guid, some := range items {
		if have := known[guid]; len(some) == 1 && len(have) == 1 {
			// A feed that is configured no more may have been this one under another address, or another blog's.
			if e := &m.entries[have[0]]; e.Feed == m.feed || worldwide(guid) || m.corroborated(m.subjects[some[0]], e) {
				m.pair(some[0], have[0])
			}
		} else if len(have) > 0 {
			m.shared(some, have)
		}
	}
}

// shared matches items and entries that have one GUID in common.
func (m *matcher) shared(items, known []int) {
	steps := []struct {
		item  func(*subject) string
		entry func(*store.Entry) string
	}{
		{(*subject).outside, entryOutside},
		{(*subject).titleAndDate, entryTitleAndDate},
		{(*subject).fingerprint, func(e *store.Entry) string { return e.Fingerprint }},
		{func(s *subject) string { return s.address }, entryAddress},
		{func(s *subject) string { return s.Title }, func(e *store.Entry) string { return e.Title }},
		{func(s *subject) string { return stamp(s.Date()) }, func(e *store.Entry) string { return stamp(dateOf(e)) }},
	}
	for _, step := range steps {
		m.joinSome(items, known, step.item, step.entry)
	}
	if len(items) > 1 || m.subjects[items[0]].entry >= 0 {
		return
	}
	// One item bears the GUID now: it is the entry that bore it in the last document, if that was one.
	if here := m.here(known); len(here) == 1 {
		m.pair(items[0], here[0])
	}
}

// here returns those of the entries that are free and stood in the last document.
func (m *matcher) here(known []int) []int {
	var out []int
	for _, k := range known {
		if !m.taken[k] && m.entries[k].MissingSince.IsZero() && m.entries[k].State != store.EntryGone {
			out = append(out, k)
		}
	}
	return out
}

// joinSome joins free items and free entries out of two groups by a key that is unique in each.
func (m *matcher) joinSome(items, known []int, itemKey func(*subject) string, entryKey func(*store.Entry) string) {
	left, right := map[string][]int{}, map[string][]int{}
	for _, i := range items {
		if k := itemKey(m.subjects[i]); k != "" && m.subjects[i].entry < 0 {
			left[k] = append(left[k], i)
		}
	}
	for _, i := range known {
		if k := entryKey(&m.entries[i]); k != "" && !m.taken[i] {
			right[k] = append(right[k], i)
		}
	}
	for k, some := range left {
		if have := right[k]; len(some) == 1 && len(have) == 1 {
			m.pair(some[0], have[0])
		}
	}
}

// join joins free items and free entries by a key that is unique among all items and, among the entries,
// unique or at least unique among those of the last document. ok, if not nil, may object to a pair.
func (m *matcher) join(itemKey func(*subject) string, entryKey func(*store.Entry) string, ok func(s *subject, e *store.Entry) bool) {
	left := map[string][]int{}
	free := false
	for _, s := range m.subjects {
		free = free || s.entry < 0
	}
	if !free {
		return
	}
	for i, s := range m.subjects {
		if k := itemKey(s); k != "" {
			left[k] = append(left[k], i)
		}
	}
	right := map[string][]int{}
	for i := range m.entries {
		if k := entryKey(&m.entries[i]); k != "" && len(left[k]) == 1 {
			right[k] = append(right[k], i)
		}
	}
	for k, have := range right {
		if len(have) > 1 {
			have = m.here(have)
		}
		if some := left[k]; len(have) == 1 && (ok == nil || ok(m.subjects[some[0]], &m.entries[have[0]])) {
			m.pair(some[0], have[0])
		}
	}
}

// byAlias matches by what an entry was called earlier: blogs move to another address and back.
func (m *matcher) byAlias() {
	known := map[string][]int{}
	for i, e := range m.entries {
		for _, a := range e.Aliases {
			if !m.taken[i] {
				known[a] = append(known[a], i)
			}
		}
	}
	for i, s := range m.subjects {
		for _, a := range s.names() {
			if have := known[a]; len(have) == 1 && m.corroborated(s, &m.entries[have[0]]) {
				m.pair(i, have[0])
			}
		}
	}
}

// worldwide tells whether a GUID is made to be unique in the world: "12" of one blog is not "12" of another.
func worldwide(guid string) bool { return strings.Contains(guid, ":") || len(guid) >= 22 }

// skipForeign marks the items that another configured feed has.
func (m *matcher) skipForeign(foreign []store.Entry) {
	names := map[string]bool{}
	for i := range foreign {
		e := &foreign[i]
		names["k:"+e.Key] = true
		for _, n := range append(entryNames(e), e.Aliases...) {
			guid, isGUID := strings.CutPrefix(n, "g:")
			names[n] = !isGUID || worldwide(guid)
		}
	}
	for _, s := range m.subjects {
		if s.entry >= 0 {
			continue
		}
		for _, n := range append(s.names(), "k:"+s.pageKey()) {
			s.foreign = s.foreign || names[n]
		}
	}
}

// pair matches an item with an entry unless one of them is matched already.
func (m *matcher) pair(item, entry int) {
	if s := m.subjects[item]; s.entry < 0 && !s.foreign && !m.taken[entry] {
		s.entry, m.taken[entry] = entry, true
	}
}

// corroborated tells whether an item at an entry's address is that entry, and not the next one at the
// same place: where both have a GUID and these differ, title, date or text must agree.
func (m *matcher) corroborated(s *subject, e *store.Entry) bool {
	if s.GUID == "" || e.GUID == "" {
		return true
	}
	if s.Title != "" && s.Title == e.Title || !s.Date().IsZero() && s.Date().Equal(dateOf(e)) {
		return true
	}
	return e.Fingerprint != "" && s.fingerprint() == e.Fingerprint
}

// pageKey returns the key that the item's own page would give.
func (s *subject) pageKey() string {
	if !s.hasPage {
		return ""
	}
	return s.page.Key()
}

// names returns what an item is called, in the form of store.Entry.Aliases.
func (s *subject) names() []string {
	return entryNames(&store.Entry{GUID: s.GUID, URL: s.address})
}

// entryNames returns what an entry is called in its feed now, in the form of its aliases.
func entryNames(e *store.Entry) []string {
	var out []string
	if e.GUID != "" {
		out = append(out, "g:"+e.GUID)
	}
	if a := entryAddress(e); a != "" {
		out = append(out, "p:"+a)
	}
	return out
}

func entryAddress(e *store.Entry) string { return distinctAddress(e.URL) }

// distinctAddress returns the form of an address in which pages are compared; empty for a front page,
// which tells no entries apart.
func distinctAddress(address string) string {
	if !isHTTP(address) {
		return address // is in that form already
	}
	k := pageKey(address, nil)
	if !strings.ContainsAny(k, "/?") {
		return ""
	}
	return k
}
