package store

import bolt "go.etcd.io/bbolt"

// Life returns what SetLife stored last; empty if nothing ever was.
func (db *DB) Life() (mark string, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		mark = string(tx.Bucket(bucketMeta).Get(keyLife))
		return nil
	})
	return mark, err
}

// SetLife notes how what lies beside the file looks from now on, so that an older copy of either is recognized.
func (db *DB) SetLife(mark string) error {
	return db.b.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyLife, []byte(mark)) })
}
