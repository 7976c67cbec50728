package feed

import (
	"slices"
	"time"

	"crier/store"
)

const (
	minHint = 5 * time.Minute
	maxHint = 24 * time.Hour
	// maxBackoff bounds the wait after failures. A build that fails overnight must not keep the blog silent
	// for a day once it is mended, and a request an hour hurts nobody.
	maxBackoff = time.Hour
	jitter     = 0.1 // at most so much of an interval is added
	// maxSleep bounds how long the schedule sleeps without looking at the clock, which may have been set, or
	// stood still while the computer slept.
	maxSleep = 5 * time.Minute
	// pushedInterval is how long to wait between two polls of a feed whose hub tells of changes: often enough that a
	// hub that forgets us costs an afternoon at most.
	pushedInterval = 2 * time.Hour
	// maxPostponed bounds how long the hours and days that a feed skips put a poll off.
	maxPostponed = 24 * time.Hour
)

// pace is how often a feed is polled while it can be read.
type pace struct {
	interval time.Duration
	hours    []int          // of the day, UTC, in which it is not polled
	days     []time.Weekday // of the week, UTC, on which it is not polled
}

// paceOf returns a feed's pace. What the feed itself asks for, and what its hub makes unnecessary, count only where
// the owner said nothing.
func paceOf(cfg Config, rec store.Feed, pushed bool) pace {
	if cfg.IntervalSet {
		return pace{interval: cfg.Interval}
	}
	p := pace{cfg.Interval, rec.SkipHours, rec.SkipDays}
	if rec.Hint > 0 {
		p.interval = min(max(rec.Hint, minHint), maxHint)
	}
	if pushed {
		p.interval = min(max(p.interval, pushedInterval), maxHint)
	}
	return p
}

// next returns when a feed is due again after a good poll that ended at now. random lies in [0, 1).
func (p pace) next(now time.Time, random float64) time.Time {
	return p.allowed(now.Add(p.interval + time.Duration(random*jitter*float64(p.interval))))
}

// allowed returns the first moment from t on in which the feed may be polled (RSS 2.0, skipHours and skipDays),
// at most a day later.
func (p pace) allowed(t time.Time) time.Time {
	last := t.Add(maxPostponed)
	for at := t.UTC(); at.Before(last); at = at.Truncate(time.Hour).Add(time.Hour) {
		if !slices.Contains(p.hours, at.Hour()) && !slices.Contains(p.days, at.Weekday()) {
			return at
		}
	}
	return last
}

// failure is how a feed fares that cannot be read.
type failure struct {
	times int           // in a row
	retry time.Duration // what the server asked for; 0 if it did not
}

// retryPoll returns when a feed is due again after a poll that failed at now. random lies in [0, 1).
func retryPoll(now time.Time, interval time.Duration, f failure, random float64) time.Time {
	wait := interval
	for i := 0; i < f.times && wait < maxBackoff; i++ {
		wait = min(2*wait, max(maxBackoff, interval))
	}
	wait += time.Duration(random * jitter * float64(wait))
	return now.Add(max(wait, f.retry))
}

// due returns how long to wait for a feed's next poll. A time absurdly far ahead is the work of a clock
// that was wrong when it was written down. After a good poll the pace of today counts where it is faster than the one
// that the next poll was set by: the owner chose another interval, or the hub has fallen silent.
func due(now time.Time, rec store.Feed, p pace) time.Duration {
	wait := rec.NextPoll.Sub(now)
	if rec.NextPoll.IsZero() || rec.LastPoll.After(now.Add(skew)) || wait > 2*max(p.interval, 24*time.Hour) {
		return 0
	}
	if rec.Failures == 0 {
		wait = min(wait, p.next(rec.LastPoll, 1).Sub(now))
	}
	return max(wait, 0)
}
