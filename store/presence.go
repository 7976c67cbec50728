package store

import (
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Presence is what changes in the life of an account, beside its configuration: under which other names it
// is known, whether it has moved away, and what its followers were last told of it.
type Presence struct {
	Version uint64 `json:"version"` // raised by every change; as read, when it is written

	// Announced is the hash of the actor as the followers were last told of it; Told how often they were.
	Announced string `json:"announced,omitempty"`
	Told      uint64 `json:"told,omitempty"`

	Aliases  []Alias   `json:"aliases,omitempty"`  // other accounts of the owner, oldest first; one for each actor
	Move     *Move     `json:"move,omitempty"`     // it has moved away, or is about to; nil: it is at home
	Moves    uint64    `json:"moves,omitempty"`    // how many moves were ever begun
	LastMove time.Time `json:"last_move,omitzero"` // when the followers were last told to move
	Returned string    `json:"returned,omitempty"` // id of the Update that tells that the last move was cancelled
}

// Broadcast is an activity for the inboxes of all followers, with its lines in the log.
type Broadcast struct {
	Activity Activity // the zero Activity: none
	Log      []LogEntry

	// Withdraw is the id of an earlier activity. What is left of it is not sent any more.
	Withdraw string

	// Dismiss are the Rejects for followers that await approval. A move begins only where nobody does any more.
	Dismiss []Decision
}

// Presence returns the account's presence; that of an account which never changed is the zero value.
func (db *DB) Presence() (p Presence, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		p, err = presenceIn(tx)
		return err
	})
	return p, err
}

func presenceIn(tx *bolt.Tx) (Presence, error) {
	p, err := get[Presence](tx, bucketMeta, keyPresence)
	if errors.Is(err, ErrNotFound) {
		return Presence{}, nil
	}
	return p, err
}

// SavePresence writes a presence that was read and changed, and queues what the followers are to be told of
// it, in one transaction. ErrConflict where somebody else changed it meanwhile, or where it begins a move while
// somebody still awaits approval: nothing is written. It returns how many deliveries were queued.
func (db *DB) SavePresence(now time.Time, p Presence, tell ...Broadcast) (queued int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		queued = 0
		old, err := presenceIn(tx)
		if err != nil {
			return err
		}
		if old.Version != p.Version {
			return ErrConflict
		}
		p.Version++
		if err := put(tx, bucketMeta, keyPresence, p); err != nil {
			return err
		}
		if err := followMoves(tx, old, p); err != nil {
			return err
		}
		for _, b := range tell {
			n, err := broadcast(tx, now, b)
			if err != nil {
				return err
			}
			queued += n + len(b.Dismiss)
			if b.Activity.ID == "" || b.Activity.ID != p.Returned || p.Returned == old.Returned {
				continue
			}
			if n, err = tellTold(tx, now, b.Activity); err != nil {
				return err
			}
			queued += n
		}
		if p.Move != nil && (old.Move == nil || old.Moves != p.Moves) {
			return nobodyWaits(tx)
		}
		return nil
	})
	return queued, err
}

// broadcast queues an activity for all followers. Where there are none it leaves no trace but the log's.
func broadcast(tx *bolt.Tx, now time.Time, b Broadcast) (queued int, err error) {
	if err := withdraw(tx, b.Withdraw); err != nil {
		return 0, err
	}
	if err := dismiss(tx, now, b.Dismiss); err != nil {
		return 0, err
	}
	if b.Activity.ID == "" {
		return 0, appendLog(tx, b.Log...)
	}
	if parseNumber(tx.Bucket(bucketMeta).Get(keyInboxes)) > 0 {
		if err := put(tx, bucketActivities, []byte(b.Activity.ID), b.Activity); err != nil {
			return 0, err
		}
		if queued, err = fanOut(tx, now, spread{activity: b.Activity}); err != nil {
			return 0, err
		}
	}
	return queued, appendLog(tx, b.Log...)
}
