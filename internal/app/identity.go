package app

import (
	"context"
	"crypto/ed25519"
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
// signatures carry to mean another hash then.
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

// look makes sure, before anything is bound or stored, that the account may be what the configuration says:
// the store's own one, or in a new store one that nobody has seen yet.
func (i identity) look(ctx context.Context) error {
	acc, err := i.db.Account()
	switch {
	case err == nil:
		_, _, err := i.known(acc)
		return err
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("read the account: %w", err)
	}
	return i.lookOutside(ctx)
}

// ensure returns the account of the store, and makes it in a new one: the last thing that may fail, since
// base address and handle cannot be changed afterwards.
func (i identity) ensure() (store.Account, *rsa.PrivateKey, error) {
	acc, err := i.db.Account()
	switch {
	case err == nil:
		if i.insist {
			i.log.Warn("the store has its account and key already; no new identity is made", "data_dir", i.cfg.DataDir)
		}
		acc, key, err := i.known(acc)
		if err != nil {
			return store.Account{}, nil, err
		}
		acc, err = i.complete(acc)
		return acc, key, err
	case !errors.Is(err, store.ErrNotFound):
		return store.Account{}, nil, fmt.Errorf("read the account: %w", err)
	}
	acc, key, err := i.fresh(time.Now())
	if err != nil {
		return store.Account{}, nil, err
	}
	if err := i.db.CreateAccount(acc); err != nil {
		return store.Account{}, nil, fmt.Errorf("store the new account: %w", err)
	}
	i.log.Warn("a new account and key were made; if this is not the first start, stop now and put the data directory back",
		"handle", acc.Handle, "base_url", acc.BaseURL, "data_dir", i.cfg.DataDir)
	return acc, key, nil
}

// known checks that the configuration still means the account that the store belongs to: base address and
// handle are part of every id that other servers have.
func (i identity) known(acc store.Account) (store.Account, *rsa.PrivateKey, error) {
	handle := i.cfg.Account.Handle.String()
	if acc.BaseURL != i.cfg.BaseURL || acc.Handle != handle {
		mend := "set base_url and account.handle back; or, to move the account with its followers, set data_dir to a new " +
			"folder, write former = \"" + i.cfg.DataDir + "\", start crier and run `crier move --former`"
		if n, err := i.db.CountFollowers(); err == nil && n == 0 {
			mend = "nobody follows it yet: set them back, or remove " + i.cfg.DataDir + " and start anew " +
				"(an account with followers is moved with `crier move --former`)"
		} else if acc.BaseURL == i.cfg.BaseURL {
			mend = "set account.handle back. " + otherHandle(acc.Handle, handle) + " (README, “Another domain for crier”)"
		}
		return store.Account{}, nil, fmt.Errorf(
			"the store in %s belongs to @%s at %s, but the configuration says @%s at %s: "+
				"these are part of every address that other servers know and cannot be changed; %s",
			i.cfg.DataDir, acc.Handle, acc.BaseURL, handle, i.cfg.BaseURL, mend)
	}
	key, err := parseAccountKey(acc)
	if err != nil {
		return store.Account{}, nil, err
	}
	return acc, key, nil
}

func parseAccountKey(acc store.Account) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(acc.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("read the account's key: %w; restore the data directory from a backup", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the account's key is a %T; an RSA key is needed", parsed)
	}
	return key, nil
}

// complete gives an account that was made by an older version the key that it had not.
func (i identity) complete(acc store.Account) (store.Account, error) {
	if len(acc.Ed25519) == ed25519.SeedSize {
		return acc, nil
	}
	seed, err := newSeed()
	if err != nil {
		return store.Account{}, err
	}
	if acc, err = i.db.AddEd25519(seed); err != nil {
		return store.Account{}, fmt.Errorf("store the account's Ed25519 key: %w", err)
	}
	return acc, nil
}

// newSeed makes an Ed25519 key.
func newSeed() ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("make an Ed25519 key: %w", err)
	}
	return seed, nil
}

// ed25519Of is the public half of an account's second key; nil where it has none.
func ed25519Of(acc store.Account) ed25519.PublicKey {
	if len(acc.Ed25519) != ed25519.SeedSize {
		return nil
	}
	key, _ := ed25519.NewKeyFromSeed(acc.Ed25519).Public().(ed25519.PublicKey)
	return key
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
	seed, err := newSeed()
	if err != nil {
		return store.Account{}, nil, err
	}
	return store.Account{
		BaseURL: i.cfg.BaseURL, Handle: i.cfg.Account.Handle.String(),
		PrivateKey: der, Ed25519: seed, Created: now.UTC().Truncate(time.Second),
	}, key, nil
}
