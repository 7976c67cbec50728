package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

// sending is a daemon with one follower on each of many hosts.
type sending struct {
	*daemon
	hosts *hosts
	n     int
}

// newSending starts hosts and daemon; overTLS says how they talk.
func (b *bench) newSending(ctx context.Context, n int, overTLS bool) (*sending, error) {
	dir := ""
	if overTLS {
		dir = b.dir
	}
	h, err := newHosts(dir)
	if err != nil {
		return nil, err
	}
	return b.sendTo(ctx, h, n)
}

// sendTo starts the daemon, with a follower on each of the first n hosts.
func (b *bench) sendTo(ctx context.Context, h *hosts, n int) (*sending, error) {
	overTLS := h.scheme == "https"
	resolve := map[string]string{}
	if overTLS {
		resolve["*"] = "127.0.0.1:" + h.port
	}
	d, err := b.newDaemon(resolve)
	if err != nil {
		return nil, err
	}
	if overTLS {
		d.env = []string{"SSL_CERT_FILE=" + h.trust}
	}
	if err := h.follow(d, n); err != nil {
		return nil, err
	}
	return &sending{daemon: d, hosts: h, n: n}, d.start(ctx)
}

func (s *sending) close() {
	s.stop()
	s.hosts.close()
}

// wave publishes a post and waits until so many hosts have it. It returns what the daemon needed: wall time to the
// last arrival, and processor time until all is settled.
func (s *sending) wave(ctx context.Context, want int) (spent, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	s.hosts.expect(want)
	before, err := cpu(s.cmd.Process.Pid)
	if err != nil {
		return spent{}, err
	}
	began := time.Now()
	if err := s.publish(ctx); err != nil {
		return spent{}, err
	}
	last, err := s.hosts.wait(ctx)
	if err != nil {
		return spent{}, err
	}
	if want == s.n {
		if err := s.settled(ctx); err != nil {
			return spent{}, err
		}
	}
	after, err := cpu(s.cmd.Process.Pid)
	return spent{Wall: last.Sub(began), CPU: after - before}, err
}

func (s *sending) inboxes() []string {
	var all []string
	for i := range s.n {
		all = append(all, s.hosts.actor(i)+"/inbox")
	}
	return all
}

// measureWave sends to 200 hosts again and again; all waves but the first find the connections open.
func measureWave(ctx context.Context, b *bench) (string, error) {
	const n, waves = 200, 10
	h, err := newSink()
	if err != nil {
		return "", err
	}
	s, err := b.sendTo(ctx, h, n)
	if err != nil {
		return "", err
	}
	defer s.close()
	if _, err := s.wave(ctx, n); err != nil {
		return "", err
	}
	opened := h.opened.Load()
	var total time.Duration
	for range waves {
		took, err := s.wave(ctx, n)
		if err != nil {
			return "", err
		}
		total += took.CPU
	}
	if again := h.opened.Load() - opened; again > n*waves/100 {
		return "", fmt.Errorf("%d connections were not kept", again)
	}
	signature, err := b.bare(ctx, job{Sign: n * waves})
	if err != nil {
		return "", err
	}
	each, bare := total/(n*waves), signature.CPU/(n*waves)
	return fmt.Sprintf("%.2f (%v, signature %v)", float64(each)/float64(bare), each.Round(time.Microsecond), bare.Round(time.Microsecond)), nil
}

// measureTLS sends to hosts that were never met. The bare client has as many posts under way as the deliverer.
func measureTLS(ctx context.Context, b *bench) (string, error) {
	const n = 1000
	s, err := b.newSending(ctx, n, true)
	if err != nil {
		return "", err
	}
	defer s.close()
	ours, err := s.wave(ctx, n)
	if err != nil {
		return "", err
	}
	bare, err := b.bare(ctx, job{Inboxes: s.inboxes(), Connect: "127.0.0.1:" + s.hosts.port, Trust: s.hosts.trust, InFlight: 256})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.2f (%v, bare %v)", float64(ours.CPU)/float64(bare.CPU), ours.CPU/n, bare.CPU/n), nil
}

// measureRate sends to hosts at 2,000 addresses. The reference has the cores for itself; here the other ends of the
// connections run on them, too, as cheap as they can be.
func measureRate(ctx context.Context, b *bench) (string, error) {
	const n = 2000
	h, err := newSink()
	if err != nil {
		return "", err
	}
	s, err := b.sendTo(ctx, h, n)
	if err != nil {
		return "", err
	}
	defer s.close()
	before, err := cpu(os.Getpid())
	if err != nil {
		return "", err
	}
	ours, err := s.wave(ctx, n)
	if err != nil {
		return "", err
	}
	after, err := cpu(os.Getpid())
	if err != nil {
		return "", err
	}
	bare, err := b.bare(ctx, job{Sign: n * runtime.GOMAXPROCS(0)})
	if err != nil {
		return "", err
	}
	rate := n / ours.Wall.Seconds()
	most := float64(n*runtime.GOMAXPROCS(0)) / bare.Wall.Seconds()
	return fmt.Sprintf("%.2f (%.0f/s, bare signing %.0f/s; CPU of a delivery: %v here, %v at the other end, signature %v)",
		rate/most, rate, most, ours.CPU/n, (after-before)/n, bare.CPU/time.Duration(n*runtime.GOMAXPROCS(0))), nil
}

// measureDistant has each host answer after 100 ms.
func measureDistant(ctx context.Context, b *bench) (string, error) {
	const n = 200
	s, err := b.newSending(ctx, n, true)
	if err != nil {
		return "", err
	}
	defer s.close()
	s.hosts.reply = func(_ int, w http.ResponseWriter) {
		time.Sleep(100 * time.Millisecond)
		w.WriteHeader(http.StatusAccepted)
	}
	ours, err := s.wave(ctx, n)
	if err != nil {
		return "", err
	}
	bare, err := b.bare(ctx, job{Inboxes: s.inboxes(), Connect: "127.0.0.1:" + s.hosts.port, Trust: s.hosts.trust, InFlight: n})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.2f (%v, bare %v)", ours.Wall.Seconds()/bare.Wall.Seconds(), ours.Wall.Round(time.Millisecond), bare.Wall.Round(time.Millisecond)), nil
}

// measureFaults has some hosts break the connection, some hang, and some busy at the first two attempts.
func measureFaults(ctx context.Context, b *bench) (string, error) {
	const n = 2000
	s, err := b.newSending(ctx, n, false)
	if err != nil {
		return "", err
	}
	defer s.close()
	healthy, err := s.wave(ctx, n)
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	busy := map[int]int{}
	s.hosts.reply = func(n int, w http.ResponseWriter) {
		switch n % 10 {
		case 0:
			panic(http.ErrAbortHandler)
		case 1:
			time.Sleep(14 * time.Second)
			panic(http.ErrAbortHandler)
		case 2:
			mu.Lock()
			busy[n]++
			first := busy[n] <= 2
			mu.Unlock()
			if first {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(http.StatusAccepted)
	}
	faulty, err := s.wave(ctx, n*7/10)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.2f (%v, all healthy %v)", faulty.Wall.Seconds()/healthy.Wall.Seconds(), faulty.Wall.Round(time.Millisecond), healthy.Wall.Round(time.Millisecond)), nil
}
