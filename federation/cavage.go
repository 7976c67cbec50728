package federation

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// This file is the only one that knows the library, which makes and verifies signatures by
// draft-cavage-http-signatures-12. It writes the signed text and does the arithmetic; of what a signature
// must cover and say it checks nothing, see readSignature.

// sign sets Date, Digest (where there is a body) and Signature of a request that is about to be sent, with
// RSA-SHA256. A body of nil is a request without one. It must be called anew for every attempt, since the
// strictest peers refuse a Date older than five minutes (Misskey 2025.11, tootik).
func (s signer) sign(r *http.Request, body []byte, now time.Time) error {
	covered := []string{httpsig.RequestTarget, "host", "date"}
	if body != nil {
		covered = append(covered, "digest")
	}
	// A signer keeps state between calls and is not safe for concurrent use, so each request gets its own.
	engine, _, err := httpsig.NewSigner([]httpsig.Algorithm{httpsig.RSA_SHA256}, httpsig.DigestSha256,
		covered, httpsig.Signature, 0)
	if err != nil {
		return fmt.Errorf("make a signer: %w", err)
	}
	date := now.UTC().Format(http.TimeFormat)
	text := &http.Request{
		Method: r.Method,
		URL:    wireTarget(r.URL.RequestURI()),
		Header: http.Header{"Host": {hostHeader(r)}, "Date": {date}},
	}
	if err := engine.SignRequest(s.key, s.id, text, body); err != nil {
		return fmt.Errorf("sign %s %s: %w", r.Method, r.URL, err)
	}
	r.Header.Set("Date", date)
	if body != nil {
		r.Header.Set("Digest", text.Header.Get("Digest"))
	}
	// The library always writes hs2019, which Joyent's library and what derives from it (Guppe) refuse and
	// WordPress takes for SHA-512 with large keys. The label is no part of what is signed.
	label := strings.Replace(text.Header.Get("Signature"), `algorithm="hs2019"`, `algorithm="rsa-sha256"`, 1)
	r.Header.Set("Signature", label)
	return nil
}

// wireTarget makes the library write a request target byte for byte: of any other URL it would take the
// decoded path, and every inbox with a percent sign in it would refuse us.
func wireTarget(requestURI string) *url.URL { return &url.URL{Path: requestURI} }

// cavageText copies what is signed, and nothing else, into a request of its own: the library would write
// Host into the header map of the original and read an Authorization header.
func cavageText(r *http.Request, s signature) (*http.Request, error) {
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

// verifyCavage verifies the text of a signature with a key. The key's type decides on the algorithm: what
// senders call rsa-sha256 and hs2019 is RSA PKCS #1 v1.5 with SHA-256 all over the fediverse.
func verifyCavage(text *http.Request, s signature, target string, key crypto.PublicKey) error {
	r := &http.Request{Method: text.Method, URL: wireTarget(target), Header: text.Header.Clone()}
	if s.covers("(created)") {
		// The library refuses what was created more than ten seconds ahead of its own clock.
		return verifyCreated(r, s, key)
	}
	v, err := httpsig.NewVerifier(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadSignature, err)
	}
	algorithm := httpsig.RSA_SHA256
	if _, ok := key.(ed25519.PublicKey); ok {
		algorithm = httpsig.ED25519
	}
	if err := v.Verify(key, algorithm); err != nil {
		return fmt.Errorf("%w: %w", errBadSignature, err)
	}
	return nil
}

// verifyCreated does the library's work for signatures with (created), whose time checkTimes has judged
// already: it writes the signed text (draft-cavage-12 §2.3) and verifies it.
func verifyCreated(r *http.Request, s signature, key crypto.PublicKey) error {
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
	text := []byte(strings.Join(lines, "\n"))
	value, err := base64.StdEncoding.DecodeString(s.value)
	if err != nil {
		return errBadSignature
	}
	fits := false
	switch key := key.(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256(text)
		fits = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value) == nil
	case ed25519.PublicKey:
		fits = ed25519.Verify(key, text, value)
	}
	if !fits {
		return errBadSignature
	}
	return nil
}
