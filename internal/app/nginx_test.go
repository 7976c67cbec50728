//go:build interop

package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"crier/internal/fedtest"
)

// origin stands between nginx and crier and takes down what is asked.
type origin struct {
	w     *world
	proxy http.Handler
	addr  string // its own

	mu    sync.Mutex
	asked map[string]int // by method, target and, where there is one, the status that is not 200
	brief bool           // what may be kept may be kept for a second
}

var maxAge = regexp.MustCompile(`max-age=\d+`)

func newOrigin(w *world) *origin {
	o := &origin{w: w, asked: map[string]int{}}
	o.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: w.daemon.Addr()})
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		Transport: &http.Transport{DisableKeepAlives: true},
		ModifyResponse: func(resp *http.Response) error {
			key := resp.Request.Method + " " + resp.Request.URL.RequestURI()
			if resp.StatusCode != http.StatusOK {
				key += fmt.Sprint(" ", resp.StatusCode)
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			o.asked[key]++
			if o.brief {
				resp.Header.Set("Cache-Control", maxAge.ReplaceAllString(resp.Header.Get("Cache-Control"), "max-age=1"))
			}
			return nil
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	srv := httptest.NewServer(o.proxy)
	w.t.Cleanup(srv.Close)
	o.addr = srv.Listener.Addr().String()
	return o
}

func (o *origin) times(key string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[key]
}

func (o *origin) keepBriefly() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.brief = true
}

// blocks are the pieces of configuration in docs/caching.md, in order.
func blocks(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/caching.md")
	must(t, err)
	var all []string
	for _, part := range strings.Split(string(text), "```nginx\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		all = append(all, block)
	}
	if len(all) != 3 {
		t.Fatalf("docs/caching.md has %d pieces of configuration", len(all))
	}
	return all
}

// replaced is text with old, which must be there, as new.
func replaced(t *testing.T, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("docs/caching.md has no %q", old)
	}
	return strings.Replace(text, old, new, 1)
}

// behindNginx starts crier and, in front of it, nginx with the configuration of the document; from then on everybody
// finds crier there. Only addresses, names of files and what belongs to TLS are others.
func behindNginx(t *testing.T, secure bool) (*world, *origin, string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("nginx is not installed")
		}
		t.Skip("nginx is not installed")
	}
	w := newWorld(t)
	if secure {
		w.network = "secure_mode = true"
		w.a.RequireSignedGET(true)
	}
	w.blog.set(item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"}, item{"zero", "Zero", "Sun, 04 Jan 2026 10:00:00 GMT"})
	w.start()
	o := newOrigin(w)
	piece := blocks(t)
	text := piece[0]
	if secure {
		text = replaced(t, text, "server {\n    listen", piece[1]+"\nserver {\n    listen")
		lines := strings.Split(strings.TrimRight(piece[2], "\n"), "\n")
		text = replaced(t, text, "        proxy_cache_bypass $crier_doubt;", lines[0])
		text = replaced(t, text, "        proxy_no_cache $crier_doubt;", lines[1])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())
	dir := t.TempDir()
	cache := filepath.Join(dir, "cache")
	text = replaced(t, text, "127.0.0.1:8080", o.addr)
	text = replaced(t, text, "/var/cache/nginx-crier", cache)
	text = replaced(t, text, "443 ssl", address)
	text = replaced(t, text, "fedi.example.com", "fedi.test")
	text = regexp.MustCompile(`(?m)^ *ssl_.*$`).ReplaceAllString(text, "")
	conf := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, `daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
events {}
http {
access_log off;
client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
%[2]s
}`, dir, text), 0o600))
	cmd := exec.Command(program, "-c", conf, "-p", dir)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	w.eventually("nginx", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	w.name("fedi.test", address)
	w.eventually("the first poll", func() bool {
		return w.get("http://fedi.test/posts?url=http://blog.test/first/", "", nil).status == http.StatusFound
	})
	return w, o, cache
}

// seen is an answer as a client sees it.
type seen struct {
	status int
	typ    string
	header http.Header
	body   string
}

func (w *world) get(target, accept string, change func(*http.Request)) seen {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, target, nil)
	must(w.t, err)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if change != nil {
		change(req)
	}
	resp, err := w.transport().RoundTrip(req)
	must(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return seen{resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header, string(body)}
}

const (
	asDocument = "application/activity+json"
	asPage     = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	asMastodon = `application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", text/html;q=0.1`
)

// TestNginxCarriesTheReads: of many reads, in whatever words, one of each form reaches crier.
func TestNginxCarriesTheReads(t *testing.T) {
	w, o, _ := behindNginx(t, false)
	const post = postBase + "first/"
	for range 10 {
		for _, accept := range []string{asDocument, asMastodon, `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, "*/*", ""} {
			for _, target := range []string{post, actorID, actorID + "/outbox?page=1", actorID + "/followers"} {
				if got := w.get(target, accept, nil); got.status != http.StatusOK || got.typ != asDocument {
					t.Fatalf("%s for %q: %d %s", target, accept, got.status, got.typ)
				}
			}
		}
		if got := w.get(post, asPage, nil); got.status != http.StatusFound || got.header.Get("Location") != "http://blog.test/first/" {
			t.Fatalf("the post for a browser: %d %v", got.status, got.header)
		}
		if got := w.get(actorID, asPage, nil); got.status != http.StatusOK || !strings.HasPrefix(got.typ, "text/html") {
			t.Fatalf("the profile: %d %s", got.status, got.typ)
		}
		head := w.get(post, asDocument, func(r *http.Request) { r.Method = http.MethodHead })
		if head.status != http.StatusOK || head.typ != asDocument || head.body != "" || head.header.Get("Content-Length") == "0" {
			t.Fatalf("HEAD: %+v", head)
		}
		etag := w.get(post, asDocument, nil).header.Get("ETag")
		known := w.get(post, asDocument, func(r *http.Request) { r.Header.Set("If-None-Match", etag) })
		if etag == "" || known.status != http.StatusNotModified || known.body != "" {
			t.Fatalf("asked with the ETag %q: %d", etag, known.status)
		}
		w.get("http://fedi.test/.well-known/webfinger?resource=acct:user@blog.test", "", nil)
		w.get(postBase+"none/", asDocument, nil)
	}
	for key, want := range map[string]int{
		"GET /posts/blog.test/first/": 1, "GET /posts/blog.test/first/ 302": 1, "GET /users/user": 2, "GET /users/user/outbox?page=1": 1,
		"GET /users/user/followers": 1, "GET /.well-known/webfinger?resource=acct:user@blog.test": 1, "GET /posts/blog.test/none/ 404": 10,
	} {
		if got := o.times(key); got != want {
			t.Errorf("%s came to crier %d times, want %d", key, got, want)
		}
	}
}

// TestNginxKnowsTheForms: whatever the Accept header says, and however often it is there, nginx gives what crier gives.
func TestNginxKnowsTheForms(t *testing.T) {
	w, _, _ := behindNginx(t, false)
	w.name("crier.test", w.daemon.Addr())
	lines := [][]string{
		{"application/activity+json;q=0.1", "text/html"}, {"text/html", "application/activity+json"}, // before there is a copy
		{asPage}, {asDocument}, {asMastodon}, {"text/html"}, {"TEXT/HTML, */*"}, {"text/html;q=0"}, {"text/html;q=0.1, application/activity+json"},
		{"application/activity+json;q=0.1, text/html"}, {"text/html, application/json;q=0.9"}, {"text/html, application/*"}, {"text/html;q=2"},
		{`a/b;c="text/html"`}, {`text/html, a/b;c=", application/activity+json"`}, {"text/htmlx"}, {"text/html-x, application/activity+json"},
		{"application/activity+jsonx, text/html;q=0.1"}, {"application/activity+json, text/html;q=0.x"}, {"application/activity+json;q=0.05, text/html;q=0.1"},
		{"application/activity+json, a;Q=0, text/html;q=0.1"}, {`application/activity+json;a="b, text/html;q=0.1`}, {"image/png"}, {""},
		{"text/html ,*/*"},
	}
	for range 2 {
		for _, values := range lines {
			set := func(r *http.Request) { r.Header["Accept"] = values }
			first := func(r *http.Request) { r.Header["Accept"] = values[:1] } // nginx before 1.23 knows but one line
			got := w.get(postBase+"first/", "", set)
			own := w.get("http://crier.test/posts/blog.test/first/", "", set)
			one := w.get("http://crier.test/posts/blog.test/first/", "", first)
			if got.status != own.status && got.status != one.status {
				t.Errorf("Accept %q: nginx gives %d, crier %d", values, got.status, own.status)
			}
		}
		for accept, want := range map[string]int{asDocument: http.StatusOK, asPage: http.StatusFound} {
			if got := w.get(postBase+"first/", accept, nil); got.status != want {
				t.Errorf("after all that, %s gets %d", accept, got.status)
			}
		}
	}
}

// TestNginxSeesAnEdit when the age of what it has is over, and at once when it is thrown away; a deletion likewise.
func TestNginxSeesAnEdit(t *testing.T) {
	w, o, cache := behindNginx(t, false)
	o.keepBriefly()
	w.name("crier.test", w.daemon.Addr())
	const post = postBase + "first/"
	text := func() string { return w.get(post, asDocument, nil).body }
	if before := text(); !strings.Contains(before, "First") {
		t.Fatal(before)
	}
	w.eventually("a question with the ETag", func() bool { text(); return o.times("GET /posts/blog.test/first/ 304") > 0 })
	w.blog.set(item{"first", "Changed", "Mon, 05 Jan 2026 10:00:00 GMT"}, item{"zero", "Zero", "Sun, 04 Jan 2026 10:00:00 GMT"})
	w.poll()
	w.eventually("the edit", func() bool { return strings.Contains(text(), "Changed") })
	o.mu.Lock()
	o.brief = false
	o.mu.Unlock()
	purge := func() {
		t.Helper()
		found, err := filepath.Glob(cache + "/*")
		must(t, err)
		for _, f := range found {
			must(t, os.RemoveAll(f))
		}
	}
	purge()
	text()
	w.blog.set(item{"zero", "Zero", "Sun, 04 Jan 2026 10:00:00 GMT"})
	w.poll()
	w.eventually("the deletion", func() bool {
		return w.get("http://crier.test/posts/blog.test/first/", asDocument, nil).status == http.StatusGone
	})
	if got := w.get(post, asDocument, nil); got.status != http.StatusOK || got.header.Get("X-Cache") != "HIT" {
		t.Errorf("before its age is over: %d %v", got.status, got.header)
	}
	purge()
	if got := w.get(post, asDocument, nil); got.status != http.StatusGone {
		t.Errorf("after it was thrown away: %d", got.status)
	}
}

// TestNginxPassesPosts: a Follow through nginx is verified, accepted and counted, and reaches crier each time.
func TestNginxPassesPosts(t *testing.T) {
	w, o, _ := behindNginx(t, false)
	w.follow(w.a, "alice")
	w.follow(w.a, "anna")
	w.until(w.a, "the Accepts", func() bool { return len(arrivalsOf(w.a, "Accept")) == 2 })
	if got := o.times("POST /users/user/inbox 202") + o.times("POST /inbox 202"); got < 2 {
		t.Errorf("%d posts came to crier: %v", got, o.asked)
	}
}

func arrivalsOf(s *fedtest.Server, typ string) (n []fedtest.Arrival) {
	for _, a := range s.Arrivals() {
		if a.Type == typ {
			n = append(n, a)
		}
	}
	return n
}

// TestNginxInSecureMode: what one server may read is kept for nobody.
func TestNginxInSecureMode(t *testing.T) {
	w, o, _ := behindNginx(t, true)
	w.follow(w.a, "alice")
	const post = postBase + "first/"
	for range 3 {
		f, err := w.a.Get(context.Background(), post, asDocument)
		if err != nil || f.Status != http.StatusOK {
			t.Fatalf("who signs: %d %v", f.Status, err)
		}
		if got := w.get(post, asDocument, nil); got.status != http.StatusUnauthorized {
			t.Errorf("who does not: %d %v", got.status, got.header)
		}
		if got := w.get(post, asPage, nil); got.status != http.StatusFound {
			t.Errorf("a browser: %d", got.status)
		}
		forged := w.get(post, asDocument, func(r *http.Request) { r.Header.Set("Signature", `keyId="x",signature="eA=="`) })
		if forged.status != http.StatusUnauthorized {
			t.Errorf("who signs badly: %d", forged.status)
		}
	}
	if got := o.times("GET /posts/blog.test/first/"); got != 3 {
		t.Errorf("%d signed requests came to crier, want 3: %v", got, o.asked)
	}
	before := o.times("GET /users/user") // other servers sign here, too, and pass by
	for range 3 {
		if got := w.get(actorID, asDocument, nil); got.status != http.StatusOK {
			t.Errorf("the actor: %d", got.status)
		}
	}
	if got := o.times("GET /users/user") - before; got != 1 {
		t.Errorf("the actor was asked for %d times: %v", got, o.asked)
	}
}

// TestNginxAnswersForCrier: while crier is away, what nginx has is given, however old.
func TestNginxAnswersForCrier(t *testing.T) {
	w, o, _ := behindNginx(t, false)
	o.keepBriefly()
	targets := []string{postBase + "first/", actorID, "http://fedi.test/.well-known/webfinger?resource=acct:user@blog.test"}
	for _, target := range targets {
		w.get(target, asDocument, nil)
	}
	w.halt()
	for _, target := range targets {
		w.eventually("an old answer", func() bool {
			got := w.get(target, asDocument, nil)
			if got.status != http.StatusOK {
				t.Fatalf("%s: %d", target, got.status)
			}
			return got.header.Get("X-Cache") == "STALE"
		})
	}
	if got := w.get(postBase+"never-asked/", asDocument, nil); got.status != http.StatusBadGateway {
		t.Errorf("what nginx never had: %d", got.status)
	}
}
