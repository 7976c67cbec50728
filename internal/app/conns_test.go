package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/config"
)

// pipes is a listener whose connections are made in memory, from whichever address.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return address("127.0.0.1:8080") }

// dial connects as from that address.
func (p *pipes) dial(from string) net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- &pipeEnd{Conn: theirs, from: address(from)}
	return ours
}

type pipeEnd struct {
	net.Conn
	from address
}

func (e *pipeEnd) RemoteAddr() net.Addr { return e.from }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// gated is a server behind a gate, with the limits of the real one.
type gated struct {
	t     *testing.T
	pipes *pipes
	gate  *gate
	srv   *http.Server
	done  chan error
}

func newGated(t *testing.T, h http.Handler) *gated {
	s := &gated{t: t, pipes: newPipes(), done: make(chan error, 1)}
	s.gate = newGate(s.pipes, config.Default().TrustedProxies)
	s.srv = newHTTPServer(s.gate, h)
	go func() { s.done <- s.srv.Serve(s.gate) }()
	return s
}

func (s *gated) stop() {
	s.t.Helper()
	_ = s.srv.Close()
	<-s.done
	synctest.Wait()
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if len(s.gate.open) > 0 || len(s.gate.owners) > 0 {
		s.t.Errorf("%d connections of %d clients are left in the books", len(s.gate.open), len(s.gate.owners))
	}
}

func (s *gated) open() int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return len(s.gate.open)
}

// get asks for a path as a client that behaves, and returns the answer's body; empty where there is none.
func (s *gated) get(from, path string) string {
	c := s.pipes.dial(from)
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: fedi.test\r\nConnection: close\r\n\r\n", path); err != nil {
		return ""
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// TestSlowClients: clients that send nothing, half a header, half a body, or do not read what they asked for take
// no more than all places, and none from who behaves; after a while they are gone.
func TestSlowClients(t *testing.T) {
	ways := []struct{ name, says string }{
		{"silent", ""},
		{"half a header", "GET / HTTP/1.1\r\nHost: fedi"},
		{"half a body", "POST /read HTTP/1.1\r\nHost: fedi.test\r\nContent-Length: 1000\r\n\r\nhalf"},
		{"half a chunk", "POST /read HTTP/1.1\r\nHost: fedi.test\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"},
		{"reads nothing", "GET /long HTTP/1.1\r\nHost: fedi.test\r\n\r\n"},
		{"idle", "GET / HTTP/1.1\r\nHost: fedi.test\r\n\r\n"},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newGated(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if r.URL.Path == "/long" {
						_, _ = io.WriteString(w, strings.Repeat("x", 1<<15))
					}
					_, _ = io.WriteString(w, "hello")
				}))
				for i := range 1_000 {
					c := s.pipes.dial(fmt.Sprintf("93.184.%d.%d:1", i/250, i%250))
					defer c.Close()
					go func() { _, _ = io.WriteString(c, way.says) }()
					if way.name == "idle" {
						go func() { _, _ = io.Copy(io.Discard, c) }()
					}
				}
				synctest.Wait()
				if n := s.open(); n != maxConns {
					t.Errorf("%d connections are open", n)
				}
				if got := s.get("93.185.0.1:1", "/"); got != "hello" {
					t.Errorf("who behaves gets %q", got)
				}
				time.Sleep(idleTimeout + time.Second)
				synctest.Wait()
				if n := s.open(); n != 0 {
					t.Errorf("%d connections are open a minute later", n)
				}
				s.stop()
			})
		})
	}
}

// TestBusyConnections: what is being answered is never broken off for a new connection.
func TestBusyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := newGated(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-hold
			_, _ = io.WriteString(w, "hello")
		}))
		answers := make(chan string, maxConns+1)
		for i := range maxConns {
			go func() { answers <- s.get(fmt.Sprintf("93.184.%d.%d:1", i/250, i%250), "/") }()
		}
		synctest.Wait()
		if got := s.get("93.185.0.1:1", "/"); got != "" {
			t.Errorf("one more gets %q", got)
		}
		close(hold)
		for range maxConns {
			if got := <-answers; got != "hello" {
				t.Fatalf("one of those under way gets %q", got)
			}
		}
		s.stop()
	})
}

// TestConnectionsOfOne: one client has its share; a proxy, or what may be one, is not one client.
func TestConnectionsOfOne(t *testing.T) {
	tests := []struct {
		name string
		from func(i int) string
		want int
	}{
		{"one address", func(i int) string { return fmt.Sprintf("93.184.216.34:%d", i+1) }, maxConnsOne},
		{"one IPv6 network", func(i int) string { return fmt.Sprintf("[2606:2800:220:1::%x]:1", i) }, maxConnsOne},
		{"mapped into IPv6", func(i int) string { return fmt.Sprintf("[::ffff:93.184.216.34]:%d", i+1) }, maxConnsOne},
		{"our proxy", func(i int) string { return fmt.Sprintf("127.0.0.1:%d", i+1) }, 100},
		{"perhaps a proxy", func(i int) string { return fmt.Sprintf("172.18.0.2:%d", i+1) }, 100},
		{"many clients", func(i int) string { return fmt.Sprintf("93.184.%d.1:1", i) }, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newGated(t, http.NotFoundHandler())
				for i := range 100 {
					defer s.pipes.dial(tt.from(i)).Close()
				}
				synctest.Wait()
				if n := s.open(); n != tt.want {
					t.Errorf("%d connections, want %d", n, tt.want)
				}
				s.stop()
			})
		})
	}
}

// TestProxyGivesWayLast: a proxy's idle connections are kept while strangers' are there to be closed.
func TestProxyGivesWayLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newGated(t, http.NotFoundHandler())
		proxy := s.pipes.dial("127.0.0.1:1")
		defer proxy.Close()
		time.Sleep(time.Second)
		for i := range maxConns + 10 {
			defer s.pipes.dial(fmt.Sprintf("93.184.%d.%d:1", i/250, i%250)).Close()
		}
		synctest.Wait()
		go func() { _, _ = io.WriteString(proxy, "GET / HTTP/1.1\r\nHost: fedi.test\r\n\r\n") }()
		if _, err := http.ReadResponse(bufio.NewReader(proxy), nil); err != nil {
			t.Errorf("the proxy's connection: %v", err)
		}
		s.stop()
	})
}
