package store

import (
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// counted is the file, with the number of times that it may have changed.
type counted struct {
	*bolt.DB
	changes atomic.Uint64
}

// Update is that of the file. What fails is counted, too: after an error of the disk nobody knows.
func (c *counted) Update(f func(*bolt.Tx) error) error {
	defer c.changes.Add(1)
	return c.DB.Update(f)
}

// Batch is that of the file.
func (c *counted) Batch(f func(*bolt.Tx) error) error {
	defer c.changes.Add(1)
	return c.DB.Batch(f)
}

// Begin is that of the file. A writer's end is counted where it is a commit.
func (c *counted) Begin(writable bool) (*bolt.Tx, error) {
	tx, err := c.DB.Begin(writable)
	if err == nil && writable {
		tx.OnCommit(func() { c.changes.Add(1) })
	}
	return tx, err
}

// Changes returns a number that is another one after every method that changed something, by the time it returns; it
// touches no file. So what was made from the store is as good as new while the number is the one that was read before
// the store was: whoever keeps such a thing need not know what changes it. A method that changed nothing may count.
func (db *DB) Changes() uint64 { return db.b.changes.Load() }
