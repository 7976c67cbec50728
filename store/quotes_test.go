package store

import (
	"errors"
	"fmt"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func quoteBy(actor string, n int) *Quote {
	return &Quote{ID: fmt.Sprintf("https://me.example/quotes/%s/%d", actor, n), Post: "p", Quoting: "q", Actor: actor, Allowed: noon}
}

// fillQuotes writes n quotes past all limits.
func fillQuotes(t *testing.T, db *DB, n int, actor func(i int) string) {
	t.Helper()
	ok(t, db.b.Update(func(tx *bolt.Tx) error {
		for i := range n {
			q := quoteBy(actor(i), i)
			if err := put(tx, bucketQuotes, []byte(q.ID), q); err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestQuotesAreBounded(t *testing.T) {
	allow := func(db *DB, q *Quote) error {
		wish := Follower{Actor: q.Actor}
		return db.AnswerQuote(noon, QuoteAnswer{Quote: q, Seen: "w" + q.ID, Answer: answerFor(wish, "Accept"), Inbox: "https://a.example/in"})
	}
	db := open(t)
	fillQuotes(t, db, maxHostQuotes, func(int) string { return alice })
	before := whole(t, db)
	unlikely(t, db, before, allow(db, quoteBy("https://a.example/users/other", 0)), ErrFull)
	ok(t, allow(db, quoteBy(alice, 0))) // known already
	ok(t, allow(db, quoteBy("https://b.example/bob", 0)))

	db = open(t)
	fillQuotes(t, db, maxQuotes, func(i int) string { return fmt.Sprintf("https://h%d.example/u", i) })
	unlikely(t, db, whole(t, db), allow(db, quoteBy(alice, 0)), ErrFull)
}

// TestBlockEndsQuotes: the leave to quote ends for who is blocked, and is not given anew.
func TestBlockEndsQuotes(t *testing.T) {
	const other, below = "https://a.example/users/other", "https://x.bad.example/u"
	db := open(t)
	for _, actor := range []string{alice, other, below} {
		fillQuotes(t, db, 2, func(int) string { return actor })
	}
	must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, alice)))
	must[Blocked](t)(db.AddBlock(noon, domain("bad.example")))
	for actor, kept := range map[string]bool{alice: false, other: true, below: false} {
		for i := range 2 {
			if _, err := db.Quote(quoteBy(actor, i).ID); (err == nil) != kept || !kept && !errors.Is(err, ErrNotFound) {
				t.Errorf("%s %d: %v", actor, i, err)
			}
		}
	}
	before := whole(t, db)
	unlikely(t, db, before, db.AnswerQuote(noon, QuoteAnswer{Quote: quoteBy(below, 3), Answer: answerFor(Follower{Actor: below}, "Accept"), Inbox: below}), ErrBlocked)
}
