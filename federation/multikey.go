package federation

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The beginnings of Multikeys: the codes of the multicodec table as unsigned varints.
const (
	codeEd25519 = "\xed\x01"
	codeRSA     = "\x85\x24" // DER of PKCS #1
)

// maxMultikey bounds the text of a Multikey, in bytes: an RSA key of 8192 bits has about 1,420. Reading
// base58 costs with the square of the length.
const maxMultikey = 2000

// parseMultikey reads the publicKeyMultibase of a Multikey (FEP-521a): base58btc of a code and the key.
func parseMultikey(text string) (crypto.PublicKey, error) {
	if len(text) > maxMultikey {
		return nil, errors.New("the Multikey is too long")
	}
	digits, ok := strings.CutPrefix(text, "z")
	if !ok {
		return nil, errors.New("the Multikey is not in base58btc")
	}
	raw, err := decodeBase58(digits)
	if err != nil {
		return nil, fmt.Errorf("the Multikey: %w", err)
	}
	if key, ok := bytes.CutPrefix(raw, []byte(codeEd25519)); ok {
		if len(key) != ed25519.PublicKeySize {
			return nil, errors.New("the Multikey is no Ed25519 key")
		}
		return ed25519.PublicKey(key), nil
	}
	der, ok := bytes.CutPrefix(raw, []byte(codeRSA))
	if !ok {
		return nil, errors.New("the Multikey is of a kind that is not known")
	}
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("the Multikey: %w", err)
	}
	return usableKey(key)
}

// multikey writes an Ed25519 key as a Multikey.
func multikey(key ed25519.PublicKey) string {
	return "z" + encodeBase58(slices.Concat([]byte(codeEd25519), key))
}

// base58 is Bitcoin's alphabet: no 0, O, I and l.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// encodeBase58 writes bytes as one number in base 58, with a 1 for each zero byte in front.
func encodeBase58(raw []byte) string {
	n, radix, digit := new(big.Int).SetBytes(raw), big.NewInt(58), new(big.Int)
	var text []byte
	for n.Sign() > 0 {
		n.DivMod(n, radix, digit)
		text = append(text, base58[digit.Int64()])
	}
	for _, c := range raw {
		if c != 0 {
			break
		}
		text = append(text, base58[0])
	}
	slices.Reverse(text)
	return string(text)
}

func decodeBase58(text string) ([]byte, error) {
	n, radix := new(big.Int), big.NewInt(58)
	for _, c := range []byte(text) {
		i := strings.IndexByte(base58, c)
		if i < 0 {
			return nil, errors.New("it has characters that are not base58")
		}
		n.Add(n.Mul(n, radix), big.NewInt(int64(i)))
	}
	zeros := len(text) - len(strings.TrimLeft(text, base58[:1]))
	return append(make([]byte, zeros), n.Bytes()...), nil
}
