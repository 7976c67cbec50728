package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// noteTold remembers the inboxes that a wave tells of a move: who goes over leaves no follower there, and its server
// must hear all the same if the move is cancelled. Whom the wave to the followers has told of that is forgotten.
func noteTold(tx *bolt.Tx, w wave, inboxes []string) error {
	if w.Type != "Update" && w.Type != "Move" || w.Told {
		return nil
	}
	p, err := presenceIn(tx)
	if err != nil {
		return err
	}
	away := p.Move != nil && (w.Activity == p.Move.ID || w.Activity == p.Move.Update)
	for _, inbox := range inboxes {
		switch {
		case away:
			err = tx.Bucket(bucketTold).Put([]byte(inbox), nil)
		case w.Activity == p.Returned:
			err = tx.Bucket(bucketTold).Delete([]byte(inbox))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellTold begins the wave of the Update that a move was cancelled, to the inboxes that were told of it and that no
// follower is reached through any more, and returns how many they are. It goes on only after the wave to the
// followers, so that nobody who leaves in between is left out, or told twice.
func tellTold(tx *bolt.Tx, now time.Time, update Activity) (inboxes int, err error) {
	w := waveOf(now, spread{activity: update})
	w.Told = true
	told := keys(tx, bucketTold, nil)
	if len(told) == 0 {
		return 0, nil
	}
	for _, inbox := range told {
		w.Total += number(w.goesTo(tx, inbox)) // none today is no reason to forget them: a follower may leave before its turn
	}
	if err := put(tx, bucketActivities, []byte(update.ID), update); err != nil {
		return 0, err
	}
	seq, err := tx.Bucket(bucketWaves).NextSequence()
	if err != nil {
		return 0, err
	}
	if _, err := add(tx, bucketActivityRows, []byte(update.ID), 1); err != nil {
		return 0, err
	}
	return w.Total, put(tx, bucketWaves, waveKey(w, seq), w)
}

// goesTo reports whether a wave to those who were told comes to an inbox; those of followers get the same by the
// wave to the followers.
func (w wave) goesTo(tx *bolt.Tx, inbox []byte) bool {
	return tx.Bucket(bucketInboxes).Get(inbox) == nil && !isBlocked(tx, string(inbox))
}

// forgetTold forgets who was told of a move, with the wave that told them of its end, unless there is another one.
func forgetTold(tx *bolt.Tx, w wave) error {
	if !w.Told {
		return nil
	}
	if p, err := presenceIn(tx); err != nil || p.Move != nil {
		return err
	}
	for _, inbox := range keys(tx, bucketTold, nil) {
		if err := tx.Bucket(bucketTold).Delete(inbox); err != nil {
			return err
		}
	}
	return nil
}

// endToldWaves ends what is left of the news that an earlier move was cancelled: there is another one. Who was told
// of either is remembered.
func endToldWaves(tx *bolt.Tx) error {
	for _, k := range keys(tx, bucketWaves, nil) {
		w, err := get[wave](tx, bucketWaves, k)
		if err != nil {
			return err
		}
		if !w.Told {
			continue
		}
		if err := endWave(tx, k, w); err != nil {
			return err
		}
	}
	return nil
}

// tellsOfReturn reports whether a delivery is the Update that a move was cancelled. It goes out even where the last
// follower leaves meanwhile, as those do whose server has just taken the Move.
func tellsOfReturn(tx *bolt.Tx, d Delivery) bool {
	if d.Type != "Update" {
		return false
	}
	p, err := presenceIn(tx)
	return err == nil && p.Returned == d.Activity
}

// told finds inboxes that are remembered without a move, or the news that it was cancelled.
func (c *checker) told(tx *bolt.Tx) error {
	p, err := presenceIn(tx)
	if err != nil {
		return err
	}
	due := p.Move != nil
	if err := each(tx, bucketWaves, func(_ []byte, w wave) { due = due || w.Told }); err != nil || due {
		return err
	}
	return scan(tx, bucketTold, nil, func(k, _ []byte) (bool, error) {
		c.say("%s: row %q belongs to no move", bucketTold, k)
		return true, nil
	})
}
