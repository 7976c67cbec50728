package store

import (
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// schema is the number of the tree drawn in schema.go.
const schema = 3

// migrations[n] brings a store from schema n+1 to n+2. They run in order and in one transaction, with the
// new number, so that a crash leaves the old store or the new one.
var migrations = []func(*bolt.Tx) error{
	// 2: an entry may be skipped, which schema 1 would take for one without a post; the new buckets are made
	// with the others.
	func(*bolt.Tx) error { return nil },
	// 3: people are blocked, accounts move and posts go out in waves, of which schema 2 would know nothing.
	func(tx *bolt.Tx) error {
		if err := countInboxes(tx); err != nil {
			return err
		}
		return fillFollowerHosts(tx)
	},
}

// countInboxes counts the inboxes that posts go to.
func countInboxes(tx *bolt.Tx) error {
	n := 0
	err := each(tx, bucketInboxes, func(_ []byte, row inboxRow) { n += number(row.reached()) })
	if err != nil {
		return err
	}
	_, err = add(tx, bucketMeta, keyInboxes, n)
	return err
}

// migrate makes a new store, or brings an older one up to date.
func migrate(tx *bolt.Tx) error {
	version, fresh, err := schemaOf(tx)
	if err != nil {
		return err
	}
	counted := tx.Bucket(bucketEntriesByState) != nil
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	if fresh {
		version = schema
		if err := tx.Bucket(bucketMeta).Put(keyWhole, []byte{1}); err != nil {
			return err
		}
	}
	for ; version < schema; version++ {
		if err := migrations[version-1](tx); err != nil {
			return fmt.Errorf("migrate from schema %d: %w", version, err)
		}
	}
	if !counted {
		if err := fillStates(tx); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keySchema, []byte(strconv.Itoa(schema)))
}
