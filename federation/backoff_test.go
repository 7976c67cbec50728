package federation

import (
	"testing"
	"time"
)

func TestBackoffSchedule(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		attempt int
		want    time.Duration
	}{
		{-1, time.Minute}, {0, time.Minute}, {1, time.Minute}, {2, 5 * time.Minute}, {3, 30 * time.Minute},
		{4, 2 * time.Hour}, {5, 6 * time.Hour}, {6, 12 * time.Hour}, {7, day}, {8, day}, {1 << 40, day},
	} {
		low, middle, high := backoff(c.attempt, 0), backoff(c.attempt, 0.5), backoff(c.attempt, 0.9999999)
		if d := middle - c.want; d < -time.Second || d > time.Second {
			t.Errorf("attempt %d: %v, want %v", c.attempt, middle, c.want)
		}
		if low < c.want*80/100 || low > c.want*90/100 {
			t.Errorf("attempt %d: least %v, want 10 to 20 %% under %v", c.attempt, low, c.want)
		}
		if high < c.want*110/100 || high > c.want*120/100 {
			t.Errorf("attempt %d: most %v, want 10 to 20 %% over %v", c.attempt, high, c.want)
		}
	}
}

// A week of failures must be few attempts for the other side, and more than a handful for the follower.
func TestBackoffWeek(t *testing.T) {
	for _, jitter := range []float64{0, 0.5, 0.999} {
		var waited time.Duration
		attempts := 1
		for ; waited < giveUpAfter; attempts++ {
			waited += backoff(attempts, jitter)
		}
		if attempts < 12 || attempts > 16 {
			t.Errorf("jitter %v: %d attempts in a week", jitter, attempts)
		}
	}
}

func TestPauseRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name    string
		attempt int
		asked   time.Duration
		want    time.Duration
	}{
		{"longer than the schedule", 1, 20 * time.Minute, 20 * time.Minute},
		{"sooner than the schedule", 4, 3 * time.Minute, 3 * time.Minute},
		{"in no time", 2, time.Second, time.Minute},
		{"next year", 1, 365 * 24 * time.Hour, 24 * time.Hour},
		{"once too often", patience + 1, time.Minute, 24 * time.Hour},
		{"not at all", 2, 0, 5 * time.Minute},
		{"in the past", 2, -time.Hour, 5 * time.Minute},
	} {
		got := pause(c.attempt, c.asked, 0.5)
		if d := got - c.want; d < -time.Second || d > time.Second {
			t.Errorf("%s: wait %v, want %v", c.name, got, c.want)
		}
	}
}
