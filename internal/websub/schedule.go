package websub

import (
	"encoding/binary"
	"hash/fnv"
	"net/url"
	"strconv"
	"time"

	"crier/store"
)

const (
	askedLease = 10 * 24 * time.Hour // the recommendation of §8.2
	minLease   = 10 * time.Minute    // a shorter one would be all renewals
	maxLease   = 90 * 24 * time.Hour // a longer one is not believed: the hub may have forgotten us long before
	askAgain   = 7 * 24 * time.Hour  // after a refusal
	// intentAge is for how long after a request its verification is expected. Hubs verify within seconds, or
	// within hours when they are overloaded.
	intentAge = 24 * time.Hour
	skew      = time.Hour // a record from further ahead is the work of a clock that was wrong

	maxAddress = 2048 // bytes of a hub's or topic's address
)

// offer returns the hub and the topic that a feed names, or false where it names none that can be used.
func offer(f store.Feed) (hub, topic string, ok bool) {
	u, ok := usable(f.Hub)
	if !ok {
		return "", "", false
	}
	if _, ok := usable(f.Topic); !ok {
		return "", "", false
	}
	// The topic is the hub's name for the feed (§5.1) and stays byte for byte as the feed spells it.
	return u, f.Topic, true
}

func usable(address string) (string, bool) {
	if len(address) > maxAddress {
		return "", false
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), true
}

// healthy tells whether a subscription can be relied on. Without a secret anybody may push, and a hub that is
// reached over plain http may be anybody.
func healthy(sub store.Subscription, now time.Time) bool {
	return sub.State == store.SubscriptionActive && now.Before(sub.Expires) && sub.Secret != "" && trusted(sub)
}

// trusted tells whether nothing speaks against the hub: no news was missed since it pushed last.
func trusted(sub store.Subscription) bool {
	return sub.Missed.IsZero() || sub.LastPush.After(sub.Missed)
}

// due returns when the hub has to be asked next.
func due(sub store.Subscription, now time.Time) time.Time {
	if sub.Requested.After(now.Add(skew)) || sub.Expires.After(now.Add(maxLease+skew)) {
		return now
	}
	shift := jitter(sub.Path, sub.Failures)
	switch {
	case sub.Requested.IsZero():
		return now
	case sub.State == store.SubscriptionDenied:
		since := sub.Requested
		if sub.Expires.After(since) { // denied later, while it was active
			since = sub.Expires
		}
		return since.Add(askAgain + time.Duration(shift*float64(24*time.Hour)))
	case sub.Failures > 0 || sub.State != store.SubscriptionActive:
		return sub.Requested.Add(backoff(sub.Failures, shift))
	}
	return sub.Requested.Add(renewAfter(sub.Expires.Sub(sub.Requested), shift))
}

// lapsed tells whether the lease of a subscription ran out without having been renewed.
func lapsed(sub store.Subscription, now time.Time) bool {
	return sub.State == store.SubscriptionActive && !now.Before(sub.Expires)
}

// renewAfter returns how long after its beginning a lease is renewed: after about two thirds of it, so that there
// is time for several attempts.
func renewAfter(lease time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(lease) * (0.6 + 0.1*jitter))
}

// backoff returns how long to wait after that many requests in a row without a verification. A hub asks nobody to
// hurry: meanwhile the feed is polled.
func backoff(failures int, jitter float64) time.Duration {
	steps := [...]time.Duration{
		5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
	at := min(max(failures, 1), len(steps)) - 1
	return time.Duration(float64(steps[at]) * (0.85 + 0.3*jitter))
}

// jitter returns a number in [0,1) that is the same after a restart. It comes from the path, which is random.
func jitter(path string, n int) float64 {
	sum := fnv.New64a()
	_, _ = sum.Write(binary.BigEndian.AppendUint64([]byte(path), uint64(n)))
	mixed := sum.Sum64() * 0x9e3779b97f4a7c15 // the last bytes hardly reach the upper bits otherwise
	return float64(mixed>>11) / (1 << 53)
}

// leaseOf returns the lease that a hub grants, as long as it can be believed. Some hubs leave it out although
// they must not (§5.3); then what was asked for counts.
func leaseOf(seconds string) time.Duration {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n <= 0 {
		return askedLease
	}
	return min(max(time.Duration(min(n, int64(maxLease/time.Second)))*time.Second, minLease), maxLease)
}
