package store

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// Feed is what is remembered of one configured feed.
type Feed struct {
	URL          string    `json:"url"` // as configured; the key
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	BodyHash     string    `json:"body_hash,omitempty"` // of the last document that was read
	LastPoll     time.Time `json:"last_poll,omitzero"`
	NextPoll     time.Time `json:"next_poll,omitzero"`
	LastError    string    `json:"last_error,omitempty"` // in the owner's terms; empty after a good poll
	Failures     int       `json:"failures,omitempty"`   // polls failed in a row

	FirstRead   time.Time `json:"first_read,omitzero"`   // when the first readable document came; zero: not yet
	FirstNewest time.Time `json:"first_newest,omitzero"` // the newest date in that document that was not in the future
	Newest      time.Time `json:"newest,omitzero"`       // the newest date known in this feed that is not in the future
	Title       string    `json:"title,omitempty"`
	Missing     int       `json:"missing,omitempty"` // entries under suspicion of having been taken down

	// What the last document said about itself.
	Host      string         `json:"host,omitempty"`       // the blog's: of its link where it has one, with a port that is not the default
	Hint      time.Duration  `json:"hint,omitempty"`       // how often it asks to be polled, in nanoseconds; 0: does not say
	SkipHours []int          `json:"skip_hours,omitempty"` // hours of the day, UTC, in which it never changes
	SkipDays  []time.Weekday `json:"skip_days,omitempty"`  // days of the week, UTC, on which it never changes
	Hub       string         `json:"hub,omitempty"`        // WebSub: who tells of changes
	Topic     string         `json:"topic,omitempty"`      // WebSub: the address under which the hub knows the feed
	Advice    []string       `json:"advice,omitempty"`     // what the owner should mend in the feed, in the owner's words
}

// Poll is what came of one poll of a feed, to be recorded as one event.
type Poll struct {
	Feed Feed
	Put  []EntryPut
	Log  []LogEntry
}

// EntryPut writes one entry. Entry.Version must be the version that was read, 0 for a new entry.
type EntryPut struct {
	Entry  Entry
	Fields []byte // what the feed says of it now; nil leaves the stored fields as they are
}

// Feed returns the record of the feed with that address, or ErrNotFound.
func (db *DB) Feed(url string) (f Feed, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		f, err = get[Feed](tx, bucketFeeds, []byte(url))
		return err
	})
	return f, err
}

// Feeds returns all feeds ever polled, by address.
func (db *DB) Feeds() (all []Feed, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Feed](tx, bucketFeeds)
		return err
	})
	return all, err
}

// RecordPoll stores the feed's state, the entries and the log lines of one poll in one transaction.
// ErrConflict when an entry changed since it was read or a new entry's key is taken: nothing is written.
func (db *DB) RecordPoll(p Poll) error {
	return db.b.Update(func(tx *bolt.Tx) error {
		if err := put(tx, bucketFeeds, []byte(p.Feed.URL), p.Feed); err != nil {
			return err
		}
		for _, e := range p.Put {
			if err := putEntry(tx, e.Entry); err != nil {
				return err
			}
			if e.Fields == nil {
				continue
			}
			if err := tx.Bucket(bucketFields).Put([]byte(e.Entry.Key), e.Fields); err != nil {
				return err
			}
		}
		return appendLog(tx, p.Log...)
	})
}
