package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// handPost is a post written by hand, with its Create.
func handPost(path string, at time.Time) Publication {
	id := "https://fedi.example/posts/" + path
	create := Activity{ID: "https://fedi.example/activities/create-" + path, Type: "Create", Object: id, Body: []byte(`{"type":"Create"}`)}
	return Publication{
		Post: Post{
			Path: path, ID: id, URL: id, Visibility: "public", State: PostLive, Published: at, Listed: true, Delivered: true,
			Create: create.ID, Object: []byte(`{"type":"Note"}`),
		},
		Activity: create, Deliver: true,
	}
}

func about(typ, id, object string) Outgoing {
	return Outgoing{
		Activity:  Activity{ID: "https://fedi.example/activities/" + id, Type: typ, Object: object, Body: []byte(`{"type":"` + typ + `"}`)},
		Followers: true,
	}
}

// inboxes returns where what waits goes, sorted.
func inboxes(t *testing.T, db *DB) []string {
	t.Helper()
	var list []string
	for _, d := range must[[]Delivery](t)(db.Deliveries()) {
		list = append(list, d.Type+" "+d.Inbox)
	}
	slices.Sort(list)
	return list
}

// TestFurtherInboxes: each inbox once, whether it is reached with the followers or not, and none that is gone.
func TestFurtherInboxes(t *testing.T) {
	db := open(t)
	for _, f := range []Follower{
		{Actor: "https://a.example/users/a", Inbox: "https://a.example/users/a/inbox", SharedInbox: "https://a.example/inbox", State: FollowerAccepted},
		{Actor: "https://g.example/users/g", Inbox: "https://g.example/users/g/inbox", State: FollowerAccepted},
	} {
		must[bool](t)(db.AddFollower(noon, Follow{Follower: f}))
	}
	p := handPost("first", noon)
	p.Inboxes = []string{"https://a.example/inbox", "https://b.example/inbox", "", "https://b.example/inbox", "https://g.example/users/g/inbox"}
	if n := must[int](t)(db.Publish(noon, p)); n != 3 {
		t.Errorf("%d deliveries", n)
	}
	want := []string{"Create https://a.example/inbox", "Create https://b.example/inbox", "Create https://g.example/users/g/inbox"}
	if got := inboxes(t, db); !slices.Equal(got, want) {
		t.Errorf("queued: %v", got)
	}
	// A direct post goes to an inbox although it is a follower's, but not to one that is gone.
	for _, d := range must[[]Delivery](t)(db.Deliveries()) {
		if d.Host == "g.example" {
			_, _, err := db.Step(noon, time.Minute, []Outcome{{Delivery: d, Result: Gone}}, 0)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	direct := handPost("direct", noon)
	direct.Deliver, direct.Inboxes = false, []string{"https://a.example/inbox", "https://g.example/users/g/inbox"}
	if n := must[int](t)(db.Publish(noon, direct)); n != 1 {
		t.Errorf("%d deliveries of a direct post", n)
	}
	if n := must[int](t)(db.WaitingFor(direct.Post.ID)); n != 1 {
		t.Errorf("%d wait", n)
	}
}

// boosted is what the boosts of the tests are of.
const boosted = "https://b.example/notes/1"

func boostNumber(n int) (Boost, Outgoing) {
	o := about("Announce", fmt.Sprintf("announce-%d", n), boosted)
	o.Inboxes = []string{"https://b.example/inbox"}
	return Boost{
		Object: boosted, URL: boosted, Author: "https://b.example/users/b", Inbox: "https://b.example/inbox", Number: n,
		Announce: o.Activity.ID, Published: noon.Add(time.Duration(n) * time.Hour),
	}, o
}

func (db *DB) boostNumber(n int) (int, error) {
	b, o := boostNumber(n)
	return db.AddBoost(noon, b, o)
}

func undoNumber(n int) Outgoing {
	o := about("Undo", fmt.Sprintf("undo-%d", n), boosted)
	o.Inboxes = []string{"https://b.example/inbox"}
	return o
}

// TestOutboxItems: posts and boosts stand in the outbox by their dates.
func TestOutboxItems(t *testing.T) {
	db := open(t)
	must[int](t)(db.boostNumber(1))
	must[int](t)(db.Publish(noon, handPost("early", noon), handPost("late", noon.Add(2*time.Hour))))
	kinds := func(skip, limit int) (got []string) {
		at := must[Cursor](t)(db.OutboxAt(skip))
		if at == nil {
			return nil
		}
		for _, i := range must[Page[OutboxItem]](t)(db.OutboxPage(at, limit)).Items {
			if i.Post != nil {
				got = append(got, i.Post.Path)
			} else {
				got = append(got, string(i.Announce))
			}
		}
		return got
	}
	all := []string{"late", `{"type":"Announce"}`, "early"}
	if got := kinds(0, 10); !slices.Equal(got, all) {
		t.Errorf("outbox: %v", got)
	}
	for skip := range 4 {
		if got, want := kinds(skip, 1), all[min(skip, 3):min(skip+1, 3)]; !slices.Equal(got, want) {
			t.Errorf("outbox from %d: %v", skip, got)
		}
	}
}

// TestBoosts: one at a time. What was never tried needs no Undo; what may have arrived does, and is not tried again.
func TestBoosts(t *testing.T) {
	db := open(t)
	if _, err := db.boostNumber(2); !errors.Is(err, ErrConflict) {
		t.Errorf("the second boost before the first: %v", err)
	}
	must[int](t)(db.boostNumber(1))
	if _, err := db.boostNumber(2); !errors.Is(err, ErrConflict) {
		t.Errorf("boosted twice: %v", err)
	}
	if n := must[int](t)(db.UndoBoost(noon, boosted, undoNumber(1))); n != 0 {
		t.Errorf("%d Undos", n)
	}
	if _, err := db.UndoBoost(noon, boosted, undoNumber(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("undone twice: %v", err)
	}
	must[int](t)(db.boostNumber(2))
	if _, _, err := db.Step(noon, time.Minute, nil, 10); err != nil {
		t.Fatal(err)
	}
	if n := must[int](t)(db.UndoBoost(noon, boosted, undoNumber(2))); n != 1 {
		t.Errorf("%d Undos of what was under way", n)
	}
	if got := inboxes(t, db); !slices.Equal(got, []string{"Undo https://b.example/inbox"}) {
		t.Errorf("queued: %v", got)
	}
	if _, err := db.Activity("https://fedi.example/activities/announce-2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the Announce can still be fetched: %v", err)
	}
	if n := must[int](t)(db.CountBoosts()); n != 0 {
		t.Errorf("%d boosts", n)
	}
}

// TestDeletionEndsPinAndBoost in the same transaction.
func TestDeletionEndsPinAndBoost(t *testing.T) {
	db := open(t)
	p := handPost("post", noon)
	must[int](t)(db.Publish(noon, p))
	must[int](t)(db.Pin(noon, "post", noon, about("Add", "add", p.Post.ID)))
	must[int](t)(db.AddBoost(noon, Boost{
		Object: p.Post.ID, Author: "us", Number: 1, Announce: "https://fedi.example/activities/announce", Published: noon,
	}, about("Announce", "announce", p.Post.ID)))
	gone := p
	gone.Post.State, gone.Post.Listed, gone.Post.Pinned = PostDeleted, false, noon
	gone.Activity = Activity{ID: "https://fedi.example/activities/delete", Type: "Delete", Object: p.Post.ID, Body: []byte(`{}`)}
	must[int](t)(db.Publish(noon, gone))
	if pins := must[[]Post](t)(db.Pins()); len(pins) > 0 {
		t.Errorf("pinned: %+v", pins)
	}
	if n := must[int](t)(db.CountBoosts()); n != 0 {
		t.Errorf("%d boosts", n)
	}
	_, err := db.AddBoost(noon, Boost{Object: p.Post.ID, Path: "post", Number: 2, Published: noon}, about("Announce", "again", p.Post.ID))
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted post was boosted: %v", err)
	}
	if _, err := db.Pin(noon, "post", noon, about("Add", "add", p.Post.ID)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted post was pinned: %v", err)
	}
}

func TestPinOrder(t *testing.T) {
	db := open(t)
	for i, path := range []string{"a", "b", "c"} {
		p := handPost(path, noon)
		must[int](t)(db.Publish(noon, p))
		at := noon.Add(time.Duration([]int{2, 3, 1}[i]) * time.Minute)
		must[int](t)(db.Pin(noon, path, at, about("Add", "add-"+path, p.Post.ID)))
		if _, err := db.Pin(noon, path, at, about("Add", "again-"+path, p.Post.ID)); !errors.Is(err, ErrConflict) {
			t.Errorf("pinned twice: %v", err)
		}
	}
	edited := handPost("a", noon)
	edited.Post.Title = "edited"
	must[int](t)(db.Publish(noon, edited)) // whoever made it knew nothing of the pin
	must[int](t)(db.Pin(noon, "c", time.Time{}, about("Remove", "remove-c", edited.Post.ID)))
	var got []string
	for _, p := range must[[]Post](t)(db.Pins()) {
		got = append(got, p.Path+p.Title)
	}
	if !slices.Equal(got, []string{"b", "aedited"}) {
		t.Errorf("pinned: %v", got)
	}
}

// TestBoostedOrPinnedIsOutThere: a post that was never sent is known to the followers' servers once it is boosted or
// pinned, so they are to hear of what becomes of it.
func TestBoostedOrPinnedIsOutThere(t *testing.T) {
	db := open(t)
	for _, path := range []string{"boosted", "pinned", "neither"} {
		p := handPost(path, noon)
		p.Post.Delivered, p.Deliver = false, false
		must[int](t)(db.Publish(noon, p))
	}
	id := must[Post](t)(db.Post("boosted")).ID
	b := Boost{Object: id, Path: "boosted", Number: 1, Announce: "https://fedi.example/activities/a", Published: noon}
	must[int](t)(db.AddBoost(noon, b, about("Announce", "a", id)))
	must[int](t)(db.Pin(noon, "pinned", noon, about("Add", "add", must[Post](t)(db.Post("pinned")).ID)))
	for path, want := range map[string]bool{"boosted": true, "pinned": true, "neither": false} {
		if got := must[Post](t)(db.Post(path)).Delivered; got != want {
			t.Errorf("%s counts as delivered: %v", path, got)
		}
	}
}
