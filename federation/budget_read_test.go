package federation

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	held "crier/internal/budget"
)

// TestReadBudgets counts what a GET costs whose answer is kept. That it needs no transaction is shown by a store that
// is closed.
func TestReadBudgets(t *testing.T) {
	d := published(t, "example.com/a/")
	d.crowd(25)
	h := d.s.Handler()
	targets := map[string]string{ // by the budget of its allocations
		"read.actor.allocs":     "/users/user",
		"read.webfinger.allocs": "/.well-known/webfinger?resource=acct:user@example.com",
		"read.post.allocs":      "/posts/example.com/a/",
		"read.followers.allocs": "/users/user/followers?page=1",
	}
	requests := map[string]*http.Request{}
	for name, target := range targets {
		requests[name] = httptest.NewRequest(http.MethodGet, target, nil)
		requests[name].Header.Set("Accept", acceptAS)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, requests[name]); w.Code != http.StatusOK {
			t.Fatalf("%s: %d", target, w.Code)
		}
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	defer d.open()
	bytes, transactions := 0.0, 0.0
	for name, r := range requests {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			transactions++
		}
		out := &discard{header: http.Header{}}
		serve := func() { clear(out.header); h.ServeHTTP(out, r) }
		if err := held.Check(name, testing.AllocsPerRun(1000, serve)); err != nil {
			t.Error(err)
		}
		bytes = max(bytes, bytesPerRun(1000, serve))
	}
	if err := held.Check("read.bytes", bytes); err != nil {
		t.Error(err)
	}
	if err := held.Check("read.transactions", transactions); err != nil {
		t.Error(err)
	}
}

// bytesPerRun is how much memory f takes, as testing.AllocsPerRun counts how often.
func bytesPerRun(runs int, f func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64((after.TotalAlloc - before.TotalAlloc) / uint64(runs))
}
