package federation

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// discard is a ResponseWriter that costs as little as can be, so that what is measured is the handler.
type discard struct {
	header http.Header
	wrote  int
}

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) WriteHeader(int)             {}
func (w *discard) Write(b []byte) (int, error) { w.wrote += len(b); return len(b), nil }

// BenchmarkDiscovery gets the actor and a WebFinger answer through all routes, beside a handler that does nothing but
// write the same bytes and the same header, in the same run.
func BenchmarkDiscovery(b *testing.B) {
	h := bareServer(fullProfile).Handler()
	for name, target := range map[string]string{
		"actor": "/users/user", "webfinger": "/.well-known/webfinger?resource=acct:user@example.com",
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, target, nil)
			r.Header.Set("Accept", acceptAS)
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			if got.Code != http.StatusOK {
				b.Fatalf("%d", got.Code)
			}
			body, header := got.Body.Bytes(), got.Header()
			bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range header {
					w.Header()[k] = v
				}
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write(body)
			})
			floor, each := timePerRequest(bare, r), timePerRequest(h, r)
			b.ReportAllocs()
			for b.Loop() {
				serveOnce(h, r)
			}
			b.ReportMetric(floor, "ns-bare")
			b.ReportMetric(each/floor, "times-bare")
		})
	}
}

func serveOnce(h http.Handler, r *http.Request) {
	h.ServeHTTP(&discard{header: http.Header{}}, r)
}

// timePerRequest is what a handler takes, in nanoseconds: the best of some rounds, since others use the computer, too.
func timePerRequest(h http.Handler, r *http.Request) float64 {
	const rounds, n = 20, 10_000
	best := time.Hour
	for range rounds {
		begin := time.Now()
		for range n {
			serveOnce(h, r)
		}
		best = min(best, time.Since(begin))
	}
	return float64(best.Nanoseconds()) / n
}
