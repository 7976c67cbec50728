package federation

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"crier/store"
)

const (
	actorsKept    = 1000             // actors in memory
	actorAge      = 24 * time.Hour   // how long one is believed; Misskey's value
	refetchEvery  = 5 * time.Minute  // how often a signature that fails may have the key fetched anew
	failureAge    = 30 * time.Second // how long a failure is remembered
	goneAge       = 5 * time.Minute  // the same where the answer was clear: there is no such thing
	keyTimeout    = 4 * time.Second  // for all fetches for one key: senders wait for our answer
	parallelFetch = 64               // fetches that strangers' requests may have under way at once
	hostFetch     = 4                // of them, to one host
	failedMost    = 30               // look-ups and signatures of one host that may fail in a minute
	slotWait      = time.Second      // how long to wait for one of those to end
	justFetched   = 10 * time.Second // what is no older is not fetched again for a signature that fails
)

// errBusy says that too many fetches are under way already.
var errBusy = errors.New("too many look-ups at once")

// resolver finds actors and their keys, and remembers them. It is safe for concurrent use.
type resolver struct {
	client *client
	db     *store.DB

	known  *lru.Cache[string, remembered]       // by address, less the fragment
	parsed *lru.Cache[string, crypto.PublicKey] // by PEM, of followers: reading one costs as much as a store read
	tried  *lru.Cache[string, time.Time]        // by address: when it was last fetched because a signature failed
	flight singleflight.Group                   // one fetch for many who want it
	slots  *places                              // one for each fetch under way
	failed *budget                              // failures by host
}

// remembered is what came of a look-up: an actor or why there is none.
type remembered struct {
	actor *actor
	err   error
	at    time.Time // when it was fetched
	until time.Time
}

func newResolver(c *client, db *store.DB) *resolver {
	return &resolver{
		client: c, db: db,
		known: newCache[remembered](), parsed: newCache[crypto.PublicKey](), tried: newCache[time.Time](),
		slots:  newPlaces(parallelFetch, hostFetch),
		failed: newBudget(failedMost, time.Minute),
	}
}

func newCache[V any]() *lru.Cache[string, V] {
	cache, err := lru.New[string, V](actorsKept)
	if err != nil {
		panic(err) // only a size below one can fail
	}
	return cache
}

// actor returns the actor with that id, from memory or fetched.
func (r *resolver) actor(ctx context.Context, id string) (*actor, error) {
	a, err := r.lookUp(ctx, id)
	if err != nil {
		return nil, err
	}
	if a.ID != id {
		return nil, fmt.Errorf("%s is not the id of an actor but leads to %s", clean(id, 200), a.ID)
	}
	return a, nil
}

// signer returns the actor with that id and its key with that id, for a signature: as it is known, a
// follower's from the store, else fetched.
func (r *resolver) signer(ctx context.Context, id, keyID string) (*actor, publicKey, error) {
	if a, ok := r.remembered(withoutFragment(keyID), time.Now()); ok && a.actor != nil && a.actor.ID == id {
		if k, ok := a.actor.key(keyID); ok {
			return a.actor, k, nil
		}
	}
	f, err := r.db.Follower(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, publicKey{}, &storeError{err}
	}
	if err == nil && f.KeyID == keyID {
		a := r.follower(f)
		if k, ok := a.key(keyID); ok {
			return a, k, nil
		}
	}
	a, err := r.lookUp(ctx, withoutFragment(keyID))
	if err != nil {
		return nil, publicKey{}, err
	}
	return keyOf(a, id, keyID)
}

// follower is a follower's stored record as an actor, with the key that is stored.
func (r *resolver) follower(f store.Follower) *actor {
	a := &actor{ID: f.Actor, Inbox: f.Inbox, SharedInbox: f.SharedInbox, Handle: f.Handle, Name: f.Name, stored: true, fetched: f.Fetched}
	if a.SharedInbox != "" && !sameHost(a.SharedInbox, a.ID) {
		// One that was imported, or stored by an older version, may be anybody's; that of the actor's own document is not.
		a.SharedInbox, a.fetched = "", time.Time{}
	}
	key, ok := r.parsed.Get(f.Key)
	if !ok {
		var err error
		if key, err = parseKey(f.Key); err != nil {
			return a // as if there were none: it is fetched
		}
		r.parsed.Add(f.Key, key)
	}
	a.Keys = []publicKey{{ID: f.KeyID, PEM: f.Key, Public: key}}
	return a
}

// signerAnew is signer for a signature that failed with the key that was known: keys change. It fetches
// at most once in five minutes for one address, so that bad signatures cannot make us a nuisance; ok
// tells whether it did.
func (r *resolver) signerAnew(ctx context.Context, id, keyID string) (a *actor, k publicKey, ok bool, err error) {
	address := withoutFragment(keyID)
	now := time.Now()
	if last, tried := r.tried.Get(address); tried && now.Sub(last) < refetchEvery {
		return nil, publicKey{}, false, nil
	}
	if m, known := r.known.Get(address); known && now.Sub(m.at) < justFetched {
		return nil, publicKey{}, false, nil
	}
	r.tried.Add(address, now)
	a, err = r.fetch(ctx, address)
	if err != nil {
		return nil, publicKey{}, true, err
	}
	a, k, err = keyOf(a, id, keyID)
	return a, k, true, err
}

// keyOf makes sure that an actor is the one that was claimed and lists the key.
func keyOf(a *actor, id, keyID string) (*actor, publicKey, error) {
	if a.ID != id {
		return nil, publicKey{}, fmt.Errorf("%w: %s belongs to %s", errForeign, clean(keyID, 200), a.ID)
	}
	k, ok := a.key(keyID)
	if !ok {
		return nil, publicKey{}, fmt.Errorf("%w: %s does not list %s", errForeign, a.ID, clean(keyID, 200))
	}
	return a, k, nil
}

func (r *resolver) remembered(address string, now time.Time) (remembered, bool) {
	m, ok := r.known.Get(address)
	return m, ok && now.Before(m.until)
}

// lookUp returns the actor that an address leads to: an actor's id, or the address of its key.
func (r *resolver) lookUp(ctx context.Context, address string) (*actor, error) {
	if m, ok := r.remembered(address, time.Now()); ok {
		return m.actor, m.err
	}
	return r.fetch(ctx, address)
}

// fetch fetches what an address leads to and remembers it. Whoever wants the same at the same time waits
// for the same fetch, which therefore does not end with the request of the first.
func (r *resolver) fetch(ctx context.Context, address string) (*actor, error) {
	v, err, _ := r.flight.Do(address, func() (any, error) {
		if !r.failed.left(hostOf(address), time.Now()) {
			return nil, errBusy
		}
		leave := r.slots.take(hostOf(address), slotWait)
		if leave == nil {
			return nil, errBusy
		}
		defer leave()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
		defer cancel()
		a, err := r.fetchActor(ctx, address)
		r.remember(address, a, err, time.Now())
		return a, err
	})
	if err != nil {
		return nil, err
	}
	return v.(*actor), nil
}

func (r *resolver) remember(address string, a *actor, err error, now time.Time) {
	age := actorAge
	if m, ok := r.remembered(address, now); ok && m.actor != nil && err != nil && !isGone(err) {
		return // an outage of the other side is no reason to forget its keys
	}
	switch {
	case isFinal(err):
		age = goneAge
	case err != nil:
		age = failureAge
	default:
		r.known.Add(a.ID, remembered{actor: a, at: now, until: now.Add(age)})
	}
	r.known.Add(address, remembered{actor: a, err: err, at: now, until: now.Add(age)})
}

// fetchActor fetches an actor by its id or by the address of its key. The document of a key proves
// nothing about its owner (FEP-fe34): the owner's own document is the authority, and all are on one host. So there are
// two fetches at most, the second of another address: what leads elsewhere once would do so again.
func (r *resolver) fetchActor(ctx context.Context, address string) (*actor, error) {
	began := time.Now()
	doc, err := r.client.get(ctx, address, wantActor())
	if err != nil {
		return nil, err
	}
	id := idOf(doc.Body)
	owner := keyOwner(doc.Body)
	if !sameAddress(id, doc.URL) || owner != id {
		switch {
		case !sameHost(owner, address):
			return nil, fmt.Errorf("%w: %s names an owner on another host", errForeign, address)
		case sameAddress(owner, address):
			return nil, fmt.Errorf("%w: %s leads to %s with the id %q", errForeign, address, doc.URL, clean(id, 200))
		}
		if doc, err = r.client.get(ctx, owner, wantActor()); err != nil {
			return nil, err
		}
		if id = idOf(doc.Body); !sameAddress(id, doc.URL) {
			return nil, fmt.Errorf("%w: %s leads to %s with the id %q", errForeign, owner, doc.URL, clean(id, 200))
		}
	}
	a, err := parseActor(doc.Body)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w: %w", address, errForeign, err)
	}
	a.fetched = began
	return a, nil
}

// stillThere asks an actor's own server whether the actor is still there: nil if so, else why not. It asks
// at most once in five minutes and answers from memory in between, since strangers can have it ask.
func (r *resolver) stillThere(ctx context.Context, id string) error {
	now := time.Now()
	if last, asked := r.tried.Get(id); asked && now.Sub(last) < refetchEvery {
		m, _ := r.remembered(id, now)
		return m.err
	}
	r.tried.Add(id, now)
	_, err := r.fetch(ctx, id)
	return err
}

// storeError is a failure of our own store, which is no fault of whoever asked.
type storeError struct{ err error }

func (e *storeError) Error() string { return "the store: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }
