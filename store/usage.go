package store

import bolt "go.etcd.io/bbolt"

// Usage is how often the store was used.
type Usage struct {
	Reads   int // transactions that read, since it was opened
	Commits int // transactions that wrote, since it was made; each of them waited for the disk
}

// Usage returns how often the store was used so far, itself not counted.
func (db *DB) Usage() (u Usage, err error) {
	stats := db.b.Stats()
	u.Reads = stats.TxN
	err = db.b.View(func(tx *bolt.Tx) error {
		u.Commits = tx.ID()
		return nil
	})
	return u, err
}
