package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// longRest is what is left of a host's rest that a sign of life ends. A shorter one ends by itself, and so a host
	// that can send but not be reached is not tried more often than every few minutes.
	longRest = 2 * time.Minute

	// hurried is how many of a host's deliveries a sign of life makes due at once.
	hurried = 100
)

// KnowsActor reports whether anything is stored of an actor elsewhere: that it follows, or reacted.
func (db *DB) KnowsActor(actor string) (known bool, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		known = knowsActor(tx, actor)
		return nil
	})
	return known, err
}

// ActorFacts is what an actor's own document says of it.
type ActorFacts struct {
	Actor              string // id
	Inbox, SharedInbox string
	Name, Handle       string
	KeyID, Key         string // PEM; empty: what is known stays
	Fetched            time.Time
}

// RefreshActor stores what an actor says of itself now, with its follow and with its reactions, as one event. It
// reports whether anything is stored of it; the log lines are written in any case.
func (db *DB) RefreshActor(now time.Time, a ActorFacts, seen string, log ...LogEntry) (known bool, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		known = false
		f, err := get[Follower](tx, bucketFollowers, []byte(a.Actor))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil {
			known = true
			f.Inbox, f.SharedInbox, f.Name, f.Handle, f.Fetched = a.Inbox, a.SharedInbox, a.Name, a.Handle, a.Fetched
			if a.KeyID != "" {
				f.KeyID, f.Key = a.KeyID, a.Key
			}
			if _, err := putFollower(tx, f); err != nil {
				return err
			}
		}
		err = eachReactionBy(tx, a.Actor, func(r Reaction) error {
			known = true
			inbox := firstOf(a.SharedInbox, a.Inbox)
			if r.Name == a.Name && r.Handle == a.Handle && r.Inbox == inbox {
				return nil
			}
			if err := dropReaction(tx, r); err != nil {
				return err
			}
			r.Name, r.Handle, r.Inbox = a.Name, a.Handle, inbox
			return placeReaction(tx, r)
		})
		if err != nil {
			return err
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	if err != nil {
		return false, fmt.Errorf("refresh %s: %w", a.Actor, err)
	}
	return known, nil
}

// ForgetActor removes an actor whose account is no more: its follow, what only it was to get, and its reactions.
// seen is marked as seen if not empty. It reports whether anything was stored; the log lines are written in any case.
func (db *DB) ForgetActor(now time.Time, actor, seen string, log ...LogEntry) (removed bool, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		if removed, err = dropActor(tx, actor); err != nil {
			return fmt.Errorf("forget %s: %w", actor, err)
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	return removed, err
}

func dropActor(tx *bolt.Tx, actor string) (bool, error) {
	followed, err := removeFollower(tx, actor)
	if err != nil {
		return false, err
	}
	n, err := removeReactionsBy(tx, actor)
	return followed || n > 0, err
}

// SignOfLife notes that an actor has spoken, which is to be reached at those inboxes (empty ones are none): inboxes
// that were given up get posts again, and a host that rests is tried at once. It writes nothing where nothing was
// given up, which is nearly always, and reports whether it did.
func (db *DB) SignOfLife(now time.Time, actor string, inboxes ...string) (revived bool, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		revived, err = givenUp(tx, now, actor, inboxes)
		return err
	})
	if err != nil || !revived {
		return false, err
	}
	return true, db.b.Update(func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketGoneActors).Delete([]byte(actor)); err != nil {
			return err
		}
		for _, inbox := range inboxes {
			if err := revive(tx, now, inbox); err != nil {
				return fmt.Errorf("revive %s: %w", inbox, err)
			}
		}
		return nil
	})
}

// givenUp reports whether an actor, an inbox of it or its host were given up, or rest for long.
func givenUp(tx *bolt.Tx, now time.Time, actor string, inboxes []string) (bool, error) {
	if tx.Bucket(bucketGoneActors).Get([]byte(actor)) != nil {
		return true, nil
	}
	for _, inbox := range inboxes {
		row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		host, err := get[hostRow](tx, bucketHosts, []byte(hostOf(inbox)))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if !row.GoneSince.IsZero() || rests(host, now) {
			return true, nil
		}
	}
	return false, nil
}

func rests(h hostRow, now time.Time) bool { return h.dormant() || h.Until.After(now.Add(longRest)) }

// revive has an inbox get posts again, and its host tried at once where it rests.
func revive(tx *bolt.Tx, now time.Time, inbox string) error {
	row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if !row.GoneSince.IsZero() {
		row.GoneSince = time.Time{}
		if err := putInbox(tx, inbox, row); err != nil {
			return err
		}
	}
	host, err := get[hostRow](tx, bucketHosts, []byte(hostOf(inbox)))
	if errors.Is(err, ErrNotFound) || err == nil && !rests(host, now) {
		return nil
	}
	if err != nil {
		return err
	}
	if host.dormant() {
		return reviveHost(tx, now, host.Host.Host)
	}
	if err := hurry(tx, now, host.Host.Host); err != nil {
		return err
	}
	return reschedule(tx, host.Host.Host, func(h *hostRow) {
		h.well()
	})
}

// hurry makes the first deliveries that wait for a host due at once. Those that were denied are left alone: they
// have few tries, and those are for later.
func hurry(tx *bolt.Tx, now time.Time, host string) error {
	for i, k := range keys(tx, bucketQueue, prefix(host)) {
		if i == hurried {
			return nil
		}
		d, err := get[Delivery](tx, bucketQueue, k)
		if err != nil {
			return err
		}
		if d.Parked || !d.Next.After(now) || d.LastStatus == 400 || d.LastStatus == 401 || d.LastStatus == 403 {
			continue
		}
		d.Next = now
		if err := moveDelivery(tx, d); err != nil {
			return err
		}
	}
	return nil
}
