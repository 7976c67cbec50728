package store

import (
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// schema is the number of the tree drawn in schema.go.
const schema = 2

// migrations[n] brings a store from schema n+1 to n+2. They run in order and in one transaction, with the
// new number, so that a crash leaves the old store or the new one.
var migrations = []func(*bolt.Tx) error{
	// 2: an entry may be skipped, which schema 1 would take for one without a post; the new buckets are made
	// with the others. Followers are counted by host.
	fillFollowerHosts,
}

// migrate makes a new store, or brings an older one up to date.
func migrate(tx *bolt.Tx) error {
	version, fresh, err := schemaOf(tx)
	if err != nil {
		return err
	}
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
	return tx.Bucket(bucketMeta).Put(keySchema, []byte(strconv.Itoa(schema)))
}
