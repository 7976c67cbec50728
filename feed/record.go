package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
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
	prints  *prints // what doc, or the document that reads as the last one did, may be known by next time; may be nil
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
	body := got.body
	got.body = nil // so that it goes while the document is still being read
	doc, err := Parse(body, got.source(w.cfg.URL))
	return reading{fetched: got, doc: doc, err: err}
}

// readOn reads as read does, but for the items of which it can tell that they are those of the last document. Where all
// are, there is no document.
func (w *watcher) readOn(ctx context.Context, rec store.Feed, now time.Time) reading {
	got, err := fetch(ctx, w.client, w.cfg, rec, w.p.o.UserAgent)
	if err != nil || got.notModified {
		return reading{fetched: got, err: err}
	}
	body := got.body
	got.body = nil
	r := reading{fetched: got}
	r.doc, r.prints, r.err = parseSince(body, got.source(w.cfg.URL), w.last.valid(rec, now))
	return r
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
	p, err := w.plan(ctx, rec, r, &learnt{})
	if err != nil {
		return Outcome{URL: w.cfg.URL, Error: err.Error()}
	}
	return p.outcome(w.cfg.URL)
}

// store plans and records until nobody wrote in between. What was learnt besides is kept from one try to the
// next, and nothing is fetched twice but a document too large to be kept.
func (w *watcher) store(ctx context.Context, r reading) (Outcome, error) {
	var l learnt
	for try := 1; ; try++ {
		out, err := w.attempt(ctx, r, &l)
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
		if r.doc.released() {
			rec, err := w.record()
			if err != nil {
				return Outcome{}, err
			}
			r = w.read(ctx, rec)
		}
	}
}

// size returns how many bytes of fields are to be written.
func size(put []store.EntryPut) (n int) {
	for _, p := range put {
		n += len(p.Fields)
	}
	return n
}

// attempt plans and records once. Two feeds do so one after the other: an entry that both of them bring is
// then known from the first when the second is planned.
func (w *watcher) attempt(ctx context.Context, r reading, l *learnt) (Outcome, error) {
	w.p.recording.Lock()
	defer w.p.recording.Unlock()
	rec, err := w.record()
	if err != nil {
		return Outcome{}, err
	}
	if r.err != nil {
		return w.failed(rec, r)
	}
	p, err := w.plan(ctx, rec, r, l)
	if err != nil {
		return Outcome{}, err
	}
	out := p.outcome(w.cfg.URL)
	now := time.Now().UTC()
	poll := store.Poll{Feed: w.good(p.feed, r, now), Put: p.put, Log: w.lines(rec, p, now)}
	if r.prints != nil {
		r.prints.body = r.fetched.hash
		if r.doc != nil {
			r.prints.read = now
		}
	}
	if size(p.put) > largeFeed {
		r.doc.release() // the store is about to need as much
	}
	err = w.p.o.Store.RecordPoll(poll)
	if err != nil {
		return Outcome{}, fmt.Errorf("record the poll of %s: %w", w.cfg.URL, err)
	}
	if r.prints != nil {
		w.last = r.prints
	}
	if len(p.put) > 0 {
		w.log.Info("poll recorded", "new", out.New, "changed", out.Changed, "removed", out.Removed, "held", out.Held)
		w.p.notify()
	}
	return out, nil
}

// plan works out what a reading means, and learns what has to be learnt for that: it looks at the pages of suspects,
// and reads the other feeds. The caller holds recording, which is let go meanwhile.
func (w *watcher) plan(ctx context.Context, rec store.Feed, r reading, l *learnt) (planned, error) {
	in := input{
		now:        time.Now().UTC(),
		cfg:        w.cfg,
		handleHost: w.p.o.HandleHost, spacing: w.p.o.Spacing,
		feed:       rec,
		configured: w.p.configured,
		current:    w.current,
		published:  w.published,
		visible:    w.visible,
		doc:        r.doc,
	}
	if in.doc == nil && rec.Missing == 0 {
		return planned{feed: rec}, nil
	}
	for {
		in.learnt = *l
		var err error
		if in.known, err = w.p.o.Store.Entries(); err != nil {
			return planned{}, fmt.Errorf("read the entries: %w", err)
		}
		p, err := plan(in)
		look, ask := len(p.want) > 0 && l.looks == nil, p.ask && l.shown == nil
		if err != nil || !look && !ask {
			return p, err
		}
		w.p.recording.Unlock()
		if look {
			l.looks = lookAll(ctx, w.pages, p.want, w.p.o.UserAgent)
		}
		if ask {
			l.shown = w.elsewhere(ctx)
		}
		w.p.recording.Lock()
	}
}

// elsewhere returns what the other configured feeds show now: names (see names), each with the address of a feed. A
// feed that cannot be read shows nothing. They are read without validators, since an unchanged one counts as well.
func (w *watcher) elsewhere(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, lookTotal)
	defer cancel()
	shown := map[string]string{}
	for _, other := range w.p.feeds {
		if other == w {
			continue
		}
		address := other.cfg.URL
		r := other.read(ctx, store.Feed{URL: address})
		if r.err != nil {
			continue
		}
		for _, s := range subjectsOf(r.doc, BlogHost(r.doc.Link, address, w.p.o.HandleHost), baseURL(r.doc.Link, address)) {
			for _, name := range append(s.names(), "k:"+s.pageKey()) {
				if guid, isGUID := strings.CutPrefix(name, "g:"); !isGUID || worldwide(guid) {
					shown[name] = first(shown[name], address)
				}
			}
		}
	}
	delete(shown, "k:") // of those without a page
	return shown
}

// current returns what the feed said of an entry last.
func (w *watcher) current(key string) ([]byte, error) {
	current, _, err := w.p.o.Store.EntryFields(key)
	return current, err
}

// published returns what an entry's post was last made from.
func (w *watcher) published(key string) ([]byte, error) {
	_, published, err := w.p.o.Store.EntryFields(key)
	return published, err
}

// visible tells whether a reader would see a change of an entry in its post as it would be rendered today.
// Two changes come for all entries of a feed at once and would only make noise: a blog that goes from http to
// https (the old addresses lead to the new ones), and a template that names another language.
func (w *watcher) visible(key string, before, after content.Entry) bool {
	before.Language = after.Language
	before = withScheme(before, after)
	x := w.extras(key)
	return !content.Equal(content.Render(before, x, w.cfg.Style.For(before).Options), content.Render(after, x, w.cfg.Style.For(after).Options))
}

// withScheme returns an entry with the scheme that it has now: in the addresses of its media, and in all those on its
// page's host if that was at the same host before.
func withScheme(e, now content.Entry) content.Entry {
	e.Media = slices.Clone(e.Media)
	for i := range e.Media {
		if i < len(now.Media) && stripScheme(e.Media[i].URL) == stripScheme(now.Media[i].URL) {
			e.Media[i].URL = now.Media[i].URL
		}
	}
	was, err := url.Parse(e.URL)
	is, err2 := url.Parse(now.URL)
	if err != nil || err2 != nil || was.Host != is.Host || was.Scheme == is.Scheme || is.Host == "" {
		return e
	}
	from, to := was.Scheme+"://"+was.Host, is.Scheme+"://"+is.Host
	all := strings.NewReplacer(from+"/", to+"/", from+`"`, to+`"`)
	e.URL = all.Replace(e.URL)
	e.Content, e.Summary, e.Markdown = all.Replace(e.Content), all.Replace(e.Summary), all.Replace(e.Markdown)
	return e
}

func stripScheme(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	return rest
}

// extras returns what was learnt of an entry beyond its feed. What cannot be read is taken for nothing: both sides
// of a comparison lack it.
func (w *watcher) extras(key string) (x content.Extras) {
	raw, err := w.p.o.Store.Extras(key)
	if err == nil {
		err = json.Unmarshal(raw, &x)
	}
	if err != nil {
		return content.Extras{}
	}
	return x
}

// good brings the feed's record up to date after a good poll.
func (w *watcher) good(rec store.Feed, r reading, now time.Time) store.Feed {
	if r.doc != nil {
		w.describe(&rec, r, now)
	}
	if !r.fetched.notModified {
		rec.BodyHash = r.fetched.hash
	}
	// A 304 may leave its validators out (RFC 9110, 15.4.5); then those we have stay good.
	if !r.fetched.notModified || r.fetched.etag != "" || r.fetched.lastModified != "" {
		rec.ETag, rec.LastModified = r.fetched.etag, r.fetched.lastModified
	}
	rec.LastPoll, rec.LastError, rec.Failures = now, "", 0
	rec.NextPoll = w.pace(rec).next(now, random())
	return rec
}

// describe takes over what a document, or the answer that brought it, says of itself.
func (w *watcher) describe(rec *store.Feed, r reading, now time.Time) {
	d := r.doc
	rec.Hint = d.Hint
	if rec.Hint == 0 {
		rec.Hint = r.fetched.maxAge
	}
	rec.SkipHours, rec.SkipDays = d.SkipHours, d.SkipDays
	rec.Hub, rec.Topic = d.Hub, d.Topic
	rec.Host = BlogHost(d.Link, w.cfg.URL, w.p.o.HandleHost)
	rec.Advice = d.advice(w.cfg, rec.Host, now)
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
	rec.NextPoll = retryPoll(now, w.pace(rec).interval, failure{rec.Failures, retry}, random())
	if err := w.p.o.Store.RecordPoll(store.Poll{Feed: rec, Log: line}); err != nil {
		return Outcome{}, fmt.Errorf("record the failed poll of %s: %w", w.cfg.URL, err)
	}
	w.log.Warn("feed not read", "err", text, "failures", rec.Failures, "next", rec.NextPoll)
	return Outcome{URL: w.cfg.URL, Error: text}, nil
}

// outcome sums a plan up.
func (p planned) outcome(url string) Outcome {
	return Outcome{URL: url, New: p.fresh, Changed: p.edits, Removed: p.gone, Held: p.held, Why: p.why, Items: p.items}
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
			"%s and wait, since %s: send them with 'crier poll --release', or keep them back with 'crier poll --discard'", appeared(p.held), p.why)))
	}
	if p.feed.Missing > before.Missing {
		out = append(out, w.line(now, "Missing", fmt.Sprintf("%d entries are not in the feed any more; their pages decide", p.feed.Missing)))
	}
	return out
}

func appeared(n int) string {
	if n == 1 {
		return "1 entry appeared"
	}
	return fmt.Sprintf("%d entries appeared", n)
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
