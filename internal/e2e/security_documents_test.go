package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"crier/internal/admin"
)

func TestSecurityDocuments(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, k := range append(documents(), inboxes()...) {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			k.run(&b)
			a.serial = b.serial
		})
	}
}

// typed serves the right document as another type.
func typed(kind string) func(*arena, *person) http.HandlerFunc {
	return func(_ *arena, p *person) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, kind, p.document()) }
	}
}

// sends redirects, to an address that may hold $host and so on.
func sends(to string) func(*arena, *person) http.HandlerFunc {
	return func(a *arena, p *person) http.HandlerFunc {
		to := a.fill(p, to)
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
}

// says answers with a text as an actor.
func says(status int, text string) func(*arena, *person) http.HandlerFunc {
	return func(a *arena, p *person) http.HandlerFunc {
		text := a.fill(p, text)
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", activity)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
}

// documents are what a stranger's server gives in place of an actor.
func documents() []trap {
	const upload = "mastodon CVE-2024-25623 (GHSA-jhrq-qvrm-qr36): an upload poses as an actor"
	const redirect = "fedify CVE-2025-23221: redirects without a check"
	return []trap{
		{name: "as a page", seen: upload, answer: typed("text/html"), want: "401", most: 1},
		{name: "as plain JSON", seen: upload, answer: typed("application/json"), want: "401", most: 1},
		{name: "as a file", seen: upload, answer: typed("application/octet-stream"), want: "401", most: 1},
		{name: "as linked data without a profile", seen: upload, answer: typed("application/ld+json"), want: "401", most: 1},
		{name: "as linked data of another profile", seen: upload, answer: typed(`application/ld+json; profile="http://www.w3.org/ns/json-ld#compacted"`), want: "401", most: 1},
		{name: "without a type", seen: upload, answer: typed(""), want: "401", most: 1},
		{name: "as two types", seen: upload, answer: typed("text/html, application/activity+json"), want: "401", most: 1},
		{name: "sent to another server", seen: redirect, answer: sends("http://victim.example/users/x"), want: "401", most: 1},
		{name: "sent to a private address", seen: redirect, answer: sends("http://10.0.0.1/"), want: "401", most: 1},
		{name: "sent to a private name", seen: redirect, answer: sends("http://metadata.example/latest/meta-data/"), want: "401", most: 1},
		{name: "sent to us", seen: "nextcloud/social #2085", answer: sends("$us"), want: "401", most: 1},
		{name: "sent to a file", seen: redirect, answer: sends("file:///etc/passwd"), want: "401", most: 1},
		{name: "sent in a circle", seen: redirect, answer: sends("$me"), want: "401", most: 4},
		{name: "sent to nowhere", seen: "broken servers", answer: says(http.StatusFound, ""), want: "401 503", most: 1},
		{name: "with an id on another server", seen: "mastodon CVE-2024-23832; misskey CVE-2024-52591",
			answer: says(200, `{"id":"$friend","type":"Person","inbox":"$me/inbox"}`), want: "401", most: 1},
		{name: "with our id", seen: "wanderer #1100", answer: says(200, `{"id":"$us","type":"Person","inbox":"$me/inbox"}`), want: "401", most: 1},
		{name: "with an id that leads elsewhere for ever", seen: "misskey CVE-2025-25306",
			answer: func(_ *arena, p *person) http.HandlerFunc {
				var n atomic.Int32
				return func(w http.ResponseWriter, _ *http.Request) {
					doc := p.document()
					doc["id"] = fmt.Sprintf("http://%s/users/%d", p.host, n.Add(1))
					writeJSON(w, activity, doc)
				}
			}, want: "401", most: 3},
		{name: "a note", seen: "mastodon CVE-2024-25623", answer: says(200, `{"id":"$me","type":"Note","inbox":"$me/inbox","publicKey":{}}`), want: "401", most: 2},
		{name: "nothing", seen: "broken servers", answer: says(200, ``), want: "401", most: 1},
		{name: "a list", seen: "fuzzers", answer: says(200, `[]`), want: "401", most: 1},
		{name: "two documents", seen: "GoToSocial, which takes nothing behind the value", answer: says(200, `{"id":"$me"}{"id":"$me"}`), want: "401", most: 1},
		{name: "a hundred thousand lists", seen: "jackson CVE-2020-36518", answer: says(200, `{"x":`+strings.Repeat("[", 100_000)), want: "401", most: 1},
		{name: "two megabytes", seen: "mastodon's limit of 1 MB", answer: says(200, `{"x":"`+strings.Repeat("x", 2<<20)+`"}`), want: "401", most: 1},
		{name: "a header without end", seen: "go CVE-2023-45288's kin: endless headers", answer: func(*arena, *person) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }
		}, want: "401 503", most: 2},
		{name: "the server is broken", seen: "every outage", answer: says(500, `oops`), want: "503", most: 1},
		{name: "the server asks us to wait", seen: "every stampede", answer: says(429, `later`), want: "503 429", most: 1},
		{name: "the actor is gone", seen: "mastodon's 410", answer: says(410, ``), want: "401", most: 1},
	}
}

// inboxes are where a stranger wants our posts to go; whoever believes it floods somebody else.
func inboxes() []trap {
	inbox := func(to string) func(*arena, *person, map[string]any) {
		return func(a *arena, p *person, doc map[string]any) { doc["inbox"] = a.fill(p, to) }
	}
	var all []trap
	for _, r := range []struct{ name, to, seen string }{
		{"on another server", "http://victim.example/inbox", "amplification: mastodon CVE-2022-46405"},
		{"on another port", "http://$host:8081/inbox", "owncast #5121: a scan of ports"},
		{"at a private address", "http://10.0.0.1/inbox", "lemmy CVE-2025-25194"},
		{"at ours", "$us/inbox", "nextcloud/social #2085; wanderer #1100"},
		{"at our shared one", "$base/inbox", "mbin #1211"},
		{"a file", "file:///dev/null", "owncast #5121"},
		{"a script", "javascript:alert(1)", "stored XSS"},
		{"nothing", "", "broken servers"},
		{"with a password", "http://user:pass@$host/inbox", "URL confusion: curl CVE-2022-27780"},
		{"of three thousand characters", "http://$host/" + strings.Repeat("a", 3_000), "mastodon CVE-2026-23963"},
	} {
		all = append(all, trap{name: "an inbox " + r.name, seen: r.seen, document: inbox(r.to), want: "400 401", most: 2})
	}
	return all
}

// TestSecuritySharedInbox: a shared inbox on another server is not believed, and the follower gets its posts at its own.
func TestSecuritySharedInbox(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, shared := range []any{
		"http://victim.example/inbox", "http://$host:81/inbox", a.cfg.BaseURL + "/inbox", "javascript:alert(1)", 7, []any{}, map[string]any{"id": "http://victim.example/inbox"},
	} {
		p := a.stranger(func(doc map[string]any) { doc["endpoints"] = map[string]any{"sharedInbox": shared} })
		asked := len(a.out.since(0))
		if got := p.say(a, follow); got != http.StatusAccepted {
			t.Errorf("%v: %d", shared, got)
		}
		a.rest()
		f, err := a.app.Ops().Store.Follower(p.id())
		if err != nil || f.SharedInbox != "" {
			t.Errorf("%v: stored as %q, %v", shared, f.SharedInbox, err)
		}
		for _, r := range a.out.since(asked) {
			if !strings.Contains(r, " "+p.host+"/") {
				t.Errorf("%v: asked for %s", shared, r)
			}
		}
	}
}

// TestSecurityEndless: a document that does not end, or unpacks without end, costs what is read until it is too long.
func TestSecurityEndless(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	const few = 32 << 20 // what sockets hold, and much less than what is served
	for _, packed := range []bool{false, true} {
		var sent atomic.Int64
		p := a.stranger(nil)
		a.out.handle(p.host, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", activity)
			out := io.Writer(countingWriter{w, &sent})
			if packed {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(out)
				defer z.Close()
				out = z
			}
			line := []byte(strings.Repeat(" ", 1<<16))
			for range 1 << 14 { // a gigabyte
				if _, err := out.Write(line); err != nil {
					return
				}
			}
		})
		attack{seen: "mastodon CVE-2023-36461; 42.zip", body: follow, want: "401 503", most: 2}.sendAs(a, p, nil)
		if n := sent.Load(); n > few {
			t.Errorf("packed %v: %d bytes were sent", packed, n)
		}
	}
}

type countingWriter struct {
	io.Writer
	n *atomic.Int64
}

func (w countingWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.n.Add(int64(n))
	return n, err
}

// lookup is what crier lookup meets: the answer to WebFinger of a host that is not to be trusted.
type jrdRow struct {
	name, seen string
	jrd        string // what h.example says of x
	serve      http.HandlerFunc
	most       int // requests; WebFinger has a second way, by host-meta
}

func TestSecurityLookups(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	self := func(subject, href string) string {
		return `{"subject":"` + subject + `","links":[{"rel":"self","type":"application/activity+json","href":"` + href + `"}]}`
	}
	rows := []jrdRow{
		{name: "names an actor of another server as its own", seen: "misskey CVE-2024-52591; GHSA-rwcw-vq68-g34p", jrd: self("acct:x@$host", "http://friend.example/users/nobody"), most: 3},
		{name: "leads to a private address", seen: "lemmy CVE-2025-25194; fedify CVE-2025-23221", jrd: self("acct:x@$host", "http://10.0.0.1/users/x"), most: 1},
		{name: "leads to a private name", seen: "lemmy CVE-2026-33693", jrd: self("acct:x@$host", "http://zero.example/users/x"), most: 1},
		{name: "leads to a file", seen: "manyfold #6609", jrd: self("acct:x@$host", "file:///etc/passwd"), most: 1},
		{name: "leads to a script", seen: "stored XSS", jrd: self("acct:x@$host", "javascript:alert(1)"), most: 1},
		{name: "calls itself somebody who does not agree", seen: "mastodon's second query", jrd: self("acct:friend@friend.example", "http://$host/users/x"), most: 3},
		{name: "sends on and on", seen: "fedify CVE-2025-23221", serve: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String()+"x", http.StatusFound)
		}, most: 8},
		{name: "sends to a private address", seen: "fedify CVE-2025-23221", serve: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, most: 1},
		{name: "has two megabytes", seen: "misskey's limit of 256 kB", jrd: `{"subject":"` + strings.Repeat("x", 2<<20) + `"}`, most: 2},
		{name: "is nested a hundred thousand deep", seen: "jackson CVE-2020-36518", jrd: strings.Repeat(`{"links":[`, 100_000), most: 2},
		{name: "is a page", seen: "single-page sites answer everything", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<script>")
		}, most: 2},
		{name: "has links of the wrong kind", seen: "fuzzers", jrd: `{"subject":7,"links":{"rel":"self"}}`, most: 1},
		{name: "is null", seen: "fuzzers", jrd: `null`, most: 1},
		{name: "has a link of no ActivityPub type", seen: "lemmy takes any application type", jrd: strings.Replace(self("acct:x@$host", "http://$host/users/x"), "application/activity+json", "application/rss+xml", 1), most: 1},
	}
	for _, k := range rows {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			k.run(&b)
			a.serial = b.serial
		})
	}
	// What the owner asks for may be hostile, too.
	for _, what := range []string{
		"@x@10.0.0.1", "@x@localhost@evil.example", "x@", "@@", "http://10.0.0.1/users/x", "http://metadata.example/", "https://[::1]/", "x@[::1]",
		"@x@friend.example:22/..", "@x@friend.example\u202e", "http://user:pass@friend.example/", "gopher://friend.example/", "@x@169.254.169.254", "@x@2130706433",
	} {
		asked := len(a.out.since(0))
		if _, err := a.app.Ops().Lookup(t.Context(), what); err == nil {
			t.Errorf("%q was found", what)
		}
		if caused := a.out.since(asked); len(caused) > 0 {
			t.Errorf("%q caused %q", what, caused)
		}
	}
}

func (k jrdRow) run(a *arena) {
	a.t.Helper()
	p := a.stranger(nil)
	a.out.handle(p.host, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/.well-known/"):
			http.NotFound(w, r)
		case k.serve != nil:
			k.serve(w, r)
		default:
			w.Header().Set("Content-Type", "application/jrd+json")
			_, _ = io.WriteString(w, a.fill(p, k.jrd))
		}
	})
	before, asked := a.state(), len(a.out.since(0))
	var found admin.Found
	found, err := a.app.Ops().Lookup(a.t.Context(), "@x@"+p.host)
	if err == nil {
		a.t.Errorf("found %s", found.URL)
	} else if strings.ContainsAny(err.Error(), "\x1b\r") || len(err.Error()) > 2_000 {
		a.t.Errorf("the error is not fit to be shown: %.200q", err)
	}
	if after := a.state(); after != before {
		a.t.Error("what is stored has changed")
	}
	if caused := a.out.since(asked); len(caused) > k.most {
		a.t.Errorf("it caused %d requests, %d at most are due: %q", len(caused), k.most, caused)
	}
	if k.seen == "" {
		a.t.Error("the row names no real-world case")
	}
}
