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
