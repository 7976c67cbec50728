package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"crier/internal/budget"
)

// nowhere is a ResponseWriter that keeps nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header         { return w.header }
func (w nowhere) WriteHeader(int)             {}
func (w nowhere) Write(b []byte) (int, error) { return len(b), nil }

// TestReadBudget counts what a GET costs from the first middleware to the bytes of a kept answer.
func TestReadBudget(t *testing.T) {
	w := newWorld(t)
	w.blog.set(item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.start()
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })
	quiet := &App{cfg: w.daemon.cfg, core: w.daemon.core, log: slog.New(slog.DiscardHandler)}
	h := quiet.handler()
	r := httptest.NewRequest(http.MethodGet, "/posts/blog.test/first/", http.NoBody)
	r.Header.Set("Accept", "application/activity+json")
	out := nowhere{http.Header{}}
	got := testing.AllocsPerRun(2000, func() { clear(out.header); h.ServeHTTP(out, r) })
	if out.header.Get("Etag") == "" {
		t.Fatal("no post was served")
	}
	if err := budget.Check("read.whole.allocs", got); err != nil {
		t.Error(err)
	}
}
