package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// firstSlice is how many deliveries of a wave are queued in the transaction that begins it. A blog with
	// fewer inboxes than that has its whole wave in the queue at once.
	firstSlice = 256

	// sliceFactor bounds how many deliveries are queued for each one that can be sent: where the first of a
	// wave cannot be sent now (their hosts rest), others are looked for, but not all of thirty thousand.
	sliceFactor = 4
)

// wave is an activity on its way to the inboxes of all followers, as far as they have no delivery of it yet.
// Deliveries are queued bit by bit, in the order of the inboxes, as there is room to send them: a million
// followers cost one row when a post appears, and a post that is deleted meanwhile is not sent to the rest.
type wave struct {
	Activity string        `json:"activity"` // id
	Type     string        `json:"type"`
	Object   string        `json:"object"`
	Renewed  bool          `json:"renewed,omitempty"` // an Update: a Create that still waits carries the new text, too
	Added    time.Time     `json:"added"`
	Pace     time.Duration `json:"pace,omitempty"`  // over which the wave is spread
	After    string        `json:"after,omitempty"` // the last inbox that was come to
	Until    string        `json:"until,omitempty"` // the last one that is to be told; empty: all are
	Told     bool          `json:"told,omitempty"`  // it goes to who was told of a move and is no follower any more
	Total    int           `json:"total"`           // inboxes, as there were when it began
	Queued   int           `json:"queued"`          // of them, those come to
	Named    []string      `json:"named,omitempty"` // inboxes to be told even if nobody follows there any more
}

// spread says what goes to all followers, and how.
type spread struct {
	activity Activity
	renewed  bool          // as in wave
	pace     time.Duration // as in wave
	named    []string      // as in wave
}

// fanOut begins the wave of an activity and returns to how many inboxes it goes.
func fanOut(tx *bolt.Tx, now time.Time, s spread) (inboxes int, err error) {
	w := waveOf(now, s)
	w.Total = int(parseNumber(tx.Bucket(bucketMeta).Get(keyInboxes)))
	if err := endObject(tx, w); err != nil {
		return 0, err
	}
	needless, err := outdate(tx, &w)
	if err != nil || needless {
		return 0, err
	}
	seq, err := tx.Bucket(bucketWaves).NextSequence()
	if err != nil {
		return 0, err
	}
	if _, err := add(tx, bucketActivityRows, []byte(w.Activity), 1); err != nil {
		return 0, err
	}
	queued, come, err := advance(tx, now, waveKey(w, seq), w, firstSlice)
	if err != nil {
		return 0, err
	}
	return queued + w.Total - come, nil
}

func waveOf(now time.Time, s spread) wave {
	return wave{
		Activity: s.activity.ID, Type: s.activity.Type, Object: s.activity.Object,
		Renewed: s.renewed, Added: now, Pace: s.pace, Named: s.named,
	}
}

// waveKey lets deletions go first: what is to disappear should not wait for what appears.
func waveKey(w wave, seq uint64) []byte {
	class := byte(1)
	if w.Type == "Delete" {
		class = 0
	}
	return append([]byte{class}, numberKey(seq)...)
}

// endObject takes out of the queue what waits about an object that is deleted, wherever it is to go: the wave of
// the Delete may come to an inbox only after that.
func endObject(tx *bolt.Tx, w wave) error {
	if w.Type != "Delete" {
		return nil
	}
	var waiting []Delivery
	err := each(tx, bucketQueue, func(_ []byte, d Delivery) {
		if d.Object == w.Object {
			waiting = append(waiting, d)
		}
	})
	if err != nil {
		return err
	}
	for _, d := range waiting {
		if err := dropDelivery(tx, d); err != nil {
			return err
		}
	}
	return nil
}

// outdate ends the waves that a new one of the same object makes pointless: all of them for a Delete, those
// of Updates for an Update, and what an activity takes back: an Undo goes only to those who were told. Where the Create is still on its way, whoever it has not come to gets the new text
// with it, and the Update goes only to the others; needless says that there are none.
func outdate(tx *bolt.Tx, w *wave) (needless bool, err error) {
	if w.Type != "Update" && w.Type != "Delete" && takesBack(w.Type) == "" {
		return false, nil
	}
	for _, k := range keys(tx, bucketWaves, nil) {
		old, err := get[wave](tx, bucketWaves, k)
		if err != nil {
			return false, err
		}
		switch {
		case old.Object != w.Object, old.Told:
		case w.Type == "Delete", w.Type == "Update" && old.Type == "Update", old.Type == takesBack(w.Type):
			if err := endWave(tx, k, old); err != nil {
				return false, err
			}
			if w.Type == "Undo" {
				w.Until, w.Total = old.After, old.Queued
				needless = old.Queued == 0
				if err := w.handOver(tx, nil, old); err != nil {
					return false, err
				}
			}
		case w.Type == "Update" && old.Type == "Create" && w.Renewed:
			w.Until, w.Total = old.After, old.Queued
			needless = old.Queued == 0
			if err := w.handOver(tx, k, old); err != nil {
				return false, err
			}
		}
	}
	return needless, nil
}

// endWave forgets a wave. The body of an activity that stands nowhere else goes with it.
func endWave(tx *bolt.Tx, key []byte, w wave) error {
	if err := tx.Bucket(bucketWaves).Delete(key); err != nil {
		return err
	}
	if err := forgetTold(tx, w); err != nil {
		return err
	}
	return release(tx, w.Activity, w.Type)
}

// advance lets a wave come to up to max further inboxes, and ends it after the last. It returns to how many it came
// and how many deliveries were queued: some are told already.
func advance(tx *bolt.Tx, now time.Time, key []byte, w wave, max int) (queued, come int, err error) {
	c := tx.Bucket(w.over()).Cursor()
	k, v := c.Seek([]byte(w.After))
	if w.Queued > 0 && string(k) == w.After {
		k, v = c.Next()
	}
	var inboxes []string
	for max = min(max, w.allowed(now)); k != nil && len(inboxes) < max && (w.Until == "" || string(k) <= w.Until); k, v = c.Next() {
		comes, err := w.comesTo(tx, k, v)
		if err != nil {
			return 0, 0, err
		}
		if w.After = string(k); comes {
			inboxes = append(inboxes, w.After)
		}
	}
	over := k == nil || w.Until != "" && string(k) > w.Until
	if queued, err = tell(tx, now, w, inboxes); err != nil {
		return 0, 0, err
	}
	named, err := w.tellNamed(tx, now, inboxes, over)
	if err != nil {
		return 0, 0, err
	}
	queued += named
	if err := noteTold(tx, w, inboxes); err != nil {
		return 0, 0, err
	}
	come = len(inboxes)
	w.Queued += come
	if over {
		return queued, come, endWave(tx, key, w)
	}
	return queued, come, put(tx, bucketWaves, key, w)
}

// over is the bucket with the inboxes that a wave goes through.
func (w wave) over() []byte {
	if w.Told {
		return bucketTold
	}
	return bucketInboxes
}

// comesTo reports whether a wave comes to the inbox of a row.
func (w wave) comesTo(tx *bolt.Tx, inbox, row []byte) (bool, error) {
	if w.Told {
		return w.goesTo(tx, inbox), nil
	}
	var r inboxRow
	err := decode(bucketInboxes, inbox, row, &r)
	return r.GoneSince.IsZero(), err
}

// allowed is how many more inboxes a wave may come to now: all, or so many that it takes as long as its pace.
func (w wave) allowed(now time.Time) int {
	since := now.Sub(w.Added)
	if w.Pace <= 0 || since >= w.Pace || since < 0 { // a clock that was set back stalls nothing
		return w.Total + 1
	}
	return int(float64(w.Total)*(float64(since)/float64(w.Pace))) + 1 - w.Queued
}

// next is when a wave that may not go on now may do so again.
func (w wave) next(now time.Time) time.Time {
	if w.allowed(now) > 0 {
		return now
	}
	return w.Added.Add(time.Duration(float64(w.Pace) * (float64(w.Queued) / float64(max(w.Total, 1)))))
}

// advanceAny lets the waves under way come to up to max further inboxes, in their order, and returns to how many.
func advanceAny(tx *bolt.Tx, now time.Time, max int) (come int, err error) {
	for _, k := range keys(tx, bucketWaves, nil) {
		if come >= max {
			break
		}
		w, err := get[wave](tx, bucketWaves, k)
		if err != nil {
			return come, err
		}
		_, n, err := advance(tx, now, k, w, max-come)
		if err != nil {
			return come, err
		}
		come += n
	}
	return come, nil
}

// nextWave is when there is more of a wave to queue; zero if none is under way.
func nextWave(tx *bolt.Tx, now time.Time) (next time.Time, err error) {
	err = scan(tx, bucketWaves, nil, func(k, v []byte) (bool, error) {
		var w wave
		if err := decode(bucketWaves, k, v, &w); err != nil {
			return false, err
		}
		if at := w.next(now); next.IsZero() || at.Before(next) {
			next = at
		}
		return true, nil
	})
	return next, err
}
