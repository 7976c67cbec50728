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

func TestFailsTwiceThenAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "flaky.example")
		p.answer(statuses(503, 503, 202))
		d.follow(p, "ann", true)
		d.run()
		d.announce("example.com/hello/")
		time.Sleep(10 * time.Minute)

		got := expectTypes(t, p, "Create", "Create", "Create")
		if got[0].ID != got[1].ID || got[1].ID != got[2].ID {
			t.Errorf("ids differ: %v", ids(got))
		}
		first, second := got[1].At.Sub(got[0].At), got[2].At.Sub(got[1].At)
		if first < 50*time.Second || first > 70*time.Second || second < 4*time.Minute || second > 6*time.Minute {
			t.Errorf("tried again after %v and %v, want about 1 and 5 minutes", first, second)
		}
		var results []string
		for _, l := range d.lines() {
			if strings.Contains(l, p.shared()) {
				results = append(results, l[strings.LastIndex(l, "| ")+2:])
			}
		}
		if len(results) != 2 || !strings.HasPrefix(results[0], "503 Service Unavailable, again at 2000-01-01 00:0") ||
			results[1] != "202 Accepted" {
			t.Errorf("the log says %q, want the first failure and the success", results)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"seconds", "1200", 20 * time.Minute},
		{"date", "Sat, 01 Jan 2000 03:00:00 GMT", 3 * time.Hour},
		{"far away", "99999999", 24 * time.Hour},
		{"nonsense", "soon", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				p := newPeer(d.net, "busy.example")
				p.answer(func(w http.ResponseWriter, _ *http.Request, nth int) {
					if nth == 1 {
						w.Header().Set("Retry-After", c.value)
						w.WriteHeader(http.StatusTooManyRequests)
						return
					}
					w.WriteHeader(http.StatusAccepted)
				})
				d.follow(p, "ann", true)
				d.run()
				d.announce("example.com/hello/")
				time.Sleep(48 * time.Hour)
				got := expectTypes(t, p, "Create", "Create")
				waited := got[1].At.Sub(got[0].At)
				if waited < c.want*8/10 || waited > c.want*12/10 {
					t.Errorf("waited %v, want about %v", waited, c.want)
				}
			})
		})
	}
}

// A host that is down gets few attempts however much waits for it, and what is a week old is given up and
// kept for the owner. When it comes back it gets the rest.
func TestDeadHostIsGivenUpAfterAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "dead.example")
		p.answer(statuses(500))
		d.follow(p, "ann", true)
		d.run()
		for _, key := range []string{"example.com/a/", "example.com/b/", "example.com/c/"} {
			d.announce(key)
		}
		const day = 24 * time.Hour
		time.Sleep(7*day - time.Hour)
		for _, q := range d.queue() {
			if q.Parked {
				t.Errorf("given up after %v: %+v", time.Since(q.Added), q)
			}
		}
		time.Sleep(day)
		if n := len(p.posts()); n < 10 || n > 20 {
			t.Errorf("%d attempts in eight days", n)
		}
		for _, q := range d.queue() {
			if !q.Parked || q.LastStatus != 500 {
				t.Errorf("not given up after %v: %+v", time.Since(q.Added), q)
			}
		}
		lines := d.lines()
		if last := lines[len(lines)-1]; !strings.HasSuffix(last, "500 Internal Server Error, given up after 7 days") {
			t.Errorf("the log ends with %q", last)
		}

		p.answer(statuses(202))
		before := len(p.posts())
		d.announce("example.com/d/")
		time.Sleep(day)
		if got := p.posts()[before:]; len(got) != 1 || got[0].Object != testBase+"/posts/example.com/d/" {
			t.Errorf("after its return the host received %+v, want the new post", ids(got))
		}
	})
}

// What waited while we were stopped for long is not given up at the first hitch.
func TestLongStopIsNoReasonToGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "peer.example")
		p.answer(statuses(503, 202))
		d.follow(p, "ann", true)
		d.announce("example.com/hello/")
		if _, err := d.s.PublishDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * 24 * time.Hour)
		d.run()
		time.Sleep(time.Hour)
		expectTypes(t, p, "Create", "Create")
	})
}

func TestRefusalsAreFinal(t *testing.T) {
	for _, status := range []int{301, 308, 400, 404, 405, 406, 413, 418, 422, 501} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				p := newPeer(d.net, "no.example")
				p.answer(func(w http.ResponseWriter, _ *http.Request, _ int) {
					w.Header().Set("Location", p.shared()+"/elsewhere")
					w.WriteHeader(status)
				})
				d.follow(p, "ann", true)
				d.run()
				d.announce("example.com/hello/")
				time.Sleep(48 * time.Hour)
				expectTypes(t, p, "Create")
				if q := d.queue(); len(q) > 0 {
					t.Errorf("still queued: %+v", q)
				}
				d.announce("example.com/again/")
				settle()
				expectTypes(t, p, "Create", "Create") // the refusal was of one activity
			})
		})
	}
}

func TestDeniedIsTriedAFewTimes(t *testing.T) {
	for _, status := range []int{401, 403} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon(t)
			p := newPeer(d.net, "no.example")
			p.answer(statuses(status))
			d.follow(p, "ann", true)
			d.run()
			d.announce("example.com/hello/")
			time.Sleep(14 * 24 * time.Hour)
			expectTypes(t, p, "Create", "Create", "Create", "Create")
			if q := d.queue(); len(q) > 0 {
				t.Errorf("still queued: %+v", q)
			}
		})
	}
}

// One activity that a server chokes on does not keep the next ones from it.
func TestLaterIsNotTheHostsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "odd.example")
		p.answer(statuses(408, 202))
		d.follow(p, "ann", true)
		d.run()
		d.announce("example.com/one/")
		settle()
		d.announce("example.com/two/")
		settle()
		got := expectTypes(t, p, "Create", "Create")
		if got[0].Object == got[1].Object {
			t.Error("the second post waited for the first")
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

func TestGoneInboxAndGoneActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "closing.example")
		p.answer(statuses(410))
		d.follow(p, "ann", false)
		d.follow(p, "bob", false)
		d.run()
		d.announce("example.com/hello/")
		settle()
		d.announce("example.com/more/")
		settle()
		if n := len(p.posts()); n != 2 {
			t.Errorf("%d posts, want one for each inbox and nothing after the 410", n)
		}

		p.setGone("ann", true)
		const day = 24 * time.Hour
		time.Sleep(2*day - time.Hour) // the daily looks of two days
		if n, _ := d.db.CountFollowers(); n != 2 {
			t.Errorf("%d followers after two days, want 2", n)
		}
		time.Sleep(day + time.Hour)
		if _, err := d.db.Follower(p.actor("ann")); err == nil {
			t.Error("ann still follows, although her account was gone on three days")
		}
		p.answer(nil)
		d.announce("example.com/back/")
		settle()
		posts := p.posts()
		if len(posts) != 3 || posts[2].Path != "/inbox" {
			t.Errorf("bob, who is still there, should have got the new post at the inbox that he names now: %v", ids(posts))
		}
	})
}

func TestGoneInboxWhileActorUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "closing.example")
		p.answer(statuses(410))
		d.follow(p, "ann", false)
		d.run()
		d.announce("example.com/hello/")
		settle()
		d.net.handle(p.host, nil)
		time.Sleep(30 * 24 * time.Hour)
		if n, _ := d.db.CountFollowers(); n != 1 {
			t.Error("a follower was forgotten although nobody said that its account is gone")
		}
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
