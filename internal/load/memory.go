package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"crier/store"
)

// crowded is a daemon with many followers, on fewer inboxes: each inbox is a shared one.
func (b *bench) crowded(followers, inboxes int, h *hosts) (*daemon, error) {
	d, err := b.newDaemon(nil)
	if err != nil {
		return nil, err
	}
	return d, d.withStore(func(db *store.DB) error {
		const at = 20_000
		for from := 0; from < followers; from += at {
			var follows []store.Follow
			for i := from; i < min(from+at, followers); i++ {
				host := h.scheme + "://" + h.name(i%inboxes)
				actor := fmt.Sprintf("%s/users/u%d", host, i)
				follows = append(follows, store.Follow{Follower: store.Follower{
					Actor: actor, Inbox: actor + "/inbox", SharedInbox: host + "/inbox", Handle: fmt.Sprintf("u%d@%s", i, h.name(i%inboxes)),
					KeyID: actor + "#main-key", FollowID: actor + "/follows/1", Since: time.Now().Add(time.Duration(i) * time.Millisecond),
					State: store.FollowerAccepted,
				}})
			}
			if err := db.AddFollowers(time.Now(), follows...); err != nil {
				return err
			}
		}
		return nil
	})
}

// measureCrowd watches the memory while one post goes out.
func measureCrowd(ctx context.Context, b *bench) (string, error) {
	const followers, inboxes = 1_000_000, 30_000
	h, err := newHosts("")
	if err != nil {
		return "", err
	}
	defer h.close()
	d, err := b.crowded(followers, inboxes, h)
	if err != nil {
		return "", err
	}
	if err := d.start(ctx); err != nil {
		return "", err
	}
	defer d.stop()
	s := &sending{daemon: d, hosts: h, n: inboxes}
	watch, done := context.WithCancel(ctx)
	peak := make(chan float64, 1)
	go func() { peak <- peakOf(watch, d.cmd.Process.Pid) }()
	took, err := s.wave(ctx, inboxes)
	done()
	most := <-peak
	if err != nil {
		return "", err
	}
	size := 0.0
	if info, err := os.Stat(filepath.Join(d.dir, "data", "crier.db")); err == nil {
		size = float64(info.Size()) / (1 << 20)
	}
	return fmt.Sprintf("%.0f MiB (in %v; the store has %.0f MiB)", most, took.Wall.Round(time.Second), size), nil
}

// peakOf samples the anonymous memory of a process until ctx is done.
func peakOf(ctx context.Context, pid int) (most float64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if m, err := memory(pid, "RssAnon"); err == nil {
			most = max(most, m)
		}
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
	}
}

// measureIdle starts a daemon with a million followers.
func measureIdle(ctx context.Context, b *bench) (string, error) {
	h := &hosts{scheme: "https"}
	d, err := b.crowded(1_000_000, 30_000, h)
	if err != nil {
		return "", err
	}
	return d.rest(ctx, 20*time.Second, "RssAnon")
}

// measureFresh starts a daemon with a new store.
func measureFresh(ctx context.Context, b *bench) (string, error) {
	d, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	return d.rest(ctx, time.Minute, "VmRSS")
}

// rest starts the daemon three times, and reads its memory when it was left alone for a while.
func (d *daemon) rest(ctx context.Context, idle time.Duration, line string) (string, error) {
	best := time.Hour
	for range 3 {
		if err := d.start(ctx); err != nil {
			return "", err
		}
		best = min(best, d.started)
		d.stop()
	}
	if err := d.start(ctx); err != nil {
		return "", err
	}
	defer d.stop()
	select {
	case <-time.After(idle):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	m, err := memory(d.cmd.Process.Pid, line)
	return fmt.Sprintf("%.1f MiB; %.1f ms", m, float64(min(best, d.started).Microseconds())/1000), err
}
