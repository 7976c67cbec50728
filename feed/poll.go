package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"crier/content"
	"crier/store"
)

// Config is one configured feed.
type Config struct {
	URL          string            // http(s) URL, or absolute path of a local file
	Interval     time.Duration     // between two polls
	IntervalSet  bool              // the owner chose the interval: what the feed itself asks for does not count
	Backfill     int               // so many of the entries of the first poll are listed in the outbox
	MaxNew       int               // more news than this in one poll, not all of it newer than what is known: held
	MaxAge       time.Duration     // a new entry that is so much older than the newest one known is no news; 0: age does not matter
	Grace        time.Duration     // how long a new entry waits before it goes out
	Deletions    string            // "confirm", "feed" or "never"
	ConfirmAfter time.Duration     // "confirm": how far apart the two looks at an entry's page must be
	Style        content.Style     // tells whether a change is visible, and which entries are skipped
	Transport    http.RoundTripper // guarded; for the feed and the pages of its entries
}

// Options are what a Poller works with.
type Options struct {
	Store      *store.DB
	Feeds      []Config
	HandleHost string // host of the handle: the blog's host where neither channel nor feed has one
	UserAgent  string
	Log        *slog.Logger
	Notify     func()        // called when there may be something to publish; may be nil
	Spacing    time.Duration // between the news of one poll, at most 5 s; 0 means one second

	// Pushed tells whether a hub reliably says when that feed changes, so that it need not be polled often. It is
	// called often and from several goroutines; nil: no hub does.
	Pushed func(feedURL string) bool

	// Found is called after a poll on schedule that brought new entries: whoever ought to have told of them did
	// not. It may be nil.
	Found func(feedURL string)
}

// Poller polls the feeds. It is safe for concurrent use.
type Poller struct {
	o          Options
	feeds      []*watcher
	configured map[string]bool
	recording  sync.Mutex // held from reading the entries to recording a poll, for all feeds
}

// watcher is the poller of one feed.
type watcher struct {
	p       *Poller
	cfg     Config
	client  *http.Client // for the feed
	pages   *http.Client // for the pages of its entries
	log     *slog.Logger
	settled chan struct{} // one slot: the time of the next poll has changed
	last    *prints       // of the last document; nil: not known. Only the poll under way touches it

	mu      sync.Mutex
	running *call // the poll under way; guarded by mu
}

// call is a poll under way that several wait for. It ends early only when none of them does any more.
type call struct {
	done    chan struct{}
	outcome Outcome // valid once done is closed
	err     error   // the store's; valid once done is closed

	cancel  context.CancelFunc
	waiting int // how many do; guarded by the watcher's mu
}

// PollOptions say what PollAll and Poll do.
type PollOptions struct {
	DryRun bool // find out what would happen and store nothing
	Fresh  bool // a poll that was under way already is waited for and followed by another: the feed has just changed
}

// Outcome is what came of polling one feed.
type Outcome struct {
	URL     string        `json:"url"`
	New     int           `json:"new"`           // entries that get a post, held ones not counted
	Changed int           `json:"changed"`       // posts that will be updated
	Removed int           `json:"removed"`       // posts that will be deleted
	Held    int           `json:"held"`          // entries that wait for the owner's decision
	Why     string        `json:"why,omitempty"` // why they are held, in the owner's terms
	Error   string        `json:"error"`         // in the owner's terms; empty if the poll was good
	Items   []OutcomeItem `json:"items,omitempty"`
}

// OutcomeItem is one thing that happens because of a poll.
type OutcomeItem struct {
	// Action is "publish", "wait" (dated in the future), "serve" (gets a post that is not delivered), "hold",
	// "skip" (a rule keeps it from becoming a post), "update", "remove", "move" (goes on in another configured feed),
	// or "drop" (withdrawn before it was published).
	Action string `json:"action"`
	Title  string `json:"title"`
	URL    string `json:"url"`
}

// NewPoller returns a poller; it does nothing until it is told to.
func NewPoller(o Options) *Poller {
	if o.Spacing == 0 {
		o.Spacing = spacing
	}
	p := &Poller{o: o, configured: map[string]bool{}}
	for _, cfg := range o.Feeds {
		p.configured[cfg.URL] = true
		p.feeds = append(p.feeds, &watcher{
			p:       p,
			cfg:     cfg,
			client:  &http.Client{Transport: cfg.Transport, CheckRedirect: limitRedirects(fetchRedirects)},
			pages:   &http.Client{Transport: cfg.Transport, CheckRedirect: limitRedirects(lookRedirects)},
			log:     o.Log.With("feed", cfg.URL),
			settled: make(chan struct{}, 1),
		})
	}
	return p
}

// Run polls every feed on its own schedule until ctx is done, and returns when the last poll has ended: nil
// after a stop, else the error of the store that made going on pointless.
func (p *Poller) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, f := range p.feeds {
		wg.Go(func() {
			if err := f.run(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if len(p.feeds) == 0 {
		<-ctx.Done()
	}
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// PollAll polls every feed now, all at once, whatever the schedule or the server's Retry-After say, and
// returns when the outcome is stored. A poll that is under way is joined. The outcomes are in the order of
// the configuration.
func (p *Poller) PollAll(ctx context.Context, o PollOptions) []Outcome {
	out := make([]Outcome, len(p.feeds))
	var wg sync.WaitGroup
	for i, f := range p.feeds {
		wg.Go(func() { out[i] = f.pollBy(ctx, o) })
	}
	wg.Wait()
	return out
}

// Poll polls one feed as PollAll does all of them. It reports false where no feed with that address is configured.
func (p *Poller) Poll(ctx context.Context, feedURL string, o PollOptions) (Outcome, bool) {
	for _, f := range p.feeds {
		if f.cfg.URL == feedURL {
			return f.pollBy(ctx, o), true
		}
	}
	return Outcome{URL: feedURL}, false
}

func (w *watcher) pollBy(ctx context.Context, o PollOptions) Outcome {
	if o.DryRun {
		return w.dryRun(ctx)
	}
	out, _ := w.poll(ctx, o.Fresh) // a failing store is part of the outcome
	return out
}

// Settle decides about the held entries of a feed, or of all feeds if feedURL is empty: they go out one
// after the other, or become posts that are never delivered. It returns how many there were.
func (p *Poller) Settle(feedURL string, release bool) (int, error) {
	n := 0
	for _, f := range p.feeds { // what a feed holds that is configured no more keeps waiting
		if feedURL != "" && feedURL != f.cfg.URL {
			continue
		}
		some, err := p.o.Store.SettleHeld(f.cfg.URL, release, time.Now().UTC(), p.o.Spacing)
		if err != nil {
			return n, fmt.Errorf("settle held entries: %w", err)
		}
		n += some
	}
	if n > 0 {
		p.notify()
	}
	return n, nil
}

func (p *Poller) notify() {
	if p.o.Notify != nil {
		p.o.Notify()
	}
}

// run polls one feed until ctx is done. It returns an error only if the store cannot be read. A poll that cannot
// be recorded (a full disk, or a feed with something in it that cannot be stored) is made again after a pause:
// ending here would end the daemon, and every restart as well.
func (w *watcher) run(ctx context.Context) error {
	failing := false
	for {
		rec, err := w.record()
		if err != nil {
			return err
		}
		if wait := due(time.Now().UTC(), rec, w.pace(rec)); wait > 0 {
			if !w.sleep(ctx, min(wait, maxSleep)) {
				return nil
			}
			continue
		}
		out, err := w.poll(ctx, false)
		if out.New > 0 && w.p.o.Found != nil {
			w.p.o.Found(w.cfg.URL)
		}
		if err != nil && !failing {
			w.log.Error("a poll cannot be recorded; it is tried again until it can", "err", err)
		}
		failing = err != nil
		if failing && !pause(ctx, storePause) || ctx.Err() != nil {
			return nil
		}
	}
}

// storePause is how long to wait before a poll that could not be recorded is made again.
const storePause = time.Minute

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sleep waits, at most until the time of the next poll changes. It reports whether to go on.
func (w *watcher) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.settled:
	case <-ctx.Done():
		return false
	}
	return true
}

func (w *watcher) pace(rec store.Feed) pace {
	return paceOf(w.cfg, rec, w.p.o.Pushed != nil && w.p.o.Pushed(w.cfg.URL))
}

// poll polls the feed, or waits for the poll that is under way. The error is the store's; what is wrong
// with the feed is part of the outcome.
func (w *watcher) poll(ctx context.Context, fresh bool) (Outcome, error) {
	c, joined := w.join(ctx)
	select {
	case <-c.done:
	case <-ctx.Done():
		if !w.leave(c) {
			return Outcome{URL: w.cfg.URL, Error: "stopped waiting for the poll that is under way"}, nil
		}
		<-c.done // nobody else waits for it: it ends now, and does not outlive who began it
	}
	if joined && fresh && ctx.Err() == nil {
		return w.poll(ctx, false) // whatever is under way by now began later
	}
	return c.outcome, c.err
}

// join begins a poll, or joins the one under way. A poll belongs to all who wait for it: that the one who began it
// goes away spoils it for nobody.
func (w *watcher) join(ctx context.Context) (c *call, joined bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.running; c != nil && c.waiting > 0 {
		c.waiting++
		return c, true
	}
	before := w.running // given up by all, and about to end
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c = &call{done: make(chan struct{}), cancel: cancel, waiting: 1}
	w.running = c
	go w.carryOut(ctx, c, before)
	return c, false
}

// leave says that a caller waits for a poll no more, and reports whether it was the last one.
func (w *watcher) leave(c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.waiting--; c.waiting > 0 {
		return false
	}
	c.cancel()
	return true
}

// carryOut makes a poll, after the one before has ended.
func (w *watcher) carryOut(ctx context.Context, c, before *call) {
	defer c.cancel()
	if before != nil {
		<-before.done
	}
	c.outcome, c.err = w.once(ctx)
	w.mu.Lock()
	if w.running == c {
		w.running = nil
	}
	w.mu.Unlock()
	close(c.done)
	select {
	case w.settled <- struct{}{}:
	default:
	}
}

// once is one poll from fetch to record.
func (w *watcher) once(ctx context.Context) (Outcome, error) {
	rec, err := w.record()
	if err != nil {
		return Outcome{URL: w.cfg.URL, Error: err.Error()}, err
	}
	r := w.readOn(ctx, rec, time.Now())
	if ctx.Err() != nil { // we are stopping: this says nothing about the feed
		return Outcome{URL: w.cfg.URL, Error: "stopped before the feed was read"}, nil
	}
	out, err := w.store(ctx, r)
	if err != nil {
		return Outcome{URL: w.cfg.URL, Error: "the store failed: " + err.Error()}, err
	}
	return out, nil
}

// random is how much of the greatest jitter is added this time.
func random() float64 { return rand.Float64() }
