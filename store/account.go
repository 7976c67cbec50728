package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// Account is who this store belongs to. It is written once, on the first start; base address and handle
// are part of every public id and never change afterwards.
type Account struct {
	BaseURL    string    `json:"base_url"`
	Handle     string    `json:"handle"`            // user@host, lower case
	PrivateKey []byte    `json:"private_key"`       // PKCS #8, DER
	Ed25519    []byte    `json:"ed25519,omitempty"` // seed of a second key, 32 bytes; accounts of old have none until the next start
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

// AddEd25519 gives an account its Ed25519 key (the seed), unless it has one. It returns the account as it is then.
func (db *DB) AddEd25519(seed []byte) (a Account, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		if a, err = get[Account](tx, bucketMeta, keyAccount); err != nil || len(a.Ed25519) == len(seed) {
			return err
		}
		a.Ed25519 = seed
		return put(tx, bucketMeta, keyAccount, a)
	})
	return a, err
}
