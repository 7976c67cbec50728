package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"crier/store"
)

const (
	// inFlightMax is how many posts may be under way at once. They mostly wait for the other side, and the
	// store sees to it that no host gets two at a time, so this many slow hosts are needed to hold up one
	// that is not.
	inFlightMax = 256

	// leaseTime is how long a claimed delivery is left alone by a deliverer that comes after a crash. It
	// must be longer than postTimeout, or a post could be under way twice.
	leaseTime = 2 * time.Minute

	// drainTime is how long posts under way may still take when the daemon stops; the whole stop has 8 s.
	drainTime = 4 * time.Second

	// storePause is how long to wait when the store cannot be written, a full disk for example.
	storePause = 10 * time.Second

	// longestSleep bounds every wait for a due time, so that a clock that was set back stalls nothing.
	longestSleep = time.Hour

	// shortestSleep keeps the loop from spinning when what is due cannot be claimed yet.
	shortestSleep = time.Second

	// settleTogether and settleMost are how long an outcome waits for others to share a write to the disk with,
	// and how many are enough. A host rests that much longer between two posts, and a crash in between repeats
	// the posts that were answered in it.
	settleTogether = 20 * time.Millisecond
	settleMost     = 64

	// bodiesKept is how many activities are kept ready: one wave has one body for all its inboxes.
	bodiesKept = 32
)

// sending is what the deliverer needs of Server beside the store.
type sending struct {
	lease  time.Duration
	now    func() time.Time // of day
	jitter func() float64   // in [0,1)

	// bodies holds activities by their ids; a body is shared by all posts of it and never changed. The
	// mutex is held while one is looked up or replaced in the store, see Server.commit.
	mu     sync.Mutex
	bodies *lru.Cache[string, letter]
}

// letter is an activity with what every post of it needs to know.
type letter struct {
	body        []byte
	typ, object string // for the activity log, as in describe
}

func newSending(lease time.Duration) *sending {
	if lease == 0 {
		lease = leaseTime
	}
	bodies, err := lru.New[string, letter](bodiesKept)
	if err != nil {
		panic(err) // only a size below one can fail
	}
	return &sending{lease: lease, now: time.Now, jitter: rand.Float64, bodies: bodies}
}

// deliverer is the state of one RunDeliverer. All of it belongs to the goroutine of that call; the posts
// under way report through results.
type deliverer struct {
	s        *Server
	results  chan store.Outcome // has room for all that are under way: no post waits for the store
	inFlight int
	settled  []store.Outcome // reported and not yet in the store
	failing  bool            // the store refused the last step
	clock    *clock
	set      time.Duration // by how much the clock was set that the store was not told of
}

// RunDeliverer sends what waits in the queue until ctx is done: whatever is due is claimed in the store,
// posted by a goroutine of its own, and settled together with whatever else came back meanwhile. It then
// claims nothing further, gives the posts under way four seconds, cancels the rest (they stay queued and
// do not count as tried) and stores what became of all of them. Only a failure of that last step is an
// error; a store that fails before is tried again.
//
// A crash at any moment loses nothing: a delivery leaves the queue only when its answer is stored, so at
// worst it is posted again, with the same activity id.
func (s *Server) RunDeliverer(ctx context.Context) error {
	posts, cancelPosts := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelPosts()
	var sweeper sync.WaitGroup
	sweeper.Go(func() { s.runSweeps(ctx) })
	defer sweeper.Wait()

	s.boundDues() // the clock may have gone wrong while we were away
	d := &deliverer{s: s, results: make(chan store.Outcome, inFlightMax), clock: newClock(s.sending.now)}
	for ctx.Err() == nil {
		d.rest(ctx, d.step(posts))
	}
	return d.drain(cancelPosts)
}

// step stores what was reported, claims what is due and starts its posts. It returns how long to wait
// for anything else.
func (d *deliverer) step(posts context.Context) time.Duration {
	room := inFlightMax - d.inFlight
	if room == 0 && len(d.settled) == 0 {
		return longestSleep
	}
	now, err := d.tellTime()
	if err != nil {
		d.storeFails(err)
		return storePause
	}
	claimed, next, err := d.s.db.Step(now, d.s.sending.lease, d.settled, room)
	if err != nil {
		d.storeFails(err)
		return storePause
	}
	d.storeWorks()
	clear(d.settled)
	d.settled = d.settled[:0]
	for _, c := range claimed {
		d.start(posts, c)
	}
	if d.inFlight == inFlightMax || next.IsZero() {
		return longestSleep
	}
	return min(max(next.Sub(now), shortestSleep), longestSleep)
}

// start begins the post of a claimed delivery.
func (d *deliverer) start(posts context.Context, c store.Delivery) {
	d.inFlight++
	activity, err := d.s.letter(c.Activity)
	go func() {
		switch {
		case errors.Is(err, store.ErrNotFound): // nothing is left to send
			d.results <- store.Outcome{Delivery: c, Result: store.Refused, Error: err.Error()}
		case err != nil:
			d.results <- store.Outcome{Delivery: c, Result: store.Retry, Next: d.s.sending.now().Add(storePause), Error: err.Error()}
		default:
			d.results <- d.s.attempt(posts, c, activity)
		}
	}()
}

// gather waits until something happened, for wait at most. An outcome is joined by the others that come with it,
// unless something new is to be sent. It reports whether there is anything to do before the wait is over.
func (d *deliverer) gather(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for first := true; first || d.inFlight > 0 && len(d.settled) < settleMost; first = false {
		select {
		case <-ctx.Done():
			return true
		case <-timer.C:
			return !first
		case <-d.s.deliver:
			return true
		case o := <-d.results:
			d.take(o)
		}
		if first {
			timer.Reset(min(wait, settleTogether))
		}
	}
	return true
}

func (d *deliverer) take(o store.Outcome) {
	d.inFlight--
	d.settled = append(d.settled, o)
}

// drain ends the posts under way and stores their outcomes.
func (d *deliverer) drain(cancelPosts context.CancelFunc) error {
	timer := time.AfterFunc(drainTime, cancelPosts)
	defer timer.Stop()
	for d.inFlight > 0 {
		d.take(<-d.results)
	}
	if len(d.settled) == 0 {
		return nil
	}
	if _, _, err := d.s.db.Step(d.s.sending.now(), d.s.sending.lease, d.settled, 0); err != nil {
		return fmt.Errorf("store what became of the last %d deliveries: %w", len(d.settled), err)
	}
	return nil
}

// storeFails says once that the store does not take outcomes. They are kept, and so the queue goes on
// where it stopped as soon as there is room again.
func (d *deliverer) storeFails(err error) {
	if !d.failing {
		d.s.log.Error("cannot store deliveries; sending stops until the store can be written", "err", err)
	}
	d.failing = true
}

func (d *deliverer) storeWorks() {
	if d.failing {
		d.s.log.Info("deliveries can be stored again")
	}
	d.failing = false
}

// letter returns an activity of ours. Its body is shared: nobody may change it.
func (s *Server) letter(activity string) (letter, error) {
	s.sending.mu.Lock()
	defer s.sending.mu.Unlock()
	if p, ok := s.sending.bodies.Get(activity); ok {
		return p, nil
	}
	a, err := s.db.Activity(activity)
	if err != nil {
		return letter{}, fmt.Errorf("read activity %s: %w", activity, err)
	}
	p := letter{body: a.Body}
	p.typ, p.object = s.describe(a.Body)
	s.sending.bodies.Add(activity, p)
	return p, nil
}

// attempt posts a delivery once and says what is to become of it. A cancelled ctx means that we stop.
func (s *Server) attempt(ctx context.Context, c store.Delivery, p letter) store.Outcome {
	if s.blocked(c.Inbox) { // since it was claimed
		return store.Outcome{Delivery: c, Result: store.Refused, Error: "blocked by the owner"}
	}
	t := try{delivery: c}
	t.answer, t.err = s.client.post(ctx, c.Inbox, p.body)
	if t.err != nil && ctx.Err() != nil {
		return store.Outcome{Delivery: c, Result: store.Cancelled}
	}
	if t.failed() {
		host, err := s.db.Host(c.Host)
		if err != nil {
			s.log.Warn("cannot read how a host fares", "host", c.Host, "err", err)
		}
		t.host = host
	}
	o := t.outcome(s.sending.now(), s.sending.jitter())
	s.report(&o, p)
	return o
}

// report adds the line for the activity log, and says in the program's own log what the owner may want to
// know. Of many failures of one delivery only the first and the last are told.
func (s *Server) report(o *store.Outcome, p letter) {
	c := o.Delivery
	if o.Result == store.Retry {
		s.log.Debug("delivery failed", "inbox", c.Inbox, "activity", c.Activity, "attempt", c.Attempts,
			"next", o.Next, "err", o.Error)
	}
	if o.Result == store.Park {
		s.log.Info("delivery given up", "inbox", c.Inbox, "activity", c.Activity, "attempts", c.Attempts,
			"err", o.Error)
	}
	if o.Result == store.Retry && c.Attempts > 1 {
		return
	}
	o.Log = []store.LogEntry{{
		Time: time.Now(), Direction: "out", Type: p.typ, Object: p.object,
		From: s.ids.Actor(), To: c.Inbox, Result: resultText(*o), Activity: c.Activity,
	}}
}
