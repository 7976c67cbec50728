package federation

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"time"

	"crier/internal/msgsig"
)

// signer is the key that our requests are signed with.
type signer struct {
	id  string
	key *rsa.PrivateKey
}

// scheme is a way to sign requests.
type scheme string

const (
	schemeCavage  scheme = ""        // draft-cavage-http-signatures-12: every server understands it
	schemeRFC9421 scheme = "rfc9421" // HTTP Message Signatures
)

// other is the scheme to try where this one is refused.
func (s scheme) other() scheme {
	if s == schemeCavage {
		return schemeRFC9421
	}
	return schemeCavage
}

// signBy signs a request that is about to be sent; see sign for what is the same in both schemes.
func (s signer) signBy(by scheme, r *http.Request, body []byte, now time.Time) error {
	if by == schemeCavage {
		return s.sign(r, body, now)
	}
	return s.signMessage(r, body, now)
}

// signMessage signs by RFC 9421.
func (s signer) signMessage(r *http.Request, body []byte, now time.Time) error {
	r.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	m := msgsig.Message{
		Method: r.Method, Base: r.URL.Scheme + "://" + hostHeader(r), Target: r.URL.RequestURI(), Header: r.Header, Body: body,
	}
	fields, err := msgsig.Signer{KeyID: s.id, Key: s.key}.Sign(m, rand.Text(), now)
	if err != nil {
		return err
	}
	for name := range fields {
		r.Header.Set(name, fields.Get(name))
	}
	return nil
}

// hostHeader is what the transport sends as Host.
func hostHeader(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}
