package federation

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// setClock gives the daemon a clock of its own, and returns what sets it by so much.
func (d *daemon) setClock() func(time.Duration) {
	var ahead atomic.Int64
	d.s.sending.now = func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
	return func(by time.Duration) { ahead.Add(int64(by)) }
}

// TestClockIsSet: whatever the clock does, what was to be tried again in a minute or five is tried soon, and not
// over and over.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-20 * 365 * 24 * time.Hour, -2 * time.Hour, 3 * time.Hour, 40 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				set := d.setClock()
				p, other := newPeer(d.net, "flaky.example"), newPeer(d.net, "well.example")
				p.answer(statuses(503, 503, 202))
				d.follow(p, "ann", true)
				d.follow(other, "bob", true)
				d.run()
				d.announce("example.com/one/")
				time.Sleep(30 * time.Second)
				expectTypes(t, p, "Create")
				set(by)
				time.Sleep(10 * time.Minute)
				expectTypes(t, p, "Create", "Create", "Create")
				expectTypes(t, other, "Create")
				if q := d.queue(); len(q) != 0 {
					t.Errorf("%d deliveries wait", len(q))
				}
			})
		})
	}
}

// TestClockIsSetDuringAPost: a claim that seems to be over is none, so no host gets two posts at a time.
func TestClockIsSetDuringAPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		set := d.setClock()
		p, other := newPeer(d.net, "slow.example"), newPeer(d.net, "well.example")
		p.answer(hangs)
		d.follow(p, "ann", true)
		d.follow(other, "bob", true)
		d.run()
		d.announce("example.com/one/")
		settle()
		set(time.Hour)
		d.announce("example.com/two/")
		time.Sleep(attemptTimeout / 2)
		expectTypes(t, p, "Create")
		expectTypes(t, other, "Create", "Create")
	})
}

// TestLaptopWakesUp: timers stand still while it sleeps, and yet what became due is sent within a minute or two.
func TestLaptopWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		set := d.setClock()
		var peers []*peer
		for i := range 40 {
			p := newPeer(d.net, fmt.Sprintf("p%d.example", i))
			p.answer(statuses(503, 503, 503, 202))
			d.follow(p, "x", true)
			peers = append(peers, p)
		}
		d.run()
		d.announce("example.com/one/")
		time.Sleep(10 * time.Minute)
		for _, p := range peers {
			expectTypes(t, p, "Create", "Create", "Create") // the next one in half an hour
		}
		set(9 * time.Hour)
		time.Sleep(2 * clockLook)
		for _, p := range peers {
			expectTypes(t, p, "Create", "Create", "Create", "Create")
		}
	})
}

// TestClockWasWrongAtTheStop: what a clock that was years ahead has put off is sent after the next start.
func TestClockWasWrongAtTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		set := d.setClock()
		set(5 * 365 * 24 * time.Hour)
		p := newPeer(d.net, "flaky.example")
		p.answer(statuses(503, 202))
		d.follow(p, "ann", true)
		d.run()
		d.announce("example.com/one/")
		time.Sleep(time.Second)
		expectTypes(t, p, "Create")
		d.restart() // with the right time
		time.Sleep(time.Minute)
		expectTypes(t, p, "Create", "Create")
	})
}
