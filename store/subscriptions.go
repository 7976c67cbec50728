package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// SubscriptionState is how far a WebSub subscription has come.
type SubscriptionState string

const (
	SubscriptionPending SubscriptionState = "pending" // asked for, not yet verified by the hub
	SubscriptionActive  SubscriptionState = "active"
	SubscriptionDenied  SubscriptionState = "denied" // the hub refused it
)

// Subscription is a subscription to a feed at its WebSub hub.
type Subscription struct {
	Feed      string            `json:"feed"` // address as configured; the key
	Hub       string            `json:"hub"`
	Topic     string            `json:"topic"`
	Base      string            `json:"base,omitempty"` // base_url that the callback's address was made from
	Path      string            `json:"path"`           // last segment of the callback's address, which nobody can guess
	Secret    string            `json:"secret"`
	State     SubscriptionState `json:"state"`
	Requested time.Time         `json:"requested"`            // when it was last asked for
	Expires   time.Time         `json:"expires,omitzero"`     // end of the lease
	LastPush  time.Time         `json:"last_push,omitzero"`   // when the hub last told of a change, signed
	Missed    time.Time         `json:"missed,omitzero"`      // when there was news last that the hub did not tell of
	Failures  int               `json:"failures,omitempty"`   // requests in a row that the hub did not verify
	LastError string            `json:"last_error,omitempty"` // in the owner's terms
}

// PutSubscription writes a subscription, new or changed.
func (db *DB) PutSubscription(s Subscription) error {
	if err := checkKey(s.Feed); err != nil {
		return err
	}
	return db.b.Update(func(tx *bolt.Tx) error {
		return put(tx, bucketSubscriptions, []byte(s.Feed), s)
	})
}

// DeleteSubscription forgets the subscription of a feed, if there is one.
func (db *DB) DeleteSubscription(feed string) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketSubscriptions).Delete([]byte(feed))
	})
}

// Subscriptions returns all subscriptions, by the feed's address.
func (db *DB) Subscriptions() (all []Subscription, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Subscription](tx, bucketSubscriptions)
		return err
	})
	return all, err
}
