package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// nobodyWaits is ErrConflict while somebody awaits approval: an account that moves tells each of them so, and one
// who was let in after the Move would follow an account that is gone, and never hear of it.
func nobodyWaits(tx *bolt.Tx) error {
	waits := ""
	err := each(tx, bucketFollowers, func(k []byte, f Follower) {
		if f.State == FollowerPending {
			waits = string(k)
		}
	})
	if err == nil && waits != "" {
		err = fmt.Errorf("move away from %s, who awaits approval: %w", waits, ErrConflict)
	}
	return err
}

// mayWait is ErrConflict for a follower that is to await approval though the account has moved since that was decided.
func mayWait(tx *bolt.Tx, f Follower) error {
	if f.State != FollowerPending {
		return nil
	}
	p, err := presenceIn(tx)
	if err == nil && p.Move != nil {
		err = ErrConflict
	}
	return err
}
