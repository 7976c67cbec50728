package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// nothingDue tells whether no delivery is due at now, and when the next one is (zero: none waits). Whoever only wants to
// know that need not write, and so does not make the disk turn.
func (db *DB) nothingDue(now time.Time) (nothing bool, next time.Time, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		next, err = nextDue(tx, now)
		return err
	})
	return err == nil && (next.IsZero() || next.After(now)), next, err
}

// nextDue is when the earliest delivery that is not claimed is due, or more of a wave; zero if none waits.
func nextDue(tx *bolt.Tx, now time.Time) (time.Time, error) {
	next, err := nextWave(tx, now)
	if err != nil {
		return time.Time{}, err
	}
	if k, _ := seek(tx, bucketHostsDue, nil); k != nil && (next.IsZero() || parseTime(k).Before(next)) {
		next = parseTime(k)
	}
	return next, nil
}
