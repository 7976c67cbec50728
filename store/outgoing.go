package store

import (
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Outgoing is an activity with all that it is to reach.
type Outgoing struct {
	Activity  Activity
	Followers bool     // the inboxes of all followers
	Inboxes   []string // and these, each once; none that the followers are reached through
	Log       []LogEntry
}

// send stores an activity and queues it. The body of one that is not kept and reaches nobody is not stored.
func send(tx *bolt.Tx, now time.Time, o Outgoing) (queued int, err error) {
	p := Publication{Activity: o.Activity, Deliver: o.Followers, Inboxes: o.Inboxes}
	if queued, err = sendOut(tx, now, p); err != nil {
		return 0, err
	}
	if queued > 0 || kept(o.Activity.Type) {
		if err := put(tx, bucketActivities, []byte(o.Activity.ID), o.Activity); err != nil {
			return 0, err
		}
	}
	return queued, appendLog(tx, o.Log...)
}

// sendOut queues a publication's activity for the followers, where they get it, and for its further inboxes.
func sendOut(tx *bolt.Tx, now time.Time, p Publication) (queued int, err error) {
	inboxes, named, err := further(tx, p)
	if err != nil {
		return 0, err
	}
	if p.Deliver {
		s := spread{activity: p.Activity, renewed: p.Create != nil, pace: p.Pace, named: named}
		if queued, err = fanOut(tx, now, s); err != nil {
			return 0, err
		}
	}
	n, err := tell(tx, now, waveOf(now, spread{activity: p.Activity, renewed: p.Create != nil}), inboxes)
	if err != nil {
		return 0, err
	}
	for _, inbox := range inboxes {
		if err := keepNamed(tx, p.Activity.Object, inbox); err != nil {
			return 0, err
		}
	}
	return queued + n, nil
}

// further returns the inboxes of a publication that are not reached with the followers: each once, and none
// that is known to be gone. named are those of its own that are.
func further(tx *bolt.Tx, p Publication) (inboxes, named []string, err error) {
	wanted := p.Inboxes
	if p.Reactors {
		wanted = slices.Concat(wanted, reactorInboxes(tx, p.Post.Path))
	}
	seen := map[string]bool{"": true}
	for i, inbox := range wanted {
		if seen[inbox] {
			continue
		}
		seen[inbox] = true
		row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
		switch {
		case errors.Is(err, ErrNotFound):
			inboxes = append(inboxes, inbox)
		case err != nil:
			return nil, nil, err
		case !row.GoneSince.IsZero():
		case !p.Deliver:
			inboxes = append(inboxes, inbox)
		case i < len(p.Inboxes): // of reactors there may be a thousand, and a wave is written again and again
			named = append(named, inbox)
		}
	}
	return inboxes, named, nil
}

// tell queues the activity of a wave for inboxes, less those where something that waits makes it needless.
func tell(tx *bolt.Tx, now time.Time, w wave, inboxes []string) (queued int, err error) {
	for _, inbox := range inboxes {
		told, err := supersede(tx, w, inbox)
		if err != nil {
			return queued, err
		}
		if told || isBlocked(tx, inbox) {
			continue
		}
		if err := enqueue(tx, now, Activity{ID: w.Activity, Type: w.Type, Object: w.Object}, inbox); err != nil {
			return queued, err
		}
		queued++
	}
	return queued, nil
}

// takesBack is the type of the activities that one of the type act takes back; empty: none. An Undo of
// something else is about another object.
func takesBack(act string) string {
	switch act {
	case "Undo":
		return "Announce"
	case "Add":
		return "Remove"
	case "Remove":
		return "Add"
	}
	return ""
}

// WaitingFor counts the deliveries that are about an object: queued, parked, or still to be queued.
func (db *DB) WaitingFor(object string) (n int, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		err := each(tx, bucketQueue, func(_ []byte, d Delivery) { n += number(d.Object == object) })
		if err != nil {
			return err
		}
		return each(tx, bucketWaves, func(_ []byte, w wave) {
			if w.Object == object {
				n += max(w.Total-w.Queued, 0)
			}
		})
	})
	return n, err
}
