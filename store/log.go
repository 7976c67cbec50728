package store

import (
	"encoding/json"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	logLines  = 10_000   // kept at most
	logSource = 64 << 10 // bytes of JSON kept with a line at most; foreign activities can be large
)

// LogEntry is one line of the activity log: one exchange with another server, one event at a feed, or one decision of
// the owner.
type LogEntry struct {
	Seq       uint64          `json:"seq"`
	Time      time.Time       `json:"time"`
	Direction string          `json:"direction"`          // "in", "out", "feed", or "own": a decision of the owner
	Type      string          `json:"type"`               // of the activity: "Accept"
	Object    string          `json:"object"`             // readable and nested: "Follow(alice@a.example → user@example.com)", or an id
	From      string          `json:"from"`               // actor, or feed
	To        string          `json:"to"`                 // inbox, or actor
	Result    string          `json:"result"`             // "202 Accepted", "retry at …", "follower added"
	Activity  string          `json:"activity,omitempty"` // id of an activity of ours whose body is stored
	Source    json.RawMessage `json:"source,omitempty"`   // the JSON, where it is not stored as an activity
}

// AppendLog adds lines to the log and drops the oldest beyond the bound (10,000 lines).
func (db *DB) AppendLog(lines ...LogEntry) error {
	return db.b.Update(func(tx *bolt.Tx) error { return appendLog(tx, lines...) })
}

func appendLog(tx *bolt.Tx, lines ...LogEntry) error {
	b := tx.Bucket(bucketLog)
	for _, line := range lines {
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		line.Seq = seq
		if len(line.Source) > logSource || !json.Valid(line.Source) {
			line.Source = nil
		}
		if err := put(tx, bucketLog, numberKey(seq), line); err != nil {
			return err
		}
		if seq > logLines {
			if err := b.Delete(numberKey(seq - logLines)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Log returns up to limit lines (0: all) with a sequence number above after, oldest first. The source of
// an activity of ours that is stored is filled in where withSource is set.
func (db *DB) Log(after uint64, limit int, withSource bool) (lines []LogEntry, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketLog).Cursor()
		for k, v := c.Seek(numberKey(after + 1)); k != nil && (limit == 0 || len(lines) < limit); k, v = c.Next() {
			line, err := logLine(tx, k, v, withSource)
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
		return nil
	})
	return lines, err
}

func logLine(tx *bolt.Tx, k, v []byte, withSource bool) (LogEntry, error) {
	var line LogEntry
	if err := decode(bucketLog, k, v, &line); err != nil {
		return line, err
	}
	if !withSource {
		line.Source = nil
		return line, nil
	}
	if line.Source == nil && line.Activity != "" {
		// The line outlives some activities: then there is no source any more.
		a, err := get[Activity](tx, bucketActivities, []byte(line.Activity))
		if err == nil {
			line.Source = a.Body
		}
	}
	return line, nil
}

// LastLog returns the last n lines, oldest first.
func (db *DB) LastLog(n int, withSource bool) (lines []LogEntry, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketLog).Cursor()
		for k, v := c.Last(); k != nil && len(lines) < n; k, v = c.Prev() {
			line, err := logLine(tx, k, v, withSource)
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
		return nil
	})
	slices.Reverse(lines)
	return lines, err
}
