package store

import (
	bolt "go.etcd.io/bbolt"
)

// FeedEntries is how the entries of a feed stand.
type FeedEntries struct {
	All     int
	Skipped int
	Held    []Entry // in order of their keys
	New     []Entry // that wait for their post, in order of their keys
}

// FeedEntries returns how the entries of a feed stand. Those that have a post, which in time are nearly all, are counted
// and not read.
func (db *DB) FeedEntries(feed string) (f FeedEntries, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		if f.All, err = countRows(tx, bucketEntriesByFeed, prefix(feed)); err != nil {
			return err
		}
		if f.Skipped, err = countRows(tx, bucketEntriesByState, prefix(feed, string(EntrySkipped))); err != nil {
			return err
		}
		if f.Held, err = entriesIn(tx, feed, EntryHeld); err != nil {
			return err
		}
		f.New, err = entriesIn(tx, feed, EntryNew)
		return err
	})
	return f, err
}

// HeldEntries returns the entries of a feed that wait for the owner's decision, in order of their keys.
func (db *DB) HeldEntries(feed string) (all []Entry, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = entriesIn(tx, feed, EntryHeld)
		return err
	})
	return all, err
}

func entriesIn(tx *bolt.Tx, feed string, s EntryState) (all []Entry, err error) {
	start := prefix(feed, string(s))
	err = scan(tx, bucketEntriesByState, start, func(k, _ []byte) (bool, error) {
		e, err := get[Entry](tx, bucketEntries, k[len(start):])
		all = append(all, e)
		return true, err
	})
	return all, err
}

func countRows(tx *bolt.Tx, bucket, start []byte) (n int, err error) {
	err = scan(tx, bucket, start, func(_, _ []byte) (bool, error) {
		n++
		return true, nil
	})
	return n, err
}

// stateKey is the row of an entry in the index of those that have no post and had none; nil for the others.
func stateKey(e Entry) []byte {
	if e.State != EntryNew && e.State != EntryHeld && e.State != EntrySkipped {
		return nil
	}
	return pair(e.Feed, string(e.State), e.Key)
}

// indexState keeps the index of states. old is the zero value for a new entry.
func indexState(tx *bolt.Tx, old, e Entry) error {
	b := tx.Bucket(bucketEntriesByState)
	if k := stateKey(old); k != nil && old.Version > 0 {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	if k := stateKey(e); k != nil {
		return b.Put(k, nil)
	}
	return nil
}

// countPost keeps the number of posts that are not deleted.
func countPost(tx *bolt.Tx, old, p Post) error {
	_, err := add(tx, bucketMeta, keyPosts, number(p.State == PostLive)-number(old.State == PostLive))
	return err
}

// CountPosts returns how many posts there are that are not deleted.
func (db *DB) CountPosts() (int, error) { return db.counter(keyPosts) }

// fillStates makes index and count for a store that has none yet.
func fillStates(tx *bolt.Tx) error {
	var entries []Entry // bbolt allows no writing while it is read
	err := each(tx, bucketEntries, func(_ []byte, e Entry) {
		if stateKey(e) != nil {
			entries = append(entries, e)
		}
	})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := indexState(tx, Entry{}, e); err != nil {
			return err
		}
	}
	live := 0
	if err := each(tx, bucketPosts, func(_ []byte, p Post) { live += number(p.State == PostLive) }); err != nil {
		return err
	}
	if err := tx.Bucket(bucketMeta).Delete(keyPosts); err != nil {
		return err
	}
	_, err = add(tx, bucketMeta, keyPosts, live)
	return err
}

// complete tells whether a store has all buckets: one that was added within a schema is made at the next start.
func complete(tx *bolt.Tx) bool {
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return false
		}
	}
	return true
}
