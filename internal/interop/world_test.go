//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/app"
	"crier/internal/config"
)

// patience bounds the whole conversation with one peer.
const patience = 2 * time.Minute

// peer is a server of another implementation, see the scripts in peer.
type peer struct {
	origin string
	more   string // what else it said when it started
}

// node prepares a script of the folder peer. ctx bounds its life.
func node(ctx context.Context, t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	folder := os.Getenv("CRIER_INTEROP_PEER")
	if folder == "" {
		t.Fatal("CRIER_INTEROP_PEER does not say where the peer is installed; run .ci/interop")
	}
	c := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	c.Dir, c.Stderr = folder, os.Stderr
	return c
}

// runPeer runs a script to its end; what it writes is decoded into result.
func runPeer(ctx context.Context, t *testing.T, result any, script string, args ...string) {
	t.Helper()
	out, err := node(ctx, t, script, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		t.Fatalf("%s: %v in %s", script, err, out)
	}
}

// startPeer starts a script that is a server, with more of an environment.
func startPeer(ctx context.Context, t *testing.T, script string, environ ...string) *peer {
	t.Helper()
	c := node(ctx, t, script)
	c.Env = append(os.Environ(), environ...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", script, err)
	}
	origin, more, _ := strings.Cut(strings.TrimSpace(line), " ")
	return &peer{origin, more}
}

// call drives the peer; the answer is decoded into result if that is not nil.
func (p *peer) call(ctx context.Context, t *testing.T, what string, args, result any) {
	t.Helper()
	body, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.origin+"/control/"+what, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", what, resp.Status, err, answer)
	}
	if result != nil {
		if err := json.Unmarshal(answer, result); err != nil {
			t.Fatalf("%s: %v in %s", what, err, answer)
		}
	}
}

// daemon is crier, running in this process.
type daemon struct {
	app  *app.App
	base string
}

func (d *daemon) actor() string { return d.base + "/users/user" }

func startCrier(t *testing.T, blog string) *daemon {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.BaseURL = "http://" + l.Addr().String()
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	cfg.Account.Handle = config.Handle{User: "user", Host: "blog.example"}
	cfg.Account.Name = "User"
	cfg.Network.AllowHTTP = true
	cfg.Network.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	feed := config.DefaultFeed()
	feed.URL, feed.Deletions = blog+"/feed", config.DeletionsFeed
	feed.Interval, feed.IntervalSet = 24*time.Hour, true
	cfg.Feeds = []config.Feed{feed}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, &cfg, app.Options{
		Log: slog.New(slog.DiscardHandler), Listener: l, Version: "test", Spacing: time.Millisecond,
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		if t.Failed() {
			tellExchanges(t, a)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error("stop:", err)
		}
	})
	return &daemon{a, cfg.BaseURL}
}

// tellExchanges writes crier's own log of what came and went.
func tellExchanges(t *testing.T, a *app.App) {
	t.Helper()
	lines, err := a.Ops().Log(context.Background(), admin.LogQuery{Last: -1})
	if err != nil {
		t.Error(err)
	}
	for _, l := range lines {
		t.Log("crier:", l.Direction, l.Type, l.Object, "to", l.To, "-", l.Result)
	}
}

func (d *daemon) poll(ctx context.Context, t *testing.T) {
	t.Helper()
	result, err := d.app.Ops().PollNow(ctx, admin.PollRequest{})
	if err != nil || result.Feeds[0].Error != "" {
		t.Fatalf("poll: %v %+v", err, result)
	}
}

// blog serves a feed of an old entry and, when it is told a text for it, a new one, whose page names its post. Its
// host points to crier for WebFinger.
type blog struct {
	base string
	feed atomic.Pointer[string]
}

// newBlog serves a blog on an address of its own.
func newBlog(t *testing.T) *blog {
	t.Helper()
	b := &blog{}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.base = server.URL
	b.set("")
	return b
}

// newPlainBlog makes a blog that somebody else serves at that address.
func newPlainBlog(base string) *blog {
	b := &blog{base: base}
	b.set("")
	return b
}

func (b *blog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/feed":
		w.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprint(w, *b.feed.Load())
	case "/.well-known/webfinger":
		http.Redirect(w, r, crierBase+r.URL.RequestURI(), http.StatusFound)
	case "/new/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>new</title><link rel=\"alternate\" type=\"application/activity+json\" href=%q>", newPost)
	default:
		http.NotFound(w, r)
	}
}

// set changes the text of the new entry; without a text there is none.
func (b *blog) set(text string) {
	feed := `<rss version="2.0"><channel><title>Blog</title><link>` + b.base + `</link><description>Notes.</description>`
	if text != "" {
		feed += b.item("new", "Tue, 10 Mar 2026 10:00:00 +0000", text)
	}
	feed += b.item("old", "Mon, 09 Mar 2026 10:00:00 +0000", "the beginning") + `</channel></rss>`
	b.feed.Store(&feed)
}

func (b *blog) item(name, date, text string) string {
	return fmt.Sprintf("<item><title>%s</title><link>%s/%s/</link><pubDate>%s</pubDate>"+
		"<description>A %s.</description></item>", name, b.base, name, date, text)
}
