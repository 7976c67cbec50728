package store

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// pending stores somebody who awaits approval.
func pending(t *testing.T, db *DB, actor string, since time.Time) Follower {
	t.Helper()
	f := Follower{Actor: actor, Inbox: actor + "/inbox", FollowID: actor + "/1", Since: since, State: FollowerPending}
	must[bool](t)(db.AddFollower(since, Follow{Follower: f}))
	return f
}

func decisions(typ string, list ...Follower) []Decision {
	var all []Decision
	for _, f := range list {
		all = append(all, Decision{Follower: f, Answer: answerFor(f, typ), Log: []LogEntry{{Type: typ, To: f.Actor}}})
	}
	return all
}

func counts(t *testing.T, db *DB) [2]int {
	t.Helper()
	return [2]int{must[int](t)(db.CountFollowers()), must[int](t)(db.CountPending())}
}

func TestApproveFollowers(t *testing.T) {
	db := open(t)
	a, b := pending(t, db, "https://a.example/a", noon), pending(t, db, "https://b.example/b", noon)
	if got := counts(t, db); got != [2]int{0, 2} {
		t.Errorf("%v", got)
	}
	entry(t, db, "blog.example/a")
	if n := publishNow(t, db, "blog.example/a", "Create"); n != 0 {
		t.Errorf("a post goes to %d inboxes of those who wait", n)
	}
	ok(t, db.ApproveFollowers(noon, decisions("Accept", a, b)))
	if got := counts(t, db); got != [2]int{2, 0} {
		t.Errorf("%v", got)
	}
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Accept a.example/a/inbox, Accept b.example/b/inbox" {
		t.Error(got)
	}
	if log := must[[]LogEntry](t)(db.Log(0, 0, false)); len(log) != 2 {
		t.Errorf("%+v", log)
	}
	entry(t, db, "blog.example/b")
	if n := publishNow(t, db, "blog.example/b", "Create"); n != 2 {
		t.Errorf("the next post goes to %d inboxes", n)
	}
}

func TestDismissFollowers(t *testing.T) {
	db := open(t)
	a := pending(t, db, "https://a.example/a", noon)
	follow(t, db, "https://b.example/b", "https://b.example/b/inbox", "")
	b := must[Follower](t)(db.Follower("https://b.example/b"))
	ok(t, db.DismissFollowers(noon, decisions("Reject", a, b)))
	if got := counts(t, db); got != [2]int{0, 0} {
		t.Errorf("%v", got)
	}
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Reject a.example/a/inbox, Reject b.example/b/inbox" {
		t.Error(got)
	}

	// Who asks again must not get the Reject of what was before.
	pending(t, db, "https://a.example/a", noon.Add(time.Hour))
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Reject b.example/b/inbox" {
		t.Error(got)
	}
}

// TestDecideAllOrNone: what fails with the last leaves all as they were.
func TestDecideAllOrNone(t *testing.T) {
	db := open(t)
	a, b := pending(t, db, "https://a.example/a", noon), pending(t, db, "https://b.example/b", noon)
	before := whole(t, db)

	broken := decisions("Accept", a, b)
	broken[1].Answer.Object = "a\x00b"
	unlikely(t, db, before, db.ApproveFollowers(noon, broken), nil)
	unlikely(t, db, before, db.DismissFollowers(noon, broken), nil)

	for name, change := range map[string]func(*Follower){
		"followed anew":    func(f *Follower) { f.FollowID += "x" },
		"left and came":    func(f *Follower) { f.Since = f.Since.Add(1) },
		"was approved":     func(f *Follower) { f.State = FollowerAccepted },
		"is not there":     func(f *Follower) { f.Actor += "x" },
		"was never stored": func(f *Follower) { *f = Follower{Actor: "https://c.example/c"} },
	} {
		late := b
		change(&late)
		err := db.ApproveFollowers(noon, decisions("Accept", a, late))
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		unlikely(t, db, before, err, nil)
	}
	_, err := db.AddFollower(noon, Follow{Follower: a, Before: &Follower{}})
	unlikely(t, db, before, err, ErrConflict)
	if !must[bool](t)(db.AddFollower(noon, Follow{Follower: Follower{Actor: "https://c.example/c", Since: noon, State: FollowerPending}, Before: &Follower{}})) {
		t.Error("a new follower that was decided on as one is not taken")
	}
}

func TestPendingFollowers(t *testing.T) {
	db := open(t)
	var waiting []string
	for i := range 20 {
		at := noon.Add(time.Duration(i) * time.Minute)
		f := pending(t, db, "https://a.example/"+string(rune('a'+i)), at)
		if i%3 > 0 {
			waiting = append([]string{f.Actor}, waiting...)
			continue
		}
		ok(t, db.ApproveFollowers(at, decisions("Accept", f)))
	}
	var got []string
	for _, f := range must[[]Follower](t)(db.PendingFollowers()) {
		got = append(got, f.Actor)
	}
	if !slices.Equal(got, waiting) {
		t.Errorf("waiting %v, want %v", got, waiting)
	}
	if got := counts(t, db); got != [2]int{7, 13} {
		t.Errorf("accepted and pending: %v", got)
	}
}

// TestAnswersOfOneInbox: where several actors have one inbox, only the answers to the one who leaves are dropped,
// whatever ids the follows had.
func TestAnswersOfOneInbox(t *testing.T) {
	db := open(t)
	const inbox = "https://blog.example/inbox"
	follow(t, db, "https://blog.example/a", inbox, "")
	follow(t, db, "https://blog.example/b", inbox, "")
	a := must[Follower](t)(db.Follower("https://blog.example/a"))
	ok(t, db.DismissFollowers(noon, decisions("Reject", a)))
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Accept blog.example/inbox, Reject blog.example/inbox" {
		t.Error(got)
	}
	follow(t, db, "https://blog.example/a", inbox, "")
	var objects []string
	for _, d := range must[[]Delivery](t)(db.Deliveries()) {
		objects = append(objects, d.Type+" "+d.Object)
	}
	if want := []string{"Accept https://blog.example/b", "Accept https://blog.example/a"}; !slices.Equal(objects, want) {
		t.Errorf("%v, want %v", objects, want)
	}
}
