package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"crier/internal/admin"
	"crier/internal/config"
	"crier/store"
)

// formerFacts are what is known here of the former account (see former).
type formerFacts struct {
	account admin.FormerAccount
	key     []byte           // its public key (DER); nil where it is not known
	moved   admin.MoveStatus // the zero MoveStatus: it has not moved yet
}

// formerOfDaemon asks the running daemon for the former account, and fills c.local.former.
func (c *checker) formerOfDaemon(ctx context.Context, client *admin.Client) []CheckItem {
	if c.cfg.Former == "" || c.local.status == nil {
		return nil
	}
	acc := c.local.status.Former
	if acc == nil {
		return []CheckItem{{"former account", CheckWarn, "the daemon that runs knows nothing of " + c.cfg.Former, "restart it"}}
	}
	moved, err := client.MoveStatus(ctx, true)
	if err != nil {
		return []CheckItem{{"former account", CheckWrong, err.Error(), "look into the daemon's log; restart it"}}
	}
	c.local.former = &formerFacts{account: *acc, moved: moved}
	return c.formerAccount()
}

// formerOfStore reads the store of the former account where no daemon runs, and fills c.local.former.
func (c *checker) formerOfStore() []CheckItem {
	const subject = "former account"
	if c.cfg.Former == "" {
		return nil
	}
	if !hasStore(c.cfg.Former) {
		return []CheckItem{{subject, CheckWrong, "there is no store in " + c.cfg.Former, "name the data directory of the account that moves here"}}
	}
	db, err := store.Open(filepath.Join(c.cfg.Former, storeFile), store.Options{LockTimeout: lockWait, AsItIs: true})
	if errors.Is(err, store.ErrOlder) {
		return []CheckItem{{subject, CheckNote, "an older version of crier wrote its store; the next start brings it up to date", ""}}
	}
	if err != nil {
		return []CheckItem{{subject, CheckWrong, err.Error(), "stop the crier that still runs on it: this one serves it, too"}}
	}
	facts, err := readFormer(c.cfg, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return []CheckItem{{subject, CheckWrong, err.Error(), "see “Another domain for crier” in the README"}}
	}
	c.local.former = &facts
	return c.formerAccount()
}

func readFormer(cfg *config.Config, db *store.DB) (facts formerFacts, err error) {
	acc, err := formerAccount(cfg, db)
	if err != nil {
		return facts, err
	}
	key, err := parseAccountKey(acc)
	if err != nil {
		return facts, err
	}
	if facts.key, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		return facts, err
	}
	if facts.account, err = admin.FormerOf(db, idsOf(acc).Actor()); err != nil {
		return facts, err
	}
	p, err := db.Presence()
	if err == nil && p.Move != nil {
		facts.moved = admin.MoveStatus{Target: p.Move.Target, Handle: p.Move.Handle, WebFinger: p.Move.WebFinger}
	}
	return facts, err
}

func (c *checker) formerAccount() []CheckItem {
	const subject = "former account"
	f := c.local.former
	text := fmt.Sprintf("@%s at %s, %s there", f.account.Handle, f.account.BaseURL, count(f.account.Followers, "follower"))
	switch f.moved.Target {
	case c.ids.Actor():
		return []CheckItem{{subject, CheckOK, text + ", moved here (see `crier move --status --former`)", ""}}
	case "":
		return []CheckItem{{subject, CheckNote, text + "; they do not know yet that it moves", "when all else is well: crier move --former"}}
	}
	return []CheckItem{{subject, CheckWrong, text + ", moved to " + f.moved.Target + " and not here", "crier move --cancel --former, then crier move --former"}}
}

// former looks at the former account's addresses as other servers do: they are needed for years.
func (c *checker) former(ctx context.Context) []CheckItem {
	if c.local.former == nil {
		return nil
	}
	handle, err := config.ParseHandle(c.local.former.account.Handle)
	if err != nil {
		return []CheckItem{{"former account", CheckWrong, err.Error(), "put the right data directory in place"}}
	}
	was := *c.cfg
	was.BaseURL, was.Account.Handle = c.local.former.account.BaseURL, handle
	f := newChecker(&was, c.o)
	f.local = local{status: c.local.status, key: c.local.former.key, moved: c.local.former.moved}
	items := append(f.base(ctx), f.handle(ctx)...)
	if f.local.moved.Target != "" {
		items = append(items, f.showsMove(ctx))
	}
	for i := range items {
		items[i].Subject = "former " + items[i].Subject
	}
	return items
}

// showsMove looks whether the actor says that it has moved.
func (c *checker) showsMove(ctx context.Context) CheckItem {
	const subject = "movedTo"
	a, err := c.ours().get(ctx, c.ids.Actor(), typeActivity)
	if err != nil {
		return unasked(subject, c.ids.Actor(), err, c.proxyMend())
	}
	var doc struct {
		MovedTo string `json:"movedTo"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &doc) != nil || doc.MovedTo != c.local.moved.Target {
		return CheckItem{subject, CheckWrong, fmt.Sprintf("%s shows %q as movedTo, not %s", c.ids.Actor(), doc.MovedTo, c.local.moved.Target),
			"restart the daemon, and see whether a cache in front of it is old"}
	}
	return CheckItem{subject, CheckOK, c.ids.Actor() + " says that it has moved to " + doc.MovedTo, ""}
}
