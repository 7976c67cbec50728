package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// scanMost is how many rows are looked at for one page. Only rows that do not count (followers who wait for
// approval) make it matter: whoever sends in thousands of those must not make a page expensive.
const scanMost = 1000

// Cursor is a place in a list: what comes behind the row with that key. Empty is the beginning. It stays good
// when rows come and go, its own too.
type Cursor []byte

// Page is some rows of a list in its order, which is newest first.
type Page[T any] struct {
	Items []T
	Next  Cursor // where the next page begins; nil: this is the last one
	Prev  Cursor // where the page before begins; empty: at the beginning, which is also what a first page has
}

// FollowersPage returns the accepted followers behind a cursor, limit at most. It costs as much as the page
// is long, wherever it lies.
func (db *DB) FollowersPage(at Cursor, limit int) (p Page[Follower], err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		p, err = followersIndex(tx).page(at, limit)
		return err
	})
	return p, err
}

// FollowersAt returns the cursor of the accepted followers behind the first skip ones; nil where there are not so many,
// or it would have to look at more than a thousand.
func (db *DB) FollowersAt(skip int) (at Cursor, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		at, err = followersIndex(tx).after(skip)
		return err
	})
	return at, err
}

// OutboxPage is FollowersPage for the listed posts and the boosts.
func (db *DB) OutboxPage(at Cursor, limit int) (p Page[OutboxItem], err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		p, err = outboxIndex(tx).page(at, limit)
		return err
	})
	return p, err
}

// OutboxAt is FollowersAt for those.
func (db *DB) OutboxAt(skip int) (at Cursor, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		at, err = outboxIndex(tx).after(skip)
		return err
	})
	return at, err
}

// OutboxLast returns where the last rows of the outbox begin.
func (db *DB) OutboxLast(rows int) (at Cursor, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		at, err = outboxIndex(tx).last(rows)
		return err
	})
	return at, err
}

// FollowersLast returns where the last rows of the accepted followers begin; nil where it would have to look far.
func (db *DB) FollowersLast(rows int) (at Cursor, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		at, err = followersIndex(tx).last(rows)
		return err
	})
	return at, err
}

// index is a bucket whose keys are a time and the key of a record elsewhere.
type index[T any] struct {
	tx     *bolt.Tx
	rows   []byte                                   // bucket of the index
	read   func(tx *bolt.Tx, row []byte) (T, error) // the record that a row stands for
	counts func(T) bool                             // whether a record belongs to the list; nil: each does
}

func followersIndex(tx *bolt.Tx) index[Follower] {
	return index[Follower]{
		tx: tx, rows: bucketFollowersSince,
		read:   func(tx *bolt.Tx, row []byte) (Follower, error) { return get[Follower](tx, bucketFollowers, row[8:]) },
		counts: func(f Follower) bool { return f.State == FollowerAccepted },
	}
}

func outboxIndex(tx *bolt.Tx) index[OutboxItem] {
	return index[OutboxItem]{tx: tx, rows: bucketOutbox, read: outboxItem}
}

// walk calls f with the keys of rows that count, from the one that start moves a cursor to and on by step,
// until f says stop. Where it looked at scanMost rows before that, it returns the last of them.
func (x index[T]) walk(start, step func(*bolt.Cursor) []byte, f func(key []byte) (more bool)) (tired []byte, err error) {
	c := x.tx.Bucket(x.rows).Cursor()
	seen := 0
	for k := start(c); k != nil; k = step(c) {
		if seen++; seen > scanMost {
			return tired, nil
		}
		tired = k
		if x.counts != nil {
			value, err := x.read(x.tx, k)
			if err != nil {
				return nil, err
			}
			if !x.counts(value) {
				continue
			}
		}
		if !f(k) {
			return nil, nil
		}
	}
	return nil, nil
}

func oldest(c *bolt.Cursor) []byte { k, _ := c.First(); return k }
func older(c *bolt.Cursor) []byte  { k, _ := c.Prev(); return k }
func newer(c *bolt.Cursor) []byte  { k, _ := c.Next(); return k }

// behind moves to the first row that comes behind a cursor.
func behind(at Cursor) func(*bolt.Cursor) []byte {
	return func(c *bolt.Cursor) []byte {
		if k, _ := c.Seek(at); k != nil && len(at) > 0 {
			return older(c)
		}
		k, _ := c.Last() // where a cursor is given, all there is comes behind it
		return k
	}
}

// from moves to the row of a cursor, or the next newer one.
func from(at Cursor) func(*bolt.Cursor) []byte {
	return func(c *bolt.Cursor) []byte { k, _ := c.Seek(at); return k }
}

func (x index[T]) page(at Cursor, limit int) (p Page[T], err error) {
	var keys [][]byte
	tired, err := x.walk(behind(at), older, func(k []byte) bool {
		if len(keys) == limit {
			p.Next = bytes.Clone(keys[limit-1])
			return false
		}
		keys = append(keys, k)
		return true
	})
	if err != nil {
		return p, err
	}
	if tired != nil {
		p.Next = bytes.Clone(tired) // the page is short, and the next one goes on there
	}
	for _, k := range keys {
		value, err := x.read(x.tx, k)
		if err != nil {
			return p, err
		}
		p.Items = append(p.Items, value)
	}
	if len(at) > 0 {
		p.Prev, err = x.nth(from(at), newer, limit+1)
	}
	return p, err
}

// after is the cursor behind the first skip rows, last the one in front of the last rows.
func (x index[T]) after(skip int) (Cursor, error) {
	if skip <= 0 {
		return Cursor{}, nil
	}
	return x.nth(behind(nil), older, skip)
}
func (x index[T]) last(rows int) (Cursor, error) { return x.nth(oldest, newer, rows+1) }

// nth is the key of the nth row of a walk, from 1; nil where there are not so many.
func (x index[T]) nth(start, step func(*bolt.Cursor) []byte, n int) (at Cursor, err error) {
	_, err = x.walk(start, step, func(k []byte) bool {
		if n--; n == 0 {
			at = bytes.Clone(k)
		}
		return n > 0
	})
	return at, err
}
