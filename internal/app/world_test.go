package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/internal/config"
	"crier/internal/fedtest"
	"crier/store"
)

// patience bounds every wait; a test that waits as long has failed.
const patience = 20 * time.Second

const (
	actorID  = "http://fedi.test/users/user"
	postBase = "http://fedi.test/posts/blog.test/"
)

// world is a blog, two other servers with three people on them, and one crier, all on loopback: names are
// resolved by a map, as network.resolve does it for crier itself.
type world struct {
	t    *testing.T
	dir  string
	blog *blog
	a, b *fedtest.Server // a.test has alice and anna, b.test has bob

	top, network, feed string // further lines of the configuration: at its top, for the network, and for the feed

	mu   sync.Mutex
	dial map[string]string // host → address; guarded by mu

	stop   context.CancelFunc
	ended  chan error
	daemon *App
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), blog: &blog{}, dial: map[string]string{}}
	w.host("blog.test", w.blog)
	w.a = w.peer("a.test", "alice", "anna")
	w.b = w.peer("b.test", "bob")
	t.Cleanup(w.halt)
	return w
}

// host serves h under a name.
func (w *world) host(name string, h http.Handler) {
	srv := httptest.NewServer(h)
	w.t.Cleanup(srv.Close)
	w.name(name, srv.Listener.Addr().String())
}

func (w *world) name(name, addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dial[name] = addr
}

func (w *world) addr(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dial[name]
}

// addrOr is addr, or a place where nobody listens.
func (w *world) addrOr(name string) string {
	if a := w.addr(name); a != "" {
		return a
	}
	return "127.0.0.1:1"
}

func (w *world) peer(host string, people ...string) *fedtest.Server {
	s := fedtest.New(fedtest.Config{BaseURL: "http://" + host, HTTP: w.transport()})
	for _, p := range people {
		s.AddActor(p)
	}
	w.t.Cleanup(s.Close)
	w.host(host, s)
	return s
}

// transport reaches everybody in the world by name.
func (w *world) transport() *http.Transport {
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		to := w.addr(host)
		if to == "" {
			return nil, fmt.Errorf("nobody is %s", host)
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}}
	w.t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (w *world) config() *config.Config {
	w.t.Helper()
	file := filepath.Join(w.dir, "config.toml")
	text := fmt.Sprintf(`
base_url = "http://fedi.test"
listen = "127.0.0.1:0"
hook_token = "a-token-for-the-hook"
%s
[account]
handle = "user@blog.test"
name = "User"
summary = "A *blog*"
also_known_as = ["anna@a.test", "https://old.test/users/user"]
fields = [ { name = "Blog", value = "https://blog.test" }, { name = "Likes", value = "tea & <cake>" } ]
[network]
allow_http = true
allow_private = ["127.0.0.0/8"]
%s
resolve = { "blog.test" = %q, "a.test" = %q, "b.test" = %q, "hub.test" = %q, "notice.test" = %q, "*" = "127.0.0.1:1" }
[[feed]]
url = "http://blog.test/index.xml"
interval = "1h"
deletions = "feed"
%s
`, w.top, w.network, w.addr("blog.test"), w.addr("a.test"), w.addr("b.test"), w.addrOr("hub.test"), w.addrOr("notice.test"), w.feed)
	must(w.t, os.WriteFile(file, []byte(text), 0o600))
	cfg, _, err := config.Load(file, true, nil)
	must(w.t, err)
	return cfg
}

// start starts crier, and halt stops it; a restart has another port and the same store.
func (w *world) start() {
	w.t.Helper()
	d, err := New(w.t.Context(), w.config(), Options{Log: testLog(w.t), Version: "test"})
	must(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	w.daemon, w.stop, w.ended = d, cancel, make(chan error, 1)
	w.name("fedi.test", d.Addr())
	go func() { w.ended <- d.Run(ctx) }()
}

// halt stops crier and has its store checked.
func (w *world) halt() {
	w.t.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	w.stop = nil
	select {
	case err := <-w.ended:
		must(w.t, err)
	case <-time.After(patience):
		w.t.Fatal("crier does not stop")
	}
	db, err := store.Open(filepath.Join(w.dir, "data", storeFile), store.Options{})
	must(w.t, err)
	faults, err := db.Check()
	if err != nil || len(faults) > 0 {
		w.t.Errorf("the store is not sound: %v %v", faults, err)
	}
	must(w.t, db.Close())
}

func (w *world) restart() {
	w.t.Helper()
	w.halt()
	w.start()
}

// poll has crier poll now, over the hook as a deploy script would, and is for what follows from it.
func (w *world) poll() {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://fedi.test/hook", nil)
	must(w.t, err)
	req.Header.Set("Authorization", "Bearer a-token-for-the-hook")
	resp := w.do(req)
	if resp.StatusCode != http.StatusAccepted {
		w.t.Fatalf("the hook answers %s", resp.Status)
	}
}

// do makes one request; the body is closed.
func (w *world) do(req *http.Request) *http.Response {
	w.t.Helper()
	resp, err := w.transport().RoundTrip(req)
	must(w.t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

func (w *world) status(url string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	must(w.t, err)
	req.Header.Set("Accept", "application/activity+json")
	return w.do(req).StatusCode
}

// until waits until cond holds; what it is about is asked of the peer after every change there.
func (w *world) until(s *fedtest.Server, what string, cond func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := s.Wait(ctx, cond); err != nil {
		w.t.Fatalf("%s: %v; arrived at %s: %s", what, err, s.BaseURL(), arrivals(s))
	}
}

// eventually waits for something inside crier, which tells nobody: it is asked again and again.
func (w *world) eventually(what string, cond func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func (w *world) follow(s *fedtest.Server, who string) {
	w.t.Helper()
	_, err := s.Follow(w.t.Context(), who, actorID)
	must(w.t, err)
	w.until(s, who+" is accepted", func() bool { return s.Following(who, actorID) })
}

// got returns the arrivals of a type, in order; every one of them must have been verified and accepted.
func (w *world) got(s *fedtest.Server, typ string) []fedtest.Arrival {
	w.t.Helper()
	var out []fedtest.Arrival
	for _, a := range s.Arrivals() {
		if a.Type != typ {
			continue
		}
		if !a.Verified || a.Err != nil {
			w.t.Errorf("%s got a bad %s: verified %v, %v", s.BaseURL(), typ, a.Verified, a.Err)
		}
		out = append(out, a)
	}
	return out
}

func arrivals(s *fedtest.Server) string {
	var b strings.Builder
	for _, a := range s.Arrivals() {
		fmt.Fprintf(&b, "\n%s %s %s → %d %v %s", a.Inbox, a.Type, a.Object, a.Status, a.Err, a.Effect)
	}
	return b.String()
}

// blog serves a feed that the test writes.
type blog struct {
	mu    sync.Mutex
	feed  string
	pages map[string]http.HandlerFunc // by path
}

// put serves something else at a path.
func (b *blog) put(path string, h http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pages == nil {
		b.pages = map[string]http.HandlerFunc{}
	}
	b.pages[path] = h
}

// raw serves a channel with these elements in it.
func (b *blog) raw(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feed = `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Blog</title>` +
		`<link>http://blog.test/</link>` + channel + `</channel></rss>`
}

// item is one entry of the feed.
type item struct{ slug, title, date string }

func (b *blog) set(items ...item) {
	var s strings.Builder
	s.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title><link>http://blog.test/</link>`)
	for _, it := range items {
		fmt.Fprintf(&s, `<item><title>%s</title><link>http://blog.test/%s/</link><guid>http://blog.test/%s/</guid>`+
			`<pubDate>%s</pubDate><description>About %s.</description></item>`, it.title, it.slug, it.slug, it.date, it.title)
	}
	s.WriteString(`</channel></rss>`)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feed = s.String()
}

func (b *blog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	feed, page := b.feed, b.pages[r.URL.Path]
	b.mu.Unlock()
	if page != nil {
		page(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/.well-known/") {
		http.Redirect(w, r, "http://fedi.test"+r.URL.RequestURI(), http.StatusFound)
		return
	}
	if r.URL.Path != "/index.xml" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/rss+xml")
	_, _ = io.WriteString(w, feed)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testLog shows crier's log where the test fails.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
