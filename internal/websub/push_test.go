package websub

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPush polls at once, and again while a cache still gives the old document.
func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.active()
		w.start()
		pass(oneHour)
		before := w.polled() // the one after the start
		w.push()
		if w.polled() != before+1 {
			t.Fatalf("a push caused %d polls", w.polled()-before)
		}
		pass(oneHour)
		if w.polled() != before+1 {
			t.Errorf("a poll that found the news was followed by others")
		}
		if age := time.Since(w.sub().LastPush); age < oneHour || age > oneHour+time.Second {
			t.Errorf("the push was noted as %v ago", age)
		}
		w.finds(false)
		start := time.Now()
		w.push()
		pass(oneHour)
		want := []time.Duration{0, 10 * time.Second, 70 * time.Second, 370 * time.Second}
		if w.polled() != before+1+len(want) {
			t.Fatalf("%d polls for a push whose news did not arrive, want %d", w.polled()-before-1, len(want))
		}
		for i, at := range w.polls[before+1:] {
			if at.Sub(start) != want[i] {
				t.Errorf("poll %d came after %v, want %v", i+1, at.Sub(start), want[i])
			}
		}
	})
}

// TestPushAnew shows that a push in the middle of the polls of another one begins them anew.
func TestPushAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.active()
		w.start()
		w.finds(false)
		pass(oneHour)
		before := w.polled()
		w.push()
		pass(20 * time.Second) // polled at 0 and 10 s
		w.push()
		if n := w.polled() - before; n != 3 {
			t.Errorf("%d polls at the second push, want 3", n)
		}
		pass(oneHour)
		if n := w.polled() - before; n != 6 {
			t.Errorf("%d polls after two pushes, want 6", n)
		}
	})
}

// TestStorm has a hub that pushes without end: polls stay ten seconds apart, and the store is written once a minute.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.active()
		w.start()
		pass(oneHour)
		before, notes, last := w.polled(), 0, w.sub().LastPush
		for range 600 {
			w.push()
			pass(time.Second)
			if at := w.sub().LastPush; at != last {
				notes, last = notes+1, at
			}
		}
		if n := w.polled() - before; n < 55 || n > 61 {
			t.Errorf("%d polls in 600 s of a push a second, want 60", n)
		}
		if notes != 10 {
			t.Errorf("LastPush was written %d times in 600 s, want 10", notes)
		}
	})
}

// TestPushDuringPoll shows that a push that comes while its feed is being polled leads to another poll.
func TestPushDuringPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		busy := make(chan struct{})
		polls := make(chan struct{}, 10)
		w.cfg.Poll = func(ctx context.Context, _ string) bool {
			polls <- struct{}{}
			select {
			case <-busy:
			case <-ctx.Done():
			}
			return true
		}
		w.make()
		w.active()
		w.start()
		for range 5 {
			w.push() // during the poll after the start
		}
		close(busy)
		pass(oneHour)
		if len(polls) != 2 {
			t.Errorf("%d polls, want the one after the start and one for all pushes", len(polls))
		}
	})
}

// TestForgedPush shows that a push that is not the hub's does nothing and learns nothing.
func TestForgedPush(t *testing.T) {
	const body = "<feed/>"
	tests := map[string]func(secret string) string{
		"none":             func(string) string { return "" },
		"another secret":   func(string) string { return sign("x", body) },
		"another body":     func(s string) string { return sign(s, body+" ") },
		"unknown method":   func(s string) string { return strings.Replace(sign(s, body), "sha256", "md5", 1) },
		"cut off":          func(s string) string { return sign(s, body)[:40] },
		"without a method": func(s string) string { return strings.TrimPrefix(sign(s, body), "sha256=") },
		"no hexadecimal":   func(string) string { return "sha256=" + strings.Repeat("zz", 32) },
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, blog)
				sub := w.active()
				w.start()
				pass(oneHour)
				before := w.polled()
				if got := post(w.s.Handler(), w.callback(), body, forge(sub.Secret)); got != http.StatusAccepted {
					t.Errorf("answered %d", got)
				}
				pass(oneHour)
				if w.polled() != before || !w.sub().LastPush.IsZero() {
					t.Errorf("a forged push was taken")
				}
			})
		})
	}
}

// TestPushBody has bodies that are too long or break off.
func TestPushBody(t *testing.T) {
	w := newWorld(t, blog)
	sub := w.active()
	most, long := strings.Repeat("x", maxPush), strings.Repeat("x", maxPush+1)
	if got := post(w.s.Handler(), w.callback(), long, sign(sub.Secret, long)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too long is answered %d", got)
	}
	if !w.sub().LastPush.IsZero() {
		t.Error("a body that is too long was taken")
	}
	if got := post(w.s.Handler(), w.callback(), most, sign(sub.Secret, most)); got != http.StatusAccepted || w.sub().LastPush.IsZero() {
		t.Errorf("the longest body is answered %d", got)
	}
	r, err := http.NewRequest(http.MethodPost, w.callback(), brokenBody{})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Hub-Signature", sign(sub.Secret, ""))
	if _, err := authentic(r, sub.Secret); err == nil {
		t.Error("a body that breaks off is no error")
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestMissed takes the trust away from a hub that does not tell of news, and gives it back with the next push.
func TestMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.active()
		w.start()
		pass(oneHour)
		w.s.Missed(blog)
		pass(9 * time.Minute)
		if !w.s.Healthy(blog) {
			t.Error("not healthy before the hub had its ten minutes")
		}
		w.push() // late, but in time
		pass(9 * time.Minute)
		w.s.Missed(blog) // found by a poll that is still a consequence of the push
		pass(oneHour)
		if !w.s.Healthy(blog) {
			t.Error("not healthy although the hub told of the news")
		}
		w.s.Missed(blog)
		w.s.Missed("https://else.example/feed")
		pass(11 * time.Minute)
		if w.s.Healthy(blog) {
			t.Error("healthy although the hub did not tell of news")
		}
		w.restart()
		if w.s.Healthy(blog) {
			t.Error("a restart gave the trust back")
		}
		pass(day)
		w.push()
		if !w.s.Healthy(blog) {
			t.Error("not healthy after the next push")
		}
	})
}

// TestStoreGone shows that a store that fails ends nothing.
func TestStoreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		var told strings.Builder
		w.cfg.Log = slog.New(slog.NewTextHandler(&told, nil))
		w.make()
		w.active()
		callback := w.callback()
		w.start()
		pass(oneHour)
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
		if got := post(w.s.Handler(), callback, "x", ""); got != http.StatusServiceUnavailable || w.s.Healthy(blog) {
			t.Errorf("without a store, a hub is answered %d", got)
		}
		pass(oneHour)
		w.stop()
		if n := strings.Count(told.String(), "level=ERROR"); n != 1 {
			t.Errorf("the failing store was told of %d times:\n%s", n, told.String())
		}
	})
}
