package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"crier/store"
)

// locked is a daemon whose owner approves followers by hand.
func locked(t *testing.T) *daemon {
	d := newDaemon(t)
	d.s.cfg.Profile.ManuallyApproves = true
	return d
}

// wants has somebody follow.
func (d *daemon) wants(x *stranger) {
	d.t.Helper()
	if got := x.post(d.t, d, x.follow()); got != 202 {
		d.t.Fatalf("the follow of %s: status %d", x.id(), got)
	}
}

// answers are the activities that wait in the queue, as "Type(embedded type of id) to inbox".
func (d *daemon) answers() []string {
	d.t.Helper()
	var all []string
	for _, q := range d.queue() {
		var a struct {
			Type   string
			Object followActivity
		}
		body, err := d.db.Activity(q.Activity)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := json.Unmarshal(body.Body, &a); err != nil {
			d.t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s(%s %s) to %s", a.Type, a.Object.Type, a.Object.ID, q.Inbox))
	}
	return all
}

func (d *daemon) ids() []string {
	var all []string
	for _, q := range d.queue() {
		all = append(all, q.Activity)
	}
	return all
}

func alike(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestApprove(t *testing.T) {
	d := locked(t)
	alice := newStranger(t, d, "a.example", "alice")
	d.wants(alice)
	changes, err := d.s.ApproveFollowers(t.Context(), []string{"@alice@a.example", alice.id()})
	if err != nil || len(changes) != 1 || !changes[0].Changed {
		t.Fatal(changes, err)
	}
	alike(t, "followers", "alice@a.example accepted", d.followers())
	alike(t, "queue", []string{"Accept(Follow https://a.example/1) to https://a.example/users/alice/inbox"}, d.answers())
	if n, err := d.db.CountFollowers(); n != 1 || err != nil || !d.woken() {
		t.Errorf("%d followers, %v", n, err)
	}
	alike(t, "log", []string{
		"Follow(alice@a.example → user@example.com): 202 Accepted, awaits approval",
		"Accept(Follow(alice@a.example → user@example.com)): approved by the owner",
	}, d.told())

	// Her server asks again because the Accept is slow: it is the same one. To approve again changes nothing.
	d.wants(alice)
	changes, err = d.s.ApproveFollowers(t.Context(), []string{"alice@a.example"})
	if err != nil || len(changes) != 1 || changes[0].Changed || len(d.queue()) != 1 {
		t.Errorf("%+v, %v, queue %v", changes, err, d.answers())
	}
}

func TestApproveAll(t *testing.T) {
	d := locked(t)
	if changes, err := d.s.ApproveAll(t.Context()); err != nil || len(changes) != 0 {
		t.Error(changes, err)
	}
	p := newPeer(d.net, "p.example")
	d.follow(p, "old", true)
	for _, name := range []string{"a", "b"} {
		d.wants(newStranger(t, d, name+".example", name))
	}
	changes, err := d.s.ApproveAll(t.Context())
	if err != nil || len(changes) != 2 || len(d.queue()) != 2 {
		t.Errorf("%+v, %v, %d answers", changes, err, len(d.queue()))
	}
	if n, _ := d.db.CountPending(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

// TestNoneOrAll: a name that fits nobody, or one that the verdict does not fit, stops the whole of it.
func TestNoneOrAll(t *testing.T) {
	d := locked(t)
	alice, bob := newStranger(t, d, "a.example", "alice"), newStranger(t, d, "b.example", "bob")
	d.wants(alice)
	d.wants(bob)
	if _, err := d.s.ApproveFollowers(t.Context(), []string{bob.id()}); err != nil {
		t.Fatal(err)
	}
	before := d.answers()
	for _, test := range []struct {
		act   func() ([]FollowerChange, error)
		wrong string
	}{
		{func() ([]FollowerChange, error) {
			return d.s.ApproveFollowers(t.Context(), []string{alice.id(), "nobody@nowhere.example"})
		}, "nobody by the name of nobody@nowhere.example follows; see crier follower list"},
		{func() ([]FollowerChange, error) {
			return d.s.ApproveFollowers(t.Context(), []string{alice.id(), "alice"})
		}, `"alice" is neither a handle`},
		{func() ([]FollowerChange, error) {
			return d.s.RejectFollowers(t.Context(), []string{alice.id(), bob.id()})
		},
			"@bob@b.example follows already; to end that: crier follower remove @bob@b.example"},
		{func() ([]FollowerChange, error) {
			return d.s.RemoveFollowers(t.Context(), []string{bob.id(), alice.id()})
		},
			"@alice@a.example awaits approval; to turn that down: crier follower reject @alice@a.example"},
	} {
		if _, err := test.act(); err == nil || !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%v, want %s", err, test.wrong)
		}
		alike(t, "followers", "bob@b.example accepted, alice@a.example pending", d.followers())
		alike(t, "queue", before, d.answers())
	}
}

func TestReject(t *testing.T) { synctest.Test(t, testReject) } // the id has the moment in it

func testReject(t *testing.T) {
	d := locked(t)
	alice := newStranger(t, d, "a.example", "alice")
	d.wants(alice)
	if _, err := d.s.RejectFollowers(t.Context(), []string{alice.id()}); err != nil {
		t.Fatal(err)
	}
	if d.followers() != "" || len(d.queue()) != 1 || !d.woken() {
		t.Fatalf("followers %s, queue %v", d.followers(), d.answers())
	}
	reject, err := d.db.Activity(d.queue()[0].Activity)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "reject.json", reject.Body)
	if got := d.told()[1]; got != "Reject(Follow(alice@a.example → user@example.com)): turned down by the owner" {
		t.Error(got)
	}

	// She may ask again, and then the old Reject must not arrive any more: Mastodon would end the new follow by it.
	time.Sleep(time.Minute)
	d.wants(alice)
	alike(t, "followers", "alice@a.example pending", d.followers())
	alike(t, "queue", []string(nil), d.answers())
	if _, err := d.s.RejectFollowers(t.Context(), []string{alice.id()}); err != nil {
		t.Fatal(err)
	}
	if again := d.ids(); len(again) != 1 || again[0] == reject.ID {
		t.Errorf("the second Reject has the id of the first: %v", again)
	}
}

// TestRemoveAndFollowAgain has a server that gives each Follow the same id (Misskey), at a peer that takes no id
// twice (Lemmy, Fedify): every answer must have an id of its own.
func TestRemoveAndFollowAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		seen := map[string]bool{}
		for range 3 {
			time.Sleep(time.Second)
			for range 2 { // the second one asks for the same Accept
				d.wants(alice)
			}
			accept := d.ids()
			if _, err := d.s.RemoveFollowers(t.Context(), []string{alice.id()}); err != nil {
				t.Fatal(err)
			}
			reject := d.ids()
			alike(t, "queue", []string{"Reject(Follow https://a.example/1) to https://a.example/users/alice/inbox"}, d.answers())
			if len(accept) != 1 || seen[accept[0]] || seen[reject[0]] || accept[0] == reject[0] {
				t.Errorf("accept %v, reject %v, before %v", accept, reject, seen)
			}
			seen[accept[0]], seen[reject[0]] = true, true
		}
	})
}

// TestLateReject: a Reject that did not arrive yet does not come after the Accept of the next follow, which has another
// id at its own server.
func TestLateReject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "slow.example")
		d.follow(p, "ann", false)
		p.answer(statuses(503, 202))
		d.run()
		if _, err := d.s.RemoveFollowers(t.Context(), []string{p.actor("ann")}); err != nil {
			t.Fatal(err)
		}
		settle()
		if got := p.posts(); len(got) != 1 || got[0].Type != "Reject" {
			t.Fatalf("%v", ids(got))
		}
		f := store.Follower{
			Actor: p.actor("ann"), Inbox: p.inbox("ann"), FollowID: p.actor("ann") + "/follows/2", Since: time.Now(),
			Follow: json.RawMessage(`{"type":"Follow"}`), State: store.FollowerAccepted,
		}
		accept, err := d.s.answerFollow("Accept", f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.db.AddFollower(time.Now(), store.Follow{Follower: f, Answer: &accept}); err != nil {
			t.Fatal(err)
		}
		d.s.WakeDeliverer()
		time.Sleep(time.Hour)
		got := p.posts()
		if len(got) != 2 || got[1].Type != "Accept" {
			t.Errorf("after the Reject that failed: %v", ids(got))
		}
	})
}

func TestRemovedGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "p.example")
		d.follow(p, "ann", true)
		d.follow(p, "bob", true)
		d.run()
		if _, err := d.s.RemoveFollowers(t.Context(), []string{"ann@p.example"}); err != nil {
			t.Fatal(err)
		}
		settle()
		d.announce("example.com/one/")
		settle()
		if _, err := d.s.RemoveFollowers(t.Context(), []string{"bob@p.example"}); err != nil {
			t.Fatal(err)
		}
		settle()
		d.announce("example.com/two/")
		settle()
		var got []string
		for _, r := range p.posts() {
			got = append(got, r.Type+" "+r.Path)
		}
		alike(t, "the peer got", []string{"Reject /users/ann/inbox", "Create /inbox", "Reject /users/bob/inbox"}, got)
	})
}

func TestPendingGetNothingAndAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := locked(t)
		p := newPeer(d.net, "p.example")
		d.follow(p, "ann", true)
		d.wants(newStranger(t, d, "a.example", "alice"))
		d.run()
		d.announce("example.com/one/")
		settle()
		if n := len(p.posts()); n != 1 || len(d.queue()) != 0 {
			t.Errorf("%d posts arrived, %d wait", n, len(d.queue()))
		}
		alike(t, "collection", []any{p.actor("ann")}, d.walk("/users/user/followers"))
		if c := d.object("/users/user/followers"); c["totalItems"] != 1.0 {
			t.Errorf("%v followers in all", c["totalItems"])
		}
	})
}

// TestPendingEnds: whoever waits and leaves, in any way, waits no longer.
func TestPendingEnds(t *testing.T) {
	block := func(x *stranger) string {
		return fmt.Sprintf(`{"id":"https://%s/b","type":"Block","actor":"%s","object":"%s/users/user"}`, x.host, x.id(), testBase)
	}
	for name, body := range map[string]func(*stranger) string{
		"Undo":   func(x *stranger) string { return undo(x, x.follow()) },
		"Delete": func(x *stranger) string { return selfDelete(x, `"`+x.id()+`"`) },
		"Block":  block,
	} {
		d := locked(t)
		alice := newStranger(t, d, "a.example", "alice")
		d.wants(alice)
		if got := alice.post(t, d, body(alice)); got != 202 || d.followers() != "" {
			t.Errorf("%s: status %d, followers %q", name, got, d.followers())
		}
	}
}

// TestApprovalTurnedOff: who waits then stays waiting until the owner says something, or until they ask again.
func TestApprovalTurnedOff(t *testing.T) {
	d := locked(t)
	alice, bob := newStranger(t, d, "a.example", "alice"), newStranger(t, d, "b.example", "bob")
	d.wants(alice)
	d.wants(bob)
	cfg := d.s.cfg
	cfg.Profile.ManuallyApproves = false
	d.s = New(cfg)
	if n, err := d.db.CountPending(); n != 2 || err != nil {
		t.Error(n, err)
	}
	d.wants(bob)
	alike(t, "followers", "bob@b.example accepted, alice@a.example pending", d.followers())
}

// TestOwnerAndFollowAtOnce: a Follow that is being decided on while the owner approves does not undo that.
func TestOwnerAndFollowAtOnce(t *testing.T) {
	d := locked(t)
	alice := newStranger(t, d, "a.example", "alice")
	d.wants(alice)
	f, err := d.db.Follower(alice.id())
	if err != nil {
		t.Fatal(err)
	}
	late := store.Follow{Follower: f}
	if _, err := d.s.decide(&late); err != nil {
		t.Fatal(err)
	}
	if _, err := d.s.ApproveAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.db.AddFollower(time.Now(), late); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a decision on what has changed: %v", err)
	}
	if _, err := d.s.approve([]store.Follower{f}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the owner's word on what has changed: %v", err)
	}
	alike(t, "followers", "alice@a.example accepted", d.followers())
}

func TestFollowerNames(t *testing.T) {
	d := newDaemon(t)
	d.s.cfg.Profile.ManuallyApproves = true
	p := newPeer(d.net, "xn--bcher-kva.example")
	add := func(actor, handle string) {
		f := store.Follower{
			Actor: actor, Inbox: actor + "/inbox", Handle: handle, Since: time.Now(), State: store.FollowerAccepted,
			FollowID: actor + "/1", Follow: json.RawMessage(`{"type":"Follow"}`),
		}
		if _, err := d.db.AddFollower(time.Now(), store.Follow{Follower: f}); err != nil {
			t.Fatal(err)
		}
	}
	add(p.actor("Émile"), "Émile@xn--bcher-kva.example")
	add("https://social.example/ap/users/117", "Anna@social.example")
	add("https://social.example/users/split", "split@handles.example")
	add("https://social.example/users/twin", "twin@social.example")
	add("https://social.example/ap/users/118", "twin@social.example")
	resolved := newStranger(t, d, "other.example", "carol")
	add(resolved.id(), "carol@other.example")

	for name, want := range map[string]string{
		"@anna@social.example":                "https://social.example/ap/users/117",
		" ANNA@Social.Example. ":              "https://social.example/ap/users/117",
		"acct:anna@SOCIAL.example":            "https://social.example/ap/users/117",
		"https://social.example/ap/users/117": "https://social.example/ap/users/117",
		"émile@bücher.example":                p.actor("Émile"),
		"@ÉMILE@BÜCHER.example":               p.actor("Émile"),
		"@split@handles.example":              "https://social.example/users/split",
		"split@social.example":                "https://social.example/users/split", // as the log shows it
		"https://social.example/users/twin":   "https://social.example/users/twin",
		"carol@other.example":                 resolved.id(),
	} {
		found, err := d.s.findFollowers(t.Context(), []string{name})
		if err != nil || len(found) != 1 || found[0].Actor != want {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	if resolved.reads() != 0 || len(p.posts()) != 0 {
		t.Error("a follower who is known was looked up")
	}
	if _, err := d.s.findFollowers(t.Context(), []string{"twin@social.example"}); err == nil || !strings.Contains(err.Error(), "name the one you mean by its address") {
		t.Errorf("two of one name: %v", err)
	}
	// A name that is stored nowhere is asked for at its own host.
	d.server("alias.example", jrdServer(t, map[string][2]string{"acct:c@alias.example": {"acct:c@alias.example", resolved.id()}}))
	found, err := d.s.findFollowers(t.Context(), []string{"c@alias.example"})
	if err != nil || len(found) != 1 || found[0].Actor != resolved.id() || resolved.reads() == 0 {
		t.Errorf("%+v, %v, %d look-ups", found, err, resolved.reads())
	}
}
