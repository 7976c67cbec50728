package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Delivery is one activity on its way to one inbox.
type Delivery struct {
	Seq        uint64    `json:"seq"`
	Activity   string    `json:"activity"` // id
	Type       string    `json:"type"`     // of the activity
	Object     string    `json:"object"`   // id of what it is about
	Inbox      string    `json:"inbox"`
	Host       string    `json:"host"` // of the inbox, with a port that is not the default
	Attempts   int       `json:"attempts"`
	Tried      bool      `json:"tried,omitempty"` // it was under way at least once, even if cut off: the other side may have it
	Named      bool      `json:"named,omitempty"` // it goes there for somebody's sake who need not follow
	Added      time.Time `json:"added"`
	Next       time.Time `json:"next"`
	LastError  string    `json:"last_error,omitempty"`
	LastStatus int       `json:"last_status,omitempty"`
	Parked     bool      `json:"parked,omitempty"` // given up after a week; kept for the owner
}

// Host is how the deliveries to one host fare.
type Host struct {
	Host       string    `json:"host"`
	Failures   int       `json:"failures,omitempty"` // in a row, of the host itself (not of one activity)
	BadDays    int       `json:"bad_days,omitempty"` // distinct days with failures since the last success
	LastBadDay string    `json:"last_bad_day,omitempty"`
	Since      time.Time `json:"since,omitzero"` // when it first failed since the last success
	Until      time.Time `json:"until,omitzero"` // nothing is sent before
	LastError  string    `json:"last_error,omitempty"`
}

// Result is what became of one attempt.
type Result string

const (
	Done      Result = "done"      // accepted
	Retry     Result = "retry"     // try again at Outcome.Next
	Refused   Result = "refused"   // will never be accepted: dropped
	Gone      Result = "gone"      // the inbox is no more: dropped, the inbox gets nothing further
	Park      Result = "park"      // tried long enough: kept, not tried again by itself
	Cancelled Result = "cancelled" // we stopped: does not count as an attempt, due at once
)

// Outcome settles one claimed delivery.
type Outcome struct {
	Delivery Delivery // as claimed
	Result   Result
	Next     time.Time // Retry: when
	Until    time.Time // Retry: when the whole host may be tried again (zero: other deliveries go on)
	Error    string    // why not, for people
	Status   int       // HTTP status, 0 without an answer
	Log      []LogEntry
}

// Step settles outcomes and claims up to max further deliveries that are due, in one transaction: at most
// one for each host, and none for a host that has a claimed one. A claimed delivery has its attempt
// counted and is due again only at now+lease, so that a crash backs off instead of hammering; the host
// stays claimed as long. Of several deliveries of one object to one inbox only the oldest is claimed.
// next is when the earliest unclaimed delivery is due (zero: none waits).
func (db *DB) Step(now time.Time, lease time.Duration, settled []Outcome, max int) (claimed []Delivery, next time.Time, err error) {
	if len(settled) == 0 {
		if nothing, next, err := db.nothingDue(now); nothing || err != nil {
			return nil, next, err
		}
	}
	err = db.group(func(tx *bolt.Tx) error {
		for _, o := range settled {
			if err := settle(tx, now, o); err != nil {
				return fmt.Errorf("settle delivery of %s to %s: %w", o.Delivery.Activity, o.Delivery.Inbox, err)
			}
		}
		if err := tally(tx, now, settled); err != nil {
			return fmt.Errorf("count what was delivered: %w", err)
		}
		if claimed, err = claimAll(tx, now, lease, max); err != nil {
			return fmt.Errorf("claim deliveries: %w", err)
		}
		next, err = nextDue(tx, now)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return claimed, next, nil
}

// settle writes what became of one attempt: in the log, for the host, and for the delivery. A host that was
// dormant and is back gets what was parked.
func settle(tx *bolt.Tx, now time.Time, o Outcome) error {
	if err := appendLog(tx, withBodies(tx, o)...); err != nil {
		return err
	}
	blocked := isBlocked(tx, o.Delivery.Inbox)
	if blocked {
		o.Result = Cancelled // how a host fares that is not asked any more is nobody's business
	}
	// What is over goes before its host is looked at, so that once is enough.
	if err := dropOver(tx, now, o); err != nil {
		return err
	}
	var before, after hostRow
	err := reschedule(tx, o.Delivery.Host, func(h *hostRow) {
		before = *h
		h.settle(now, o)
		after = *h
	})
	if err != nil {
		return err
	}
	if err := countMoved(tx, o); err != nil {
		return err
	}
	if blocked {
		return dropBySeq(tx, o.Delivery.Seq, dropDelivery)
	}
	if err := settleDelivery(tx, now, o, after.dormant()); err != nil {
		return err
	}
	if before.dormant() && !after.dormant() {
		return wakeHost(tx, now, o.Delivery.Host)
	}
	return nil
}

// dropOver drops the row of a delivery that is done or was refused for good; what was refused stays in the ledger.
func dropOver(tx *bolt.Tx, now time.Time, o Outcome) error {
	switch o.Result {
	case Done:
		return dropBySeq(tx, o.Delivery.Seq, dropRow)
	case Refused:
		return dropBySeq(tx, o.Delivery.Seq, func(tx *bolt.Tx, d Delivery) error {
			d.LastError, d.LastStatus = o.Error, o.Status
			if err := dropRow(tx, d); err != nil {
				return err
			}
			return lose(tx, now, d, LostRefused)
		})
	}
	return nil
}

// dropBySeq drops a delivery, if it is still there.
func dropBySeq(tx *bolt.Tx, seq uint64, drop func(*bolt.Tx, Delivery) error) error {
	d, err := deliveryBySeq(tx, numberKey(seq))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return drop(tx, d)
}

// settleDelivery writes what became of a delivery that is not over, and may have been dropped meanwhile.
func settleDelivery(tx *bolt.Tx, now time.Time, o Outcome, dormant bool) error {
	switch o.Result {
	case Done, Refused:
		return nil
	case Gone:
		if err := markInboxGone(tx, now, o.Delivery.Inbox); err != nil {
			return err
		}
		return loseInbox(tx, now, o)
	}
	d, err := deliveryBySeq(tx, numberKey(o.Delivery.Seq))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch o.Result {
	case Cancelled:
		d.Attempts--
		d.Next = now
		return moveDelivery(tx, d)
	case Retry:
		d.Next = o.Next
	case Park:
		if err := park(tx, now, &d, dormant); err != nil {
			return err
		}
	}
	d.LastError, d.LastStatus = o.Error, o.Status
	return moveDelivery(tx, d)
}

// withBodies gives the log lines of an outcome the JSON of an activity whose body goes with its delivery.
func withBodies(tx *bolt.Tx, o Outcome) []LogEntry {
	lines := slices.Clone(o.Log)
	if kept(o.Delivery.Type) || len(lines) == 0 {
		return lines
	}
	a, err := get[Activity](tx, bucketActivities, []byte(o.Delivery.Activity))
	if err != nil {
		return lines
	}
	for i := range lines {
		if lines[i].Source == nil {
			lines[i].Source = a.Body
		}
	}
	return lines
}

// settle counts how a host fares. Whatever it answers to one activity, it is alive; only an outcome that
// keeps the whole host waiting, or the end of all tries, is the host's own failure.
func (h *hostRow) settle(now time.Time, o Outcome) {
	h.Claimed = time.Time{}
	switch {
	case o.Result == Cancelled:
	case o.Result == Park && o.Until.IsZero():
	case o.Until.IsZero():
		h.well()
	default:
		h.Failures++
		if h.Since.IsZero() {
			h.Since = now
		}
		h.Until, h.LastError = o.Until, o.Error
		if day := now.UTC().Format(time.DateOnly); day != h.LastBadDay {
			h.BadDays++
			h.LastBadDay = day
		}
		if o.Result == Park { // a week of failures, on however few days there was something to send
			h.BadDays = max(h.BadDays, dormantDays)
		}
	}
}

// claimAll claims deliveries, and lets the waves go on as far as there is room for more.
func claimAll(tx *bolt.Tx, now time.Time, lease time.Duration, max int) ([]Delivery, error) {
	claimed, err := claim(tx, now, lease, max)
	for looked := 0; err == nil && len(claimed) < max && looked < sliceFactor*max; {
		var come int
		if come, err = advanceAny(tx, now, max-len(claimed)); err != nil || come == 0 {
			break
		}
		looked += come
		var more []Delivery
		more, err = claim(tx, now, lease, max-len(claimed))
		claimed = append(claimed, more...)
	}
	return claimed, err
}

// claim takes the first claimable delivery of each host that is due.
func claim(tx *bolt.Tx, now time.Time, lease time.Duration, max int) ([]Delivery, error) {
	var hosts []string
	_ = scan(tx, bucketHostsDue, nil, func(k, _ []byte) (bool, error) {
		if parseTime(k).After(now) || len(hosts) == max {
			return false, nil
		}
		hosts = append(hosts, string(k[8:]))
		return true, nil
	})
	var claimed []Delivery
	for _, host := range hosts {
		d, ok, err := claimFirst(tx, now, host)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		d.Attempts++
		d.Tried = true
		d.Next = now.Add(lease)
		if err := moveRow(tx, d); err != nil {
			return nil, err
		}
		if err := reschedule(tx, host, func(h *hostRow) { h.Claimed = d.Next }); err != nil {
			return nil, err
		}
		claimed = append(claimed, d)
	}
	return claimed, nil
}

// claimFirst finds the first due delivery of a host that no older one of the same object and inbox has to
// precede. One that has to wait is moved behind that older one.
func claimFirst(tx *bolt.Tx, now time.Time, host string) (Delivery, bool, error) {
	for {
		k, v := seek(tx, bucketQueue, prefix(host))
		if k == nil {
			return Delivery{}, false, nil
		}
		if due, ever := queueDue(k); !ever || due.After(now) {
			return Delivery{}, false, nil
		}
		var d Delivery
		if err := decode(bucketQueue, k, v, &d); err != nil {
			return Delivery{}, false, err
		}
		before, err := precedes(tx, d)
		if err != nil || before == nil {
			return d, err == nil, err
		}
		d.Next = latest(before.Next, now).Add(time.Millisecond)
		if err := moveDelivery(tx, d); err != nil {
			return Delivery{}, false, err
		}
	}
}

// precedes returns the oldest waiting delivery of the same object to the same inbox, nil if it is d.
func precedes(tx *bolt.Tx, d Delivery) (*Delivery, error) {
	var first *Delivery
	err := scan(tx, bucketQueueObjects, prefix(d.Inbox, d.Object), func(k, _ []byte) (bool, error) {
		seq := k[len(k)-8:]
		if parseNumber(seq) >= d.Seq {
			return false, nil
		}
		other, err := deliveryBySeq(tx, seq)
		if err != nil || other.Parked { // one that was given up holds up nobody
			return true, err
		}
		first = &other
		return false, nil
	})
	return first, err
}

// Deliveries returns what waits in the queue, parked ones too, in the order in which it was queued.
func (db *DB) Deliveries() (all []Delivery, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		return scan(tx, bucketQueueSeq, nil, func(_, key []byte) (bool, error) {
			d, err := get[Delivery](tx, bucketQueue, key)
			all = append(all, d)
			return true, err
		})
	})
	return all, err
}

// Queue counts what waits: never tried, tried in vain, and given up.
type Queue struct {
	Pending  int `json:"pending"`
	Retrying int `json:"retrying"`
	Parked   int `json:"parked"`
}

func (q *Queue) count(d Delivery) {
	switch {
	case d.Parked:
		q.Parked++
	case d.LastError != "":
		q.Retrying++
	default:
		q.Pending++
	}
}

// QueueStats counts the queue, and lists the hosts that failed on badDays or more different days since
// they last accepted anything.
func (db *DB) QueueStats(badDays int) (q Queue, dead []string, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		err := each(tx, bucketWaves, func(_ []byte, w wave) { q.Pending += max(w.Total-w.Queued, 0) })
		if err != nil {
			return err
		}
		err = scan(tx, bucketQueue, nil, func(k, v []byte) (bool, error) {
			var d Delivery
			if err := decode(bucketQueue, k, v, &d); err != nil {
				return false, err
			}
			q.count(d)
			return true, nil
		})
		if err != nil {
			return err
		}
		return scan(tx, bucketHosts, nil, func(k, v []byte) (bool, error) {
			var h hostRow
			if err := decode(bucketHosts, k, v, &h); err != nil {
				return false, err
			}
			if h.BadDays >= badDays {
				dead = append(dead, h.Host.Host)
			}
			return true, nil
		})
	})
	return q, dead, err
}

// Host returns how the deliveries to a host fare; a zero record if nothing is known.
func (db *DB) Host(host string) (Host, error) {
	var row hostRow
	err := db.b.View(func(tx *bolt.Tx) error {
		var err error
		row, err = get[hostRow](tx, bucketHosts, []byte(host))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	return row.Host, err
}
