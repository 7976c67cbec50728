package fedtest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// digestOf is the value of a Digest field (RFC 3230 with SHA-256, as draft-cavage senders use it).
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
}

// Signing says how a request is signed.
type Signing struct {
	KeyID   string
	Key     *rsa.PrivateKey
	Ed25519 ed25519.PrivateKey // instead of Key
	Now     time.Time
	Scheme  Scheme
	Fields  []string // what is covered, lower case; nil: as Mastodon, all that is sent, (request-target) last
}

// Sign signs a request by draft-cavage-http-signatures-12 with RSA-SHA256, or as Scheme and Ed25519 say. body
// is nil for a GET. It sets Date, Digest or Content-Digest, and Signature.
func (g Signing) Sign(r *http.Request, body []byte) error {
	r.Header.Set("Date", g.Now.UTC().Format(http.TimeFormat))
	if g.Scheme == RFC9421 {
		return g.signMessage(r, body)
	}
	names := []string{"host", "date"}
	if body != nil {
		r.Header.Set("Digest", digestOf(body))
		names = append(names, "digest")
		if r.Header.Get("Content-Type") != "" {
			names = append(names, "content-type")
		}
	}
	names = append(names, "(request-target)")
	if g.Fields != nil {
		names = g.Fields
	}
	text, err := signedText(r, names)
	if err != nil {
		return err
	}
	sig, err := g.value([]byte(text))
	if err != nil {
		return fmt.Errorf("sign request to %s: %w", r.URL, err)
	}
	algorithm := "rsa-sha256"
	if g.Ed25519 != nil {
		algorithm = "hs2019"
	}
	r.Header.Set("Signature", fmt.Sprintf(`keyId="%s",algorithm="%s",headers="%s",signature="%s"`,
		g.KeyID, algorithm, strings.Join(names, " "), base64.StdEncoding.EncodeToString(sig)))
	return nil
}

// value signs a text.
func (g Signing) value(text []byte) ([]byte, error) {
	if g.Ed25519 != nil {
		return ed25519.Sign(g.Ed25519, text), nil
	}
	sum := sha256.Sum256(text)
	return rsa.SignPKCS1v15(nil, g.Key, crypto.SHA256, sum[:])
}

// fits reports whether a signature is of that text, by the owner of the key.
func fits(key crypto.PublicKey, text string, sig []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(text), sig)
	}
	return false
}

// signedText builds the text that is signed (draft-cavage-12 §2.3) of an outgoing or an incoming request.
func signedText(r *http.Request, names []string) (string, error) {
	lines := make([]string, 0, len(names))
	for _, name := range names {
		var value string
		switch name {
		case "(request-target)":
			target := r.RequestURI // the bytes on the wire; empty in an outgoing request
			if target == "" {
				target = r.URL.RequestURI()
			}
			value = strings.ToLower(r.Method) + " " + target
		case "host":
			if value = r.Host; value == "" {
				value = r.URL.Host
			}
		default:
			vs := r.Header.Values(name)
			if len(vs) != 1 {
				return "", fmt.Errorf("signed field %q stands %d times in the request, want once", name, len(vs))
			}
			value = strings.TrimSpace(vs[0])
		}
		lines = append(lines, name+": "+value)
	}
	return strings.Join(lines, "\n"), nil
}
