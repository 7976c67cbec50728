package notice

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

const (
	blog   = "https://blog.example/feed.xml"
	target = "https://ntfy.example/t0p-s3cret?auth=w0rd"
)

// got is a message as the server got it.
type got struct {
	title, text string
	header      http.Header
	at          time.Time
}

// server is where the owner reads; it answers in process, so that it works in a synctest bubble.
type server struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	fails  error
	hangs  bool
	takes  time.Duration // for an answer
	got    []got
	tries  int
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	switch {
	case s.fails != nil:
		return nil, s.fails
	case s.hangs:
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return nil, r.Context().Err()
	case s.takes != 0:
		s.mu.Unlock()
		select {
		case <-time.After(s.takes):
		case <-r.Context().Done():
		}
		s.mu.Lock()
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
	}
	if s.status == http.StatusOK && r.URL.String() == target && r.Method == http.MethodPost {
		s.got = append(s.got, got{title: r.Header.Get("Title"), text: string(body), header: r.Header, at: time.Now()})
	}
	return &http.Response{StatusCode: s.status, Header: s.header, Body: io.NopCloser(strings.NewReader(s.body)), Request: r}, nil
}

// world is a notifier with its store and its server.
type world struct {
	t    *testing.T
	db   *store.DB
	srv  *server
	cfg  Config
	n    *Notifier
	log  strings.Builder
	stop func()
}

func newWorld(t *testing.T) *world {
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
	w := &world{t: t, db: db, srv: &server{status: http.StatusOK}, stop: func() {}}
	w.cfg = Config{
		Store: db, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Transport: w.srv, URL: target,
		UserAgent: "crier/test", Account: "user@blog.example", Feeds: []string{blog},
	}
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) start() {
	w.t.Helper()
	w.n = New(w.cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.n.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		w.stop = func() {}
	}
	synctest.Wait()
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// poll records a poll of the blog and wakes the notifier, as the daemon does.
func (w *world) poll(problem string, put ...store.EntryPut) {
	w.t.Helper()
	f := store.Feed{URL: blog, LastPoll: time.Now().UTC(), LastError: problem}
	if err := w.db.RecordPoll(store.Poll{Feed: f, Put: put}); err != nil {
		w.t.Fatal(err)
	}
	if w.n != nil {
		w.n.Wake()
	}
	synctest.Wait()
}

// hold records entries that are held, named from first on.
func (w *world) hold(first, n int) {
	w.t.Helper()
	var put []store.EntryPut
	for i := first; i < first+n; i++ {
		put = append(put, store.EntryPut{Fields: []byte("{}"), Entry: store.Entry{
			Key: fmt.Sprintf("blog.example/%d/", i), Feed: blog, Title: fmt.Sprintf("Entry\n%d", i), State: store.EntryHeld,
			Date: time.Now().UTC().Add(time.Duration(i) * time.Second), Generation: 1,
		}})
	}
	w.poll("", put...)
}

func (w *world) settle() {
	w.t.Helper()
	if _, err := w.db.SettleHeld(blog, false, time.Now().UTC(), time.Second); err != nil {
		w.t.Fatal(err)
	}
	w.n.Wake()
	synctest.Wait()
}

func (w *world) sent() []got {
	w.srv.mu.Lock()
	defer w.srv.mu.Unlock()
	return w.srv.got
}

func (w *world) want(n int) {
	w.t.Helper()
	if all := w.sent(); len(all) != n {
		w.t.Fatalf("%d messages were sent, want %d: %v", len(all), n, all)
	}
}

func (w *world) notices() []store.Notice {
	w.t.Helper()
	all, err := w.db.Notices()
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
