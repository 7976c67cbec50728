package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/budget"
	"crier/internal/config"
	"crier/store"
)

// TestIdle runs all loops of a daemon that has nothing to do for ten hours, and counts how often they wake up and look
// into the store. Each of its few polls is one commit, and nothing else writes.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	feedFile := filepath.Join(dir, "feed.xml")
	must(t, os.WriteFile(feedFile, []byte(`<rss><channel><link>https://blog.example/</link><item><title>A</title><link>https://blog.example/a/</link><guid>a</guid></item></channel></rss>`), 0o600))
	key := newKey(t)
	synctest.Test(t, func(t *testing.T) {
		cfg := config.Default()
		cfg.BaseURL, cfg.Account.Handle = "https://fedi.example", config.Handle{User: "user", Host: "blog.example"}
		cfg.NoticeURL = "https://ntfy.example/x"
		cfg.Feeds = []config.Feed{{URL: feedFile, Interval: 15 * time.Minute, IntervalSet: true, MaxNew: 5, Deletions: "confirm", ConfirmAfter: time.Hour, WebSub: true}}
		db, err := store.Open(filepath.Join(dir, "crier.db"), store.Options{})
		must(t, err)
		defer db.Close()
		c, err := build(context.Background(), &cfg, parts{db: db, key: key, log: testLog(t), serves: true})
		must(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		loops := []func(context.Context) error{c.poller.Run, c.websub.Run, c.notices.Run, c.extras.Run, c.server.RunPublisher, c.server.RunMover, c.server.RunDeliverer}
		for _, run := range loops {
			go func() { ended <- run(ctx) }()
		}
		time.Sleep(time.Hour) // the first poll, and a post made of it
		synctest.Wait()
		before, err := db.Usage()
		must(t, err)
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		after, err := db.Usage()
		must(t, err)
		if n := after.Commits - before.Commits; n < 36 {
			t.Errorf("%d commits: the feed was not polled", n)
		}
		for name, n := range map[string]int{"idle.commits": after.Commits - before.Commits, "idle.reads": after.Reads - before.Reads} {
			t.Logf("%s: %d", name, n)
			if err := budget.Check(name, float64(n)); err != nil {
				t.Error(err)
			}
		}
		cancel()
		for range loops {
			must(t, <-ended)
		}
	})
}
