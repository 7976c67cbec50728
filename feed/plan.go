package feed

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"crier/content"
	"crier/store"
)

const (
	// skew is how far ahead of us a blog's clock may be: an entry dated no later counts as written now.
	skew = 10 * time.Minute
	// spacing parts the news of one poll, so that they arrive in order.
	spacing = time.Second
	// flood is how many times max_new is too much even where all of it is newer than anything known.
	flood = 10
	// maxAliases bounds how many earlier names of an entry are remembered.
	maxAliases = 16
	// fieldsVersion names the way in which a document becomes fields. Where another version of crier wrote
	// an entry's hash, a difference is that version's and not the author's, and says nothing to the world.
	fieldsVersion = "2:"
)

// input is all that a poll's outcome depends on.
type input struct {
	now        time.Time
	cfg        Config
	spacing    time.Duration // between news
	handleHost string
	feed       store.Feed
	known      []store.Entry                                      // every entry in the store
	configured map[string]bool                                    // addresses of all configured feeds
	current    func(key string) ([]byte, error)                   // what the feed said of an entry last
	published  func(key string) ([]byte, error)                   // what an entry's post was made from; nil: never made
	visible    func(key string, before, after content.Entry) bool // whether a change shows in the post
	doc        *Document                                          // nil: not modified
	learnt                                                        // nothing, before anything was asked for
}

// learnt is what had to be fetched besides the feed before a plan could be final.
type learnt struct {
	looks map[string]sight  // by key: what the pages of suspects answered; nil: none was asked
	shown map[string]string // what other configured feeds show now, by name (see names): the feed's address; nil: none was asked
}

// planned is the outcome.
type planned struct {
	feed  store.Feed
	put   []store.EntryPut
	want  []store.Entry // suspects whose page must be looked at before this can be final
	ask   bool          // the other configured feeds must be read before this can be final
	items []OutcomeItem // what will be seen of it, in the order in which it happens
	fresh int           // new entries, held ones not counted
	edits int
	gone  int
	held  int
	why   string // why entries are held, in the owner's words; empty if none is
	first bool
}

// planner carries a plan while it is made.
type planner struct {
	input
	out   planned
	host  string        // the blog's
	own   []store.Entry // of this feed, and those that no configured feed has a claim to
	keys  map[string]bool
	older time.Time // the oldest date of an entry that is still in the document; zero if none
	last  int       // how many entries stood in the last document
	lost  int       // how many of them do not stand in this one
	buf   bytes.Buffer
}

// plan works out what a poll means. It reads nothing but its input and changes nothing.
func plan(in input) (planned, error) {
	p := &planner{input: in, keys: map[string]bool{}}
	p.out.feed = in.feed
	var foreign []store.Entry
	for _, e := range in.known {
		p.keys[e.Key] = true
		switch {
		case e.Feed == in.feed.URL || !in.configured[e.Feed] || unclaimed(&e):
			p.own = append(p.own, e)
		default:
			foreign = append(foreign, e)
		}
	}
	p.out.first = in.doc != nil && in.feed.FirstRead.IsZero()
	// An empty channel is a generator that failed oftener than a blog that was emptied: it proves nothing, and what
	// stood in the document before it is what the next one is compared with.
	if in.doc == nil || len(in.doc.Items) == 0 && !p.out.first {
		p.lookAgain()
		return p.out, nil
	}
	base := baseURL(in.doc.Link, in.feed.URL)
	p.host = BlogHost(in.doc.Link, in.feed.URL, in.handleHost)
	subjects := subjectsOf(in.doc, p.host, base)
	m := &matcher{subjects: subjects, entries: p.own, feed: in.feed.URL, host: p.host, newest: in.feed.Newest, current: in.current}
	m.match(foreign)
	for _, i := range m.byRedirect(in.looks) {
		p.out.want = append(p.out.want, p.own[i])
	}
	if p.out.first {
		p.firstRead(subjects)
	}
	fresh, err := p.known(subjects)
	if err != nil {
		return p.out, err
	}
	p.turnover(m.taken)
	if err := p.added(fresh); err != nil {
		return p.out, err
	}
	for i, e := range p.own {
		if !m.taken[i] && e.Feed == in.feed.URL {
			p.missing(e)
		}
	}
	p.finish()
	return p.out, nil
}

// unclaimed tells whether an entry of another configured feed becomes the entry of whichever feed shows it: that
// feed shows it no more, or does not want it.
func unclaimed(e *store.Entry) bool {
	return e.State == store.EntryGone || e.State == store.EntrySkipped || !e.MissingSince.IsZero()
}

// known deals with the items whose entries are known and returns those that are to be decided as news is.
func (p *planner) known(subjects []*subject) (fresh []*subject, err error) {
	for _, s := range subjects {
		if s.foreign {
			continue
		}
		s.skip = p.cfg.Style.For(s.Entry).Skip
		if s.entry < 0 {
			fresh = append(fresh, s)
			continue
		}
		p.present(p.own[s.entry])
		anew, err := p.seen(s, p.own[s.entry])
		if err != nil {
			return nil, err
		}
		if anew {
			fresh = append(fresh, s)
		}
	}
	return fresh, nil
}

// turnover counts what became of the entries of the last document.
func (p *planner) turnover(taken []bool) {
	for i := range p.own {
		if !inLast(&p.own[i], p.feed.URL) {
			continue
		}
		p.last++
		if !taken[i] {
			p.lost++
		}
	}
}

// inLast tells whether an entry stood in the last document of that feed.
func inLast(e *store.Entry, feed string) bool {
	return e.Feed == feed && e.State != store.EntryGone && e.MissingSince.IsZero()
}

// firstRead notes what the first readable document of a feed says about all later ones.
func (p *planner) firstRead(subjects []*subject) {
	p.out.feed.FirstRead = p.now
	for _, s := range subjects {
		if d := p.clamp(s.date); !d.After(p.now) && d.After(p.out.feed.FirstNewest) {
			p.out.feed.FirstNewest = d
		}
	}
}

// clamp makes now of a date that is only a little ahead.
func (p *planner) clamp(d time.Time) time.Time {
	if d.After(p.now) && !d.After(p.now.Add(skew)) {
		return p.now
	}
	return d
}

// present notes that an entry that stood in the last document still stands in this one. What is new or came
// back says nothing about where the window of the feed begins.
func (p *planner) present(e store.Entry) {
	if unclaimed(&e) && !inLast(&e, p.feed.URL) {
		return
	}
	if p.older.IsZero() || e.Date.Before(p.older) {
		p.older = e.Date
	}
}

// describe brings what an entry is recognised by, and where it is read, up to date with the document.
func (p *planner) describe(e *store.Entry, s *subject, hash string) {
	before := entryNames(e)
	e.Feed, e.GUID, e.Link, e.URL, e.Title = p.feed.URL, s.GUID, s.Link, s.URL, s.Title
	e.HasPage = s.hasPage && s.address != ""
	if e.FieldsHash != hash {
		e.FieldsHash, e.Fingerprint = hash, s.fingerprint()
	}
	e.MissingSince, e.FirstLook, e.NextLook = time.Time{}, time.Time{}, time.Time{}
	e.Aliases = aliases(e.Aliases, before, entryNames(e))
}

// aliases adds the names that an entry lost to its earlier ones.
func aliases(have, before, now []string) []string {
	out := slices.Clone(have)
	for _, name := range before {
		if !slices.Contains(now, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out[max(0, len(out)-maxAliases):]
}

// seen deals with an item whose entry is known. It reports whether that is to be decided anew, as news is: a return
// from the dead, or an entry that no rule skips any more.
func (p *planner) seen(s *subject, e store.Entry) (anew bool, err error) {
	switch {
	case e.State == store.EntryGone, e.State == store.EntrySkipped && e.Feed != p.feed.URL:
		return !s.skip, nil // what is skipped stays where it is
	case e.State == store.EntrySkipped && !s.skip:
		return true, nil
	}
	was := e
	encoded, hash, err := p.encode(s)
	if err != nil {
		return false, err
	}
	ours := strings.HasPrefix(e.FieldsHash, fieldsVersion)
	changed := e.FieldsHash != hash
	p.describe(&e, s, hash)
	if e.Todo == store.TodoDelete {
		e.Todo, e.Due = store.TodoNothing, time.Time{}
		changed, ours = true, true // an Update may have been due before the Delete was
	}
	switch {
	case e.State == store.EntrySkipped, e.State == store.EntryWithdrawn:
	case e.State != store.EntryLive && s.skip:
		withdraw(&e, store.EntrySkipped)
		p.report("skip", &e)
	case e.State != store.EntryLive:
		p.postponed(&e, s)
	case changed && ours: // a rule that would skip it comes too late: it has a post, and keeps it
		if err := p.changed(&e, s); err != nil {
			return false, err
		}
	}
	var fields []byte
	if was.FieldsHash != e.FieldsHash {
		fields = bytes.Clone(encoded)
	}
	if fields != nil || !reflect.DeepEqual(was, e) {
		p.out.put = append(p.out.put, store.EntryPut{Entry: e, Fields: fields})
	}
	return false, nil
}

// changed decides whether a change of a live entry is worth an Update. It is compared with what the post
// was made from, so that a change and its undoing before anything was sent come to nothing.
func (p *planner) changed(e *store.Entry, s *subject) error {
	raw, err := p.published(e.Key)
	if err != nil {
		return fmt.Errorf("read what the post of %s was made from: %w", e.Key, err)
	}
	var before content.Entry
	if raw != nil {
		if err := json.Unmarshal(raw, &before); err != nil {
			return fmt.Errorf("decode what the post of %s was made from: %w", e.Key, err)
		}
	}
	if raw != nil && !p.visible(e.Key, before, s.Entry) {
		if e.Todo == store.TodoUpdate {
			e.Todo, e.Due = store.TodoNothing, time.Time{}
		}
		return nil
	}
	if e.Todo != store.TodoUpdate { // edits while one waits go out with it
		e.Due = p.now.Add(p.cfg.Grace)
	}
	e.Todo = store.TodoUpdate
	p.out.edits++
	p.report("update", e)
	return nil
}

// withdraw takes an entry back before its post was made. Of one that was deleted earlier the last post is that of
// the generation before, and its next return gets the number that was not used.
func withdraw(e *store.Entry, state store.EntryState) {
	e.State, e.Todo, e.Due, e.Deliver, e.Listed = state, store.TodoNothing, time.Time{}, false, false
	if e.Generation > 1 {
		e.State = store.EntryGone
		e.Generation--
	}
}

// postponed follows the feed's date of an entry that has no post yet.
func (p *planner) postponed(e *store.Entry, s *subject) {
	if !e.Dated || s.date.IsZero() || s.date.Equal(e.Date) {
		return
	}
	waits := e.State == store.EntryNew && e.Date.After(p.now)
	e.Date = p.clamp(s.date)
	switch {
	case waits:
		e.Due = later(e.Date, p.now.Add(p.cfg.Grace))
	case e.State == store.EntryNew && e.Date.After(p.now):
		e.Due = later(e.Due, e.Date)
	}
}

// encode returns an item's fields as they are stored, and their hash. The fields are good until the next call, since most
// of them are thrown away for their hash. Markup is not escaped, which would make it three times as long.
func (p *planner) encode(s *subject) ([]byte, string, error) {
	p.buf.Reset()
	to := json.NewEncoder(&p.buf)
	to.SetEscapeHTML(false)
	if err := to.Encode(s.Entry); err != nil {
		return nil, "", fmt.Errorf("encode the fields of %q: %w", s.Title, err)
	}
	fields := bytes.TrimSuffix(p.buf.Bytes(), []byte("\n"))
	sum := sha256.Sum256(fields)
	return fields, fieldsVersion + hex.EncodeToString(sum[:16]), nil
}

// finish brings the feed's own record up to date.
func (p *planner) finish() {
	f := &p.out.feed
	f.Title = p.doc.Title
	f.Missing = 0
	latestOf := map[string]store.Entry{}
	for _, e := range p.own {
		if e.Feed == f.URL {
			latestOf[e.Key] = e
		}
	}
	for _, put := range p.out.put {
		latestOf[put.Entry.Key] = put.Entry
	}
	for _, e := range latestOf {
		if !e.NextLook.IsZero() {
			f.Missing++
		}
		if e.Dated && !e.Date.After(p.now) && e.Date.After(f.Newest) {
			f.Newest = e.Date
		}
	}
}

// report adds a line to what will be seen of the poll.
func (p *planner) report(action string, e *store.Entry) {
	p.out.items = append(p.out.items, OutcomeItem{Action: action, Title: e.Title, URL: e.URL})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// oldestFirst sorts items into the order in which they were written; undated ones are the youngest, and of
// two with one date the one further down in the document is the older.
func oldestFirst(fresh []*subject) {
	slices.SortStableFunc(fresh, func(a, b *subject) int {
		if a.date.IsZero() != b.date.IsZero() {
			if a.date.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(a.date.Compare(b.date), cmp.Compare(b.pos, a.pos))
	})
}
