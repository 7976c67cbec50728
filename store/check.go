package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Check recomputes every index, count and cross reference and reports each difference; empty means sound.
// It reads the whole store, and holds up all writers meanwhile: beside one, bbolt takes pages that are just being
// freed for lost ones.
func (db *DB) Check() ([]string, error) {
	c := checker{want: map[string]map[string]string{}}
	err := db.withoutWriters(func(tx *bolt.Tx) error {
		if err := touchAll(tx); err != nil {
			return err
		}
		for err := range tx.Check() {
			c.say("file: %v", err)
		}
		for _, step := range []func(*bolt.Tx) error{c.entries, c.posts, c.boosts, c.followers, c.queue, c.blocks, c.seen, c.signings, c.reactions, c.ledger, c.aliases, c.handles, c.reports, c.told, c.compare} {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.found, fmt.Errorf("check store %s: %w", db.path, err)
	}
	return c.found, nil
}

// touchAll reads every key and value. bbolt's own check runs in a goroutine of its own, where a page that lies outside
// the file would end the process; here it is an error.
func touchAll(tx *bolt.Tx) error {
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		sum := byte(0)
		return b.ForEach(func(k, v []byte) error {
			for _, part := range [][]byte{k, v} {
				if len(part) > 0 {
					sum ^= part[0] ^ part[len(part)-1]
				}
			}
			if v == nil {
				return fmt.Errorf("bucket %s has %q (%d) in it, which is no record: %w", name, k, sum, ErrDamaged)
			}
			return nil
		})
	})
}

// withoutWriters has a store read while nobody can write to it.
func (db *DB) withoutWriters(read func(*bolt.Tx) error) error {
	if err := db.b.broken.Load(); err != nil {
		return *err // the lock may be held for ever
	}
	tx, err := db.b.Begin(true)
	if err != nil {
		return err
	}
	return errors.Join(guarded(func() error { return read(tx) }), tx.Rollback())
}

// checker collects, bucket by bucket, the rows that ought to be in the indexes.
type checker struct {
	want  map[string]map[string]string
	found []string
}

func (c *checker) say(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) expect(bucket, key, value []byte) {
	rows := c.want[string(bucket)]
	if rows == nil {
		rows = map[string]string{}
		c.want[string(bucket)] = rows
	}
	rows[string(key)] = string(value)
}

// each decodes all values of a bucket.
func each[T any](tx *bolt.Tx, bucket []byte, f func(key []byte, value T)) error {
	return scan(tx, bucket, nil, func(k, v []byte) (bool, error) {
		var value T
		if err := decode(bucket, k, v, &value); err != nil {
			return false, err
		}
		f(k, value)
		return true, nil
	})
}

func (c *checker) entries(tx *bolt.Tx) error {
	c.expect(bucketEntriesByFeed, nil, nil)
	c.expect(bucketEntriesDue, nil, nil)
	c.expect(bucketEntriesByState, nil, nil)
	return each(tx, bucketEntries, func(k []byte, e Entry) {
		c.expect(bucketEntriesByFeed, pair(e.Feed, e.Key), nil)
		if e.Todo != TodoNothing {
			c.expect(bucketEntriesDue, dueKey(e), nil)
		}
		if row := stateKey(e); row != nil {
			c.expect(bucketEntriesByState, row, nil)
		}
		if e.Key != string(k) {
			c.say("entry %q stands at key %q", e.Key, k)
		}
		if e.State == EntryLive && tx.Bucket(bucketPublished).Get(k) == nil {
			c.say("entry %s has a post, but what it was made from is missing", e.Key)
		}
	})
}

func (c *checker) posts(tx *bolt.Tx) error {
	c.expect(bucketOutbox, nil, nil)
	c.expect(bucketPins, nil, nil)
	listed, live := 0, 0
	err := each(tx, bucketPosts, func(_ []byte, p Post) {
		live += number(p.State == PostLive)
		if p.Listed {
			listed++
			c.expect(bucketOutbox, outboxKey(p), nil)
		}
		if !p.Pinned.IsZero() {
			c.expect(bucketPins, pinKey(p), nil)
			if p.State != PostLive {
				c.say("post %s is deleted, but pinned", p.ID)
			}
		}
		if p.State == PostLive && tx.Bucket(bucketActivities).Get([]byte(p.Create)) == nil {
			c.say("post %s has no Create", p.ID)
		}
		if p.Entry != "" && tx.Bucket(bucketEntries).Get([]byte(p.Entry)) == nil {
			c.say("post %s has no entry", p.ID)
		}
	})
	if n := int(parseNumber(tx.Bucket(bucketMeta).Get(keyListed))); n != listed {
		c.say("%d posts are listed, %d counted", listed, n)
	}
	if n := int(parseNumber(tx.Bucket(bucketMeta).Get(keyPosts))); n != live {
		c.say("there are %d posts, %d counted", live, n)
	}
	return err
}

func (c *checker) followers(tx *bolt.Tx) error {
	c.expect(bucketFollowersSince, nil, nil)
	c.expect(bucketFollowerHosts, nil, nil)
	accepted, reached, hosts := 0, map[string]int{}, map[string]*HostFollowers{}
	err := each(tx, bucketFollowers, func(_ []byte, f Follower) {
		c.expect(bucketFollowersSince, sinceKey(f), nil)
		collectHost(hosts, f)
		if f.State == FollowerAccepted {
			accepted++
			reached[f.DeliveryInbox()]++
		}
	})
	if err != nil {
		return err
	}
	for host, h := range hosts {
		c.expect(bucketFollowerHosts, []byte(host), h.bytes())
	}
	if n := int(parseNumber(tx.Bucket(bucketMeta).Get(keyFollowers))); n != accepted {
		c.say("there are %d followers, %d counted", accepted, n)
	}
	live := 0
	err = each(tx, bucketInboxes, func(k []byte, row inboxRow) {
		live += number(row.reached())
		if row.Followers != reached[string(k)] {
			c.say("inbox %s reaches %d followers, %d counted", k, reached[string(k)], row.Followers)
		}
		delete(reached, string(k))
	})
	if n := int(parseNumber(tx.Bucket(bucketMeta).Get(keyInboxes))); n != live {
		c.say("posts go to %d inboxes, %d counted", live, n)
	}
	for inbox := range reached {
		c.say("inbox %s is missing", inbox)
	}
	return err
}

func (c *checker) queue(tx *bolt.Tx) error {
	for _, bucket := range [][]byte{bucketQueueSeq, bucketQueueObjects, bucketActivityRows, bucketHostsDue} {
		c.expect(bucket, nil, nil)
	}
	rows, first := map[string]int{}, map[string]time.Time{}
	err := each(tx, bucketQueue, func(k []byte, d Delivery) {
		c.expect(bucketQueueSeq, numberKey(d.Seq), k)
		c.expect(bucketQueueObjects, objectKey(d), nil)
		rows[d.Activity]++
		if tx.Bucket(bucketActivities).Get([]byte(d.Activity)) == nil {
			c.say("delivery %d to %s: its activity %s is missing", d.Seq, d.Inbox, d.Activity)
		}
		if string(queueKey(d)) != string(k) {
			c.say("delivery %d to %s stands at the wrong place", d.Seq, d.Inbox)
		}
		if due, known := first[d.Host]; !d.Parked && (!known || d.Next.Before(due)) {
			first[d.Host] = d.Next
		}
	})
	if err != nil {
		return err
	}
	err = each(tx, bucketWaves, func(_ []byte, w wave) {
		rows[w.Activity]++
		if tx.Bucket(bucketActivities).Get([]byte(w.Activity)) == nil {
			c.say("the wave of %s: its activity is missing", w.Activity)
		}
	})
	if err != nil {
		return err
	}
	for id, n := range rows {
		c.expect(bucketActivityRows, []byte(id), numberKey(uint64(n)))
	}
	err = each(tx, bucketHosts, func(k []byte, h hostRow) {
		next, waits := first[string(k)]
		delete(first, string(k))
		if waits {
			c.expect(bucketHostsDue, join(timeKey(latest(next, h.Until, h.Claimed)), k), nil)
		}
	})
	for host := range first {
		c.say("host %s has deliveries, but no record", host)
	}
	return err
}

// blocks makes sure that nobody who is blocked follows or gets anything. Whoever is blocked alone may still be told
// that the follow has ended.
func (c *checker) blocks(tx *bolt.Tx) error {
	err := each(tx, bucketBlocks, func(k []byte, b Block) {
		if b.What != string(k) {
			c.say("the block of %q stands at key %q", b.What, k)
		}
	})
	if err != nil {
		return err
	}
	err = each(tx, bucketFollowers, func(k []byte, _ Follower) {
		if isBlocked(tx, string(k)) {
			c.say("follower %s is blocked", k)
		}
	})
	if err != nil {
		return err
	}
	return each(tx, bucketQueue, func(_ []byte, d Delivery) {
		if isBlocked(tx, d.Inbox) {
			c.say("delivery %d goes to %s, whose domain is blocked", d.Seq, d.Inbox)
		}
	})
}

func (c *checker) seen(tx *bolt.Tx) error {
	c.expect(bucketSeenSince, nil, nil)
	return scan(tx, bucketSeen, nil, func(k, v []byte) (bool, error) {
		c.expect(bucketSeenSince, join(v, k), nil)
		return true, nil
	})
}

// compare holds the expected rows against those that are there.
func (c *checker) compare(tx *bolt.Tx) error {
	for bucket, rows := range c.want {
		delete(rows, "") // only names the bucket
		err := scan(tx, []byte(bucket), nil, func(k, v []byte) (bool, error) {
			want, ok := rows[string(k)]
			if !ok {
				c.say("%s: row %q belongs to nothing", bucket, k)
			} else if want != string(v) {
				c.say("%s: row %q is %q, not %q", bucket, k, v, want)
			}
			delete(rows, string(k))
			return true, nil
		})
		if err != nil {
			return err
		}
		for k := range rows {
			c.say("%s: row %q is missing", bucket, k)
		}
	}
	return nil
}
