package federation

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// signer is the key that our requests are signed with.
type signer struct {
	id  string
	key *rsa.PrivateKey
}

// sign sets Date, Digest (where there is a body) and Signature of a request that is about to be sent, by
// draft-cavage-http-signatures-12 with RSA-SHA256. A body of nil is a request without one. It must be
// called anew for every attempt, since the strictest peers refuse a Date older than five minutes
// (Misskey 2025.11, tootik).
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

// hostHeader is what the transport sends as Host.
func hostHeader(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}
