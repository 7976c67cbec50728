package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// Account is who this store belongs to. It is written once, on the first start; base address and handle
// are part of every public id and never change afterwards.
type Account struct {
	BaseURL    string    `json:"base_url"`
	Handle     string    `json:"handle"`      // user@host, lower case
	PrivateKey []byte    `json:"private_key"` // PKCS #8, DER
	Created    time.Time `json:"created"`
}

// Account returns the account, or ErrNotFound in a new store.
func (db *DB) Account() (a Account, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		a, err = get[Account](tx, bucketMeta, keyAccount)
		return err
	})
	return a, err
}

// CreateAccount writes the account of a new store; ErrConflict if there is one already.
func (db *DB) CreateAccount(a Account) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketMeta).Get(keyAccount) != nil {
			return ErrConflict
		}
		return put(tx, bucketMeta, keyAccount, a)
	})
}
