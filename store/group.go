package store

import (
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// groupDelay is how long events wait for others where there were several a moment ago: who is answered sends the next
// one within this, and a write to the disk takes longer.
const groupDelay = time.Millisecond

// grouping has events that come at the same time share one commit: while one commit is under way all others wait, and
// the next takes them together. The library's own Batch makes a commit of what came within its delay, so that a burst
// queues up for many. An event that comes alone does not wait.
type grouping struct {
	mu      sync.Mutex
	waiting []*member
	busy    bool
	running sync.WaitGroup
}

// member is one event that waits for its commit.
type member struct {
	f    func(*bolt.Tx) error
	done chan error
}

// group makes an event durable like a transaction of its own, but together with others of the same moment. f may run
// more than once, and must leave nothing behind where it fails.
func (db *DB) group(f func(*bolt.Tx) error) error {
	m := &member{f: f, done: make(chan error, 1)}
	db.groups.mu.Lock()
	db.groups.waiting = append(db.groups.waiting, m)
	if !db.groups.busy {
		db.groups.busy = true
		db.groups.running.Go(db.commitGroups)
	}
	db.groups.mu.Unlock()
	return <-m.done
}

// commitGroups commits what waits until nothing does.
func (db *DB) commitGroups() {
	for several := false; ; {
		if several {
			time.Sleep(groupDelay)
		}
		db.groups.mu.Lock()
		all := db.groups.waiting
		db.groups.waiting = nil
		db.groups.busy = len(all) > 0
		db.groups.mu.Unlock()
		if len(all) == 0 {
			return
		}
		several = len(all) > 1
		db.commit(all)
	}
}

// commit commits events together. One that fails has nothing to do with the others: it is tried again by itself, since
// it may have failed for what another of them did, which was undone with it.
func (db *DB) commit(all []*member) {
	for len(all) > 0 {
		failed := -1
		err := db.b.Update(func(tx *bolt.Tx) error {
			for i, m := range all {
				if err := m.run(tx); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
		if failed < 0 {
			for _, m := range all {
				m.done <- err
			}
			return
		}
		m := all[failed]
		if len(all) == 1 {
			m.done <- err
			return
		}
		m.done <- db.b.Update(m.run)
		all = append(all[:failed:failed], all[failed+1:]...)
	}
}

// run keeps the damage that one event meets from the others.
func (m *member) run(tx *bolt.Tx) error {
	return guarded(func() error { return m.f(tx) })
}
