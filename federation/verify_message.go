package federation

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"time"

	"crier/internal/msgsig"
)

// readMessageSignature is readSignature for RFC 9421. What the signature says of the request's address is
// compared with our own one, whatever Host a proxy in front has made of it.
func readMessageSignature(r *http.Request, body []byte, base string, now time.Time) (*signedRequest, error) {
	m := msgsig.Message{
		Method: r.Method, Base: base, Target: requestTarget(r), Host: ourHost(r.Host, base), Header: r.Header, Body: body,
	}
	good, err := msgsig.Read(m, now, msgsig.Window{Past: clockSkew + dateAge, Future: clockSkew, Expired: expirySkew})
	if err != nil {
		return nil, err
	}
	s := &signedRequest{choice: good}
	s.take(good[0])
	return s, nil
}

// take makes one of a request's signatures the one that counts.
func (s *signedRequest) take(m msgsig.Signature) { s.message, s.keyID = &m, m.KeyID }

// by prefers, of a request's several signatures, the one by the actor's own server: a proxy on the way may
// have added its own in front.
func (s *signedRequest) by(actor string) *signedRequest {
	for _, m := range s.choice {
		if sameHost(m.KeyID, actor) {
			s.take(m)
			break
		}
	}
	return s
}

// fingerprint is what the signature is remembered by: nobody can make another one that says the same.
func (s *signedRequest) fingerprint() string {
	var value []byte
	if s.message != nil {
		value = s.message.Value()
	} else {
		value, _ = base64.StdEncoding.DecodeString(s.sig.value) // parseSignature has seen that it can be read
	}
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// ourHost is the Host of a request if that names us, else the name that we have.
func ourHost(host, base string) string {
	if isOurHost(host, base) {
		return host
	}
	return hostOf(base)
}
