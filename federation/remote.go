package federation

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"crier/store"
)

const maxKeys = 10 // of one actor; Mastodon's bound

// actor is what is known of an actor elsewhere, from its own document.
type actor struct {
	ID          string
	Inbox       string
	SharedInbox string // empty unless it is on the actor's host
	Handle      string // user@host, as the actor's own server names it
	Name        string
	Keys        []publicKey

	stored bool // what is known comes from the store, not from the actor's own document
}

// publicKey is one of an actor's keys.
type publicKey struct {
	ID  string
	PEM string
	RSA *rsa.PublicKey
}

// key returns the actor's key with that id.
func (a *actor) key(id string) (publicKey, bool) {
	for _, k := range a.Keys {
		if k.ID == id {
			return k, true
		}
	}
	return publicKey{}, false
}

// actorDocument is the JSON of an actor, or of a key that stands in a document of its own.
type actorDocument struct {
	envelope
	Inbox     text            `json:"inbox"`
	Username  text            `json:"preferredUsername"`
	Name      text            `json:"name"`
	Endpoints json.RawMessage `json:"endpoints"`
	PublicKey json.RawMessage `json:"publicKey"`
	keyDocument
}

type keyDocument struct {
	Owner refs `json:"owner"`
	PEM   text `json:"publicKeyPem"`
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
	for _, raw := range many(v.PublicKey) {
		if k, ok := parsePublicKey(raw, a.ID); ok && len(a.Keys) < maxKeys {
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
	if json.Unmarshal(raw, &v) != nil || v.Owner.First() != owner || !sameHost(v.id(), owner) {
		return publicKey{}, false
	}
	key, err := parseKey(string(v.PEM))
	if err != nil {
		return publicKey{}, false
	}
	// Written anew: a stranger's own text may be a megabyte of padding around the key.
	if len(v.id()) > maxAddress {
		return publicKey{}, false
	}
	return publicKey{ID: v.id(), PEM: publicKeyPEM(key), RSA: key}, true
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
	if id := v.Owner.First(); id != "" {
		return id
	}
	for _, raw := range many(v.PublicKey) {
		var k keyDocument
		if json.Unmarshal(raw, &k) == nil && k.Owner.First() != "" {
			return k.Owner.First()
		}
	}
	return v.id()
}

// actorOf is a follower's stored record as an actor, with the key that its Follow was verified with.
func actorOf(f store.Follower) *actor {
	a := &actor{ID: f.Actor, Inbox: f.Inbox, SharedInbox: f.SharedInbox, Handle: f.Handle, Name: f.Name, stored: true}
	if key, err := parseKey(f.Key); err == nil {
		a.Keys = []publicKey{{ID: f.KeyID, PEM: f.Key, RSA: key}}
	}
	return a
}
