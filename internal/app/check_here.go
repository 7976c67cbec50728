package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"crier/internal/admin"
	"crier/store"
)

// local is what this computer knows, before anybody else is asked.
type local struct {
	status *admin.Status         // nil: neither daemon nor store tells
	posts  map[string]admin.Post // by the entry's address
	former *formerFacts          // nil: there is none, or nothing is known of it
	key    []byte                // the account's public key (DER); nil where it is not known
	moved  admin.MoveStatus      // where the account has moved to; the zero MoveStatus: it is at home
}

// here looks at what is on this computer, and fills c.local.
func (c *checker) here(ctx context.Context) []CheckItem {
	items := c.configuration()
	items = append(items, c.dataDir())
	client, err := admin.Dial(c.cfg.DataDir)
	switch {
	case err == nil:
		items = append(items, c.daemon(ctx, client)...)
		return append(items, c.formerOfDaemon(ctx, client)...)
	case errors.Is(err, admin.ErrNoDaemon):
		items = append(items, c.store(ctx)...)
		return append(items, c.formerOfStore()...)
	}
	return append(items, CheckItem{"daemon", CheckWrong, err.Error(), "run crier check as the user that runs the daemon"})
}

func (c *checker) configuration() []CheckItem {
	from := c.cfg.SourceFile
	if from == "" {
		from = "from the environment"
	}
	items := []CheckItem{{"configuration", CheckOK, from, ""}}
	for _, w := range c.o.Warnings {
		items = append(items, CheckItem{"configuration", CheckWarn, w.String(), ""})
	}
	for _, f := range c.cfg.Feeds {
		if _, err := style(c.cfg, f); err != nil {
			items = append(items, CheckItem{"configuration", CheckWrong,
				fmt.Sprintf("the template %s of the feed %s: %v", f.Template.File, f.URL, err), "correct the template; the daemon does not start with it"})
		}
	}
	return items
}

// dataDir tries to write where the store is.
func (c *checker) dataDir() CheckItem {
	const subject = "data directory"
	dir := c.cfg.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return CheckItem{subject, CheckNote, dir + " is not there yet; the first start makes it", ""}
	case err != nil:
		return CheckItem{subject, CheckWrong, err.Error(), "let the user that runs crier into it"}
	case !info.IsDir():
		return CheckItem{subject, CheckWrong, dir + " is no folder", "set data_dir to a folder"}
	}
	f, err := os.CreateTemp(dir, ".crier-check-*")
	if err != nil {
		return CheckItem{subject, CheckWrong, err.Error(), "let the user that runs crier write there, or set another data_dir"}
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return CheckItem{subject, CheckWrong, err.Error(), "see whether the disk is full or broken"}
	}
	return CheckItem{subject, CheckOK, dir + " can be written", ""}
}

// daemon asks the running daemon about itself.
func (c *checker) daemon(ctx context.Context, client *admin.Client) []CheckItem {
	s, err := client.Status(ctx)
	if err != nil {
		return []CheckItem{{"daemon", CheckWrong, err.Error(), "look into its log; restart it"}}
	}
	posts, err := client.Posts(ctx)
	if err != nil {
		return []CheckItem{{"daemon", CheckWrong, err.Error(), "look into its log; restart it"}}
	}
	c.local.learn(s, posts)
	if s.Account.MovedTo != "" {
		if c.local.moved, err = client.MoveStatus(ctx, false); err != nil {
			return []CheckItem{{"daemon", CheckWrong, err.Error(), "look into its log; restart it"}}
		}
	}
	c.local.key = c.keyOfDaemon(ctx)
	it := CheckItem{"daemon", CheckOK, "is running, version " + s.Version, ""}
	if s.Version != c.o.Version {
		it = CheckItem{"daemon", CheckWarn, fmt.Sprintf("version %s is running, and this is %s", s.Version, c.o.Version), "restart it"}
	}
	handle := c.cfg.Account.Handle.String()
	if s.Account.Handle != handle || s.Account.BaseURL != c.cfg.BaseURL {
		return []CheckItem{it, {"account", CheckWrong,
			fmt.Sprintf("the daemon is @%s at %s, but the configuration says @%s at %s", s.Account.Handle, s.Account.BaseURL, handle, c.cfg.BaseURL),
			"set base_url and account.handle back: they cannot be changed"}}
	}
	return append(append([]CheckItem{it}, c.account(s)...), c.queue(s)...)
}

// store asks the store where no daemon runs. It is closed again before anything takes time.
func (c *checker) store(ctx context.Context) []CheckItem {
	daemon := CheckItem{"daemon", CheckWarn, "no daemon is running", "start it with `crier serve`"}
	if !hasStore(c.cfg.DataDir) {
		return []CheckItem{daemon, {"store", CheckNote, "there is none yet; the first start makes it", ""}}
	}
	// Whoever only looks must not turn a store into one that the daemon of yesterday cannot read.
	db, err := store.Open(filepath.Join(c.cfg.DataDir, storeFile), store.Options{LockTimeout: lockWait, AsItIs: true})
	if errors.Is(err, store.ErrOlder) {
		return []CheckItem{daemon, {"store", CheckNote, "an older version of crier wrote it; the next start brings it up to date", ""}}
	}
	if errors.Is(err, ErrLocked) {
		return []CheckItem{{"daemon", CheckWrong, fmt.Sprintf("%v, and does not answer at %s", err, admin.SocketPath(c.cfg.DataDir)),
			"wait if it is starting or stopping, else stop that process"}}
	}
	if err != nil {
		return []CheckItem{daemon, {"store", CheckWrong, err.Error(), "put a backup in its place"}}
	}
	items, err := c.readStore(ctx, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return append(items, daemon, CheckItem{"store", CheckWrong, err.Error(),
			"correct the configuration, or put the right data directory in place"})
	}
	return append([]CheckItem{daemon}, items...)
}

func (c *checker) readStore(ctx context.Context, db *store.DB) ([]CheckItem, error) {
	acc, err := db.Account()
	if errors.Is(err, store.ErrNotFound) {
		return []CheckItem{{"store", CheckNote, "has no account yet; the first start makes it", ""}}, nil
	}
	if err != nil {
		return nil, err
	}
	_, key, err := identity{cfg: c.cfg, db: db}.known(acc)
	if err != nil {
		return nil, err
	}
	if c.local.key, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		return nil, err
	}
	ops := &admin.Ops{Store: db, StorePath: filepath.Join(c.cfg.DataDir, storeFile), Actor: actorURL(c.cfg), Version: c.o.Version}
	for _, f := range c.cfg.Feeds {
		ops.Feeds = append(ops.Feeds, f.URL)
	}
	s, err := ops.Status(ctx)
	if err != nil {
		return nil, err
	}
	posts, err := ops.Posts(ctx)
	if err != nil {
		return nil, err
	}
	c.local.learn(s, posts)
	p, err := db.Presence()
	if err != nil {
		return nil, err
	}
	if p.Move != nil {
		c.local.moved = admin.MoveStatus{Target: p.Move.Target, Handle: p.Move.Handle, WebFinger: p.Move.WebFinger}
	}
	return append(c.account(s), c.queue(s)...), nil
}

func (l *local) learn(s admin.Status, posts []admin.Post) {
	l.status = &s
	l.posts = make(map[string]admin.Post, len(posts))
	for _, p := range posts {
		if p.URL != "" && p.State == string(store.PostLive) {
			l.posts[pageKey(p.URL)] = p
		}
	}
}

// feed is what is known of a feed; the zero Feed where it was never polled.
func (l *local) feed(address string) admin.Feed {
	if l.status != nil {
		for _, f := range l.status.Feeds {
			if f.URL == address {
				return f
			}
		}
	}
	return admin.Feed{}
}

func (c *checker) account(s admin.Status) []CheckItem {
	items := []CheckItem{{"account", CheckOK,
		fmt.Sprintf("@%s, %s, %s", s.Account.Handle, count(s.Account.Posts, "post"), count(s.Followers, "follower")), ""}}
	m := c.local.moved
	if m.Target == "" {
		return items
	}
	to, and := m.Target, ""
	if m.Handle != "" {
		to = "@" + m.Handle
	}
	if m.WebFinger {
		and = ", and the handle leads there"
	}
	return append(items, CheckItem{"account", CheckNote,
		"the account has moved to " + to + and + "; nothing new is published here (see `crier move --status`)", ""})
}

// queue says what does not get through.
func (c *checker) queue(s admin.Status) []CheckItem {
	var items []CheckItem
	if len(s.Dead) > 0 {
		shown := s.Dead[:min(len(s.Dead), 5)]
		items = append(items, CheckItem{"delivery", CheckNote,
			fmt.Sprintf("%s not answered for a week: %s", countVerb(len(s.Dead), "server"), strings.Join(shown, ", ")), ""})
	}
	if s.Queue.Parked > 0 {
		items = append(items, CheckItem{"delivery", CheckNote, count(s.Queue.Parked, "delivery") + " given up; `crier delivery list` shows them", ""})
	}
	return items
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, ok := strings.CutSuffix(what, "y"); ok {
		what = stem + "ie"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func countVerb(n int, what string) string {
	if n == 1 {
		return count(n, what) + " has"
	}
	return count(n, what) + " have"
}

// keyOfDaemon asks the daemon itself, past every proxy, for the account's key: it holds the store. nil where that
// does not work out; then nothing can be compared.
func (c *checker) keyOfDaemon(ctx context.Context) []byte {
	b, err := os.ReadFile(filepath.Join(c.cfg.DataDir, addrFile))
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(strings.TrimSpace(string(b)))+"/users/"+c.cfg.Account.Handle.User, nil)
	if err != nil {
		return nil
	}
	req.Header.Set("Accept", typeActivity)
	client := &http.Client{
		Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true},
		// Perhaps somebody else listens there by now, and must not send us on.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var a shownActor
	if err := json.NewDecoder(io.LimitReader(resp.Body, checkMax)).Decode(&a); err != nil {
		return nil
	}
	return a.key()
}

// reachable turns "every address of this computer" into one that can be asked.
func reachable(listening string) string {
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return listening
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listening
}

// shownActor is as much of an actor document as is looked at.
type shownActor struct {
	ID        string `json:"id"`
	User      string `json:"preferredUsername"`
	Inbox     string `json:"inbox"`
	PublicKey struct {
		PEM string `json:"publicKeyPem"`
	} `json:"publicKey"`
}

// key is the public key (DER), or nil.
func (a shownActor) key() []byte {
	block, _ := pem.Decode([]byte(a.PublicKey.PEM))
	if block == nil {
		return nil
	}
	return block.Bytes
}
