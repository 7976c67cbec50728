package feed

import (
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
)

// interval returns how long to wait after a good poll. What the feed itself asks for counts only where the
// owner said nothing.
func interval(cfg Config, hint time.Duration) time.Duration {
	if cfg.IntervalSet || hint <= 0 {
		return cfg.Interval
	}
	return min(max(hint, minHint), maxHint)
}

// nextPoll returns when a feed is due again after a poll that ended at now. failures counts the polls that
// failed in a row, retry is what the server asked for, random lies in [0, 1).
func nextPoll(now time.Time, base time.Duration, failures int, retry time.Duration, random float64) time.Time {
	wait := base
	for i := 0; i < failures && wait < maxBackoff; i++ {
		wait = min(2*wait, max(maxBackoff, base))
	}
	wait += time.Duration(random * jitter * float64(wait))
	return now.Add(max(wait, retry))
}

// due returns how long to wait for a feed's next poll. A time absurdly far ahead is the work of a clock
// that was wrong when it was written down.
func due(now time.Time, rec store.Feed, base time.Duration) time.Duration {
	wait := rec.NextPoll.Sub(now)
	if rec.NextPoll.IsZero() || rec.LastPoll.After(now.Add(skew)) || wait > 2*max(base, 24*time.Hour) {
		return 0
	}
	return max(wait, 0)
}
