package federation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// activity is one that came to the inbox. Nothing in it is to be believed before its signature is
// verified, and after that only what its actor may say.
type activity struct {
	id    string // empty where it has none
	typ   string
	actor string
	doc   node
	body  []byte // as it came
	inbox string // address of the inbox that it came to

	// signature is the fingerprint of the signature that it came with.
	signature string

	// forwarded says that somebody else may rightly pass it on: it carries a signature of its own
	// (Mastodon forwards replies and deletions of them so). Those are not verified here, hence dropped;
	// a 401 would have the forwarder try again for days and think us dead.
	forwarded bool

	part part // of one with several objects
}

// parseActivity reads the JSON of an activity.
func parseActivity(body []byte) (*activity, error) {
	doc, err := readNode(body)
	if err != nil {
		return nil, err
	}
	if doc.shape != shapeObject {
		return nil, errors.New("it is no JSON object")
	}
	// Cloned, since caches and budgets remember them.
	a := &activity{id: strings.Clone(doc.id()), typ: doc.kind(), actor: strings.Clone(doc.ref("actor")), doc: doc, body: body}
	if a.typ == "" || a.actor == "" {
		return nil, errors.New("an activity has a type and one actor")
	}
	a.forwarded = (doc.has("signature") || doc.has("proof")) && a.typ != "Follow"
	if _, err := parseAddress(a.actor); err != nil {
		return nil, fmt.Errorf("the actor: %w", err)
	}
	if len(a.id) > maxAddress {
		return nil, errors.New("the id is too long")
	}
	return a, nil
}

// seenAs is what the activity is remembered by: an id is only its actor's to give. What may be sent again, or
// has no id, is known by its signature: an old message that somebody has kept must not make a follower of
// who has left meanwhile.
func (a *activity) seenAs() string {
	switch {
	case a.part.more:
	case a.id != "" && !a.repeats():
		return seenOf(a.actor, a.id)
	case a.signature != "":
		return a.actor + " signed " + a.signature
	}
	return ""
}

// seenOf is what an activity with that id is remembered by: an id is only its actor's to give.
func seenOf(actor, id string) string { return actor + " " + id }

// ofItself reports whether it is a Delete or an Update of its own actor.
func (a *activity) ofItself() bool {
	return (a.typ == "Delete" || a.typ == "Update") && a.objectID() == a.actor
}

// objectID is the id of what the activity is about; empty where that has none or is several things.
func (a *activity) objectID() string { return a.doc.ref("object") }

// inner is what the activity is about, as far as it is embedded: of a mere id only the id is known.
func (a *activity) inner() node { return a.doc.one("object") }

// instrument is the id of what an activity was done with.
func (a *activity) instrument() string { return a.doc.ref("instrument") }

// isTo reports whether an activity or an object is addressed to somebody.
func (n node) isTo(id string) bool { return n.refs("to").Has(id) || n.refs("cc").Has(id) }

// isOpen reports whether everybody may see an activity or an object, in listings or without.
func (n node) isOpen() bool {
	return slices.ContainsFunc(slices.Concat(n.refs("to"), n.refs("cc"), n.refs("audience")), isPublic)
}

// isAddressed reports whether an activity or an object says at all to whom it goes; Likes often do not.
func (n node) isAddressed() bool { return n.has("to") || n.has("cc") || n.has("bto") || n.has("bcc") }
