package federation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"crier/content"
	"crier/store"
)

const (
	// batchMax is how many posts that nobody is told of go into one transaction; a first poll may bring
	// thousands of them.
	batchMax = 100

	// conflictPause is how long to wait when nothing could be published because the entries changed at
	// the same moment.
	conflictPause = time.Second
)

// publishing is what the publisher needs of Server beside the store.
type publishing struct {
	mu sync.Mutex // held for a whole round

	since time.Time // when the publisher started; zero before

	announced bool // the followers know the profile as it is; only RunPublisher asks

	// stuck are the entries that cannot become posts, with the version that was tried: they are left out
	// until the feed brings another version or the program is started anew. There are hardly ever any.
	stuck map[string]uint64
}

func newPublishing() *publishing { return &publishing{stuck: map[string]uint64{}} }

// begin notes that entries which were due before now could not be looked at until now.
func (p *publishing) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = now
}

// RunPublisher makes posts of entries as they become due until ctx is done. A store that fails is tried
// again; the error is always nil.
//
// A crash at any moment loses nothing and doubles nothing: the post, its activity, its deliveries and the
// entry's new state are one transaction, and doing it again makes the same ids.
func (s *Server) RunPublisher(ctx context.Context) error {
	s.publishing.begin(time.Now())
	failing := false
	for {
		next, err := s.publishAll(ctx)
		switch {
		case err != nil && !failing:
			s.log.Error("cannot publish; it is tried again until the store can be written", "err", err)
		case err == nil && failing:
			s.log.Info("publishing works again")
		}
		failing = err != nil
		if !sleep(ctx, s.publish, publisherWait(next, err)) {
			return nil
		}
	}
}

// publishAll tells the followers of a changed profile, and publishes what is due.
func (s *Server) publishAll(ctx context.Context) (next time.Time, err error) {
	hosts, err := s.learnHosts()
	if err != nil {
		return time.Time{}, err
	}
	if hosts || !s.publishing.announced {
		if _, err := s.AnnounceActor(); err != nil {
			return time.Time{}, err
		}
		s.publishing.announced = true
	}
	_, next, err = s.publishDue(ctx)
	return next, err
}

func publisherWait(next time.Time, err error) time.Duration {
	switch {
	case err != nil:
		return storePause
	case next.IsZero():
		return longestSleep
	}
	return min(max(time.Until(next), 0), longestSleep)
}

// sleep waits for a wake-up or until the time is over; false says that ctx is done.
func sleep(ctx context.Context, wake <-chan struct{}, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// PublishDue publishes whatever is due now: new posts, changes and deletions. It returns how many there
// were; an error means that the store could not be read or written.
func (s *Server) PublishDue(ctx context.Context) (int, error) {
	n, _, err := s.publishDue(ctx)
	return n, err
}

// publishDue also returns when something is due again (zero: nothing waits).
func (s *Server) publishDue(ctx context.Context) (total int, next time.Time, err error) {
	p := s.publishing
	p.mu.Lock()
	defer p.mu.Unlock()
	silent := 0
	defer func() { s.logSilent(silent) }()
	for ctx.Err() == nil && !s.hasMoved() {
		var due []store.Entry
		due, next, err = s.db.DueEntries(time.Now(), batchMax+len(p.stuck))
		if err != nil {
			return total, next, fmt.Errorf("read entries that are due: %w", err)
		}
		due = slices.DeleteFunc(due, func(e store.Entry) bool { return p.stuck[e.Key] == e.Version })
		if len(due) == 0 {
			return total, next, nil
		}
		r := round{s: s, behind: map[string]time.Time{}}
		err = r.publish(due)
		total += r.published
		silent += r.silent
		if err != nil {
			return total, next, err
		}
		switch {
		case r.published > 0: // there may be more
		case r.conflicts > 0:
			return total, time.Now().Add(conflictPause), nil
		case len(r.waits) > 0:
			return total, earliest(append(r.waits, next)), nil
		}
	}
	return total, next, nil
}

// round is one pass over the entries that are due.
type round struct {
	s         *Server
	batch     []store.Publication // new posts that nobody is told of
	published int
	silent    int // of them, new posts that nobody is told of
	conflicts int
	waits     []time.Time          // until when entries wait for a look at their pictures
	behind    map[string]time.Time // by feed: until when a new entry waits, which later ones must not overtake
}

// publish goes through the entries, longest due first and of those the oldest. What goes to followers has
// a transaction of its own, so that the first of many is under way before the last is rendered.
func (r *round) publish(due []store.Entry) error {
	slices.SortStableFunc(due, func(a, b store.Entry) int {
		return cmp.Or(a.Due.Compare(b.Due), a.Date.Compare(b.Date), cmp.Compare(a.Key, b.Key))
	})
	for _, e := range due {
		m, err := r.s.material(e)
		if errors.Is(err, store.ErrNotFound) {
			r.conflicts++
			continue
		}
		if err != nil {
			return err
		}
		if r.wait(m, time.Now()) {
			continue
		}
		p, err := r.s.plan(m, time.Now())
		if err != nil {
			r.s.leaveOut(e, err)
			continue
		}
		if p.Activity.Type == "Create" && !p.Deliver {
			r.batch = append(r.batch, p)
			continue
		}
		if err := r.commit(p); err != nil {
			return err
		}
	}
	return r.commitBatch()
}

// commitBatch stores the posts that nobody is told of. If one of them changed meanwhile, the others are
// stored one by one.
func (r *round) commitBatch() error {
	if len(r.batch) == 0 {
		return nil
	}
	_, err := r.s.commit(r.batch...)
	switch {
	case err == nil:
		r.published += len(r.batch)
		r.silent += len(r.batch)
		return nil
	case !errors.Is(err, store.ErrConflict):
		return fmt.Errorf("store %d posts: %w", len(r.batch), err)
	}
	for _, p := range r.batch {
		switch _, err := r.s.commit(p); {
		case errors.Is(err, store.ErrConflict):
			r.conflicts++
		case err != nil:
			return fmt.Errorf("store the post %s: %w", p.Post.ID, err)
		default:
			r.published++
			r.silent++
		}
	}
	return nil
}

// commit stores one publication and tells of it. An entry that changed meanwhile is left for the next
// round.
func (r *round) commit(p store.Publication) error {
	inboxes, err := r.s.commit(p)
	if errors.Is(err, store.ErrConflict) {
		r.conflicts++
		return nil
	}
	if err != nil {
		return fmt.Errorf("store the %s of %s: %w", p.Activity.Type, p.Post.ID, err)
	}
	r.published++
	r.s.logPublication(p, inboxes)
	if inboxes > 0 {
		r.s.WakeDeliverer()
	}
	return nil
}

// commit writes publications. The deliverer must not see the old text of a Create afterwards: the store
// queues no Update for an inbox where the Create still waits, since it will carry the new text. Hence the
// mutex: a body is either read before the write, and then its delivery was claimed before and the Update
// is queued behind it, or after it.
func (s *Server) commit(ps ...store.Publication) (inboxes int, err error) {
	s.sending.mu.Lock()
	defer s.sending.mu.Unlock()
	inboxes, err = s.db.Publish(time.Now(), ps...)
	for _, p := range ps {
		if p.Create != nil {
			s.sending.bodies.Remove(p.Create.ID)
		}
	}
	return inboxes, err
}

// leaveOut keeps an entry that cannot become a post from holding up the others.
func (s *Server) leaveOut(e store.Entry, err error) {
	s.publishing.stuck[e.Key] = e.Version
	s.log.Error("an entry cannot be published and is left out until the feed changes it",
		"entry", firstOf(e.URL, e.Title, e.Key), "feed", e.Feed, "todo", string(e.Todo), "err", err)
}

// logPublication writes the line of the activity log for something that the followers are to know, or
// that changed. It is written after the fact: a crash in between costs the line and nothing else.
func (s *Server) logPublication(p store.Publication, inboxes int) {
	typ, object := s.describe(p.Activity.Body)
	line := store.LogEntry{
		Time: time.Now(), Direction: "out", Type: typ, Object: object, From: s.ids.Actor(),
		To: "the outbox", Result: "listed", Activity: p.Activity.ID,
	}
	switch {
	case inboxes > 0:
		line.To, line.Result = inboxCount(inboxes), "queued"
	case p.Deliver || len(p.Inboxes) > 0: // nobody follows, or what still waits tells all there is to tell
		line.Result = "stored, nothing further to send"
	}
	s.appendLog(line)
	s.log.Info("published", "activity", p.Activity.Type, "post", p.Post.ID, "inboxes", inboxes)
}

// logSilent writes one line for all posts of a poll that are only there to be fetched.
func (s *Server) logSilent(n int) {
	if n == 0 {
		return
	}
	posts := strconv.Itoa(n) + " posts"
	if n == 1 {
		posts = "1 post"
	}
	s.appendLog(store.LogEntry{
		Time: time.Now(), Direction: "out", Type: "Create", Object: posts, From: s.ids.Actor(),
		To: "our own address", Result: "can be fetched, sent to nobody",
	})
	s.log.Info("published without sending", "posts", n)
}

func (s *Server) appendLog(line store.LogEntry) {
	if err := s.db.AppendLog(line); err != nil {
		s.log.Warn("cannot write the activity log", "err", err)
	}
}

func inboxCount(n int) string {
	if n == 1 {
		return "1 inbox"
	}
	return strconv.Itoa(n) + " inboxes"
}

// material is all that a publication is made from.
type material struct {
	entry  store.Entry
	fields []byte         // what the feed says now
	extras content.Extras // what was learnt beyond it
	looked bool           // somebody has looked for extras
	post   store.Post     // as it is; zero before the first time
	counts store.ReactionCounts
}

func (s *Server) material(e store.Entry) (material, error) {
	m := material{entry: e}
	var err error
	if m.fields, _, err = s.db.EntryFields(e.Key); err != nil {
		return m, fmt.Errorf("read the fields of entry %s: %w", e.Key, err)
	}
	if err := m.readExtras(s.db); err != nil {
		return m, err
	}
	m.post, err = s.db.Post(postPath(e.Key, e.Generation))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return m, fmt.Errorf("read the post of entry %s: %w", e.Key, err)
	}
	if m.counts, err = s.db.CountReactions(postPath(e.Key, e.Generation)); err != nil {
		return m, fmt.Errorf("count the reactions to entry %s: %w", e.Key, err)
	}
	return m, nil
}

// readExtras takes what was learnt of the entry. Extras that cannot be decoded are those of another version of
// crier; the post can do without.
func (m *material) readExtras(db *store.DB) error {
	raw, err := db.Extras(m.entry.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read the extras of entry %s: %w", m.entry.Key, err)
	}
	var rec struct {
		content.Extras
		Of string `json:"of"` // store.Entry.FieldsHash when somebody looked
	}
	if json.Unmarshal(raw, &rec) == nil {
		m.extras = rec.Extras
	}
	m.looked = rec.Of == "" || rec.Of == m.entry.FieldsHash
	return nil
}

// wait reports whether an entry waits: for a look at its pictures, or for an older one of its feed that does.
func (r *round) wait(m material, now time.Time) bool {
	until := r.s.waits(m)
	news := m.entry.Deliver && m.entry.Todo == store.TodoCreate
	if news && r.behind[m.entry.Feed].After(until) {
		until = r.behind[m.entry.Feed]
	}
	if !until.After(now) {
		return false
	}
	r.waits = append(r.waits, until)
	if news {
		r.behind[m.entry.Feed] = until
	}
	return true
}

// waits returns until when an entry waits for a look at its page and its pictures; zero if it does not. A slow host
// must not hold up a post for long, and what nobody is sent needs no such look.
func (s *Server) waits(m material) time.Time {
	if m.looked || !m.entry.Deliver || m.entry.Todo == store.TodoDelete || s.cfg.Patience == 0 {
		return time.Time{}
	}
	due := m.entry.Due
	if since := s.publishing.since; since.After(due) {
		due = since
	}
	return due.Add(s.cfg.Patience)
}

// earliest returns the first of the times that are not zero, or zero.
func earliest(times []time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
