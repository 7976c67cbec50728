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
const patience = 60 * time.Second

// TestFedify lets a server on Fedify find the blog, follow it, get its posts, and leave again, with either
// kind of signature that Fedify may try first.
func TestFedify(t *testing.T) {
	for _, knock := range []string{"draft-cavage-http-signatures-12", "rfc9421"} {
		t.Run(knock, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			blog := newBlog(t)
			crier := startCrier(t, blog.URL)
			crier.poll(ctx, t)
			peer := startPeer(t, knock)
			story{t, ctx, blog, crier, peer}.tell()
		})
	}
}

type story struct {
	t     *testing.T
	ctx   context.Context
	blog  *blog
	crier *daemon
	peer  *peer
}

func (s story) tell() {
	s.lookups()
	s.peer.call(s.ctx, s.t, "follow", map[string]any{"actor": s.crier.actor()}, nil)
	accept := s.next(1, "Accept")
	if accept.Actor != s.crier.actor() {
		s.t.Errorf("the Accept is by %s", accept.Actor)
	}
	s.followers(1)

	s.blog.set("first text", "new", "old")
	s.crier.poll(s.ctx, s.t)
	create := s.next(2, "Create")
	id := s.crier.base + "/posts/" + strings.TrimPrefix(s.blog.URL, "http://") + "/new/"
	if create.Object != id || create.URL != s.blog.URL+"/new/" || !strings.Contains(create.Content, "first text") {
		s.t.Errorf("the Create says %+v", create)
	}

	s.blog.set("second text", "new", "old")
	s.crier.poll(s.ctx, s.t)
	update := s.next(3, "Update")
	if update.Object != id || !strings.Contains(update.Content, "second text") || update.Updated == "" {
		s.t.Errorf("the Update says %+v", update)
	}

	s.blog.set("", "old")
	s.crier.poll(s.ctx, s.t)
	if gone := s.next(4, "Delete"); gone.Object != id {
		s.t.Errorf("the Delete says %+v", gone)
	}

	s.peer.call(s.ctx, s.t, "undo", map[string]any{"actor": s.crier.actor()}, nil)
	s.followers(0)
}

// lookups resolves each side by the other.
func (s story) lookups() {
	var found struct {
		ID, Name, Username, Inbox, SharedInbox string
		Followers, Outbox                      int
	}
	s.peer.call(s.ctx, s.t, "lookup", map[string]any{"actor": s.crier.actor()}, &found)
	if found.ID != s.crier.actor() || found.Username != "user" || found.SharedInbox != s.crier.base+"/inbox" || found.Outbox != 1 {
		s.t.Errorf("Fedify reads the actor as %+v", found)
	}
	alice := s.peer.origin + "/users/alice"
	if doc, err := s.crier.app.Ops().Lookup(s.ctx, alice); err != nil || doc.URL != alice {
		s.t.Errorf("crier looks up %s: %+v %v", alice, doc, err)
	}
}

// next returns the nth activity that Fedify verified, which has to be of that type.
func (s story) next(n int, typ string) arrival {
	s.t.Helper()
	var all []arrival
	s.peer.call(s.ctx, s.t, "arrived", map[string]any{"count": n}, &all)
	if len(all) != n || all[n-1].Type != typ {
		s.t.Fatalf("want %d activities, the last a %s; Fedify got %+v", n, typ, all)
	}
	return all[n-1]
}

func (s story) followers(want int) {
	s.t.Helper()
	status, err := s.crier.app.Ops().Status(s.ctx)
	if err != nil || status.Followers != want {
		s.t.Errorf("%d followers, want %d (%v)", status.Followers, want, err)
	}
}

type arrival struct {
	Type, ID, Actor, Object, Content, URL, Updated string
}

// peer is the server on Fedify, see peer/fedify.mjs.
type peer struct{ origin string }

func startPeer(t *testing.T, knock string) *peer {
	t.Helper()
	folder := os.Getenv("CRIER_INTEROP_PEER")
	if folder == "" {
		t.Fatal("CRIER_INTEROP_PEER does not say where the peer is installed; run .ci/interop")
	}
	c := exec.Command("node", "fedify.mjs")
	c.Dir = folder
	c.Env = append(os.Environ(), "FIRST_KNOCK="+knock)
	c.Stderr = os.Stderr
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
	origin, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the peer did not start: ", err)
	}
	return &peer{strings.TrimSpace(origin)}
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
	a, err := app.New(ctx, &cfg, app.Options{Log: slog.New(slog.DiscardHandler), Listener: l, Version: "test"})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("stop:", err)
		}
	})
	return &daemon{a, cfg.BaseURL}
}

func (d *daemon) poll(ctx context.Context, t *testing.T) {
	t.Helper()
	result, err := d.app.Ops().PollNow(ctx, admin.PollRequest{})
	if err != nil || result.Feeds[0].Error != "" {
		t.Fatalf("poll: %v %+v", err, result)
	}
}

// blog serves a feed of the entries it is told.
type blog struct {
	*httptest.Server
	feed atomic.Pointer[string]
}

func newBlog(t *testing.T) *blog {
	b := &blog{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprint(w, *b.feed.Load())
	}))
	t.Cleanup(b.Close)
	b.set("", "old")
	return b
}

// set makes a feed of entries with these names, the newest first.
func (b *blog) set(text string, names ...string) {
	var items strings.Builder
	day := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	for i, name := range names {
		fmt.Fprintf(&items, "<item><title>%s</title><link>%s/%s/</link><pubDate>%s</pubDate><description>A %s.</description></item>",
			name, b.URL, name, day.AddDate(0, 0, len(names)-i).Format(time.RFC1123Z), text)
	}
	feed := "<rss version=\"2.0\"><channel><title>B</title><link>" + b.URL + "</link><description>d</description>" + items.String() + "</channel></rss>"
	b.feed.Store(&feed)
}
