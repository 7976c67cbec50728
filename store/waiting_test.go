package store

import (
	"errors"
	"testing"
)

// TestMoveAndWhoWaits: a move begins only with the Rejects for all who wait, and nobody waits after that.
func TestMoveAndWhoWaits(t *testing.T) {
	db := open(t)
	a, b := pending(t, db, "https://a.example/a", noon), pending(t, db, "https://b.example/b", noon)
	p := Presence{Moves: 1, Move: &Move{Target: "there", ID: "move"}}
	for _, few := range [][]Decision{nil, decisions("Reject", a)} {
		before := whole(t, db)
		_, err := db.SavePresence(noon, p, Broadcast{Dismiss: few})
		unlikely(t, db, before, err, ErrConflict)
	}
	all := Broadcast{Dismiss: decisions("Reject", a, b)}
	if n := must[int](t)(db.SavePresence(noon, p, all)); n != 2 {
		t.Errorf("%d deliveries", n)
	}
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Reject a.example/a/inbox, Reject b.example/b/inbox" {
		t.Error(got)
	}
	late := Follower{Actor: a.Actor, Inbox: a.Inbox, FollowID: "2", Since: noon, State: FollowerPending}
	if _, err := db.AddFollower(noon, Follow{Follower: late}); !errors.Is(err, ErrConflict) {
		t.Errorf("somebody waits for an account that has moved: %v", err)
	}
	late.State = FollowerAccepted
	must[bool](t)(db.AddFollower(noon, Follow{Follower: late}))
	p = must[Presence](t)(db.Presence())
	p.Move = nil
	must[int](t)(db.SavePresence(noon, p))
	pending(t, db, b.Actor, noon)
}
