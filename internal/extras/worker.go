package extras

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"crier/content"
	"crier/store"
)

const (
	atOnce    = 4                // entries that are worked on at the same time
	ahead     = time.Minute      // an entry is looked at so long before it is due: late, since pages and pictures may be put up after the feed
	batch     = 100              // entries read at a time
	pause     = 30 * time.Second // before a store that failed is tried again
	redirects = 3                // Mastodon follows no more for a picture
)

// Config is what a Worker works with.
type Config struct {
	Store      *store.DB
	Log        *slog.Logger
	Transport  http.RoundTripper            // guarded; for pages and pictures
	Styles     map[string]content.Style     // by the feed's address
	Transports map[string]http.RoundTripper // by the feed's address, where Transport may not reach the blog; may be nil
	Media      string                       // how the addresses of our own pictures begin; empty: there are none
	UserAgent  string
	Notify     func() // called when something was learnt: the publisher may go on; may be nil
}

// Worker looks at entries. It is safe for concurrent use.
type Worker struct {
	cfg     Config
	log     *slog.Logger
	client  *http.Client
	clients map[string]*http.Client // by the feed's address; never changes
	hosts   *hosts
	wake    chan struct{} // one slot
	large   chan struct{} // one slot: who keeps a picture of more than headBytes in memory
	decode  chan struct{} // one slot: who decodes
}

// New returns a worker; it does nothing until it is told to.
func New(cfg Config) *Worker {
	w := &Worker{
		cfg: cfg, log: cfg.Log, client: newClient(cfg.Transport), clients: map[string]*http.Client{}, hosts: newHosts(),
		wake: make(chan struct{}, 1), large: make(chan struct{}, 1), decode: make(chan struct{}, 1),
	}
	for feed, transport := range cfg.Transports {
		w.clients[feed] = newClient(transport)
	}
	return w
}

func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > redirects {
			return fmt.Errorf("more than %d redirects", redirects)
		}
		return nil
	}}
}

// Wake says that there may be entries to look at. It never waits.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Look looks at one entry of a feed and stores nothing. It never fails: what cannot be learnt is left out. It
// returns within 15 seconds. The page of the entry is read wherever it is; the caller leaves out the URL of an
// entry that links to somebody else's page.
func (w *Worker) Look(ctx context.Context, feedURL string, e content.Entry) content.Extras {
	return w.look(ctx, task{feed: feedURL, entry: e, own: true})
}

// record is what is stored of an entry: content.Extras, and what they were learnt from.
type record struct {
	content.Extras
	Of string `json:"of,omitempty"` // store.Entry.FieldsHash
}

// attend looks at one stored entry and stores what was learnt, unless ctx ended: then there is no record, and
// the next start does it again. The error is the store's.
func (w *Worker) attend(ctx context.Context, e store.Entry) error {
	current, _, err := w.cfg.Store.EntryFields(e.Key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the fields of entry %s: %w", e.Key, err)
	}
	before, err := w.known(e.Key)
	if err != nil {
		return err
	}
	t := task{feed: e.Feed, own: OwnPage(e.URL, e.Key), before: before.Extras}
	rec := record{Of: e.FieldsHash}
	if err := json.Unmarshal(current, &t.entry); err != nil {
		w.log.Debug("entry cannot be read", "entry", e.Key, "err", err) // the publisher says so at a level that is seen
	} else {
		rec.Extras = w.look(ctx, t)
	}
	if ctx.Err() != nil {
		return nil
	}
	raw, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode the extras of entry %s: %w", e.Key, err)
	}
	if err := w.cfg.Store.PutExtras(e.Key, raw); err != nil {
		return fmt.Errorf("store the extras of entry %s: %w", e.Key, err)
	}
	w.tell(e, rec.Extras)
	if w.cfg.Notify != nil {
		w.cfg.Notify()
	}
	return nil
}

// tell writes a line of the activity log for each picture that the owner will miss in the post. A line that cannot be
// written is no reason to keep the post.
func (w *Worker) tell(e store.Entry, x content.Extras) {
	var lines []store.LogEntry
	for _, address := range slices.Sorted(maps.Keys(x.Pictures)) {
		if x.Pictures[address].Unfit {
			lines = append(lines, store.LogEntry{
				Time: time.Now().UTC(), Direction: "feed", Type: "Picture left out", Object: address, From: e.Feed, To: e.URL,
				Result: "it is not there, or nothing that other servers could show",
			})
		}
	}
	if len(lines) == 0 {
		return
	}
	if err := w.cfg.Store.AppendLog(lines...); err != nil {
		w.log.Warn("cannot write the activity log", "err", err)
	}
}

// known returns what was learnt of an entry before; empty where nobody has looked, or another version of crier
// wrote what cannot be read.
func (w *Worker) known(key string) (rec record, err error) {
	raw, err := w.cfg.Store.Extras(key)
	if errors.Is(err, store.ErrNotFound) {
		return rec, nil
	}
	if err != nil {
		return rec, fmt.Errorf("read the extras of entry %s: %w", key, err)
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return record{}, nil
	}
	return rec, nil
}

// waiting returns up to limit entries that are due by until and were not looked at since they last changed,
// less those of busy, and when the next one after until is due (zero: none that is known of).
func (w *Worker) waiting(until time.Time, limit int, busy map[string]bool) (list []store.Entry, next time.Time, err error) {
	fresh, err := w.cfg.Store.WithoutExtras(limit + len(busy))
	if err != nil {
		return nil, next, fmt.Errorf("read entries that nobody has looked at: %w", err)
	}
	for _, e := range fresh {
		if e.Due.After(until) {
			next = e.Due
			break
		}
		if !busy[e.Key] {
			list = append(list, e)
		}
	}
	edited, err := w.edited(until, busy)
	if err != nil {
		return nil, next, err
	}
	list = append(list, edited...)
	return list[:min(limit, len(list))], next, nil
}

// edited returns entries whose change goes out by until, and that were looked at before that change.
func (w *Worker) edited(until time.Time, busy map[string]bool) (list []store.Entry, err error) {
	due, _, err := w.cfg.Store.DueEntries(until, batch)
	if err != nil {
		return nil, fmt.Errorf("read entries that are due: %w", err)
	}
	for _, e := range due {
		if !e.Deliver || e.Todo == store.TodoDelete || busy[e.Key] {
			continue
		}
		rec, err := w.known(e.Key)
		if err != nil {
			return nil, err
		}
		if rec.Of != "" && rec.Of != e.FieldsHash {
			list = append(list, e)
		}
	}
	return list, nil
}
