package store

import (
	"fmt"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// answered settles what is due, each host's delivery as result says.
func answered(t *testing.T, db *DB, now time.Time, result func(host string) Outcome) {
	t.Helper()
	claimed, _, err := db.Step(now, time.Minute, nil, 100)
	ok(t, err)
	var settled []Outcome
	for _, d := range claimed {
		o := result(d.Host)
		o.Delivery = d
		settled = append(settled, o)
	}
	_, _, err = db.Step(now, time.Minute, settled, 0)
	ok(t, err)
}

// TestLedgerCountsWhatArrives: what is delivered is a count, what is not is kept with its reason.
func TestLedgerCountsWhatArrives(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 6)
	entry(t, db, "blog.example/1/")
	publishNow(t, db, "blog.example/1/", "Create")
	object := must[[]Delivery](t)(db.Deliveries())[0].Object
	answered(t, db, noon, func(host string) Outcome {
		switch host[:4] {
		case "h000":
			return Outcome{Result: Refused, Error: "404 Not Found", Status: 404}
		case "h001":
			return Outcome{Result: Gone, Error: "410 Gone", Status: 410}
		case "h002":
			return Outcome{Result: Retry, Error: "503", Next: noon.Add(time.Hour), Until: noon.Add(time.Hour)}
		case "h003":
			return Outcome{Result: Park, Error: "timeout"}
		}
		return Outcome{Result: Done}
	})
	want := Tally{Delivered: 2, Lost: 2, Waiting: 2, Parked: 1}
	check := func(step string) {
		t.Helper()
		list := must[[]Tally](t)(db.TalliesOf(object))
		if len(list) != 1 || list[0].Type != "Create" || !list[0].Last.Equal(noon) {
			t.Fatalf("%s: %+v", step, list)
		}
		got := list[0]
		got.Activity, got.Type, got.Object, got.Last = "", "", "", time.Time{}
		if got != want || list[0].Inboxes() != 6 {
			t.Errorf("%s: %+v, of %d", step, got, list[0].Inboxes())
		}
	}
	check("after the first round")
	must[int](t)(db.DropDeliveries(noon, "h002.example"))
	must[int](t)(db.DropParked(noon.Add(parkedFor + time.Hour)))
	want = Tally{Delivered: 2, Lost: 4}
	check("at the end")
	got := ""
	for _, l := range must[[]Lost](t)(db.Losses(noon, object)) {
		got += fmt.Sprintf("%s %s %s; ", l.Host[:4], l.Why, l.Error)
	}
	if want := "h000 refused 404 Not Found; h001 gone 410 Gone; h002 dropped 503; h003 expired timeout; "; got != want {
		t.Errorf("given up: %s", got)
	}
	if n := len(must[[]Lost](t)(db.Losses(noon, "h001.example"))); n != 1 {
		t.Errorf("%d of one host", n)
	}
	if n := len(must[[]Lost](t)(db.Losses(noon.Add(2 * lostFor)))); n != 0 {
		t.Errorf("%d after a long time", n)
	}
	sound(t, db)
}

// TestAnswersAreNotCounted: an Accept for each follower would be a row for each.
func TestAnswersAreNotCounted(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/u", "https://a.example/u/inbox", "")
	sendAll(t, db, noon)
	ok(t, db.b.View(func(tx *bolt.Tx) error {
		if k, _ := tx.Bucket(bucketTallies).Cursor().First(); k != nil {
			t.Errorf("there is a row %q", k)
		}
		return nil
	}))
}

// TestLossesAreBounded: the oldest go, by number and by age.
func TestLossesAreBounded(t *testing.T) {
	db := open(t)
	give := func(n int, at time.Time) {
		ok(t, db.b.Update(func(tx *bolt.Tx) error {
			for range n {
				if err := lose(tx, at, Delivery{Type: "Accept", Inbox: "https://a.example/inbox", Host: "a.example"}, LostRefused); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	count := func() (n int) {
		ok(t, db.b.View(func(tx *bolt.Tx) error {
			return each(tx, bucketLost, func([]byte, Lost) { n++ })
		}))
		return n
	}
	give(lostMost+20, noon)
	if n := count(); n != lostMost {
		t.Errorf("%d are kept", n)
	}
	give(10, noon.Add(lostFor+time.Hour)) // each takes two of the old ones with it
	if n := count(); n != lostMost-10 {
		t.Errorf("%d are kept then", n)
	}
}

// TestDeadHostsAndWhatWaits: since when, and what waits.
func TestDeadHostsAndWhatWaits(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 2)
	entry(t, db, "blog.example/1/")
	publishNow(t, db, "blog.example/1/", "Create")
	for day := range dormantDays {
		now := noon.AddDate(0, 0, day)
		answered(t, db, now, func(host string) Outcome {
			if host == "h000.example" {
				return Outcome{Result: Done}
			}
			return Outcome{Result: Retry, Error: "timeout", Next: now.Add(time.Hour), Until: now.Add(time.Hour)}
		})
	}
	dead := must[[]WaitingHost](t)(db.DeadHosts(dormantDays))
	if len(dead) != 1 || dead[0].Host.Host != "h001.example" || !dead[0].Since.Equal(noon) || dead[0].Waiting != 1 {
		t.Errorf("%+v", dead)
	}
	must[bool](t)(db.SignOfLife(noon.AddDate(0, 0, 8), "https://h001.example/u", "https://h001.example/u/inbox"))
	if dead := must[[]WaitingHost](t)(db.DeadHosts(1)); len(dead) != 0 {
		t.Errorf("after a sign of life: %+v", dead)
	}
}
