package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// liked has actors of so many hosts like a post, one after the other, each reached at its host's inbox.
func liked(t *testing.T, db *DB, post string, hosts ...string) {
	t.Helper()
	for i, host := range hosts {
		r := like(fmt.Sprintf("%s/like/%s/%d", host, post, i), host+"/u", post)
		r.Inbox, r.Received = host+"/inbox", noon.Add(time.Duration(i)*time.Second)
		must[bool](t)(db.PutReaction(noon, r, ""))
	}
}

func reactorsOf(t *testing.T, db *DB, post string) (list []string) {
	t.Helper()
	ok(t, db.b.View(func(tx *bolt.Tx) error {
		list = reactorInboxes(tx, post)
		return nil
	}))
	return list
}

// TestUpdateGoesToReactors: once to each inbox, not twice to one that followers are reached through, and not to who
// took its reaction back or is blocked.
func TestUpdateGoesToReactors(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/u", "https://a.example/u/inbox", "https://a.example/inbox")
	p := handPost("blog.example/1/", noon)
	must[int](t)(db.Publish(noon, p))
	liked(t, db, p.Post.Path, "https://a.example", "https://b.example", "https://c.example", "https://d.example")
	liked(t, db, p.Post.Path+"0", "https://z.example") // the post after it
	second := reply("https://b.example/notes/1", "https://b.example/v", p.Post.Path, noon)
	second.Inbox, second.Public = "https://b.example/inbox", false
	must[bool](t)(db.PutReaction(noon, second, ""))
	must[bool](t)(db.RemoveReaction(noon, "https://c.example/u", "https://c.example/like/blog.example/1//2", ""))
	must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, "https://d.example/u")))
	sendAll(t, db, noon)

	p.Activity = Activity{ID: "https://fedi.example/activities/u", Type: "Update", Object: p.Post.ID, Body: []byte(`{}`)}
	p.Reactors = true
	if n := must[int](t)(db.Publish(noon, p)); n != 2 {
		t.Errorf("%d deliveries", n)
	}
	want := []string{"Update https://a.example/inbox", "Update https://b.example/inbox"}
	if got := inboxes(t, db); !slices.Equal(got, want) {
		t.Errorf("queued: %v", got)
	}
	sound(t, db)
}

// TestReactorsAreBounded: of too many inboxes the newest are told, however many reactions each sent.
func TestReactorsAreBounded(t *testing.T) {
	db := open(t)
	hosts := make([]string, reactorsMost+5)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("https://h%04d.example", i)
	}
	liked(t, db, "p", hosts...)
	got := reactorsOf(t, db, "p")
	if len(got) != reactorsMost || got[0] != hosts[len(hosts)-1]+"/inbox" || slices.Contains(got, hosts[4]+"/inbox") {
		t.Errorf("%d inboxes, first %s", len(got), got[0])
	}
	if got := reactorsOf(t, db, "o"); len(got) > 0 {
		t.Errorf("another post has %v", got)
	}
	sound(t, db)
}
