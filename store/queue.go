package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// hostRow is a Host with what the queue keeps for itself.
type hostRow struct {
	Host
	Claimed time.Time `json:"claimed,omitzero"` // until when one of its deliveries is under way
	Due     time.Time `json:"due,omitzero"`     // as in hosts_due; zero: not there
}

// supersede removes from the queue what an Update or Delete of the same object makes pointless: everything
// before a Delete, Updates that were never tried before an Update, and what an activity takes back. told says
// that the activity itself is needless too, because a Create that was never tried still waits and carries the
// newest text by now, or because the Announce that it undoes was never tried. A delivery under way keeps its host
// claimed until it is settled, so that nothing overtakes it.
func supersede(tx *bolt.Tx, w wave, inbox string) (told bool, err error) {
	act := w.Type
	if act != "Update" && act != "Delete" && takesBack(act) == "" {
		return false, nil
	}
	for _, k := range keys(tx, bucketQueueObjects, prefix(inbox, w.Object)) {
		d, err := deliveryBySeq(tx, k[len(k)-8:])
		if err != nil {
			return false, err
		}
		// A post that a stop cut off does not count as an attempt, but may have arrived.
		untried := !d.Tried
		switch {
		case act == "Delete", act == "Update" && d.Type == act && untried, d.Type == takesBack(act):
			if err := dropDelivery(tx, d); err != nil {
				return false, err
			}
			told = told || act == "Undo" && untried
		case act == "Update" && d.Type == "Create" && untried && w.Renewed:
			told = true
		}
	}
	return told, nil
}

// answer queues an activity for one inbox; if it waits there already, it is made due at once. Whoever is
// answered has just spoken to us, so its host need not rest any longer.
func answer(tx *bolt.Tx, now time.Time, a Activity, inbox string) error {
	if isBlocked(tx, inbox) {
		return nil // nor is the body kept, which nothing would ever take away
	}
	if err := reviveHost(tx, now, hostOf(inbox)); err != nil {
		return err
	}
	for _, k := range keys(tx, bucketQueueObjects, prefix(inbox, a.Object)) {
		d, err := deliveryBySeq(tx, k[len(k)-8:])
		if err != nil {
			return err
		}
		if d.Activity != a.ID {
			continue
		}
		if d.Next.Before(now) && !d.Parked {
			return nil
		}
		d.Next, d.Parked = now, false
		return moveDelivery(tx, d)
	}
	if err := put(tx, bucketActivities, []byte(a.ID), a); err != nil {
		return err
	}
	return enqueue(tx, now, a, inbox)
}

// enqueue queues an activity for an inbox. A blocked domain gets nothing, whoever asks for it.
func enqueue(tx *bolt.Tx, now time.Time, a Activity, inbox string) error {
	if isBlocked(tx, inbox) {
		return nil
	}
	if err := checkKey(inbox, a.Object); err != nil {
		return fmt.Errorf("queue %s for %s: %w", a.ID, inbox, err)
	}
	seq, err := tx.Bucket(bucketQueue).NextSequence()
	if err != nil {
		return err
	}
	d := Delivery{
		Seq: seq, Activity: a.ID, Type: a.Type, Object: a.Object,
		Inbox: inbox, Host: hostOf(inbox), Added: now, Next: now.Add(-ahead(a.Type)),
	}
	if d.Parked, err = parks(tx, d); err != nil {
		return err
	}
	if _, err := add(tx, bucketActivityRows, []byte(a.ID), 1); err != nil {
		return err
	}
	if err := tx.Bucket(bucketQueueObjects).Put(objectKey(d), nil); err != nil {
		return err
	}
	if err := putDelivery(tx, d); err != nil {
		return err
	}
	return reschedule(tx, d.Host, nil)
}

// parks reports whether a new delivery is parked: its host is dormant and is being probed with another.
func parks(tx *bolt.Tx, d Delivery) (bool, error) {
	row, err := get[hostRow](tx, bucketHosts, []byte(d.Host))
	if errors.Is(err, ErrNotFound) || err == nil && !row.dormant() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return hasLive(tx, d.Host, d.Seq)
}

func objectKey(d Delivery) []byte { return join(prefix(d.Inbox, d.Object), numberKey(d.Seq)) }

func putDelivery(tx *bolt.Tx, d Delivery) error {
	key := queueKey(d)
	if err := tx.Bucket(bucketQueueSeq).Put(numberKey(d.Seq), key); err != nil {
		return err
	}
	return put(tx, bucketQueue, key, d)
}

func deliveryBySeq(tx *bolt.Tx, seq []byte) (Delivery, error) {
	key := tx.Bucket(bucketQueueSeq).Get(seq)
	if key == nil {
		return Delivery{}, ErrNotFound
	}
	return get[Delivery](tx, bucketQueue, key)
}

// moveDelivery writes a queued delivery whose Next or Parked has changed, at its new place.
func moveDelivery(tx *bolt.Tx, d Delivery) error {
	if err := moveRow(tx, d); err != nil {
		return err
	}
	return reschedule(tx, d.Host, nil)
}

// moveRow is moveDelivery without its host, which the caller reschedules.
func moveRow(tx *bolt.Tx, d Delivery) error {
	old := bytes.Clone(tx.Bucket(bucketQueueSeq).Get(numberKey(d.Seq)))
	if err := tx.Bucket(bucketQueue).Delete(old); err != nil {
		return err
	}
	return putDelivery(tx, d)
}

// dropDelivery takes a delivery out of the queue; the body of an activity that stands nowhere else goes
// with the last one.
func dropDelivery(tx *bolt.Tx, d Delivery) error {
	if err := dropRow(tx, d); err != nil {
		return err
	}
	return reschedule(tx, d.Host, nil)
}

// dropRow is dropDelivery without its host, which the caller reschedules.
func dropRow(tx *bolt.Tx, d Delivery) error {
	if err := tx.Bucket(bucketQueue).Delete(queueKey(d)); err != nil {
		return err
	}
	if err := tx.Bucket(bucketQueueSeq).Delete(numberKey(d.Seq)); err != nil {
		return err
	}
	if err := tx.Bucket(bucketQueueObjects).Delete(objectKey(d)); err != nil {
		return err
	}
	return release(tx, d.Activity, d.Type)
}

// release says that an activity has one delivery, or wave, less.
func release(tx *bolt.Tx, activity, typ string) error {
	left, err := add(tx, bucketActivityRows, []byte(activity), -1)
	if err != nil || left > 0 || kept(typ) {
		return err
	}
	return tx.Bucket(bucketActivities).Delete([]byte(activity))
}

// kept tells whether activities of a type stay fetchable after their delivery.
func kept(typ string) bool {
	return typ == "Create" || typ == "Update" || typ == "Delete" || typ == "Announce" || typ == "Move"
}

// dropRows takes out of the queue the deliveries whose rows in queue_objects begin with rows.
func dropRows(tx *bolt.Tx, rows []byte, which func(Delivery) bool) error {
	for _, k := range keys(tx, bucketQueueObjects, rows) {
		d, err := deliveryBySeq(tx, k[len(k)-8:])
		if err != nil {
			return err
		}
		if which != nil && !which(d) {
			continue
		}
		if err := dropDelivery(tx, d); err != nil {
			return err
		}
	}
	return nil
}

// reschedule changes a host's record (change may be nil) and brings its row in hosts_due up to date: a
// host is due with its first delivery, but not while it rests or has a delivery under way. The record of
// a host with nothing queued and nothing known is not kept.
func reschedule(tx *bolt.Tx, host string, change func(*hostRow)) error {
	row, err := get[hostRow](tx, bucketHosts, []byte(host))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	old := row.Due
	row.Host.Host = host
	if change != nil {
		change(&row)
	}
	row.Due = time.Time{}
	if k, _ := seek(tx, bucketQueue, prefix(host)); k != nil {
		if due, ever := queueDue(k); ever {
			row.Due = latest(due, row.Until, row.Claimed)
		}
	}
	dues := tx.Bucket(bucketHostsDue)
	if !old.Equal(row.Due) && !old.IsZero() {
		if err := dues.Delete(join(timeKey(old), []byte(host))); err != nil {
			return err
		}
	}
	if !row.Due.IsZero() {
		if err := dues.Put(join(timeKey(row.Due), []byte(host)), nil); err != nil {
			return err
		}
	}
	if row.Due.IsZero() && row.Failures == 0 && row.Claimed.IsZero() {
		return tx.Bucket(bucketHosts).Delete([]byte(host))
	}
	return put(tx, bucketHosts, []byte(host), row)
}

// seek returns the first key with that prefix.
func seek(tx *bolt.Tx, bucket, prefix []byte) (k, v []byte) {
	k, v = tx.Bucket(bucket).Cursor().Seek(prefix)
	if !bytes.HasPrefix(k, prefix) {
		return nil, nil
	}
	return k, v
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
