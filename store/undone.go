package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	undoneFor  = 6 * time.Hour // as long as Mastodon remembers an Undo that came before its Follow
	undoneMost = 1000          // remembered at most: of more, the oldest are forgotten
)

// MarkUndone remembers that an actor took back what is not known yet, the activity or note with that id: messages
// overtake each other, and it may come later. Ids are remembered for six hours. seen is marked as seen if not empty.
func (db *DB) MarkUndone(now time.Time, actor, id, seen string, log ...LogEntry) error {
	err := db.b.Update(func(tx *bolt.Tx) error {
		if err := putUndone(tx, now, actor, id); err != nil {
			return err
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	if err != nil {
		return fmt.Errorf("remember that %s took back %s: %w", actor, id, err)
	}
	return nil
}

// Undone reports whether an actor took back the thing with that id before it came.
func (db *DB) Undone(now time.Time, actor, id string) (undone bool, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		undone = isUndone(tx, now, actor, id)
		return nil
	})
	return undone, err
}

// SpendUndone tells the same of an activity that has come now, and forgets it where it was so: some servers (Misskey,
// Pixelfed) give every Follow of one actor the same id, and a second one is meant. Only then are seen and log
// written.
func (db *DB) SpendUndone(now time.Time, actor, id, seen string, log ...LogEntry) (undone bool, err error) {
	if undone, err = db.Undone(now, actor, id); !undone || err != nil {
		return false, err
	}
	err = db.b.Update(func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketUndone).Delete(undoneKey(actor, id)); err != nil {
			return err
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	if err != nil {
		return false, fmt.Errorf("take %s of %s as undone: %w", id, actor, err)
	}
	return true, nil
}

func undoneKey(actor, id string) []byte { return seenKey(string(pair(actor, id))) }

func isUndone(tx *bolt.Tx, now time.Time, actor, id string) bool {
	at := tx.Bucket(bucketUndone).Get(undoneKey(actor, id))
	return at != nil && now.Before(parseTime(at).Add(undoneFor))
}

// putUndone remembers an id (an empty one is none), and forgets what is too old or too much.
func putUndone(tx *bolt.Tx, now time.Time, actor, id string) error {
	if id == "" {
		return nil
	}
	b := tx.Bucket(bucketUndone)
	var old [][]byte
	var oldest, oldestAt []byte
	kept := 0
	err := scan(tx, bucketUndone, nil, func(k, at []byte) (bool, error) {
		if !now.Before(parseTime(at).Add(undoneFor)) {
			old = append(old, bytes.Clone(k))
			return true, nil
		}
		kept++
		if oldestAt == nil || bytes.Compare(at, oldestAt) < 0 {
			oldest, oldestAt = bytes.Clone(k), bytes.Clone(at)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if kept >= undoneMost {
		old = append(old, oldest)
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return b.Put(undoneKey(actor, id), timeKey(now))
}
