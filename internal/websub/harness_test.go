package websub

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

const (
	base    = "https://fedi.example"
	blog    = "https://blog.example/feed.xml"
	hubURL  = "https://hub.example/"
	topic   = "https://blog.example/index.xml"
	oneHour = time.Hour
	day     = 24 * time.Hour
)

// request is what a hub was asked.
type request struct {
	url  string
	form url.Values
	at   time.Time
}

// hub is the internet as a subscriber sees it: every host is the same hub. It calls the subscriber's handler in
// process, so that it works in a synctest bubble.
type hub struct {
	mu       sync.Mutex
	status   int           // of the answer to a request
	body     string        // of that answer
	location string        // of that answer
	fails    bool          // no answer at all
	hangs    bool          // no answer until the request's context ends
	first    bool          // verifies before it answers
	silent   bool          // never verifies
	lease    time.Duration // granted; 0: what was asked for
	target   http.Handler  // who is verified
	asked    []request
	verdicts []int // statuses that the subscriber answered verifications with
}

func newHub() *hub { return &hub{status: http.StatusAccepted} }

func (h *hub) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *hub) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, request{url: r.URL.String(), form: form, at: time.Now()})
	switch {
	case h.fails:
		return nil, errors.New("connection refused")
	case h.hangs:
		h.mu.Unlock()
		<-r.Context().Done()
		h.mu.Lock()
		return nil, r.Context().Err()
	}
	if h.status/100 == 2 && !h.silent {
		verify := h.verification(form)
		if h.first {
			h.mu.Unlock()
			verify()
			h.mu.Lock()
		} else {
			go func() {
				time.Sleep(time.Second) // of the bubble
				verify()
			}()
		}
	}
	resp := &http.Response{
		StatusCode: h.status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(h.body)),
	}
	if h.location != "" {
		resp.Header.Set("Location", h.location)
		h.location, h.status = "", http.StatusAccepted
	}
	return resp, nil
}

// verification returns the act of verifying a request. The caller holds mu.
func (h *hub) verification(form url.Values) func() {
	target, lease := h.target, form.Get("hub.lease_seconds")
	if h.lease != 0 {
		lease = seconds(h.lease)
	}
	q := url.Values{
		"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"],
		"hub.challenge": {"ch<a>llenge"}, "hub.lease_seconds": {lease},
	}
	return func() {
		w := get(target, form.Get("hub.callback"), q)
		status := w.Code
		if w.Body.String() != "ch<a>llenge" && status == http.StatusOK {
			status = -1
		}
		h.set(func() { h.verdicts = append(h.verdicts, status) })
	}
}

func (h *hub) requests() []request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

func get(to http.Handler, callback string, q url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	to.ServeHTTP(w, httptest.NewRequest(http.MethodGet, callback+"?"+q.Encode(), nil))
	return w
}

func post(to http.Handler, callback, body, signature string) int {
	r := httptest.NewRequest(http.MethodPost, callback, strings.NewReader(body))
	if signature != "" {
		r.Header.Set("X-Hub-Signature", signature)
	}
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w.Code
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// world is a subscriber with its store, its hub and what it polled.
type world struct {
	t   *testing.T
	db  *store.DB
	hub *hub
	cfg Config
	s   *Subscriber

	mu    sync.Mutex
	polls []time.Time
	found bool // polls bring something
	stop  func()
}

func newWorld(t *testing.T, feeds ...string) *world {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "crier.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, db: db, hub: newHub(), found: true, stop: func() {}}
	w.cfg = Config{
		Store: db, Log: slog.New(slog.DiscardHandler), Transport: w.hub, BaseURL: base, UserAgent: "crier/test",
		Feeds: feeds, Poll: w.poll,
	}
	w.names(blog, hubURL, topic)
	w.make()
	t.Cleanup(func() { w.stop() })
	return w
}

// make makes the subscriber, as a start of the daemon does.
func (w *world) make() {
	w.s = New(w.cfg)
	w.hub.set(func() { w.hub.target = w.s.Handler() })
}

// start runs the subscriber until stop or the end of the test.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.s.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		w.stop = func() {}
	}
	synctest.Wait()
}

// restart ends the subscriber and starts another one on the same store.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.make()
	w.start()
}

// names writes down which hub and topic a feed names.
func (w *world) names(feed, hub, topic string) {
	w.t.Helper()
	if err := w.db.RecordPoll(store.Poll{Feed: store.Feed{URL: feed, Hub: hub, Topic: topic}}); err != nil {
		w.t.Fatal(err)
	}
	if w.s != nil {
		w.s.Wake()
	}
}

func (w *world) poll(_ context.Context, _ string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls = append(w.polls, time.Now())
	return w.found
}

func (w *world) finds(found bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = found
}

func (w *world) polled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.polls)
}

// sub returns the stored subscription of the blog; one without a path where there is none.
func (w *world) sub() store.Subscription {
	w.t.Helper()
	all, err := w.db.Subscriptions()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, sub := range all {
		if sub.Feed == blog {
			return sub
		}
	}
	return store.Subscription{}
}

func (w *world) put(sub store.Subscription) {
	w.t.Helper()
	if err := w.db.PutSubscription(sub); err != nil {
		w.t.Fatal(err)
	}
}

// active puts an active subscription into the store, as if it had been verified just now.
func (w *world) active() store.Subscription {
	w.t.Helper()
	sub := w.s.fresh(blog, hubURL, topic)
	sub.State, sub.Requested, sub.Expires = store.SubscriptionActive, time.Now().UTC(), time.Now().UTC().Add(askedLease)
	w.put(sub)
	return sub
}

func (w *world) callback() string { w.t.Helper(); return base + callbackPath + w.sub().Path }

// push sends a push that is signed as it must be.
func (w *world) push() {
	w.t.Helper()
	const body = "<feed/>"
	if got := post(w.s.Handler(), w.callback(), body, sign(w.sub().Secret, body)); got != http.StatusAccepted {
		w.t.Fatalf("push answered %d", got)
	}
	synctest.Wait()
}

// logged returns the types of the activity log's lines.
func (w *world) logged() (types []string) {
	w.t.Helper()
	lines, err := w.db.Log(0, 0, false)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range lines {
		if l.Direction != "feed" || l.Object != blog {
			w.t.Errorf("odd log line %+v", l)
		}
		types = append(types, l.Type)
	}
	return types
}

func (w *world) wantLog(types ...string) {
	w.t.Helper()
	if got := w.logged(); !slices.Equal(got, types) {
		w.t.Errorf("activity log has %q, want %q", got, types)
	}
}

// pass lets time go by in the bubble.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
