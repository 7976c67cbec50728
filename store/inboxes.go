package store

import (
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

// inboxRow is one distinct inbox that posts go to.
type inboxRow struct {
	Followers int       `json:"followers"`           // accepted followers that are reached there
	GoneSince time.Time `json:"gone_since,omitzero"` // it answered 410
}

// goneActor counts the days on which the actor of a follower on a gone inbox was found gone, too.
type goneActor struct {
	Days    int    `json:"days"`
	LastDay string `json:"last_day"`
}

// countInbox changes how many followers are reached at an inbox; at none the row goes.
func countInbox(tx *bolt.Tx, inbox string, delta int) error {
	row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	row.Followers += delta
	if row.Followers <= 0 {
		return tx.Bucket(bucketInboxes).Delete([]byte(inbox))
	}
	if delta > 0 { // somebody has just named it: it is there
		row.GoneSince = time.Time{}
	}
	return put(tx, bucketInboxes, []byte(inbox), row)
}

// markInboxGone notes that an inbox answered 410; one that no follower is reached through is not kept.
func markInboxGone(tx *bolt.Tx, now time.Time, inbox string) error {
	row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
	if errors.Is(err, ErrNotFound) || !row.GoneSince.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	row.GoneSince = now
	return put(tx, bucketInboxes, []byte(inbox), row)
}

// GoneInbox is an inbox that answered 410 and gets nothing any more, with the followers behind it.
type GoneInbox struct {
	Inbox     string    `json:"inbox"`
	Since     time.Time `json:"since"`
	Followers []string  `json:"followers"` // actor ids
}

// GoneInboxes returns the inboxes that are marked gone.
func (db *DB) GoneInboxes() ([]GoneInbox, error) {
	var gone []GoneInbox
	err := db.b.View(func(tx *bolt.Tx) error {
		at := map[string]int{}
		err := scan(tx, bucketInboxes, nil, func(k, v []byte) (bool, error) {
			var row inboxRow
			if err := decode(bucketInboxes, k, v, &row); err != nil {
				return false, err
			}
			if !row.GoneSince.IsZero() {
				at[string(k)] = len(gone)
				gone = append(gone, GoneInbox{Inbox: string(k), Since: row.GoneSince})
			}
			return true, nil
		})
		if err != nil || len(gone) == 0 {
			return err
		}
		return scan(tx, bucketFollowers, nil, func(k, v []byte) (bool, error) {
			var f Follower
			if err := decode(bucketFollowers, k, v, &f); err != nil {
				return false, err
			}
			if i, ok := at[f.DeliveryInbox()]; ok {
				gone[i].Followers = append(gone[i].Followers, f.Actor)
			}
			return true, nil
		})
	})
	return gone, err
}

// RecordActorGone notes that the actor of a follower on a gone inbox answered 404 or 410 on this day.
// When it has done so on as many different days as days says, the actor is forgotten, with its reactions; removed
// tells.
func (db *DB) RecordActorGone(now time.Time, actor string, days int) (removed bool, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketFollowers).Get([]byte(actor)) == nil {
			return nil
		}
		gone, err := get[goneActor](tx, bucketGoneActors, []byte(actor))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		today := now.UTC().Format(time.DateOnly)
		if gone.LastDay != today {
			gone.Days++
			gone.LastDay = today
		}
		if gone.Days < days {
			return put(tx, bucketGoneActors, []byte(actor), gone)
		}
		removed, err = forgetActor(tx, actor)
		return err
	})
	return removed, err
}

// RecordActorAlive notes that a follower's actor is still there, with the inboxes it names now; an inbox
// that is named again counts as alive. An actor that does not follow us is left alone.
func (db *DB) RecordActorAlive(actor, inbox, sharedInbox string) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		f, err := get[Follower](tx, bucketFollowers, []byte(actor))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		f.Inbox, f.SharedInbox = inbox, sharedInbox
		_, err = putFollower(tx, f)
		return err
	})
}
