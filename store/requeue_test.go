package store

import (
	"testing"
	"time"
)

// TestRetryDeliveries: what is named is due, whatever it waits for; what is under way is not sent twice.
func TestRetryDeliveries(t *testing.T) {
	db, now := asleep(t)
	for name, want := range map[string]int{"nobody.example": 0, "h000.example": 3, "https://h000.example/u/inbox": 3} {
		if n := must[int](t)(db.RetryDeliveries(now, name)); n != want {
			t.Errorf("%s: %d, not %d", name, n, want)
		}
	}
	d := step(t, db, now)
	if len(d) != 1 {
		t.Fatalf("claimed %s", names(d))
	}
	must[int](t)(db.RetryDeliveries(now))
	if twice := step(t, db, now); len(twice) != 0 {
		t.Errorf("while it is under way: %s", names(twice))
	}
	step(t, db, now, Outcome{Delivery: d[0], Result: Retry, Next: now.Add(time.Hour), Until: now.Add(time.Hour), Error: "503"})
	must[int](t)(db.RetryDeliveries(now, d[0].Activity))
	if again := step(t, db, now); len(again) != 1 {
		t.Errorf("claimed %s", names(again))
	}
}

// TestDropDeliveries: of what is named nothing is left, nor comes later.
func TestDropDeliveries(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 4)
	for _, key := range []string{"blog.example/1/", "blog.example/2/"} {
		entry(t, db, key)
		paced(t, db, noon, key, "Create", 4*time.Hour)
	}
	if _, err := db.DropDeliveries(noon); err == nil {
		t.Error("everything was dropped without a name")
	}
	if n := must[int](t)(db.DropDeliveries(noon, "https://me.example/activities/create-blog.example/1/")); n != 4 {
		t.Errorf("dropped %d", n)
	}
	sound(t, db)
	if sent := sendAll(t, db, noon.Add(5*time.Hour)); len(sent) != 4 {
		t.Errorf("sent %v", sent)
	}
}
