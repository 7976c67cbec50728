package notice

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSendFails tries again, ever more seldom, tells in the end, and never shows the address.
func TestSendFails(t *testing.T) {
	tests := map[string]struct {
		set  func(*server)
		want string
	}{
		"500":      {func(s *server) { s.status, s.body = 500, "topic t0p-s3cret\n is full" }, "ntfy.example answers 500 Internal Server Error: topic … is full"},
		"redirect": {func(s *server) { s.status = 308; s.header = http.Header{"Location": {"https://x.example/"}} }, "ntfy.example answers 308 and names another address"},
		"hangs":    {func(s *server) { s.hangs = true }, "ntfy.example did not answer within 15s"},
		"refused": {func(s *server) {
			s.fails = errors.New("https://ntfy.example/t0p-s3cret: refused: 10.0.0.1 is a private address")
		},
			"ntfy.example cannot be reached: https://ntfy.example/…: refused: 10.0.0.1 is a private address"},
		"quotes it": {func(s *server) { s.fails = errors.New("dial w0rd t0p-s3cret?auth=w0rd") }, "ntfy.example cannot be reached: dial"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.set(w.srv)
				w.start()
				w.hold(1, 2)
				for range 24 * 60 {
					pass(time.Minute)
					w.n.Wake() // does not hurry anything
				}
				if n := w.srv.tries; n < 6 || n > 11 {
					t.Errorf("%d attempts in a day", n)
				}
				w.want(0)
				log := w.log.String()
				if strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, tt.want) {
					t.Errorf("the log has %q, want %q", log, tt.want)
				}
				for _, secret := range []string{"s3cret", "w0rd"} {
					if strings.Contains(log, secret) {
						t.Errorf("the log shows the address: %s", log)
					}
				}
				w.srv.set(func() { w.srv.status, w.srv.fails, w.srv.hangs = 200, nil, false })
				pass(7 * time.Hour)
				w.want(1)
			})
		})
	}
}

// TestSendFailsDuringEnd keeps the end of a failure until it could be told.
func TestSendFailsDuringEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.poll("x")
		pass(25 * time.Hour)
		w.poll("x")
		w.want(1)
		w.srv.set(func() { w.srv.fails = errors.New("connection refused") })
		w.poll("")
		pass(10 * time.Second)
		w.srv.set(func() { w.srv.fails = nil })
		pass(2 * time.Minute)
		if w.want(2); len(w.notices()) != 0 {
			t.Errorf("stored %+v", w.notices())
		}
	})
}

// TestStopDuringSend ends soon although the server hangs, and tells at the next start; a server that is only slow has
// told by then.
func TestStopDuringSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.srv.hangs = true
		w.start()
		w.hold(1, 2)
		before := time.Now()
		w.stop()
		if d := time.Since(before); d != stopGrace {
			t.Errorf("stopping took %v", d)
		}
		w.srv.set(func() { w.srv.hangs, w.srv.takes = false, 50*time.Millisecond })
		w.start()
		w.stop()
		w.want(1)
		w.start()
		pass(time.Hour)
		w.want(1)
		if strings.Contains(w.log.String(), "level=WARN") {
			t.Errorf("a stop counts as a failure: %s", w.log.String())
		}
	})
}

// TestStoreGone shows that a store that fails ends nothing.
func TestStoreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		w.stop()
		if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("told of %d times: %s", n, w.log.String())
		}
	})
}
