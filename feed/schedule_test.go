package feed

import (
	"testing"
	"time"

	"crier/store"
)

func TestRetryPoll(t *testing.T) {
	now := day1
	for _, c := range []struct {
		name     string
		base     time.Duration
		failures int
		retry    time.Duration
		random   float64
		want     time.Duration
	}{
		{"most jitter", time.Hour, 1, 0, 1, 66 * time.Minute},
		{"one failure", 15 * time.Minute, 1, 0, 0, 30 * time.Minute},
		{"many failures", time.Minute, 50, 0, 0, time.Hour},
		{"an interval of a week", 7 * 24 * time.Hour, 3, 0, 0, 7 * 24 * time.Hour},
		{"the server's wish is longer", time.Second, 1, time.Hour, 0, time.Hour},
		{"the server's wish is shorter", 15 * time.Minute, 1, time.Second, 0, 30 * time.Minute},
	} {
		if got := retryPoll(now, c.base, failure{c.failures, c.retry}, c.random).Sub(now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	asked := store.Feed{SkipHours: []int{1}}
	for _, c := range []struct {
		name   string
		set    bool
		hint   time.Duration
		pushed bool
		want   time.Duration
	}{
		{"no hint", false, 0, false, time.Hour},
		{"too often", false, time.Minute, false, 5 * time.Minute},
		{"as the feed asks", false, 30 * time.Minute, false, 30 * time.Minute},
		{"too seldom", false, 1000 * time.Hour, false, 24 * time.Hour},
		{"the owner chose", true, 30 * time.Minute, false, time.Hour},
		{"the hub tells", false, 30 * time.Minute, true, 2 * time.Hour},
		{"the hub tells, the feed asks for less", false, 6 * time.Hour, true, 6 * time.Hour},
		{"the owner chose, whatever the hub does", true, 0, true, time.Hour},
	} {
		asked.Hint = c.hint
		got := paceOf(Config{Interval: time.Hour, IntervalSet: c.set}, asked, c.pushed)
		if got.interval != c.want || (len(got.hours) == 0) != c.set {
			t.Errorf("%s: %+v, want %v", c.name, got, c.want)
		}
	}
}

// TestSkippedHours begins on a Friday at 22:40, UTC.
func TestSkippedHours(t *testing.T) {
	now := time.Date(2024, 5, 24, 22, 40, 0, 0, time.UTC)
	at := func(day, hour, minute int) time.Time { return time.Date(2024, 5, day, hour, minute, 0, 0, time.UTC) }
	var all []int
	for h := range 24 {
		all = append(all, h)
	}
	weekend := []time.Weekday{time.Saturday, time.Sunday}
	for _, c := range []struct {
		name   string
		now    time.Time
		hours  []int
		days   []time.Weekday
		random float64
		want   time.Time
	}{
		{"nothing is skipped", now, nil, nil, 0, at(24, 23, 40)},
		{"most jitter", now, nil, nil, 1, at(24, 23, 46)},
		{"an hour", now, []int{23}, nil, 0, at(25, 0, 0)},
		{"the night", now, []int{23, 0, 1, 2, 3, 4, 5}, nil, 0, at(25, 6, 0)},
		{"the weekend, a day at a time", now.Add(time.Hour), nil, weekend, 0, at(26, 0, 40)},
		{"the rest of the weekend", at(26, 0, 40), nil, weekend, 0, at(27, 0, 0)},
		{"every hour", now, all, nil, 0, at(25, 23, 40)},
	} {
		if got := (pace{time.Hour, c.hours, c.days}).next(c.now, c.random); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDue(t *testing.T) {
	now := day1
	good := store.Feed{LastPoll: now.Add(-time.Hour), NextPoll: now.Add(time.Hour)}
	failed := good
	failed.Failures = 3
	for _, c := range []struct {
		name string
		rec  store.Feed
		pace pace
		want time.Duration
	}{
		{"never polled", store.Feed{}, pace{interval: time.Hour}, 0},
		{"as it was set", good, pace{interval: 2 * time.Hour}, time.Hour},
		{"polled more seldom from now on", good, pace{interval: 20 * time.Hour}, time.Hour},
		{"polled oftener from now on", good, pace{interval: 90 * time.Minute}, 39 * time.Minute},
		{"much oftener", good, pace{interval: time.Minute}, 0},
		{"not after a failure", failed, pace{interval: time.Minute}, time.Hour},
	} {
		if got := due(now, c.rec, c.pace); got != c.want {
			t.Errorf("%s: in %v, want %v", c.name, got, c.want)
		}
	}
}
