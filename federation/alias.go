package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"crier/store"
)

const (
	// maxAliases is how many accounts one may also be known as: the smallest limit that is known, of
	// Misskey's own settings (2025.11). Others read more.
	maxAliases = 10

	listTime = 15 * time.Second // for reading who follows an account

	aliasTime  = 5 * time.Second // for looking up the handles of the configuration: the daemon's start waits for it
	aliasEvery = time.Hour       // how often the running daemon tries those again that could not be looked up
)

// KnownAs is another account of the owner's, with who came over from it.
type KnownAs struct {
	store.Alias
	store.Arrivals

	Before bool // AddAlias found it there already
}

// knownAs are the ids for alsoKnownAs: what is configured first, then what was added; each once, never ourselves.
func (s *Server) knownAs(p store.Presence) []string {
	var ids []string
	add := func(id string) {
		if id != "" && id != s.ids.Actor() && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, name := range s.cfg.Profile.AlsoKnownAs {
		if isWeb(name) {
			add(name)
			continue
		}
		for _, a := range p.Aliases {
			if a.Configured == name {
				add(a.Actor)
			}
		}
	}
	for _, a := range p.Aliases {
		if a.ByHand {
			add(a.Actor)
		}
	}
	return ids
}

func isWeb(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

// Aliases returns the accounts that this one is also known as, and who came over from each.
func (s *Server) Aliases() ([]KnownAs, error) {
	p, err := s.db.Presence()
	if err != nil {
		return nil, fmt.Errorf("read the aliases: %w", err)
	}
	all := []KnownAs{}
	for _, id := range s.knownAs(p) {
		k := KnownAs{Alias: store.Alias{Actor: id, Followers: -1, Configured: id}}
		if i := aliasOf(p.Aliases, id); i >= 0 {
			k.Alias = p.Aliases[i]
			if k.Arrivals, err = s.db.Arrivals(k.Alias); err != nil {
				return nil, fmt.Errorf("count who came from %s: %w", id, err)
			}
		}
		all = append(all, k)
	}
	return all, nil
}

func aliasOf(all []store.Alias, id string) int {
	return slices.IndexFunc(all, func(a store.Alias) bool { return a.Actor == id })
}

// aliasCalled finds an alias by address, or by handle as it is shown or configured.
func aliasCalled(all []store.Alias, who string) int {
	plain := strings.TrimPrefix(strings.TrimPrefix(who, "acct:"), "@")
	return slices.IndexFunc(all, func(a store.Alias) bool {
		return a.Actor == who || a.Handle != "" && strings.EqualFold(a.Handle, plain) || a.Configured == plain && plain != ""
	})
}

// AddAlias looks up another account of the owner's, by handle or address, and adds it to alsoKnownAs; the
// followers are told. Then it reads who follows that account, as far as its server tells, so that they are
// known when they arrive. An account that is an alias already is looked up anew.
func (s *Server) AddAlias(ctx context.Context, who string) (KnownAs, error) {
	a, doc, err := s.findAlias(ctx, who)
	if err != nil {
		return KnownAs{}, err
	}
	p, err := s.db.Presence()
	if err != nil {
		return KnownAs{}, fmt.Errorf("read the aliases: %w", err)
	}
	a.ByHand = true
	if err := s.keepAliases(a); err != nil {
		return KnownAs{}, err
	}
	k, err := s.listed(ctx, a, doc)
	k.Before = slices.Contains(s.knownAs(p), a.Actor)
	return k, err
}

// errTooManyAliases says that there is no room for another alias.
var errTooManyAliases = fmt.Errorf("an account is also known as %d others at most; remove one first (see `crier alias list`)", maxAliases)

// keepAliases stores what was looked up: all, or none where that would be too many (errTooManyAliases).
func (s *Server) keepAliases(found ...store.Alias) error {
	var full error
	_, err := s.changePresence(func(p *store.Presence) {
		next := *p
		next.Aliases = slices.Clone(p.Aliases)
		for _, a := range found {
			i := aliasOf(next.Aliases, a.Actor)
			if i < 0 {
				next.Aliases = append(next.Aliases, a)
				continue
			}
			old := &next.Aliases[i]
			old.ByHand = old.ByHand || a.ByHand
			old.Handle, old.Followers, old.Configured = a.Handle, a.Followers, firstOf(a.Configured, old.Configured)
		}
		// What the configuration names as an address is there in any case: no reason to refuse what is known already.
		if n := len(s.knownAs(next)); n > maxAliases && n > len(s.knownAs(*p)) {
			full = errTooManyAliases
			return
		}
		*p = next
	})
	return errors.Join(full, err)
}

// listed notes who follows the account now, as far as its server tells.
func (s *Server) listed(ctx context.Context, a store.Alias, doc accountDocument) (KnownAs, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	if err := s.db.RecordOldFollowers(a.Actor, s.readFollowers(ctx, doc)); err != nil {
		return KnownAs{}, fmt.Errorf("store who follows %s: %w", a.Actor, err)
	}
	all, err := s.Aliases()
	if err != nil {
		return KnownAs{}, err
	}
	for _, k := range all {
		if k.Actor == a.Actor {
			return k, nil
		}
	}
	return KnownAs{}, fmt.Errorf("%s was removed again meanwhile", a.Actor)
}

// RemoveAlias takes an account out of alsoKnownAs that AddAlias added, named by handle or address.
func (s *Server) RemoveAlias(ctx context.Context, who string) (store.Alias, error) {
	who = strings.TrimSpace(who)
	p, err := s.db.Presence()
	if err != nil {
		return store.Alias{}, fmt.Errorf("read the aliases: %w", err)
	}
	id := who
	if user, host, err := parseHandle(who); err == nil && aliasCalled(p.Aliases, who) < 0 {
		if other, err := s.asking.finger(ctx, user, host); err == nil { // one of its other names
			id = other
		}
	}
	var gone store.Alias
	var refused error
	_, err = s.changePresence(func(p *store.Presence) {
		i := max(aliasCalled(p.Aliases, who), aliasOf(p.Aliases, id))
		switch {
		case slices.Contains(s.cfg.Profile.AlsoKnownAs, who),
			i >= 0 && slices.Contains(s.cfg.Profile.AlsoKnownAs, p.Aliases[i].Configured):
			refused = fmt.Errorf("%s stands in the configuration: take it out of account.also_known_as and restart crier", clean(who, 200))
		case i < 0:
			refused = fmt.Errorf("this account is not also known as %s; `crier alias list` shows what it is", clean(who, 200))
		default:
			gone = p.Aliases[i]
			p.Aliases = slices.Delete(slices.Clone(p.Aliases), i, i+1)
		}
	})
	return gone, errors.Join(refused, err)
}

// findAlias looks an account up that is to be an alias.
func (s *Server) findAlias(ctx context.Context, who string) (store.Alias, accountDocument, error) {
	who = strings.TrimSpace(who)
	itself := fmt.Errorf("%s is this account itself; name the one that you move from", clean(who, 200))
	if s.namesUs(who) {
		return store.Alias{}, accountDocument{}, itself
	}
	doc, err := s.account(ctx, who)
	if err != nil {
		return store.Alias{}, accountDocument{}, fmt.Errorf("look up %s: %w", clean(who, 200), err)
	}
	if s.ids.Ours(doc.ID) {
		return store.Alias{}, accountDocument{}, itself
	}
	a := store.Alias{Actor: doc.ID, Handle: doc.Handle, Added: time.Now().UTC(), Followers: -1}
	if c, err := s.collection(ctx, doc.Followers, doc.ID); err == nil {
		a.Followers = c.total()
	}
	return a, doc, nil
}

// LearnAliases looks up the handles in the configuration whose actors are not known yet, for five seconds at most
// and all at the same time, and remembers them: an alias must not vanish, while an account moves in, because its
// server does not answer at a restart of ours. Which cannot be looked up, or is one too many, is left out and tried
// again by RunMover. It reports whether all are known now.
func (s *Server) LearnAliases(ctx context.Context) (all bool, err error) {
	p, err := s.db.Presence()
	if err != nil {
		return false, fmt.Errorf("read the aliases: %w", err)
	}
	missing := s.unknownAliases(p)
	if len(missing) == 0 {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, aliasTime)
	defer cancel()
	type result struct {
		alias store.Alias
		err   error
	}
	results := make([]result, len(missing))
	var lookups sync.WaitGroup
	for i, name := range missing {
		lookups.Go(func() {
			a, _, err := s.findAlias(ctx, name)
			a.Configured = name
			results[i] = result{a, err}
		})
	}
	lookups.Wait()
	all = true
	for i, r := range results {
		if r.err == nil {
			r.err = s.keepAliases(r.alias)
			if r.err != nil && !errors.Is(r.err, errTooManyAliases) {
				return false, r.err
			}
		}
		if r.err != nil {
			all = false
			s.log.Warn("an account in account.also_known_as is left out for now", "account", missing[i], "err", r.err)
		}
	}
	return all, nil
}

// aliasesKnown reports whether every configured alias was looked up.
func (s *Server) aliasesKnown() (bool, error) {
	p, err := s.db.Presence()
	if err != nil {
		return false, err
	}
	return len(s.unknownAliases(p)) == 0, nil
}

// unknownAliases are the handles of the configuration whose actors are not known yet.
func (s *Server) unknownAliases(p store.Presence) []string {
	return slices.DeleteFunc(slices.Clone(s.cfg.Profile.AlsoKnownAs), func(name string) bool {
		return isWeb(name) || slices.ContainsFunc(p.Aliases, func(a store.Alias) bool { return a.Configured == name })
	})
}

// AddKnownAlias adds an account of the owner's about which everything is known already: that of which this one
// takes the place, with those who follow it. An account that is an alias already is left as it is; one too many is left
// out, with a warning.
func (s *Server) AddKnownAlias(a store.Alias, followers []string) error {
	p, err := s.db.Presence()
	if err != nil {
		return fmt.Errorf("read the aliases: %w", err)
	}
	if i := aliasOf(p.Aliases, a.Actor); i >= 0 && p.Aliases[i].ByHand {
		return nil
	}
	switch err := s.keepAliases(a); {
	case errors.Is(err, errTooManyAliases):
		s.log.Warn("the former account is left out of what this one is also known as", "account", a.Actor, "err", err)
		return nil
	case err != nil:
		return err
	}
	if err := s.db.RecordOldFollowers(a.Actor, followers); err != nil {
		return fmt.Errorf("store who follows %s: %w", a.Actor, err)
	}
	return nil
}

// ActorID is the id of the account's actor.
func (s *Server) ActorID() string { return s.ids.Actor() }

// namesUs reports whether a handle or an address is plainly the account's own, so that nobody need be asked.
func (s *Server) namesUs(who string) bool {
	if isWeb(who) {
		return s.ids.Ours(who)
	}
	key, err := resourceKey(who)
	if err != nil {
		return false
	}
	for name, target := range s.cfg.Aliases {
		if other, err := resourceKey(name); err == nil && other == key {
			return target == "self"
		}
	}
	p := s.person()
	_, known := p.fingers[key]
	return known && !p.profile.handleMoved
}

// Answers reports whether a WebFinger query for that resource is about the account.
func (s *Server) Answers(resource string) bool {
	key, err := resourceKey(resource)
	if err != nil {
		return false
	}
	_, ok := s.person().fingers[key]
	return ok
}
