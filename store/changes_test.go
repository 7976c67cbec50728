package store

import (
	"sync"
	"testing"
	"time"
)

func TestChanges(t *testing.T) {
	db := open(t)
	last := db.Changes()
	changed := func(what string, want bool) {
		t.Helper()
		now := db.Changes()
		if got := now != last; got != want {
			t.Errorf("after %s: changed %v, want %v", what, got, want)
		}
		last = now
	}
	if _, err := db.CountFollowers(); err != nil {
		t.Fatal(err)
	}
	_, _ = db.Posts()
	changed("reading", false)
	if err := db.SetLife("x"); err != nil {
		t.Fatal(err)
	}
	changed("one change", true)
	if _, err := db.AddFollower(time.Now(), Follow{}); err == nil {
		t.Fatal("a follower without an address was taken")
	}
	changed("a change that failed", true) // it may count; what matters is that no change does not
}

// Whoever has changed something finds it counted, in a crowd as well.
func TestChangesOfACrowd(t *testing.T) {
	db := open(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			before := db.Changes()
			if err := db.MarkSeen(time.Now(), string(rune('a'+i))); err != nil {
				t.Error(err)
			}
			if db.Changes() == before {
				t.Error("a change was not counted")
			}
		})
	}
	wg.Wait()
}
