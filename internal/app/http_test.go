package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crier/internal/config"
)

func TestRealClient(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string // empty: the peer itself
	}{
		{"no proxy", "203.0.113.5:1", nil, ""},
		{"a stranger says so", "203.0.113.5:1", []string{"192.0.2.1"}, ""},
		{"one proxy", "127.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "127.0.0.1:1", []string{"192.0.2.1, 10.0.0.7"}, "192.0.2.1"},
		{"the client's own word before it", "127.0.0.1:1", []string{"1.2.3.4, 192.0.2.1"}, "192.0.2.1"},
		{"the client claims to be trusted", "127.0.0.1:1", []string{"127.0.0.1, 192.0.2.1"}, "192.0.2.1"},
		{"several lines", "127.0.0.1:1", []string{"1.2.3.4", "192.0.2.1"}, "192.0.2.1"},
		{"nonsense", "127.0.0.1:1", []string{"unknown"}, "127.0.0.1"},
		{"nonsense before a proxy", "127.0.0.1:1", []string{"unknown, 10.0.0.7"}, "10.0.0.7"},
		{"nothing", "127.0.0.1:1", nil, "127.0.0.1"},
		{"with a port", "127.0.0.1:1", []string{"192.0.2.1:4711"}, "192.0.2.1"}, // Azure's gateway and IIS
		{"IPv6 with a port", "127.0.0.1:1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"mapped", "127.0.0.1:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"a mapped proxy", "127.0.0.1:1", []string{"192.0.2.1, ::ffff:10.0.0.7"}, "192.0.2.1"},
		{"an empty part", "127.0.0.1:1", []string{"192.0.2.1,"}, "127.0.0.1"},
		{"mapped peer", "[::ffff:127.0.0.1]:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"IPv6", "[::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"a zone", "[::1]:1", []string{"fe80::1%eth0"}, "fe80::1"},
		{"no address", "pipe", []string{"192.0.2.1"}, ""},
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		got, ok := realClient(r, trusted)
		if ok != (tt.want != "") || ok && got.String() != tt.want {
			t.Errorf("%s: %v %v, want %q", tt.name, got, ok, tt.want)
		}
	}
}

func TestHook(t *testing.T) {
	tests := []struct {
		name, token, method, auth string
		want                      int
		polls                     bool
	}{
		{"right", "secret", "POST", "Bearer secret", http.StatusAccepted, true},
		{"wrong", "secret", "POST", "Bearer secre", http.StatusUnauthorized, false},
		{"none", "secret", "POST", "", http.StatusUnauthorized, false},
		{"bare", "secret", "POST", "secret", http.StatusUnauthorized, false},
		{"another scheme", "secret", "POST", "Basic secret", http.StatusUnauthorized, false},
		{"GET", "secret", "GET", "Bearer secret", http.StatusMethodNotAllowed, false},
		{"off", "", "POST", "Bearer ", http.StatusNotFound, false},
		{"off, GET", "", "GET", "", http.StatusNotFound, false},
	}
	for _, tt := range tests {
		a := &App{cfg: &config.Config{HookToken: config.Secret(tt.token)}, hook: make(chan struct{}, 1)}
		for range 3 { // calls in a row make one poll, and none of them waits
			r := httptest.NewRequest(tt.method, "/hook", nil)
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			rec := httptest.NewRecorder()
			a.serveHookRequest(rec, r)
			if rec.Code != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, rec.Code, tt.want)
			}
		}
		if polls := len(a.hook) > 0; polls != tt.polls {
			t.Errorf("%s: polls is %v", tt.name, polls)
		}
	}
}

func TestRecovered(t *testing.T) {
	var log strings.Builder
	a := &App{log: slog.New(slog.NewTextHandler(&log, nil)), cfg: &config.Config{}}
	h := a.recovered(a.limited(a.logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		panic("oops")
	}))))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "oops") {
		t.Errorf("%d; log: %s", rec.Code, log.String())
	}
	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", maxBody+1))))
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body above the cap: %d", rec.Code)
	}
}

// TestStrangersAreQuiet: what a stranger asks for leaves no line at Info or above.
func TestStrangersAreQuiet(t *testing.T) {
	var log strings.Builder
	cfg := &config.Config{TrustedProxies: config.Default().TrustedProxies}
	ask := func(level slog.Level) {
		a := &App{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})), cfg: cfg}
		r := httptest.NewRequest("GET", "/websub/secret", nil)
		r.RemoteAddr = "127.0.0.1:9"
		r.Header.Set("X-Forwarded-For", "192.0.2.7")
		a.logged(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	}
	ask(slog.LevelInfo)
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
	ask(slog.LevelDebug)
	if !strings.Contains(log.String(), "status=404") || !strings.Contains(log.String(), "client=192.0.2.7") {
		t.Errorf("logged at debug: %s", log.String())
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the callback of a hub is logged: %s", log.String())
	}
}

const onePixel = "\x89PNG\r\n\x1a\n and whatever follows"

func TestMedia(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "me.png")
	must(t, os.WriteFile(file, []byte(onePixel), 0o600))
	cfg := &config.Config{BaseURL: "https://fedi.test", DataDir: filepath.Join(dir, "data")}
	p, err := picture(cfg, config.Picture{File: file})
	must(t, err)
	if p.Type != "image/png" || !strings.HasPrefix(p.URL, "https://fedi.test/media/") || !strings.HasSuffix(p.URL, ".png") {
		t.Fatalf("picture: %+v", p)
	}
	again, err := picture(cfg, config.Picture{File: file})
	must(t, err)
	if again != p {
		t.Errorf("the same picture has two addresses: %s and %s", p.URL, again.URL)
	}
	must(t, os.WriteFile(file, []byte(onePixel+"."), 0o600))
	changed, err := picture(cfg, config.Picture{File: file})
	must(t, err)
	if changed.URL == p.URL {
		t.Error("a changed picture keeps its address: nobody would fetch it again")
	}
	must(t, os.WriteFile(filepath.Join(cfg.DataDir, "secret"), []byte("x"), 0o600))

	h := (&App{cfg: cfg, log: testLog(t), core: emptyCore(t)}).handler()
	for _, tt := range []struct {
		path string
		want int
	}{
		{strings.TrimPrefix(p.URL, cfg.BaseURL), http.StatusOK},
		{strings.TrimPrefix(changed.URL, cfg.BaseURL), http.StatusOK},
		{"/media/00000000000000000000000000000000.png", http.StatusNotFound},
		{"/media/..%2fsecret", http.StatusNotFound},
		{"/media/../secret", http.StatusNotFound},
		{"/media/", http.StatusNotFound},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", tt.path, nil))
		if rec.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.path, rec.Code, tt.want)
		}
		if tt.want == http.StatusOK && (rec.Header().Get("Content-Type") != "image/png" ||
			!strings.Contains(rec.Header().Get("Cache-Control"), "immutable")) {
			t.Errorf("%s: %v", tt.path, rec.Header())
		}
	}
}

func TestBadMedia(t *testing.T) {
	dir := t.TempDir()
	text, huge := filepath.Join(dir, "a.png"), filepath.Join(dir, "b.png")
	must(t, os.WriteFile(text, []byte("<svg onload=alert(1)>"), 0o600))
	must(t, os.WriteFile(huge, append([]byte(onePixel), make([]byte, maxMedia)...), 0o600))
	for _, file := range []string{text, huge, filepath.Join(dir, "missing.png")} {
		if _, _, err := takeMedia(dir, file); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestFieldHTML(t *testing.T) {
	tests := map[string]string{
		"https://blog.test":        `<a href="https://blog.test" rel="me">https://blog.test</a>`,
		"https://blog.test/?a=1&b": `<a href="https://blog.test/?a=1&amp;b" rel="me">https://blog.test/?a=1&amp;b</a>`,
		"tea & <cake>":             `tea &amp; &lt;cake&gt;`,
		"see https://blog.test":    `see https://blog.test`,
		"https://a.test and more":  `https://a.test and more`,
		"javascript:alert(1)":      `javascript:alert(1)`,
		`https://a.test/"><script>`: `<a href="https://a.test/&#34;&gt;&lt;script&gt;" rel="me">` +
			`https://a.test/&#34;&gt;&lt;script&gt;</a>`,
		"https://": "https://",
	}
	for in, want := range tests {
		if got := fieldHTML(in); got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}

// emptyCore is a core on a store without anything but an account.
func emptyCore(t *testing.T) *core {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), dial: map[string]string{"blog.test": "127.0.0.1:1", "a.test": "127.0.0.1:1", "b.test": "127.0.0.1:1"}}
	cfg := w.config()
	db, err := openStore(cfg.DataDir)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	acc, key, err := identity{cfg: cfg, db: db, insist: true, log: testLog(t)}.ensure()
	must(t, err)
	c, err := build(t.Context(), cfg, parts{db: db, account: acc, key: key, log: testLog(t), version: "test"})
	must(t, err)
	return c
}

// TestSlowClient: a request under way may end, but nobody can keep the daemon from stopping.
func TestStopWithOpenRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blog.set()
	w.start()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", w.daemon.Addr())
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /inbox HTTP/1.1\r\nHost: fedi.test\r\nContent-Length: 100\r\n\r\nhalf")
	must(t, err)
	w.halt()
}
