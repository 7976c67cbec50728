package fedtest

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scheme is a way to sign requests.
type Scheme string

const (
	Cavage  Scheme = ""        // draft-cavage-http-signatures-12
	RFC9421 Scheme = "rfc9421" // HTTP Message Signatures
)

// Signatures say which signatures a server makes and takes. The zero value sends by the old draft, with RSA, and
// takes both.
type Signatures struct {
	Send    Scheme
	Ed25519 bool   // actors that have an Ed25519 key (ActorOptions) sign with that
	Only    bool   // nothing but Accept is taken
	Accept  Scheme // only where Only is set
}

// SetSignatures changes what the server sends and takes from now on.
func (s *Server) SetSignatures(o Signatures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signatures = o
}

func (s *Server) signaturePolicy() Signatures {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signatures
}

// signing is how a request of the actor is signed.
func (s *Server) signing(me Actor, now time.Time) Signing {
	o := s.signaturePolicy()
	g := Signing{KeyID: me.KeyID, Key: me.Key, Now: now, Scheme: o.Send}
	if o.Ed25519 && me.Ed25519 != nil {
		g.KeyID, g.Ed25519 = me.ID+"#ed25519-key", me.Ed25519
	}
	return g
}

// signMessage signs by RFC 9421, as Mastodon 4.7 does.
func (g Signing) signMessage(r *http.Request, body []byte) error {
	names := []string{"@method", "@target-uri"}
	if body != nil {
		r.Header.Set("Content-Digest", contentDigest(body))
		names = append(names, "content-digest")
	}
	if g.Fields != nil {
		names = g.Fields
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	params := fmt.Sprintf(`(%s);created=%d;keyid="%s"`, strings.Join(quoted, " "), g.Now.Unix(), g.KeyID)
	base := r.URL.Scheme + "://" + r.URL.Host
	if r.Host != "" {
		base = r.URL.Scheme + "://" + r.Host
	}
	text, err := messageText(r, base, names, params)
	if err != nil {
		return err
	}
	value, err := g.value([]byte(text))
	if err != nil {
		return fmt.Errorf("sign request to %s: %w", r.URL, err)
	}
	r.Header.Set("Signature-Input", "sig1="+params)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(value)+":")
	return nil
}

// contentDigest is the Content-Digest of a body (RFC 9530).
func contentDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// messageText builds the signature base (RFC 9421 §2.5) of an outgoing or an incoming request.
func messageText(r *http.Request, base string, names []string, params string) (string, error) {
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	path, query, _ := strings.Cut(target, "?")
	_, authority, _ := strings.Cut(base, "://")
	var b strings.Builder
	for _, name := range names {
		value := ""
		switch name {
		case "@method":
			value = r.Method
		case "@target-uri":
			value = base + target
		case "@authority", "host":
			value = authority
		case "@path":
			value = path
		case "@query":
			value = "?" + query
		default:
			vs := r.Header.Values(name)
			if len(vs) != 1 {
				return "", fmt.Errorf("signed component %q stands %d times in the request, want once", name, len(vs))
			}
			value = strings.TrimSpace(vs[0])
		}
		fmt.Fprintf(&b, "\"%s\": %s\n", name, value)
	}
	return b.String() + `"@signature-params": ` + params, nil
}

// messageSignature is what Signature-Input and Signature say.
type messageSignature struct {
	Signature
	params  string // of the Signature-Input, to the byte
	created time.Time
}

// parseMessage reads the one signature that a request may carry, in the plainest form only.
func parseMessage(input, value string) (messageSignature, error) {
	in := regexp.MustCompile(`^([a-z][a-z0-9]*)=(\(("[^"\\]*"(?: "[^"\\]*")*)\)((?:;[a-z]+=(?:[0-9]+|"[^"\\]*"))*))$`).FindStringSubmatch(input)
	if in == nil {
		return messageSignature{}, fmt.Errorf("Signature-Input %.80q is not one plain signature", input)
	}
	val := regexp.MustCompile(`^` + in[1] + `=:([A-Za-z0-9+/]+=*):$`).FindStringSubmatch(value)
	if val == nil {
		return messageSignature{}, fmt.Errorf("field Signature %.80q is not that of %s", value, in[1])
	}
	params := map[string]string{}
	for _, p := range strings.Split(in[4], ";")[1:] {
		name, v, _ := strings.Cut(p, "=")
		if _, twice := params[name]; twice {
			return messageSignature{}, fmt.Errorf("parameter %q stands twice", name)
		}
		params[name] = strings.Trim(v, `"`)
	}
	seconds, err := strconv.ParseInt(params["created"], 10, 64)
	if err != nil || params["keyid"] == "" {
		return messageSignature{}, errors.New("signature without keyid or created")
	}
	m := messageSignature{params: in[2], created: time.Unix(seconds, 0)}
	m.Scheme, m.KeyID, m.Algorithm = RFC9421, params["keyid"], params["alg"]
	for _, quoted := range strings.Split(in[3], " ") {
		m.Headers = append(m.Headers, strings.Trim(quoted, `"`))
	}
	if m.Bytes, err = base64.StdEncoding.DecodeString(val[1]); err != nil {
		return m, fmt.Errorf("signature is not base64: %w", err)
	}
	return m, m.checkLists()
}

// readMessage checks what Mastodon 4.5 checks of a signature by RFC 9421 and returns the text that was signed.
func (s *Server) readMessage(r *http.Request, body []byte) (Signature, string, error) {
	m, err := parseMessage(strings.Join(r.Header.Values("Signature-Input"), ", "), strings.Join(r.Header.Values("Signature"), ", "))
	if err != nil {
		return m.Signature, "", err
	}
	want := []string{"@method", "@target-uri"}
	if body != nil {
		want = append(want, "content-digest")
	}
	for _, name := range want {
		if !slices.Contains(m.Headers, name) {
			return m.Signature, "", fmt.Errorf("%s is not signed (signed are %s)", name, strings.Join(m.Headers, " "))
		}
	}
	if off := s.now().Sub(m.created); off.Abs() > dateWindow {
		return m.Signature, "", fmt.Errorf("signature is off by %s, at most %s will do", off.Round(time.Second), dateWindow)
	}
	if body != nil && r.Header.Get("Content-Digest") != contentDigest(body) {
		return m.Signature, "", errors.New("content-digest is not that of the body")
	}
	text, err := messageText(r, s.base, m.Headers, m.params)
	return m.Signature, text, err
}
