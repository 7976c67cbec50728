package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Boost is a post, somebody else's or our own, that the account passed on. The record stays when the boost is
// taken back, since its number goes into the id of the next one.
type Boost struct {
	Object    string    `json:"object"`          // id of what is boosted; the key
	Path      string    `json:"path,omitempty"`  // of our own post; empty: it is somebody else's
	URL       string    `json:"url"`             // its page
	Title     string    `json:"title,omitempty"` // how it begins
	Author    string    `json:"author"`          // actor id
	Inbox     string    `json:"inbox,omitempty"` // the author's; empty: it is ours
	Number    int       `json:"number"`          // 1 for the first boost of this object
	Announce  string    `json:"announce"`        // id of the Announce
	Published time.Time `json:"published"`
	Undone    time.Time `json:"undone,omitzero"`
}

// Boost returns the boost of the object with that id, also one that was taken back; ErrNotFound if there never was
// one.
func (db *DB) Boost(object string) (b Boost, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		b, err = get[Boost](tx, bucketBoosts, []byte(object))
		return err
	})
	return b, err
}

// Boosts returns the boosts that were not taken back, newest first.
func (db *DB) Boosts() (all []Boost, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Boost](tx, bucketBoosts)
		return err
	})
	all = slices.DeleteFunc(all, func(b Boost) bool { return !b.Undone.IsZero() })
	slices.SortStableFunc(all, func(a, b Boost) int { return b.Published.Compare(a.Published) })
	return all, err
}

// CountBoosts returns how many boosts there are that were not taken back.
func (db *DB) CountBoosts() (int, error) { return db.counter(keyBoosts) }

// AddBoost stores a boost and queues its Announce, in one transaction. ErrConflict if the object is boosted
// already, or was boosted another number of times than b says; ErrNotFound if it is a post of ours that does not
// live. It returns how many deliveries were queued.
func (db *DB) AddBoost(now time.Time, b Boost, announce Outgoing) (queued int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		if err := checkKey(b.Object, b.Inbox); err != nil {
			return err
		}
		if !isAddress(b.Object) {
			return fmt.Errorf("what is boosted has no address for an id: %q", b.Object)
		}
		if b.Path != "" {
			p, err := get[Post](tx, bucketPosts, []byte(b.Path))
			if err != nil || p.State != PostLive {
				return cmp.Or(err, ErrNotFound)
			}
			p.Delivered = true
			if err := put(tx, bucketPosts, []byte(b.Path), p); err != nil {
				return err
			}
		}
		old, err := get[Boost](tx, bucketBoosts, []byte(b.Object))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if old.Number+1 != b.Number || old.Number > 0 && old.Undone.IsZero() {
			return ErrConflict
		}
		if err := tx.Bucket(bucketOutbox).Put(boostKey(b), nil); err != nil {
			return err
		}
		if _, err := add(tx, bucketMeta, keyBoosts, 1); err != nil {
			return err
		}
		if err := put(tx, bucketBoosts, []byte(b.Object), b); err != nil {
			return err
		}
		queued, err = send(tx, now, announce)
		return err
	})
	return queued, err
}

// UndoBoost takes a boost back and queues the Undo, in one transaction; its Announce cannot be fetched any more.
// Where the Announce still waits untried, neither is sent. ErrNotFound if the object is not boosted.
func (db *DB) UndoBoost(now time.Time, object string, undo Outgoing) (queued int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		b, err := get[Boost](tx, bucketBoosts, []byte(object))
		if err != nil {
			return err
		}
		if !b.Undone.IsZero() {
			return ErrNotFound
		}
		if queued, err = send(tx, now, undo); err != nil {
			return err
		}
		return endBoost(tx, b, now)
	})
	return queued, err
}

// endBoost notes that a boost is no more, and takes away what is left of its Announce: what waits of it, and the body
// that could be fetched.
func endBoost(tx *bolt.Tx, b Boost, now time.Time) error {
	meant, err := deliveriesOf(tx, []string{b.Announce})
	if err != nil {
		return err
	}
	for _, d := range meant {
		if err := dropDelivery(tx, d); err != nil {
			return err
		}
	}
	if _, err := dropWaves(tx, []string{b.Announce}); err != nil {
		return err
	}
	if err := tx.Bucket(bucketActivities).Delete([]byte(b.Announce)); err != nil {
		return err
	}
	if err := tx.Bucket(bucketOutbox).Delete(boostKey(b)); err != nil {
		return err
	}
	if _, err := add(tx, bucketMeta, keyBoosts, -1); err != nil {
		return err
	}
	b.Undone = now
	return put(tx, bucketBoosts, []byte(b.Object), b)
}

// dropBoost ends the boost of a post of ours that is deleted: its Delete tells that, too.
func dropBoost(tx *bolt.Tx, object string, now time.Time) error {
	b, err := get[Boost](tx, bucketBoosts, []byte(object))
	if errors.Is(err, ErrNotFound) || err == nil && !b.Undone.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	return endBoost(tx, b, now)
}

// boostKey is the row of a boost in the outbox. What comes after the time is an address, which no path is.
func boostKey(b Boost) []byte { return join(timeKey(b.Published), []byte(b.Object)) }

func isAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// OutboxItem is a listed post or a boost.
type OutboxItem struct {
	Post     *Post
	Announce json.RawMessage // of a boost, as it was sent
}

// outboxItem reads what a row of the outbox stands for.
func outboxItem(tx *bolt.Tx, row []byte) (OutboxItem, error) {
	if !isAddress(string(row[8:])) {
		p, err := get[Post](tx, bucketPosts, row[8:])
		return OutboxItem{Post: &p}, err
	}
	b, err := get[Boost](tx, bucketBoosts, row[8:])
	if err != nil {
		return OutboxItem{}, err
	}
	a, err := get[Activity](tx, bucketActivities, []byte(b.Announce))
	if err != nil {
		return OutboxItem{}, fmt.Errorf("read the boost of %s: %w", b.Object, err)
	}
	return OutboxItem{Announce: a.Body}, nil
}

// boosts checks the index and the count of boosts.
func (c *checker) boosts(tx *bolt.Tx) error {
	live := 0
	err := each(tx, bucketBoosts, func(_ []byte, b Boost) {
		if !b.Undone.IsZero() {
			return
		}
		live++
		c.expect(bucketOutbox, boostKey(b), nil)
		if tx.Bucket(bucketActivities).Get([]byte(b.Announce)) == nil {
			c.say("the boost of %s has no Announce", b.Object)
		}
	})
	if n := int(parseNumber(tx.Bucket(bucketMeta).Get(keyBoosts))); n != live {
		c.say("there are %d boosts, %d counted", live, n)
	}
	return err
}
