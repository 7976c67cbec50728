package federation

import "time"

const (
	// giveUpAfter is how long a delivery is tried. Mastodon stops after two or three days, but a small
	// server that is being moved or restored may well be away for longer.
	giveUpAfter = 7 * 24 * time.Hour

	// probeEvery is how long a host that has failed for that long is left alone between two attempts.
	probeEvery = 24 * time.Hour

	// shortestPause is the least that a host is left alone after it failed, whatever it asks for: "try
	// again in 0 seconds" is what an overloaded proxy says just before it falls over.
	shortestPause = time.Minute

	// longestRetryAfter caps what a host may ask for, so that a slip of its clock cannot end the
	// deliveries to it.
	longestRetryAfter = 24 * time.Hour

	// patience is for how many attempts a host that names a time is believed, even if that is sooner than
	// the schedule. After that it has named too many.
	patience = 8

	// spread is how far jitter moves a pause to either side, as a fraction of it.
	spread = 0.15
)

// backoff returns how long to wait after the given attempt, the first being 1, has failed: about 1 minute,
// 5 and 30 minutes, 2, 6 and 12 hours, then a day each. jitter in [0,1) moves that by up to 15 % to either
// side, so that what failed together does not come back together.
func backoff(attempt int, jitter float64) time.Duration {
	steps := [...]time.Duration{
		time.Minute, 5 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
	at := min(max(attempt, 1), len(steps)) - 1
	return time.Duration(float64(steps[at]) * (1 - spread + 2*spread*jitter))
}

// pause is how long to wait after that attempt when the host asked for retryAfter (0: it did not ask).
func pause(attempt int, retryAfter time.Duration, jitter float64) time.Duration {
	usual := backoff(attempt, jitter)
	if retryAfter <= 0 {
		return usual
	}
	asked := min(max(retryAfter, shortestPause), longestRetryAfter)
	if attempt > patience {
		return max(asked, usual)
	}
	return asked
}
