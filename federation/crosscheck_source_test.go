//go:build interop

package federation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// crossSource makes requests at random.
type crossSource struct{ *rand.Rand }

func (s crossSource) one(of ...string) string { return of[s.IntN(len(of))] }

func (s crossSource) request(base string) crossRequest {
	now := crossTime.Add(time.Duration(s.IntN(7200)-3600) * time.Second)
	r := crossRequest{
		Method: s.one("GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"),
		Base:   base, Target: s.target(), Now: now.UnixMilli(), Headers: s.headers(),
	}
	if r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH" {
		r.Body = s.body()
		r.Headers["content-type"] = s.one("application/activity+json", "text/plain; charset=utf-8",
			`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`)
	}
	return r
}

// target is a path, with a query in half of all cases. It has what a request line may have, and every spelling
// of a percent escape.
func (s crossSource) target() string {
	var b strings.Builder
	for range 1 + s.IntN(5) {
		b.WriteString("/" + s.text("-._~!$&'()*+,;=:@", "%20", "%C3%AF", "%c3%af", "%2F", "%25", "%e2%82%ac", "%40", "%7C", "%3F", "%23"))
	}
	if s.IntN(2) == 0 {
		return b.String()
	}
	b.WriteByte('?')
	for i := range s.IntN(4) {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(s.text("-._~!$'()*,:@/?", "%20", "+", "%26", "%3D", "%E2%82%AC", "%2f"))
		if s.IntN(3) > 0 {
			b.WriteString("=" + s.text("-._~!$'()*,:@/?=", "%20", "+", "%26", "%23", "%F0%9F%90%98"))
		}
	}
	return b.String()
}

// text is a few letters, digits, some of the marks and some of the escapes.
func (s crossSource) text(marks string, escapes ...string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b strings.Builder
	for range 1 + s.IntN(8) {
		switch s.IntN(4) {
		case 0:
			b.WriteByte(marks[s.IntN(len(marks))])
		case 1:
			b.WriteString(s.one(escapes...))
		default:
			b.WriteByte(plain[s.IntN(len(plain))])
		}
	}
	if text := b.String(); strings.Trim(text, ".") != "" {
		return text
	}
	return "dots" // a dot segment may be removed on the way (RFC 3986 §5.2.4)
}

func (s crossSource) headers() map[string]string {
	h := map[string]string{}
	for range s.IntN(5) {
		switch s.IntN(5) {
		case 0:
			h["accept"] = s.one("*/*", "application/activity+json, application/ld+json", "text/html;q=0.1")
		case 1:
			h["user-agent"] = s.one("Mastodon/4.5.0 (http.rb/5.3; +https://peer.example/)", `peer "1" \o/ (x, y)`, "x  y")
		case 2:
			h["accept-encoding"] = s.one("gzip", "identity", "br;q=1.0, gzip;q=0.8, *;q=0.1")
		case 3:
			h["x-"+strings.ToLower(strings.Trim(s.text("-", "a"), "-"))+"z"] = s.one(`a="b", c`, "ABC: def", "0", "a\tb", strings.Repeat("long ", 99)+"x")
		default:
			h["cache-control"] = s.one("no-cache", "max-age=0, no-store")
		}
	}
	return h
}

// body is JSON with letters of all kinds, arbitrary bytes, or empty.
func (s crossSource) body() []byte {
	switch s.IntN(4) {
	case 0:
		return []byte{}
	case 1:
		b := make([]byte, s.IntN(3000))
		for i := range b {
			b[i] = byte(s.Uint32())
		}
		return b
	}
	return fmt.Appendf(nil, `{"type":"Note","content":"%s","n":%d}`, strings.Repeat(s.one("ä€", "🐘 ", `\"<p>`, "x\u2028"), s.IntN(300)), s.IntN(9))
}

// withMore adds some of the other headers and shuffles.
func (s crossSource) withMore(covered []string, headers map[string]string) []string {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if s.IntN(2) == 0 && !slices.Contains(covered, name) {
			covered = append(covered, name)
		}
	}
	s.Shuffle(len(covered), func(i, j int) { covered[i], covered[j] = covered[j], covered[i] })
	return covered
}
