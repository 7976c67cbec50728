package federation

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"crier/internal/msgsig"
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

	// By draft-cavage:
	sig  signature
	text *http.Request // only what is signed, for the library to read
	uri  string        // the request target as it came over the wire

	// By RFC 9421:
	message *msgsig.Signature
	choice  []msgsig.Signature // all that would do
}

// readSignature checks everything about a signature that needs no key. The body is nil for a request
// without one; base is our own scheme and host.
//
// The library looks at none of this: not at the age, the digest, the coverage, repeated headers or the
// host, and of a repeated parameter it takes the last.
func readSignature(r *http.Request, body []byte, base string, now time.Time) (*signedRequest, error) {
	// Both schemes use the header Signature; this one only RFC 9421 has. Fedify tries that first.
	if len(r.Header.Values("Signature-Input")) > 0 {
		return readMessageSignature(r, body, base, now)
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
	text, err := cavageText(r, sig)
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

// checkDigest compares a Digest header (RFC 3230) with the body. Of several digests the one by SHA-256 counts, as
// everybody sends it; only where there is none, the one by SHA-512. It must be there once, and be right.
func checkDigest(header string, body []byte) error {
	claimed := map[string][]string{}
	for _, item := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		name = strings.ToLower(name)
		claimed[name] = append(claimed[name], value)
	}
	values, sum := claimed["sha-256"], sha256Of
	if len(values) == 0 {
		values, sum = claimed["sha-512"], sha512Of
	}
	if len(values) != 1 {
		return fmt.Errorf("the Digest has SHA-256 or SHA-512 %d times", len(values))
	}
	if raw, err := base64.StdEncoding.DecodeString(values[0]); err != nil || !bytes.Equal(raw, sum(body)) {
		return errors.New("the Digest is not that of the body")
	}
	return nil
}

func sha256Of(body []byte) []byte {
	sum := sha256.Sum256(body)
	return sum[:]
}

func sha512Of(body []byte) []byte {
	sum := sha512.Sum512(body)
	return sum[:]
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

// verify checks the signature with a key, *rsa.PublicKey or ed25519.PublicKey. Older Mastodon versions and
// Fedify leave the query out of what they sign by draft-cavage, so that is tried second.
func (s *signedRequest) verify(key crypto.PublicKey) error {
	if s.message != nil {
		if err := s.message.Verify(key); err != nil {
			return fmt.Errorf("%w: %w", errBadSignature, err)
		}
		return nil
	}
	if err := verifyCavage(s.text, s.sig, s.uri, key); err == nil {
		return nil
	}
	path, _, query := strings.Cut(s.uri, "?")
	if !query {
		return errBadSignature
	}
	return verifyCavage(s.text, s.sig, path, key)
}
