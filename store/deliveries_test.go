package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestOneDeliveryPerHost(t *testing.T) {
	db := open(t)
	for i := range 3 {
		actor := fmt.Sprintf("https://big.example/%d", i)
		follow(t, db, actor, actor+"/inbox", "")
	}
	follow(t, db, "https://b.example/bob", "https://b.example/bob/inbox", "")
	first := step(t, db, noon)
	if got := names(first); got != "Accept b.example/bob/inbox, Accept big.example/0/inbox" && got != "Accept big.example/0/inbox, Accept b.example/bob/inbox" {
		t.Errorf("claimed: %s", got)
	}
	if again := step(t, db, noon); len(again) != 0 {
		t.Errorf("claimed while the host is busy: %s", names(again))
	}
	sound(t, db)
	var outcomes []Outcome
	for _, d := range first {
		outcomes = append(outcomes, Outcome{Delivery: d, Result: Done, Status: 202})
	}
	if next := names(step(t, db, noon, outcomes...)); next != "Accept big.example/1/inbox" {
		t.Errorf("then: %s", next)
	}
}

func TestCrashedClaimIsDueAgainAfterItsLease(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/alice", "https://a.example/alice/inbox", "")
	if d := step(t, db, noon); len(d) != 1 || d[0].Attempts != 1 {
		t.Fatalf("claimed %+v", d)
	}
	if d := step(t, db, noon.Add(59*time.Second)); len(d) != 0 {
		t.Fatal("claimed within the lease")
	}
	if d := step(t, db, noon.Add(time.Minute)); len(d) != 1 || d[0].Attempts != 2 {
		t.Fatalf("after the lease: %+v", d)
	}
}

func TestRetryParkAndCancel(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/alice", "https://a.example/alice/inbox", "")
	d := step(t, db, noon)[0]
	later := noon.Add(time.Hour)
	step(t, db, noon, Outcome{Delivery: d, Result: Retry, Next: later, Until: noon.Add(time.Minute), Error: "no route", Status: 0})
	if q, _, _ := db.QueueStats(7); q != (Queue{Retrying: 1}) {
		t.Errorf("queue %+v", q)
	}
	if h := must[Host](t)(db.Host("a.example")); h.Failures != 1 || h.BadDays != 1 {
		t.Errorf("host %+v", h)
	}
	if got := step(t, db, later.Add(-time.Second)); len(got) != 0 {
		t.Error("tried too early")
	}
	d = step(t, db, later)[0]
	if d.Attempts != 2 {
		t.Errorf("attempt %d", d.Attempts)
	}
	d = step(t, db, later, Outcome{Delivery: d, Result: Cancelled})[0]
	if d.Attempts != 2 {
		t.Errorf("a cancelled attempt counts: %d", d.Attempts)
	}
	step(t, db, later, Outcome{Delivery: d, Result: Park, Error: "enough"})
	if got := step(t, db, later.AddDate(1, 0, 0)); len(got) != 0 {
		t.Error("a parked delivery was tried")
	}
	if q, _, _ := db.QueueStats(7); q != (Queue{Parked: 1}) {
		t.Errorf("queue %+v", q)
	}
	follow(t, db, "https://a.example/alice", "https://a.example/alice/inbox", "") // follows again: its Accept is due now
	if got := step(t, db, noon); len(got) != 1 {
		t.Error("the Accept of a repeated Follow is not due")
	}
}

func TestOneActivityDoesNotHoldUpItsHost(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/x", "https://a.example/x/inbox", "")
	follow(t, db, "https://a.example/y", "https://a.example/y/inbox", "")
	d := step(t, db, noon)[0]
	next := step(t, db, noon, Outcome{Delivery: d, Result: Retry, Next: noon.Add(time.Hour), Error: "401"})
	if names(next) != "Accept a.example/y/inbox" {
		t.Errorf("then: %s", names(next))
	}
	step(t, db, noon, Outcome{Delivery: next[0], Result: Retry, Next: noon.Add(time.Hour), Until: noon.Add(2 * time.Hour), Error: "no answer"})
	if got := step(t, db, noon.Add(90*time.Minute)); len(got) != 0 {
		t.Errorf("a resting host was tried: %s", names(got))
	}
	if got := step(t, db, noon.Add(2*time.Hour)); len(got) != 1 {
		t.Error("a host that has rested was not tried")
	}
}

func TestDeadHosts(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/x", "https://a.example/x/inbox", "")
	now := noon
	for range 7 {
		d := step(t, db, now)[0]
		step(t, db, now, Outcome{Delivery: d, Result: Retry, Next: now.AddDate(0, 0, 1), Until: now.AddDate(0, 0, 1), Error: "no answer"})
		now = now.AddDate(0, 0, 1)
	}
	if _, dead, _ := db.QueueStats(7); len(dead) != 1 || dead[0] != "a.example" {
		t.Errorf("dead: %v", dead)
	}
	d := step(t, db, now)[0]
	step(t, db, now, Outcome{Delivery: d, Result: Done})
	if _, dead, _ := db.QueueStats(7); len(dead) != 0 {
		t.Errorf("still dead: %v", dead)
	}
	if h := must[Host](t)(db.Host("a.example")); h.Failures != 0 {
		t.Errorf("host %+v", h)
	}
}

func TestOrderOfOneObject(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/x", "https://a.example/x/inbox", "https://a.example/inbox")
	step(t, db, noon, Outcome{Delivery: step(t, db, noon)[0], Result: Done})
	entry(t, db, "blog.example/1/")
	entry(t, db, "blog.example/2/")
	publishNow(t, db, "blog.example/1/", "Create")
	create := step(t, db, noon)[0]
	later := noon.Add(time.Hour)
	step(t, db, noon, Outcome{Delivery: create, Result: Retry, Next: later, Error: "503"})
	publishNow(t, db, "blog.example/1/", "Update")
	publishNow(t, db, "blog.example/2/", "Create")
	if got := step(t, db, noon); names(got) != "Create a.example/inbox" || got[0].Object == create.Object {
		t.Fatalf("claimed %s of %s", names(got), got[0].Object)
	} else {
		step(t, db, noon, Outcome{Delivery: got[0], Result: Done})
	}
	if got := step(t, db, later.Add(-time.Second)); len(got) != 0 {
		t.Fatalf("the Update overtook its Create: %s", names(got))
	}
	got := step(t, db, later)
	if names(got) != "Create a.example/inbox" {
		t.Fatalf("claimed %s", names(got))
	}
	later = later.Add(time.Minute)
	if got = step(t, db, later, Outcome{Delivery: got[0], Result: Done}); names(got) != "Update a.example/inbox" {
		t.Errorf("then %s", names(got))
	}
}

func TestNewestStateWins(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/x", "https://a.example/x/inbox", "https://a.example/inbox")
	step(t, db, noon, Outcome{Delivery: step(t, db, noon)[0], Result: Done})
	entry(t, db, "blog.example/1/")
	publishNow(t, db, "blog.example/1/", "Create")
	if n := publishNow(t, db, "blog.example/1/", "Update"); n != 0 {
		t.Errorf("an Update was queued behind its own untried Create")
	}
	a := must[Activity](t)(db.Activity("https://me.example/activities/create-blog.example/1/"))
	if string(a.Body) != `{"type":"Create","new":true}` {
		t.Errorf("the waiting Create is old: %s", a.Body)
	}
	publishNow(t, db, "blog.example/1/", "Delete")
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Delete a.example/inbox" {
		t.Errorf("after the deletion: %s", got)
	}
}

func TestAcceptBodyGoesWithItsDelivery(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/x", "https://a.example/x/inbox", "")
	d := step(t, db, noon)[0]
	step(t, db, noon, Outcome{Delivery: d, Result: Done, Log: []LogEntry{{Type: "Accept", Activity: d.Activity}}})
	if _, err := db.Activity(d.Activity); err == nil {
		t.Error("the Accept is still stored")
	}
	if last := must[[]LogEntry](t)(db.LastLog(1, true)); string(last[0].Source) != `{"type":"Accept"}` {
		t.Errorf("the log lost it: %s", last[0].Source)
	}
}

// TestRandomEvents lets many events happen in any order and checks the store after each.
func TestRandomEvents(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			db, r, now := open(t), rand.New(rand.NewPCG(seed, 1)), noon
			var flying []Delivery
			results := []Result{Done, Retry, Refused, Gone, Park, Cancelled}
			for i := range 150 {
				now = now.Add(time.Duration(r.IntN(300)) * time.Second)
				n := r.IntN(4)
				actor := fmt.Sprintf("https://h%d.example/u%d", n, r.IntN(3))
				key := fmt.Sprintf("blog.example/%d/", r.IntN(5))
				switch r.IntN(6) {
				case 0:
					shared := ""
					if n%2 == 0 {
						shared = fmt.Sprintf("https://h%d.example/inbox", n)
					}
					follow(t, db, actor, actor+"/inbox", shared)
				case 1:
					must[bool](t)(db.RemoveFollower(now, actor, fmt.Sprint(i)))
				case 2:
					if _, err := db.Entry(key); err != nil {
						entry(t, db, key)
					}
					publishNow(t, db, key, []string{"Create", "Update", "Delete"}[r.IntN(3)])
				default:
					var settled []Outcome
					for _, d := range flying {
						settled = append(settled, Outcome{Delivery: d, Result: results[r.IntN(len(results))], Next: now.Add(time.Hour), Error: "e"})
					}
					flying = step(t, db, now, settled...)
				}
				sound(t, db)
			}
		})
	}
}

func BenchmarkPublishTo1000Inboxes(b *testing.B) {
	db := open(b)
	for i := range 1000 {
		actor := fmt.Sprintf("https://h%d.example/u", i)
		follow(b, db, actor, actor+"/inbox", "")
	}
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprintf("blog.example/%d/", i)
		entry(b, db, key)
		publishNow(b, db, key, "Create")
	}
}
