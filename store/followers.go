package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// FollowerState is whether a follow counts.
type FollowerState string

const (
	FollowerAccepted FollowerState = "accepted"
	FollowerPending  FollowerState = "pending" // awaits the owner's approval
)

// Follower is an actor that follows us.
type Follower struct {
	Actor       string          `json:"actor"` // id; the key
	Inbox       string          `json:"inbox"`
	SharedInbox string          `json:"shared_inbox,omitempty"`
	Handle      string          `json:"handle,omitempty"` // user@host as the actor's own server names it
	Name        string          `json:"name,omitempty"`
	KeyID       string          `json:"key_id"`
	Key         string          `json:"key"`              // PEM
	Fetched     time.Time       `json:"fetched,omitzero"` // when inboxes and key were read in the actor's own document; zero: long ago
	FollowID    string          `json:"follow_id"`
	Follow      json.RawMessage `json:"follow"` // as embedded in the Accept
	Since       time.Time       `json:"since"`
	State       FollowerState   `json:"state"`
}

// DeliveryInbox is where posts for this follower go: the shared inbox where there is one.
func (f Follower) DeliveryInbox() string {
	if f.SharedInbox != "" {
		return f.SharedInbox
	}
	return f.Inbox
}

// Follow is an accepted (or pending) follow to be stored as one event.
type Follow struct {
	Follower Follower
	Seen     string    // id of the Follow activity, marked as seen; empty where it has none
	Answer   *Activity // the Accept, queued for the follower's own inbox; nil while pending
	Log      []LogEntry

	// Before is the follower as it was when State and Answer were decided on, the zero Follower where there was
	// none: ErrConflict if that has changed. nil: nothing was decided by it.
	Before *Follower
}

// AddFollower stores a follow: the follower (its Since is kept where it is known already), the count of
// its inbox, the answer and its one delivery. An answer that already waits is not queued twice but made
// due at once. A Reject of an earlier follow that still waits is dropped: Mastodon ends by it whatever follow there
// is. It reports whether the follower is new; ErrBlocked if the owner has blocked the actor or its domain,
// ErrConflict for one that would await the approval of an account that has moved meanwhile.
func (db *DB) AddFollower(now time.Time, f Follow) (added bool, err error) {
	err = db.group(func(tx *bolt.Tx) error {
		added, err = addFollower(tx, now, f)
		return err
	})
	return added, err
}

// AddFollowers stores many follows as one event: all or none.
func (db *DB) AddFollowers(now time.Time, follows ...Follow) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		for _, f := range follows {
			if _, err := addFollower(tx, now, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func addFollower(tx *bolt.Tx, now time.Time, f Follow) (added bool, err error) {
	if isBlocked(tx, f.Follower.Actor) {
		return false, fmt.Errorf("add follower %s: %w", f.Follower.Actor, ErrBlocked)
	}
	if f.Before != nil {
		if err := unchanged(tx, f.Follower.Actor, *f.Before); err != nil {
			return false, fmt.Errorf("add follower %s: %w", f.Follower.Actor, err)
		}
	}
	if err := mayWait(tx, f.Follower); err != nil {
		return false, fmt.Errorf("add follower %s: %w", f.Follower.Actor, err)
	}
	if added, err = putFollower(tx, f.Follower); err != nil {
		return false, fmt.Errorf("add follower %s: %w", f.Follower.Actor, err)
	}
	if err := dropRejects(tx, f.Follower); err != nil {
		return false, fmt.Errorf("add follower %s: %w", f.Follower.Actor, err)
	}
	if err := markSeen(tx, now, f.Seen); err != nil {
		return false, err
	}
	if f.Answer != nil {
		if err := answer(tx, now, *f.Answer, f.Follower.Inbox); err != nil {
			return false, fmt.Errorf("answer follower %s: %w", f.Follower.Actor, err)
		}
	}
	return added, appendLog(tx, f.Log...)
}

// putFollower writes a follower with its index rows and counts. Its Since is kept if it is known already.
func putFollower(tx *bolt.Tx, f Follower) (added bool, err error) {
	if err := checkKey(f.Actor, f.Inbox, f.SharedInbox); err != nil {
		return false, err
	}
	old, err := get[Follower](tx, bucketFollowers, []byte(f.Actor))
	added = errors.Is(err, ErrNotFound)
	if err != nil && !added {
		return false, err
	}
	if !added {
		f.Since = old.Since
	}
	// First the new one is counted, then the old one is not: a row that both share is never dropped.
	if err := countFollower(tx, f, +1); err != nil {
		return false, err
	}
	if err := countFollower(tx, old, -1); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketGoneActors).Delete([]byte(f.Actor)); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketFollowersSince).Put(sinceKey(f), nil); err != nil {
		return false, err
	}
	return added, put(tx, bucketFollowers, []byte(f.Actor), f)
}

// unchanged makes sure that what is stored of an actor is still as it was read; the zero Follower says that it
// did not follow.
func unchanged(tx *bolt.Tx, actor string, was Follower) error {
	f, err := get[Follower](tx, bucketFollowers, []byte(actor))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if f.State != was.State || !f.Since.Equal(was.Since) || f.FollowID != was.FollowID {
		return ErrConflict
	}
	return nil
}

// dropRejects takes out of the queue the Rejects of a follower's earlier follows.
func dropRejects(tx *bolt.Tx, f Follower) error {
	return dropRows(tx, prefix(f.Inbox, f.Actor), func(d Delivery) bool { return d.Type == "Reject" })
}

func sinceKey(f Follower) []byte { return join(timeKey(f.Since), []byte(f.Actor)) }

// countFollower adds delta to what is counted of an accepted follower; others are not counted.
func countFollower(tx *bolt.Tx, f Follower, delta int) error {
	if f.State != FollowerAccepted {
		return nil
	}
	if _, err := add(tx, bucketMeta, keyFollowers, delta); err != nil {
		return err
	}
	if err := countFollowerHost(tx, f.Actor, delta); err != nil {
		return err
	}
	return countInbox(tx, f.DeliveryInbox(), delta)
}

// RemoveFollower removes the follower and the deliveries that only it was to get: all to its own inbox,
// and those to its shared inbox when nobody else is reached there. seen is marked as seen if not empty.
// It reports whether there was such a follower; the log lines are written in any case.
func (db *DB) RemoveFollower(now time.Time, actor, seen string, log ...LogEntry) (removed bool, err error) {
	return db.EndFollow(now, actor, nil, seen, log...)
}

// EndFollow is RemoveFollower for an Undo: the ids are those of the Follow that it takes back. Another such Undo that
// comes late does not count against a Follow with the same id that is meant.
func (db *DB) EndFollow(now time.Time, actor string, ids []string, seen string, log ...LogEntry) (removed bool, err error) {
	err = db.group(func(tx *bolt.Tx) error {
		if removed, err = removeFollower(tx, actor); err != nil {
			return fmt.Errorf("remove follower %s: %w", actor, err)
		}
		for _, id := range ids {
			if err := spendUndone(tx, now, actor, id); err != nil {
				return err
			}
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	return removed, err
}

func removeFollower(tx *bolt.Tx, actor string) (bool, error) {
	f, err := get[Follower](tx, bucketFollowers, []byte(actor))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := countFollower(tx, f, -1); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketGoneActors).Delete([]byte(actor)); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketFollowersSince).Delete(sinceKey(f)); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketFollowers).Delete([]byte(actor)); err != nil {
		return false, err
	}
	if err := forgetHandle(tx, actor); err != nil {
		return false, err
	}
	return true, dropQueuedFor(tx, f)
}

// dropQueuedFor removes what only this follower, which is gone already, was to get.
func dropQueuedFor(tx *bolt.Tx, f Follower) error {
	for _, inbox := range []string{f.Inbox, f.SharedInbox} {
		if inbox == "" {
			continue
		}
		rows := prefix(inbox)
		box, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if box.Followers > 0 { // others are reached there: only what is about this one goes
			rows = prefix(inbox, f.Actor)
		}
		if err := dropRows(tx, rows, func(d Delivery) bool { return !answersOther(d, f) && !tellsOfReturn(tx, d) }); err != nil {
			return err
		}
	}
	return nil
}

// answersOther tells of what goes out though the follow has ended: what names somebody there, the end of a post that is
// out there, and an answer
// that has nothing to do with the follow, since somebody who leaves may still quote.
func answersOther(d Delivery, f Follower) bool {
	return d.Named || d.Type == "Delete" || (d.Type == "Accept" || d.Type == "Reject") && d.Object != f.FollowID && d.Object != f.Actor
}

// Follower returns the follower with that actor id, or ErrNotFound.
func (db *DB) Follower(actor string) (f Follower, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		f, err = get[Follower](tx, bucketFollowers, []byte(actor))
		return err
	})
	return f, err
}

// Followers returns up to limit followers (0: all), newest first, that come after the first skip ones.
func (db *DB) Followers(skip, limit int) (page []Follower, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketFollowersSince).Cursor()
		for k, _ := c.Last(); k != nil && (limit == 0 || len(page) < limit); k, _ = c.Prev() {
			if skip > 0 {
				skip--
				continue
			}
			f, err := get[Follower](tx, bucketFollowers, k[8:])
			if err != nil {
				return err
			}
			page = append(page, f)
		}
		return nil
	})
	return page, err
}

// PendingFollowers returns the followers that await approval, newest first.
func (db *DB) PendingFollowers() (pending []Follower, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketFollowersSince).Cursor()
		for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
			f, err := get[Follower](tx, bucketFollowers, k[8:])
			if err != nil {
				return err
			}
			if f.State == FollowerPending {
				pending = append(pending, f)
			}
		}
		return nil
	})
	return pending, err
}

// CountPending returns how many followers await approval.
func (db *DB) CountPending() (n int, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		// Whoever is stored and not counted waits. The index has small rows: that is far quicker than to read all followers.
		all := tx.Bucket(bucketFollowersSince).Stats().KeyN
		n = all - int(parseNumber(tx.Bucket(bucketMeta).Get(keyFollowers)))
		return nil
	})
	return n, err
}

// CountFollowers returns how many accepted followers there are.
func (db *DB) CountFollowers() (int, error) { return db.counter(keyFollowers) }
