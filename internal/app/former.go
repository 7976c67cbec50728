package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"crier/federation"
	"crier/internal/admin"
	"crier/internal/config"
	"crier/internal/netguard"
	"crier/store"
)

// former is the account that this one takes the place of, after a change of base_url or handle. It keeps its own
// store, key and queue, and is served beside the new one, at its own host, for years: its posts keep their ids, its
// inbox takes the Undo of those who go over. It reads no feed and publishes nothing.
type former struct {
	mover
	db   *store.DB
	host string // of its addresses, as they are compared
}

// openFormer opens the store of the former account, if there is one.
func (a *App) openFormer() error {
	if a.cfg.Former == "" {
		return nil
	}
	if !hasStore(a.cfg.Former) {
		return fmt.Errorf("former: there is no store in %s; name the data directory of the account that moves here", a.cfg.Former)
	}
	db, err := openStore(a.cfg.Former)
	if err != nil {
		return fmt.Errorf("former: %w", err)
	}
	a.former = db
	a.undo = append(a.undo, db.Close)
	_, err = formerAccount(a.cfg, db) // before the new account is made, which cannot be changed afterwards
	return err
}

// formerAccount reads the former account, and makes sure that the configured one can stand beside it.
func formerAccount(cfg *config.Config, db *store.DB) (store.Account, error) {
	acc, err := db.Account()
	switch {
	case errors.Is(err, store.ErrNotFound):
		return acc, fmt.Errorf("former: the store in %s has no account yet, so nothing can move from there: take it out", cfg.Former)
	case err != nil:
		return acc, fmt.Errorf("former: read the account: %w", err)
	case acc.BaseURL == cfg.BaseURL:
		return acc, fmt.Errorf("former: the account in %s has the base_url %s as this one has: two accounts cannot share it. %s",
			cfg.Former, acc.BaseURL, otherHandle(acc.Handle, cfg.Account.Handle.String()))
	case acc.Handle == cfg.Account.Handle.String():
		// Mastodon (3.x to 4.6) finds an account by its handle and gives the row that it has the new id and key: then
		// the Move of the old id is of nobody, or of the account to itself. A server
		// that keeps one account for a handle takes no second.
		user := cfg.Account.Handle.User
		return acc, fmt.Errorf("former: the account in %s has the handle @%s as this one has, and other servers know an account by "+
			"its handle: they would not see two, and nobody could move. Give this one another user name, such as %s@%s; "+
			"`crier move --former --webfinger` lets the old handle lead to it afterwards",
			cfg.Former, acc.Handle, user+"2", cfg.Account.Handle.Host)
	}
	return acc, nil
}

// otherHandle says what can be done by whoever wants another handle and keeps the base_url: the ids stay, so that there
// is no other account to move to, but the account can answer to further names.
func otherHandle(was, wanted string) string {
	return fmt.Sprintf("To be found as @%s, too, keep data_dir and the handle @%s as they were, take former out, and write "+
		"\"%s\" = \"self\" below [webfinger.aliases]. To be called so, move to another base_url", wanted, was, wanted)
}

// addFormer wires the former account, and makes the new one also known as it.
func (c *core) addFormer(cfg *config.Config, p parts, db *store.DB) error {
	acc, err := formerAccount(cfg, db)
	if err != nil {
		return err
	}
	key, err := parseAccountKey(acc)
	if err != nil {
		return fmt.Errorf("former: %w", err)
	}
	was := *cfg
	was.BaseURL = acc.BaseURL
	guard := newGuard(&was, p.listening)
	fc := federation.Config{
		Store: db, Key: key, Log: p.log.With("component", "federation", "account", acc.Handle),
		Transport:    guard.Transport(netguard.TransportOptions{HTTPSOnly: !cfg.Network.AllowHTTP}),
		OwnTransport: guard.Transport(toOurselves(cfg)), // the new account, which is where it moves, is on our own address
		BaseURL:      acc.BaseURL, Handle: acc.Handle, Version: p.version, AllowHTTP: cfg.Network.AllowHTTP, Lease: p.lease,
	}
	if fc.Profile, err = profile(cfg, acc, db); err != nil {
		return err
	}
	if fc.Presence, err = db.Presence(); err != nil {
		return fmt.Errorf("former: read the account: %w", err)
	}
	f := &former{mover: mover{server: federation.New(fc), handle: acc.Handle}, db: db, host: plainHost(acc.BaseURL)}
	c.former = f
	return c.knowFormer(f)
}

// account is what there is to say of the former account.
func (f *former) account() (admin.FormerAccount, error) {
	return admin.FormerOf(f.db, f.server.ActorID())
}

func idsOf(acc store.Account) federation.IDs {
	user, _, _ := strings.Cut(acc.Handle, "@")
	return federation.NewIDs(acc.BaseURL, user)
}

// knowFormer makes the account also known as the former one, with all who follow that, so that they are known
// when they arrive.
func (c *core) knowFormer(f *former) error {
	followers, err := f.db.Followers(0, 0)
	if err != nil {
		return fmt.Errorf("former: list the followers: %w", err)
	}
	var ids []string
	for _, one := range followers {
		if one.State == store.FollowerAccepted {
			ids = append(ids, one.Actor)
		}
	}
	alias := store.Alias{
		Actor: f.server.ActorID(), Handle: f.handle, Added: time.Now().UTC(), Followers: len(ids), ByHand: true,
	}
	if err := c.server.AddKnownAlias(alias, ids); err != nil {
		return fmt.Errorf("former: %w", err)
	}
	return nil
}

// dispatch sends requests to the account that they are for: by the host that was asked, and a WebFinger query, which
// a blog may pass on to either, by the name.
func (c *core) dispatch(own http.Handler) http.Handler {
	if c.former == nil {
		return own
	}
	theirs := c.former.server.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.isForFormer(r) {
			theirs.ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

func (c *core) isForFormer(r *http.Request) bool {
	if r.URL.Path == "/.well-known/webfinger" {
		resource := r.URL.Query().Get("resource")
		if c.server.Answers(resource) {
			return false
		}
		return c.former.server.Answers(resource) || strings.EqualFold(r.Host, c.former.host)
	}
	return strings.EqualFold(r.Host, c.former.host)
}

// both returns what runs a loop of the account and, where there is one, the same loop of the former account.
func (a *App) both(loop func(*federation.Server, context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if a.core.former == nil {
			return loop(a.core.server, ctx)
		}
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return loop(a.core.server, ctx) })
		g.Go(func() error { return loop(a.core.former.server, ctx) })
		return g.Wait()
	}
}

// plainHost is the host of a base address, which has no default port, as a Host header names it.
func plainHost(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}
