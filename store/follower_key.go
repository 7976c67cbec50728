package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// FollowerKey is a public key of a follower.
type FollowerKey struct {
	ID  string
	PEM string
}

// ReplaceFollowerKey stores another key of a follower, unless the follower is gone or the stored key is not
// old (the PEM) any more: then somebody was faster. The log lines are written with it. It reports whether it
// did anything.
func (db *DB) ReplaceFollowerKey(actor, old string, key FollowerKey, log ...LogEntry) (changed bool, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		f, err := get[Follower](tx, bucketFollowers, []byte(actor))
		if errors.Is(err, ErrNotFound) || err == nil && f.Key != old {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read follower %s: %w", actor, err)
		}
		changed = true
		f.KeyID, f.Key = key.ID, key.PEM
		if err := put(tx, bucketFollowers, []byte(actor), f); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	return changed, err
}
