package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// EntryState is where an entry stands.
type EntryState string

const (
	EntryNew  EntryState = "new"  // waits for its post
	EntryHeld EntryState = "held" // waits for the owner's decision
	EntryLive EntryState = "live" // has a post
	EntryGone EntryState = "gone" // its post was deleted; a return is a new generation

	// EntryWithdrawn is one whose post the owner deleted while it stood in the feed. It stays without a post for
	// as long as it stands there, whatever becomes of its text; when it is taken out of the feed it is gone.
	EntryWithdrawn EntryState = "withdrawn"

	// EntrySkipped is one that a rule of the owner keeps from becoming a post. It is remembered, so that taking
	// the rule away does not make old entries news.
	EntrySkipped EntryState = "skipped"
)

// Todo is what the publisher has to do with an entry.
type Todo string

const (
	TodoNothing Todo = ""
	TodoCreate  Todo = "create"
	TodoUpdate  Todo = "update"
	TodoDelete  Todo = "delete"
)

// Entry is what is remembered of one entry of a feed. Its fields (title, text and so on) are stored
// beside it, as bytes that the packages feed and federation agree on.
type Entry struct {
	Key     string `json:"key"`     // HOST/PATH below /posts/ for the first generation; never changes
	Version uint64 `json:"version"` // raised by every write, for ErrConflict
	Feed    string `json:"feed"`    // address of the feed that owns the entry

	// What the entry is recognised by in the feed, as last seen there.
	GUID        string `json:"guid,omitempty"`
	Link        string `json:"link,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`

	Aliases []string `json:"aliases,omitempty"` // earlier GUIDs and addresses, newest last, at most 16

	URL        string     `json:"url,omitempty"`      // the entry's page, absolute
	HasPage    bool       `json:"has_page,omitempty"` // that page is the entry's own, on the blog's host
	Title      string     `json:"title,omitempty"`
	Date       time.Time  `json:"date"` // the feed's date, else when it was first seen
	Dated      bool       `json:"dated,omitempty"`
	Seen       time.Time  `json:"seen"`
	FieldsHash string     `json:"fields_hash"`
	State      EntryState `json:"state"`
	Generation int        `json:"generation"` // 1, 2, …

	Todo    Todo      `json:"todo,omitempty"`
	Due     time.Time `json:"due,omitzero"`      // when Todo is to be done
	Deliver bool      `json:"deliver,omitempty"` // goes to the followers; else it is only served
	Listed  bool      `json:"listed,omitempty"`  // stands in the outbox

	MissingSince time.Time `json:"missing_since,omitzero"` // first poll that missed it
	FirstLook    time.Time `json:"first_look,omitzero"`    // when its page first answered 404 or 410
	NextLook     time.Time `json:"next_look,omitzero"`
}

// Entry returns the entry with that key, or ErrNotFound.
func (db *DB) Entry(key string) (e Entry, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		e, err = get[Entry](tx, bucketEntries, []byte(key))
		return err
	})
	return e, err
}

// EntryFields returns the stored fields of an entry: what the feed says now, and what its post was last
// made from (nil before the first time). ErrNotFound if there is no such entry.
func (db *DB) EntryFields(key string) (current, published []byte, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketEntries).Get([]byte(key)) == nil {
			return ErrNotFound
		}
		current = bytes.Clone(tx.Bucket(bucketFields).Get([]byte(key)))
		published = bytes.Clone(tx.Bucket(bucketPublished).Get([]byte(key)))
		return nil
	})
	return current, published, err
}

// EntriesOf returns all entries that the feed owns, in order of their keys.
func (db *DB) EntriesOf(feed string) (all []Entry, err error) {
	start := prefix(feed)
	err = db.b.View(func(tx *bolt.Tx) error {
		return scan(tx, bucketEntriesByFeed, start, func(k, _ []byte) (bool, error) {
			e, err := get[Entry](tx, bucketEntries, k[len(start):])
			all = append(all, e)
			return true, err
		})
	})
	return all, err
}

// Entries returns all entries, in order of their keys.
func (db *DB) Entries() (all []Entry, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Entry](tx, bucketEntries)
		return err
	})
	return all, err
}

// DueEntries returns up to limit entries with something to do at now, longest due first, and when the
// next one after now is due (zero: none).
func (db *DB) DueEntries(now time.Time, limit int) (due []Entry, next time.Time, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		return scan(tx, bucketEntriesDue, nil, func(k, _ []byte) (bool, error) {
			at := parseTime(k)
			if at.After(now) {
				next = at
				return false, nil
			}
			if len(due) == limit {
				return false, nil
			}
			e, err := get[Entry](tx, bucketEntries, k[8:])
			due = append(due, e)
			return true, err
		})
	})
	return due, next, err
}

// putEntry writes an entry with its index rows. Its Version must be the stored one (0: there is none).
func putEntry(tx *bolt.Tx, e Entry) error {
	if err := checkKey(e.Key, e.Feed); err != nil {
		return fmt.Errorf("entry %q of feed %s: %w", e.Key, e.Feed, err)
	}
	old, err := get[Entry](tx, bucketEntries, []byte(e.Key))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if old.Version != e.Version {
		return fmt.Errorf("entry %s: %w", e.Key, ErrConflict)
	}
	byFeed, due := tx.Bucket(bucketEntriesByFeed), tx.Bucket(bucketEntriesDue)
	if old.Version > 0 {
		if err := byFeed.Delete(pair(old.Feed, old.Key)); err != nil {
			return err
		}
		if err := due.Delete(dueKey(old)); err != nil {
			return err
		}
	}
	e.Version++
	if err := indexState(tx, old, e); err != nil {
		return err
	}
	if err := byFeed.Put(pair(e.Feed, e.Key), nil); err != nil {
		return err
	}
	if e.Todo != TodoNothing {
		if err := due.Put(dueKey(e), nil); err != nil {
			return err
		}
	}
	return put(tx, bucketEntries, []byte(e.Key), e)
}

func dueKey(e Entry) []byte { return join(timeKey(e.Due), []byte(e.Key)) }

// SettleHeld decides about all held entries of a feed (of every feed if feed is empty). Released ones
// are due one after the other, oldest first, gap apart, from now on; discarded ones become posts that are
// never delivered. It returns how many there were.
func (db *DB) SettleHeld(feed string, release bool, now time.Time, gap time.Duration) (int, error) {
	var held []Entry
	err := db.b.Update(func(tx *bolt.Tx) error {
		all, err := list[Entry](tx, bucketEntries)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.State == EntryHeld && (feed == "" || e.Feed == feed) {
				held = append(held, e)
			}
		}
		slices.SortStableFunc(held, func(a, b Entry) int { return a.Date.Compare(b.Date) })
		for i, e := range held {
			e.State, e.Todo, e.Due = EntryNew, TodoCreate, now
			e.Deliver, e.Listed = release, release
			if release {
				e.Due = latest(now, e.Date).Add(time.Duration(i) * gap)
			}
			if err := putEntry(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	return len(held), err
}
