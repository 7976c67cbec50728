package store

import bolt "go.etcd.io/bbolt"

// Commits is how many transactions were ever committed to the file: each is a write to the disk that was waited for.
func (db *DB) Commits() (n uint64, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		n = uint64(tx.ID())
		return nil
	})
	return n, err
}
