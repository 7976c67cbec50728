package federation

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	budgets "crier/internal/budget"
)

// cost is what activities cost beside processor time.
type cost struct{ fetches, commits, lines int }

// counted is a daemon that counts what activities cost.
type counted struct {
	*daemon
	asked atomic.Int64
}

func newCounted(t testing.TB) *counted {
	c := &counted{daemon: newDaemon(t)}
	cfg := c.s.cfg
	cfg.Transport = c
	c.s = New(cfg)
	return c
}

// RoundTrip counts each outbound request.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked.Add(1)
	return c.net.RoundTrip(r)
}

func (c *counted) commits() int {
	c.t.Helper()
	u, err := c.db.Usage()
	if err != nil {
		c.t.Fatal(err)
	}
	return u.Commits
}

// during is the cost of what f does.
func (c *counted) during(f func()) cost {
	c.t.Helper()
	fetches, commits, lines := c.asked.Load(), c.commits(), bytes.Count(c.log.Bytes(), []byte("\n"))
	f()
	return cost{int(c.asked.Load() - fetches), c.commits() - commits, bytes.Count(c.log.Bytes(), []byte("\n")) - lines}
}

// keeps holds a cost to budgets, which end in what they count: fetches, commits, or lines of the program's log above
// debug.
func (c cost) keeps(t *testing.T, names ...string) {
	t.Helper()
	of := map[string]int{"fetches": c.fetches, "commits": c.commits, "lines": c.lines}
	for _, name := range names {
		if err := budgets.Check(name, float64(of[name[strings.LastIndex(name, ".")+1:]])); err != nil {
			t.Error(err)
		}
	}
}

// again sends the same bytes once more and returns how many allocations that takes.
func (c *counted) again(r *http.Request, body []byte) float64 {
	c.t.Helper()
	r.RequestURI = r.URL.RequestURI()
	return testing.AllocsPerRun(20, func() {
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		c.s.serveInbox(w, r)
		if w.Code != http.StatusAccepted {
			c.t.Fatal(w.Code, w.Body)
		}
	})
}

// TestDeleteStormCostsNothing: a server that closes tells every server of every account. 10,000 of them, from hundreds
// of hosts, are answered with 202 and leave nothing behind.
func TestDeleteStormCostsNothing(t *testing.T) {
	c := newCounted(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	total := c.during(func() {
		for i := range 10_000 {
			id := fmt.Sprintf("https://h%d.example/users/%d", i%400, i)
			body := fmt.Sprintf(`{"id":"%s#delete","type":"Delete","actor":%q,"object":%q,"to":["%s"],"signature":{"type":"RsaSignature2017"}}`, id, id, id, Public)
			if w := c.receive(postTo(t, testInbox, body, time.Now())); w.Code != http.StatusAccepted {
				t.Fatal(w.Code)
			}
		}
	})
	total.keeps(t, "delete.unknown.fetches", "delete.unknown.commits", "delete.unknown.lines")
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes are kept of strangers' Deletes", grown)
	}
	body := payload(t, "mastodon/delete-actor")
	allocs := c.again(postTo(t, testInbox, string(body), time.Now()), body)
	if err := budgets.Check("delete.unknown.allocs", allocs); err != nil {
		t.Error(err)
	}
}

// TestReplaysCostNothing: what was taken once is answered with 202 and looked at no further.
func TestReplaysCostNothing(t *testing.T) { synctest.Test(t, testReplaysCostNothing) }

func testReplaysCostNothing(t *testing.T) {
	for _, r := range []struct {
		text   func(*stranger) string
		first  []string // budgets
		replay []string
		allocs string
	}{
		{
			(*stranger).follow, []string{"follow.new.fetches", "follow.new.commits", "follow.new.lines"},
			[]string{"follow.replayed.fetches", "follow.replayed.commits", "follow.replayed.lines"}, "follow.replayed.allocs",
		},
		{
			(*stranger).reply, []string{"create.new.fetches", "create.new.commits", "create.new.lines"},
			[]string{"create.replayed.fetches", "create.replayed.commits", "create.replayed.lines"}, "create.replayed.allocs",
		},
	} {
		c := newCounted(t)
		alice := newStranger(t, c.daemon, "a.example", "alice")
		body := r.text(alice)
		first := c.during(func() {
			if got := alice.post(t, c.daemon, body); got != http.StatusAccepted {
				t.Fatal(got)
			}
		})
		first.keeps(t, r.first...)
		if first.fetches == 0 || first.commits == 0 {
			t.Errorf("it cost %+v, so it was not taken: %s", first, body)
		}
		again := alice.request(t, body) // of the same second, hence with the same signature
		time.Sleep(sameMoment + time.Second)
		var allocs float64
		c.during(func() { allocs = c.again(again, []byte(body)) }).keeps(t, r.replay...)
		if err := budgets.Check(r.allocs, allocs); err != nil {
			t.Error(err)
		}
	}
}

func (x *stranger) reply() string {
	return fmt.Sprintf(`{"id":"%s/n/create","type":"Create","actor":%q,"to":[%q],"object":{"id":"%s/n","type":"Note","attributedTo":%q,"to":[%q],"inReplyTo":"%s/posts/example.com/hello/","content":"hello"}}`,
		x.id(), x.id(), Public, x.id(), x.id(), Public, testBase)
}

// TestAnnounceBombAsksNobody: boosts of what is not ours are nobody's business here, and boosts of ours that nobody
// has signed make us ask their host a few times, not each time.
func TestAnnounceBombAsksNobody(t *testing.T) {
	c := newCounted(t)
	bomb := func(host, object string, i int) int {
		id := fmt.Sprintf("https://%s/users/%d", host, i)
		body := fmt.Sprintf(`{"id":"%s/boost","type":"Announce","actor":%q,"object":%q,"to":[%q]}`, id, id, object, Public)
		r := postTo(t, testInbox, body, time.Now())
		cavage{key: keyPair(t, 1), keyID: id + "#main-key", headers: allFour, label: "rsa-sha256"}.sign(t, r)
		return c.receive(r).Code
	}
	foreign := c.during(func() {
		for i := range 100 {
			if got := bomb(fmt.Sprintf("h%d.example", i), "https://elsewhere.example/1", i); got != http.StatusAccepted {
				t.Fatal(got)
			}
		}
	})
	if foreign != (cost{}) {
		t.Errorf("boosts of what is not ours cost %+v", foreign)
	}
	ours := c.during(func() {
		for i := range 4 * failedMost {
			if got := bomb("one.example", testBase+"/posts/example.com/hello/", i); got < 400 {
				t.Fatal(got)
			}
		}
	})
	if ours.fetches > failedMost || ours.fetches == 0 || ours.commits > 0 || ours.lines > 0 {
		t.Errorf("boosts of ours that nobody has signed cost %+v", ours)
	}
}

// BenchmarkDeleteOfUnknown is the Delete of an unknown actor beside a handler that reads the same body and drops it.
func BenchmarkDeleteOfUnknown(b *testing.B) {
	c := newCounted(b)
	body := payload(b, "mastodon/delete-actor")
	r := postTo(b, testInbox, string(body), time.Now())
	r.RequestURI = r.URL.RequestURI()
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	for _, h := range []struct {
		name    string
		handler http.Handler
	}{{"inbox", c.s.Handler()}, {"bare", bare}} {
		b.Run(h.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				h.handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
