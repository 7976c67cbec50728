package netguard

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Limits of one request that are not the caller's. An overall deadline, which the caller sets with its
// context, comes on top.
const (
	defaultDialTimeout   = 5 * time.Second  // name resolution and TCP connect together
	defaultTLSTimeout    = 5 * time.Second  // TLS handshake
	defaultHeaderTimeout = 20 * time.Second // from the end of the request to the end of the answer's header
)

// Config says what may be contacted. The zero value allows the public internet on ports 80 and 443.
type Config struct {
	// AllowPrivate are blocks that may be contacted although they are not the public internet, on any port.
	AllowPrivate []netip.Prefix
	// Resolve replaces DNS, for tests: a host (any port) or a host:port, to the host:port to dial for it. The
	// place of the answer is checked like any other; TLS still asks for the name in the URL. AnyName stands for
	// every name that is not in the map, so that a test asks no DNS at all.
	Resolve map[string]string
	// Self are our own public names, "host" (every port of it) or "host:port": requests to them would be loops.
	Self []string
	// Resolver answers for names; nil means the system's.
	Resolver *net.Resolver
	// Roots are the certificate authorities to trust; nil means the system's.
	Roots *x509.CertPool
	// DialTimeout, TLSTimeout and HeaderTimeout bound the steps of one request; zero means 5 s, 5 s and 20 s.
	DialTimeout, TLSTimeout, HeaderTimeout time.Duration
}

// Guard decides which addresses may be contacted. It is safe for concurrent use and never changes.
type Guard struct {
	cfg     Config
	allow   []netip.Prefix
	closed  []addrRange
	global6 netip.Prefix
	nat64   netip.Prefix
	resolve map[string]string // keys canonical: "host" or "host:port"
	self    map[string]bool   // keys canonical: "host" or "host:port"
}

// New returns the guard for a configuration. It starts nothing and keeps no reference to cfg's maps.
func New(cfg Config) *Guard {
	g := &Guard{
		cfg:     cfg,
		closed:  closedRanges(),
		global6: globalUnicast6(),
		nat64:   nat64(),
		resolve: make(map[string]string, len(cfg.Resolve)),
		self:    make(map[string]bool, len(cfg.Self)),
	}
	for _, p := range cfg.AllowPrivate {
		g.allow = append(g.allow, unmapPrefix(p))
	}
	for from, to := range cfg.Resolve {
		g.resolve[canonicalName(from)] = to
	}
	for _, s := range cfg.Self {
		g.self[canonicalName(s)] = true
	}
	g.cfg.DialTimeout = orDefault(cfg.DialTimeout, defaultDialTimeout)
	g.cfg.TLSTimeout = orDefault(cfg.TLSTimeout, defaultTLSTimeout)
	g.cfg.HeaderTimeout = orDefault(cfg.HeaderTimeout, defaultHeaderTimeout)
	return g
}

// CheckAddr returns nil if a may be contacted (on some port), else a *RefusedError without URL.
func (g *Guard) CheckAddr(a netip.Addr) error {
	a = plain(a)
	if contains(g.allow, a) {
		return nil
	}
	if kind := g.kind(a); kind != "" {
		return &RefusedError{Addr: a.String(), Reason: fmt.Sprintf("%s is %s; allow it with network.allow_private", a, kind)}
	}
	return nil
}

// kind names the closed range that the plain address a lies in; "" means the public internet.
func (g *Guard) kind(a netip.Addr) string {
	if !a.IsValid() {
		return "no address"
	}
	if g.nat64.Contains(a) {
		inside := embedded4(a)
		if kind := g.kind(inside); kind != "" {
			return fmt.Sprintf("a NAT64 address for %s, %s", inside, kind)
		}
		return ""
	}
	for _, r := range g.closed {
		if r.prefix.Contains(a) {
			return r.kind
		}
	}
	if a.Is6() && !g.global6.Contains(a) {
		return "a reserved address"
	}
	return ""
}

// checkDialled is CheckAddr together with the port: only 80 and 443 are open, except inside AllowPrivate.
func (g *Guard) checkDialled(a netip.Addr, port uint16) error {
	if contains(g.allow, plain(a)) {
		return nil
	}
	if err := g.CheckAddr(a); err != nil {
		return err
	}
	if !webPort(port) {
		return &RefusedError{Addr: netip.AddrPortFrom(plain(a), port).String(), Reason: portReason(port), ours: true}
	}
	return nil
}

// AnyName is the key of Config.Resolve for all names that have no other.
const AnyName = "*"

// target returns where to dial for a canonical host and port, and whether the Resolve map says so.
func (g *Guard) target(host, port string) (string, bool) {
	joined := net.JoinHostPort(host, port)
	if to, ok := g.resolve[joined]; ok {
		return to, true
	}
	if to, ok := g.resolve[host]; ok {
		return to, true
	}
	if to, ok := g.resolve[AnyName]; ok {
		if _, err := netip.ParseAddr(host); err != nil {
			return to, true
		}
	}
	return joined, false
}

func (g *Guard) isSelf(host, port string) bool {
	return g.self[host] || g.self[net.JoinHostPort(host, port)]
}

// RefusedError says that a request was not made because its target may not be contacted. It is permanent
// for the same URL and configuration, except that a name may resolve to something else later.
type RefusedError struct {
	URL    string // without userinfo, query and fragment; empty where only an address was checked
	Host   string // the host asked for, as it would be looked up
	Addr   string // the address refused; empty where the URL itself was
	Reason string // for people, with what to do where there is something

	ours bool // by a rule that other servers need not have
}

func (e *RefusedError) Error() string {
	if e.URL == "" {
		return "refused: " + e.Reason
	}
	return e.URL + ": refused: " + e.Reason
}

// Permanent reports that asking again changes nothing, unless the owner allows the address.
func (e *RefusedError) Permanent() bool { return true }

// OthersToo reports whether no server out there could fetch it either, or would: it is no address of the public
// internet, or this crier's own. A port that is not open here may be open elsewhere.
func (e *RefusedError) OthersToo() bool { return !e.ours }

func webPort(port uint16) bool { return port == 80 || port == 443 }

func portReason(port uint16) string {
	return fmt.Sprintf("port %d is neither 80 nor 443; other ports are open only to what network.allow_private names", port)
}

// unmapPrefix gives a prefix of IPv4 addresses mapped into IPv6 its IPv4 form, as addresses get it, too.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// canonicalName brings a configured "host" or "host:port" into the form in which requests are looked up.
// A name that is no host keeps its spelling: it then matches nothing.
func canonicalName(s string) string {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), ""
	}
	if name, err := CanonicalHost(host); err == nil {
		host = name
	}
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}
