package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	reportKept    = 30 * 24 * time.Hour
	reportsOfHost = 20  // that are kept of one host
	reportsMost   = 500 // of all
)

// Report is a complaint (Flag) about the account or its posts.
type Report struct {
	Seq     uint64    `json:"seq"`               // counts on for ever; set by AddReport
	Actor   string    `json:"actor"`             // id of who sent it: mostly a server's own actor
	Objects []string  `json:"objects,omitempty"` // ids of ours that it is about
	Text    string    `json:"text,omitempty"`    // the reason, plain text
	Time    time.Time `json:"time"`
}

// AddReport stores a report and forgets those that are older than 30 days. seen is marked as seen if not empty.
// ErrFull where there are too many of that host, or in all; nothing is written then.
func (db *DB) AddReport(r Report, seen string, log ...LogEntry) error {
	err := db.b.Update(func(tx *bolt.Tx) error {
		if isBlocked(tx, r.Actor) {
			return ErrBlocked
		}
		if err := reportFits(tx, r); err != nil {
			return err
		}
		b := tx.Bucket(bucketReports)
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		r.Seq = seq
		if err := put(tx, bucketReports, numberKey(seq), r); err != nil {
			return err
		}
		if err := markSeen(tx, r.Time, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	if err != nil {
		return fmt.Errorf("store the report by %s: %w", r.Actor, err)
	}
	return nil
}

// reportFits drops reports that are too old, and returns ErrFull where there is no room for one more.
func reportFits(tx *bolt.Tx, r Report) error {
	all, err := list[Report](tx, bucketReports)
	if err != nil {
		return err
	}
	kept, ofHost := 0, 0
	for _, old := range all {
		if r.Time.Sub(old.Time) > reportKept {
			if err := tx.Bucket(bucketReports).Delete(numberKey(old.Seq)); err != nil {
				return err
			}
			continue
		}
		kept++
		if hostOf(old.Actor) == hostOf(r.Actor) {
			ofHost++
		}
	}
	if kept >= reportsMost || ofHost >= reportsOfHost {
		return ErrFull
	}
	return nil
}

// Reports returns the reports of the 30 days before now, oldest first.
func (db *DB) Reports(now time.Time) (young []Report, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err := list[Report](tx, bucketReports)
		for _, r := range all {
			if now.Sub(r.Time) <= reportKept {
				young = append(young, r)
			}
		}
		return err
	})
	return young, err
}

func (c *checker) reports(tx *bolt.Tx) error {
	return each(tx, bucketReports, func(k []byte, r Report) {
		if string(numberKey(r.Seq)) != string(k) {
			c.say("report %d stands at key %x", r.Seq, k)
		}
	})
}
