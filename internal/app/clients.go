package app

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Limits of one client address. They are far above what a server of the fediverse does, even one with ten thousand
// of our followers, and far below what would make us slow.
const (
	clientRate    = 50    // requests a second, in the long run
	clientBurst   = 3_000 // requests at once
	refusedEvery  = 3 * time.Second
	refusedBurst  = 20    // POSTs that prove nothing, at once; then one every refusedEvery
	clientsKnown  = 4_096 // clients that are remembered; the one seen longest ago is forgotten
	busyBodyRetry = 10 * time.Second
)

// Limits of bodies that are read at once. A small one needs no place, since connections are limited.
const (
	smallBody       = 64 << 10
	largeBodies     = 16 // at once, with at most maxBody each
	largeBodiesFrom = 4  // of them, by one client
)

// clients counts what each client address asks for. The zero value is ready, and safe for concurrent use.
type clients struct {
	mu        sync.Mutex // guards all below
	known     *lru.Cache[netip.Prefix, *client]
	large     int                  // bodies under way
	largeFrom map[netip.Prefix]int // the same by client

	warned atomic.Bool // the owner knows of a proxy that is not trusted
}

// client is what one address may still do.
type client struct {
	requests *rate.Limiter
	refused  *rate.Limiter
}

func (c *clients) get(key netip.Prefix) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		known, err := lru.New[netip.Prefix, *client](clientsKnown)
		if err != nil {
			panic(err) // only a size below one can fail
		}
		c.known = known
	}
	if found, ok := c.known.Get(key); ok {
		return found
	}
	fresh := &client{
		requests: rate.NewLimiter(clientRate, clientBurst),
		refused:  rate.NewLimiter(rate.Every(refusedEvery), refusedBurst),
	}
	c.known.Add(key, fresh)
	return fresh
}

// admit counts a request and returns how long the client has to wait before it; 0 means not at all.
func (c *client) admit(post bool, now time.Time) time.Duration {
	if post {
		if have := c.refused.TokensAt(now); have < 1 {
			return time.Duration((1 - have) * float64(refusedEvery))
		}
	}
	r := c.requests.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// takeLarge takes a place for a large body; leave gives it back. It is nil where there is none.
func (c *clients) takeLarge(key netip.Prefix) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.large >= largeBodies || key.IsValid() && c.largeFrom[key] >= largeBodiesFrom {
		return nil
	}
	if c.largeFrom == nil {
		c.largeFrom = map[netip.Prefix]int{}
	}
	c.large++
	c.largeFrom[key]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.large--
		if c.largeFrom[key]--; c.largeFrom[key] == 0 {
			delete(c.largeFrom, key)
		}
	}
}

// limited lets no client address ask too much. Whose address is not known for certain is not counted: behind a
// proxy that trusted_proxies does not name, everybody would be one client.
func (a *App) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := clientOf(r, a.cfg.TrustedProxies)
		if !key.IsValid() {
			a.warnOfProxy(r)
			a.bounded(w, r, key, next)
			return
		}
		who := a.clients.get(key)
		post := r.Method == http.MethodPost
		if wait := who.admit(post, time.Now()); wait > 0 {
			a.log.Debug("too many requests", "client", key, "path", shownPath(r.URL.Path))
			busy(w, http.StatusTooManyRequests, wait, "too many requests, try later")
			return
		}
		if !post {
			a.bounded(w, r, key, next)
			return
		}
		counted := &statusWriter{ResponseWriter: w}
		a.bounded(counted, r, key, next)
		if counted.status == http.StatusUnauthorized {
			who.refused.AllowN(time.Now(), 1)
		}
	})
}

// warnOfProxy tells the owner, once, of a proxy nearby that is not named in the configuration: behind it nobody's
// requests can be counted.
func (a *App) warnOfProxy(r *http.Request) {
	if r.Header.Get("X-Forwarded-For") == "" {
		return
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || within(a.cfg.TrustedProxies, peer.Addr()) {
		return
	}
	if a.clients.warned.CompareAndSwap(false, true) {
		a.log.Warn("requests come through a proxy that is not trusted, so nobody's are counted; name it in trusted_proxies if it is yours",
			"proxy", peer.Addr().Unmap().String())
	}
}

// bounded bounds what any handler can read of a body, and how many large ones are in memory at once.
func (a *App) bounded(w http.ResponseWriter, r *http.Request, key netip.Prefix, next http.Handler) {
	if isHub(r) { // which reads large bodies, and keeps nothing of them
		next.ServeHTTP(w, r)
		return
	}
	if r.ContentLength > smallBody || r.ContentLength < 0 {
		leave := a.clients.takeLarge(key)
		if leave == nil {
			busy(w, http.StatusServiceUnavailable, busyBodyRetry, "too many large requests at once, try later")
			return
		}
		defer leave()
	}
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	next.ServeHTTP(w, r)
}

// busy asks a client to come back.
func busy(w http.ResponseWriter, status int, wait time.Duration, why string) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	text(w, status, why)
}

// clientOf is whose request it is, for counting: an address, or an IPv6 network, as one client has many of those.
// The zero Prefix means that it cannot be told.
func clientOf(r *http.Request, trusted []netip.Prefix) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !within(trusted, addr) {
		if mayBeProxy(addr) {
			return netip.Prefix{}
		}
		return clientKey(addr)
	}
	real, ok := realClient(r, trusted)
	if !ok || within(trusted, real) { // a proxy that names nobody, or one that asks for itself
		return netip.Prefix{}
	}
	return clientKey(real)
}

// clientKey is what is counted as one client: an IPv4 address, or the /64 that one customer has at least.
func clientKey(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // no address has fewer bits
	return p
}

// mayBeProxy reports whether an address is one of those that a proxy in the same house has.
func mayBeProxy(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}

// lastHop cuts the last address off a list in X-Forwarded-For. Some proxies write the port behind it.
func lastHop(list string) (rest string, hop netip.Addr, ok bool) {
	text := list
	if at := strings.LastIndexByte(list, ','); at >= 0 {
		rest, text = list[:at], list[at+1:]
	}
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return rest, netip.Addr{}, false
		}
		addr = ap.Addr()
	}
	return rest, addr.Unmap().WithZone(""), true
}
