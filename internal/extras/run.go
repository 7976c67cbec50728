package extras

import (
	"context"
	"sync"
	"time"

	"crier/store"
)

// Run looks at entries as they become due until ctx is done: at the start, whenever it is woken, and when an
// entry that waits for its date comes near. A store that fails is tried again; the error is always nil.
//
// A crash at any moment loses nothing: an entry without a record is looked at again.
func (w *Worker) Run(ctx context.Context) error {
	d := dispatcher{w: w, busy: map[string]bool{}, done: make(chan finished)}
	for {
		next := d.start(ctx)
		timer := time.NewTimer(wait(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			d.drain()
			return nil
		case f := <-d.done:
			delete(d.busy, f.key)
			d.report(f.err)
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// longest is how long Run sleeps at most: a clock that was set is noticed then.
const longest = time.Hour

func wait(next time.Time) time.Duration {
	if next.IsZero() {
		return longest
	}
	return min(max(time.Until(next), 0), longest)
}

// finished is an entry that was attended to; err is the store's.
type finished struct {
	key string
	err error
}

// dispatcher gives out the entries. It belongs to the goroutine of Run.
type dispatcher struct {
	w       *Worker
	busy    map[string]bool // keys of the entries that are worked on
	done    chan finished
	failing bool      // the store failed the last time
	hold    time.Time // nothing is started before
}

// start gives out as many entries as there is room for and returns when to look for more, if nothing else
// happens; zero: when something happens.
func (d *dispatcher) start(ctx context.Context) time.Time {
	now := time.Now()
	if now.Before(d.hold) {
		return d.hold
	}
	if len(d.busy) == atOnce || ctx.Err() != nil {
		return time.Time{}
	}
	list, next, err := d.w.waiting(now.Add(ahead), atOnce-len(d.busy), d.busy)
	if err != nil {
		d.report(err)
		return d.hold
	}
	for _, e := range list {
		d.busy[e.Key] = true
		go func() { d.done <- finished{e.Key, d.w.attend(ctx, e)} }()
	}
	if next.IsZero() {
		return next
	}
	return next.Add(-ahead)
}

// report says once that the store fails, and once that it works again.
func (d *dispatcher) report(err error) {
	switch {
	case err != nil && !d.failing:
		d.w.log.Error("cannot keep what was learnt of pages and pictures; it is tried again until the store can be used", "err", err)
	case err == nil && d.failing:
		d.w.log.Info("what is learnt of pages and pictures can be kept again")
	}
	d.failing = err != nil
	if d.failing {
		d.hold = time.Now().Add(pause)
	}
}

// drain waits for what was given out.
func (d *dispatcher) drain() {
	for range d.busy {
		<-d.done
	}
}

// RunDue looks once at all entries that are due or will be within a minute, and returns when that is done. The
// error is the store's, or that of ctx.
func (w *Worker) RunDue(ctx context.Context) error {
	until := time.Now().Add(ahead)
	seen := map[string]bool{}
	for ctx.Err() == nil {
		list, _, err := w.waiting(until, atOnce, seen)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			seen[e.Key] = true
		}
		if err := w.attendAll(ctx, list); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (w *Worker) attendAll(ctx context.Context, list []store.Entry) error {
	var all sync.WaitGroup
	errs := make([]error, len(list))
	for i, e := range list {
		all.Go(func() { errs[i] = w.attend(ctx, e) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
