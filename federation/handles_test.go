package federation

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// showing runs what asks for handles until the test ends.
func (d *daemon) showing() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.s.RunHandles(ctx) }()
	d.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

// shows is how the owner is shown that somebody is called, and how it is when what is asked for meanwhile is known.
func (d *daemon) shows(id, own string) (first, then string) {
	d.t.Helper()
	for _, name := range []*string{&first, &then} {
		names, err := d.s.Handles(map[string]string{id: own})
		if err != nil {
			d.t.Fatal(err)
		}
		*name = names[id]
		time.Sleep(2 * handlePause)
		synctest.Wait()
	}
	return first, then
}

// TestHandlesOfFollowers: the handle on another domain is shown once both hosts have agreed on it, by the one that the
// actor names or by what its own host says; nobody is asked for it before somebody wants to see it.
func TestHandlesOfFollowers(t *testing.T) {
	const split, own = "ann@handle.example", "ann@peer.example"
	for name, c := range map[string]struct {
		bend func(d *daemon, x *stranger)
		want string
	}{
		"the actor names it": {func(*daemon, *stranger) {}, split},
		"its host leads on":  {func(_ *daemon, x *stranger) { x.bend(func(map[string]any) {}) }, split},
		"the actor claims another's": {func(d *daemon, x *stranger) {
			d.server("handle.example", jrdServer(t, map[string][2]string{
				"acct:" + split: {"acct:" + split, "https://handle.example/users/ann"},
			}))
		}, own},
		"no host knows it": {func(d *daemon, x *stranger) {
			d.server("handle.example", http.NotFound)
			x.instead(x.documents)
		}, own},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				x := newSplit(t, d)
				c.bend(d, x)
				d.showing()
				if code := x.post(t, d, x.follow()); code != http.StatusAccepted {
					t.Fatalf("follow: %d", code)
				}
				before := x.reads()
				time.Sleep(time.Hour)
				if n := x.reads(); n != before {
					t.Errorf("%d requests for a handle that nobody wants to see", n-before)
				}
				first, then := d.shows(x.id(), own)
				if first != own || then != c.want {
					t.Errorf("shown as %s, then %s, want %s", first, then, c.want)
				}
				before = x.reads()
				time.Sleep(time.Hour)
				if _, again := d.shows(x.id(), own); again != c.want || x.reads() != before {
					t.Errorf("shown as %s after %d more requests", again, x.reads()-before)
				}
				if renamed, _ := d.shows(x.id(), "anna@peer.example"); renamed != "anna@peer.example" {
					t.Errorf("renamed, but shown as %s", renamed)
				}
				d.sound()
			})
		})
	}
}

// TestHandleGoesWithItsActor: nothing is kept of who is gone, and nothing of a stranger.
func TestHandleGoesWithItsActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		x := newSplit(t, d)
		d.showing()
		x.post(t, d, x.follow())
		if _, then := d.shows(x.id(), "ann@peer.example"); then != "ann@handle.example" {
			t.Fatalf("shown as %s", then)
		}
		done, err := d.s.RemoveFollowers(t.Context(), []string{"@ann@handle.example"})
		if err != nil || len(done) != 1 || done[0].Follower.Actor != x.id() {
			t.Fatalf("removed by the handle that is shown: %+v, %v", done, err)
		}
		if kept, err := d.db.Handles([]string{x.id()}); err != nil || len(kept) > 0 {
			t.Errorf("kept %+v, %v", kept, err)
		}
		if kept, err := d.db.PutHandle(store.Handle{Actor: x.id(), Handle: "ann@handle.example"}); err != nil || kept {
			t.Errorf("a stranger's is kept: %v, %v", kept, err)
		}
		d.sound()
	})
}

// TestHandleOfWhoReacted: it is confirmed and kept for somebody who only liked a post, until that is taken back.
func TestHandleOfWhoReacted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := published(t, "example.com/a/")
		x := newSplit(t, d)
		d.showing()
		like := fmt.Sprintf(`{"id":"https://peer.example/likes/1","type":"Like","actor":"%s","object":"%s/posts/example.com/a/"}`, x.id(), testBase)
		for _, body := range []string{like, fmt.Sprintf(`{"id":"https://peer.example/undo/1","type":"Undo","actor":"%s","object":%s}`, x.id(), like)} {
			if code := x.post(t, d, body); code != http.StatusAccepted {
				t.Fatalf("%d for %s", code, body)
			}
			if body == like {
				if first, then := d.shows(x.id(), "ann@peer.example"); first != "ann@peer.example" || then != "ann@handle.example" {
					t.Errorf("shown as %s, then %s", first, then)
				}
			}
			d.sound()
		}
		if kept, err := d.db.Handles([]string{x.id()}); err != nil || len(kept) > 0 {
			t.Errorf("kept %+v, %v", kept, err)
		}
	})
}

// TestManyHandles: however many are wanted, they are asked for one after the other, few of one host in a minute, and
// what waits is bounded.
func TestManyHandles(t *testing.T) {
	h := newHandles()
	var all []string
	for i := range 2 * handlesWanted {
		host := "big.example"
		if i%10 == 9 {
			host = fmt.Sprintf("small%d.example", i)
		}
		all = append(all, fmt.Sprintf("https://%s/users/%d", host, i))
	}
	h.want(all)
	h.want(all)
	if len(h.wanted) != handlesWanted {
		t.Errorf("%d wait", len(h.wanted))
	}
	now := time.Now()
	asked := map[bool]int{}
	for {
		actor, none := h.next(now)
		if actor == "" {
			if none {
				t.Error("nobody waits, but most were not asked")
			}
			break
		}
		asked[strings.Contains(actor, "big.example")]++
	}
	if asked[true] != handlesOfHost || asked[false] != handlesWanted/10 {
		t.Errorf("asked %d of one host and %d others", asked[true], asked[false])
	}
	if actor, _ := h.next(now.Add(time.Minute)); actor == "" {
		t.Error("nobody is asked a minute later")
	}
}
