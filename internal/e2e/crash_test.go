package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/app"
	"crier/internal/config"
	"crier/internal/fedtest"
	"crier/store"
)

// daemonConfig is the variable that makes the test binary a daemon with that configuration.
const daemonConfig = "CRIER_E2E_DAEMON"

func TestMain(m *testing.M) {
	if file := os.Getenv(daemonConfig); file != "" {
		if err := runDaemon(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if address := os.Getenv(bareServer); address != "" {
		fmt.Fprintln(os.Stderr, runBare(address))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func runDaemon(file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, _, err := config.Load(file, true, nil)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Version: "test", Spacing: time.Millisecond, Lease: 20 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return a.Run(ctx)
}

// victim is a daemon that runs in processes of its own, one after the other.
type victim struct {
	t    *testing.T
	file string
	dir  string
}

// process is one life of it.
type process struct {
	cmd    *exec.Cmd
	killed sync.Once
	errors bytes.Buffer // what it wrote to standard error; to be read once it is gone
}

func (v *victim) start() *process {
	v.t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), daemonConfig+"="+v.file)
	p.cmd.Stderr = &p.errors
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(p.kill)
	word := make([]byte, len("ready"))
	if _, err := io.ReadFull(out, word); err != nil || string(word) != "ready" {
		v.t.Fatalf("the daemon does not come back after a crash: %s %v", p.errors.String(), err)
	}
	return p
}

// kill ends the process as a power cut would, as far as a process can tell.
func (p *process) kill() {
	p.killed.Do(func() { _ = p.cmd.Process.Signal(syscall.SIGKILL) })
}

func (p *process) gone() { _ = p.cmd.Wait() }

// poll asks the daemon for a poll over its socket; it may die meanwhile.
func (v *victim) poll(ctx context.Context) error {
	c, err := admin.Dial(v.dir)
	if err != nil {
		return err
	}
	_, err = c.PollNow(ctx, admin.PollRequest{})
	return err
}

// TestKilledAtAnyMoment kills the daemon with SIGKILL around every step between the feed and the follower
// and starts it again. In the end every follower has every post, under one id and from one activity, and
// no follow that was answered is lost.
func TestKilledAtAnyMoment(t *testing.T) {
	w := newWorld(t)
	v := newVictim(t, w)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	random := rand.New(rand.NewPCG(1, 2))

	v.firstLife(ctx, w)

	moments := []func(p *process){
		// before the feed is read
		func(p *process) { w.blog.onFeed(p.kill) },
		// while the poll is recorded and published
		func(p *process) { w.blog.onFeed(func() { p.killIn(ctx, random.IntN(12)) }) },
		// tried, not yet taken
		func(p *process) { w.peer.OnRequest(onPost(p.kill)) },
		// taken, not yet settled
		func(p *process) { w.peer.OnRequest(onPost(func() { p.killIn(ctx, random.IntN(4)) })) },
		// anywhere
		func(p *process) { p.killIn(ctx, random.IntN(30)) },
	}
	const rounds = 20
	answered := []string{"alice"}
	for i := range rounds {
		p := v.start()
		w.blog.serve(feedOf(i+1), "application/rss+xml")
		moments[i%len(moments)](p)
		name := fmt.Sprintf("user%d", i)
		w.peer.AddActor(name)
		followed := make(chan error, 1)
		go func() {
			_, err := w.peer.Follow(ctx, name, w.cfg.BaseURL+"/users/user")
			followed <- err
		}()
		_ = v.poll(ctx) // it dies under it, or just after
		if err := <-followed; err == nil {
			answered = append(answered, name)
		}
		p.killIn(ctx, 50) // at the latest
		p.gone()
		w.blog.onFeed(nil)
		w.peer.OnRequest(nil)
	}
	p := v.start()
	if err := v.poll(ctx); err != nil {
		t.Fatal(err)
	}
	v.everythingArrived(ctx, w, rounds)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.gone()
	if !p.cmd.ProcessState.Success() {
		t.Errorf("the clean stop: %v", p.cmd.ProcessState)
	}
	v.judge(w, rounds, answered)
	t.Logf("%d rounds, %d follows answered", rounds, len(answered))
}

func newVictim(t *testing.T, w *world) *victim {
	t.Helper()
	if err := w.listener.Close(); err != nil { // the processes listen there themselves
		t.Fatal(err)
	}
	v := &victim{t: t, dir: w.cfg.DataDir, file: filepath.Join(t.TempDir(), "config.toml")}
	text := fmt.Sprintf(`base_url = %q
listen = %q
data_dir = %q
[account]
handle = "user@blog.example"
[[feed]]
url = %q
interval = "24h"
[network]
allow_http = true
allow_private = ["127.0.0.0/8"]
[network.resolve]
`, w.cfg.BaseURL, w.cfg.Listen, v.dir, w.cfg.Feeds[0].URL)
	for name, address := range w.cfg.Network.Resolve {
		text += fmt.Sprintf("%q = %q\n", name, address)
	}
	if err := os.WriteFile(v.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// firstLife has the daemon read an empty feed and take alice's follow, and kills it.
func (v *victim) firstLife(ctx context.Context, w *world) {
	v.t.Helper()
	w.blog.serve(feedOf(0), "application/rss+xml")
	p := v.start()
	if err := v.poll(ctx); err != nil {
		v.t.Fatal(err)
	}
	w.follow()
	p.kill()
	p.gone()
}

// killIn kills after so many milliseconds, or at once when the test is over.
func (p *process) killIn(ctx context.Context, ms int) {
	go func() {
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
		case <-ctx.Done():
		}
		p.kill()
	}()
}

func onPost(f func()) func(*http.Request) {
	return func(r *http.Request) {
		if r.Method == http.MethodPost {
			f()
		}
	}
}

// feedOf is a feed of n entries, the newest first, an hour apart.
func feedOf(n int) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>B</title><link>http://blog.example/</link><description>d</description>`)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := n; i > 0; i-- {
		fmt.Fprintf(&b, "<item><title>Entry %d</title><link>http://blog.example/%d/</link><guid>http://blog.example/%d/</guid><pubDate>%s</pubDate><description>Text %d.</description></item>",
			i, i, i, begin.Add(time.Duration(i)*time.Hour).Format(time.RFC1123Z), i)
	}
	b.WriteString("</channel></rss>")
	return []byte(b.String())
}

// everythingArrived waits until the peer has a Create of each entry.
func (v *victim) everythingArrived(ctx context.Context, w *world, n int) {
	v.t.Helper()
	err := w.peer.Wait(ctx, func() bool { return len(creates(w.peer)) >= n })
	if err != nil {
		v.t.Fatalf("only %d of %d entries arrived: %v", len(creates(w.peer)), n, err)
	}
}

// creates are the ids of the Creates that reached the peer, by the post that they create.
func creates(peer *fedtest.Server) map[string]map[string]int {
	all := map[string]map[string]int{}
	for _, a := range peer.Arrivals() {
		if a.Type != "Create" || a.Err != nil {
			continue
		}
		if all[a.Object] == nil {
			all[a.Object] = map[string]int{}
		}
		all[a.Object][a.ID]++
	}
	return all
}

// judge looks at what peer and store have in the end.
func (v *victim) judge(w *world, rounds int, answered []string) {
	v.t.Helper()
	got, repeated := creates(w.peer), 0
	for i := 1; i <= rounds; i++ {
		id := fmt.Sprintf("%s/posts/blog.example/%d/", w.cfg.BaseURL, i)
		if len(got[id]) != 1 {
			v.t.Errorf("%s came in %d different Creates", id, len(got[id]))
		}
		for _, times := range got[id] {
			repeated += times - 1
		}
	}
	if repeated > rounds {
		v.t.Errorf("%d deliveries were repeated, more than one for each crash", repeated)
	}
	if len(got) != rounds {
		v.t.Errorf("%d posts arrived, there are %d entries", len(got), rounds)
	}
	if notes := w.peer.Timeline("alice"); len(notes) != rounds {
		v.t.Errorf("alice sees %d posts", len(notes))
	}
	db, err := store.Open(filepath.Join(v.dir, "crier.db"), store.Options{})
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if found, err := db.Check(); err != nil || len(found) > 0 {
		v.t.Errorf("the store is not sound: %v %v", found, err)
	}
	for _, name := range answered {
		if _, err := db.Follower("http://peer.example/users/" + name); err != nil {
			v.t.Errorf("the follow of %s was answered with 202 and lost: %v", name, err)
		}
	}
}
