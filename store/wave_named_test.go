package store

import (
	"slices"
	"testing"
	"time"
)

const (
	nadia      = "https://z.example/nadia"
	nadiaShare = "https://z.example/inbox"
)

// namedPost is a post by hand that names somebody at an inbox that a follower is reached through, too.
func namedPost(t *testing.T, db *DB) Publication {
	t.Helper()
	follow(t, db, "https://a.example/u", "https://a.example/u/inbox", "")
	follow(t, db, "https://z.example/f", "https://z.example/f/inbox", nadiaShare)
	sendAll(t, db, noon) // the Accepts
	p := handPost("note", noon)
	p.Post.Mentions = []Mention{{Actor: nadia, Inbox: nadiaShare}}
	p.Inboxes = []string{nadiaShare}
	return p
}

func (p Publication) as(typ string) Publication {
	p.Activity = Activity{ID: "https://fedi.example/activities/" + typ, Type: typ, Object: p.Post.ID, Body: []byte(`{"type":"` + typ + `"}`)}
	return p
}

func leaves(t *testing.T, db *DB) {
	t.Helper()
	if !must[bool](t)(db.RemoveFollower(noon, "https://z.example/f", "")) {
		t.Fatal("nobody left")
	}
}

// TestWhoIsNamedIsTold although the last follower behind the same inbox leaves: before the wave comes there, and while
// it waits there.
func TestWhoIsNamedIsTold(t *testing.T) {
	for name, pace := range map[string]time.Duration{"before the wave comes": time.Hour, "while it waits": 0} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			p := namedPost(t, db)
			p.Pace = pace
			must[int](t)(db.Publish(noon, p))
			leaves(t, db)
			sound(t, db)
			got := sendAll(t, db, noon.Add(2*time.Hour))
			slices.Sort(got)
			if want := []string{"Create a.ex", "Create z.ex"}; !slices.Equal(got, want) {
				t.Errorf("sent %v", got)
			}
			if left := len(must[[]Delivery](t)(db.Deliveries())); left != 0 {
				t.Errorf("%d are left", left)
			}
		})
	}
}

// TestWhoIsNamedInAnEdit gets the newest text once, be it with the Create that is still on its way.
func TestWhoIsNamedInAnEdit(t *testing.T) {
	db := open(t)
	p := namedPost(t, db)
	first := p
	first.Inboxes, first.Post.Mentions, first.Pace = nil, nil, time.Hour
	must[int](t)(db.Publish(noon, first))
	sendAll(t, db, noon) // to the first of the two
	create := p.Activity
	edit := p.as("Update")
	edit.Create = &create
	must[int](t)(db.Publish(noon.Add(time.Minute), edit))
	leaves(t, db)
	sound(t, db)
	got := sendAll(t, db, noon.Add(2*time.Hour))
	slices.Sort(got)
	if want := []string{"Create z.ex", "Update a.ex"}; !slices.Equal(got, want) {
		t.Errorf("sent %v", got)
	}
}

// TestWhoIsNamedOnceAndBlocked: what waits for who was mentioned in an earlier text, and for who reacted, goes with the
// block, and so does its place in a wave.
func TestWhoIsNamedOnceAndBlocked(t *testing.T) {
	db := open(t)
	p := namedPost(t, db)
	leaves(t, db)
	must[int](t)(db.Publish(noon, p)) // waits for nadia
	edit := p.as("Update")
	edit.Post.Former, edit.Post.Mentions, edit.Reactors = p.Post.Mentions, nil, true
	liked(t, db, p.Post.Path, "https://y.example")
	must[int](t)(db.Publish(noon, edit))
	for _, actor := range []string{nadia, "https://y.example/u"} {
		must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, actor)))
		sound(t, db)
	}
	got := inboxes(t, db)
	if want := []string{"Create https://a.example/u/inbox", "Update https://a.example/u/inbox"}; !slices.Equal(got, want) {
		t.Errorf("waiting: %v", got)
	}
	// In a wave that has not come there.
	db = open(t)
	p = namedPost(t, db)
	p.Pace = time.Hour
	must[int](t)(db.Publish(noon, p))
	leaves(t, db)
	must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, nadia)))
	if got := sendAll(t, db, noon.Add(2*time.Hour)); !slices.Equal(got, []string{"Create a.ex"}) {
		t.Errorf("sent %v", got)
	}
}
