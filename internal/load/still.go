package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mmcdole/gofeed"
)

// every sets the interval and address of a daemon's feed.
func (d *daemon) every(interval time.Duration, feed string) error {
	b, err := os.ReadFile(d.file())
	if err != nil {
		return err
	}
	text := strings.NewReplacer(`"24h"`, strconv.Quote(interval.String()), `"feed.xml"`, strconv.Quote(feed)).Replace(string(b))
	return os.WriteFile(d.file(), []byte(text), 0o600)
}

// effort is what a process has spent.
type effort struct {
	CPU   time.Duration
	Wakes int // times that one of its threads went to sleep by itself
}

// effortOf reads what a process has spent so far, thread by thread: the kernel's other account of it counts in ticks of
// 10 ms. Threads of Go programs do not end while nothing happens.
func effortOf(pid int) (e effort, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(tasks) == 0 {
		return e, fmt.Errorf("no threads of process %d: %w", pid, err)
	}
	for _, task := range tasks {
		b, err := os.ReadFile(filepath.Join(task, "schedstat"))
		if err != nil {
			return e, err
		}
		ran, _, _ := strings.Cut(string(b), " ")
		n, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return e, err
		}
		e.CPU += time.Duration(n)
		if b, err = os.ReadFile(filepath.Join(task, "status")); err != nil {
			return e, err
		}
		_, after, _ := strings.Cut(string(b), "\nvoluntary_ctxt_switches:")
		line, _, _ := strings.Cut(after, "\n")
		wakes, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return e, err
		}
		e.Wakes += wakes
	}
	return e, nil
}

// during is what a running daemon spends in that time.
func (d *daemon) during(ctx context.Context, t time.Duration) (effort, error) {
	before, err := effortOf(d.cmd.Process.Pid)
	if err != nil {
		return effort{}, err
	}
	select {
	case <-time.After(t):
	case <-ctx.Done():
		return effort{}, ctx.Err()
	}
	after, err := effortOf(d.cmd.Process.Pid)
	return effort{after.CPU - before.CPU, after.Wakes - before.Wakes}, err
}

// stillFor is how long measureStill looks on.
const stillFor = 10 * time.Minute

// measureStill leaves two daemons alone at the same time: one with a new store, one with a million followers. Each has one
// feed, polled every 15 minutes; the first poll, a minute after the start at the latest, is not counted, and a poll that
// falls into the time is.
func measureStill(ctx context.Context, b *bench) (string, error) {
	small, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	crowd, err := b.crowded(1_000_000, 30_000, &hosts{scheme: "https"})
	if err != nil {
		return "", err
	}
	type result struct {
		effort
		err error
	}
	both := make([]chan result, 2)
	for i, d := range []*daemon{small, crowd} {
		if err := errors.Join(d.every(15*time.Minute, "feed.xml"), d.start(ctx)); err != nil {
			return "", err
		}
		defer d.stop()
		both[i] = make(chan result, 1)
		go func() {
			_, err := d.during(ctx, time.Minute)
			e, err2 := d.during(ctx, stillFor)
			both[i] <- result{e, errors.Join(err, err2)}
		}()
	}
	alone, many := <-both[0], <-both[1]
	return fmt.Sprintf("%.3f s with %d wake-ups; with 1,000,000 followers %.3f s with %d", alone.CPU.Seconds(), alone.Wakes,
		many.CPU.Seconds(), many.Wakes), errors.Join(alone.err, many.err)
}

// blog is a web server with one feed.
type blog struct {
	*httptest.Server
	polls atomic.Int64
	etag  bool // answer 304 to whoever has the feed
}

func newBlog(etag bool, body func(n int64) []byte) *blog {
	s := &blog{etag: etag}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.polls.Add(1)
		if s.etag {
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.Header().Set("Content-Type", "application/rss+xml")
		_, _ = w.Write(body(n))
	}))
	return s
}

// longFeed is a feed of 5,000 entries, of which the n-th copy differs from all others in the counter of one entry.
func longFeed(n int64) []byte {
	var b bytes.Buffer
	b.WriteString(`<rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel><title>Long</title><link>https://blog.example/</link>`)
	for i := range 5000 {
		comments := int64(0)
		if i == 7 {
			comments = n
		}
		fmt.Fprintf(&b, "<item><title>Entry %d</title><link>https://blog.example/%d/</link><guid>https://blog.example/%d/</guid><pubDate>%s</pubDate><slash:comments>%d</slash:comments><description>&lt;p&gt;%s &lt;a href=\"/x\"&gt;x&lt;/a&gt;&lt;/p&gt;</description></item>\n",
			i, i, i, time.Unix(int64(1_700_000_000-i*3600), 0).UTC().Format(time.RFC1123Z), comments, strings.Repeat("Some words. ", 30))
	}
	b.WriteString(`</channel></rss>`)
	return b.Bytes()
}

// measurePolls has a daemon poll every second, once a feed that has not changed (304), once one of 5,000 entries with
// another counter in it each time.
func measurePolls(ctx context.Context, b *bench) (string, error) {
	unchanged, err := b.perPoll(ctx, newBlog(true, longFeed), 30*time.Second)
	if err != nil {
		return "", err
	}
	long, err := b.perPoll(ctx, newBlog(false, longFeed), 30*time.Second)
	if err != nil {
		return "", err
	}
	bare, err := bareParse(longFeed(0), 10)
	return fmt.Sprintf("%.2f ms; %.1f ms, which is %.2f of %.1f ms", ms(unchanged), ms(long), float64(long)/float64(bare), ms(bare)), err
}

// bareParse is the processor time that the feed library needs for a document.
func bareParse(body []byte, times int) (time.Duration, error) {
	before, err := effortOf(os.Getpid())
	for range times {
		if _, err := gofeed.NewParser().Parse(bytes.NewReader(body)); err != nil {
			return 0, err
		}
	}
	after, err2 := effortOf(os.Getpid())
	return (after.CPU - before.CPU) / time.Duration(times), errors.Join(err, err2)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// perPoll is the processor time of a poll every second, with all that a daemon does besides.
func (b *bench) perPoll(ctx context.Context, s *blog, t time.Duration) (time.Duration, error) {
	defer s.Close()
	d, err := b.newDaemon(nil)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(d.every(time.Second, s.URL+"/feed.xml"), d.start(ctx)); err != nil {
		return 0, err
	}
	defer d.stop()
	if _, err := d.during(ctx, 15*time.Second); err != nil { // the first poll, and posts made of it
		return 0, err
	}
	before := s.polls.Load()
	e, err := d.during(ctx, t)
	if err != nil {
		return 0, err
	}
	n := s.polls.Load() - before
	if n < 5 {
		return 0, fmt.Errorf("%d polls in %v", n, t)
	}
	return e.CPU / time.Duration(n), nil
}
