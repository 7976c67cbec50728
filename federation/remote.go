package federation

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const maxKeys = 10 // of one actor; Mastodon's bound

// actor is what is known of an actor elsewhere, from its own document.
type actor struct {
	ID          string
	Inbox       string
	SharedInbox string // empty unless it is on the actor's host
	Handle      string // user@host, as the actor's own server names it
	WebFinger   string // user@host, as the actor says that it is called (FEP-2c59); a hint, to be confirmed
	Name        string
	Keys        []publicKey

	stored  bool      // what is known comes from the store, not from the actor's own document
	fetched time.Time // when that was read
}

// isFresh reports whether what is known of an actor will do without a look at its document. A stored inbox must be
// the actor's own: what was stored by an older version, or imported, may not be. A time ahead of the clock says nothing.
func (a *actor) isFresh(now time.Time) bool {
	age := now.Sub(a.fetched)
	return age >= 0 && age < actorAge && sameHost(a.Inbox, a.ID)
}

// publicKey is one of an actor's keys.
type publicKey struct {
	ID     string
	PEM    string
	Public crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey
}

// key returns the actor's key with that id. An actor that has one key only may name itself instead.
func (a *actor) key(id string) (publicKey, bool) {
	if k, ok := a.named(id); ok {
		return k, true
	}
	if id == a.ID && len(a.Keys) == 1 {
		return a.Keys[0], true
	}
	return publicKey{}, false
}

// named returns the key that has that id.
func (a *actor) named(id string) (publicKey, bool) {
	i := slices.IndexFunc(a.Keys, func(k publicKey) bool { return k.ID == id })
	if i < 0 {
		return publicKey{}, false
	}
	return a.Keys[i], true
}

// actorDocument is the JSON of an actor, or of a key that stands in a document of its own.
type actorDocument struct {
	envelope
	Inbox     text            `json:"inbox"`
	Username  text            `json:"preferredUsername"`
	WebFinger text            `json:"webfinger"`
	Name      text            `json:"name"`
	Endpoints json.RawMessage `json:"endpoints"`
	PublicKey json.RawMessage `json:"publicKey"`
	Assertion json.RawMessage `json:"assertionMethod"`
	keyDocument
}

// keyDocument is a key, in the old form with PEM or as a Multikey (FEP-521a).
type keyDocument struct {
	Owner      refs `json:"owner"`
	PEM        text `json:"publicKeyPem"`
	Controller refs `json:"controller"`
	Multibase  text `json:"publicKeyMultibase"`
}

// owner is whose the key says to be.
func (k keyDocument) owner() string {
	if id := k.Owner.First(); id != "" {
		return id
	}
	return k.Controller.First()
}

// parse reads the key itself.
func (k keyDocument) parse() (crypto.PublicKey, error) {
	if k.Multibase != "" {
		return parseMultikey(string(k.Multibase))
	}
	return parseKey(string(k.PEM))
}

// parseActor reads an actor that was fetched from its id. Keys that name another owner, lie on another
// host or cannot be used are left out.
func parseActor(body json.RawMessage) (*actor, error) {
	var v actorDocument
	if err := json.Unmarshal(normalJSON(body), &v); err != nil {
		return nil, fmt.Errorf("the actor's document: %w", err)
	}
	a := &actor{ID: v.id(), Inbox: string(v.Inbox), Name: clean(string(v.Name), 200)}
	types := v.Type
	if len(types) == 0 {
		types = v.AtType
	}
	if !isShortAddress(a.ID) || !slices.ContainsFunc(types, isActorType) || !isShortAddress(a.Inbox) {
		return nil, errors.New("the document is not an actor's: it lacks id, type or inbox")
	}
	var endpoints struct {
		SharedInbox text `json:"sharedInbox"`
	}
	// An empty one is sent as a list by some; then there is no shared inbox.
	_ = json.Unmarshal(v.Endpoints, &endpoints)
	if shared := string(endpoints.SharedInbox); isShortAddress(shared) && sameHost(shared, a.ID) {
		a.SharedInbox = shared
	}
	if v.Username != "" {
		a.Handle = clean(string(v.Username)+"@"+hostOf(a.ID), 320)
	}
	if len(v.WebFinger) <= 320 {
		a.WebFinger = string(v.WebFinger)
	}
	for _, raw := range slices.Concat(many(v.PublicKey), many(v.Assertion)) {
		if len(a.Keys) == maxKeys {
			break
		}
		k, ok := parsePublicKey(raw, a.ID)
		if _, again := a.named(k.ID); ok && !again {
			a.Keys = append(a.Keys, k)
		}
	}
	return a, nil
}

// parsePublicKey reads a key that an actor lists. The actor's word makes it the actor's key; the owner
// must not say otherwise.
func parsePublicKey(raw json.RawMessage, owner string) (publicKey, bool) {
	var v struct {
		envelope
		keyDocument
	}
	if json.Unmarshal(raw, &v) != nil || v.owner() != owner || !sameHost(v.id(), owner) || len(v.id()) > maxAddress {
		return publicKey{}, false
	}
	key, err := v.parse()
	if err != nil {
		return publicKey{}, false
	}
	// Written anew: a stranger's own text may be a megabyte of padding around the key.
	return publicKey{ID: v.id(), PEM: publicKeyPEM(key), Public: key}, true
}

// isShortAddress reports whether an address has a host and can be kept.
func isShortAddress(address string) bool { return len(address) <= maxAddress && hostOf(address) != "" }

// keyOwner tells whose key a document is about: that of a key names its owner, a stub (GoToSocial serves
// one to unsigned readers) the actor that it stands for.
func keyOwner(body json.RawMessage) string {
	var v actorDocument
	if json.Unmarshal(normalJSON(body), &v) != nil {
		return ""
	}
	if id := v.owner(); id != "" && (v.PEM != "" || v.Multibase != "") {
		return id
	}
	for _, raw := range slices.Concat(many(v.PublicKey), many(v.Assertion)) {
		var k keyDocument
		if json.Unmarshal(raw, &k) == nil && k.owner() != "" {
			return k.owner()
		}
	}
	return v.id()
}
