package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What is delivered is counted for each activity; only what will not be is kept for each inbox, so that a post to thirty
// thousand servers leaves one small row and one for each that did not take it.
const (
	lostMost = 10_000              // deliveries given up that are kept; of more, the oldest go
	lostFor  = 90 * 24 * time.Hour // and for so long
)

// Why a delivery was given up.
const (
	LostRefused = "refused" // the other side will never take it
	LostGone    = "gone"    // the inbox is no more
	LostExpired = "expired" // parked for thirty days
	LostDropped = "dropped" // by the owner
)

// Lost is a delivery that was given up.
type Lost struct {
	Activity string    `json:"activity"` // id
	Type     string    `json:"type"`
	Object   string    `json:"object"`
	Inbox    string    `json:"inbox"`
	Host     string    `json:"host"`
	Attempts int       `json:"attempts"`
	Added    time.Time `json:"added"`
	At       time.Time `json:"at"`              // when it was given up
	Why      string    `json:"why"`             // one of the Lost constants
	Error    string    `json:"error,omitempty"` // of the last attempt
	Status   int       `json:"status,omitempty"`
}

// Tally is how far one activity has come. What was needless after all (taken back, replaced, of a follower that left)
// is in none of its counts.
type Tally struct {
	Activity  string    `json:"activity"` // id
	Type      string    `json:"type"`
	Object    string    `json:"object"`
	Delivered int       `json:"delivered"`         // inboxes that took it
	Lost      int       `json:"lost,omitempty"`    // given up
	Last      time.Time `json:"last,omitzero"`     // when one took it last
	Waiting   int       `json:"waiting,omitempty"` // queued, parked ones too, or still to be queued; not stored
	Parked    int       `json:"parked,omitempty"`  // of these, those parked; not stored
}

// Inboxes is to how many inboxes the activity goes in all.
func (t Tally) Inboxes() int { return t.Delivered + t.Lost + t.Waiting }

// tallyRow is what is stored of a Tally under its object and activity.
type tallyRow struct {
	Type      string    `json:"type"`
	Delivered int       `json:"delivered,omitempty"`
	Lost      int       `json:"lost,omitempty"`
	Last      time.Time `json:"last,omitzero"`
}

// tally counts what was delivered, for all outcomes of a step at once: one row is written for each activity, however
// many inboxes took it. Answers, of which there is one for each follower, are not counted.
func tally(tx *bolt.Tx, now time.Time, settled []Outcome) error {
	taken := map[string]tallyRow{}
	for _, o := range settled {
		if o.Result != Done || !kept(o.Delivery.Type) {
			continue
		}
		key := string(pair(o.Delivery.Object, o.Delivery.Activity))
		row := taken[key]
		row.Type = o.Delivery.Type
		row.Delivered++
		taken[key] = row
	}
	for key, more := range taken {
		more.Last = now
		if err := addTally(tx, []byte(key), more); err != nil {
			return err
		}
	}
	return nil
}

func addTally(tx *bolt.Tx, key []byte, more tallyRow) error {
	row, err := get[tallyRow](tx, bucketTallies, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	row.Type = more.Type
	row.Delivered += more.Delivered
	row.Lost += more.Lost
	if more.Last.After(row.Last) {
		row.Last = more.Last
	}
	return put(tx, bucketTallies, key, row)
}

// lose notes that a delivery was given up. The oldest of too many go, and those that are too old.
func lose(tx *bolt.Tx, now time.Time, d Delivery, why string) error {
	lost := tx.Bucket(bucketLost)
	seq, err := lost.NextSequence()
	if err != nil {
		return err
	}
	row := Lost{
		Activity: d.Activity, Type: d.Type, Object: d.Object, Inbox: d.Inbox, Host: d.Host, Attempts: d.Attempts,
		Added: d.Added, At: now, Why: why, Error: d.LastError, Status: d.LastStatus,
	}
	if err := put(tx, bucketLost, numberKey(seq), row); err != nil {
		return err
	}
	if err := forgetLost(tx, now, seq); err != nil {
		return err
	}
	if !kept(d.Type) {
		return nil
	}
	return addTally(tx, pair(d.Object, d.Activity), tallyRow{Type: d.Type, Lost: 1})
}

// giveUp takes a delivery out of the queue and keeps why.
func giveUp(tx *bolt.Tx, now time.Time, d Delivery, why string) error {
	if err := dropDelivery(tx, d); err != nil {
		return err
	}
	return lose(tx, now, d, why)
}

// loseInbox gives up all that waits for an inbox that was found gone.
func loseInbox(tx *bolt.Tx, now time.Time, o Outcome) error {
	for _, k := range keys(tx, bucketQueueObjects, prefix(o.Delivery.Inbox)) {
		d, err := deliveryBySeq(tx, k[len(k)-8:])
		if err != nil {
			return err
		}
		if d.Seq == o.Delivery.Seq {
			d.LastError, d.LastStatus = o.Error, o.Status
		}
		if err := giveUp(tx, now, d, LostGone); err != nil {
			return err
		}
	}
	return nil
}

// forgetLost makes room beside the newest row. It removes two at most, and so keeps pace with what comes without ever
// holding up a step.
func forgetLost(tx *bolt.Tx, now time.Time, newest uint64) error {
	for range 2 {
		k, v := tx.Bucket(bucketLost).Cursor().First()
		var row Lost
		if err := decode(bucketLost, k, v, &row); err != nil {
			return err
		}
		if newest-parseNumber(k) < lostMost && now.Sub(row.At) <= lostFor {
			return nil
		}
		if err := tx.Bucket(bucketLost).Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Losses returns the deliveries that were given up for these activities, objects, inboxes or hosts, oldest first; all
// that are kept, where no name is given.
func (db *DB) Losses(now time.Time, names ...string) (list []Lost, err error) {
	wanted := asSet(names)
	err = db.b.View(func(tx *bolt.Tx) error {
		return each(tx, bucketLost, func(_ []byte, l Lost) {
			named := len(names) == 0 || wanted[l.Activity] || wanted[l.Object] || wanted[l.Inbox] || wanted[l.Host]
			if named && now.Sub(l.At) <= lostFor {
				list = append(list, l)
			}
		})
	})
	return list, err
}

func asSet(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// TalliesOf returns how far the activities about an object have come, in the order in which one took them last; what
// nobody took yet comes at the end.
func (db *DB) TalliesOf(object string) (list []Tally, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		rows := prefix(object)
		at := map[string]int{}
		err := scan(tx, bucketTallies, rows, func(k, v []byte) (bool, error) {
			var row tallyRow
			if err := decode(bucketTallies, k, v, &row); err != nil {
				return false, err
			}
			id := string(k[len(rows):])
			at[id] = len(list)
			list = append(list, Tally{
				Activity: id, Type: row.Type, Object: object, Delivered: row.Delivered, Lost: row.Lost, Last: row.Last,
			})
			return true, nil
		})
		if err != nil {
			return err
		}
		return addWaiting(tx, object, func(id, typ string, waiting, parked int) {
			i, known := at[id]
			if !known {
				i = len(list)
				at[id] = i
				list = append(list, Tally{Activity: id, Type: typ, Object: object})
			}
			list[i].Waiting += waiting
			list[i].Parked += parked
		})
	})
	slices.SortStableFunc(list, func(a, b Tally) int {
		if a.Last.IsZero() != b.Last.IsZero() {
			return number(a.Last.IsZero()) - number(b.Last.IsZero())
		}
		return a.Last.Compare(b.Last)
	})
	return list, err
}

// addWaiting tells of what waits about an object.
func addWaiting(tx *bolt.Tx, object string, found func(id, typ string, waiting, parked int)) error {
	err := each(tx, bucketQueue, func(_ []byte, d Delivery) {
		if d.Object == object {
			found(d.Activity, d.Type, 1, number(d.Parked))
		}
	})
	if err != nil {
		return fmt.Errorf("count what waits about %s: %w", object, err)
	}
	return each(tx, bucketWaves, func(_ []byte, w wave) {
		if left := w.Total - w.Queued; w.Object == object && left > 0 {
			found(w.Activity, w.Type, left, 0)
		}
	})
}

// WaitingHost is a host that takes nothing at the moment, with what waits for it.
type WaitingHost struct {
	Host
	Waiting int `json:"waiting"` // deliveries, parked ones too
	Parked  int `json:"parked"`  // of these
}

// DeadHosts lists the hosts that failed on badDays or more different days since they last accepted anything, by name.
func (db *DB) DeadHosts(badDays int) (dead []WaitingHost, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		err := each(tx, bucketHosts, func(_ []byte, h hostRow) {
			if h.BadDays >= badDays {
				dead = append(dead, WaitingHost{Host: h.Host})
			}
		})
		if err != nil {
			return err
		}
		for i := range dead {
			err := scan(tx, bucketQueue, prefix(dead[i].Host.Host), func(k, _ []byte) (bool, error) {
				_, ever := queueDue(k)
				dead[i].Waiting++
				dead[i].Parked += number(!ever)
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return dead, err
}

// ledger makes sure that what was given up is within its bound and names where it was to go.
func (c *checker) ledger(tx *bolt.Tx) error {
	n := 0
	err := each(tx, bucketLost, func(k []byte, l Lost) {
		n++
		if l.Host != hostOf(l.Inbox) {
			c.say("the delivery given up at %x goes to %s, not to %s", k, l.Inbox, l.Host)
		}
	})
	if err != nil {
		return err
	}
	if n > lostMost {
		c.say("%d deliveries given up are kept, at most %d are to be", n, lostMost)
	}
	return each(tx, bucketTallies, func(k []byte, row tallyRow) {
		if row.Delivered < 0 || row.Lost < 0 || !bytes.Contains(k, []byte{0}) {
			c.say("the count of what was delivered at %q is %+v", k, row)
		}
	})
}
