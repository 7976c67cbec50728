package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crier/internal/config"
	"crier/store"
)

const somebodysKey = `{"publicKey":{"publicKeyPem":"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"}}`

// lonely is a configuration whose public address is answered by h, on a new data directory.
func lonely(t *testing.T, h http.Handler) *config.Config {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	w := &world{t: t, dir: t.TempDir(), dial: map[string]string{"blog.test": "127.0.0.1:1", "a.test": "127.0.0.1:1", "b.test": "127.0.0.1:1"}}
	cfg := w.config()
	cfg.Network.Resolve["fedi.test"] = srv.Listener.Addr().String()
	return cfg
}

func TestLookOutside(t *testing.T) {
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		refused bool
	}{
		{"another key", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/users/user" && strings.Contains(r.Header.Get("Accept"), "activity+json") {
				_, _ = io.WriteString(w, somebodysKey)
			}
		}, true},
		{"404", http.NotFound, false},
		{"the proxy in front has nobody behind it", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, false},
		{"an error page that mentions a key", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, somebodysKey)
		}, false},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>BEGIN PUBLIC KEY") }, false},
		{"an actor without a key", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"type":"Person"}`) }, false},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for range 300 {
				_, _ = io.WriteString(w, strings.Repeat(" ", 8<<10))
			}
			_, _ = io.WriteString(w, somebodysKey)
		}, false},
		{"nobody", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := lonely(t, tt.answer)
			a, err := New(t.Context(), cfg, Options{Log: testLog(t)})
			if tt.refused {
				if err == nil || !strings.Contains(err.Error(), "crier serve --new-identity") {
					t.Fatalf("err = %v", err)
				}
				if left := names(t, cfg.DataDir); !slices.Equal(left, []string{storeFile}) {
					t.Errorf("left behind: %v", left)
				}
				a, err = New(t.Context(), cfg, Options{Log: testLog(t), NewIdentity: true})
			}
			must(t, err)
			must(t, a.Close())
		})
	}
}

// TestAskedOnce: the world is asked before a first key is made, and never again.
func TestAskedOnce(t *testing.T) {
	var asked atomic.Int32
	cfg := lonely(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	var keys [][]byte
	for range 2 {
		a, err := New(t.Context(), cfg, Options{Log: testLog(t)})
		must(t, err)
		acc, err := a.db.Account()
		must(t, err)
		keys = append(keys, acc.PrivateKey)
		must(t, a.Close())
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	if !slices.Equal(keys[0], keys[1]) {
		t.Error("the second start made another key")
	}
}

// TestSecondKey: a new account has an Ed25519 key, one of an older version gets it at its next start, and it is
// the same from then on.
func TestSecondKey(t *testing.T) {
	cfg := lonely(t, http.NotFoundHandler())
	seed := func() []byte {
		t.Helper()
		var log bytes.Buffer
		a, err := New(t.Context(), cfg, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		must(t, err)
		acc, err := a.db.Account()
		must(t, err)
		actor := a.core.server.Actor()
		if len(acc.Ed25519) != ed25519.SeedSize || !bytes.Contains(actor, []byte(`"publicKeyMultibase":"z6Mk`)) {
			t.Errorf("no second key, or it is not shown: %s", actor)
		}
		if strings.Contains(log.String(), base64.StdEncoding.EncodeToString(acc.Ed25519)) {
			t.Error("the key is in the log")
		}
		must(t, a.Close())
		return acc.Ed25519
	}
	first := seed()
	if !bytes.Equal(first, seed()) {
		t.Error("the second start made another key")
	}

	// As an older version left it.
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.Remove(filepath.Join(cfg.DataDir, storeFile)))
	db, err := openStore(cfg.DataDir)
	must(t, err)
	must(t, db.CreateAccount(store.Account{BaseURL: cfg.BaseURL, Handle: cfg.Account.Handle.String(), PrivateKey: der, Created: time.Now()}))
	must(t, db.Close())
	second := seed()
	if bytes.Equal(first, second) || !bytes.Equal(second, seed()) {
		t.Error("the key of an older account is not made once")
	}
}

// TestOwnListener: a caller that has bound the public address itself must not wait for its own answer.
func TestOwnListener(t *testing.T) {
	cfg := lonely(t, http.NotFoundHandler())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	cfg.Network.Resolve["fedi.test"] = l.Addr().String()
	a, err := New(t.Context(), cfg, Options{Log: testLog(t), Listener: l})
	must(t, err)
	if a.Addr() != l.Addr().String() {
		t.Errorf("listening on %s", a.Addr())
	}
	must(t, a.Close())
}

func TestChangedIdentity(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"base_url": func(c *config.Config) { c.BaseURL = "http://other.test" },
		"user":     func(c *config.Config) { c.Account.Handle.User = "other" },
		"host":     func(c *config.Config) { c.Account.Handle.Host = "other.test" },
	} {
		cfg := lonely(t, http.NotFoundHandler())
		a, err := New(t.Context(), cfg, Options{Log: testLog(t)})
		must(t, err)
		must(t, a.Close())
		change(cfg)
		_, err = New(t.Context(), cfg, Options{Log: testLog(t)})
		if err == nil || !strings.Contains(err.Error(), "crier move") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := OpenOffline(t.Context(), cfg, OfflineOptions{Log: testLog(t)}); err == nil || !strings.Contains(err.Error(), "crier move") {
			t.Errorf("%s, offline: %v", name, err)
		}
	}
}

// TestFailedNew: whatever a start fails at, it leaves no address, no socket and no lock behind.
func TestFailedNew(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { busy.Close() })
	for name, breakIt := range map[string]func(*config.Config){
		"busy address": func(c *config.Config) { c.Listen = busy.Addr().String() },
		"no avatar":    func(c *config.Config) { c.Account.Avatar.File = "/does/not/exist.png" },
	} {
		cfg := lonely(t, http.NotFoundHandler())
		good := *cfg
		breakIt(cfg)
		if _, err := New(t.Context(), cfg, Options{Log: testLog(t)}); err == nil {
			t.Fatalf("%s: no error", name)
		}
		if left := names(t, cfg.DataDir); !slices.Equal(left, []string{storeFile}) {
			t.Errorf("%s: left behind: %v", name, left)
		}
		a, err := New(t.Context(), &good, Options{Log: testLog(t)})
		must(t, err)
		must(t, a.Close())
		must(t, a.Close()) // closing twice is closing once
	}
}

func TestTwoDaemons(t *testing.T) {
	cfg := lonely(t, http.NotFoundHandler())
	a, err := New(t.Context(), cfg, Options{Log: testLog(t)})
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	if _, err := New(t.Context(), cfg, Options{Log: testLog(t)}); !errors.Is(err, ErrLocked) {
		t.Errorf("the second one: %v", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, addrFile)); err != nil {
		t.Errorf("the second one took the first one's address away: %v", err)
	}
}

// TestBrokenStore: a part that fails for reasons of our own ends the daemon with its error.
func TestBrokenStore(t *testing.T) {
	cfg := lonely(t, http.NotFoundHandler())
	a, err := New(t.Context(), cfg, Options{Log: testLog(t)})
	must(t, err)
	must(t, a.db.Close())
	if err := a.Run(t.Context()); err == nil {
		t.Error("Run says that all is well without a store")
	}
}

// TestStopFitsContainers: all parts together, and the store, stop within 8 s.
func TestStopFitsContainers(t *testing.T) {
	if total := stopHTTP + stopPoller + stopPublisher + stopDeliverer + stopControl; total.Seconds() > 7.5 {
		t.Errorf("the parts may take %s to stop", total)
	}
}

func TestScratch(t *testing.T) {
	cfg := lonely(t, http.NotFoundHandler())
	off, err := OpenOffline(t.Context(), cfg, OfflineOptions{Log: testLog(t), Store: StoreScratch})
	must(t, err)
	place := off.Ops.StorePath
	must(t, off.Close())
	for _, path := range []string{cfg.DataDir, filepath.Dir(place)} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", path, err)
		}
	}
	off, err = OpenOffline(t.Context(), cfg, OfflineOptions{Log: testLog(t), Store: StoreMake})
	must(t, err)
	must(t, off.Close())
	off, err = OpenOffline(t.Context(), cfg, OfflineOptions{Log: testLog(t), Store: StoreScratch})
	must(t, err)
	if off.Ops.StorePath != filepath.Join(cfg.DataDir, storeFile) {
		t.Errorf("where there is a store, it is used; not %s", off.Ops.StorePath)
	}
	must(t, off.Close())
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestStoppedWhileLooking: a stop during the look at the world must not make the very key that the look is
// there to prevent.
func TestStoppedWhileLooking(t *testing.T) {
	asked := make(chan struct{})
	cfg := lonely(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := New(ctx, cfg, Options{Log: testLog(t)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	noAccount(t, cfg)
}

// TestFailedStartSettlesNothing: what can never be changed is stored last.
func TestFailedStartSettlesNothing(t *testing.T) {
	cfg := lonely(t, http.NotFoundHandler())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	cfg.Listen = taken.Addr().String()
	if _, err := New(t.Context(), cfg, Options{Log: testLog(t)}); err == nil {
		t.Fatal("two listen at one address")
	}
	noAccount(t, cfg)
}

func noAccount(t *testing.T, cfg *config.Config) {
	t.Helper()
	db, err := openStore(cfg.DataDir)
	must(t, err)
	defer db.Close()
	if _, err := db.Account(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an account was made: %v", err)
	}
}
