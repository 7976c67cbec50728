package store

import (
	"fmt"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestUndoneIsRememberedSixHours(t *testing.T) {
	db := open(t)
	ok(t, db.MarkUndone(noon, alice, "f1", "seen", LogEntry{Type: "Undo"}))
	if !must[bool](t)(db.Seen("seen")) || must[bool](t)(db.Undone(noon, alice, "f2")) || must[bool](t)(db.Undone(noon, "https://b.example/bob", "f1")) {
		t.Error("too little or too much is undone")
	}
	if !must[bool](t)(db.Undone(noon.Add(undoneFor-1), alice, "f1")) || must[bool](t)(db.Undone(noon.Add(undoneFor), alice, "f1")) {
		t.Error("not six hours")
	}
	if must[bool](t)(db.SpendUndone(noon, alice, "f2", "seen 2", LogEntry{})) || must[bool](t)(db.Seen("seen 2")) {
		t.Error("what was not undone is seen")
	}
	if !must[bool](t)(db.SpendUndone(noon, alice, "f1", "seen 3", LogEntry{})) || must[bool](t)(db.SpendUndone(noon, alice, "f1", "", LogEntry{})) {
		t.Error("it counts not once")
	}
	if n := len(must[[]LogEntry](t)(db.Log(0, 0, false))); n != 2 || !must[bool](t)(db.Seen("seen 3")) {
		t.Errorf("%d lines", n)
	}
	ok(t, db.ForgetSeen("seen 3"))
	ok(t, db.ForgetSeen("never"))
	if must[bool](t)(db.Seen("seen 3")) {
		t.Error("still seen")
	}
}

func TestUndoneIsBounded(t *testing.T) {
	db := open(t)
	kept := func() (n int) {
		ok(t, db.b.View(func(tx *bolt.Tx) error { n = tx.Bucket(bucketUndone).Stats().KeyN; return nil }))
		return n
	}
	ok(t, db.b.Update(func(tx *bolt.Tx) error {
		for i := range undoneMost + 10 {
			if err := putUndone(tx, noon.Add(time.Duration(i)), alice, fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return putUndone(tx, noon, alice, "")
	}))
	if n := kept(); n != undoneMost {
		t.Errorf("%d are kept", n)
	}
	if must[bool](t)(db.Undone(noon, alice, "9")) || !must[bool](t)(db.Undone(noon, alice, "10")) {
		t.Error("not the oldest were forgotten")
	}
	ok(t, db.MarkUndone(noon.Add(undoneFor+time.Minute), alice, "new", ""))
	if n := kept(); n != 1 {
		t.Errorf("%d are kept after their time", n)
	}
}

func TestActorIsRefreshedWithAllThatIsKnownOfIt(t *testing.T) {
	db := open(t)
	follow(t, db, alice, "https://a.example/in/alice", "https://a.example/in")
	must[bool](t)(db.PutReaction(noon, reply("r", alice, "p", noon), ""))
	must[bool](t)(db.PutReaction(noon, reply("h", alice, "p", noon), ""))
	must[Reaction](t)(db.HideReaction("h", true))
	facts := ActorFacts{Actor: alice, Inbox: "https://a.example/new", Name: "Alice B.", Handle: "al@a.example", KeyID: alice + "#k2", Key: "PEM"}
	if !must[bool](t)(db.RefreshActor(noon, facts, "seen", LogEntry{Type: "Update"})) || !must[bool](t)(db.Seen("seen")) {
		t.Error("unknown, or not seen")
	}
	f := must[Follower](t)(db.Follower(alice))
	if f.Inbox != facts.Inbox || f.SharedInbox != "" || f.Name != facts.Name || f.Handle != facts.Handle || f.KeyID != facts.KeyID ||
		f.State != FollowerAccepted || !f.Since.Equal(noon) {
		t.Errorf("%+v", f)
	}
	for _, id := range []string{"r", "h"} {
		if r := must[Reaction](t)(db.Reaction(id)); r.Name != "Alice B." || r.Handle != "al@a.example" || r.Hidden != (id == "h") {
			t.Errorf("%+v", r)
		}
	}
	if shownOf(t, db, "p").Replies != 1 {
		t.Error("the counts are off")
	}
	facts.KeyID, facts.Key = "", ""
	must[bool](t)(db.RefreshActor(noon, facts, ""))
	if f := must[Follower](t)(db.Follower(alice)); f.Key != "PEM" {
		t.Error("the key is lost")
	}
	facts.Actor = "https://b.example/bob"
	if must[bool](t)(db.RefreshActor(noon, facts, "", LogEntry{})) || must[bool](t)(db.KnowsActor(facts.Actor)) {
		t.Error("a stranger is known")
	}
	if !must[bool](t)(db.ForgetActor(noon, alice, "gone", LogEntry{})) || must[bool](t)(db.KnowsActor(alice)) || !must[bool](t)(db.Seen("gone")) {
		t.Error("not forgotten")
	}
	if must[bool](t)(db.ForgetActor(noon, alice, "", LogEntry{})) || must[bool](t)(db.KnowsActor("")) {
		t.Error("forgotten twice")
	}
}

func TestGoneActorTakesItsReactionsAlong(t *testing.T) {
	db := open(t)
	follow(t, db, alice, "https://a.example/in/alice", "")
	must[bool](t)(db.PutReaction(noon, reply("r", alice, "p", noon), ""))
	for day := range 3 {
		if must[bool](t)(db.RecordActorGone(noon.AddDate(0, 0, day), alice, 3)) != (day == 2) {
			t.Error(day)
		}
	}
	if must[bool](t)(db.KnowsActor(alice)) {
		t.Error("its reactions are there still")
	}
}

// TestSignOfLife: an inbox that was given up and a host that rests are tried again when the host speaks.
func TestSignOfLife(t *testing.T) {
	db := open(t)
	const inbox, shared = "https://a.example/in/alice", "https://a.example/in"
	follow(t, db, alice, inbox, shared)
	alive := func(now time.Time) bool {
		t.Helper()
		return must[bool](t)(db.SignOfLife(now, alice, inbox, shared, ""))
	}
	if alive(noon) {
		t.Error("something was written though nothing was given up")
	}
	// The inbox is gone, and the actor seemed so.
	d := step(t, db, noon)[0]
	step(t, db, noon, Outcome{Delivery: d, Result: Done})
	ok(t, db.b.Update(func(tx *bolt.Tx) error { return markInboxGone(tx, noon, shared) }))
	must[bool](t)(db.RecordActorGone(noon, alice, 3))
	if !alive(noon) || len(must[[]GoneInbox](t)(db.GoneInboxes())) != 0 || alive(noon) {
		t.Error("the inbox is gone still")
	}
	for day := range 2 {
		if must[bool](t)(db.RecordActorGone(noon.AddDate(0, 0, day), alice, 3)) {
			t.Error("the days before still count")
		}
	}
	// The host rests for hours.
	entry(t, db, "k")
	publishNow(t, db, "k", "Create")
	d = step(t, db, noon)[0]
	until := noon.Add(6 * time.Hour)
	step(t, db, noon, Outcome{Delivery: d, Result: Retry, Next: until, Until: until, Error: "refused"})
	if got := step(t, db, noon.Add(time.Hour)); len(got) != 0 {
		t.Fatal("it does not rest")
	}
	if !alive(noon.Add(time.Hour)) {
		t.Error("the host rests still")
	}
	if h := must[Host](t)(db.Host("a.example")); h.Failures != 0 || h.BadDays != 0 || !h.Until.IsZero() {
		t.Errorf("%+v", h)
	}
	got := step(t, db, noon.Add(time.Hour))
	if names(got) != "Create a.example/in" {
		t.Errorf("due: %s", names(got))
	}
	// A short rest ends by itself, and what was denied keeps its time.
	soon := noon.Add(time.Hour + time.Minute)
	step(t, db, noon.Add(time.Hour), Outcome{Delivery: got[0], Result: Retry, Next: soon, Until: soon})
	if alive(noon.Add(time.Hour)) {
		t.Error("a short rest was ended")
	}
	got = step(t, db, soon)
	step(t, db, soon, Outcome{Delivery: got[0], Result: Retry, Next: soon.Add(9 * time.Hour), Until: soon.Add(9 * time.Hour), Status: 403})
	if !alive(soon) || len(step(t, db, soon)) != 0 {
		t.Error("what was denied is tried at once")
	}
}
