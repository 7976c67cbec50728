package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Alias is another account of the owner's, one that may send its followers here.
type Alias struct {
	Actor      string    `json:"actor"`                // id
	Handle     string    `json:"handle,omitempty"`     // user@host
	Added      time.Time `json:"added"`                // when it was looked up
	Followers  int       `json:"followers"`            // that it had then; -1: its server does not say
	ByHand     bool      `json:"by_hand,omitempty"`    // the owner added it by command
	Configured string    `json:"configured,omitempty"` // the name in the configuration that it was looked up for
}

// Move says where the account has moved, or is about to.
type Move struct {
	Target    string    `json:"target"` // id of the new actor
	Handle    string    `json:"handle,omitempty"`
	Begun     time.Time `json:"begun"`               // when movedTo was set
	Followers int       `json:"followers"`           // that there were then
	Update    string    `json:"update"`              // id of the Update that tells of it
	ID        string    `json:"id"`                  // of the Move
	Sent      time.Time `json:"sent,omitzero"`       // when the Move was queued; zero: not yet
	WebFinger bool      `json:"webfinger,omitempty"` // the handle leads to the new actor
}

// OldFollowersMax is how many followers of an alias are kept, to know them when they arrive.
const OldFollowersMax = 10_000

// RecordOldFollowers notes who follows an alias, instead of what was noted before. ErrNotFound if there is
// no such alias (any more).
func (db *DB) RecordOldFollowers(alias string, followers []string) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		p, err := get[Presence](tx, bucketMeta, keyPresence)
		if err != nil {
			return err
		}
		if !p.hasAlias(alias) {
			return ErrNotFound
		}
		if err := dropOldFollowers(tx, alias); err != nil {
			return err
		}
		for _, f := range followers[:min(len(followers), OldFollowersMax)] {
			if err := checkKey(alias, f); err != nil {
				continue // a stranger's list may hold anything
			}
			if err := tx.Bucket(bucketOldFollowers).Put(pair(alias, f), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p Presence) hasAlias(actor string) bool {
	return slices.ContainsFunc(p.Aliases, func(a Alias) bool { return a.Actor == actor })
}

func dropOldFollowers(tx *bolt.Tx, alias string) error {
	for _, k := range keys(tx, bucketOldFollowers, prefix(alias)) {
		if err := tx.Bucket(bucketOldFollowers).Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Arrivals counts who came over from an alias.
type Arrivals struct {
	Since   int // follows since the alias was added, whoever they are by
	Known   int // followers of the alias that are known by name
	Arrived int // of these, those that follow this account
}

// Arrivals counts who came over from an alias.
func (db *DB) Arrivals(a Alias) (n Arrivals, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketFollowersSince).Cursor()
		for k, _ := c.Seek(timeKey(a.Added)); k != nil; k, _ = c.Next() {
			n.Since++
		}
		start := prefix(a.Actor)
		return scan(tx, bucketOldFollowers, start, func(k, _ []byte) (bool, error) {
			n.Known++
			if tx.Bucket(bucketFollowers).Get(k[len(start):]) != nil {
				n.Arrived++
			}
			return true, nil
		})
	})
	return n, err
}

// followMoves brings what hangs on the presence up to date with it: nothing is remembered of aliases that
// went, and a new move is counted from the start.
func followMoves(tx *bolt.Tx, old, now Presence) error {
	for _, a := range old.Aliases {
		if now.hasAlias(a.Actor) {
			continue
		}
		if err := dropOldFollowers(tx, a.Actor); err != nil {
			return err
		}
	}
	if now.Moves == old.Moves {
		return nil
	}
	return errors.Join(tx.Bucket(bucketMeta).Delete(keyMoved), tx.Bucket(bucketMeta).Delete(keyUnmoved), endToldWaves(tx))
}

// withdraw takes out of the queue what is left of an activity. What is under way at this moment may still arrive.
func withdraw(tx *bolt.Tx, activity string) error {
	if activity == "" || parseNumber(tx.Bucket(bucketActivityRows).Get([]byte(activity))) == 0 {
		return nil
	}
	left, err := deliveriesOf(tx, []string{activity})
	if err != nil {
		return err
	}
	for _, d := range left {
		if err := dropDelivery(tx, d); err != nil {
			return fmt.Errorf("withdraw %s from %s: %w", activity, d.Inbox, err)
		}
	}
	_, err = dropWaves(tx, []string{activity})
	return err
}

// countMoved counts what becomes of a Move at each inbox, since a delivery that is settled leaves no trace.
func countMoved(tx *bolt.Tx, o Outcome) error {
	if o.Delivery.Type != "Move" {
		return nil
	}
	p, err := get[Presence](tx, bucketMeta, keyPresence)
	if err != nil || p.Move == nil || p.Move.ID != o.Delivery.Activity {
		return err // one that was cancelled counts no more
	}
	switch o.Result {
	case Done:
		_, err = add(tx, bucketMeta, keyMoved, 1)
	case Refused, Gone:
		_, err = add(tx, bucketMeta, keyUnmoved, 1)
	}
	return err
}

// MoveCounts returns to how many inboxes the last Move was delivered, and by how many it was refused for good.
func (db *DB) MoveCounts() (delivered, refused int, err error) {
	if delivered, err = db.counter(keyMoved); err != nil {
		return 0, 0, err
	}
	refused, err = db.counter(keyUnmoved)
	return delivered, refused, err
}

// DeliveriesOf counts the deliveries of one activity that wait in the queue.
func (db *DB) DeliveriesOf(activity string) (q Queue, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		if parseNumber(tx.Bucket(bucketActivityRows).Get([]byte(activity))) == 0 {
			return nil
		}
		err := each(tx, bucketWaves, func(_ []byte, w wave) {
			if w.Activity == activity {
				q.Pending += max(w.Total-w.Queued, 0)
			}
		})
		if err != nil {
			return err
		}
		return each(tx, bucketQueue, func(_ []byte, d Delivery) {
			if d.Activity == activity {
				q.count(d)
			}
		})
	})
	return q, err
}

// HoldNews puts the new entries that would go to the followers into the owner's hands, if there are more
// than most of them. It returns how many it held.
func (db *DB) HoldNews(most int) (held int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		held = 0
		all, err := list[Entry](tx, bucketEntries)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(e Entry) bool {
			return e.State != EntryNew || e.Todo != TodoCreate || !e.Deliver
		})
		if len(all) <= most {
			return nil
		}
		for _, e := range all {
			e.State, e.Todo = EntryHeld, TodoNothing
			if err := putEntry(tx, e); err != nil {
				return err
			}
			held++
		}
		return nil
	})
	return held, err
}

// aliases finds followers that are remembered of an alias that is none.
func (c *checker) aliases(tx *bolt.Tx) error {
	p, err := get[Presence](tx, bucketMeta, keyPresence)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return scan(tx, bucketOldFollowers, nil, func(k, _ []byte) (bool, error) {
		alias, _, _ := bytes.Cut(k, []byte{0})
		if !p.hasAlias(string(alias)) {
			c.say("%s: row %q belongs to no alias", bucketOldFollowers, k)
		}
		return true, nil
	})
}

// FollowRefusal is a Follow that is not taken, to be stored as one event.
type FollowRefusal struct {
	Actor  string
	Before Follower // what was stored of the actor when it was decided; the zero Follower: nothing
	Seen   string   // id of the Follow, marked as seen; empty where it has none
	Answer Activity
	Inbox  string // where the answer goes
	Log    []LogEntry
}

// RefuseFollow stores the answer to a Follow that is not taken; one that awaited approval is forgotten. The same
// again changes nothing but that an answer which waits becomes due at once. ErrConflict if what is stored of the
// actor is not as it was Before: nobody who was accepted meanwhile is removed.
func (db *DB) RefuseFollow(now time.Time, r FollowRefusal) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		if err := unchanged(tx, r.Actor, r.Before); err != nil {
			return fmt.Errorf("refuse follower %s: %w", r.Actor, err)
		}
		if _, err := removeFollower(tx, r.Actor); err != nil {
			return fmt.Errorf("remove follower %s: %w", r.Actor, err)
		}
		if err := markSeen(tx, now, r.Seen); err != nil {
			return err
		}
		if err := answer(tx, now, r.Answer, r.Inbox); err != nil {
			return fmt.Errorf("refuse follower %s: %w", r.Actor, err)
		}
		return appendLog(tx, r.Log...)
	})
}
