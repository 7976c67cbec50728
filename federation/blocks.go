package federation

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"crier/store"
)

// BlockChange is a block that was made.
type BlockChange struct {
	store.Blocked

	// Doubt is why the address of an actor was taken as it stands. nil: it is known to be an actor's.
	Doubt error
}

// blocked reports whether the owner has blocked an actor or its domain. It costs no read of the store.
func (s *Server) blocked(actor string) bool { return s.db.Blocked(actor) }

// AddBlock blocks an actor, named by handle or address, or a domain with all that lies below it. Whoever is blocked
// follows no longer, gets nothing, and is answered as if all were well. The server of a single actor is told that
// its follow has ended, as Mastodon 4 does (block_service.rb, unfollow_service.rb): else the actor would go on
// waiting for posts from an account that it seems to follow. It is not told of the block, which Mastodon does send.
// A domain is told nothing.
func (s *Server) AddBlock(ctx context.Context, what, note string) (BlockChange, error) {
	block, doubt, err := s.toBlock(ctx, what)
	if err != nil {
		return BlockChange{}, err
	}
	block.Since, block.Note = time.Now().UTC(), note
	done, err := retried(func() (store.Blocked, error) { return s.storeBlock(block) })
	if err != nil {
		return BlockChange{}, err
	}
	s.WakeDeliverer()
	s.log.Info("blocked", "what", block.What, "followers", done.Followers)
	return BlockChange{Blocked: done, Doubt: doubt}, nil
}

func (s *Server) storeBlock(block store.Block) (store.Blocked, error) {
	b := store.Blocking{Block: block, Log: []store.LogEntry{s.ownLine("Block", block, "blocked by the owner")}}
	f, err := s.db.Follower(block.What)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Blocked{}, fmt.Errorf("look for follower %s: %w", block.What, err)
	}
	if err == nil {
		reject, err := s.answerFollow("Reject", f)
		if err != nil {
			return store.Blocked{}, err
		}
		b.Ended, b.Reject = &f, &reject
	}
	return s.db.AddBlock(time.Now(), b)
}

func (s *Server) ownLine(typ string, b store.Block, result string) store.LogEntry {
	object := b.What
	if b.Handle != "" {
		object = b.Handle
	}
	return store.LogEntry{Time: time.Now(), Direction: "own", Type: typ, Object: object, From: s.ids.Actor(), Result: result}
}

// toBlock finds out what a name stands for. doubt is why an actor's address could not be looked up: it is blocked as
// it stands then, since a server that is down or hides must not be what keeps it from being blocked.
func (s *Server) toBlock(ctx context.Context, what string) (b store.Block, doubt, err error) {
	what = strings.TrimSpace(what)
	switch {
	case isWebAddress(what):
		b, doubt, err = s.addressToBlock(ctx, what)
	case strings.Contains(what, "@"):
		b, err = s.handleToBlock(ctx, what)
	default:
		b, err = domainToBlock(what)
	}
	if err != nil {
		return store.Block{}, nil, err
	}
	if b.What == s.ids.Actor() || b.Kind == store.BlockActor && sameHost(b.What, s.ids.Actor()) {
		return store.Block{}, nil, fmt.Errorf("%s is yourself", clean(what, 200))
	}
	if b.Kind == store.BlockDomain && (within(b.What, store.HostName(s.ids.Base())) || within(b.What, store.HostName("//"+s.domain))) {
		return store.Block{}, nil, fmt.Errorf("%s is your own domain, or has it below it", b.What)
	}
	return b, doubt, nil
}

// within reports whether a host is a domain or lies below it.
func within(domain, host string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }

// addressToBlock takes an actor's address: its id, or that of its profile page.
func (s *Server) addressToBlock(ctx context.Context, address string) (b store.Block, doubt, err error) {
	u, err := parseAddress(address)
	if err != nil {
		return b, nil, err
	}
	f, err := s.db.Follower(address)
	switch {
	case err == nil:
		return store.Block{What: f.Actor, Kind: store.BlockActor, Handle: f.Handle}, nil, nil
	case !errors.Is(err, store.ErrNotFound):
		return b, nil, fmt.Errorf("look for follower %s: %w", address, err)
	case store.HostName(s.ids.Base()) == store.HostName(address):
		return b, nil, fmt.Errorf("%s is yourself", address)
	}
	doc, _, err := s.Lookup(ctx, address)
	if err != nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		return b, nil, fmt.Errorf("%s is no actor's address; to block the whole server: crier block add %s", address, u.Hostname())
	}
	if err != nil {
		return store.Block{What: address, Kind: store.BlockActor}, err, nil
	}
	a, err := parseActor(doc)
	if err != nil {
		return b, nil, fmt.Errorf("%s is no actor: %w", address, err)
	}
	return store.Block{What: a.ID, Kind: store.BlockActor, Handle: s.called(ctx, doc, a.Handle)}, nil, nil
}

// handleToBlock takes a handle: of a follower, else of whoever its host says it is.
func (s *Server) handleToBlock(ctx context.Context, name string) (store.Block, error) {
	handle, err := plainHandle(name)
	if err != nil {
		return store.Block{}, err
	}
	if handle == sameForm(s.cfg.Handle) || handle == sameForm(s.user+"@"+s.ids.Host()) {
		return store.Block{}, fmt.Errorf("%s is yourself", clean(name, 200))
	}
	fitting, err := s.fitting([]string{handle})
	if err != nil {
		return store.Block{}, err
	}
	f, err := s.storedFollower(name, fitting)
	if err == nil {
		return store.Block{What: f.Actor, Kind: store.BlockActor, Handle: handle}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return store.Block{}, err
	}
	doc, id, err := s.Lookup(ctx, name)
	if err != nil {
		_, host, _ := strings.Cut(handle, "@")
		return store.Block{}, fmt.Errorf("cannot find out who %s is; name the actor by its address, or block all of %s: %w",
			clean(name, 200), host, err)
	}
	return store.Block{What: id, Kind: store.BlockActor, Handle: s.called(ctx, doc, handle)}, nil
}

// domainToBlock takes a domain. One that is nobody's own, under which registrars or registries give out names (Public
// Suffix List, the part of ICANN's), is refused: "com" would block half the world.
func domainToBlock(text string) (store.Block, error) {
	domain := store.HostName("//" + text)
	block := store.Block{What: domain, Kind: store.BlockDomain}
	if _, err := netip.ParseAddr(domain); err == nil {
		return block, nil
	}
	if !isDomain(domain) || strings.Contains(text, "/") {
		return store.Block{}, fmt.Errorf("%q is neither a domain (bad.example), a handle (user@host) nor an address (https://…)", clean(text, 200))
	}
	suffix, icann := publicsuffix.PublicSuffix(domain)
	if !strings.Contains(domain, ".") || icann && suffix == domain {
		return store.Block{}, fmt.Errorf("%q is no one server's domain: everything below it would be blocked", domain)
	}
	return block, nil
}

// isDomain reports whether a host is written as names in DNS are (RFC 1035 §2.3.1, and with the underscores that
// are seen).
func isDomain(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		odd := strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
		if label == "" || len(label) > 63 || odd {
			return false
		}
	}
	return true
}

// RemoveBlock lifts the block of what that name stands for. Nobody follows again by it.
func (s *Server) RemoveBlock(ctx context.Context, what string) (store.Block, error) {
	what = strings.TrimSpace(what)
	blocks, err := s.db.Blocks()
	if err != nil {
		return store.Block{}, fmt.Errorf("list blocks: %w", err)
	}
	b, found := findBlock(blocks, what)
	if !found && (isWebAddress(what) || strings.Contains(what, "@")) {
		if id, err := s.actorCalled(ctx, what); err == nil {
			b, found = findBlock(blocks, id)
		}
	}
	if !found {
		return store.Block{}, notBlocked(blocks, what)
	}
	if _, err := s.db.RemoveBlock(b.What, s.ownLine("Undo", b, "block lifted by the owner")); err != nil {
		return store.Block{}, err
	}
	s.log.Info("unblocked", "what", b.What)
	return b, nil
}

// findBlock finds the block with that name: what is blocked, in whatever spelling, or an actor's handle.
func findBlock(blocks []store.Block, name string) (store.Block, bool) {
	handle, domain := sameForm(name), store.HostName("//"+name)
	for _, b := range blocks {
		switch {
		case b.What == name,
			b.Kind == store.BlockDomain && b.What == domain && !strings.Contains(name, "@"),
			b.Kind == store.BlockActor && handle != "" && sameForm(b.Handle) == handle:
			return b, true
		}
	}
	return store.Block{}, false
}

// notBlocked says so; what is covered by the block of a domain is blocked, but not by itself.
func notBlocked(blocks []store.Block, name string) error {
	host := store.HostName("//" + name)
	if isWebAddress(name) {
		host = store.HostName(name)
	} else if _, of, ok := strings.Cut(sameForm(name), "@"); ok {
		host = store.HostName("//" + of)
	}
	for _, b := range blocks {
		if b.Kind == store.BlockDomain && within(b.What, host) {
			return fmt.Errorf("%s is blocked with all of %s; to lift that: crier block remove %s", clean(name, 200), b.What, b.What)
		}
	}
	return fmt.Errorf("%s is not blocked; see crier block list", clean(name, 200))
}
