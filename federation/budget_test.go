package federation

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	costs "crier/internal/budget"
)

// acceptAll is a network in which everybody takes everything after a tenth of a second.
type acceptAll struct{ taken chan struct{} }

func (a acceptAll) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(100 * time.Millisecond)
	a.taken <- struct{}{}
	return &http.Response{
		StatusCode: http.StatusAccepted, Status: "202 Accepted", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r,
	}, nil
}

// TestDeliveryBudget sends a post to 500 hosts, and counts what crier needs for each between the feed and the last
// acknowledgement in the store. The network costs nothing here.
func TestDeliveryBudget(t *testing.T) {
	const hosts = 500
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		all := acceptAll{taken: make(chan struct{}, 2*hosts)}
		d.s.client.http.Transport = all
		for i := range hosts {
			d.follow(&peer{host: fmt.Sprintf("h%d.example", i)}, "x", true)
		}
		d.run()
		d.announce("example.com/first/") // what is found out once, how each host wants requests signed
		time.Sleep(time.Minute)
		commits, before := d.commits(), memStats()
		d.announce("example.com/second/")
		time.Sleep(time.Minute)
		after, made := memStats(), d.commits()-commits
		if len(all.taken) != 2*hosts || len(d.queue()) != 0 {
			t.Fatalf("%d posts were taken, and %d wait", len(all.taken), len(d.queue()))
		}
		for name, got := range map[string]float64{
			"delivery.allocs":  float64(after.Mallocs-before.Mallocs) / hosts,
			"delivery.bytes":   float64(after.TotalAlloc-before.TotalAlloc) / hosts,
			"delivery.commits": float64(made) * 1000 / hosts,
		} {
			t.Logf("%s %.0f", name, got)
			if err := costs.Check(name, got); err != nil {
				t.Error(err)
			}
		}
	})
}

func memStats() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}

// commits is how many transactions the store has seen.
func (d *daemon) commits() int {
	d.t.Helper()
	u, err := d.db.Usage()
	if err != nil {
		d.t.Fatal(err)
	}
	return u.Commits
}
