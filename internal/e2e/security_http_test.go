package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// raw is a request as bytes on the wire; after it the connection is closed for writing.
type raw struct {
	name, seen string
	text       string
	want       string // statuses; "0" is no answer at all
	answers    int    // not 0 where more than one is right
}

func TestSecurityHTTP(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	before, asked := a.state(), len(a.out.since(0))
	for _, k := range append(smuggled(), requests()...) {
		t.Run(k.name, func(t *testing.T) {
			status, answers := a.wire(t, k.text)
			if !slices.Contains(strings.Fields(k.want), fmt.Sprint(status)) {
				t.Errorf("answered %d, want %s", status, k.want)
			}
			if answers > 1 && k.answers == 0 {
				t.Errorf("%d answers to what is one request", answers)
			}
			if k.seen == "" {
				t.Error("the row names no real-world case")
			}
		})
	}
	if after := a.state(); after != before {
		t.Error("what is stored has changed")
	}
	if caused := a.out.since(asked); len(caused) > 0 {
		t.Errorf("requests were caused: %q", caused)
	}
}

// wire sends bytes and returns the first answer's status, and how many answers there are.
func (a *arena) wire(t *testing.T, text string) (status, answers int) {
	t.Helper()
	conn, err := net.Dial("tcp", a.cfg.Listen)
	must(t, err)
	defer conn.Close()
	done := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(conn) // a connection that is reset is no answer
		done <- b
	}()
	_, _ = io.WriteString(conn, text) // the daemon may have said no before it has read all
	_ = conn.(*net.TCPConn).CloseWrite()
	got := bufio.NewReader(bytes.NewReader(<-done))
	for {
		resp, err := http.ReadResponse(got, nil)
		if err != nil {
			return status, answers
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		if answers++; answers == 1 {
			status = resp.StatusCode
		}
	}
}

// smuggled are requests that two readers would split in two ways. Keeping them out is net/http's work; this pins it.
func smuggled() []raw {
	const post = "POST /inbox HTTP/1.1\r\nHost: fedi.example\r\nContent-Type: application/activity+json\r\n"
	const hidden = "GET /readyz HTTP/1.1\r\nHost: fedi.example\r\n\r\n"
	return []raw{
		{"two lengths", "request smuggling: CVE-2019-16276 (go)", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", "400", 0},
		{"two lengths in one line", "request smuggling", post + "Content-Length: 2, 3\r\n\r\n{}x", "400", 0},
		{"a length with a sign", "request smuggling", post + "Content-Length: +2\r\n\r\n{}", "400", 0},
		{"a length in hex", "request smuggling", post + "Content-Length: 0x2\r\n\r\n{}", "400", 0},
		{"a negative length", "request smuggling", post + "Content-Length: -1\r\n\r\n{}", "400", 0},
		{"an unknown transfer encoding", "request smuggling: TE.TE", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501 400", 0},
		{"two transfer encodings", "request smuggling: TE.TE", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "501 400", 0},
		{"a blank before the colon", "CVE-2019-16276 (go)", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400", 0},
		{"a chunk size that is none", "go CVE-2025-22871", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "400", 0},
		{"a chunk line ended by LF alone", "go CVE-2025-22871", post + "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", "400 401", 0},
		// The encoding counts, as RFC 9112 §6.3 has it, so what follows is another request; a proxy in front that counts by
		// the length must not let such a request through.
		{"a length beside a transfer encoding", "request smuggling: CL.TE", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /readyz HTTP/1.1\r\nX: y", "400", 2},
		{"a NUL in a header", "CVE-2019-9741 (go)", "GET / HTTP/1.1\r\nHost: fedi.example\r\nX: a\x00b\r\n\r\n", "400", 0},
		{"a line break in the path", "CVE-2019-9741 (go)", "GET /a\nb HTTP/1.1\r\nHost: fedi.example\r\n\r\n", "400", 0},
		{"no host", "scanners", "GET / HTTP/1.1\r\n\r\n", "400", 0},
		{"two hosts", "cache poisoning by Host", "GET / HTTP/1.1\r\nHost: fedi.example\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "400", 0},
		{"a host with a path", "cache poisoning by Host", "GET / HTTP/1.1\r\nHost: fedi.example/evil\r\nConnection: close\r\n\r\n", "400 302", 0},
		{"a version that is not", "scanners", "GET / HTTP/9.9\r\nHost: fedi.example\r\n\r\n", "505 400", 0},
		{"HTTP/0.9", "scanners", "GET /\r\n", "400 0", 0},
		{"HTTP/2 without asking", "rapid reset CVE-2023-44487: HTTP/2 is not spoken", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 400 404 0", 0},
		{"TLS", "scanners", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 0", 0},
		{"a method with a blank", "scanners", "GE T / HTTP/1.1\r\nHost: fedi.example\r\n\r\n", "400", 0},
		{"a wish that cannot be met", "scanners", post + "Content-Length: 2\r\nExpect: the-impossible\r\n\r\n{}", "417", 0},
		{"a request in the body of a refused one", "request smuggling", "POST /users/user HTTP/1.1\r\nHost: fedi.example\r\nConnection: close\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden, "405", 0},
	}
}

// requests are whole and readable, and ask for what is not given.
func requests() []raw {
	get := func(path string, headers ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: fedi.example\r\nConnection: close\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	}
	post := func(body string, headers ...string) string {
		headers = append(headers, "Host: fedi.example", "Connection: close", fmt.Sprintf("Content-Length: %d", len(body)))
		return "POST /inbox HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
	}
	const as = "Content-Type: application/activity+json"
	endless := "POST /inbox HTTP/1.1\r\nHost: fedi.example\r\n" + as + "\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat(" ", 0x10000)+"\r\n", 40)
	return []raw{
		{"a header of 40 kB", "go's default of 1 MB is too much here", get("/", "X: "+strings.Repeat("x", 40<<10)), "431", 0},
		{"ten thousand headers", "CVE-2023-45288's kin", get("/", strings.Split(strings.Repeat("X: y\n", 10_000)+"X: y", "\n")...), "431", 0},
		{"an address of 40 kB", "scanners", get("/" + strings.Repeat("a", 40<<10)), "431", 0},
		{"an address with five thousand dots", "path traversal", get("/" + strings.Repeat("../", 5_000) + "etc/passwd"), "404 400", 0},
		{"a path out of the pictures", "path traversal: pleroma's emoji packs", get("/media/..%2f..%2fcrier.db"), "404", 0},
		{"a path out of the pictures, plainly", "path traversal: mastodon CVE-2023-36460", get("/media/../../../../etc/passwd"), "404", 0},
		{"a path with a NUL", "path traversal", get("/media/%00.png"), "404", 0},
		{"a path with backslashes", "path traversal", get(`/media/..\..\crier.db`), "404", 0},
		{"a path that is no escape", "scanners", get("/posts/%zz"), "400", 0},
		{"a path with a double slash", "readers that normalise differ", get("//users/user"), "404", 0},
		{"a whole address of another server", "open proxies", get("http://victim.example/"), "404 302 421", 0},
		{"CONNECT", "open proxies", "CONNECT victim.example:443 HTTP/1.1\r\nHost: victim.example:443\r\n\r\n", "404 405", 0},
		{"TRACE", "cross-site tracing", "TRACE /users/user HTTP/1.1\r\nHost: fedi.example\r\nConnection: close\r\n\r\n", "405", 0},
		{"PUT to the actor", "scanners", "PUT /users/user HTTP/1.1\r\nHost: fedi.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "405", 0},
		{"DELETE of a post", "scanners", "DELETE /posts/blog.example/1/ HTTP/1.1\r\nHost: fedi.example\r\nConnection: close\r\n\r\n", "405", 0},
		{"another method by header", "frameworks that obey X-HTTP-Method-Override", post("{}", "Content-Type: text/plain", "X-HTTP-Method-Override: DELETE"), "415", 0},
		{"GET of the inbox", "scanners", get("/inbox"), "405", 0},
		{"the hook without a token", "scanners", "POST /hook HTTP/1.1\r\nHost: fedi.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "404", 0},
		{"the control socket's paths", "scanners", get("/status"), "404", 0},
		{"the dashboard", "scanners", get("/admin/"), "404", 0},
		{"the profiler", "exposed pprof: many a Go server", get("/debug/pprof/"), "404", 0},
		{"a WebSocket", "scanners", get("/inbox", "Upgrade: websocket", "Connection: Upgrade"), "405", 0},
		{"a packed activity", "zip bombs: 42.zip", post("\x1f\x8b\x08\x00", as, "Content-Encoding: gzip"), "415", 0},
		{"an activity packed twice", "zip bombs: 42.zip", post("x", as, "Content-Encoding: br, gzip"), "415", 0},
		{"a form", "cross-site posts by a browser", post("type=Follow", "Content-Type: application/x-www-form-urlencoded"), "415", 0},
		{"an upload", "cross-site posts by a browser", post("--x--", "Content-Type: multipart/form-data; boundary=x"), "415", 0},
		{"plain text", "cross-site posts by a browser", post("{}", "Content-Type: text/plain"), "415", 0},
		{"no type", "scanners", post("{}"), "415", 0},
		{"two megabytes announced", "mastodon's 413", "POST /inbox HTTP/1.1\r\nHost: fedi.example\r\n" + as + "\r\nContent-Length: 2000000\r\n\r\n{", "413", 0},
		{"chunks without end", "mastodon's 413", endless, "413", 0},
		{"a body that breaks off", "broken senders", "POST /inbox HTTP/1.1\r\nHost: fedi.example\r\n" + as + "\r\nContent-Length: 100\r\n\r\n{", "400", 0},
		{"an address of somebody trusted", "mastodon CVE-2024-34535: limits by a header of the client", get("/readyz", "X-Forwarded-For: 127.0.0.1, 10.0.0.1, "+strings.Repeat("1.1.1.1,", 2_000)), "200", 0},
		{"a page number without end", "scanners", get("/users/user/outbox?page=99999999999999999999"), "400", 0},
		{"a negative page", "scanners", get("/users/user/outbox?page=-1"), "400", 0},
		{"a post by an address of ours", "loops", get("/posts?url=http://fedi.example/posts?url=x"), "404", 0},
		{"a post by a script", "open redirects", get("/posts?url=javascript:alert(1)"), "400", 0},
		{"a post by another's page", "open redirects", get("/posts?url=https://evil.example/"), "404", 0},
		{"a thousand ETags", "scanners", get("/users/user", "If-None-Match: "+strings.Repeat(`"x",`, 1_000)), "200", 0},
	}
}

// TestSecurityFinger asks our WebFinger what it must not know, repeat or fetch.
func TestSecurityFinger(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	rows := []struct{ name, seen, query, want string }{
		{"nothing", "scanners", "", "400"},
		{"an empty resource", "scanners", "resource=", "400"},
		{"two resources", "readers that take the first or the last", "resource=acct:user@blog.example&resource=acct:x@y.example", "400"},
		{"half an escape", "scanners", "resource=%zz", "400"},
		{"a semicolon", "go CVE-2022-2880's kin: parameters cloaked", "resource=acct:user@blog.example;resource=x", "400 404"},
		{"eight kilobytes", "scanners", "resource=acct:" + strings.Repeat("a", 8<<10) + "@blog.example", "404"},
		{"somebody else", "enumeration", "resource=acct:admin@blog.example", "404"},
		{"our user elsewhere", "open resolvers: wildcard answers", "resource=acct:user@evil.example", "404"},
		{"a private address", "manyfold #6609; owncast #5121", "resource=http://169.254.169.254/latest/meta-data/", "404"},
		{"a file", "manyfold #6609", "resource=file:///etc/passwd", "404"},
		{"a line break", "header injection: mastodon CVE-2023-42450", "resource=acct:user@blog.example%0d%0aSet-Cookie:%20a=b", "400 404"},
		{"a script", "reflected XSS", "resource=" + url.QueryEscape(`<script>alert(1)</script>@blog.example`), "400 404"},
		{"a NUL", "truncating readers", "resource=acct:user%00@blog.example", "400"},
		{"bytes that are no UTF-8", "readers that mend them", "resource=acct:user%ff@blog.example", "404"},
		{"a look-alike", "homographs: mastodon CVE-2023-42451", "resource=" + url.QueryEscape("acct:usеr@blog.example"), "404"},
		{"a word written from right to left", "Trojan Source CVE-2021-42574", "resource=" + url.QueryEscape("acct:user\u202e@blog.example"), "404"},
		{"two signs", "parsers of addresses differ", "resource=acct:user@blog.example@evil.example", "400"},
		{"a key", "scanners", "resource=" + url.QueryEscape(us+"#main-key"), "404 200"},
	}
	before, asked := a.state(), len(a.out.since(0))
	for _, k := range rows {
		for _, accept := range []string{"application/jrd+json", "text/html"} {
			got := a.do(get(t, "/.well-known/webfinger?"+k.query, accept))
			if !slices.Contains(strings.Fields(k.want), fmt.Sprint(got.status)) {
				t.Errorf("%s: %d %q, want %s", k.name, got.status, got.body, k.want)
			}
			if got.header.Get("Set-Cookie") != "" || strings.Contains(got.body, "<script>") || strings.Contains(got.body, "evil.example") {
				t.Errorf("%s: it comes back: %v %q", k.name, got.header, got.body)
			}
			if got.header.Get("X-Content-Type-Options") != "nosniff" || got.status >= 400 && got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", k.name, got.header)
			}
		}
	}
	if a.state() != before || len(a.out.since(asked)) > 0 {
		t.Errorf("it had an effect: %q", a.out.since(asked))
	}
}

// TestSecurityPages: nothing of a request gets into a page as HTML, and every page forbids what it does not need.
func TestSecurityPages(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	const script = `<script>alert(1)</script>`
	paths := []struct{ name, seen, path string }{
		{"the profile", "mastodon CVE-2023-36459 (XSS)", "/users/user"},
		{"a path", "reflected XSS", "/" + url.PathEscape(script)},
		{"a path of a post", "reflected XSS", "/posts/" + url.PathEscape(script)},
		{"a tag", "reflected XSS", "/tags/" + url.PathEscape(script)},
		{"a tag with a quote", "reflected XSS", "/tags/" + url.PathEscape(`" onload="alert(1)`)},
		{"an activity", "reflected XSS", "/activities/" + url.PathEscape(script)},
		{"a quote", "reflected XSS", "/quotes/" + url.PathEscape(script)},
		{"a query", "reflected XSS", "/posts?url=" + url.QueryEscape("http://blog.example/"+script)},
		{"a page number", "reflected XSS", "/users/user/outbox?page=" + url.QueryEscape(script)},
		{"a hub's address", "reflected XSS by a challenge", "/websub/" + url.PathEscape(script) + "?hub.challenge=" + url.QueryEscape(script)},
	}
	for _, k := range paths {
		got := a.do(get(t, k.path, "text/html"))
		if strings.Contains(got.body, script) || strings.Contains(got.body, `" onload="`) {
			t.Errorf("%s: %q", k.name, got.body)
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed: %v", k.name, got.header)
		}
		if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			continue
		}
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", k.name, policy, want)
			}
		}
		if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy %q is too open", k.name, policy)
		}
	}
}
