package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestReportsAreBounded: one host has few kept, all together have not many, and old ones make room.
func TestReportsAreBounded(t *testing.T) {
	db := open(t)
	now := time.Now()
	add := func(host string, at time.Time) error {
		return db.AddReport(Report{Actor: "https://" + host + "/actor", Time: at}, "")
	}
	for i := range reportsOfHost {
		if err := add("big.example", now); err != nil {
			t.Fatalf("report %d: %v", i, err)
		}
	}
	if err := add("big.example", now); !errors.Is(err, ErrFull) {
		t.Errorf("one more of a host: %v", err)
	}
	for i := reportsOfHost; i < reportsMost; i++ {
		if err := add(fmt.Sprintf("h%d.example", i), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := add("last.example", now); !errors.Is(err, ErrFull) {
		t.Errorf("one more of all: %v", err)
	}
	later := now.Add(reportKept + time.Hour)
	if err := add("big.example", later); err != nil {
		t.Errorf("a month later: %v", err)
	}
	all, err := db.Reports(later)
	if err != nil || len(all) != 1 || all[0].Seq != reportsMost+1 {
		t.Errorf("left: %+v, %v", all, err)
	}
	if _, err := db.AddBlock(now, Blocking{Block: Block{What: "bad.example", Kind: BlockDomain}}); err != nil {
		t.Fatal(err)
	}
	if err := add("bad.example", later); !errors.Is(err, ErrBlocked) {
		t.Errorf("of a blocked host: %v", err)
	}
	sound(t, db)
}
