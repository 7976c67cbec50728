package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

func types(posts []received) []string {
	var list []string
	for _, p := range posts {
		list = append(list, p.Type)
	}
	return list
}

func ids(posts []received) []string {
	var list []string
	for _, p := range posts {
		list = append(list, p.ID)
	}
	return list
}

func expectTypes(t *testing.T, p *peer, want ...string) []received {
	t.Helper()
	got := p.posts()
	if !slices.Equal(types(got), want) {
		t.Fatalf("%s received %v, want %v", p.host, types(got), want)
	}
	return got
}

// settle lets everything that is due now happen.
func settle() { synctest.Wait() }

func TestOneCopyForASharedInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		big, small := newPeer(d.net, "big.example"), newPeer(d.net, "small.example")
		d.follow(big, "ann", true)
		d.follow(big, "bob", true)
		d.follow(small, "cleo", false)
		d.run()
		d.announce("example.com/hello/")
		settle()

		got := expectTypes(t, big, "Create")
		if got[0].Path != "/inbox" {
			t.Errorf("posted to %s, want the shared inbox", got[0].Path)
		}
		if got := expectTypes(t, small, "Create"); got[0].Path != "/users/cleo/inbox" {
			t.Errorf("posted to %s, want the actor's inbox", got[0].Path)
		}
		if q := d.queue(); len(q) > 0 {
			t.Errorf("still queued: %+v", q)
		}
	})
}

// One that never answers holds up nobody, and neither does one that answers with errors.
func TestSlowHostDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		for i := range 10 {
			p := newPeer(d.net, fmt.Sprintf("hangs%d.example", i))
			p.answer(hangs)
			d.follow(p, "x", true)
		}
		var good []*peer
		for i := range 10 {
			p := newPeer(d.net, fmt.Sprintf("good%d.example", i))
			good = append(good, p)
			d.follow(p, "x", true)
		}
		d.run()
		start := time.Now()
		d.announce("example.com/hello/")
		settle()
		for _, p := range good {
			if got := expectTypes(t, p, "Create"); got[0].At != start {
				t.Errorf("%s waited %v", p.host, got[0].At.Sub(start))
			}
		}
		time.Sleep(settleTogether)
		settle()
		if q := d.queue(); len(q) != 10 {
			t.Errorf("%d deliveries wait, want the 10 that hang", len(q))
		}
	})
}

func TestOnePostAtATimeForAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "slow.example")
		busy, most := 0, 0
		p.answer(func(w http.ResponseWriter, r *http.Request, _ int) {
			p.mu.Lock()
			busy++
			most = max(most, busy)
			p.mu.Unlock()
			time.Sleep(3 * time.Second)
			p.mu.Lock()
			busy--
			p.mu.Unlock()
			w.WriteHeader(http.StatusAccepted)
		})
		for _, name := range []string{"a", "b", "c", "d"} {
			d.follow(p, name, false)
		}
		d.run()
		d.announce("example.com/one/")
		d.announce("example.com/two/")
		time.Sleep(time.Minute)
		posts := len(p.posts())
		p.mu.Lock()
		defer p.mu.Unlock()
		if most != 1 || posts != 8 {
			t.Errorf("%d posts, up to %d at once; want 8, one at a time", posts, most)
		}
	})
}

func TestOrderOfOneObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		quick, slow := newPeer(d.net, "quick.example"), newPeer(d.net, "slow.example")
		slow.answer(statuses(503, 503, 202))
		d.follow(quick, "ann", true)
		d.follow(slow, "bob", true)
		d.run()
		const key = "example.com/hello/"
		d.announce(key)
		settle()
		time.Sleep(time.Second)
		d.edit(key, "Second text")
		time.Sleep(time.Hour)
		d.remove(key)
		settle()
		expectTypes(t, quick, "Create", "Update", "Delete")
		// The Update waits for the Create, which may have been taken although the answer was an error.
		expectTypes(t, slow, "Create", "Create", "Create", "Update", "Delete")
		if q := d.queue(); len(q) > 0 {
			t.Errorf("still queued: %+v", q)
		}
	})
}

// A Delete makes everything before it pointless, but is itself sent for whatever was tried.
func TestDeleteOvertakesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "down.example")
		p.answer(statuses(503, 202))
		d.follow(p, "ann", true)
		d.run()
		const key = "example.com/hello/"
		d.announce(key)
		settle()
		d.edit(key, "Second text")
		settle()
		d.remove(key)
		time.Sleep(time.Hour)
		expectTypes(t, p, "Create", "Delete")
	})
}

// An edit while the first delivery still waits must not be lost: the Create carries the new text then.
func TestQueuedCreateCarriesTheNewestText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "peer.example")
		p.answer(statuses(503, 202))
		d.follow(p, "ann", true)
		good := newPeer(d.net, "good.example") // is sent the old text, so that it is in memory
		d.follow(good, "bob", true)
		d.run()
		const first, second = "example.com/first/", "example.com/second/"
		d.announce(first) // fails, so that the host rests
		settle()
		d.announce(second) // waits, never tried
		settle()
		d.edit(second, "Newest text")
		settle()
		time.Sleep(time.Hour)
		var bodies []string
		for _, g := range p.posts() {
			if strings.HasSuffix(g.Object, second) {
				bodies = append(bodies, string(g.Body))
			}
		}
		if len(bodies) != 1 || !strings.Contains(bodies[0], "Newest text") || !strings.Contains(bodies[0], `"Create"`) {
			t.Errorf("received %s", bodies)
		}
		expectTypes(t, good, "Create", "Create", "Update")
	})
}

func TestNeverToOurselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		us := newPeer(d.net, "fedi.example.com")
		d.follow(us, "ann", true)
		d.run()
		d.announce("example.com/hello/")
		time.Sleep(48 * time.Hour)
		expectTypes(t, us)
		if q := d.queue(); len(q) > 0 {
			t.Errorf("still queued: %+v", q)
		}
	})
}

func TestRestartLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		down, good := newPeer(d.net, "down.example"), newPeer(d.net, "good.example")
		down.answer(statuses(503, 202))
		d.follow(down, "ann", true)
		d.follow(good, "bob", true)
		d.run()
		d.announce("example.com/hello/")
		settle()
		d.restart()
		time.Sleep(time.Hour)
		expectTypes(t, good, "Create")
		got := expectTypes(t, down, "Create", "Create")
		if got[0].ID != got[1].ID || got[0].ID != good.posts()[0].ID {
			t.Errorf("ids differ: %v, %v", ids(got), ids(good.posts()))
		}
	})
}

// A stop waits four seconds for posts under way; what is cancelled then is sent at the next start and does
// not count as tried.
func TestStopDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		slow, hanging := newPeer(d.net, "slow.example"), newPeer(d.net, "hangs.example")
		slow.answer(func(w http.ResponseWriter, _ *http.Request, _ int) {
			time.Sleep(3 * time.Second)
			w.WriteHeader(http.StatusAccepted)
		})
		hanging.answer(hangs)
		d.follow(slow, "ann", true)
		d.follow(hanging, "bob", true)
		d.run()
		d.announce("example.com/hello/")
		settle()
		start := time.Now()
		d.halt()
		if took := time.Since(start); took != drainTime {
			t.Errorf("the stop took %v, want %v", took, drainTime)
		}
		q := d.queue()
		if len(q) != 1 || q[0].Inbox != hanging.shared() || q[0].Attempts != 0 || q[0].Next.After(time.Now()) {
			t.Fatalf("queue %+v, want the cancelled delivery, due at once", q)
		}
		hanging.answer(nil)
		d.run()
		settle()
		if got := expectTypes(t, hanging, "Create", "Create"); got[0].ID != got[1].ID {
			t.Errorf("ids differ: %v", ids(got))
		}
		expectTypes(t, slow, "Create")
	})
}

func TestManyHostsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("signs 600 requests")
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		const hosts = 600 // more than may be in flight
		var peers []*peer
		for i := range hosts {
			p := newPeer(d.net, fmt.Sprintf("h%d.example", i))
			peers = append(peers, p)
			d.follow(p, "x", true)
		}
		d.run()
		d.announce("example.com/hello/")
		settle()
		for _, p := range peers {
			expectTypes(t, p, "Create")
		}
	})
}

func TestActivityLogOfAWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "peer.example")
		d.follow(p, "ann", true)
		d.run()
		d.announce("example.com/hello/")
		settle()
		lines, err := d.db.Log(0, 0, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != 2 {
			t.Fatalf("%d lines: %q", len(lines), d.lines())
		}
		slices.SortFunc(lines, func(a, b store.LogEntry) int { return strings.Compare(b.Result, a.Result) })
		for i, want := range []struct{ to, result string }{{"1 inbox", "queued"}, {p.shared(), "202 Accepted"}} {
			l := lines[i]
			if l.Direction != "out" || l.Type != "Create" || !strings.Contains(l.Object, "Note") ||
				l.From != testBase+"/users/user" || l.To != want.to || l.Result != want.result {
				t.Errorf("line %+v, want %+v", l, want)
			}
			if !json.Valid(l.Source) || !strings.Contains(string(l.Source), "example.com/hello/") {
				t.Errorf("line %d has no source: %s", i, l.Source)
			}
		}
	})
}

// What was cut off by a stop may have been taken by the other side: an edit must reach it as an Update,
// since a second Create with the same id is ignored there.
func TestEditAfterACutOffCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "slow.example")
		p.answer(func(w http.ResponseWriter, r *http.Request, nth int) {
			if nth == 1 {
				hangs(w, r, nth)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		})
		d.follow(p, "ann", true)
		d.run()
		const key = "example.com/hello/"
		d.announce(key)
		settle()
		d.halt()
		d.edit(key, "Newest text")
		if _, err := d.s.PublishDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.run()
		time.Sleep(time.Hour)
		got := expectTypes(t, p, "Create", "Create", "Update")
		if !strings.Contains(string(got[2].Body), "Newest text") {
			t.Errorf("received %s", got[2].Body)
		}
	})
}
