package websub

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"strings"
)

// signature is what an X-Hub-Signature header claims.
type signature struct {
	hash func() hash.Hash
	sum  []byte
}

// parseSignature reads an X-Hub-Signature header: "method=hexadecimal", with one of the four methods of §7.1.1.
// SHA-1 is among them since most hubs know nothing else; as HMAC it is not broken.
func parseSignature(header string) (signature, bool) {
	method, digits, _ := strings.Cut(strings.TrimSpace(header), "=")
	var sig signature
	switch strings.ToLower(method) {
	case "sha1":
		sig.hash = sha1.New
	case "sha256":
		sig.hash = sha256.New
	case "sha384":
		sig.hash = sha512.New384
	case "sha512":
		sig.hash = sha512.New
	default:
		return signature{}, false
	}
	if len(digits) != 2*sig.hash().Size() {
		return signature{}, false
	}
	sum, err := hex.DecodeString(digits)
	if err != nil {
		return signature{}, false
	}
	sig.sum = sum
	return sig, true
}

// matches reads body to its end and tells whether it was signed with the secret. The error is body's.
func (sig signature) matches(secret string, body io.Reader) (bool, error) {
	mac := hmac.New(sig.hash, []byte(secret))
	if _, err := io.Copy(mac, body); err != nil {
		return false, err
	}
	return hmac.Equal(mac.Sum(nil), sig.sum), nil
}
