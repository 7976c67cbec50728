package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"crier/internal/admin"
	"crier/store"
)

const (
	baseURL = "http://fedi.example"
	handle  = "user@blog.example"
)

// bench is what all measures share: the program under test, a folder for the moment, and keys.
type bench struct {
	dir    string
	binary string
	key    *rsa.PrivateKey // of the account
	n      int             // daemons made so far
}

func newBench(ctx context.Context) (*bench, error) {
	dir, err := os.MkdirTemp("", "crier-load-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, binary: filepath.Join(dir, "crier")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.binary, "crier")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.close()
		return nil, fmt.Errorf("build crier: %w: %s", err, out)
	}
	if b.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// daemon is a crier with a store of its own.
type daemon struct {
	b       *bench
	dir     string
	address string // it listens at
	posts   int
	cmd     *exec.Cmd
	env     []string
	started time.Duration // from the start to the first answer
}

// newDaemon makes store and configuration; resolve are lines of network.resolve.
func (b *bench) newDaemon(resolve map[string]string) (*daemon, error) {
	b.n++
	d := &daemon{b: b, dir: filepath.Join(b.dir, strconv.Itoa(b.n))}
	if err := os.MkdirAll(filepath.Join(d.dir, "data"), 0o700); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.address = l.Addr().String()
	_ = l.Close()
	var names strings.Builder
	for name, to := range resolve {
		fmt.Fprintf(&names, "%q = %q\n", name, to)
	}
	text := fmt.Sprintf(`base_url = %q
listen = %q
[account]
handle = %q
[[feed]]
url = "feed.xml"
interval = "24h"
[network]
allow_http = true
allow_private = ["127.0.0.0/8"]
[network.resolve]
"fedi.example" = %q
%s`, baseURL, d.address, handle, d.address, names.String())
	if err := os.WriteFile(d.file(), []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := d.writeFeed(); err != nil {
		return nil, err
	}
	return d, d.withStore(func(db *store.DB) error {
		der, err := x509.MarshalPKCS8PrivateKey(b.key)
		if err != nil {
			return err
		}
		return db.CreateAccount(store.Account{BaseURL: baseURL, Handle: handle, PrivateKey: der, Created: time.Now()})
	})
}

func (d *daemon) file() string { return filepath.Join(d.dir, "config.toml") }

// withStore lets f use the store while no daemon has it.
func (d *daemon) withStore(f func(*store.DB) error) error {
	db, err := store.Open(filepath.Join(d.dir, "data", "crier.db"), store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

// writeFeed writes a feed with as many entries as were published.
func (d *daemon) writeFeed() error {
	var items strings.Builder
	for i := range d.posts + 1 {
		fmt.Fprintf(&items, "<item><title>Entry %d</title><link>https://blog.example/%d/</link><guid>https://blog.example/%d/</guid><pubDate>%s</pubDate><description>Some words about it, as they stand in a feed.</description></item>",
			i, i, i, time.Unix(int64(1_700_000_000+i*3600), 0).UTC().Format(time.RFC1123Z))
	}
	feed := `<rss version="2.0"><channel><title>Blog</title><link>https://blog.example/</link>` + items.String() + `</channel></rss>`
	return os.WriteFile(filepath.Join(d.dir, "feed.xml"), []byte(feed), 0o600)
}

// start starts the daemon and waits for its first answer.
func (d *daemon) start(ctx context.Context) error {
	d.cmd = exec.CommandContext(ctx, d.b.binary, "serve", "--config", d.file())
	d.cmd.Env = append(os.Environ(), d.env...)
	var log bytes.Buffer
	d.cmd.Stderr = &log
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		return err
	}
	for {
		resp, err := http.Get("http://" + d.address + "/healthz")
		if err == nil {
			_ = resp.Body.Close()
			d.started = time.Since(began)
			return nil
		}
		if time.Since(began) > time.Minute {
			_ = d.cmd.Process.Kill()
			return fmt.Errorf("the daemon does not start: %s", log.String())
		}
		time.Sleep(200 * time.Microsecond)
	}
}

func (d *daemon) stop() {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
	d.cmd = nil
}

// publish adds an entry to the feed and has it polled: from then on it goes out.
func (d *daemon) publish(ctx context.Context) error {
	c, err := admin.Dial(filepath.Join(d.dir, "data"))
	if err != nil {
		return err
	}
	if d.posts == 0 { // the first poll must be over, or its entries would be joined by this one
		if _, err := c.PollNow(ctx, admin.PollRequest{}); err != nil {
			return err
		}
	}
	d.posts++
	if err := d.writeFeed(); err != nil {
		return err
	}
	out, err := c.PollNow(ctx, admin.PollRequest{})
	if err == nil && (len(out.Feeds) != 1 || out.Feeds[0].New != 1) {
		err = fmt.Errorf("the poll brought %+v", out.Feeds)
	}
	return err
}

// settled waits until nothing waits in the queue. It asks seldom, since the daemon's answers are measured, too.
func (d *daemon) settled(ctx context.Context) error {
	for ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
		c, err := admin.Dial(filepath.Join(d.dir, "data"))
		if err != nil {
			return err
		}
		s, err := c.Status(ctx)
		if err != nil || s.Queue.Pending+s.Queue.Retrying == 0 {
			return err
		}
	}
	return ctx.Err()
}

// cpu is the processor time that a process has used, in ticks of 10 ms.
func cpu(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

// memory is a line of a process's status, in MiB: "RssAnon", "VmRSS".
func memory(pid int, line string) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if rest, ok := strings.CutPrefix(s.Text(), line+":"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return float64(kb) / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s", line)
}
