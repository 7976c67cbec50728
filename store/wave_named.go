package store

import (
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Whoever a post names, or whose post is boosted, hears of it whether or not it follows. Where its inbox is one that
// followers are reached through, the wave tells it; should the last of these leave before the wave comes there, the
// wave tells it at its end, and what is queued for it already stays.

// tellNamed notes which of the inboxes that a wave has just come to were named, and at its end tells those that it never
// came to. It returns how many deliveries that queued.
func (w *wave) tellNamed(tx *bolt.Tx, now time.Time, inboxes []string, over bool) (queued int, err error) {
	if len(w.Named) == 0 {
		return 0, nil
	}
	came := func(inbox string) bool { return slices.Contains(inboxes, inbox) }
	for _, inbox := range w.Named {
		if came(inbox) {
			if err := keepNamed(tx, w.Object, inbox); err != nil {
				return 0, err
			}
		}
	}
	w.Named = slices.DeleteFunc(slices.Clone(w.Named), came)
	if !over {
		return 0, nil
	}
	for _, inbox := range w.Named {
		row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return queued, err
		}
		if !row.GoneSince.IsZero() {
			continue
		}
		n, err := tell(tx, now, *w, []string{inbox})
		if err != nil {
			return queued, err
		}
		queued += n
		if err := keepNamed(tx, w.Object, inbox); err != nil {
			return queued, err
		}
	}
	w.Named = nil
	return queued, nil
}

// keepNamed has what waits for an inbox about an object stay there when a follower behind that inbox leaves.
func keepNamed(tx *bolt.Tx, object, inbox string) error {
	for _, k := range keys(tx, bucketQueueObjects, prefix(inbox, object)) {
		d, err := deliveryBySeq(tx, k[len(k)-8:])
		if err != nil {
			return err
		}
		if d.Named {
			continue
		}
		d.Named = true
		if err := putDelivery(tx, d); err != nil {
			return err
		}
	}
	return nil
}

// handOver leaves to an older wave of the same object those named inboxes of a new one that only the older one will
// come to; they get the newest text with it. Without a wave to take them (an Undo) they were never told anything.
func (w *wave) handOver(tx *bolt.Tx, key []byte, old wave) error {
	later := func(inbox string) bool { return inbox > old.After }
	changed := false
	for _, inbox := range w.Named {
		if later(inbox) && !slices.Contains(old.Named, inbox) {
			old.Named = append(old.Named, inbox)
			changed = true
		}
	}
	w.Named = slices.DeleteFunc(slices.Clone(w.Named), later)
	if !changed || key == nil {
		return nil
	}
	return put(tx, bucketWaves, key, old)
}

// unname has waves under way not go to inboxes for the sake of somebody who is named: rows are inbox 0 object 0.
func unname(tx *bolt.Tx, rows map[string]bool) error {
	for _, k := range keys(tx, bucketWaves, nil) {
		w, err := get[wave](tx, bucketWaves, k)
		if err != nil {
			return err
		}
		n := len(w.Named)
		w.Named = slices.DeleteFunc(w.Named, func(inbox string) bool { return rows[string(prefix(inbox, w.Object))] })
		if len(w.Named) == n {
			continue
		}
		if err := put(tx, bucketWaves, k, w); err != nil {
			return err
		}
	}
	return nil
}

// reactedRows are the rows (inbox 0 object 0) of what an actor is sent for having reacted, and nobody else is at that
// inbox.
func reactedRows(tx *bolt.Tx, actor string, rows map[string]bool) error {
	return eachReactionBy(tx, actor, func(r Reaction) error {
		p, err := get[Post](tx, bucketPosts, []byte(r.Post))
		if errors.Is(err, ErrNotFound) || err == nil && r.Inbox == "" {
			return nil
		}
		if err != nil {
			return err
		}
		others := slices.ContainsFunc(slices.Concat(p.Mentions, p.Former), func(m Mention) bool {
			return m.Actor != actor && m.Inbox == r.Inbox
		})
		if !others && !sharesReactor(tx, r) {
			rows[string(prefix(r.Inbox, p.ID))] = true
		}
		return nil
	})
}

// sharesReactor reports whether somebody else who reacted to the same post is reached at the same inbox.
func sharesReactor(tx *bolt.Tx, r Reaction) (shared bool) {
	rows := prefix(r.Post)
	_ = scan(tx, bucketReactors, rows, func(k, v []byte) (bool, error) {
		if string(v) != r.Inbox {
			return true, nil
		}
		other, err := get[Reaction](tx, bucketReactions, k[len(rows)+8:])
		shared = err == nil && other.Actor != r.Actor
		return !shared, nil
	})
	return shared
}
