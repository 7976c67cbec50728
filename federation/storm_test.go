package federation

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dripping is a server whose every answer comes one byte in half a second, without end.
type dripping struct{ asked int }

func (d *dripping) RoundTrip(r *http.Request) (*http.Response, error) {
	d.asked++
	body := io.NopCloser(readerFunc(func(p []byte) (int, error) {
		select {
		case <-r.Context().Done():
			return 0, r.Context().Err()
		case <-time.After(500 * time.Millisecond):
			p[0] = ' '
			return 1, nil
		}
	}))
	header := http.Header{"Content-Type": {typeActivity}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: body, Request: r}, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestDrippingAnswers: a body that comes byte by byte ends when its time is over (mastodon CVE-2023-36461), and the
// next who wants it does not wait again.
func TestDrippingAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		x := newStranger(t, d, "drip.example", "alice")
		drip := &dripping{}
		s := New(testConfig(d.db, drip, slog.New(slog.DiscardHandler)))
		ask := func() (int, time.Duration) {
			start := time.Now()
			r, w := x.request(t, x.follow()), httptest.NewRecorder()
			r.RequestURI = r.URL.RequestURI()
			s.Handler().ServeHTTP(w, r)
			return w.Code, time.Since(start)
		}
		if code, took := ask(); code != http.StatusServiceUnavailable || took != keyTimeout {
			t.Errorf("%d after %v", code, took)
		}
		if code, took := ask(); code != http.StatusServiceUnavailable || took != 0 || drip.asked != 1 {
			t.Errorf("again: %d after %v, %d requests", code, took, drip.asked)
		}
		start := time.Now()
		if a, err := s.client.post(t.Context(), x.id()+"/inbox", []byte("{}")); err != nil || a.Status != http.StatusOK || time.Since(start) != attemptTimeout {
			t.Errorf("a delivery: %+v, %v after %v", a, err, time.Since(start))
		}
	})
}

// storms are what a server of the fediverse gets by the thousand and has no interest in.
func storms() map[string]string {
	return map[string]string{
		"Delete":   `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.example/users/%[1]d#delete","type":"Delete","actor":"https://a.example/users/%[1]d","to":["https://www.w3.org/ns/activitystreams#Public"],"object":"https://a.example/users/%[1]d"}`,
		"Announce": `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.example/announces/%[1]d","type":"Announce","actor":"https://a.example/users/%[1]d","published":"2026-11-24T12:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],"object":"https://b.example/notes/%[1]d"}`,
	}
}

// stormy returns a server and a maker of its requests; each names another actor, signed as it would be.
func stormy(tb testing.TB, kind string) (http.Handler, func(i int) *http.Request) {
	d := newDaemon(tb)
	return d.s.Handler(), func(i int) *http.Request {
		r := postTo(tb, testInbox, fmt.Sprintf(storms()[kind], i), time.Now())
		cavage{key: testKey(), keyID: fmt.Sprintf("https://a.example/users/%d#main-key", i), headers: allFour, label: "rsa-sha256"}.sign(tb, r)
		r.RequestURI = r.URL.RequestURI()
		return r
	}
}

// TestStormsCostLittle: a Delete storm and an Announce bomb fetch nothing (there is no network), store nothing, and
// allocate a few kilobytes each.
func TestStormsCostLittle(t *testing.T) {
	for kind := range storms() {
		h, request := stormy(t, kind)
		var requests []*http.Request
		for i := range 101 { // one is made before those that count
			requests = append(requests, request(i))
		}
		next := 0
		allocs := testing.AllocsPerRun(100, func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, requests[next])
			next++
			if w.Code != http.StatusAccepted {
				t.Errorf("%s: %d %s", kind, w.Code, strings.TrimSpace(w.Body.String()))
			}
		})
		if allocs > 400 {
			t.Errorf("%s: %.0f allocations", kind, allocs)
		}
	}
}

// BenchmarkStorm is the cost of one such activity, from the route to the answer.
func BenchmarkStorm(b *testing.B) {
	for kind := range storms() {
		b.Run(kind, func(b *testing.B) {
			h, request := stormy(b, kind)
			r := request(0)
			body, err := io.ReadAll(r.Body)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// BenchmarkCheckJSON is what the limits cost before anything else is done with a body.
func BenchmarkCheckJSON(b *testing.B) {
	for name, body := range map[string]string{
		"small": fmt.Sprintf(storms()["Announce"], 1),
		"1MB":   `{"content":"` + strings.Repeat("x", 1<<20-20) + `"}`,
		"deep":  strings.Repeat("[", 1<<20),
		"many":  "[" + strings.Repeat("1,", 1<<19),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				_ = checkJSON([]byte(body))
			}
		})
	}
}
