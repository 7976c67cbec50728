package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// ClockSet carries the queue over to a clock that was set by that much (0: nobody knows by how much, as after a start),
// and returns how many hosts were due at another time. Where it was set back, whatever waits for a time waits as long
// as before; where it was set ahead, what has become due is due, but posts under way stay claimed. Nothing is due
// later than farthest from now, which no pause can ask for: it was written by a clock that went wrong.
func (db *DB) ClockSet(now time.Time, by, farthest time.Duration) (changed int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		s := clockShift{now: now, by: by, last: now.Add(farthest)}
		var hosts []string
		if err := each(tx, bucketHosts, func(k []byte, h hostRow) {
			if s.moves(h) {
				hosts = append(hosts, h.Host.Host)
			}
		}); err != nil {
			return err
		}
		for _, host := range hosts {
			if err := s.host(tx, host); err != nil {
				return err
			}
		}
		changed = len(hosts)
		return s.waves(tx)
	})
	return changed, err
}

type clockShift struct {
	now  time.Time
	by   time.Duration
	last time.Time // nothing is due later
}

// moves reports whether anything of a host may have to be moved.
func (s clockShift) moves(h hostRow) bool {
	if s.by > 0 {
		return !h.Claimed.IsZero()
	}
	return s.by < 0 || h.Due.After(s.last)
}

// host moves what a host waits for.
func (s clockShift) host(tx *bolt.Tx, host string) error {
	for _, k := range keys(tx, bucketQueue, prefix(host)) {
		d, err := get[Delivery](tx, bucketQueue, k)
		if err != nil {
			return err
		}
		if next := s.due(d.Next); !d.Parked && !next.Equal(d.Next) {
			d.Next = next
			if err := moveDelivery(tx, d); err != nil {
				return err
			}
		}
	}
	return reschedule(tx, host, func(h *hostRow) {
		h.Until = s.due(h.Until)
		if !h.Claimed.IsZero() {
			h.Claimed = s.bound(h.Claimed.Add(s.by))
		}
	})
}

// due is when something is due by the clock as it is now.
func (s clockShift) due(t time.Time) time.Time {
	if s.by < 0 && !t.IsZero() {
		t = t.Add(s.by)
	}
	return s.bound(t)
}

func (s clockShift) bound(t time.Time) time.Time {
	if t.After(s.last) {
		return s.now
	}
	return t
}

// waves has those that are spread over a time go on from where they are.
func (s clockShift) waves(tx *bolt.Tx) error {
	for _, k := range keys(tx, bucketWaves, nil) {
		w, err := get[wave](tx, bucketWaves, k)
		if err != nil {
			return err
		}
		if w.Pace > 0 && s.by < 0 {
			w.Added = w.Added.Add(s.by)
			if err := put(tx, bucketWaves, k, w); err != nil {
				return err
			}
		}
	}
	return nil
}
