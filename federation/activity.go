package federation

import (
	"encoding/json"
	"errors"
	"fmt"
)

// envelope is what every activity has (and what can be read of any object), in all the forms in which
// it is sent: one type or several, an actor by id or in full, JSON-LD's own names for id and type.
type envelope struct {
	ID     text            `json:"id"`
	AtID   text            `json:"@id"`
	Type   words           `json:"type"`
	AtType words           `json:"@type"`
	Actor  refs            `json:"actor"`
	Object json.RawMessage `json:"object"`
}

func (e envelope) id() string {
	if e.ID != "" {
		return string(e.ID)
	}
	return string(e.AtID)
}

// kind is the first type.
func (e envelope) kind() string {
	if len(e.Type) > 0 {
		return e.Type.First()
	}
	return e.AtType.First()
}

// activity is one that came to the inbox. Nothing in it is to be believed before its signature is
// verified, and after that only what its actor may say.
type activity struct {
	id     string // empty where it has none
	typ    string
	actor  string
	object json.RawMessage
	target json.RawMessage
	to     refs   // to and cc
	body   []byte // as it came
	inbox  string // address of the inbox that it came to

	// signature is the fingerprint of the signature that it came with.
	signature string

	// forwarded says that somebody else may rightly pass it on: it carries a signature of its own
	// (Mastodon forwards replies and deletions of them so). Those are not verified here, hence dropped;
	// a 401 would have the forwarder try again for days and think us dead.
	forwarded bool
}

// parseActivity reads the JSON of an activity.
func parseActivity(body []byte) (*activity, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	var v struct {
		envelope
		Target json.RawMessage `json:"target"`
		Proof  json.RawMessage `json:"signature"`
		To     refs            `json:"to"`
		CC     refs            `json:"cc"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, errors.New("it is no JSON object")
	}
	if v.kind() == "" || len(v.Actor) != 1 {
		return nil, errors.New("an activity has a type and one actor")
	}
	a := &activity{
		id: v.id(), typ: v.kind(), actor: v.Actor.First(),
		object: v.Object, target: v.Target, to: append(v.To, v.CC...), body: body,
		forwarded: len(v.Proof) > 0 && v.kind() != "Follow",
	}
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
	case a.id != "" && !a.repeats():
		return a.actor + " " + a.id
	case a.signature != "":
		return a.actor + " signed " + a.signature
	}
	return ""
}

// ofItself reports whether it is a Delete or an Update of its own actor.
func (a *activity) ofItself() bool {
	return (a.typ == "Delete" || a.typ == "Update") && a.objectID() == a.actor
}

// objectID is the id of what the activity is about; empty where that has none or is several things.
func (a *activity) objectID() string {
	if ids := refsOf(a.object); len(ids) == 1 {
		return ids[0]
	}
	return ""
}

// inner is the activity that this one is about, as far as it is embedded: of a mere id only the id is
// known.
func (a *activity) inner() envelope {
	items := many(a.object)
	if len(items) != 1 {
		return envelope{}
	}
	var e envelope
	var id string
	if json.Unmarshal(items[0], &id) == nil {
		return envelope{ID: text(id)}
	}
	if json.Unmarshal(items[0], &e) != nil {
		return envelope{}
	}
	return e
}

// refsOf returns the ids in a property.
func refsOf(raw json.RawMessage) refs {
	var r refs
	// Nothing is in it that refs could not read: it takes every JSON value.
	_ = r.UnmarshalJSON(raw)
	return r
}
