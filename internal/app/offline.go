package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"crier/internal/admin"
	"crier/internal/config"
	"crier/internal/extras"
	"crier/store"
)

// StoreUse says what a command without a daemon needs of the store.
type StoreUse int

const (
	// StoreRead is for looking at what is there: without a store there is nothing to see, which is an error.
	StoreRead StoreUse = iota
	// StoreMake makes store and account where there are none, as a first start of the daemon does.
	StoreMake
	// StoreScratch works without a store, too: then with an empty one and a key for the moment. It must not
	// settle, for somebody who is only trying things, what can never be changed.
	StoreScratch
)

// OfflineOptions are what a command without a daemon needs beside the configuration.
type OfflineOptions struct {
	Log     *slog.Logger
	Version string
	Store   StoreUse
}

// Offline is the store in the hands of one command.
type Offline struct {
	Ops  *admin.Ops
	undo []func() error
}

// OpenOffline opens the store without a daemon. ErrLocked if another process has it. Polling publishes what
// is due at once; deliveries wait for the next daemon.
func OpenOffline(ctx context.Context, cfg *config.Config, o OfflineOptions) (_ *Offline, err error) {
	off := &Offline{}
	defer func() {
		if err != nil {
			err = errors.Join(err, off.Close())
		}
	}()
	own, db, err := off.open(cfg, o.Store)
	if err != nil {
		return nil, err
	}
	// A key for the moment needs no look at the world.
	scratch := own.DataDir != cfg.DataDir
	id := identity{cfg: own, db: db, version: o.Version, insist: scratch, log: o.Log}
	if err := id.look(ctx); err != nil {
		return nil, err
	}
	acc, key, err := id.ensure()
	if err != nil {
		return nil, err
	}
	// Nothing is sent here, so the news of a poll need no spacing: all of it is queued at once.
	c, err := build(ctx, own, parts{
		db: db, account: acc, key: key, log: o.Log, version: o.Version, spacing: time.Nanosecond,
	})
	if err != nil {
		return nil, err
	}
	off.Ops = c.ops
	off.publishAfter(c)
	return off, nil
}

// open opens the store that the command needs, and returns the configuration to use it with. A store that
// a first start made and then gave up on, without an account, is as good as none.
func (off *Offline) open(cfg *config.Config, use StoreUse) (*config.Config, *store.DB, error) {
	if hasStore(cfg.DataDir) {
		db, err := off.openAt(cfg.DataDir)
		if err != nil {
			return nil, nil, err
		}
		if _, err := db.Account(); use == StoreMake || !errors.Is(err, store.ErrNotFound) {
			return cfg, db, nil // an error of another kind comes again where the account is needed
		}
	}
	switch use {
	case StoreRead:
		return nil, nil, fmt.Errorf("there is no store in %s yet; start the daemon once with `crier serve`", cfg.DataDir)
	case StoreScratch:
		var err error
		if cfg, err = off.scratch(cfg); err != nil {
			return nil, nil, err
		}
	}
	db, err := off.openAt(cfg.DataDir)
	return cfg, db, err
}

func (off *Offline) openAt(dataDir string) (*store.DB, error) {
	db, err := openStore(dataDir)
	if err != nil {
		return nil, err
	}
	off.undo = append(off.undo, db.Close)
	return db, nil
}

// publishAfter makes what a poll or a decision of the owner brought into posts and queued deliveries at
// once, as the daemon's publisher would.
func (off *Offline) publishAfter(c *core) {
	poll, settle := off.Ops.Poll, off.Ops.Settle
	publish := func(ctx context.Context) error {
		if err := lookBriefly(ctx, c.extras); err != nil {
			return err
		}
		for {
			n, err := c.server.PublishDue(ctx)
			if err != nil || n == 0 {
				return err
			}
		}
	}
	off.Ops.Poll = func(ctx context.Context, dryRun bool) ([]admin.PolledFeed, error) {
		out, err := poll(ctx, dryRun)
		if err != nil || dryRun {
			return out, err
		}
		return out, publish(ctx)
	}
	off.Ops.Settle = func(ctx context.Context, release bool) (int, error) {
		n, err := settle(ctx, release)
		if err != nil {
			return n, err
		}
		return n, publish(ctx)
	}
}

// offlineLooks bounds how long a command keeps the store while it looks at pages and pictures.
const offlineLooks = 15 * time.Second

// lookBriefly looks at what goes out. What there is no time for goes out as the feed has it.
func lookBriefly(ctx context.Context, w *extras.Worker) error {
	bounded, cancel := context.WithTimeout(ctx, offlineLooks)
	defer cancel()
	if err := w.RunDue(bounded); err != nil && bounded.Err() == nil {
		return err
	}
	return ctx.Err()
}

// scratch returns the configuration with a data directory for the moment.
func (off *Offline) scratch(cfg *config.Config) (*config.Config, error) {
	dir, err := os.MkdirTemp("", "crier-scratch-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the moment: %w", err)
	}
	off.undo = append(off.undo, func() error { return os.RemoveAll(dir) })
	own := *cfg
	own.DataDir = dir
	return &own, nil
}

// Close gives the store back.
func (off *Offline) Close() error {
	var errs []error
	for i := len(off.undo) - 1; i >= 0; i-- {
		errs = append(errs, off.undo[i]())
	}
	off.undo = nil
	return errors.Join(errs...)
}
