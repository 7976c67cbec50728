//go:build interop

package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// The hosts of the story, which exist on the loopback interface only. On both sides the handles are of another host
// than the actors.
const (
	blogHost   = "blog.example"      // the blog; crier's handle is user@blog.example
	crierHost  = "fedi.blog.example" // crier
	handleHost = "social.example"    // Fedify's handles
	fedifyHost = "ap.social.example" // Fedify's actors
	nowhere    = "127.0.0.1:1"       // where all other names lead to
)

// certificate is one for all hosts of the story, signed by itself, in PEM files.
type certificate struct {
	cert, key string // files
	pair      tls.Certificate
}

func newCertificate(t *testing.T) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "crier interop"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{blogHost, crierHost, handleHost, fedifyHost}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := certificate{cert: filepath.Join(t.TempDir(), "cert.pem"), key: filepath.Join(t.TempDir(), "key.pem")}
	writePEM(t, c.cert, "CERTIFICATE", der)
	writePEM(t, c.key, "PRIVATE KEY", secret)
	if c.pair, err = tls.LoadX509KeyPair(c.cert, c.key); err != nil {
		t.Fatal(err)
	}
	return c
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// front is what stands before the blog and crier: it ends TLS and passes on what is for crier.
type front struct {
	addr    string
	backend atomic.Pointer[httputil.ReverseProxy] // nil: crier does not run
}

func newFront(t *testing.T, c certificate, blog http.Handler) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{addr: l.Addr().String()}
	server := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{c.pair}}, ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch backend := f.backend.Load(); {
			case r.Host == blogHost:
				blog.ServeHTTP(w, r)
			case r.Host == crierHost && backend != nil:
				backend.ServeHTTP(w, r)
			default:
				w.WriteHeader(http.StatusBadGateway)
			}
		}),
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return f
}

// pass lets requests for crier through to it.
func (f *front) pass(addr string) {
	f.backend.Store(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: addr})
			p.Out.Host = p.In.Host
			p.SetXForwarded()
		},
		ErrorLog: log.New(io.Discard, "", 0),
	})
}
