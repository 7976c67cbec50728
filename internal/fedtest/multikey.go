package fedtest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// edKey is the Ed25519 key of that name: the same one each time.
func edKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("fedtest " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// multikeyOf writes the public half as a Multikey (FEP-521a).
func multikeyOf(k ed25519.PrivateKey) string {
	raw := append([]byte{0xed, 0x01}, k.Public().(ed25519.PublicKey)...)
	text := ""
	for n, m := new(big.Int).SetBytes(raw), new(big.Int); n.Sign() > 0; {
		n.DivMod(n, big.NewInt(58), m)
		text = base58Alphabet[m.Int64():m.Int64()+1] + text
	}
	return "z" + text
}

// parseMultikey reads a Multikey of Ed25519.
func parseMultikey(text string) (ed25519.PublicKey, error) {
	if len(text) != 48 || text[0] != 'z' {
		return nil, errors.New("publicKeyMultibase is no Ed25519 key in base58btc")
	}
	n := new(big.Int)
	for _, c := range text[1:] {
		i := strings.IndexRune(base58Alphabet, c)
		if i < 0 {
			return nil, fmt.Errorf("publicKeyMultibase has the character %q", c)
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(i)))
	}
	raw := n.Bytes()
	if len(raw) != 34 || raw[0] != 0xed || raw[1] != 0x01 {
		return nil, errors.New("publicKeyMultibase holds no Ed25519 key")
	}
	return raw[2:], nil
}

// keyIn finds the key with that id in an actor's document: the one of publicKey, or a Multikey.
func keyIn(a RemoteActor, keyID string) (crypto.PublicKey, error) {
	if a.KeyID == keyID {
		return parsePublicPEM(a.KeyPEM)
	}
	methods, _ := a.Raw["assertionMethod"].([]any)
	for _, method := range methods {
		m, _ := method.(map[string]any)
		if m["id"] != keyID {
			continue
		}
		if m["type"] != "Multikey" || m["controller"] != a.ID {
			return nil, fmt.Errorf("actor %s: its key %s is of type %v and of %v", a.ID, keyID, m["type"], m["controller"])
		}
		text, _ := m["publicKeyMultibase"].(string)
		return parseMultikey(text)
	}
	return nil, fmt.Errorf("actor %s lists the key %s, not %s", a.ID, a.KeyID, keyID)
}
