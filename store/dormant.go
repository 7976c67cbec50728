package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// dormantDays is on how many different days a host must have failed, and none accepted anything, to count
	// as dormant; Mastodon's and Misskey's value.
	dormantDays = 7

	// probeEvery is how often a dormant host is tried, with one delivery. All others for it are parked.
	probeEvery = 24 * time.Hour

	// parkedFor is how long a parked delivery is kept. A server that comes back later than that would only
	// show its people what everybody has read long ago.
	parkedFor = 30 * 24 * time.Hour

	// parkedSweep is how many old ones are dropped in one transaction.
	parkedSweep = 1000
)

// dormant reports whether a host has failed for so many days that it gets no more than a probe a day.
func (h hostRow) dormant() bool { return h.BadDays >= dormantDays }

// well forgets how a host failed, which is there again.
func (h *hostRow) well() {
	h.Failures, h.BadDays, h.LastBadDay, h.LastError, h.Since, h.Until = 0, 0, "", "", time.Time{}, time.Time{}
}

// hasLive reports whether a host has a delivery that will be tried, other than the one with that number.
func hasLive(tx *bolt.Tx, host string, but uint64) (live bool, err error) {
	err = scan(tx, bucketQueue, prefix(host), func(k, _ []byte) (bool, error) {
		_, ever := queueDue(k)
		live = ever && parseNumber(k[len(k)-8:]) != but
		return ever && !live, nil // parked ones come last
	})
	return live, err
}

// park gives a delivery up, unless its host is dormant and has no other to be probed with.
func park(tx *bolt.Tx, now time.Time, d *Delivery, dormant bool) error {
	if dormant {
		others, err := hasLive(tx, d.Host, d.Seq)
		if err != nil {
			return err
		}
		if !others {
			d.Next = now.Add(probeEvery)
			return nil
		}
	}
	d.Parked = true
	return nil
}

// wakeHost makes all deliveries of a host due, which has come back after days, and drops those that are too old.
func wakeHost(tx *bolt.Tx, now time.Time, host string) error {
	for _, k := range keys(tx, bucketQueue, prefix(host)) {
		d, err := get[Delivery](tx, bucketQueue, k)
		if err != nil {
			return err
		}
		if d.Parked && now.Sub(d.Added) > parkedFor {
			if err := giveUp(tx, now, d, LostExpired); err != nil {
				return err
			}
			continue
		}
		d.Parked, d.Next = false, now
		if err := moveDelivery(tx, d); err != nil {
			return err
		}
	}
	return nil
}

// reviveHost notes that a host has just spoken to us and need not rest any longer. If it was dormant, it gets what it
// has missed; what merely failed a few times waits for its time, or every word of a busy host would have us try.
func reviveHost(tx *bolt.Tx, now time.Time, host string) error {
	was := false
	err := reschedule(tx, host, func(h *hostRow) {
		h.Until = time.Time{}
		if was = h.dormant(); was {
			h.well()
		}
	})
	if err != nil || !was {
		return err
	}
	return wakeHost(tx, now, host)
}

// DropParked drops parked deliveries that were queued more than thirty days ago, and returns how many.
func (db *DB) DropParked(now time.Time) (dropped int, err error) {
	for {
		n := 0
		err = db.b.Update(func(tx *bolt.Tx) error {
			n, err = dropParked(tx, now)
			return err
		})
		if dropped += n; err != nil || n < parkedSweep {
			return dropped, err
		}
	}
}

func dropParked(tx *bolt.Tx, now time.Time) (int, error) {
	var old []Delivery
	err := scan(tx, bucketQueue, nil, func(k, v []byte) (bool, error) {
		if _, ever := queueDue(k); ever {
			return true, nil
		}
		var d Delivery
		if err := decode(bucketQueue, k, v, &d); err != nil {
			return false, err
		}
		if now.Sub(d.Added) > parkedFor {
			old = append(old, d)
		}
		return len(old) < parkedSweep, nil
	})
	if err != nil {
		return 0, err
	}
	for _, d := range old {
		if err := giveUp(tx, now, d, LostExpired); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}
