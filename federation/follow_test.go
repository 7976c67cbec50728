package federation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"crier/store"
)

// wake consumes what WakeDeliverer left and reports whether it was called.
func (d *daemon) woken() bool {
	select {
	case <-d.s.deliver:
		return true
	default:
		return false
	}
}

func TestFollowIsStoredAndAccepted(t *testing.T) {
	synctest.Test(t, testFollowIsStoredAndAccepted) // the id of the Accept has the moment in it
}

func testFollowIsStoredAndAccepted(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatalf("status %d", got)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil {
		t.Fatal(err)
	}
	if f.Fetched.IsZero() || f.Fetched.After(f.Since) {
		t.Errorf("read at %v, followed at %v", f.Fetched, f.Since)
	}
	f.Since, f.Fetched = time.Time{}, time.Time{}
	want := store.Follower{
		Actor: alice.id(), Inbox: alice.id() + "/inbox", SharedInbox: "https://a.example/inbox",
		Handle: "alice@a.example", Name: "Some alice", KeyID: alice.keyID(), Key: publicPEM(alice.pair),
		FollowID: "https://a.example/1", State: store.FollowerAccepted, Follow: f.Follow,
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	queue := d.queue()
	if len(queue) != 1 || queue[0].Inbox != alice.id()+"/inbox" || queue[0].Type != "Accept" {
		t.Fatalf("%+v", queue)
	}
	if !d.woken() {
		t.Error("the deliverer was not woken")
	}
	accept, err := d.db.Activity(queue[0].Activity)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "accept.json", accept.Body)
	wantLog := []string{"Follow(alice@a.example → user@example.com): 202 Accepted, follower added"}
	if diff := cmp.Diff(wantLog, d.told()); diff != "" {
		t.Error(diff)
	}
	if got, _ := describe(accept.Body); got != "Accept" {
		t.Error(got)
	}
}

// TestFollowShapes has the Follow as servers send it. The payloads are written after what is known of
// each; they are no captures.
func TestFollowShapes(t *testing.T) {
	shapes, err := filepath.Glob("testdata/inbox/follow-*.json")
	if err != nil || len(shapes) < 6 {
		t.Fatal(shapes, err)
	}
	for _, path := range shapes {
		t.Run(filepath.Base(path), func(t *testing.T) {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			if strings.Contains(path, "gotosocial") {
				alice.keyPath = "/main-key"
			}
			if got := alice.post(t, d, string(body)); got != 202 {
				t.Fatalf("status %d", got)
			}
			if got := d.followers(); got != "alice@a.example accepted" {
				t.Errorf("followers: %s", got)
			}
			var sent struct{ ID string }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Fatal(err)
			}
			accept, err := d.db.Activity(d.queue()[0].Activity)
			if err != nil {
				t.Fatal(err)
			}
			var got acceptActivity
			var embedded followActivity
			if err := json.Unmarshal(accept.Body, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(got.Object, &embedded); err != nil {
				t.Fatal(err)
			}
			want := followActivity{ID: sent.ID, Type: "Follow", Actor: alice.id(), Object: d.s.ids.Actor()}
			if diff := cmp.Diff(want, embedded); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFollowTwice(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	again := strings.Replace(alice.follow(), "a.example/1", "a.example/9", 1)
	for _, body := range []string{alice.follow(), alice.follow(), again} {
		if got := alice.post(t, d, body); got != 202 {
			t.Fatal(got)
		}
	}
	if n, err := d.db.CountFollowers(); n != 1 || err != nil {
		t.Errorf("%d followers, %v", n, err)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil || f.FollowID != "https://a.example/9" {
		t.Errorf("the follow's id is %q, %v", f.FollowID, err)
	}
	if q := d.queue(); len(q) != 2 {
		t.Errorf("%d accepts wait, want one for each id: %+v", len(q), q)
	}
	want := []string{
		"Follow(alice@a.example → user@example.com): 202 Accepted, follower added",
		"Follow(alice@a.example → user@example.com): 202 Accepted, followed already",
		"Follow(alice@a.example → user@example.com): 202 Accepted, followed already",
	}
	if diff := cmp.Diff(want, d.told()); diff != "" {
		t.Error(diff)
	}
}

func TestFollowAgainLearnsTheNewInbox(t *testing.T) {
	synctest.Test(t, testFollowAgainLearnsTheNewInbox)
}

func testFollowAgainLearnsTheNewInbox(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	time.Sleep(actorAge)
	d.s = New(d.s.cfg)
	alice.bend(func(doc map[string]any) { doc["inbox"] = "https://a.example/new/inbox" })
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil || f.Inbox != "https://a.example/new/inbox" {
		t.Errorf("%+v, %v", f, err)
	}
	// An actor that cannot be fetched just now is known well enough.
	d.s = New(d.s.cfg)
	alice.status(502)
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Errorf("status %d", got)
	}
}

func TestFollowAwaitsApproval(t *testing.T) {
	d := newDaemon(t)
	d.s.cfg.Profile.ManuallyApproves = true
	alice := newStranger(t, d, "a.example", "alice")
	for range 2 {
		if got := alice.post(t, d, alice.follow()); got != 202 {
			t.Fatal(got)
		}
	}
	if got := d.followers(); got != "alice@a.example pending" {
		t.Error(got)
	}
	if len(d.queue()) != 0 || d.woken() {
		t.Error("an answer waits")
	}
	if n, err := d.db.CountFollowers(); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestFollowerStaysApproved(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	d.s.cfg.Profile.ManuallyApproves = true
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	if got := d.followers(); got != "alice@a.example accepted" {
		t.Error(got)
	}
}

func TestFollowOfSomebodyElse(t *testing.T) {
	for _, object := range []string{
		`"https://b.example/users/user"`, `"` + testBase + `/users/other"`, `"` + testBase + `/posts/x"`,
		`["` + testBase + `/users/other","https://b.example/users/user"]`, `null`, `{}`,
		`"https://www.w3.org/ns/activitystreams#Public"`, `"` + testBase + `/users/user/"`,
	} {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		body := strings.Replace(alice.follow(), `"`+testBase+`/users/user"`, object, 1)
		if got := alice.post(t, d, body); got != 202 {
			t.Errorf("%s: status %d", object, got)
		}
		if d.followers() != "" || alice.reads() != 0 {
			t.Errorf("%s: followers %q, %d look-ups", object, d.followers(), alice.reads())
		}
	}
}
