package federation

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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

// A host that is down gets few attempts however much waits for it, and what is a week old is parked, but for the
// one that it is probed with. When it comes back it gets all that it has missed.
func TestDeadHostIsProbedAfterAWeek(t *testing.T) {
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
		time.Sleep(5 * day) // one attempt a day for all of them
		parked := 0
		for _, q := range d.queue() {
			if q.Parked && q.LastStatus == 500 {
				parked++
			}
		}
		if parked != 2 {
			t.Errorf("%d of 3 are parked", parked)
		}
		lines := d.lines()
		if last := lines[len(lines)-1]; !strings.HasSuffix(last, "500 Internal Server Error, parked after 7 days") {
			t.Errorf("the log ends with %q", last)
		}

		p.answer(statuses(202))
		before := len(p.posts())
		d.announce("example.com/d/")
		time.Sleep(day)
		var got []string
		for _, post := range p.posts()[before:] {
			got = append(got, strings.TrimPrefix(post.Object, testBase+"/posts/example.com/"))
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"a/", "b/", "c/", "d/"}) {
			t.Errorf("after its return the host received %v", got)
		}
	})
}

// What has waited for a month for a host that stays away is news to nobody: it is dropped, but for the probe.
func TestParkedIsDroppedAfterAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "dead.example")
		p.answer(statuses(500))
		d.follow(p, "ann", true)
		d.run()
		for _, key := range []string{"example.com/a/", "example.com/b/", "example.com/c/"} {
			d.announce(key)
		}
		time.Sleep(29 * 24 * time.Hour)
		if n := len(d.queue()); n != 3 {
			t.Errorf("%d deliveries wait before the month is over", n)
		}
		time.Sleep(3 * 24 * time.Hour)
		if n := len(d.queue()); n != 1 {
			t.Errorf("%d deliveries wait after it", n)
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
				once := []string{"Create"}
				if status == http.StatusBadRequest {
					once = append(once, "Create") // it may have been the way of signing
				}
				expectTypes(t, p, once...)
				if q := d.queue(); len(q) > 0 {
					t.Errorf("still queued: %+v", q)
				}
				d.announce("example.com/again/")
				settle()
				expectTypes(t, p, append(once, once...)...) // the refusal was of one activity
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
			want := []string{"Create", "Create", "Create", "Create"}
			if status == http.StatusUnauthorized {
				want = append(want, "Create", "Create") // signed in the other way, at the first try and at the last
			}
			expectTypes(t, p, want...)
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
