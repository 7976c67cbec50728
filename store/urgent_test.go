package store

import (
	"slices"
	"testing"
	"time"
)

// TestAnswersAndDeletionsOvertake a bulk wave, on a host that has much to get and among many hosts.
func TestAnswersAndDeletionsOvertake(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 20)
	sendAll(t, db, noon)
	keys := []string{"blog.example/1/", "blog.example/2/"}
	for _, key := range keys {
		entry(t, db, key)
		publishNow(t, db, key, "Create")
	}
	later := noon.Add(time.Minute)
	must[bool](t)(db.AddFollower(later, Follow{
		Follower: Follower{Actor: "https://h019.example/v", Inbox: "https://h019.example/v/inbox", Since: later, State: FollowerAccepted},
		Answer:   &Activity{ID: "https://me.example/activities/accept", Type: "Accept", Object: "https://h019.example/v/follow", Body: []byte(`{}`)},
	}))
	claimed, _, err := db.Step(later, time.Minute, nil, 1)
	if ok(t, err); names(claimed) != "Accept h019.example/v/inbox" {
		t.Errorf("first goes %s", names(claimed))
	}
	_, _, err = db.Step(later, time.Minute, []Outcome{{Delivery: claimed[0], Result: Done}}, 0)
	ok(t, err)

	paced(t, db, later, keys[1], "Delete", 0)
	sent := sendAll(t, db, later)
	if len(sent) != 41 || slices.ContainsFunc(sent[:21], func(s string) bool { return s[:6] != "Delete" }) {
		t.Errorf("sent %v", sent)
	}
	sound(t, db)
}
