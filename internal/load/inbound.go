package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// measureDeletes has accounts deleted that nobody here knows, and then the same bytes sent to a path that reads nothing:
// the difference is what a Delete costs beyond the request itself.
func measureDeletes(ctx context.Context, b *bench) (string, error) {
	const n = 20_000
	d, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	if err := d.start(ctx); err != nil {
		return "", err
	}
	defer d.stop()
	var costs []time.Duration
	for _, to := range []struct {
		path   string
		status int
	}{{"/inbox", http.StatusAccepted}, {"/healthz", http.StatusOK}} {
		var requests []*http.Request
		for i := range n {
			id := fmt.Sprintf("https://h%d.example/users/%d", i%400, i)
			text := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%s#delete","type":"Delete","actor":%q,"object":%q}`, id, id, id)
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.address+to.path, strings.NewReader(text))
			if err != nil {
				return "", err
			}
			r.Header.Set("Content-Type", "application/activity+json")
			requests = append(requests, r)
		}
		before, err := cpu(d.cmd.Process.Pid)
		if err != nil {
			return "", err
		}
		if _, err := sendAll(requests, to.status); err != nil {
			return "", err
		}
		after, err := cpu(d.cmd.Process.Pid)
		if err != nil {
			return "", err
		}
		costs = append(costs, (after-before)/n)
	}
	return fmt.Sprintf("%v (CPU of a whole request %v, of one that reads nothing %v)", costs[0]-costs[1], costs[0], costs[1]), nil
}

// measureFlood has 600 clients send bodies of a megabyte, half of them without end, and then somebody follow.
func measureFlood(ctx context.Context, b *bench) (string, error) {
	c, err := newCrowd(1)
	if err != nil {
		return "", err
	}
	defer c.hosts.close()
	d, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	if err := d.start(ctx); err != nil {
		return "", err
	}
	defer d.stop()
	large := bytes.Repeat([]byte(`["a"],`), 1<<20/6)
	var floods sync.WaitGroup
	for i := range 600 {
		floods.Go(func() { flood(d.address, i, large) })
	}
	over := make(chan bool)
	go func() {
		floods.Wait()
		close(over)
	}()
	peak := 0.0
	for running := true; running; {
		select {
		case <-over:
			running = false
		case <-time.After(20 * time.Millisecond):
		}
		now, err := memory(d.cmd.Process.Pid, "RssAnon")
		if err != nil {
			return "", err
		}
		peak = max(peak, now)
	}
	f, err := c.follow(ctx, d, 1, 0)
	if err != nil {
		return "", fmt.Errorf("after the flood: %w", err)
	}
	return fmt.Sprintf("%.1f MiB, and a Follow afterwards is accepted after %.0f ms", peak, 1000/f.rate), nil
}

// flood sends one request with a large body; with an odd number the half of it, and then nothing for a while.
func flood(address string, n int, large []byte) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "POST /inbox HTTP/1.1\r\nHost: fedi.example\r\nContent-Type: application/activity+json\r\nContent-Length: %d\r\n\r\n", len(large))
	if n%2 == 1 {
		_, _ = conn.Write(large[:len(large)/2])
		time.Sleep(4 * time.Second)
		return
	}
	_, _ = conn.Write(large)
	_, _ = conn.Read(make([]byte, 512))
}
