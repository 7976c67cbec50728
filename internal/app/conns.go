package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxConns bounds the connections that are open at once, and with them what slow clients cost: some 30 kB each,
	// and the small body that one may be sending (smallBody).
	maxConns = 512

	// maxConnsOne bounds those of one client. A large server sends over a few connections that it keeps.
	maxConnsOne = 64
)

// gate is a listener that bounds how many connections are open. Who waits for its client gives way: where all
// places are taken, the connection that has waited longest for its client is closed for a new one, so that a
// thousand clients that send nothing, or half a request, or do not read the answer, hold up nobody else
// (slowloris; CVE-2007-6750 and its kin). It is safe for concurrent use.
type gate struct {
	net.Listener
	most, mostOne int
	proxies       []netip.Prefix

	mu     sync.Mutex
	open   map[*gatedConn]struct{}
	owners map[netip.Prefix]int // open connections by client
}

func newGate(l net.Listener, proxies []netip.Prefix) *gate {
	return &gate{
		Listener: l, most: maxConns, mostOne: maxConnsOne, proxies: proxies,
		open: map[*gatedConn]struct{}{}, owners: map[netip.Prefix]int{},
	}
}

// gatedConn is one of the connections.
type gatedConn struct {
	net.Conn
	gate  *gate
	owner netip.Prefix // zero where that may be many clients, a proxy's

	// Guarded by gate.mu.
	waiting bool      // for the client: to send, or to read
	since   time.Time // when the present request began, or the pause before it
	closed  bool
}

// Accept returns the next connection that there is a place for. Others are closed at once.
func (g *gate) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &gatedConn{Conn: raw, gate: g, owner: g.ownerOf(raw.RemoteAddr()), waiting: true, since: time.Now()}
		victim, ok := g.admit(c)
		if victim != nil {
			_ = victim.Close()
		}
		if ok {
			return c, nil
		}
		_ = raw.Close()
	}
}

// ownerOf is whose connection it is; a proxy's is nobody's, since behind it may be everybody.
func (g *gate) ownerOf(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil || within(g.proxies, ap.Addr()) || mayBeProxy(ap.Addr()) {
		return netip.Prefix{}
	}
	return clientKey(ap.Addr())
}

// admit takes c in if there is a place for it, if need be that of a victim.
func (g *gate) admit(c *gatedConn) (victim *gatedConn, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.owner.IsValid() && g.owners[c.owner] >= g.mostOne {
		return nil, false
	}
	if len(g.open) >= g.most {
		if victim = g.longestWaiting(); victim == nil {
			return nil, false
		}
		g.forget(victim)
	}
	g.open[c] = struct{}{}
	if c.owner.IsValid() {
		g.owners[c.owner]++
	}
	return victim, true
}

// longestWaiting is who gives way: a client before a proxy, which keeps connections for others.
func (g *gate) longestWaiting() *gatedConn {
	var found *gatedConn
	for c := range g.open {
		switch {
		case !c.waiting:
		case found == nil,
			c.owner.IsValid() && !found.owner.IsValid(),
			c.owner.IsValid() == found.owner.IsValid() && c.since.Before(found.since):
			found = c
		}
	}
	return found
}

// forget gives a connection's place back, once.
func (g *gate) forget(c *gatedConn) {
	if c.closed {
		return
	}
	c.closed = true
	delete(g.open, c)
	if !c.owner.IsValid() {
		return
	}
	if g.owners[c.owner]--; g.owners[c.owner] == 0 {
		delete(g.owners, c.owner)
	}
}

// Close closes the connection and gives its place back.
func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	c.gate.forget(c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// Write waits for the client as long as that does not read.
func (c *gatedConn) Write(b []byte) (int, error) {
	before := c.wait(true)
	defer c.wait(before)
	return c.Conn.Write(b)
}

// wait says whether the connection waits for its client, and returns what was said before.
func (c *gatedConn) wait(waiting bool) (before bool) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	before, c.waiting = c.waiting, waiting
	return before
}

// track follows the requests of a connection; it is the server's ConnState.
func (g *gate) track(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*gatedConn)
	if !ok || state != http.StateActive && state != http.StateIdle {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.waiting, c.since = true, time.Now()
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// inContext lets requests find their connection; it is the server's ConnContext.
func (g *gate) inContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// working marks a connection as ours to go on with while its request is answered, except where that reads the
// body or writes.
func (g *gate) working(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(connKey{}).(*gatedConn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		c.wait(false)
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &waitingBody{ReadCloser: r.Body, conn: c}
		}
		next.ServeHTTP(w, r)
	})
}

// waitingBody is a body whose sender may keep us waiting.
type waitingBody struct {
	io.ReadCloser
	conn *gatedConn
}

func (b *waitingBody) Read(p []byte) (int, error) {
	before := b.conn.wait(true)
	defer b.conn.wait(before)
	return b.ReadCloser.Read(p)
}
