package store

import (
	"bytes"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	seenFor   = 30 * 24 * time.Hour
	seenSweep = 100 // old ids forgotten with each new one, so that forgetting never takes long
)

// Seen reports whether the activity with that id was received and acted on before. Ids are remembered
// for thirty days.
func (db *DB) Seen(id string) (seen bool, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		seen = tx.Bucket(bucketSeen).Get(seenKey(id)) != nil
		return nil
	})
	return seen, err
}

// SeenAt returns when the activity with that id was first received; the zero time where it was not.
func (db *DB) SeenAt(id string) (at time.Time, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		if v := tx.Bucket(bucketSeen).Get(seenKey(id)); len(v) == 8 {
			at = parseTime(v)
		}
		return nil
	})
	return at, err
}

// MarkSeen remembers a received activity that changed nothing else, with its log lines.
func (db *DB) MarkSeen(now time.Time, id string, log ...LogEntry) error {
	return db.group(func(tx *bolt.Tx) error {
		if err := markSeen(tx, now, id); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
}

// markSeen remembers an id (an empty one is none) and forgets some that are too old.
func markSeen(tx *bolt.Tx, now time.Time, id string) error {
	seen, since := tx.Bucket(bucketSeen), tx.Bucket(bucketSeenSince)
	if key := seenKey(id); id != "" && seen.Get(key) == nil {
		if err := seen.Put(key, timeKey(now)); err != nil {
			return err
		}
		if err := since.Put(join(timeKey(now), key), nil); err != nil {
			return err
		}
	}
	end := timeKey(now.Add(-seenFor))
	for range seenSweep {
		k, _ := since.Cursor().First()
		if k == nil || bytes.Compare(k[:8], end) >= 0 {
			return nil
		}
		if err := seen.Delete(k[8:]); err != nil {
			return err
		}
		if err := since.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
