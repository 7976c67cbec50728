package notice

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"crier/store"
)

const (
	checkEvery = 10 * time.Minute
	// repeatPause is how long a state that got worse is not told of again.
	repeatPause = time.Hour
)

// Config is what a Notifier works with.
type Config struct {
	Store     *store.DB
	Log       *slog.Logger
	Transport http.RoundTripper // guarded
	URL       string            // where messages are posted; may hold a secret; empty: nowhere
	UserAgent string
	Account   string   // handle of the account, for owners of several
	Feeds     []string // addresses of the configured feeds
}

// Notifier tells the owner. It is safe for concurrent use; Run it once.
type Notifier struct {
	cfg    Config
	client *http.Client
	wake   chan struct{} // one slot: the store has changed

	failures int       // messages in a row that could not be sent; Run's own
	notUntil time.Time // when to try again; Run's own
}

// New returns a notifier; it does nothing until Run.
func New(cfg Config) *Notifier {
	return &Notifier{
		cfg: cfg,
		client: &http.Client{
			Transport:     cfg.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1),
	}
}

// Wake says that the store has changed: there may be something to tell.
func (n *Notifier) Wake() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run looks at once, after every Wake and every ten minutes whether there is something to tell, until ctx is done.
// A store or a server that fails is tried again; the error is always nil.
func (n *Notifier) Run(ctx context.Context) error {
	if n.cfg.URL == "" {
		<-ctx.Done()
		return nil
	}
	failing := false
	for {
		err := n.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err != nil && !failing:
			n.cfg.Log.Error("cannot see what the owner should know; it is tried again until the store can be used", "err", err)
		case err == nil && failing:
			n.cfg.Log.Info("the owner is told of things again")
		}
		failing = err != nil
		if !n.sleep(ctx) {
			return nil
		}
	}
}

func (n *Notifier) sleep(ctx context.Context) bool {
	wait := checkEvery
	if until := time.Until(n.notUntil); until > 0 {
		wait = min(wait, until)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-n.wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// round compares the states with what was told of them, and tells what is to be told.
func (n *Notifier) round(ctx context.Context) error {
	now := time.Now().UTC()
	v, err := n.look(now)
	if err != nil {
		return err
	}
	for _, s := range plan(v, conditions()) {
		if s.message != nil && !n.tell(ctx, *s.message) {
			continue // tried again later; what needs no message is still done
		}
		if err := n.record(s); err != nil {
			return err
		}
	}
	return nil
}

func (n *Notifier) record(s step) error {
	if s.ended {
		if err := n.cfg.Store.DeleteNotice(s.notice.Subject); err != nil {
			return fmt.Errorf("delete the notice %q: %w", s.notice.Subject, err)
		}
		return nil
	}
	if s.message != nil {
		s.notice.Sent = time.Now().UTC()
	}
	if err := n.cfg.Store.PutNotice(s.notice); err != nil {
		return fmt.Errorf("write the notice %q: %w", s.notice.Subject, err)
	}
	return nil
}

// look reads what the conditions need.
func (n *Notifier) look(now time.Time) (view, error) {
	v := view{now: now, account: n.cfg.Account, configured: map[string]bool{}, held: map[string][]store.Entry{}}
	feeds, err := n.cfg.Store.Feeds()
	if err != nil {
		return v, fmt.Errorf("read the feeds: %w", err)
	}
	if v.notices, err = n.cfg.Store.Notices(); err != nil {
		return v, fmt.Errorf("read the notices: %w", err)
	}
	if v.reports, err = n.cfg.Store.Reports(now); err != nil {
		return v, fmt.Errorf("read the reports: %w", err)
	}
	for _, address := range n.cfg.Feeds {
		v.configured[address] = true
		held, err := n.cfg.Store.HeldEntries(address)
		if err != nil {
			return v, fmt.Errorf("read the entries of %s that are held: %w", address, err)
		}
		if len(held) > 0 {
			v.held[address] = held
		}
	}
	for _, f := range feeds {
		if v.configured[f.URL] {
			v.feeds = append(v.feeds, f)
		}
	}
	return v, nil
}
