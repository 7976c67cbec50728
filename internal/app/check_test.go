package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crier/internal/config"
	"crier/store"
)

// outside is what the world shows: a blog and an address of crier, page by page, all of it right to begin with.
type outside struct {
	t          *testing.T
	dir        string
	blog, fedi map[string]http.HandlerFunc
	old        map[string]http.HandlerFunc // the host of a former account
	top        string                      // lines above [account]
	extra      string                      // lines below [account]
	feed       string                      // lines below [[feed]]
	handle     string                      // of the store's account
	key        *rsa.PrivateKey
}

// newKey takes a moment: one does for a whole test.
func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	must(t, err)
	return key
}

func newOutside(t *testing.T, key *rsa.PrivateKey) *outside {
	o := &outside{t: t, dir: t.TempDir(), key: key, handle: "user@blog.test", extra: `avatar = "http://blog.test/a.png"`}
	finger := reply("application/jrd+json", `{"subject":"acct:user@blog.test","links":[{"rel":"http://webfinger.net/rel/profile-page","type":"text/html","href":"x"},`+
		`{"rel":"self","type":"application/activity+json","href":"http://fedi.test/users/user"}]}`)
	o.blog = map[string]http.HandlerFunc{
		"/index.xml": reply("application/rss+xml", `<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title><link>http://blog.test/</link><language>en</language>`+
			`<item><title>A</title><link>http://blog.test/a/</link><guid>http://blog.test/a/</guid><pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate><description>a</description></item></channel></rss>`),
		"/a/":    reply("text/html", `<html><head><link rel="me alternate" TYPE="application/activity+json" href="http://fedi.test/posts/blog.test/a/"></head></html>`),
		"/a.png": reply("image/png", "\x89PNG"),
		"/.well-known/webfinger": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://fedi.test"+r.RequestURI, http.StatusFound)
		},
		"/.well-known/host-meta": reply("application/xrd+xml", `<Link rel="lrdd" template="http://fedi.test/.well-known/webfinger?resource={uri}"/>`),
	}
	o.fedi = map[string]http.HandlerFunc{
		"/readyz":     reply("text/plain", "ok"),
		"/users/user": reply("application/activity+json; charset=utf-8", o.actor(key)),
		"/users/user/inbox": func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
		},
		"/.well-known/webfinger": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("resource") != "acct:user@blog.test" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			finger(w, r)
		},
	}
	return o
}

func reply(kind, body string) http.HandlerFunc { return status(http.StatusOK, kind, body) }

func status(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func (o *outside) actor(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(o.t, err)
	block := strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n", `\n`)
	return `{"id":"http://fedi.test/users/user","preferredUsername":"user","inbox":"http://fedi.test/users/user/inbox","publicKey":{"publicKeyPem":"` + block + `"}}`
}

func (o *outside) serve(pages map[string]http.HandlerFunc) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page, ok := pages[r.URL.Path]; ok {
			page(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	o.t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// check examines it all and returns what was found, one line each: "wrong actor: …".
func (o *outside) check() []string {
	o.t.Helper()
	file := filepath.Join(o.dir, "config.toml")
	text := fmt.Sprintf(`
base_url = "http://fedi.test"
%s
[account]
handle = "user@blog.test"
%s
[[feed]]
url = "http://blog.test/index.xml"
%s
[network]
allow_http = true
allow_private = ["127.0.0.0/8"]
resolve = { "blog.test" = %q, "fedi.test" = %q, "old.test" = %q, "down.test" = "127.0.0.1:1" }
`, o.top, o.extra, o.feed, o.serve(o.blog), o.serve(o.fedi), o.serve(o.old))
	must(o.t, os.WriteFile(file, []byte(text), 0o600))
	cfg, warnings, err := config.Load(file, true, nil)
	must(o.t, err)
	var lines []string
	Check(o.t.Context(), cfg, CheckOptions{Log: testLog(o.t), Version: "test", Warnings: warnings}, func(it CheckItem) {
		if it.State == CheckWrong && it.Mend == "" {
			o.t.Errorf("nobody says how to mend this: %s: %s", it.Subject, it.Text)
		}
		lines = append(lines, string(it.State)+" "+it.Subject+": "+it.Text+" → "+it.Mend)
	})
	return lines
}

// account makes the store of the account.
func (o *outside) account(key *rsa.PrivateKey) {
	o.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(o.t, err)
	db, err := openStore(filepath.Join(o.dir, "data"))
	must(o.t, err)
	must(o.t, db.CreateAccount(store.Account{BaseURL: "http://fedi.test", Handle: o.handle, PrivateKey: der, Created: time.Now()}))
	must(o.t, db.Close())
}

func TestCheckAllRight(t *testing.T) {
	o := newOutside(t, newKey(t))
	o.account(o.key)
	got := o.check()
	want := []string{
		"ok configuration", "ok data directory", "warn daemon: no daemon is running", "ok account: @user@blog.test, 0 posts, 0 followers",
		"ok base address", "warn base address: http://fedi.test is plain http", "ok actor: http://fedi.test/users/user, with the key of this store",
		"ok inbox", "ok WebFinger at fedi.test", "ok WebFinger at blog.test: @user@blog.test leads to http://fedi.test/users/user", "ok host-meta at blog.test",
		"ok avatar", "ok feed http://blog.test/index.xml: 1 entry, the newest of 2026-01-05, language en, polled every 15m",
		"ok page http://blog.test/a/: names its post", "ok clock",
	}
	for i, w := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], w) {
			t.Fatalf("finding %d is not %q; all:\n%s", i, w, strings.Join(got, "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("more was found:\n%s", strings.Join(got[len(want):], "\n"))
	}
}

// TestCheckOfWhoHasMoved: that is told, and the handle has to lead to where it was moved to.
func TestCheckOfWhoHasMoved(t *testing.T) {
	const away = "http://new.test/users/me"
	finger := func(actor string) http.HandlerFunc {
		return reply("application/jrd+json", `{"subject":"acct:user@blog.test","links":[{"rel":"self","type":"application/activity+json","href":"`+actor+`"}]}`)
	}
	key := newKey(t)
	tests := map[string]struct {
		move   store.Move
		finger string
		want   []string
	}{
		"with the handle": {store.Move{Target: away, Handle: "me@new.test", WebFinger: true}, away, []string{
			"note account: the account has moved to @me@new.test, and the handle leads there; nothing new is published here",
			"ok WebFinger at fedi.test: @user@blog.test leads to " + away, "ok WebFinger at blog.test: @user@blog.test leads to " + away,
		}},
		"with the handle, but it does not lead there": {store.Move{Target: away, WebFinger: true}, "http://fedi.test/users/user", []string{
			"note account: the account has moved to " + away + ", and", "leads to http://fedi.test/users/user, not to " + away,
		}},
		"without the handle": {store.Move{Target: away}, "http://fedi.test/users/user", []string{
			"note account: the account has moved to " + away + "; nothing", "ok WebFinger at blog.test",
		}},
		"without the handle, but it leads there": {store.Move{Target: away}, away, []string{
			"leads to " + away + ", not to http://fedi.test/users/user",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, key)
			o.account(key)
			db, err := openStore(filepath.Join(o.dir, "data"))
			must(t, err)
			_, err = db.SavePresence(time.Now(), store.Presence{Move: &tt.move})
			must(t, errors.Join(err, db.Close()))
			o.fedi["/.well-known/webfinger"] = finger(tt.finger)
			got := strings.Join(o.check(), "\n")
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("not found: %s\n%s", w, got)
				}
			}
		})
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	const ld = "application/activity+json"
	tests := map[string]struct {
		change func(*outside)
		want   string // found beside others
	}{
		"nobody at base_url":     {func(o *outside) { o.fedi["/readyz"] = http.NotFound }, "wrong base address: http://fedi.test/readyz answers 404 Not Found: somebody else"},
		"daemon is down":         {func(o *outside) { o.fedi["/readyz"] = status(502, "text/html", "") }, "wrong base address: http://fedi.test/readyz answers 502 Bad Gateway → start"},
		"base_url redirects":     {func(o *outside) { o.fedi["/readyz"] = redirect("http://www.fedi.test/readyz") }, "wrong base address: http://fedi.test/readyz sends to http://www.fedi.test/readyz"},
		"actor redirects":        {func(o *outside) { o.fedi["/users/user"] = redirect("https://fedi.test/") }, "wrong actor: http://fedi.test/users/user sends to https://fedi.test/"},
		"actor as HTML":          {func(o *outside) { o.fedi["/users/user"] = reply("text/html", "<p>") }, `wrong actor: http://fedi.test/users/user answers with the type "text/html"`},
		"actor is no JSON":       {func(o *outside) { o.fedi["/users/user"] = reply(ld, "<p>") }, "wrong actor: http://fedi.test/users/user answers with something that is no JSON"},
		"actor of somebody else": {func(o *outside) { o.fedi["/users/user"] = reply(ld, `{"id":"http://x.test/"}`) }, "wrong actor: http://fedi.test/users/user shows http://x.test/"},
		"another key": {func(o *outside) {
			o.account(newKey(o.t))
		}, "wrong actor: http://fedi.test/users/user shows another key"},
		"store is damaged": {func(o *outside) {
			o.account(o.key)
			must(o.t, os.Truncate(filepath.Join(o.dir, "data", storeFile), 0))
		}, "wrong store: "},
		"store of another account": {func(o *outside) {
			o.handle = "other@blog.test"
			o.account(o.key)
		}, "belongs to @other@blog.test"},
		"store in use": {func(o *outside) {
			o.account(o.key)
			db, err := openStore(filepath.Join(o.dir, "data"))
			must(o.t, err)
			o.t.Cleanup(func() { db.Close() })
		}, "in use by another process"},
		"data directory is a file": {func(o *outside) { must(o.t, os.WriteFile(filepath.Join(o.dir, "data"), nil, 0o600)) }, "wrong data directory: "},
		"interval":                 {func(o *outside) { o.feed = `interval = "10s"` }, "polled every 10s"},
		"inbox behind a password": {func(o *outside) {
			o.fedi["/users/user/inbox"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", "Basic")
				w.WriteHeader(http.StatusUnauthorized)
			}
		}, "wrong inbox: a POST to http://fedi.test/users/user/inbox is answered 401"},
		"inbox refused":            {func(o *outside) { o.fedi["/users/user/inbox"] = status(403, "text/html", "") }, "wrong inbox: a POST to http://fedi.test/users/user/inbox is answered 403"},
		"no webfinger on the blog": {func(o *outside) { delete(o.blog, "/.well-known/webfinger") }, "wrong WebFinger at blog.test: http://blog.test/.well-known/webfinger?resource=acct:user@blog.test answers 404"},
		"redirect loses the query": {func(o *outside) {
			o.blog["/.well-known/webfinger"] = redirect("http://fedi.test/.well-known/webfinger")
		}, "wrong WebFinger at blog.test: http://blog.test/.well-known/webfinger?resource=acct:user@blog.test loses what is asked for"},
		"redirects for ever": {func(o *outside) { o.blog["/.well-known/webfinger"] = redirect("/.well-known/webfinger") }, "wrong WebFinger at blog.test: http://blog.test/.well-known/webfinger?resource=acct:user@blog.test sends on and on"},
		"another subject": {func(o *outside) {
			o.blog["/.well-known/webfinger"] = reply("application/jrd+json", `{"subject":"acct:x@blog.test"}`)
		}, `wrong WebFinger at blog.test: http://blog.test/.well-known/webfinger?resource=acct:user@blog.test speaks of "acct:x@blog.test"`},
		"webfinger leads elsewhere": {func(o *outside) {
			o.blog["/.well-known/webfinger"] = reply("application/jrd+json", `{"subject":"acct:user@blog.test","links":[{"rel":"self","href":"http://x.test/"}]}`)
		}, "leads to http://x.test/, not to http://fedi.test/users/user"},
		"webfinger without an actor": {func(o *outside) {
			o.blog["/.well-known/webfinger"] = reply("application/jrd+json", `{"subject":"acct:user@blog.test"}`)
		}, "names no actor"},
		"static webfinger as text": {func(o *outside) {
			o.blog["/.well-known/webfinger"] = reply("text/plain", `{"subject":"acct:user@blog.test","links":[{"rel":"self","href":"http://fedi.test/users/user"}]}`)
		}, "warn WebFinger at blog.test: http://blog.test/.well-known/webfinger?resource=acct:user@blog.test answers with the type \"text/plain\""},
		"no host-meta":     {func(o *outside) { delete(o.blog, "/.well-known/host-meta") }, "warn host-meta at blog.test: http://blog.test/.well-known/host-meta answers 404 Not Found; Akkoma will show the handle as @user@fedi.test"},
		"avatar is gone":   {func(o *outside) { delete(o.blog, "/a.png") }, "wrong avatar: http://blog.test/a.png answers 404"},
		"avatar is a page": {func(o *outside) { o.blog["/a.png"] = reply("text/html", "") }, `wrong avatar: http://blog.test/a.png is of the type "text/html"`},
		"local avatar is no picture": {func(o *outside) {
			must(o.t, os.WriteFile(filepath.Join(o.dir, "a.png"), []byte("<p>"), 0o600))
			o.extra = `avatar = "a.png"`
		}, "a.png is no such picture"},
		"feed is gone":                {func(o *outside) { delete(o.blog, "/index.xml") }, "wrong feed http://blog.test/index.xml: there is no feed at this address (404)"},
		"page is gone":                {func(o *outside) { delete(o.blog, "/a/") }, "wrong page http://blog.test/a/: the newest entry's page answers 404"},
		"page does not name its post": {func(o *outside) { o.blog["/a/"] = reply("text/html", "<p>") }, `→ write into its head, and likewise for every entry: <link rel="alternate" type="application/activity+json" href="http://fedi.test/posts/blog.test/a/">`},
		"page names another post": {func(o *outside) {
			o.blog["/a/"] = reply("text/html", `<link rel=alternate type=application/activity+json href=http://fedi.test/posts/blog.test/a>`)
		}, "warn page http://blog.test/a/: names http://fedi.test/posts/blog.test/a as its post, which is not its id"},
		"page names its feed only": {func(o *outside) {
			o.blog["/a/"] = reply("text/html", `<link rel="alternate" type="application/rss+xml" href="/index.xml">`)
		}, "warn page http://blog.test/a/: does not name its post"},
		"profile link is not reachable": {func(o *outside) {
			o.extra = `fields = [ { name = "x", value = "https://down.test/" }, { name = "y", value = "no address" } ]`
		}, "warn profile link https://down.test/: cannot be fetched: nobody answers at 127.0.0.1:1"},
	}
	key := newKey(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, key)
			tt.change(o)
			got := strings.Join(o.check(), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("not found: %s\n%s", tt.want, got)
			}
		})
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// TestCheckClock: the others' clocks tell, unless one of them agrees with ours or an answer is an old one.
func TestCheckClock(t *testing.T) {
	now := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	header := func(ahead time.Duration, age string) http.Header {
		return http.Header{"Date": {now.Add(ahead).Format(http.TimeFormat)}, "Age": {age}}
	}
	tests := map[string]struct {
		answers []http.Header
		want    string
	}{
		"no answers":   {nil, ""},
		"no dates":     {[]http.Header{{}}, ""},
		"right":        {[]http.Header{header(3*time.Second, "")}, "ok"},
		"one agrees":   {[]http.Header{header(time.Hour, ""), header(0, "")}, "ok"},
		"from a cache": {[]http.Header{header(-time.Hour, "3600")}, "ok"},
		"behind":       {[]http.Header{header(time.Hour, ""), header(2*time.Hour, "")}, "warn 1h0m0s behind"},
		"ahead":        {[]http.Header{header(-6*time.Minute, "0")}, "warn 6m0s ahead of"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &checker{}
			for _, h := range tt.answers {
				c.skews.note(h, now)
			}
			got := ""
			for _, it := range c.clock() {
				got = string(it.State) + " " + it.Text
			}
			state, text, _ := strings.Cut(tt.want, " ")
			if !strings.HasPrefix(got, state) || !strings.Contains(got, text) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestShortSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15m", time.Hour: "1h", 90 * time.Minute: "1h30m", 30 * time.Minute: "30m", 10 * time.Second: "10s", 61 * time.Second: "1m1s",
	} {
		if got := shortSpan(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
