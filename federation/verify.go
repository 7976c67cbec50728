package federation

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

const (
	clockSkew  = time.Hour       // how far a sender's clock may be off; Mastodon's value
	dateAge    = 5 * time.Minute // how much older than that a Date may be: the message was on its way
	expirySkew = 10 * time.Second
)

var (
	errUnsigned     = errors.New("the request is not signed")
	errBadSignature = errors.New("the signature does not fit")
)

// signedRequest is a request whose signature covers what it must and whose Date and Digest hold. It is
// not verified: that takes the key.
type signedRequest struct {
	keyID string
	sig   signature
	text  *http.Request // only what is signed, for the library to read
	uri   string        // the request target as it came over the wire
}

// readSignature checks everything about a signature that needs no key. The body is nil for a request
// without one; base is our own scheme and host.
//
// The library looks at none of this: not at the age, the digest, the coverage, repeated headers or the
// host, and of a repeated parameter it takes the last.
func readSignature(r *http.Request, body []byte, base string, now time.Time) (*signedRequest, error) {
	// RFC 9421 messages are recognised by this header; Fedify tries them first and falls back on a 401.
	if len(r.Header.Values("Signature-Input")) > 0 {
		return nil, fmt.Errorf("%w in a way that is understood (RFC 9421)", errUnsigned)
	}
	lines := r.Header.Values("Signature")
	if len(lines) == 0 {
		return nil, errUnsigned
	}
	if len(lines) > 1 {
		return nil, errors.New("there is more than one Signature header")
	}
	sig, err := parseSignature(lines[0])
	if err != nil {
		return nil, err
	}
	if err := checkCoverage(sig, body != nil); err != nil {
		return nil, err
	}
	if !isOurHost(r.Host, base) {
		return nil, &hostError{clean(r.Host, 100)}
	}
	text, err := signedText(r, sig)
	if err != nil {
		return nil, err
	}
	if err := checkTimes(sig, text.Header, now); err != nil {
		return nil, err
	}
	if body != nil {
		if err := checkDigest(text.Header.Get("Digest"), body); err != nil {
			return nil, err
		}
	}
	return &signedRequest{keyID: sig.keyID, sig: sig, text: text, uri: requestTarget(r)}, nil
}

// hostError says that a request was made to another host than ours.
type hostError struct{ host string }

func (e *hostError) Error() string { return fmt.Sprintf("the signed host %q is not ours", e.host) }

// checkCoverage makes sure that nothing which decides about the request is left unsigned.
func checkCoverage(s signature, withBody bool) error {
	required := []string{"(request-target)", "host"}
	if withBody {
		required = append(required, "digest")
	}
	for _, name := range required {
		if !s.covers(name) {
			return fmt.Errorf("the signature does not cover %s", name)
		}
	}
	if !s.covers("date") && !s.covers("(created)") {
		return errors.New("the signature covers neither date nor (created)")
	}
	if s.covers("(created)") && !s.hasCreated || s.covers("(expires)") && !s.hasExpires {
		return errors.New("the signature covers a time that is not given")
	}
	return nil
}

// signedText copies what is signed, and nothing else, into a request of its own: the library would write
// Host into the header map of the original and read an Authorization header.
func signedText(r *http.Request, s signature) (*http.Request, error) {
	header := http.Header{}
	for _, name := range s.headers {
		key := http.CanonicalHeaderKey(name)
		switch values := r.Header.Values(key); {
		case name[0] == '(':
		case name == "host":
			header.Set(key, r.Host)
		case len(values) != 1:
			// Several lines would be joined, and other readers of the header see only one of them.
			return nil, fmt.Errorf("the signed header %s is there %d times", name, len(values))
		default:
			header.Set(key, values[0])
		}
	}
	params := []string{
		`keyId="-"`, `algorithm="hs2019"`,
		`headers="` + strings.Join(s.headers, " ") + `"`,
		`signature="` + s.value + `"`,
	}
	if s.covers("(created)") {
		params = append(params, "created="+strconv.FormatInt(s.created, 10))
	}
	if s.covers("(expires)") {
		params = append(params, "expires="+strconv.FormatInt(s.expires, 10))
	}
	header.Set("Signature", strings.Join(params, ","))
	return &http.Request{Method: r.Method, Header: header}, nil
}

// checkTimes makes sure that the signature is of now. An unsigned (created) or (expires) proves nothing
// and is not looked at.
func checkTimes(s signature, header http.Header, now time.Time) error {
	var times []time.Time
	if s.covers("(created)") {
		times = append(times, time.Unix(s.created, 0))
	}
	if s.covers("date") {
		date, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			return errors.New("the signed Date is no date")
		}
		times = append(times, date)
	}
	for _, t := range times {
		if t.After(now.Add(clockSkew)) || t.Before(now.Add(-clockSkew-dateAge)) {
			return fmt.Errorf("the signature is of %s, too far from now", t.UTC().Format(time.RFC3339))
		}
	}
	if s.covers("(expires)") && now.After(time.Unix(s.expires, 0).Add(expirySkew)) {
		return errors.New("the signature has expired")
	}
	return nil
}

// checkDigest compares a Digest header (RFC 3230) with the body. Of several digests the one by SHA-256
// must be there, once, and right.
func checkDigest(header string, body []byte) error {
	sum := sha256.Sum256(body)
	found := 0
	for _, item := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if !strings.EqualFold(name, "sha-256") {
			continue
		}
		found++
		claimed, err := base64.StdEncoding.DecodeString(value)
		if err != nil || !bytes.Equal(claimed, sum[:]) {
			return errors.New("the Digest is not that of the body")
		}
	}
	if found != 1 {
		return fmt.Errorf("the Digest has SHA-256 %d times", found)
	}
	return nil
}

// isOurHost reports whether a Host header names the host of our base address. Mastodon signs a host
// without its port (facts: 4.x), others with the default one.
func isOurHost(host, base string) bool {
	scheme, ours, _ := strings.Cut(base, "://")
	if ours = plainHost(ours, scheme); plainHost(host, scheme) == ours {
		return true
	}
	name, _, err := net.SplitHostPort(ours)
	return err == nil && strings.Trim(strings.ToLower(host), "[]") == name
}

// requestTarget is the target as it came over the wire. A proxy may write it as a whole address, of which
// the sender signed the path; a request that never was on the wire has none.
func requestTarget(r *http.Request) string {
	if r.RequestURI == "" || strings.HasPrefix(r.RequestURI, "http") {
		return r.URL.RequestURI()
	}
	return r.RequestURI
}

// verify checks the signature with a key. Older Mastodon versions leave the query out of what they sign,
// so that is tried second.
func (s *signedRequest) verify(key *rsa.PublicKey) error {
	if err := s.verifyTarget(key, s.uri); err == nil {
		return nil
	}
	path, _, query := strings.Cut(s.uri, "?")
	if !query {
		return errBadSignature
	}
	return s.verifyTarget(key, path)
}

func (s *signedRequest) verifyTarget(key *rsa.PublicKey, target string) error {
	r := &http.Request{Method: s.text.Method, URL: wireTarget(target), Header: s.text.Header.Clone()}
	if s.sig.covers("(created)") {
		// The library refuses what was created more than ten seconds ahead of its own clock.
		return verifyCreated(r, s.sig, key)
	}
	v, err := httpsig.NewVerifier(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadSignature, err)
	}
	if err := v.Verify(key, httpsig.RSA_SHA256); err != nil {
		return fmt.Errorf("%w: %w", errBadSignature, err)
	}
	return nil
}

// verifyCreated does the library's work for signatures with (created), whose time checkTimes has judged
// already: it writes the signed text (draft-cavage-12 §2.3) and verifies it.
func verifyCreated(r *http.Request, s signature, key *rsa.PublicKey) error {
	lines := make([]string, 0, len(s.headers))
	for _, name := range s.headers {
		value := strings.TrimSpace(r.Header.Get(name))
		switch name {
		case "(request-target)":
			value = strings.ToLower(r.Method) + " " + r.URL.Path
		case "(created)":
			value = strconv.FormatInt(s.created, 10)
		case "(expires)":
			value = strconv.FormatInt(s.expires, 10)
		}
		lines = append(lines, name+": "+value)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	value, err := base64.StdEncoding.DecodeString(s.value)
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value) != nil {
		return errBadSignature
	}
	return nil
}

// parseKey reads the PEM of a public key. Only RSA keys that are neither forgeable nor a burden to
// verify with are taken: 2048 to 8192 bits.
func parseKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("the public key is not in PEM")
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("the public key is a %q", clean(block.Type, 40))
	}
	if err != nil {
		return nil, fmt.Errorf("the public key: %w", err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the public key is a %T, not RSA", key)
	}
	if bits := public.N.BitLen(); bits < 2048 || bits > 8192 {
		return nil, fmt.Errorf("the public key has %d bits; 2048 to 8192 are accepted", bits)
	}
	return public, nil
}
