package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
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
// changes nothing but that an answer which waits becomes due at once.
func (db *DB) AnswerQuote(now time.Time, q QuoteAnswer) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		if q.Quote != nil {
			if err := checkKey(q.Quote.ID); err != nil {
				return err
			}
			if err := put(tx, bucketQuotes, []byte(q.Quote.ID), q.Quote); err != nil {
				return err
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

// Quote returns the authorization with that id, or ErrNotFound.
func (db *DB) Quote(id string) (q Quote, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		q, err = get[Quote](tx, bucketQuotes, []byte(id))
		return err
	})
	return q, err
}
