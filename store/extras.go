package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// PutExtras stores what was learnt of an entry beyond its feed (its page, its pictures), as bytes that the
// packages which write and read them agree on. It replaces what was there.
func (db *DB) PutExtras(key string, extras []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return db.b.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketExtras).Put([]byte(key), extras)
	})
}

// Extras returns what PutExtras stored last for an entry, or ErrNotFound: nobody has looked yet.
func (db *DB) Extras(key string) (extras []byte, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketExtras).Get([]byte(key))
		if b == nil {
			return ErrNotFound
		}
		extras = bytes.Clone(b)
		return nil
	})
	return extras, err
}

// WithoutExtras returns up to limit entries that wait to go out to the followers, now or later, and for which
// PutExtras was never called, in the order in which they are due.
func (db *DB) WithoutExtras(limit int) (list []Entry, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		return scan(tx, bucketEntriesDue, nil, func(k, _ []byte) (bool, error) {
			if tx.Bucket(bucketExtras).Get(k[8:]) != nil {
				return true, nil
			}
			e, err := get[Entry](tx, bucketEntries, k[8:])
			if err == nil && e.Deliver && e.Todo != TodoDelete {
				list = append(list, e)
			}
			return len(list) < limit, err
		})
	})
	return list, err
}
