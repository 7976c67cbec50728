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

// spentMark follows the time in a row whose id counts again: it was dropped once, or what was taken back was known.
const spentMark = 's'

// MarkUndone remembers that an actor took back what is not known yet, the activity or note with that id: messages
// overtake each other, and it may come later. Ids are remembered for six hours, and within these marked once only.
// seen is marked as seen if not empty.
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

// UndoneSpent reports whether that id was marked within the last six hours and counts again: it is not to be marked
// once more, or somebody who follows and unfollows by the same id would never be taken.
func (db *DB) UndoneSpent(now time.Time, actor, id string) (spent bool, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		at := undoneRow(tx, now, actor, id)
		spent = at != nil && isSpent(at)
		return nil
	})
	return spent, err
}

// SpendUndone tells what Undone does of an activity that has come now, and has the next one count: some servers
// (Misskey, Pixelfed) give every Follow of one actor the same id, and a second one is meant. Only then are seen and
// log written.
func (db *DB) SpendUndone(now time.Time, actor, id, seen string, log ...LogEntry) (undone bool, err error) {
	if undone, err = db.Undone(now, actor, id); !undone || err != nil {
		return false, err
	}
	err = db.b.Update(func(tx *bolt.Tx) error {
		if err := spendUndone(tx, now, actor, id); err != nil {
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

// ForgetSeen has an activity count as new when it comes again. Some servers (PeerTube, NodeBB) give every Like of one
// actor and post the same id, and one that was taken back may be meant again.
func (db *DB) ForgetSeen(id string) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		key := seenKey(id)
		at := tx.Bucket(bucketSeen).Get(key)
		if at == nil {
			return nil
		}
		if err := tx.Bucket(bucketSeenSince).Delete(join(at, key)); err != nil {
			return err
		}
		return tx.Bucket(bucketSeen).Delete(key)
	})
}

func undoneKey(actor, id string) []byte { return seenKey(string(pair(actor, id))) }

// undoneRow is what is remembered of an id, nil where that is nothing or too old.
func undoneRow(tx *bolt.Tx, now time.Time, actor, id string) []byte {
	at := tx.Bucket(bucketUndone).Get(undoneKey(actor, id))
	if at == nil || !now.Before(parseTime(at).Add(undoneFor)) {
		return nil
	}
	return at
}

func isSpent(at []byte) bool { return len(at) > 8 && at[8] == spentMark }

func isUndone(tx *bolt.Tx, now time.Time, actor, id string) bool {
	at := undoneRow(tx, now, actor, id)
	return at != nil && !isSpent(at)
}

// spendUndone notes that an id (an empty one is none) counts again and is not to be marked for a while.
func spendUndone(tx *bolt.Tx, now time.Time, actor, id string) error {
	if id == "" {
		return nil
	}
	if err := roomForUndone(tx, now, undoneKey(actor, id)); err != nil {
		return err
	}
	return tx.Bucket(bucketUndone).Put(undoneKey(actor, id), join(timeKey(now), []byte{spentMark}))
}

// putUndone remembers an id (an empty one is none) that is not remembered yet.
func putUndone(tx *bolt.Tx, now time.Time, actor, id string) error {
	if id == "" || undoneRow(tx, now, actor, id) != nil {
		return nil
	}
	if err := roomForUndone(tx, now, undoneKey(actor, id)); err != nil {
		return err
	}
	return tx.Bucket(bucketUndone).Put(undoneKey(actor, id), timeKey(now))
}

// roomForUndone forgets what is too old or too much, beside one row that is about to be written.
func roomForUndone(tx *bolt.Tx, now time.Time, row []byte) error {
	b := tx.Bucket(bucketUndone)
	var old [][]byte
	var oldest, oldestAt []byte
	kept := 0
	err := scan(tx, bucketUndone, nil, func(k, at []byte) (bool, error) {
		if !now.Before(parseTime(at).Add(undoneFor)) {
			old = append(old, bytes.Clone(k))
			return true, nil
		}
		if bytes.Equal(k, row) {
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
	return nil
}
