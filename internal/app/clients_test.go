package app

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/config"
)

func TestClientOf(t *testing.T) {
	trusted := config.Default().TrustedProxies
	tests := []struct {
		name, peer, forwarded string
		want                  string // empty: cannot be told
	}{
		{"direct", "93.184.216.34:1", "", "93.184.216.34/32"},
		{"direct, IPv6", "[2606:2800:220:1:aaaa::1]:1", "", "2606:2800:220:1::/64"},
		{"direct, and a header of its own", "93.184.216.34:1", "1.1.1.1", "93.184.216.34/32"},
		{"a proxy of ours", "127.0.0.1:1", "93.184.216.34", "93.184.216.34/32"},
		{"a proxy of ours, and the client's own word", "127.0.0.1:1", "1.1.1.1, 93.184.216.34", "93.184.216.34/32"},
		{"a proxy of ours, for somebody near", "127.0.0.1:1", "10.0.0.7", "10.0.0.7/32"},
		{"a proxy of ours that names nobody", "127.0.0.1:1", "", ""},
		{"a proxy of ours, and nonsense", "127.0.0.1:1", "unknown", ""},
		{"perhaps a proxy", "172.18.0.2:1", "93.184.216.34", ""},
		{"perhaps a proxy, mapped", "[::ffff:172.18.0.2]:1", "", ""},
		{"no address", "@", "93.184.216.34", ""},
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		got := clientOf(r, trusted)
		if got.IsValid() != (tt.want != "") || got.IsValid() && got.String() != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

// FuzzForwardedFor: whatever a client writes before it, the address that our proxy adds is the one that counts,
// and nobody but our proxy is believed.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "1.1.1.1", "127.0.0.1", "unknown", "1.1.1.1, ::1", ",,,", "[::1]:80", "fe80::1%eth0", "\x00", "for=1.1.1.1"} {
		f.Add(seed, "93.184.216.34")
	}
	trusted := config.Default().TrustedProxies
	f.Fuzz(func(t *testing.T, claim, client string) {
		stranger := &http.Request{RemoteAddr: "93.184.216.34:1", Header: http.Header{"X-Forwarded-For": {claim}}}
		if _, ok := realClient(stranger, trusted); ok {
			t.Errorf("a stranger's word is believed: %q", claim)
		}
		through := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {claim}}}
		if a, ok := realClient(through, trusted); !ok || !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			t.Errorf("%q: %v %v", claim, a, ok)
		}
		addr, err := netip.ParseAddr(client)
		if err != nil || within(trusted, addr) {
			return
		}
		through.Header["X-Forwarded-For"] = []string{claim, client}
		if a, _ := realClient(through, trusted); a != addr.Unmap().WithZone("") {
			t.Errorf("%q, %q: %v", claim, client, a)
		}
	})
}

// limitedApp answers 401 to a POST with "bad" in it, and 200 to everything else.
func limitedApp() (*App, http.Handler) {
	a := &App{log: slog.New(slog.DiscardHandler), cfg: &config.Config{TrustedProxies: config.Default().TrustedProxies}}
	return a, a.limited(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case strings.Contains(string(b), "bad"):
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
}

func ask(h http.Handler, peer, method, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/inbox", strings.NewReader(body))
	r.RemoteAddr = peer
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestClientRate: a client that asks too much is asked to wait, and nobody else is.
func TestClientRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := limitedApp()
		const peer = "93.184.216.34:1"
		for i := range clientBurst {
			if w := ask(h, peer, "GET", ""); w.Code != http.StatusOK {
				t.Fatalf("request %d: %d", i, w.Code)
			}
		}
		w := ask(h, peer, "GET", "")
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		for _, other := range []string{"93.184.216.35:1", "127.0.0.1:1", "172.18.0.2:1"} {
			if w := ask(h, other, "GET", ""); w.Code != http.StatusOK {
				t.Errorf("%s: %d", other, w.Code)
			}
		}
		time.Sleep(time.Second)
		if w := ask(h, peer, "GET", ""); w.Code != http.StatusOK {
			t.Errorf("a second later: %d", w.Code)
		}
	})
}

// TestClientRefused: who posts only what proves nothing is not even read any more for a while; it may still read.
func TestClientRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := limitedApp()
		const peer = "93.184.216.34:1"
		for range refusedBurst {
			if w := ask(h, peer, "POST", "bad"); w.Code != http.StatusUnauthorized {
				t.Fatal(w.Code)
			}
		}
		w := ask(h, peer, "POST", "good")
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "3" {
			t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		if w := ask(h, peer, "GET", ""); w.Code != http.StatusOK {
			t.Errorf("reading: %d", w.Code)
		}
		time.Sleep(refusedEvery)
		if w := ask(h, peer, "POST", "good"); w.Code != http.StatusOK {
			t.Errorf("later: %d", w.Code)
		}
	})
}

// TestUnnamedProxy: the owner is told once of a proxy in the same house, and never because of what a stranger says.
func TestUnnamedProxy(t *testing.T) {
	var log strings.Builder
	a, h := limitedApp()
	a.log = slog.New(slog.NewTextHandler(&log, nil))
	for _, peer := range []string{"93.184.216.34:1", "127.0.0.1:1", "172.18.0.2:1", "172.18.0.2:2"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "1.1.1.1")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), "proxy=172.18.0.2") {
		t.Errorf("the log says %q", log.String())
	}
}

// TestClientsForgotten: any number of clients takes no more memory than so many.
func TestClientsForgotten(t *testing.T) {
	a, h := limitedApp()
	for i := range clientsKnown + 100 {
		ask(h, fmt.Sprintf("93.%d.%d.34:1", i>>8, i&0xff), "GET", "")
	}
	if n := a.clients.known.Len(); n != clientsKnown {
		t.Errorf("%d clients are known", n)
	}
}

// TestLargeBodies: of large bodies only so many are in memory at once, whoever sends them; small ones always pass.
func TestLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := limitedApp()
		hold := make(chan struct{})
		codes := make(chan int, 100)
		send := func(peer string) {
			r := httptest.NewRequest("POST", "/inbox", nil)
			r.RemoteAddr, r.ContentLength = peer, smallBody+1
			r.Body = io.NopCloser(readerFunc(func([]byte) (int, error) { <-hold; return 0, io.EOF }))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			codes <- w.Code
		}
		for i := range largeBodiesFrom + 1 {
			go send("93.184.216.34:1")
			synctest.Wait()
			if refused := len(codes) > 0; refused != (i == largeBodiesFrom) {
				t.Fatalf("body %d of one client: refused is %v", i, refused)
			}
		}
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("one client's too many: %d", code)
		}
		for i := range largeBodies {
			go send(fmt.Sprintf("93.184.217.%d:1", i))
		}
		synctest.Wait()
		if n := len(codes); n != largeBodiesFrom {
			t.Errorf("%d bodies of others were refused", n)
		}
		if w := ask(h, "93.184.216.99:1", "POST", strings.Repeat("x", smallBody)); w.Code != http.StatusOK {
			t.Errorf("a small body meanwhile: %d", w.Code)
		}
		close(hold)
		synctest.Wait()
		if w := ask(h, "93.184.216.99:1", "POST", strings.Repeat("x", smallBody+1)); w.Code != http.StatusOK {
			t.Errorf("a large body afterwards: %d", w.Code)
		}
		if w := ask(h, "93.184.216.99:1", "POST", strings.Repeat("x", maxBody+1)); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("an endless body: %d", w.Code)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
