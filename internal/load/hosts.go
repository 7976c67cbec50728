package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"crier/store"
)

// hosts are the servers of many followers, each at an address of its own below 127.0.0.0/8 or, over TLS, under a
// name of its own.
type hosts struct {
	server   *http.Server // nil for a sink
	listener net.Listener // of a sink
	port     string
	scheme   string
	opened   atomic.Int64 // connections to a sink so far
	trust    string       // file with the certificate, over TLS

	reply func(n int, w http.ResponseWriter) // how the host with that number answers

	mu      sync.Mutex
	arrived map[int]bool  // hosts that took a delivery
	last    time.Time     // when the last one did
	want    int           // how many shall
	all     chan struct{} // closed when they have
}

// newHosts listens; over TLS where a folder for the certificate is given.
func newHosts(tlsDir string) (*hosts, error) {
	h := &hosts{scheme: "http", reply: func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }}
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	_, h.port, _ = net.SplitHostPort(l.Addr().String())
	h.server = &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	if tlsDir == "" {
		go func() { _ = h.server.Serve(l) }()
		return h, nil
	}
	h.scheme = "https"
	certificate, file, err := newCertificate(tlsDir)
	if err != nil {
		return nil, err
	}
	h.trust = file
	h.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() { _ = h.server.ServeTLS(l, "", "") }()
	return h, nil
}

func (h *hosts) close() {
	if h.server == nil {
		_ = h.listener.Close()
		return
	}
	_ = h.server.Close()
}

// name is the host with number n, as it stands in addresses.
func (h *hosts) name(n int) string {
	if h.scheme == "https" {
		return fmt.Sprintf("h%d.load.example", n)
	}
	return fmt.Sprintf("127.1.%d.%d:%s", n/250, n%250+1, h.port)
}

func (h *hosts) actor(n int) string { return h.scheme + "://" + h.name(n) + "/users/u" }

// number is the host that a request came to.
func (h *hosts) number(r *http.Request) int {
	if h.scheme == "https" {
		var n int
		_, _ = fmt.Sscanf(r.Host, "h%d.", &n)
		return n
	}
	return h.numberOf(r.Host)
}

// numberOf is the host at an address with a port, over plain http.
func (h *hosts) numberOf(address string) int {
	var a, b int
	_, _ = fmt.Sscanf(address, "127.1.%d.%d", &a, &b)
	return a*250 + b - 1
}

// ServeHTTP takes a delivery.
func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	n := h.number(r)
	status := &statusWriter{ResponseWriter: w}
	h.reply(n, status)
	if status.status == http.StatusAccepted {
		h.arrives(n)
	}
}

// arrives counts a delivery that a host took.
func (h *hosts) arrives(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.arrived == nil || h.arrived[n] {
		return
	}
	h.arrived[n] = true
	h.last = time.Now()
	if len(h.arrived) == h.want {
		close(h.all)
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// expect begins to count: want hosts shall take a delivery.
func (h *hosts) expect(want int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arrived, h.want, h.all = map[int]bool{}, want, make(chan struct{})
}

// wait waits until they have, and returns when the last one did.
func (h *hosts) wait(ctx context.Context) (time.Time, error) {
	select {
	case <-h.all:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.arrived) < h.want {
		return time.Time{}, fmt.Errorf("%d of %d hosts have it", len(h.arrived), h.want)
	}
	return h.last, nil
}

// follow stores one follower on each of n hosts.
func (h *hosts) follow(d *daemon, n int) error {
	return d.withStore(func(db *store.DB) error {
		var follows []store.Follow
		for i := range n {
			actor := h.actor(i)
			follows = append(follows, store.Follow{Follower: store.Follower{
				Actor: actor, Inbox: actor + "/inbox", Since: time.Now(), State: store.FollowerAccepted,
			}})
		}
		return db.AddFollowers(time.Now(), follows...)
	})
}

// newCertificate makes a certificate for all names below load.example.
func newCertificate(dir string) (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "load"}, DNSNames: []string{"*.load.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	file := filepath.Join(dir, "trust.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file, os.WriteFile(file, text, 0o600)
}
