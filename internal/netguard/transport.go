package netguard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	maxIdleConns        = 256              // over all hosts: those of one moment's posts
	idleConnTimeout     = 30 * time.Second // the posts of one poll go out within this
	maxHeaderBytes      = 64 << 10         // of an answer
	tlsSessions         = 256              // hosts whose TLS session can be resumed
	pingAfter           = 15 * time.Second // a silent HTTP/2 connection is asked whether it lives
	pingTimeout         = 5 * time.Second
	maxShownURL         = 200 // characters of a stranger's URL in an error text
	expectContinueLimit = time.Second
)

// TransportOptions are the exceptions of one Transport.
type TransportOptions struct {
	// HTTPSOnly refuses plain http.
	HTTPSOnly bool
	// Trust names exact "host:port"s (the port always given) that may be contacted wherever they resolve to:
	// those of configured feeds. It outranks Self, since a blog may live on our own host.
	Trust []string
	// AllowSelf permits requests to our own public names.
	AllowSelf bool
}

// Transport is an http.RoundTripper that checks the URL of every request and every address it dials. It is
// safe for concurrent use. Its errors are *RefusedError where it made no request on purpose.
type Transport struct {
	guard *Guard
	opts  TransportOptions
	trust map[string]bool // canonical host:port
	base  *http.Transport
}

// Transport returns a round tripper with connections of its own. Nothing runs until the first request;
// CloseIdleConnections ends what is left of it.
func (g *Guard) Transport(o TransportOptions) *Transport {
	t := &Transport{guard: g, opts: o, trust: make(map[string]bool, len(o.Trust))}
	for _, hostPort := range o.Trust {
		t.trust[canonicalName(hostPort)] = true
	}
	t.base = &http.Transport{
		Proxy:                  nil, // see doc.go
		DialContext:            t.dial,
		TLSHandshakeTimeout:    g.cfg.TLSTimeout,
		ResponseHeaderTimeout:  g.cfg.HeaderTimeout,
		ExpectContinueTimeout:  expectContinueLimit,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true, // else a dial function of our own turns HTTP/2 off
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            g.cfg.Roots,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
	}
	return t
}

// RoundTrip makes one request if its URL and the address that its host resolves to may be contacted.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	host, err := t.check(req.URL)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper closes the body on errors, too
		}
		return nil, err
	}
	resp, err := t.base.RoundTrip(withHost(req, host))
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		shown := *refused // the same error may go to several requests that waited for one connection
		shown.URL, shown.Host = showURL(req.URL), host
		return nil, &shown
	}
	return resp, err
}

// CloseIdleConnections closes connections that no request uses.
func (t *Transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// CheckURL returns nil if a request for u would be tried, else a *RefusedError. It makes no name lookup:
// an address that a name resolves to is checked when it is dialled.
func (t *Transport) CheckURL(u *url.URL) error {
	_, err := t.check(u)
	return err
}

// check is CheckURL and returns the host as it will be looked up.
func (t *Transport) check(u *url.URL) (string, error) {
	if u == nil {
		return "", &RefusedError{Reason: "there is no URL"}
	}
	host, reason := t.checkShape(u)
	if reason != "" {
		return "", &RefusedError{URL: showURL(u), Host: u.Hostname(), Reason: reason, ours: t.opts.HTTPSOnly && u.Scheme == "http"}
	}
	port, err := portOf(u)
	if err != nil {
		return "", &RefusedError{URL: showURL(u), Host: host, Reason: err.Error()}
	}
	portText := strconv.Itoa(int(port))
	if t.trust[net.JoinHostPort(host, portText)] {
		return host, nil
	}
	if !t.opts.AllowSelf && t.guard.isSelf(host, portText) {
		return "", &RefusedError{URL: showURL(u), Host: host, Reason: host + " is this crier itself"}
	}
	if err := t.checkPlace(host, port); err != nil {
		err.URL, err.Host = showURL(u), host
		return "", err
	}
	return host, nil
}

// checkShape checks what needs no knowledge of places and returns the canonical host, or what is wrong.
func (t *Transport) checkShape(u *url.URL) (host, reason string) {
	switch {
	case u.Scheme == "http" && t.opts.HTTPSOnly:
		return "", "plain http is not allowed here; only https is"
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "only http and https URLs are fetched"
	case u.Opaque != "":
		return "", "it has no host"
	case u.User != nil:
		return "", "it has a user name or password in it"
	}
	host, err := CanonicalHost(u.Hostname())
	if err != nil {
		return "", err.Error()
	}
	return host, ""
}

// checkPlace refuses early what the dialled address would be refused for anyway: a literal address, and a
// port that no exception can open. Names wait for their address.
func (t *Transport) checkPlace(host string, port uint16) *RefusedError {
	if _, mapped := t.guard.target(host, strconv.Itoa(int(port))); mapped {
		return nil
	}
	addr, err := netip.ParseAddr(host)
	if err == nil {
		refused, _ := errors.AsType[*RefusedError](t.guard.checkDialled(addr, port))
		return refused
	}
	if !webPort(port) && len(t.guard.allow) == 0 {
		return &RefusedError{Reason: portReason(port), ours: true}
	}
	return nil
}

// dial connects to the host:port of a request that passed check. The dialer resolves the name, and its
// control function sees each address just before it is connected to.
func (t *Transport) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", hostPort, err)
	}
	trusted := t.trust[net.JoinHostPort(host, port)]
	d := net.Dialer{
		Timeout:  t.guard.cfg.DialTimeout,
		Resolver: t.guard.cfg.Resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if trusted {
				return nil
			}
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return &RefusedError{Addr: address, Reason: "it resolves to something that is no address"}
			}
			return t.guard.checkDialled(ap.Addr(), ap.Port())
		},
	}
	to, _ := t.guard.target(host, port)
	return d.DialContext(ctx, network, to)
}

// withHost returns req with the canonical host in its URL, so that what was checked is what is dialled. The
// request is the caller's and is not changed. Its Host header stays as written where it is ASCII, since the
// caller may have signed it.
func withHost(req *http.Request, host string) *http.Request {
	if req.URL.Hostname() == host {
		return req
	}
	u := *req.URL
	if port := u.Port(); port != "" {
		u.Host = net.JoinHostPort(host, port)
	} else if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		u.Host = "[" + host + "]"
	} else {
		u.Host = host
	}
	clone := req.WithContext(req.Context())
	clone.URL = &u
	if !isASCII(req.Host) && req.Host == req.URL.Host {
		clone.Host = u.Host // net/http would encode the name without mapping it first
	}
	return clone
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	switch {
	case text == "" && u.Scheme == "http":
		return 80, nil
	case text == "":
		return 443, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New("its port is no port")
	}
	return uint16(n), nil
}

// showURL is u for an error text: no secrets (userinfo, query), nothing endless.
func showURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.Opaque != "" {
		shown = url.URL{Scheme: u.Scheme, Opaque: "…"}
	}
	text := shown.String()
	if len(text) > maxShownURL {
		text = strings.ToValidUTF8(text[:maxShownURL], "") + "…"
	}
	return text
}
