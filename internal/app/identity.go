package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"crier/internal/config"
	"crier/store"
)

// keyBits is the size of the account's key. Larger ones break on WordPress, which takes a label that our
// signatures carry to mean another hash then (federation facts, section 4).
const keyBits = 2048

// identity settles who this daemon is.
type identity struct {
	cfg     *config.Config
	db      *store.DB
	version string
	insist  bool   // do not look whether the account is out there
	ownAddr string // where this very process already listens, or empty
	log     *slog.Logger
}

// ensure returns the account of the store, and makes it in a new one.
func (i identity) ensure(ctx context.Context) (store.Account, *rsa.PrivateKey, error) {
	acc, err := i.db.Account()
	switch {
	case err == nil:
		if i.insist {
			i.log.Warn("the store has its account and key already; no new identity is made", "data_dir", i.cfg.DataDir)
		}
		return i.known(acc)
	case !errors.Is(err, store.ErrNotFound):
		return store.Account{}, nil, fmt.Errorf("read the account: %w", err)
	}
	if err := i.lookOutside(ctx); err != nil {
		return store.Account{}, nil, err
	}
	acc, key, err := i.fresh(time.Now())
	if err != nil {
		return store.Account{}, nil, err
	}
	if err := i.db.CreateAccount(acc); err != nil {
		return store.Account{}, nil, fmt.Errorf("store the new account: %w", err)
	}
	i.log.Info("account made", "handle", acc.Handle, "base_url", acc.BaseURL)
	return acc, key, nil
}

// known checks that the configuration still means the account that the store belongs to: base address and
// handle are part of every id that other servers have.
func (i identity) known(acc store.Account) (store.Account, *rsa.PrivateKey, error) {
	handle := i.cfg.Account.Handle.String()
	if acc.BaseURL != i.cfg.BaseURL || acc.Handle != handle {
		return store.Account{}, nil, fmt.Errorf(
			"the store in %s belongs to @%s at %s, but the configuration says @%s at %s: "+
				"these are part of every address that other servers know and cannot be changed; "+
				"set base_url and account.handle back, or start the new account in another data_dir "+
				"and move the followers there with `crier move TARGET`",
			i.cfg.DataDir, acc.Handle, acc.BaseURL, handle, i.cfg.BaseURL)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(acc.PrivateKey)
	if err != nil {
		return store.Account{}, nil, fmt.Errorf("read the account's key: %w; restore the data directory from a backup", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return store.Account{}, nil, fmt.Errorf("the account's key is a %T; an RSA key is needed", parsed)
	}
	return acc, key, nil
}

// fresh makes an account that is not stored yet.
func (i identity) fresh(now time.Time) (store.Account, *rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return store.Account{}, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return store.Account{}, nil, fmt.Errorf("encode the new key: %w", err)
	}
	acc := store.Account{BaseURL: i.cfg.BaseURL, Handle: i.cfg.Account.Handle.String(), PrivateKey: der, Created: now.UTC().Truncate(time.Second)}
	return acc, key, nil
}
