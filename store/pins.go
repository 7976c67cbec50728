package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Pin pins the live post at that path, or unpins it where at is zero, and queues what the followers are told of
// it, in one transaction. ErrNotFound if there is no live post, ErrConflict if it stands as it shall already:
// nothing is written then. It returns how many deliveries were queued.
func (db *DB) Pin(now time.Time, path string, at time.Time, tell Outgoing) (queued int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		old, err := get[Post](tx, bucketPosts, []byte(path))
		if err != nil {
			return err
		}
		switch {
		case old.State != PostLive:
			return ErrNotFound
		case old.Pinned.IsZero() == at.IsZero():
			return ErrConflict
		}
		p := old
		p.Pinned = at
		p.Delivered = p.Delivered || !at.IsZero()
		if err := replacePost(tx, old, p); err != nil {
			return fmt.Errorf("pin %s: %w", old.ID, err)
		}
		queued, err = send(tx, now, tell)
		return err
	})
	return queued, err
}

// Pins returns the pinned posts, the one that was pinned last first.
func (db *DB) Pins() (all []Post, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketPins).Cursor()
		for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
			p, err := get[Post](tx, bucketPosts, k[8:])
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

// indexPin brings the row of a post's pin up to date.
func indexPin(tx *bolt.Tx, old, p Post) error {
	b := tx.Bucket(bucketPins)
	if !old.Pinned.IsZero() {
		if err := b.Delete(pinKey(old)); err != nil {
			return err
		}
	}
	if p.Pinned.IsZero() {
		return nil
	}
	return b.Put(pinKey(p), nil)
}

func pinKey(p Post) []byte { return join(timeKey(p.Pinned), []byte(p.Path)) }
