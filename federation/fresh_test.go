package federation

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	budgets "crier/internal/budget"
	"crier/store"
)

// TestKnownActorIsNotFetched: who follows again within a day of the last look at its document costs no look, also
// after a restart, and nothing else that it sends does either.
func TestKnownActorIsNotFetched(t *testing.T) { synctest.Test(t, testKnownActorIsNotFetched) }

func testKnownActorIsNotFetched(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	send := func(body string) (reads int) {
		t.Helper()
		before := alice.reads()
		d.s = New(d.s.cfg) // nothing is in memory
		if got := alice.post(t, d, body); got != 202 {
			t.Fatalf("status %d", got)
		}
		return alice.reads() - before
	}
	keep := func(name string, reads int) {
		t.Helper()
		if err := budgets.Check(name, float64(reads)); err != nil {
			t.Error(err)
		}
	}
	n := send(alice.follow())
	keep("follow.new.fetches", n)
	if n == 0 {
		t.Error("an actor never seen was believed without a look at it")
	}
	time.Sleep(actorAge - time.Minute)
	keep("follow.known.fetches", send(alice.follow()))
	keep("follow.known.fetches", send(alice.undo("https://a.example/1")))
	if got := d.followers(); got != "" {
		t.Errorf("follows still: %s", got)
	}
}

func (x *stranger) undo(follow string) string {
	return fmt.Sprintf(`{"id":"https://%s/undo","type":"Undo","actor":%q,"object":{"id":%q,"type":"Follow","actor":%q,"object":"%s/users/user"}}`,
		x.host, x.id(), follow, x.id(), testBase)
}

// TestDoubtfulActorIsFetched: what is stored of an actor is taken for its inbox only as long as it can be right.
func TestDoubtfulActorIsFetched(t *testing.T) {
	for name, change := range map[string]func(*store.Follower){
		"a day old":                     func(f *store.Follower) { f.Fetched = f.Fetched.Add(-actorAge) },
		"of an older version":           func(f *store.Follower) { f.Fetched = time.Time{} },
		"ahead of the clock":            func(f *store.Follower) { f.Fetched = f.Fetched.Add(time.Hour) },
		"the inbox of somebody else":    func(f *store.Follower) { f.Inbox = "https://victim.example/inbox" },
		"the shared inbox of a foreign": func(f *store.Follower) { f.SharedInbox = "https://victim.example/inbox" },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			if got := alice.post(t, d, alice.follow()); got != 202 {
				t.Fatal(got)
			}
			f, err := d.db.Follower(alice.id())
			if err != nil {
				t.Fatal(err)
			}
			change(&f)
			if err := d.db.AddFollowers(time.Now(), store.Follow{Follower: f}); err != nil {
				t.Fatal(err)
			}
			d.s = New(d.s.cfg)
			alice.bend(func(doc map[string]any) { doc["inbox"] = "https://a.example/new/inbox" })
			before := alice.reads()
			if got := alice.post(t, d, alice.follow()); got != 202 {
				t.Fatal(got)
			}
			if n := alice.reads() - before; n != 1 {
				t.Errorf("%d reads, want 1", n)
			}
			f, err = d.db.Follower(alice.id())
			if err != nil || f.Inbox != "https://a.example/new/inbox" || f.SharedInbox != "https://a.example/inbox" {
				t.Errorf("posts go to %s and %s, %v", f.Inbox, f.SharedInbox, err)
			}
		})
	}
}

// TestForeignInboxIsNotKept: where a stored inbox is not the actor's own and the actor cannot be asked, no post goes
// there.
func TestForeignInboxIsNotKept(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []func(*store.Follower){
		func(f *store.Follower) { f.Inbox = "https://victim.example/inbox" },
		func(f *store.Follower) { f.SharedInbox = "https://victim.example/inbox" },
	} {
		f := f
		foreign(&f)
		if err := d.db.AddFollowers(time.Now(), store.Follow{Follower: f}); err != nil {
			t.Fatal(err)
		}
		d.s = New(d.s.cfg)
		alice.status(502)
		alice.post(t, d, alice.follow())
		for _, q := range d.queue() {
			if hostOf(q.Inbox) == "victim.example" {
				t.Errorf("queued for %s", q.Inbox)
			}
		}
		if got, err := d.db.Follower(alice.id()); err != nil || f.SharedInbox != "" && got.SharedInbox == f.SharedInbox && hostOf(f.SharedInbox) == "victim.example" {
			t.Errorf("posts go to %s, %v", got.SharedInbox, err)
		}
	}
}

// TestUpdateIsHonouredWithinTheDay: an actor that tells of its new inbox is asked at once, however fresh it is.
func TestUpdateIsHonouredWithinTheDay(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	alice.bend(func(doc map[string]any) { doc["inbox"] = "https://a.example/new/inbox" })
	body := fmt.Sprintf(`{"id":"https://a.example/2","type":"Update","actor":%q,"object":{"id":%q,"type":"Person"}}`, alice.id(), alice.id())
	if got := alice.post(t, d, body); got != 202 {
		t.Fatal(got)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil || f.Inbox != "https://a.example/new/inbox" {
		t.Errorf("posts go to %s, %v", f.Inbox, err)
	}
}

// TestKeyThatFailsIsFetchedOnce: a stored key is fetched anew where it does not fit, however fresh it is, but not
// with every message.
func TestKeyThatFailsIsFetchedOnce(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	d.s = New(d.s.cfg)
	before := alice.reads()
	forged := &stranger{host: "a.example", name: "alice", pair: keyPair(t, 2), keyPath: "#main-key"}
	for range 3 {
		if got := forged.post(t, d, alice.follow()); got != 401 {
			t.Fatalf("status %d", got)
		}
	}
	if n := alice.reads() - before; n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	alice.pair = keyPair(t, 2) // and rotated for real, later
	d.s = New(d.s.cfg)
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Errorf("status %d after the key was changed", got)
	}
}
