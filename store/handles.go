package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Handle is what came of asking how an actor that follows or reacted is called.
type Handle struct {
	Actor   string    `json:"actor"`            // id; the key
	Own     string    `json:"own,omitempty"`    // user@host as its own server named it when it was asked
	Handle  string    `json:"handle,omitempty"` // user@host that both hosts agree on; empty: none is
	Checked time.Time `json:"checked"`
}

// PutHandle stores what came of asking for an actor's handle. It reports whether it did: nothing is kept of an actor
// that neither follows nor reacted.
func (db *DB) PutHandle(h Handle) (kept bool, err error) {
	if err := checkKey(h.Actor); err != nil {
		return false, err
	}
	err = db.b.Update(func(tx *bolt.Tx) error {
		if kept = knowsActor(tx, h.Actor); !kept {
			return nil
		}
		return put(tx, bucketHandles, []byte(h.Actor), h)
	})
	if err != nil {
		return false, fmt.Errorf("store the handle of %s: %w", h.Actor, err)
	}
	return kept, nil
}

// Handles returns what is known of the handles of those actors. Who was never asked is not in it.
func (db *DB) Handles(actors []string) (map[string]Handle, error) {
	found := map[string]Handle{}
	err := db.b.View(func(tx *bolt.Tx) error {
		for _, actor := range actors {
			h, err := get[Handle](tx, bucketHandles, []byte(actor))
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			found[actor] = h
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read handles: %w", err)
	}
	return found, nil
}

// forgetHandle drops the handle of an actor of which nothing else is stored any more.
func forgetHandle(tx *bolt.Tx, actor string) error {
	if knowsActor(tx, actor) {
		return nil
	}
	return tx.Bucket(bucketHandles).Delete([]byte(actor))
}

func knowsActor(tx *bolt.Tx, actor string) bool {
	if actor == "" {
		return false
	}
	if tx.Bucket(bucketFollowers).Get([]byte(actor)) != nil {
		return true
	}
	k, _ := seek(tx, bucketReactionsByActor, prefix(actor))
	return k != nil
}

func (c *checker) handles(tx *bolt.Tx) error {
	return each(tx, bucketHandles, func(k []byte, h Handle) {
		if h.Actor != string(k) {
			c.say("the handle of %q stands at key %q", h.Actor, k)
		}
		if !knowsActor(tx, string(k)) {
			c.say("%s has a handle, but neither follows nor reacted", k)
		}
	})
}
