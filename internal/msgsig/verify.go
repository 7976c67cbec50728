package msgsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The algorithms, by the names of the registry of RFC 9421 §6.2.2.
const (
	algRSA     = "rsa-v1_5-sha256"
	algEd25519 = "ed25519"
)

// ErrMismatch says that a signature was not made of this message with this key.
var ErrMismatch = errors.New("the signature does not fit")

// Verify checks the signature with a key, an *rsa.PublicKey or an ed25519.PublicKey. The type of the key
// decides on the algorithm; a signature that states another one is refused. The error is ErrMismatch unless the
// key cannot be used for the signature at all.
func (s Signature) Verify(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if err := s.isBy(algRSA); err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(s.base))
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], s.value) != nil {
			return ErrMismatch
		}
		return nil
	case ed25519.PublicKey:
		if err := s.isBy(algEd25519); err != nil {
			return err
		}
		if !ed25519.Verify(key, []byte(s.base), s.value) {
			return ErrMismatch
		}
		return nil
	}
	return fmt.Errorf("a %T verifies no signature here", key)
}

func (s Signature) isBy(alg string) error {
	if s.Alg != "" && s.Alg != alg {
		return fmt.Errorf("the signature says that it is %.40q, but its key is for %s", s.Alg, alg)
	}
	return nil
}
