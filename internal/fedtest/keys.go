package fedtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
)

// poolSize bounds how many keys a pool makes. Names beyond it share keys in turn: one key costs a tenth of
// a second and more, and a test binary makes hundreds of actors.
const poolSize = 16

// KeyPool hands out RSA-2048 keys by name, the same key for the same name. The zero pool is ready, and
// safe for concurrent use. Keys are made when first asked for.
type KeyPool struct {
	mu     sync.Mutex
	byName map[string]int
	keys   [poolSize]func() *rsa.PrivateKey
}

// processKeys is a package variable on purpose: what it saves, it saves for the whole process.
var processKeys KeyPool

// Key returns the key of that name from the pool of the process, for tests that need keys of their own.
func Key(name string) *rsa.PrivateKey { return processKeys.Key(name) }

// Key returns the key of that name.
func (p *KeyPool) Key(name string) *rsa.PrivateKey {
	p.mu.Lock()
	if p.byName == nil {
		p.byName = map[string]int{}
	}
	i, ok := p.byName[name]
	if !ok {
		i = len(p.byName) % poolSize
		p.byName[name] = i
	}
	if p.keys[i] == nil {
		p.keys[i] = sync.OnceValue(newKey)
	}
	get := p.keys[i]
	p.mu.Unlock()
	return get()
}

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // only when the system has no randomness
	}
	return k
}

// publicPEM writes the public half as "PUBLIC KEY" (SPKI), the form that all servers read.
func publicPEM(k *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		panic(err) // cannot be: the key is of a known type
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// parsePublicPEM reads a "PUBLIC KEY" block with an RSA key of 2048 to 8192 bits.
func parsePublicPEM(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("publicKeyPem holds no PEM block")
	}
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("publicKeyPem is a %q, want PUBLIC KEY", block.Type)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read publicKeyPem: %w", err)
	}
	r, ok := k.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("publicKeyPem holds a %T, want an RSA key", k)
	}
	if n := r.N.BitLen(); n < 2048 || n > 8192 {
		return nil, fmt.Errorf("key has %d bits, want 2048 to 8192", n)
	}
	return r, nil
}
