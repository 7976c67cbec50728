package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// signingsMost bounds of how many hosts it is remembered how they want requests signed. Strangers can have
// us ask hosts of their choice; one that is forgotten costs one request more the next time.
const signingsMost = 5000

// Signing says how a host wants requests signed, where it does not take what all others take.
type Signing struct {
	Scheme string    `json:"scheme"`
	Since  time.Time `json:"since"`
}

// Signing returns how a host wants requests signed; nothing where nothing is known of it.
func (db *DB) Signing(host string) (s Signing, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		s, err = get[Signing](tx, bucketSignings, []byte(host))
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	})
	return s, err
}

// RememberSigning stores how a host wants requests signed; no scheme forgets it. Where there are too many hosts
// another one is forgotten.
func (db *DB) RememberSigning(host string, s Signing) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		if err := rememberSigning(tx, []byte(host), s); err != nil {
			return fmt.Errorf("remember how %s wants requests signed: %w", host, err)
		}
		return nil
	})
}

func rememberSigning(tx *bolt.Tx, host []byte, s Signing) error {
	if err := checkKey(string(host)); err != nil {
		return err
	}
	if len(host) == 0 {
		return nil
	}
	b := tx.Bucket(bucketSignings)
	known := b.Get(host) != nil
	switch {
	case s.Scheme == "" && !known:
		return nil
	case s.Scheme == "":
		if _, err := add(tx, bucketMeta, keySignings, -1); err != nil {
			return err
		}
		return b.Delete(host)
	case !known:
		n, err := add(tx, bucketMeta, keySignings, +1)
		if err != nil {
			return err
		}
		if n > signingsMost {
			if err := forgetSigningNear(tx, host); err != nil {
				return err
			}
		}
	}
	return put(tx, bucketSignings, host, s)
}

// forgetSigningNear forgets the host that comes next in the alphabet: as good as any.
func forgetSigningNear(tx *bolt.Tx, host []byte) error {
	c := tx.Bucket(bucketSignings).Cursor()
	k, _ := c.Seek(host)
	if k == nil {
		if k, _ = c.First(); k == nil {
			return nil
		}
	}
	if err := c.Delete(); err != nil {
		return err
	}
	_, err := add(tx, bucketMeta, keySignings, -1)
	return err
}

// signings recounts the hosts.
func (c *checker) signings(tx *bolt.Tx) error {
	n := 0
	err := each(tx, bucketSignings, func(k []byte, s Signing) {
		n++
		if s.Scheme == "" {
			c.say("host %s: it is remembered, but not how it wants requests signed", k)
		}
	})
	if counted := int(parseNumber(tx.Bucket(bucketMeta).Get(keySignings))); counted != n {
		c.say("of %d hosts it is remembered how they want requests signed, %d counted", n, counted)
	}
	return err
}
