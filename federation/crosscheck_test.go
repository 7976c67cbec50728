//go:build interop

package federation

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"crier/internal/fedtest"
)

// How many requests each cross-check makes, and from which seed: what fails can be looked at again.
const (
	crossRequests = 1000
	crossSeed     = 4
	crossKey      = "https://peer.example/users/alice#main-key"
)

// crossTime is when all of it happens: what a library thinks of the age of a request is no question here.
var crossTime = time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)

// crossRequest is a request as it goes over the wire, to be judged or signed by internal/interop/peer/crosscheck.mjs.
type crossRequest struct {
	Method  string            `json:"method"`
	Base    string            `json:"base"` // scheme and host
	Target  string            `json:"target"`
	Headers map[string]string `json:"headers"` // by lower-case names
	Body    []byte            `json:"body"`    // nil: none
	Now     int64             `json:"now"`     // Unix milliseconds
	Sign    *crossSign        `json:"sign,omitempty"`

	check func(*signedRequest) error // the signature with the sender's key; nil: with the usual one
}

// crossSign says how a library has to sign.
type crossSign struct {
	Library string   `json:"library"`
	Covered []string `json:"covered"`
	Params  []string `json:"params,omitempty"`
	Alg     string   `json:"alg,omitempty"`
	Hide    bool     `json:"hide"`          // hs2019 instead of the algorithm
	Key     string   `json:"key,omitempty"` // another private key than the usual one, PEM
}

// crossVerdict is what the libraries say of a request.
type crossVerdict struct {
	Verdicts map[string]string // by library: "yes", or why not
	Fooled   []string          // falsified parts that went unnoticed
}

// crossCheck lets the script judge or sign; answers are decoded into result.
func crossCheck(t *testing.T, what string, requests []crossRequest, result any) {
	t.Helper()
	folder := os.Getenv("CRIER_INTEROP_PEER")
	if folder == "" {
		t.Fatal("CRIER_INTEROP_PEER does not say where the libraries are installed; run .ci/interop")
	}
	key := fedtest.Key(crossKey)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	task, err := json.Marshal(map[string]any{
		"keyID": crossKey, "requests": requests,
		"privateKey": privatePEM(t, key),
		"publicKey":  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "node", "crosscheck.mjs", what)
	c.Dir, c.Stdin, c.Stderr = folder, bytes.NewReader(task), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("node crosscheck.mjs %s: %v", what, err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		t.Fatalf("node crosscheck.mjs %s: %v", what, err)
	}
}

func privatePEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

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

// TestCrossCheckOurs: what we sign verifies with the libraries of others, and nothing falsified does.
func TestCrossCheckOurs(t *testing.T) {
	crossCheckOurs(t, func(s signer, r *http.Request, body []byte, now time.Time) error { return s.sign(r, body, now) },
		"misskey", "peertube")
}

func crossCheckOurs(t *testing.T, sign func(signer, *http.Request, []byte, time.Time) error, judges ...string) {
	source := crossSource{rand.New(rand.NewPCG(crossSeed, 1))}
	us := signer{id: crossKey, key: fedtest.Key(crossKey)}
	requests := make([]crossRequest, crossRequests)
	for i := range requests {
		c := source.request(source.one("https://peer.example", "http://127.0.0.1:8080", "https://xn--bcher-kva.example:8443"))
		r, err := http.NewRequestWithContext(t.Context(), c.Method, c.Base+c.Target, bytes.NewReader(c.Body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.Headers {
			r.Header.Set(name, value)
		}
		if err := sign(us, r, c.Body, time.UnixMilli(c.Now)); err != nil {
			t.Fatal(err)
		}
		in, _ := overTheWire(t, r)
		if in.RequestURI != c.Target {
			t.Errorf("%s goes over the wire as %s", c.Target, in.RequestURI)
		}
		c.Headers = map[string]string{"host": in.Host}
		for name, values := range in.Header {
			c.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		requests[i] = c
	}
	var verdicts []crossVerdict
	crossCheck(t, "judge", requests, &verdicts)
	if len(verdicts) != len(requests) {
		t.Fatalf("%d verdicts on %d requests", len(verdicts), len(requests))
	}
	want := map[string]string{}
	for _, name := range judges {
		want[name] = "yes"
	}
	for i, v := range verdicts {
		if !maps.Equal(v.Verdicts, want) || len(v.Fooled) > 0 {
			t.Errorf("request %d, %s %s%s: %v, also if falsified: %q", i, requests[i].Method, requests[i].Base, requests[i].Target, v.Verdicts, v.Fooled)
		}
	}
}

// TestCrossCheckTheirs: what the libraries of others sign verifies with us, and nothing falsified does.
func TestCrossCheckTheirs(t *testing.T) {
	crossCheckTheirs(t, func(s crossSource, r *crossRequest) {
		r.Headers["date"] = time.UnixMilli(r.Now).UTC().Format(http.TimeFormat)
		covered := []string{"(request-target)", "host"}
		sign := &crossSign{Library: s.one("misskey", "peertube"), Hide: s.IntN(2) == 0}
		switch { // (created) and (expires) are known to PeerTube's library alone
		case sign.Library == "peertube" && s.IntN(3) == 0:
			covered = append(covered, "(created)")
		case sign.Library == "peertube" && s.IntN(3) == 0:
			covered = append(covered, "(created)", "(expires)", "date")
		default:
			covered = append(covered, "date")
		}
		if r.Body != nil {
			covered = append(covered, "digest")
		}
		sign.Covered = s.withMore(covered, r.Headers)
		r.Sign = sign
	})
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

func crossCheckTheirs(t *testing.T, choose func(crossSource, *crossRequest)) {
	source := crossSource{rand.New(rand.NewPCG(crossSeed, 2))}
	requests := make([]crossRequest, crossRequests)
	for i := range requests {
		r := source.request(source.one("https://fedi.example.com", "https://fedi.example.com:8443", "http://127.0.0.1:8080"))
		_, r.Headers["host"], _ = strings.Cut(r.Base, "://")
		choose(source, &r)
		requests[i] = r
	}
	var headers []map[string]string
	crossCheck(t, "sign", requests, &headers)
	if len(headers) != len(requests) {
		t.Fatalf("%d signatures of %d requests", len(headers), len(requests))
	}
	for i, r := range requests {
		r.Headers = headers[i]
		if err := r.verify(t); err != nil {
			t.Errorf("request %d, %s %s%s, signed by %s over %q: %v", i, r.Method, r.Base, r.Target, r.Sign.Library, r.Sign.Covered, err)
			continue
		}
		for name, lie := range r.lies() {
			if lie.verify(t) == nil {
				t.Errorf("request %d, %s %s%s, signed by %s over %q, is taken with another %s", i, r.Method, r.Base, r.Target, r.Sign.Library, r.Sign.Covered, name)
			}
		}
	}
}

// verify takes the request as it comes over the wire, as the inbox does.
func (c crossRequest) verify(t *testing.T) error {
	t.Helper()
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\n", c.Method, c.Target)
	for name, value := range c.Headers {
		fmt.Fprintf(&raw, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(&raw, "content-length: %d\r\n\r\n%s", len(c.Body), c.Body)
	r, err := http.ReadRequest(bufio.NewReader(&raw))
	if err != nil {
		t.Fatalf("%s %s: %v", c.Method, c.Target, err)
	}
	var body []byte
	if c.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := readSignature(r, body, c.Base, time.UnixMilli(c.Now))
	if err != nil {
		return err
	}
	if signed.keyID != crossKey {
		return fmt.Errorf("the key is %s", signed.keyID)
	}
	if c.check != nil {
		return c.check(signed)
	}
	return signed.verify(&fedtest.Key(crossKey).PublicKey)
}

// lies are requests that differ from the signed one in a single thing, by its name. A query that was added is not
// among them: older Mastodon versions sign the path alone, and so a query is believed where only that was signed.
func (c crossRequest) lies() map[string]crossRequest {
	lies := map[string]crossRequest{}
	lie := func(name string, bend func(*crossRequest)) {
		other := c
		other.Headers = maps.Clone(c.Headers)
		bend(&other)
		lies[name] = other
	}
	signature := "signature"
	lie("path", func(r *crossRequest) { r.Target = "/x" + r.Target })
	lie("method", func(r *crossRequest) { r.Method = map[bool]string{true: "PUT", false: "POST"}[r.Method == "POST"] })
	lie("addressee", func(r *crossRequest) { r.Base = "https://other.example" }) // it is played back to another server
	lie("time", func(r *crossRequest) { r.Now += 3 * time.Hour.Milliseconds() })
	lie("signature", func(r *crossRequest) { r.Headers[signature] = otherSignature(r.Headers[signature]) })
	if before, after, ok := strings.Cut(c.Target, "?"); ok && after != "" {
		lie("query", func(r *crossRequest) { r.Target = before + "?x" + after })
		lie("lack of a query", func(r *crossRequest) { r.Target = before })
	}
	if c.Body != nil {
		lie("body", func(r *crossRequest) { r.Body = append(slices.Clone(r.Body), ' ') })
		lie("digest", func(r *crossRequest) {
			r.Body = append(slices.Clone(r.Body), ' ')
			r.setDigest()
		})
	}
	for _, name := range c.Sign.Covered {
		if _, ok := c.Headers[name]; ok && name != "host" && !strings.Contains(name, "digest") {
			lie("header "+name, func(r *crossRequest) { r.Headers[name] = otherHeader(name, r.Headers[name]) })
		}
	}
	if input := c.Headers["signature-input"]; input != "" {
		lie("coverage", func(r *crossRequest) {
			r.Headers["signature-input"] = strings.Replace(strings.Replace(input, ` "@method"`, "", 1), `("@method"`, "(", 1)
		})
		lie("creation", func(r *crossRequest) { r.Headers["signature-input"] = laterCreated(input) })
		return lies
	}
	lie("coverage", func(r *crossRequest) {
		r.Headers[signature] = strings.Replace(r.Headers[signature], "(request-target)", "x-y", 1)
	})
	if strings.Contains(c.Headers[signature], "created=") {
		lie("creation", func(r *crossRequest) { r.Headers[signature] = laterCreated(r.Headers[signature]) })
	}
	return lies
}

// setDigest makes the digest fit the body, as somebody on the way could.
func (c *crossRequest) setDigest() {
	if _, ok := c.Headers["content-digest"]; ok {
		c.Headers["content-digest"] = "sha-256=:" + strings.TrimPrefix(digestOf(c.Body), "SHA-256=") + ":"
	}
	if _, ok := c.Headers["digest"]; ok {
		c.Headers["digest"] = digestOf(c.Body)
	}
}

// otherSignature changes a letter within the signature.
func otherSignature(header string) string {
	i := strings.LastIndexAny(header, `":`) // it is the last thing, in quotes or colons, in all of the libraries
	if strings.HasPrefix(header, "keyId") {
		i = strings.Index(header, `signature="`) + len(`signature="`) + 40
	} else {
		i -= 40
	}
	return header[:i] + map[bool]string{true: "B", false: "A"}[header[i] == 'A'] + header[i+1:]
}

func otherHeader(name, value string) string {
	if name != "date" {
		return value + "x"
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return "no date"
	}
	return date.Add(time.Second).Format(http.TimeFormat)
}

func laterCreated(header string) string {
	before, after, _ := strings.Cut(header, "created=")
	digits := strings.TrimLeft(after, "0123456789")
	n, err := strconv.Atoi(strings.TrimSuffix(after, digits))
	if err != nil {
		return header
	}
	return before + "created=" + strconv.Itoa(n+1) + digits
}
