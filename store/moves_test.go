package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// aliased is a presence with these aliases.
func aliased(p Presence, actors ...string) Presence {
	p.Aliases = nil
	for _, a := range actors {
		p.Aliases = append(p.Aliases, Alias{Actor: a, ByHand: true})
	}
	return p
}

func presence(t *testing.T, db *DB) Presence {
	t.Helper()
	p, err := db.Presence()
	ok(t, err)
	return p
}

// TestOldFollowers are counted when they arrive, replaced as a whole, and go with their alias alone.
func TestOldFollowers(t *testing.T) {
	db := open(t)
	added := time.Now()
	_, err := db.SavePresence(added, aliased(Presence{}, "https://o.example/a", "https://o.example/ab"))
	ok(t, err)
	ok(t, db.RecordOldFollowers("https://o.example/a", []string{"https://x.example/0", "https://x.example/9", "a\x00b"}))
	ok(t, db.RecordOldFollowers("https://o.example/a", []string{"https://x.example/1", "https://x.example/2"}))
	ok(t, db.RecordOldFollowers("https://o.example/ab", []string{"https://x.example/1"}))
	if err := db.RecordOldFollowers("https://o.example/none", nil); err != ErrNotFound {
		t.Errorf("err = %v", err)
	}
	for i, at := range []time.Time{added.Add(-time.Hour), added.Add(time.Hour), added.Add(time.Hour)} {
		_, err := db.AddFollower(at, Follow{Follower: Follower{
			Actor: fmt.Sprint("https://x.example/", i), Inbox: "https://x.example/inbox", Since: at, State: FollowerAccepted,
		}})
		ok(t, err)
	}
	got, err := db.Arrivals(Alias{Actor: "https://o.example/a", Added: added})
	ok(t, err)
	if got != (Arrivals{Since: 2, Known: 2, Arrived: 2}) {
		t.Errorf("arrivals: %+v", got)
	}
	_, err = db.SavePresence(added, aliased(presence(t, db), "https://o.example/ab"))
	ok(t, err)
	for alias, want := range map[string]int{"https://o.example/a": 0, "https://o.example/ab": 1} {
		if got, err := db.Arrivals(Alias{Actor: alias}); err != nil || got.Known != want {
			t.Errorf("%s: %+v %v", alias, got, err)
		}
	}
	// A row that belongs to nothing is found.
	ok(t, db.b.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketOldFollowers).Put(pair("https://o.example/a", "x"), nil)
	}))
	if found, err := db.Check(); err != nil || len(found) != 1 || !strings.Contains(found[0], "belongs to no alias") {
		t.Errorf("found %v %v", found, err)
	}
	ok(t, db.b.Update(func(tx *bolt.Tx) error { return dropOldFollowers(tx, "https://o.example/a") }))
}

// TestMoveIsCounted at each inbox once, until another one begins.
func TestMoveIsCounted(t *testing.T) {
	db := open(t)
	now := time.Now()
	for i := range 4 {
		_, err := db.AddFollower(now, Follow{Follower: Follower{
			Actor: fmt.Sprintf("https://h%d.example/u", i), Inbox: fmt.Sprintf("https://h%d.example/inbox", i), Since: now, State: FollowerAccepted,
		}})
		ok(t, err)
	}
	move := Broadcast{Activity: Activity{ID: "https://f.example/activities/move", Type: "Move", Object: "me", Body: []byte("{}")}}
	p := Presence{Moves: 1, Move: &Move{Target: "there", ID: move.Activity.ID}}
	queued, err := db.SavePresence(now, p, move)
	ok(t, err)
	claimed, _, err := db.Step(now, time.Minute, nil, 10)
	ok(t, err)
	if queued != 4 || len(claimed) != 4 {
		t.Fatalf("%d queued, %d claimed", queued, len(claimed))
	}
	results := []Result{Done, Refused, Gone, Retry}
	var outcomes []Outcome
	for i, c := range claimed {
		outcomes = append(outcomes, Outcome{Delivery: c, Result: results[i], Next: now, Error: "e"})
	}
	_, _, err = db.Step(now, time.Minute, outcomes, 0)
	ok(t, err)
	delivered, refused, err := db.MoveCounts()
	ok(t, err)
	if q, err := db.DeliveriesOf(move.Activity.ID); err != nil || delivered != 1 || refused != 2 || q != (Queue{Retrying: 1}) {
		t.Errorf("%d delivered, %d refused, waiting %+v %v", delivered, refused, q, err)
	}
	if _, err := db.Activity(move.Activity.ID); err != nil {
		t.Errorf("the Move cannot be fetched: %v", err)
	}
	// What is left of it goes nowhere; another move is counted from the start, and what of the old one was under way not.
	late := claimed[3]
	p = presence(t, db)
	p.Moves, p.Move = 2, &Move{ID: "another"}
	_, err = db.SavePresence(now, p, Broadcast{Withdraw: move.Activity.ID})
	ok(t, err)
	claimed, _, err = db.Step(now, time.Minute, nil, 10)
	ok(t, err)
	if len(claimed) != 0 {
		t.Fatalf("%d claimed", len(claimed))
	}
	_, _, err = db.Step(now, time.Minute, []Outcome{{Delivery: late, Result: Done}}, 0)
	ok(t, err)
	if delivered, refused, err := db.MoveCounts(); err != nil || delivered != 0 || refused != 0 {
		t.Errorf("%d delivered, %d refused of the new move (%v)", delivered, refused, err)
	}
}

// TestWithdraw takes back what was not tried, and nothing else.
func TestWithdraw(t *testing.T) {
	db := open(t)
	now := time.Now()
	for _, host := range []string{"a", "b"} {
		_, err := db.AddFollower(now, Follow{Follower: Follower{
			Actor: "https://" + host + ".example/u", Inbox: "https://" + host + ".example/inbox", Since: now, State: FollowerAccepted,
		}})
		ok(t, err)
	}
	tell := func(id string) Broadcast {
		return Broadcast{Activity: Activity{ID: id, Type: "Move", Object: id, Body: []byte("{}")}}
	}
	_, err := db.SavePresence(now, Presence{}, tell("one"), tell("two"))
	ok(t, err)
	claimed, _, err := db.Step(now, time.Minute, nil, 1)
	ok(t, err)
	_, err = db.SavePresence(now, presence(t, db), Broadcast{Withdraw: "one"}, Broadcast{Withdraw: "none"})
	ok(t, err)
	left, err := db.Deliveries()
	ok(t, err)
	if len(left) != 2 || left[0].Activity != "two" || left[1].Activity != "two" {
		t.Errorf("%d deliveries are left, want the two of another activity", len(left))
	}
	_, _, err = db.Step(now, time.Minute, []Outcome{{Delivery: claimed[0], Result: Retry, Next: now, Error: "503"}}, 0)
	ok(t, err)
	if again := must[[]Delivery](t)(db.Deliveries()); len(again) != 2 {
		t.Errorf("what was under way comes back: %s", names(again))
	}
}

// TestHoldNews: only what is new and would go out is held, and only if it is many.
func TestHoldNews(t *testing.T) {
	db := open(t)
	now := time.Now().UTC()
	entry := func(key string, change func(*Entry)) EntryPut {
		e := Entry{Key: key, Feed: "f", State: EntryNew, Generation: 1, Todo: TodoCreate, Due: now, Date: now, Deliver: true}
		if change != nil {
			change(&e)
		}
		return EntryPut{Entry: e, Fields: []byte("{}")}
	}
	ok(t, db.RecordPoll(Poll{Feed: Feed{URL: "f"}, Put: []EntryPut{
		entry("h/1", nil), entry("h/2", nil),
		entry("h/silent", func(e *Entry) { e.Deliver = false }),
		entry("h/later", func(e *Entry) { e.Due = now.Add(time.Hour) }),
	}}))
	if n, err := db.HoldNews(3); err != nil || n != 0 {
		t.Errorf("held %d %v", n, err)
	}
	if n, err := db.HoldNews(2); err != nil || n != 3 {
		t.Errorf("held %d %v", n, err)
	}
	due, _, err := db.DueEntries(now.Add(2*time.Hour), 0)
	ok(t, err)
	for _, e := range due {
		if e.Key != "h/silent" {
			t.Errorf("%s is due", e.Key)
		}
	}
	if n, err := db.SettleHeld("", true, now, time.Second); err != nil || n != 3 {
		t.Errorf("settled %d %v", n, err)
	}
}

// TestRefuseFollowRemovesNobodyElse: the owner's approval between the look and the refusal is not undone by it.
func TestRefuseFollowRemovesNobodyElse(t *testing.T) {
	db := open(t)
	const inbox = "https://a.example/in/alice"
	refusal := FollowRefusal{Actor: alice, Seen: "f2", Answer: answerFor(Follower{Actor: alice}, "Reject"), Inbox: inbox}
	follow(t, db, alice, inbox, "")
	before := whole(t, db)
	unlikely(t, db, before, db.RefuseFollow(noon, refusal), ErrConflict) // it did not follow when it was looked for
	pending := must[Follower](t)(db.Follower(alice))
	pending.State = FollowerPending
	refusal.Before = pending
	unlikely(t, db, before, db.RefuseFollow(noon, refusal), ErrConflict) // it is accepted by now
	must[bool](t)(db.RemoveFollower(noon, alice, ""))
	must[bool](t)(db.AddFollower(noon, Follow{Follower: pending}))
	ok(t, db.RefuseFollow(noon, refusal))
	if _, err := db.Follower(alice); !errors.Is(err, ErrNotFound) || !must[bool](t)(db.Seen("f2")) {
		t.Errorf("still there, or not seen: %v", err)
	}
}
