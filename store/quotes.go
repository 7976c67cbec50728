package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Who quotes is a stranger, so what is kept of quotes is bounded: each takes some 500 bytes.
const (
	maxQuotes     = 20_000 // in all
	maxHostQuotes = 1_000  // by the actors of one host
)

// Quote is a quote of a post of ours that was allowed. Its authorization can be fetched for as long as the post
// lives.
type Quote struct {
	ID      string    `json:"id"`      // of the authorization; the key
	Post    string    `json:"post"`    // id of our post
	Quoting string    `json:"quoting"` // id of the post that quotes it
	Actor   string    `json:"actor"`   // who wrote that
	Allowed time.Time `json:"allowed"`
}

// QuoteAnswer is the answer to the wish to quote, to be stored as one event.
type QuoteAnswer struct {
	Quote  *Quote   // nil: refused
	Seen   string   // id of the request, marked as seen; empty where it has none
	Answer Activity // Accept or Reject
	Inbox  string   // where it goes
	Log    []LogEntry
}

// AnswerQuote stores an answer, with the authorization and the one delivery that belong to it. The same again
// changes nothing but that an answer which waits becomes due at once. ErrFull where there is no room for one more quote,
// ErrBlocked where its author is blocked: nothing is written then.
func (db *DB) AnswerQuote(now time.Time, q QuoteAnswer) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		if q.Quote != nil {
			if err := putQuote(tx, *q.Quote); err != nil {
				return fmt.Errorf("allow the quote %s: %w", q.Quote.Quoting, err)
			}
		}
		if err := markSeen(tx, now, q.Seen); err != nil {
			return err
		}
		if err := answer(tx, now, q.Answer, q.Inbox); err != nil {
			return fmt.Errorf("answer the wish to quote %s: %w", q.Answer.Object, err)
		}
		return appendLog(tx, q.Log...)
	})
}

func putQuote(tx *bolt.Tx, q Quote) error {
	if isBlocked(tx, q.Actor) {
		return ErrBlocked
	}
	if err := checkKey(q.ID); err != nil {
		return err
	}
	if tx.Bucket(bucketQuotes).Get([]byte(q.ID)) == nil {
		all, byHost, host := 0, 0, hostOf(q.Actor)
		err := each(tx, bucketQuotes, func(_ []byte, old Quote) {
			all++
			byHost += number(hostOf(old.Actor) == host)
		})
		if err != nil {
			return err
		}
		if all >= maxQuotes || byHost >= maxHostQuotes {
			return ErrFull
		}
	}
	return put(tx, bucketQuotes, []byte(q.ID), q)
}

// dropQuotes takes back the leave of all whose id is one of those: other servers then find no authorization.
func dropQuotes(tx *bolt.Tx, by func(actor string) bool) error {
	var gone []string
	err := each(tx, bucketQuotes, func(_ []byte, q Quote) {
		if by(q.Actor) {
			gone = append(gone, q.ID)
		}
	})
	if err != nil {
		return err
	}
	for _, id := range gone {
		if err := tx.Bucket(bucketQuotes).Delete([]byte(id)); err != nil {
			return err
		}
	}
	return nil
}

// Quote returns the authorization with that id, or ErrNotFound.
func (db *DB) Quote(id string) (q Quote, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		q, err = get[Quote](tx, bucketQuotes, []byte(id))
		return err
	})
	return q, err
}
