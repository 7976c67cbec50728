package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"crier/federation"
	"crier/feed"
	"crier/internal/admin"
)

// How long each part may take to stop; hardly ever does one need it. Together with closing the store they
// stay below 8 s, since containers are killed 10 s after they are asked to stop. The deliverer gives posts
// under way 4 s, so that most of them need not be repeated.
const (
	stopHTTP      = 1200 * time.Millisecond
	stopPoller    = 700 * time.Millisecond
	stopLooker    = 100 * time.Millisecond
	stopExtras    = 300 * time.Millisecond // a picture may be half decoded
	stopPublisher = 500 * time.Millisecond
	stopDeliverer = 4400 * time.Millisecond
	stopControl   = 600 * time.Millisecond
)

// Limits of the public HTTP server. Nothing it serves takes long; a client that is slow on purpose must
// not be able to keep a connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 32 << 10
)

// part is one of the loops of the daemon.
type part struct {
	name  string
	grace time.Duration // for stopping
	run   func(context.Context) error
}

// Run serves, polls, publishes and delivers until ctx is done, then stops all of it, closes the store, and
// returns nil. A part that fails for reasons of our own (a broken store) stops everything; its error is
// returned. Run takes less than 8 s to stop.
func (a *App) Run(ctx context.Context) error {
	parts := []part{ // in the order in which they are stopped
		{"http", stopHTTP, a.serveHTTP},
		{"poller", stopPoller, a.runPoller},
		{"websub", stopLooker, a.core.websub.Run},
		{"notices", stopLooker, a.core.notices.Run},
		{"extras", stopExtras, a.core.extras.Run},
		{"publisher", stopPublisher, a.core.server.RunPublisher},
		{"handles", stopLooker, a.both((*federation.Server).RunHandles)},
		{"mover", stopLooker, a.both((*federation.Server).RunMover)},
		{"deliverer", stopDeliverer, a.both((*federation.Server).RunDeliverer)},
		{"store", stopLooker, a.watchStore},
		{"control", stopControl, func(ctx context.Context) error { return admin.Serve(ctx, a.socket, a.core.ops) }},
	}
	failed := make(chan error, len(parts))
	running := make([]*runningPart, len(parts))
	for i, p := range parts {
		running[i] = p.start(context.WithoutCancel(ctx), failed)
	}
	a.log.Info("listening", "addr", a.Addr(), "base_url", a.cfg.BaseURL, "handle", a.cfg.Account.Handle.String())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	a.log.Info("stopping")
	for _, r := range running {
		r.stop(a.log)
	}
	return errors.Join(err, a.Close())
}

// runningPart is a part and the goroutine that Run owns for it.
type runningPart struct {
	part
	cancel context.CancelFunc
	done   chan struct{}
}

func (p part) start(ctx context.Context, failed chan<- error) *runningPart {
	ctx, cancel := context.WithCancel(ctx)
	r := &runningPart{part: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if err := p.run(ctx); err != nil && ctx.Err() == nil {
			failed <- fmt.Errorf("%s: %w", p.name, err)
		}
	}()
	return r
}

func (r *runningPart) stop(log *slog.Logger) {
	r.cancel()
	limit := time.NewTimer(r.grace)
	defer limit.Stop()
	select {
	case <-r.done:
	case <-limit.C:
		log.Warn("a part did not stop in time; what it was at is done again at the next start", "part", r.name)
	}
}

// newHTTPServer returns the public server, with all its limits.
func newHTTPServer(g *gate, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           g.working(h),
		ConnState:         g.track,
		ConnContext:       g.inContext,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

func (a *App) serveHTTP(ctx context.Context) error {
	gate := newGate(a.listener, a.cfg.TrustedProxies)
	srv := newHTTPServer(gate, a.handler())
	srv.ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
	srv.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	served := make(chan error, 1)
	go func() { served <- srv.Serve(gate) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Requests under way may end; they are cut off a little before Run would give up on this part.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopHTTP-100*time.Millisecond)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// runPoller polls on schedule and whenever the hook was called.
func (a *App) runPoller(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var hook sync.WaitGroup
	hook.Go(func() { a.serveHook(ctx) })
	defer hook.Wait()
	defer cancel() // a poller that fails ends the hook, too
	return a.core.poller.Run(ctx)
}

// serveHook polls whenever the hook was called. Calls during a poll make one more poll together, since the
// feed may have changed after it was fetched.
func (a *App) serveHook(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.hook:
			a.core.poller.PollAll(ctx, feed.PollOptions{Fresh: true})
		}
	}
}
