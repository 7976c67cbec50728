package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// Notice is something that the owner was told, or is to be told, of a state that lasts.
type Notice struct {
	Subject string    `json:"subject"` // what it is about, "held https://…"; the key
	Text    string    `json:"text"`
	Count   int       `json:"count,omitempty"` // how many things it is about, where they are counted
	Since   time.Time `json:"since"`           // when the state was first seen
	Sent    time.Time `json:"sent,omitzero"`   // zero: the owner does not know yet
}

// PutNotice writes a notice, new or changed.
func (db *DB) PutNotice(n Notice) error {
	if err := checkKey(n.Subject); err != nil {
		return err
	}
	return db.b.Update(func(tx *bolt.Tx) error {
		return put(tx, bucketNotices, []byte(n.Subject), n)
	})
}

// DeleteNotice forgets a notice whose state has ended, if there is one.
func (db *DB) DeleteNotice(subject string) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketNotices).Delete([]byte(subject))
	})
}

// Notices returns all notices, by subject.
func (db *DB) Notices() (all []Notice, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Notice](tx, bucketNotices)
		return err
	})
	return all, err
}
