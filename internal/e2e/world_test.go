package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/app"
	"crier/internal/config"
	"crier/internal/fedtest"
	"crier/store"
)

// patience bounds every wait; nothing here takes more than a fraction of it.
const patience = 60 * time.Second

// world is a blog, a daemon that follows its feed, and a server whose one user follows the blog.
type world struct {
	t    *testing.T
	blog *blog
	peer *fedtest.Server
	app  *app.App
	cfg  config.Config

	listener net.Listener // of the daemon
	heard    heard        // to what the peer asks and sends
}

// newWorld starts blog and peer. The daemon is started by start, so that a test can set it up first.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, blog: newBlog(t)}
	names := map[string]string{}
	w.heard.to = dialing(names)
	w.peer = fedtest.New(fedtest.Config{BaseURL: "http://peer.example", HTTP: &w.heard})
	t.Cleanup(w.peer.Close)
	w.peer.AddActor("alice")
	peer := httptest.NewServer(w.peer)
	t.Cleanup(peer.Close)
	names["peer.example"] = host(peer.URL)

	w.cfg = config.Default()
	w.cfg.BaseURL = "http://fedi.example"
	w.cfg.Listen = "127.0.0.1:0"
	w.cfg.DataDir = t.TempDir()
	w.cfg.Account.Handle = config.Handle{User: "user", Host: "blog.example"}
	w.cfg.Account.Name = "User"
	feed := config.DefaultFeed()
	feed.URL = w.blog.server.URL + "/feed"
	feed.Interval, feed.IntervalSet = 24*time.Hour, true // the tests poll by hand
	w.cfg.Feeds = []config.Feed{feed}
	w.cfg.Network.AllowHTTP = true
	w.cfg.Network.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w.cfg.Network.Resolve = map[string]string{"*": "127.0.0.1:1", "peer.example": host(peer.URL)}

	w.listener = listen(t)
	w.cfg.Listen = w.listener.Addr().String()
	names["fedi.example"], w.cfg.Network.Resolve["fedi.example"] = w.cfg.Listen, w.cfg.Listen
	return w
}

// listen listens at a port that nobody is given by chance, so that a daemon that is killed gets it again.
func listen(t *testing.T) net.Listener {
	t.Helper()
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))); err == nil {
			t.Cleanup(func() { _ = l.Close() })
			return l
		}
	}
	t.Fatal(err)
	return nil
}

// heard remembers the header of the last answer to a POST.
type heard struct {
	to http.RoundTripper

	mu   sync.Mutex
	last http.Header
}

func (a *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.to.RoundTrip(r)
	if err == nil && r.Method == http.MethodPost {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.last = resp.Header
	}
	return resp, err
}

func (a *heard) header() http.Header {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

func host(address string) string { return strings.TrimPrefix(address, "http://") }

// dialing connects the names it is given to their addresses and nothing else.
func dialing(names map[string]string) http.RoundTripper {
	return &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		name, _, _ := strings.Cut(addr, ":")
		to, ok := names[name]
		if !ok {
			return nil, fmt.Errorf("dial %s: no such host in this test", addr)
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}}
}

// start starts the daemon; it is stopped, and its store checked, when the test ends.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, &w.cfg, app.Options{
		Log: slog.New(slog.DiscardHandler), Listener: w.listener, Version: "test", Spacing: time.Millisecond,
	})
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	w.app = a
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.t.Cleanup(func() {
		found, err := a.Ops().Store.Check()
		if err != nil || len(found) > 0 {
			w.t.Errorf("the store is not sound: %v %v", found, err)
		}
		cancel()
		if err := <-done; err != nil {
			w.t.Error("stop:", err)
		}
	})
}

// follow lets alice follow the blog by its handle's actor and waits until that is accepted.
func (w *world) follow() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	actor := w.cfg.BaseURL + "/users/user"
	if _, err := w.peer.Follow(ctx, "alice", actor); err != nil {
		w.t.Fatal(err)
	}
	if err := w.peer.Wait(ctx, func() bool { return w.peer.Following("alice", actor) }); err != nil {
		w.t.Fatal("the follow was not accepted: ", err)
	}
}

// poll polls, lets everything held go out, and waits until all of it is delivered.
func (w *world) poll() admin.PolledFeed {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := w.app.Ops().PollNow(ctx, admin.PollRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	if result.Feeds[0].Held > 0 {
		if _, err := w.app.Ops().PollNow(ctx, admin.PollRequest{Release: true}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.settle(ctx)
	return result.Feeds[0]
}

// settle waits until nothing is due and nothing waits in the queue.
func (w *world) settle(ctx context.Context) {
	w.t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !idle(w.t, w.app.Ops().Store) {
		select {
		case <-ctx.Done():
			w.t.Fatal("the daemon does not come to rest")
		case <-look.C:
		}
	}
}

func idle(t *testing.T, db *store.DB) bool {
	t.Helper()
	due, _, err := db.DueEntries(time.Now().Add(time.Hour), 1)
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := db.QueueStats(7)
	if err != nil {
		t.Fatal(err)
	}
	return len(due) == 0 && q.Pending+q.Retrying == 0
}

// received is one activity about a post, as it reached the peer.
type received struct {
	Type, Object string
	Note         json.RawMessage
}

// note is what a reader sees of the post: all but its dates.
func (r received) note() string {
	var n map[string]any
	if err := json.Unmarshal(r.Note, &n); err != nil {
		return string(r.Note)
	}
	delete(n, "updated")
	b, _ := json.Marshal(n) // sorts the keys; a decoded document can always be encoded
	return string(b)
}

// since returns what the peer got about posts after the first n arrivals: no answers to follows, nor the Update by which
// the followers hear of the blog's host in the profile. Whatever the peer did
// not verify or did not take fails the test.
func (w *world) since(n int) []received {
	w.t.Helper()
	var got []received
	for _, a := range w.peer.Arrivals()[n:] {
		if !a.Verified || a.Err != nil {
			w.t.Errorf("the peer refused %s %s: %v", a.Type, a.ID, a.Err)
		}
		if a.Type == "Accept" {
			continue
		}
		var body struct {
			Object json.RawMessage
		}
		var object struct{ ID string }
		if err := json.Unmarshal(a.Body, &body); err != nil {
			w.t.Fatalf("%s: %v", a.Body, err)
		}
		if err := json.Unmarshal(body.Object, &object); err != nil {
			w.t.Fatalf("%s: %v", a.Body, err)
		}
		if a.Type == "Update" && object.ID == w.cfg.BaseURL+"/users/user" {
			continue
		}
		got = append(got, received{a.Type, object.ID, body.Object})
	}
	return got
}

// blog serves one document as the feed, with validators, and a page at every other path.
type blog struct {
	server *httptest.Server

	mu    sync.Mutex
	feed  []byte // nil: 404
	typ   string
	pages map[string]int // path → status; all others answer 200
	asked func()         // called when the feed is asked for
	seen  int            // pages asked for
}

func newBlog(t *testing.T) *blog {
	b := &blog{pages: map[string]int{}}
	b.server = httptest.NewServer(b)
	t.Cleanup(b.server.Close)
	return b
}

// looks is how often a page was asked for.
func (b *blog) looks() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

func (b *blog) serve(feed []byte, contentType string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feed, b.typ = feed, contentType
}

// onFeed has f called whenever the feed is asked for, before it is answered.
func (b *blog) onFeed(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = f
}

func (b *blog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	feed, typ, status, asked := b.feed, b.typ, b.pages[r.URL.Path], b.asked
	b.mu.Unlock()
	if r.URL.Path == "/feed" && asked != nil {
		asked()
	}
	if r.URL.Path != "/feed" {
		b.mu.Lock()
		b.seen++
		b.mu.Unlock()
	}
	switch {
	case r.URL.Path != "/feed" && status == 0:
		fmt.Fprintln(w, "<p>a page</p>")
	case r.URL.Path != "/feed":
		w.WriteHeader(status)
	case feed == nil:
		http.NotFound(w, r)
	default:
		tag := fmt.Sprintf("%q", etag(feed))
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", typ)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(feed)
	}
}

func etag(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
