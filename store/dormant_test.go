package store

import (
	"testing"
	"time"
)

// fail has everything that is due at now fail, for reasons of the host; old ones are given up.
func fail(t testing.TB, db *DB, now time.Time) (tried int) {
	t.Helper()
	for {
		claimed := step(t, db, now)
		if len(claimed) == 0 {
			return tried
		}
		for _, d := range claimed {
			tried++
			o := Outcome{Delivery: d, Result: Retry, Next: now.Add(24 * time.Hour), Until: now.Add(24 * time.Hour), Error: "no answer"}
			if now.Sub(d.Added) >= 7*24*time.Hour {
				o.Result = Park
			}
			if _, _, err := db.Step(now, time.Minute, []Outcome{o}, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// asleep returns a store with one follower on a host that has been dead for ten days, while three posts went out,
// the first before that.
func asleep(t *testing.T) (*DB, time.Time) {
	db, now := open(t), noon
	manyHosts(t, db, 1)
	for i, key := range []string{"blog.example/1/", "", "", "", "", "", "", "", "blog.example/2/", "blog.example/3/"} {
		now = noon.AddDate(0, 0, i)
		if key != "" {
			entry(t, db, key)
			paced(t, db, now, key, "Create", 0)
		}
		if tried := fail(t, db, now); tried != 1 {
			t.Errorf("day %d: tried %d times", i, tried)
		}
	}
	return db, now.AddDate(0, 0, 1)
}

// TestDormantHostIsProbedOnceADay, with whatever it is; the rest waits for it.
func TestDormantHostIsProbedOnceADay(t *testing.T) {
	db, now := asleep(t)
	if q, dead, err := db.QueueStats(7); err != nil || q.Parked != 2 || q.Retrying != 1 || len(dead) != 1 {
		t.Errorf("the queue is %+v, dead %v, %v", q, dead, err)
	}
	for range 3 {
		if tried := fail(t, db, now); tried != 1 {
			t.Errorf("tried %d times in a day", tried)
		}
		now = now.AddDate(0, 0, 1)
	}
	sent := sendAll(t, db, now) // the probe arrives, and so does the rest
	if len(sent) != 3 {
		t.Errorf("sent %v", sent)
	}
	if q, dead, err := db.QueueStats(7); err != nil || q != (Queue{}) || len(dead) != 0 {
		t.Errorf("in the end %+v, dead %v, %v", q, dead, err)
	}
}

// TestSignOfLifeRevives: who speaks to us is sent everything at once.
func TestSignOfLifeRevives(t *testing.T) {
	db, now := asleep(t)
	must[bool](t)(db.SignOfLife(now.Add(-time.Hour), "https://h000.example/u", "https://h000.example/u/inbox"))
	if sent := sendAll(t, db, now.Add(-time.Hour)); len(sent) != 3 {
		t.Errorf("sent %v", sent)
	}
	before := writes(db)
	must[bool](t)(db.SignOfLife(now, "https://h000.example/u", "https://h000.example/u/inbox"))
	if writes(db) != before {
		t.Error("a sign of life of a healthy host is written down")
	}
}

// TestParkedIsNotKeptForEver: after thirty days nobody wants to read it.
func TestParkedIsNotKeptForEver(t *testing.T) {
	db, now := asleep(t)
	if n := must[int](t)(db.DropParked(now.AddDate(0, 0, 10))); n != 0 {
		t.Errorf("%d dropped after a few days", n)
	}
	if n := must[int](t)(db.DropParked(now.AddDate(0, 0, 31))); n == 0 {
		t.Error("none dropped after a month")
	}
}

// TestUnparkedTooLateIsDropped: a host that is back after a long time gets only what is still news.
func TestUnparkedTooLateIsDropped(t *testing.T) {
	db, now := asleep(t)
	must[bool](t)(db.SignOfLife(now.AddDate(0, 0, 29), "https://h000.example/u", "https://h000.example/u/inbox"))
	if left := must[[]Delivery](t)(db.Deliveries()); len(left) != 2 {
		t.Errorf("left: %s", names(left))
	}
}

// writes is how often the store has written anything.
func writes(db *DB) int64 {
	s := db.b.Stats()
	return s.TxStats.GetWrite()
}

// TestParkedForItsHostIsDormant: a week of failures makes a host dormant, on however few days there was something to send.
func TestParkedForItsHostIsDormant(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 1)
	entry(t, db, "blog.example/1/")
	paced(t, db, noon, "blog.example/1/", "Create", 0)
	d := step(t, db, noon)[0]
	step(t, db, noon, Outcome{Delivery: d, Result: Park, Until: noon.Add(24 * time.Hour), Error: "no answer"})
	if _, dead, err := db.QueueStats(7); err != nil || len(dead) != 1 {
		t.Errorf("dead: %v, %v", dead, err)
	}
	if sent := sendAll(t, db, noon.Add(25*time.Hour)); len(sent) != 1 {
		t.Errorf("it is not probed: %v", sent)
	}
}

// TestLeavingKeepsDeletes: who leaves still has the post, so its end is still to be told.
func TestLeavingKeepsDeletes(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 1)
	for _, key := range []string{"blog.example/1/", "blog.example/2/"} {
		entry(t, db, key)
		paced(t, db, noon, key, "Create", 0)
	}
	sendAll(t, db, noon)
	paced(t, db, noon, "blog.example/1/", "Delete", 0)
	paced(t, db, noon, "blog.example/2/", "Update", 0)
	must[bool](t)(db.RemoveFollower(noon, "https://h000.example/u", ""))
	if left := names(must[[]Delivery](t)(db.Deliveries())); left != "Delete h000.example/u/inbox" {
		t.Errorf("left: %s", left)
	}
}
