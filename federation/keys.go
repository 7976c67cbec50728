package federation

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// parseKey reads the PEM of a public key, RSA or Ed25519.
func parseKey(text string) (crypto.PublicKey, error) {
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
	return usableKey(key)
}

// usableKey lets those keys through that signatures are verified with: of RSA only what is neither forgeable
// nor a burden to verify with, 2048 to 8192 bits.
func usableKey(key crypto.PublicKey) (crypto.PublicKey, error) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 || bits > 8192 {
			return nil, fmt.Errorf("the public key has %d bits; 2048 to 8192 are accepted", bits)
		}
		return key, nil
	case ed25519.PublicKey:
		return key, nil
	}
	return nil, fmt.Errorf("the public key is a %T, neither RSA nor Ed25519", key)
}

// publicKeyPEM writes a key as SubjectPublicKeyInfo: PeerTube wants "BEGIN PUBLIC KEY".
func publicKeyPEM(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // no key that usableKey lets through can make it fail
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
