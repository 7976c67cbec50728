package store

import (
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

// RetryDeliveries makes what waits for the named activities, inboxes or hosts due now, parked deliveries too;
// without a name all that waits. What is under way stays as it is. It returns how many deliveries were meant.
func (db *DB) RetryDeliveries(now time.Time, names ...string) (n int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		meant, err := deliveriesOf(tx, names)
		if err != nil {
			return err
		}
		n = len(meant)
		for _, d := range meant {
			if err := retryNow(tx, now, d); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func retryNow(tx *bolt.Tx, now time.Time, d Delivery) error {
	row, err := get[hostRow](tx, bucketHosts, []byte(d.Host))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if row.Claimed.After(now) && d.Next.Equal(row.Claimed) {
		return nil // under way
	}
	if err := reschedule(tx, d.Host, func(h *hostRow) { h.Until = time.Time{} }); err != nil {
		return err
	}
	d.Next, d.Parked = now, false
	return moveDelivery(tx, d)
}

// DropDeliveries takes out of the queue what waits for the named activities, inboxes or hosts; at least one name
// must be given. Of a named activity that is still on its way to the inboxes the rest is not told, either. It
// returns how many deliveries there were.
func (db *DB) DropDeliveries(now time.Time, names ...string) (n int, err error) {
	if len(names) == 0 {
		return 0, errors.New("drop deliveries: none is named")
	}
	err = db.b.Update(func(tx *bolt.Tx) error {
		meant, err := deliveriesOf(tx, names)
		if err != nil {
			return err
		}
		for _, d := range meant {
			if err := giveUp(tx, now, d, LostDropped); err != nil {
				return err
			}
		}
		rest, err := dropWaves(tx, names)
		n = len(meant) + rest
		return err
	})
	return n, err
}

// deliveriesOf returns the queued deliveries for activities, inboxes or hosts of those names; all, where no name
// is given.
func deliveriesOf(tx *bolt.Tx, names []string) ([]Delivery, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var meant []Delivery
	err := each(tx, bucketQueue, func(_ []byte, d Delivery) {
		if len(names) == 0 || wanted[d.Activity] || wanted[d.Inbox] || wanted[d.Host] {
			meant = append(meant, d)
		}
	})
	return meant, err
}

// dropWaves ends the waves of activities of those names, and returns how many inboxes they had not come to.
func dropWaves(tx *bolt.Tx, names []string) (rest int, err error) {
	for _, k := range keys(tx, bucketWaves, nil) {
		w, err := get[wave](tx, bucketWaves, k)
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			if name != w.Activity {
				continue
			}
			if err := endWave(tx, k, w); err != nil {
				return 0, err
			}
			rest += max(w.Total-w.Queued, 0)
			break
		}
	}
	return rest, nil
}
