package federation

import (
	"context"
	"encoding/json"
	"fmt"

	"crier/store"
)

// listPages is how many pages of a list of followers are read at most; Mastodon has 12 on each.
const listPages = 1000

// accountDocument is an actor's own document, as far as moving between accounts has to do with it.
type accountDocument struct {
	ID        string
	Handle    string // user@host, as both hosts agree on it, where they do (see Server.called)
	Own       string // preferredUsername at the host of the id: where most servers begin to look it up
	Name      string
	Followers string // address of the collection

	KnownAs   refs
	MovedTo   string
	Suspended bool
	Locked    bool // its owner approves followers
}

func parseAccount(body json.RawMessage) (accountDocument, error) {
	a, err := parseActor(body)
	if err != nil {
		return accountDocument{}, err
	}
	var v struct {
		Followers text `json:"followers"`
		KnownAs   refs `json:"alsoKnownAs"`
		MovedTo   refs `json:"movedTo"`
		Suspended any  `json:"suspended"`
		Locked    any  `json:"manuallyApprovesFollowers"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return accountDocument{}, fmt.Errorf("the actor's document: %w", err)
	}
	return accountDocument{
		ID: a.ID, Handle: a.Handle, Own: a.Handle, Name: a.Name, Followers: string(v.Followers),
		KnownAs: v.KnownAs, MovedTo: v.MovedTo.First(), Suspended: v.Suspended == true, Locked: v.Locked == true,
	}, nil
}

// account fetches an account from its own server, whatever is remembered of it.
func (s *Server) account(ctx context.Context, who string) (accountDocument, error) {
	id, named := who, ""
	if !isWeb(who) {
		user, host, err := parseHandle(who)
		if err != nil {
			return accountDocument{}, err
		}
		if named, id, err = s.asking.fingerConfirmed(ctx, user, host); err != nil {
			return accountDocument{}, err
		}
	}
	want := wantActor()
	want.fresh = true
	doc, err := s.asking.object(ctx, id, want)
	if err != nil {
		return accountDocument{}, err
	}
	a, err := parseAccount(doc.Body)
	if err == nil {
		a.Handle = s.called(ctx, doc.Body, firstOf(named, a.Own))
	}
	return a, err
}

// collectionDocument is a collection elsewhere, or a page of one.
type collectionDocument struct {
	Total   json.RawMessage `json:"totalItems"`
	First   json.RawMessage `json:"first"`
	Next    refs            `json:"next"`
	Items   refs            `json:"items"`
	Ordered refs            `json:"orderedItems"`
}

// total is how many items the collection has, or -1 where it does not say so.
func (c collectionDocument) total() int {
	n := -1
	if json.Unmarshal(c.Total, &n) != nil || n < 0 {
		return -1
	}
	return n
}

// collection fetches a collection, or a page of one, that is on the host of its owner.
func (s *Server) collection(ctx context.Context, address, owner string) (collectionDocument, error) {
	var c collectionDocument
	if !sameHost(address, owner) {
		return c, fmt.Errorf("fetch %s: %w: it is not on the host of %s", clean(address, 200), errForeign, owner)
	}
	doc, err := s.asking.get(ctx, address, wantActor())
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(doc.Body, &c); err != nil {
		return c, fmt.Errorf("read %s: %w", address, err)
	}
	return c, nil
}

// readFollowers reads who follows an account, until the end, a failure or a limit: what there is then is
// better than nothing, and a server that shows nobody shows nobody.
func (s *Server) readFollowers(ctx context.Context, doc accountDocument) []string {
	page, err := s.collection(ctx, doc.Followers, doc.ID)
	if err != nil {
		return nil
	}
	all := append([]string(page.Items), page.Ordered...)
	next := idOf(page.First)
	if next == "" {
		var first collectionDocument
		if json.Unmarshal(page.First, &first) == nil {
			all, next = append(append(all, first.Items...), first.Ordered...), first.Next.First()
		}
	}
	read := map[string]bool{}
	for next != "" && !read[next] && len(read) < listPages && len(all) < store.OldFollowersMax {
		read[next] = true
		if page, err = s.collection(ctx, next, doc.ID); err != nil {
			s.log.Debug("the followers of an alias cannot be read to the end", "alias", doc.ID, "page", next, "err", err)
			break
		}
		all = append(append(all, page.Items...), page.Ordered...)
		next = page.Next.First()
	}
	return all
}
