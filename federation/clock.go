package federation

import (
	"context"
	"fmt"
	"time"
)

const (
	// clockSlip is the least by which a clock counts as set: less is what time servers correct all the time.
	clockSlip = 30 * time.Second

	// clockLook is how often the clock is looked at while something waits for it. Timers stand still while a laptop
	// sleeps, and do not notice a clock that is set.
	clockLook = time.Minute

	// farthestDue is how far away anything can be due: the longest pause with its jitter, and an hour to spare.
	farthestDue = 24*time.Hour*(100+15)/100 + time.Hour
)

// clock tells the time of day and notices when it jumps, which the durations between its answers do not show.
type clock struct {
	now   func() time.Time // of day; it may jump
	began time.Time        // its monotonic reading is what counts
	wall  time.Time        // the last answer
	ran   time.Duration    // since began, at the last answer
}

func newClock(now func() time.Time) *clock {
	began := time.Now()
	return &clock{now: now, began: began, wall: now()}
}

// read is the time of day, and by how much the clock was set since the last call: a sleeping computer's is set ahead
// when it wakes up. 0: it ran as it should.
func (c *clock) read() (now time.Time, set time.Duration) {
	now, ran := c.now(), time.Since(c.began)
	set = now.Round(0).Sub(c.wall.Round(0)) - (ran - c.ran)
	c.wall, c.ran = now, ran
	if set.Abs() < clockSlip {
		return now, 0
	}
	return now, set
}

// tellTime is the time of day. A clock that was set is told to the store first.
func (d *deliverer) tellTime() (time.Time, error) {
	now, set := d.clock.read()
	if d.set += set; d.set == 0 {
		return now, nil
	}
	hosts, err := d.s.db.ClockSet(now, d.set, farthestDue)
	if err != nil {
		return now, fmt.Errorf("carry the queue over to the clock that was set: %w", err)
	}
	d.s.log.Info("the clock was set", "by", d.set.Round(time.Second).String(), "hosts", hosts)
	d.set = 0
	return now, nil
}

// rest gathers what comes until wait is over by the time of day, which may be sooner than a timer would say.
func (d *deliverer) rest(ctx context.Context, wait time.Duration) {
	for end := d.clock.wall.Add(wait); wait > 0; {
		if d.gather(ctx, min(wait, clockLook)) {
			return
		}
		now, set := d.clock.read()
		if d.set += set; set != 0 {
			return
		}
		wait = end.Sub(now)
	}
}

// boundDues makes due what waits for a time that no pause can have meant.
func (s *Server) boundDues() {
	hosts, err := s.db.ClockSet(s.sending.now(), 0, farthestDue)
	switch {
	case err != nil:
		s.log.Error("cannot look for deliveries whose time is too far away", "err", err)
	case hosts > 0:
		s.log.Info("deliveries waited for a time that is too far away; the clock was wrong once", "hosts", hosts)
	}
}
