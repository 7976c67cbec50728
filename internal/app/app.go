package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"crier/internal/admin"
	"crier/internal/config"
	"crier/store"
)

// Names below the data directory.
const (
	storeFile = "crier.db"
	addrFile  = "addr"
)

// Options are what a daemon needs beside its configuration.
type Options struct {
	Log      *slog.Logger
	Listener net.Listener // instead of binding the configured address; New takes it over
	Version  string
	Spacing  time.Duration // between the news of one poll; 0: a second
	Lease    time.Duration // how long a crash's unfinished deliveries are left alone; 0: two minutes
	// NewIdentity makes a key on a first start without looking whether the account already has one.
	NewIdentity bool
}

// App is one daemon. Run it once, or Close it.
type App struct {
	cfg      *config.Config
	log      *slog.Logger
	db       *store.DB
	former   *store.DB // of the former account; nil: there is none
	core     *core
	listener net.Listener
	socket   *admin.Socket
	hook     chan struct{} // one slot: a poll is wanted
	clients  clients
	undo     []func() error
}

// New makes everything ready: opens the store (ErrLocked if another process has it), settles the identity,
// and binds the address and the control socket. Nothing runs yet, and nothing stays behind where it fails.
// ctx bounds only New itself.
func New(ctx context.Context, cfg *config.Config, o Options) (_ *App, err error) {
	a := &App{cfg: cfg, log: o.Log, hook: make(chan struct{}, 1)}
	if o.Listener != nil {
		a.undo = append(a.undo, closeOnce(o.Listener))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := errors.Join(a.openStore(), a.openFormer()); err != nil {
		return nil, err
	}
	id := identity{cfg: cfg, db: a.db, version: o.Version, insist: o.NewIdentity, log: o.Log}
	if o.Listener != nil {
		id.ownAddr = o.Listener.Addr().String()
	}
	if err := id.look(ctx); err != nil {
		return nil, err
	}
	if err := a.bind(o.Listener); err != nil {
		return nil, err
	}
	acc, key, err := id.ensure()
	if err != nil {
		return nil, err
	}
	a.core, err = build(ctx, cfg, parts{
		db: a.db, account: acc, key: key, log: o.Log, version: o.Version,
		former: a.former, listening: a.Addr(), serves: true, spacing: o.Spacing, lease: o.Lease,
	})
	if err != nil {
		return nil, err
	}
	a.core.ops.Running = true
	if err := a.openSocket(); err != nil {
		return nil, err
	}
	if err := a.beginLives(); err != nil {
		return nil, err
	}
	return a, nil
}

// Ops are the operator's functions, as the control socket offers them.
func (a *App) Ops() *admin.Ops { return a.core.ops }

// Addr is the address the daemon listens on, "host:port".
func (a *App) Addr() string { return a.listener.Addr().String() }

// Close gives back all that New took, in reverse order. After Run it does nothing.
func (a *App) Close() error {
	var errs []error
	for len(a.undo) > 0 {
		last := len(a.undo) - 1
		errs = append(errs, a.undo[last]())
		a.undo = a.undo[:last]
	}
	return errors.Join(errs...)
}

func (a *App) openStore() error {
	db, err := openStore(a.cfg.DataDir)
	if err != nil {
		return err
	}
	a.db = db
	a.undo = append(a.undo, db.Close)
	// A daemon that was killed leaves its address behind: it would lead health checks to whoever is there now.
	if err := os.Remove(filepath.Join(a.cfg.DataDir, addrFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an old note: %w", err)
	}
	return nil
}

func (a *App) beginLives() error {
	if err := beginLife(a.cfg.DataDir, a.db, a.log); err != nil || a.former == nil {
		return err
	}
	return beginLife(a.cfg.Former, a.former, a.log)
}

func (a *App) bind(l net.Listener) error {
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", a.cfg.Listen); err != nil {
			return fmt.Errorf("listen on %s: %w; set another address with listen", a.cfg.Listen, err)
		}
		a.undo = append(a.undo, closeOnce(l))
	}
	a.listener = l
	return a.writeDown(addrFile, l.Addr().String())
}

func (a *App) openSocket() error {
	s, err := admin.Listen(a.cfg.DataDir)
	if err != nil {
		return err
	}
	a.socket = s
	a.undo = append(a.undo, s.Close)
	if s.Instead {
		a.log.Info("the data directory's path is too long for a socket; it is elsewhere", "socket", s.Path)
	}
	return nil
}

// writeDown writes a note into the data directory for other processes, whole or not at all, and removes it
// when the daemon stops. It ends without a line break, so that programs can take it as it is.
func (a *App) writeDown(name, value string) error {
	path := filepath.Join(a.cfg.DataDir, name)
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(value), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	a.undo = append(a.undo, func() error { return os.Remove(path) })
	return nil
}

// closeOnce closes a listener that the HTTP server has perhaps closed before.
func closeOnce(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}
