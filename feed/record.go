package feed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"crier/content"
	"crier/store"
)

// conflicts is how often a plan is made anew because the publisher wrote an entry meanwhile.
const conflicts = 5

// reading is what came of fetching and parsing: a document, "not modified", or an error.
type reading struct {
	fetched fetched
	doc     *Document
	err     error
}

// record returns what is stored of the feed; a feed never polled has a record with its address alone.
func (w *watcher) record() (store.Feed, error) {
	rec, err := w.p.o.Store.Feed(w.cfg.URL)
	if errors.Is(err, store.ErrNotFound) {
		return store.Feed{URL: w.cfg.URL}, nil
	}
	if err != nil {
		return rec, fmt.Errorf("read the record of feed %s: %w", w.cfg.URL, err)
	}
	return rec, nil
}

// read fetches and parses.
func (w *watcher) read(ctx context.Context, rec store.Feed) reading {
	got, err := fetch(ctx, w.client, w.cfg, rec, w.p.o.UserAgent)
	if err != nil || got.notModified {
		return reading{fetched: got, err: err}
	}
	doc, err := Parse(got.body, Source{URL: w.cfg.URL, ContentType: got.contentType})
	got.body = nil
	return reading{fetched: got, doc: doc, err: err}
}

// dryRun finds out what a poll would do.
func (w *watcher) dryRun(ctx context.Context) Outcome {
	rec, err := w.record()
	if err != nil {
		return Outcome{URL: w.cfg.URL, Error: err.Error()}
	}
	r := w.read(ctx, rec)
	if r.err != nil {
		return Outcome{URL: w.cfg.URL, Error: r.err.Error()}
	}
	w.p.recording.Lock()
	defer w.p.recording.Unlock()
	p, _, err := w.plan(ctx, rec, r, nil)
	if err != nil {
		return Outcome{URL: w.cfg.URL, Error: err.Error()}
	}
	return p.outcome(w.cfg.URL)
}

// store plans and records until nobody wrote in between. The looks at pages are kept from one try to the
// next, and nothing is fetched twice.
func (w *watcher) store(ctx context.Context, r reading) (Outcome, error) {
	var looks map[string]lookResult
	for try := 1; ; try++ {
		out, err := w.attempt(ctx, r, &looks)
		if !errors.Is(err, store.ErrConflict) {
			return out, err
		}
		if try == conflicts {
			rec, err := w.record()
			if err != nil {
				return Outcome{}, err
			}
			return w.failed(rec, reading{err: errors.New("entries kept changing while the poll was recorded; the next poll tries again")})
		}
	}
}

// attempt plans and records once. Two feeds do so one after the other: an entry that both of them bring is
// then known from the first when the second is planned.
func (w *watcher) attempt(ctx context.Context, r reading, looks *map[string]lookResult) (Outcome, error) {
	w.p.recording.Lock()
	defer w.p.recording.Unlock()
	rec, err := w.record()
	if err != nil {
		return Outcome{}, err
	}
	if r.err != nil {
		return w.failed(rec, r)
	}
	p, seen, err := w.plan(ctx, rec, r, *looks)
	if err != nil {
		return Outcome{}, err
	}
	*looks = seen
	out := p.outcome(w.cfg.URL)
	now := time.Now().UTC()
	err = w.p.o.Store.RecordPoll(store.Poll{Feed: w.good(p.feed, r, now), Put: p.put, Log: w.lines(rec, p, now)})
	if err != nil {
		return Outcome{}, fmt.Errorf("record the poll of %s: %w", w.cfg.URL, err)
	}
	if len(p.put) > 0 {
		w.log.Info("poll recorded", "new", out.New, "changed", out.Changed, "removed", out.Removed, "held", out.Held)
		w.p.notify()
	}
	return out, nil
}

// plan works out what a reading means, and looks at the pages of suspects where that is due. The caller holds
// recording, which is let go while pages are looked at.
func (w *watcher) plan(ctx context.Context, rec store.Feed, r reading, looks map[string]lookResult) (planned, map[string]lookResult, error) {
	in := input{
		now:        time.Now().UTC(),
		cfg:        w.cfg,
		handleHost: w.p.o.HandleHost, spacing: w.p.o.Spacing,
		feed:       rec,
		configured: w.p.configured,
		published:  w.published,
		visible:    w.visible,
		looks:      looks,
		doc:        r.doc,
	}
	if in.doc == nil && rec.Missing == 0 {
		return planned{feed: rec}, looks, nil
	}
	var err error
	if in.known, err = w.p.o.Store.Entries(); err != nil {
		return planned{}, nil, fmt.Errorf("read the entries: %w", err)
	}
	p, err := plan(in)
	if err != nil || len(p.want) == 0 || looks != nil {
		return p, looks, err
	}
	w.p.recording.Unlock()
	in.looks = lookAll(ctx, w.pages, p.want, w.p.o.UserAgent)
	w.p.recording.Lock()
	if in.known, err = w.p.o.Store.Entries(); err != nil {
		return planned{}, nil, fmt.Errorf("read the entries: %w", err)
	}
	p, err = plan(in)
	return p, in.looks, err
}

// published returns what an entry's post was last made from.
func (w *watcher) published(key string) ([]byte, error) {
	_, published, err := w.p.o.Store.EntryFields(key)
	return published, err
}

// visible tells whether a reader would see a change of an entry in its post as it would be rendered today.
// Two changes come for all entries of a feed at once and would only make noise: a blog that goes from http to
// https (the old address leads to the new one), and a template that names another language.
func (w *watcher) visible(before, after content.Entry) bool {
	before.Language = after.Language
	if stripScheme(before.URL) == stripScheme(after.URL) {
		before.URL = after.URL
	}
	return !content.Equal(content.Render(before, w.cfg.Render), content.Render(after, w.cfg.Render))
}

func stripScheme(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	return rest
}

// good brings the feed's record up to date after a good poll.
func (w *watcher) good(rec store.Feed, r reading, now time.Time) store.Feed {
	if !r.fetched.notModified {
		w.mu.Lock()
		if w.hint = r.doc.Hint; w.hint == 0 {
			w.hint = r.fetched.maxAge
		}
		w.mu.Unlock()
		rec.BodyHash = r.fetched.hash
	}
	// A 304 may leave its validators out (RFC 9110, 15.4.5); then those we have stay good.
	if !r.fetched.notModified || r.fetched.etag != "" || r.fetched.lastModified != "" {
		rec.ETag, rec.LastModified = r.fetched.etag, r.fetched.lastModified
	}
	rec.LastPoll, rec.LastError, rec.Failures = now, "", 0
	rec.NextPoll = nextPoll(now, w.interval(), 0, 0, random())
	return rec
}

// failed records a poll that brought no document. Validators and entries stay as they are: the next good
// answer is compared with the last good one.
func (w *watcher) failed(rec store.Feed, r reading) (Outcome, error) {
	now := time.Now().UTC()
	text := r.err.Error()
	var line []store.LogEntry
	if rec.LastError != text {
		line = append(line, w.line(now, "Error", text))
	}
	var retry time.Duration
	if fe := (*fetchError)(nil); errors.As(r.err, &fe) {
		retry = fe.retry
	}
	rec.LastPoll, rec.LastError = now, text
	rec.Failures++
	rec.NextPoll = nextPoll(now, w.interval(), rec.Failures, retry, random())
	if err := w.p.o.Store.RecordPoll(store.Poll{Feed: rec, Log: line}); err != nil {
		return Outcome{}, fmt.Errorf("record the failed poll of %s: %w", w.cfg.URL, err)
	}
	w.log.Warn("feed not read", "err", text, "failures", rec.Failures, "next", rec.NextPoll)
	return Outcome{URL: w.cfg.URL, Error: text}, nil
}

// outcome sums a plan up.
func (p planned) outcome(url string) Outcome {
	return Outcome{URL: url, New: p.fresh, Changed: p.edits, Removed: p.gone, Held: p.held, Items: p.items}
}

// lines are the log lines of a poll that something came of.
func (w *watcher) lines(before store.Feed, p planned, now time.Time) []store.LogEntry {
	var out []store.LogEntry
	if before.LastError != "" {
		out = append(out, w.line(now, "Recovered", "the feed can be read again"))
	}
	if p.first {
		out = append(out, w.line(now, "First poll", firstPoll(p.fresh)))
	} else if p.fresh+p.edits+p.gone > 0 {
		out = append(out, w.line(now, "Poll", fmt.Sprintf("%d new, %d changed, %d removed", p.fresh, p.edits, p.gone)))
	}
	if p.held > 0 {
		out = append(out, w.line(now, "Held", fmt.Sprintf(
			"%d entries appeared at once and wait: send them with 'crier poll --release', or keep them back with 'crier poll --discard'", p.held)))
	}
	if p.feed.Missing > before.Missing {
		out = append(out, w.line(now, "Missing", fmt.Sprintf("%d entries are not in the feed any more; their pages decide", p.feed.Missing)))
	}
	return out
}

func (w *watcher) line(now time.Time, kind, text string) store.LogEntry {
	return store.LogEntry{Time: now, Direction: "feed", Type: kind, Object: w.cfg.URL, From: w.cfg.URL, Result: text}
}

func firstPoll(n int) string {
	switch n {
	case 0:
		return "the feed is empty; what comes from now on is news"
	case 1:
		return "1 entry gets a post, which is delivered to nobody"
	}
	return fmt.Sprintf("%d entries get a post, none of them is delivered", n)
}
