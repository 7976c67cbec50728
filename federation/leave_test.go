package federation

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func undo(x *stranger, object string) string {
	return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://%s/u","type":"Undo","actor":"%s","object":%s}`,
		x.host, x.id(), object)
}

func TestUndoFollow(t *testing.T) {
	us := testBase + "/users/user"
	tests := []struct {
		name, object string
		removed      bool
	}{
		{"embedded (Mastodon)", `{"id":"https://a.example/1","type":"Follow","actor":"https://a.example/users/alice","object":"` + us + `"}`, true},
		{"embedded with another id (Misskey)", `{"id":"https://a.example/follows/7","type":"Follow","actor":"https://a.example/users/alice","object":"` + us + `"}`, true},
		{"embedded without an id", `{"type":"Follow","actor":"https://a.example/users/alice","object":{"id":"` + us + `"}}`, true},
		{"in a list", `[{"type":"Follow","actor":"https://a.example/users/alice","object":["` + us + `"]}]`, true},
		{"the id alone (Akkoma)", `"https://a.example/1"`, true},
		{"an object with nothing but an id", `{"id":"https://a.example/1"}`, true},
		{"another id alone", `"https://a.example/2"`, false},
		{"follow of somebody else", `{"type":"Follow","actor":"https://a.example/users/alice","object":"https://c.example/users/carol"}`, false},
		{"follow by somebody else", `{"type":"Follow","actor":"https://a.example/users/bob","object":"` + us + `"}`, false},
		{"nothing", `null`, false},
		{"like", `{"type":"Like","actor":"https://a.example/users/alice","object":"` + testBase + `/posts/example.com/hello/"}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			if got := alice.post(t, d, alice.follow()); got != 202 {
				t.Fatal(got)
			}
			if got := alice.post(t, d, undo(alice, test.object)); got != 202 {
				t.Errorf("status %d", got)
			}
			if removed := d.followers() == ""; removed != test.removed {
				t.Errorf("removed: %v", removed)
			}
			if removed := len(d.queue()) == 0; removed != test.removed {
				t.Errorf("what waited for it was removed: %v", removed)
			}
		})
	}
}

func TestUndoOfUnknownIDFetchesNothing(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, undo(alice, `"https://a.example/1"`)); got != 202 || alice.reads() != 0 || len(d.told()) != 0 {
		t.Errorf("status %d, %d look-ups, log %q", got, alice.reads(), d.told())
	}
}

// TestUndoBeforeItsFollow: messages overtake each other. What was taken back does not count when it comes, but the
// next one with the same id does: Misskey gives every Follow of one actor the same.
func TestUndoBeforeItsFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		send := func(body string) {
			t.Helper()
			if got := alice.post(t, d, body); got != 202 {
				t.Fatal(got)
			}
		}
		send(undo(alice, alice.follow()))
		send(alice.follow())
		if got := d.followers(); got != "" || len(d.queue()) != 0 {
			t.Errorf("the late Follow was accepted: %s", got)
		}
		send(alice.follow())
		if got := d.followers(); got != "alice@a.example accepted" {
			t.Errorf("the next Follow was not accepted: %q", got)
		}
		want := []string{
			"Undo(Follow(alice@a.example → user@example.com)): 202 Accepted, noted: it is not known, and will not count",
			"Follow(alice@a.example → user@example.com): 202 Accepted, follow not taken: it was taken back before",
			"Follow(alice@a.example → user@example.com): 202 Accepted, follower added",
		}
		if diff := cmp.Diff(want, d.told()); diff != "" {
			t.Error(diff)
		}
		send(undo(alice, alice.follow()))
		send(undo(alice, alice.follow())) // of nothing: remembered
		time.Sleep(6 * time.Hour)
		send(alice.follow())
		if got := d.followers(); got != "alice@a.example accepted" {
			t.Errorf("after six hours: %q", got)
		}
	})
}

// TestFollowByTheSameIDAgain: whoever goes and comes by one id is not shut out by an Undo that found nothing.
func TestFollowByTheSameIDAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		const follows = "alice@a.example accepted"
		for i, step := range []struct{ body, want string }{
			{undo(alice, alice.follow()), ""},
			{alice.follow(), ""}, // overtaken
			{undo(alice, alice.follow()), ""},
			{alice.follow(), follows},
			{undo(alice, alice.follow()), ""},
			{undo(alice, alice.follow()), ""}, // twice
			{alice.follow(), follows},
		} {
			time.Sleep(time.Minute)
			if got := alice.post(t, d, step.body); got != 202 || d.followers() != step.want {
				t.Errorf("step %d: %d, %q, want %q", i, got, d.followers(), step.want)
			}
		}
		bob := newStranger(t, d, "b.example", "bob") // never overtaken: its first Undo removed it
		for i, step := range []string{bob.follow(), undo(bob, bob.follow()), undo(bob, bob.follow()), bob.follow()} {
			time.Sleep(time.Minute)
			if got := bob.post(t, d, step); got != 202 {
				t.Errorf("bob, step %d: %d", i, got)
			}
		}
		if !strings.Contains(d.followers(), "bob@b.example accepted") {
			t.Errorf("%q", d.followers())
		}
	})
}

func TestUndoByAnotherActorOfTheServer(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	// bob's key, for an activity that says it is alice's.
	bob := &stranger{host: "a.example", name: "bob", pair: keyPair(t, 2), keyPath: "#main-key"}
	alice.instead(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/bob") {
			bob.documents(w, r)
			return
		}
		alice.documents(w, r)
	})
	if got := bob.post(t, d, undo(alice, alice.follow())); got != 401 {
		t.Errorf("status %d", got)
	}
	if d.followers() == "" {
		t.Error("the follower was removed")
	}
}

func selfDelete(x *stranger, object string) string {
	return fmt.Sprintf(`{"id":"%s#delete","type":"Delete","actor":"%s","to":["https://www.w3.org/ns/activitystreams#Public"],"object":%s}`,
		x.id(), x.id(), object)
}

func TestDeleteOfAFollower(t *testing.T) {
	for _, object := range []string{
		`"https://a.example/users/alice"`, `{"id":"https://a.example/users/alice","type":"Tombstone"}`,
		`{"id":"https://a.example/users/alice","type":"Person"}`, `["https://a.example/users/alice"]`,
	} {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		if got := alice.post(t, d, alice.follow()); got != 202 {
			t.Fatal(got)
		}
		alice.status(410)
		for range 2 { // to the inbox and to the shared inbox
			if got := alice.post(t, d, selfDelete(alice, object)); got != 202 {
				t.Errorf("%s: status %d", object, got)
			}
		}
		if d.followers() != "" || len(d.queue()) != 0 {
			t.Errorf("%s: %q follow", object, d.followers())
		}
		if alice.reads() != 1 {
			t.Errorf("%s: %d look-ups, want none but the first", object, alice.reads())
		}
	}
}

// TestDeleteWithAKeyThatIsGone: the stored key does not fit and cannot be had anew. The deletion counts if
// the actor's own server confirms it: at once with 410, with 404 on the third day that it says so.
func TestDeleteWithAKeyThatIsGone(t *testing.T) {
	for _, test := range []struct {
		status, want int
		removedOn    int // which day; 0: never
	}{
		{410, 202, 1}, {404, 202, 3}, {502, 503, 0},
		{200, 202, 1}, // the key was changed before: it is fetched, and fits
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				alice := newStranger(t, d, "a.example", "alice")
				if got := alice.post(t, d, alice.follow()); got != 202 {
					t.Fatal(got)
				}
				alice.pair = keyPair(t, 2) // the owner's own, or a forger's
				if test.status != 200 {
					alice.status(test.status)
				}
				for day := 1; day <= 4; day++ {
					time.Sleep(24 * time.Hour)
					want := test.want
					if removed := test.removedOn; removed > 0 && day > removed {
						want = 202 // nobody knows the actor any more
					}
					if got := alice.post(t, d, selfDelete(alice, `"https://a.example/users/alice"`)); got != want {
						t.Errorf("day %d: status %d, want %d", day, got, want)
					}
					gone := test.removedOn > 0 && day >= test.removedOn
					if (d.followers() == "") != gone {
						t.Errorf("day %d: followers %q", day, d.followers())
					}
				}
			})
		})
	}
}

// A forger who names a key that never was learns nothing and has nothing fetched but that key.
func TestForgedDeleteWithAnotherKey(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	reads := alice.reads()
	alice.pair, alice.keyPath = keyPair(t, 2), "/nope"
	alice.status(410)
	for range 20 {
		alice.post(t, d, selfDelete(alice, `"https://a.example/users/alice"`))
	}
	if d.followers() == "" {
		t.Error("removed by a forger")
	}
	if n := alice.reads() - reads; n > 1 {
		t.Errorf("%d look-ups", n)
	}
}

// Misskey makes the same id of every Undo of one follow.
func TestLeavingTwiceUnderOneID(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	for range 2 {
		if got := alice.post(t, d, alice.follow()); got != 202 || d.followers() == "" {
			t.Fatalf("follow: %d, %q", got, d.followers())
		}
		undo := `{"id":"https://a.example/follows/1/undo","type":"Undo","actor":"https://a.example/users/alice","object":` + alice.follow() + `}`
		if got := alice.post(t, d, undo); got != 202 || d.followers() != "" {
			t.Fatalf("undo: %d, %q", got, d.followers())
		}
	}
}

// The id of an activity is only its actor's to use.
func TestSeenByAnotherActor(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	eve := newStranger(t, d, "a.example", "eve")
	const id = "https://a.example/things/1"
	like := `{"id":"` + id + `","type":"Like","actor":"https://a.example/users/eve","object":"` + testBase + `/posts/x"}`
	if got := eve.post(t, d, like); got != 202 {
		t.Fatal(got)
	}
	block := `{"id":"` + id + `","type":"Block","actor":"https://a.example/users/alice","object":"` + testBase + `/users/user"}`
	if got := alice.post(t, d, block); got != 202 || d.followers() != "" {
		t.Errorf("alice's own activity: %d, %q follow", got, d.followers())
	}
}

// Whoever may not see the followers does not learn them from the answers to unproved Deletes.
func TestHiddenFollowersStayHidden(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	c := d.s.cfg
	c.Profile.HideFollowers = true
	d.s = New(c)
	body := selfDelete(alice, `"https://a.example/users/alice"`)
	if got := d.receive(postTo(t, testInbox, body, time.Now())).Code; got != 202 || d.followers() == "" {
		t.Errorf("status %d, %q follow", got, d.followers())
	}
}

func TestForgedDeleteRemovesNobody(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	body := selfDelete(alice, `"https://a.example/users/alice"`)
	if got := d.receive(postTo(t, testInbox, body, time.Now())).Code; got != 401 {
		t.Errorf("unsigned: status %d", got)
	}
	mallory := &stranger{host: "a.example", name: "alice", pair: keyPair(t, 2), keyPath: "#main-key"}
	if got := mallory.post(t, d, body); got != 401 {
		t.Errorf("with another key: status %d", got)
	}
	if d.followers() == "" {
		t.Error("the follower was removed")
	}
}

func TestBlockByAFollower(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	block := `{"id":"https://a.example/b","type":"Block","actor":"https://a.example/users/alice","object":"` + testBase + `/users/user"}`
	if got := alice.post(t, d, block); got != 202 {
		t.Fatal(got)
	}
	if d.followers() != "" {
		t.Error("still a follower")
	}
	if got := d.told()[1]; got != "Block(alice@a.example → user@example.com): 202 Accepted, follower removed" {
		t.Error(got)
	}
}

// TestNoted: what concerns us and changes nothing is verified, logged once with the reason, and answered with 202.
func TestNoted(t *testing.T) {
	post := testBase + "/posts/example.com/hello/"
	reasons := map[string]string{
		"reply": ": there is no such post", "announce": ": there is no such post", "reaction": ": there is no such post",
		"no id, only logs": ": there is no such post", "undone like": ": it is not known, and will not count",
		"addressed to us": ": what it brings is not to be had", "dislike": ": dislikes are not counted",
		"accept": ": nothing was asked for", "block": ": it blocks you", "vote": ": a vote, and there is no poll",
	}
	tests := map[string]string{
		"reply":            `{"id":"https://a.example/c","type":"Create","actor":"https://a.example/users/alice","object":{"id":"https://a.example/n","type":"Note","inReplyTo":"` + post + `","content":"<p>Nice &amp; short</p>"}}`,
		"mention":          `{"id":"https://a.example/c","type":"Create","actor":"https://a.example/users/alice","object":{"id":"https://a.example/n","type":"Note","tag":{"type":"Mention","href":"` + testBase + `/users/user"},"content":"hello"}}`,
		"announce":         `{"id":"https://a.example/c","type":"Announce","actor":"https://a.example/users/alice","object":"` + post + `"}`,
		"embedded":         `{"id":"https://a.example/c","type":"Announce","actor":"https://a.example/users/alice","object":{"id":"https://a.example/x","type":"Like","object":"` + post + `"}}`,
		"reaction":         `{"id":"https://a.example/c","type":"EmojiReact","actor":"https://a.example/users/alice","object":"` + post + `","content":"🎉"}`,
		"dislike":          `{"id":"https://a.example/c","type":"Dislike","actor":"https://a.example/users/alice","object":"` + post + `"}`,
		"accept":           `{"id":"https://a.example/c","type":"Accept","actor":"https://a.example/users/alice","object":{"type":"Follow","object":"` + post + `"}}`,
		"block":            `{"id":"https://a.example/c","type":"Block","actor":"https://a.example/users/alice","object":"` + testBase + `/users/user"}`,
		"add":              `{"id":"https://a.example/c","type":"Add","actor":"https://a.example/users/alice","object":"` + post + `","target":"https://a.example/users/alice/featured"}`,
		"vote":             `{"id":"https://a.example/c","type":"Create","actor":"https://a.example/users/alice","object":[{"type":"Note","name":"yes","inReplyTo":"` + post + `"},{"type":"Note","name":"no","inReplyTo":"` + post + `"}]}`,
		"undone like":      `{"id":"https://a.example/c","type":"Undo","actor":"https://a.example/users/alice","object":{"id":"https://a.example/l","type":"Like","object":"` + post + `"}}`,
		"addressed to us":  `{"id":"https://a.example/c","type":"Create","actor":"https://a.example/users/alice","to":"` + testBase + `/users/user","object":"https://a.example/n"}`,
		"no id, only logs": `{"type":"Like","actor":"https://a.example/users/alice","object":"` + post + `"}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			if got := alice.post(t, d, body); got != 202 {
				t.Fatal(got)
			}
			if lines := d.told(); len(lines) != 1 || !strings.HasSuffix(lines[0], ": 202 Accepted, noted"+reasons[name]) {
				t.Errorf("%q", lines)
			}
			list, err := d.db.Log(0, 0, true)
			if err != nil {
				t.Fatal(err)
			}
			if l := list[0]; string(l.Source) != body || l.From != alice.id() || l.To != testInbox || l.Direction != "in" {
				t.Errorf("%+v", l)
			}
		})
	}
}

func TestLongActivitiesAreNotKept(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	body := strings.Replace(aboutUs, `{"id"`, `{"pad":"`+strings.Repeat("x", maxSource)+`","id"`, 1)
	if got := alice.post(t, d, body); got != 202 {
		t.Fatal(got)
	}
	list, err := d.db.Log(0, 0, true)
	if err != nil || len(list) != 1 || list[0].Source != nil {
		t.Errorf("%d lines, %v", len(list), err)
	}
}
