package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// moveAway stores a move with its Update and its Move, which reach everybody who follows.
func moveAway(t *testing.T, db *DB) {
	t.Helper()
	p := presence(t, db)
	p.Moves++
	p.Move = &Move{Target: "there", Update: fmt.Sprint("moved", p.Moves), ID: fmt.Sprint("move", p.Moves)}
	var tell []Broadcast
	for typ, id := range map[string]string{"Update": p.Move.Update, "Move": p.Move.ID} {
		tell = append(tell, Broadcast{Activity: Activity{ID: id, Type: typ, Object: "me", Body: []byte("{}")}})
	}
	must[int](t)(db.SavePresence(noon, p, tell...))
}

// comeHome cancels the move, and returns how many inboxes are told.
func comeHome(t *testing.T, db *DB) int {
	t.Helper()
	p := presence(t, db)
	withdraw := Broadcast{Withdraw: p.Move.ID}
	p.Returned, p.Move = fmt.Sprint("home", p.Moves), nil
	update := Broadcast{Activity: Activity{ID: p.Returned, Type: "Update", Object: "me", Body: []byte("{}")}}
	return must[int](t)(db.SavePresence(noon, p, update, withdraw))
}

func goOver(t *testing.T, db *DB, n int) {
	t.Helper()
	actor := fmt.Sprintf("https://h%03d.example/u", n)
	if !must[bool](t)(db.RemoveFollower(noon, actor, "")) {
		t.Fatalf("%s did not follow", actor)
	}
}

// TestReturnIsTold to every inbox that was told of the move, once each, whoever is left there; to no blocked domain;
// and nobody is remembered after that.
func TestReturnIsTold(t *testing.T) {
	db := open(t)
	const inboxes = firstSlice + 50
	manyHosts(t, db, inboxes)
	sendAll(t, db, noon)
	moveAway(t, db)
	sendAll(t, db, noon)
	for n := range inboxes - 10 {
		goOver(t, db, n)
	}
	must[Blocked](t)(db.AddBlock(noon, domain("h000.example")))
	if n := comeHome(t, db); n != inboxes-1 {
		t.Errorf("%d inboxes are told", n)
	}
	goOver(t, db, inboxes-1) // its server took the Move just now
	got := sendAll(t, db, noon)
	slices.Sort(got)
	if len(got) != inboxes-1 || len(slices.Compact(got)) != inboxes-1 || !strings.HasPrefix(got[0], "Update h001") {
		t.Errorf("%d were told, the first of them: %v", len(got), got[:min(len(got), 3)])
	}
	ok(t, db.b.View(func(tx *bolt.Tx) error {
		if left := keys(tx, bucketTold, nil); len(left) > 0 {
			t.Errorf("%d are remembered", len(left))
		}
		return nil
	}))
}

// TestReturnWhileAllStillFollow: who leaves before the news came to its inbox hears of it all the same.
func TestReturnWhileAllStillFollow(t *testing.T) {
	db := open(t)
	const inboxes = firstSlice + 50
	manyHosts(t, db, inboxes)
	sendAll(t, db, noon)
	moveAway(t, db)
	sendAll(t, db, noon)
	comeHome(t, db)
	goOver(t, db, inboxes-1)
	goOver(t, db, inboxes-2)
	got := sendAll(t, db, noon)
	slices.Sort(got)
	if len(slices.Compact(got)) != inboxes || len(got) != inboxes {
		t.Errorf("%d of %d were told", len(got), inboxes)
	}
	if found := must[[]string](t)(db.Check()); len(found) > 0 {
		t.Error(found)
	}
}

// TestReturnThatIsDropped by the owner leaves nothing behind.
func TestReturnThatIsDropped(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 3)
	sendAll(t, db, noon)
	moveAway(t, db)
	sendAll(t, db, noon)
	goOver(t, db, 1)
	comeHome(t, db)
	if n := must[int](t)(db.DropDeliveries(noon, "home1")); n != 3 {
		t.Errorf("%d dropped", n)
	}
	if found := must[[]string](t)(db.Check()); len(found) > 0 {
		t.Error(found)
	}
}

// TestMoveAfterAReturn that was not told to all yet: they hear no news that is old, and are told when this one ends.
func TestMoveAfterAReturn(t *testing.T) {
	db := open(t)
	const inboxes = firstSlice + 50
	manyHosts(t, db, inboxes)
	sendAll(t, db, noon)
	moveAway(t, db)
	sendAll(t, db, noon)
	for n := range inboxes - 1 {
		goOver(t, db, n)
	}
	comeHome(t, db)
	moveAway(t, db)
	for _, d := range must[[]Delivery](t)(db.Deliveries()) {
		if d.Host == fmt.Sprintf("h%03d.example", inboxes-2) {
			t.Errorf("the return goes on: %+v", d)
		}
	}
	sendAll(t, db, noon)
	if n := comeHome(t, db); n != inboxes {
		t.Errorf("%d inboxes are told", n)
	}
	if n := len(sendAll(t, db, noon)); n != inboxes {
		t.Errorf("%d were told", n)
	}
}
