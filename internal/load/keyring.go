package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
)

// ring are keys for a crowd, each another one, so that no cache of keys makes their signatures cheaper than those of
// real actors. To make 2,000 would take minutes: they have one modulus and exponents of their own, which costs as
// much to read and to verify with as any other.
type ring struct {
	keys []*rsa.PrivateKey
	pems []string
}

func newRing(n int) (*ring, error) {
	first, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	one, order := big.NewInt(1), big.NewInt(1)
	for _, p := range first.Primes {
		order.Mul(order, new(big.Int).Sub(p, one))
	}
	r := &ring{}
	for e := 65537; len(r.keys) < n; e += 2 {
		d := new(big.Int).ModInverse(big.NewInt(int64(e)), order)
		if d == nil {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: first.N, E: e}, D: d, Primes: first.Primes}
		key.Precompute()
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, key)
		r.pems = append(r.pems, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	}
	return r, nil
}
