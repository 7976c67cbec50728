package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Decision is the owner's word on one follower, to be stored with what its server is told.
type Decision struct {
	Follower Follower // as it was read: ErrConflict if it has followed anew, or is gone
	Answer   Activity // the Accept or the Reject, queued for the follower's own inbox
	Log      []LogEntry
}

// ApproveFollowers makes pending followers accepted ones and queues the answer to each: all of them, or none.
func (db *DB) ApproveFollowers(now time.Time, decisions []Decision) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		return decide(tx, now, decisions, func(tx *bolt.Tx, f Follower) error {
			f.State = FollowerAccepted
			_, err := putFollower(tx, f)
			return err
		})
	})
}

// DismissFollowers removes followers, accepted ones or pending ones, with the deliveries that only they were to
// get, and queues the answer to each: all of them, or none.
func (db *DB) DismissFollowers(now time.Time, decisions []Decision) error {
	return db.b.Update(func(tx *bolt.Tx) error { return dismiss(tx, now, decisions) })
}

func dismiss(tx *bolt.Tx, now time.Time, decisions []Decision) error {
	return decide(tx, now, decisions, func(tx *bolt.Tx, f Follower) error {
		_, err := removeFollower(tx, f.Actor)
		return err
	})
}

func decide(tx *bolt.Tx, now time.Time, decisions []Decision, change func(*bolt.Tx, Follower) error) error {
	for _, d := range decisions {
		if err := decideOne(tx, now, d, change); err != nil {
			return fmt.Errorf("%s follower %s: %w", d.Answer.Type, d.Follower.Actor, err)
		}
	}
	return nil
}

func decideOne(tx *bolt.Tx, now time.Time, d Decision, change func(*bolt.Tx, Follower) error) error {
	actor := d.Follower.Actor
	if err := unchanged(tx, actor, d.Follower); err != nil {
		return err
	}
	// Its key or its inbox may be newer than what was read.
	f, err := get[Follower](tx, bucketFollowers, []byte(actor))
	if err != nil {
		return err
	}
	if err := change(tx, f); err != nil {
		return err
	}
	if err := answer(tx, now, d.Answer, f.Inbox); err != nil {
		return err
	}
	return appendLog(tx, d.Log...)
}
