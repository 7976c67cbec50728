package federation

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// TestMoveTurnsDownWhoWaits: who awaits approval when the account moves is told no, once, and cannot be let in later,
// to follow an account that is gone without ever hearing of it.
func TestMoveTurnsDownWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		locked := func(c *Config) { c.Profile.ManuallyApproves = true }
		d.run()
		d.reopen(locked)
		time.Sleep(time.Minute) // what that changes is told before anybody follows
		newNewHome(d)
		a := newPeer(d.net, "a.example")
		d.follow(a, "ann", true)
		x := newStranger(t, d, "x.example", "xenia")
		d.wants(x)
		town := newPeer(d.net, "x.example")
		settle()
		d.moveHome()
		d.reopen(locked) // whenever it stops, the answer is stored with the move
		time.Sleep(time.Hour)
		settle()
		expectTypes(t, a, "Update", "Move")
		if got := expectTypes(t, town, "Reject"); got[0].Path != "/users/xenia/inbox" {
			t.Errorf("the answer came to %s", got[0].Path)
		}
		if n, err := d.db.CountPending(); n != 0 || err != nil {
			t.Errorf("%d wait (%v)", n, err)
		}
		if log := strings.Join(d.lines(), "\n"); !strings.Contains(log, "turned down: the account has moved") {
			t.Errorf("the log: %s", log)
		}
		if _, err := d.s.ApproveFollowers(t.Context(), []string{x.id()}); err == nil {
			t.Error("who was turned down was let in")
		}
	})
}

// TestApproveAfterAMove: who waits all the same, in a store of an earlier version, can be turned down, not let in.
func TestApproveAfterAMove(t *testing.T) {
	d := locked(t)
	newNewHome(d)
	d.moveHome()
	x := newStranger(t, d, "x.example", "xenia")
	d.presence(func(p *store.Presence) { p.Move = nil }) // the server still serves the move
	d.followedBy(x, store.FollowerPending)
	const want = "this account has moved, and nobody new may follow it: crier follower reject"
	if _, err := d.s.ApproveFollowers(t.Context(), []string{x.id()}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("an approval is answered with %v", err)
	}
	if _, err := d.s.ApproveAll(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("an approval of all is answered with %v", err)
	}
	if done, err := d.s.RejectFollowers(t.Context(), []string{x.id()}); err != nil || len(done) != 1 {
		t.Errorf("a rejection is answered with %v %v", done, err)
	}
	if done, err := d.s.ApproveAll(t.Context()); err != nil || len(done) != 0 {
		t.Errorf("an approval of nobody is answered with %v %v", done, err)
	}
}

// presence changes what is stored of the account, behind the server's back.
func (d *daemon) presence(edit func(*store.Presence)) {
	d.t.Helper()
	p, err := d.db.Presence()
	if err != nil {
		d.t.Fatal(err)
	}
	edit(&p)
	if _, err := d.db.SavePresence(time.Now(), p); err != nil {
		d.t.Fatal(err)
	}
}
