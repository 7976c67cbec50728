package store

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestEventsOfOneMomentShareACommit: what comes while a commit is under way goes with the next one, all of it.
func TestEventsOfOneMomentShareACommit(t *testing.T) {
	db := open(t)
	before, err := db.Usage()
	ok(t, err)
	begun, goOn := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		ok(t, db.group(func(*bolt.Tx) error {
			close(begun)
			<-goOn
			return nil
		}))
	})
	<-begun
	for i := range 50 {
		all.Go(func() { ok(t, db.MarkSeen(time.Now(), string(rune('a'+i)))) })
	}
	for waits := 0; waits < 50; {
		db.groups.mu.Lock()
		waits = len(db.groups.waiting)
		db.groups.mu.Unlock()
	}
	close(goOn)
	all.Wait()
	after, err := db.Usage()
	ok(t, err)
	if after.Commits-before.Commits != 2 {
		t.Errorf("%d commits for 51 events, want 2", after.Commits-before.Commits)
	}
}

// TestEventThatFailsHarmsNoOther: one event's error or panic is its own, and the others are stored.
func TestEventThatFailsHarmsNoOther(t *testing.T) { synctest.Test(t, testEventThatFailsHarmsNoOther) }

func testEventThatFailsHarmsNoOther(t *testing.T) {
	db := open(t)
	wrong := errors.New("wrong")
	fail := &member{f: func(*bolt.Tx) error { return wrong }, done: make(chan error, 1)}
	burst := &member{f: func(*bolt.Tx) error { panic("burst") }, done: make(chan error, 1)}
	sound := &member{f: func(tx *bolt.Tx) error { return markSeen(tx, time.Now(), "one") }, done: make(chan error, 1)}
	db.commit([]*member{fail, sound, burst})
	if err := <-fail.done; !errors.Is(err, wrong) {
		t.Error(err)
	}
	if err := <-burst.done; !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	ok(t, <-sound.done)
	seen, err := db.Seen("one")
	ok(t, err)
	if !seen {
		t.Error("the sound event is not stored")
	}
	if err := db.group(burst.f); !errors.Is(err, ErrDamaged) {
		t.Errorf("who brought the burst heard of %v", err)
	}
	ok(t, db.MarkSeen(time.Now(), "two")) // and the next event is taken
}
