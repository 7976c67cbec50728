package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crier/store"
)

// How long to wait before a store that could not be written is tried again: briefly at first, since room is often
// made within a moment.
const (
	firstProbe = time.Second
	lastProbe  = 10 * time.Second
)

// watchStore tells the owner, once, that the store cannot be written, tries it until it can, and has those go on then
// who wait for it. Damage is not waited for: it is the error that ends the daemon.
func (a *App) watchStore(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.db.Troubled():
		}
		err := a.db.Trouble()
		if err == nil {
			continue // it was over before anybody looked
		}
		if errors.Is(err, store.ErrDamaged) {
			return fmt.Errorf("write to store %s: %w", a.core.ops.StorePath, err)
		}
		a.log.Error("the store cannot be written: make room on its disk; crier answers 503, sends nothing new, and goes on by itself when there is",
			"store", a.core.ops.StorePath, "err", err)
		if !a.probeStore(ctx) {
			return nil
		}
		a.log.Info("the store can be written again")
		a.core.server.WakePublisher()
		a.core.server.WakeDeliverer()
	}
}

// probeStore returns true as soon as the store can be written, false when ctx is done.
func (a *App) probeStore(ctx context.Context) bool {
	for wait := firstProbe; ; wait = min(2*wait, lastProbe) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		if a.db.Probe(time.Now()) == nil {
			return true
		}
	}
}
