package netguard

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// countingServer returns a loopback server and how many requests reached it.
func countingServer(t *testing.T) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		_, _ = io.WriteString(w, "hello "+r.Host)
	}))
	t.Cleanup(srv.Close)
	return srv, &hits
}

func hostPort(t *testing.T, srv *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func newTransport(t *testing.T, cfg Config, o TransportOptions) *Transport {
	t.Helper()
	tr := New(cfg).Transport(o)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func get(t *testing.T, rt http.RoundTripper, raw string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: rt}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), nil
}

func wantRefused(t *testing.T, err error, reason string) *RefusedError {
	t.Helper()
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		t.Fatalf("got %v, want a RefusedError", err)
	}
	if !strings.Contains(refused.Reason, reason) {
		t.Fatalf("got %q, want %q in it", refused.Reason, reason)
	}
	return refused
}

func loopbackAllowed() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func TestRoundTrip(t *testing.T) {
	srv, hits := countingServer(t)
	place := hostPort(t, srv)

	_, err := get(t, newTransport(t, Config{}, TransportOptions{}), srv.URL)
	wantRefused(t, err, "loopback")
	if n := hits.Load(); n != 0 {
		t.Fatalf("%d requests reached the server", n)
	}
	if body, err := get(t, newTransport(t, Config{AllowPrivate: loopbackAllowed()}, TransportOptions{}), srv.URL); err != nil || body != "hello "+place {
		t.Errorf("allowed: %q, %v", body, err)
	}
	if body, err := get(t, newTransport(t, Config{}, TransportOptions{Trust: []string{place}}), srv.URL); err != nil || body != "hello "+place {
		t.Errorf("trusted: %q, %v", body, err)
	}
}

// TestResolve: a name of the map is dialled where the map says, with every check but DNS.
func TestResolve(t *testing.T) {
	srv, hits := countingServer(t)
	place := hostPort(t, srv)
	cfg := Config{AllowPrivate: loopbackAllowed(), Resolve: map[string]string{"Example.com": place, "other.example:8443": place}}

	tr := newTransport(t, cfg, TransportOptions{})
	for raw, want := range map[string]string{
		"http://example.com/":        "hello example.com",
		"http://example.com:81/":     "hello example.com:81",
		"http://EXAMPLE.com/":        "hello EXAMPLE.com", // the caller may have signed the name as written
		"http://other.example:8443/": "hello other.example:8443",
	} {
		if body, err := get(t, tr, raw); err != nil || body != want {
			t.Errorf("%s: %q, %v", raw, body, err)
		}
	}
	before := hits.Load()
	cfg.AllowPrivate = nil
	_, err := get(t, newTransport(t, cfg, TransportOptions{}), "http://example.com/secret?token=secret")
	refused := wantRefused(t, err, "loopback")
	if refused.URL != "http://example.com/secret" || refused.Host != "example.com" || refused.Addr != "127.0.0.1" {
		t.Errorf("got %+v", refused)
	}
	if body, err := get(t, newTransport(t, cfg, TransportOptions{Trust: []string{"example.com:80"}}), "http://example.com/"); err != nil || body == "" {
		t.Errorf("trusted name: %v", err)
	}
	if n := hits.Load(); n != before+1 {
		t.Errorf("%d requests reached the server, want 1", n-before)
	}
}

// TestResolveAnyName: with AnyName no name reaches DNS, and addresses stay what they are.
func TestResolveAnyName(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	t.Cleanup(srv.Close)
	noDNS := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("DNS was asked")
	}}
	tr := newTransport(t, Config{AllowPrivate: loopbackAllowed(), Resolver: noDNS,
		Resolve: map[string]string{AnyName: "127.0.0.1:1", "known.example": hostPort(t, srv)}}, TransportOptions{})
	for address, want := range map[string]string{
		"http://known.example/":   "",
		"http://unknown.example/": "127.0.0.1:1",
		srv.URL:                   "",
	} {
		_, err := get(t, tr, address)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", address, err, want)
		}
	}
}

func TestResolveTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.ServerName+" "+r.Proto)
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // one handshake below is meant to fail
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate()) // made out for example.com

	tr := newTransport(t, Config{
		AllowPrivate: loopbackAllowed(), Roots: roots,
		Resolve: map[string]string{"example.com": hostPort(t, srv), "wrong.test": hostPort(t, srv)},
	}, TransportOptions{HTTPSOnly: true})
	if body, err := get(t, tr, "https://example.com/"); err != nil || body != "example.com HTTP/2.0" {
		t.Errorf("got %q, %v", body, err)
	}
	if _, err := get(t, tr, "https://wrong.test/"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate for another name: %v", err)
	}
}

// TestRedirect: the hop after a trusted or public place is checked like a first request.
func TestRedirect(t *testing.T) {
	inner, hits := countingServer(t)
	var to atomic.Value
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			_, _ = io.WriteString(w, "end")
			return
		}
		http.Redirect(w, r, to.Load().(string), http.StatusFound)
	}))
	t.Cleanup(outer.Close)
	tr := newTransport(t, Config{Self: []string{"self.example"}}, TransportOptions{Trust: []string{hostPort(t, outer)}})

	tests := []struct{ to, want string }{
		{inner.URL, "loopback"},
		{strings.Replace(inner.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), "loopback"},
		{"http://localhost:" + inner.URL[strings.LastIndexByte(inner.URL, ':')+1:], "port"},
		{"http://localhost/", "loopback"},
		{"http://169.254.169.254/latest", "link-local"},
		{"http://0x7f.1/", "unusual form"},
		{"https://self.example/inbox", "itself"},
		{"gopher://example.com/", "only http and https"},
		{"http://user:pw@example.com/", "user name"},
		{"/end", ""},
		{outer.URL + "/end", ""},
	}
	for _, tt := range tests {
		t.Run(tt.to, func(t *testing.T) {
			to.Store(tt.to)
			body, err := get(t, tr, outer.URL)
			if tt.want == "" {
				if err != nil || body != "end" {
					t.Fatalf("got %q, %v", body, err)
				}
				return
			}
			wantRefused(t, err, tt.want)
		})
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests reached the inner server", n)
	}
}

// TestRebinding: a name that is public when somebody looks and private when we connect.
func TestRebinding(t *testing.T) {
	srv, hits := countingServer(t)
	_, port, err := net.SplitHostPort(hostPort(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	resolver := dnsAnswers(t, func() [4]byte {
		if asked.Add(1) == 1 {
			return [4]byte{93, 184, 216, 34}
		}
		return [4]byte{127, 0, 0, 1}
	})
	if addrs, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example"); err != nil || New(Config{}).CheckAddr(addrs[0]) != nil {
		t.Fatalf("the first look: %v, %v", addrs, err)
	}
	tr := newTransport(t, Config{Resolver: resolver}, TransportOptions{})
	_, err = get(t, tr, "http://rebind.example/")
	wantRefused(t, err, "127.0.0.1 is a loopback address")
	if asked.Load() < 2 {
		t.Fatal("the resolver was not asked again")
	}

	// With another block allowed, a port of the attacker's choice opens for nothing else.
	tr = newTransport(t, Config{Resolver: resolver, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, TransportOptions{})
	_, err = get(t, tr, "http://rebind.example:"+port+"/")
	wantRefused(t, err, "127.0.0.1 is a loopback address")
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests reached the server", n)
	}
	tr = newTransport(t, Config{Resolver: resolver, AllowPrivate: loopbackAllowed()}, TransportOptions{})
	if body, err := get(t, tr, "http://rebind.example:"+port+"/"); err != nil || body != "hello rebind.example:"+port {
		t.Errorf("allowed: %q, %v", body, err)
	}
}

// dnsAnswers is a resolver whose server answers A questions with next() and knows nothing else.
func dnsAnswers(t *testing.T, next func() [4]byte) *net.Resolver {
	t.Helper()
	return &net.Resolver{
		PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe() // not a packet connection, so the resolver frames as over TCP
			go serveDNS(theirs, next)
			return ours, nil
		},
	}
}

func serveDNS(c net.Conn, next func() [4]byte) {
	defer func() { _ = c.Close() }()
	for {
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) != nil {
			return
		}
		raw := make([]byte, size)
		var m dnsmessage.Message
		if _, err := io.ReadFull(c, raw); err != nil || m.Unpack(raw) != nil {
			return
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
				Body:   &dnsmessage.AResource{A: next()},
			}}
		}
		out, err := m.AppendPack(make([]byte, 2, 512))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(out, uint16(len(out)-2))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// TestNoProxy: an environment that names a proxy changes nothing.
func TestNoProxy(t *testing.T) {
	proxy, hits := countingServer(t)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	tr := newTransport(t, Config{}, TransportOptions{})
	_, err := get(t, tr, "http://10.0.0.3/")
	wantRefused(t, err, "private")
	if tr.base.Proxy != nil || hits.Load() != 0 {
		t.Error("a proxy was asked")
	}
}

type closeSpy struct {
	io.Reader
	closed bool
}

func (c *closeSpy) Close() error { c.closed = true; return nil }

func TestRefusedClosesBody(t *testing.T) {
	body := &closeSpy{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://10.0.0.3/inbox", body)
	if err != nil {
		t.Fatal(err)
	}
	_, err = newTransport(t, Config{}, TransportOptions{}).RoundTrip(req)
	wantRefused(t, err, "private")
	if !body.closed {
		t.Error("the body was left open")
	}
}

// TestRequestUnchanged: a RoundTripper must not change the caller's request.
func TestRequestUnchanged(t *testing.T) {
	srv, _ := countingServer(t)
	tr := newTransport(t, Config{AllowPrivate: loopbackAllowed(), Resolve: map[string]string{"xn--bcher-kva.example": hostPort(t, srv)}}, TransportOptions{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://BÜCHER.example:81/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if req.URL.Host != "BÜCHER.example:81" || req.Host != "BÜCHER.example:81" {
		t.Errorf("the request was changed: %q, %q", req.URL.Host, req.Host)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "hello xn--bcher-kva.example:81" {
		t.Errorf("the server saw %q, %v", body, err)
	}
}

func TestHeaderLimit(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", maxHeaderBytes+1))
	}))
	t.Cleanup(srv.Close)
	if _, err := get(t, newTransport(t, Config{AllowPrivate: loopbackAllowed()}, TransportOptions{}), srv.URL); err == nil {
		t.Error("an endless header was read")
	}
}
