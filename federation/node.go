package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxNames bounds the properties of one object, so that looking for repeated ones stays cheap. The richest real
// objects, PeerTube's videos, have about fifty.
const maxNames = 128

// errAmbiguous says that one property of an object is written twice, so that two readers could take two meanings
// from it.
var errAmbiguous = errors.New("a property is written twice")

// node is one value of the JSON-LD of a stranger, brought into one form, however it was written (JSON-LD 1.1,
// ActivityStreams 2.0 core §4): a property always holds a list, the lists of JSON-LD and its value objects are what is
// in them, and the terms of the usual contexts have their short names, with no prefix and no IRI. Contexts are
// neither fetched nor read: a term means what it means in the ones that everybody uses. Names are compared as they
// are written; "Actor" is not "actor".
type node struct {
	shape  shape
	value  string // of a string; of a number or a truth value as it is written
	fields []field
}

type field struct {
	name   string
	values []node
}

type shape byte

const (
	shapeNothing shape = iota
	shapeObject
	shapeString
	shapeOther // a number or a truth value
)

// readNode reads the JSON of a stranger, whatever it is. A list is its only element; one of several is an error.
func readNode(b []byte) (node, error) {
	if err := checkJSON(b); err != nil {
		return node{}, err
	}
	r := nodeReader{b: b}
	values, err := r.values(nil)
	if err != nil {
		return node{}, err
	}
	if len(values) > 1 {
		return node{}, errors.New("it is a list")
	}
	if len(values) == 0 {
		return node{}, nil
	}
	return values[0], nil
}

// nodeReader reads JSON that checkJSON has found valid, which is why it looks for no mistakes.
type nodeReader struct {
	b []byte
	i int
}

func (r *nodeReader) space() {
	for r.i < len(r.b) && strings.IndexByte(" \t\r\n", r.b[r.i]) >= 0 {
		r.i++
	}
}

// next returns the next character that is no white space, and stays there.
func (r *nodeReader) next() byte {
	r.space()
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

// values appends what one JSON value stands for: the elements of a list, nothing for null.
func (r *nodeReader) values(all []node) ([]node, error) {
	switch c := r.next(); c {
	case '[':
		r.i++
		for r.next() != ']' {
			var err error
			if all, err = r.values(all); err != nil {
				return nil, err
			}
			if r.next() == ',' {
				r.i++
			}
		}
		r.i++
		return all, nil
	case '{':
		fields, err := r.object()
		if err != nil {
			return nil, err
		}
		return unwrap(all, fields), nil
	case '"':
		return append(all, node{shape: shapeString, value: r.text()}), nil
	}
	start := r.i
	for r.i < len(r.b) && strings.IndexByte(",]} \t\r\n", r.b[r.i]) < 0 {
		r.i++
	}
	literal := string(r.b[start:r.i])
	if literal == "null" {
		return all, nil
	}
	return append(all, node{shape: shapeOther, value: literal}), nil
}

// object reads the properties of an object, in their order.
func (r *nodeReader) object() ([]field, error) {
	var fields []field
	r.i++
	for r.next() != '}' {
		name := shortName(r.text())
		r.next()
		r.i++ // the colon
		values, err := r.values(nil)
		if err != nil {
			return nil, err
		}
		if r.next() == ',' {
			r.i++
		}
		if name == "@context" {
			continue
		}
		if len(fields) == maxNames {
			return nil, fmt.Errorf("an object has more than %d properties", maxNames)
		}
		for _, f := range fields {
			// Readers that do not mind the case (encoding/json is one) would take one for the other.
			if strings.EqualFold(f.name, name) {
				return nil, fmt.Errorf("%w: %s", errAmbiguous, clean(name, 80))
			}
		}
		fields = append(fields, field{name, values})
	}
	r.i++
	return fields, nil
}

// text reads a string, with its quotes.
func (r *nodeReader) text() string {
	r.space()
	start, plain := r.i, true
	for r.i++; r.b[r.i] != '"'; r.i++ {
		if r.b[r.i] == '\\' {
			plain = false
			r.i++
		}
	}
	r.i++
	if plain {
		return string(r.b[start+1 : r.i-1])
	}
	var s string
	_ = json.Unmarshal(r.b[start:r.i], &s) // it is a string, and valid
	return s
}

// unwrap appends an object, or what it is only the wrapping of (JSON-LD 1.1 §9.5, §9.7).
func unwrap(all []node, fields []field) []node {
	for _, f := range fields {
		switch f.name {
		case "@value", "@list", "@set":
			return append(all, f.values...)
		}
	}
	return append(all, node{shape: shapeObject, fields: fields})
}

// shortName is the name that a term has in the contexts that everybody uses: "actor" for as:actor and for
// https://www.w3.org/ns/activitystreams#actor.
func shortName(name string) string {
	switch name {
	case "@id":
		return "id"
	case "@type":
		return "type"
	}
	if term := shortTerm(name); term != "id" && term != "type" {
		return term
	}
	return name
}

// shortTerm is the same for a type.
func shortTerm(name string) string {
	if !strings.Contains(name, ":") {
		return name
	}
	for _, space := range []string{
		"https://www.w3.org/ns/activitystreams#", "as:",
		"https://w3id.org/security#", "sec:",
		"http://www.w3.org/ns/ldp#", "ldp:", // inbox, in documents that were expanded
		"http://joinmastodon.org/ns#", "toot:",
		"http://litepub.social/ns#", "litepub:", // EmojiReact
		"https://misskey-hub.net/ns#", "misskey:",
		"https://w3id.org/fep/044f#", // QuoteRequest, quote
		"http://fedibird.com/ns#", "fedibird:",
	} {
		if term, ok := strings.CutPrefix(name, space); ok && term != "" && !strings.ContainsAny(term, ":/#@") {
			return term
		}
	}
	return name
}

// all are the values of a property.
func (n node) all(name string) []node {
	for _, f := range n.fields {
		if f.name == name {
			return f.values
		}
	}
	return nil
}

// one is the only value of a property; nothing where it has none or several.
func (n node) one(name string) node {
	if values := n.all(name); len(values) == 1 {
		return values[0]
	}
	return node{}
}

// has reports whether a property has a value.
func (n node) has(name string) bool { return len(n.all(name)) > 0 }

// embedded reports whether a thing is here itself, not just its id.
func (n node) embedded() bool { return len(n.fields) > 1 || len(n.fields) == 1 && !n.has("id") }

// id is that of an object, or the string that stands for one; of a Link (AS2 vocabulary §3.1) what it leads to.
func (n node) id() string {
	if n.shape == shapeString {
		return n.value
	}
	if id := n.one("id"); id.shape == shapeString {
		return id.value
	}
	if n.is("Link") {
		return n.text("href")
	}
	return ""
}

// kinds are the types, by their short names.
func (n node) kinds() []string {
	var kinds []string
	for _, t := range n.all("type") {
		if t.shape == shapeString && t.value != "" {
			kinds = append(kinds, shortTerm(t.value))
		}
	}
	return kinds
}

// is reports whether one of the types is that.
func (n node) is(kind string) bool {
	for _, t := range n.all("type") {
		if t.shape == shapeString && shortTerm(t.value) == kind {
			return true
		}
	}
	return false
}

// kind is the type that counts: the first that is an activity's, else the first.
func (n node) kind() string {
	kinds := n.kinds()
	for _, k := range kinds {
		if isActivity(k) {
			return k
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	return kinds[0]
}

// refs are the ids of what a property holds; what has none is left out.
func (n node) refs(name string) refs {
	var ids refs
	for _, v := range n.all(name) {
		if id := v.id(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// ref is the id of the only value of a property.
func (n node) ref(name string) string { return n.one(name).id() }

// text is the first string of a property, or of its language map (AS2 core §4.7); nothing where there is none.
func (n node) text(name string) string {
	for _, v := range n.all(name) {
		if v.shape == shapeString {
			return v.value
		}
	}
	for _, m := range n.all(name + "Map") {
		for _, language := range m.fields {
			for _, v := range language.values {
				if v.shape == shapeString {
					return v.value
				}
			}
		}
	}
	return ""
}

// time is a moment (AS2 core §2.3); zero where it is none.
func (n node) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, n.text(name))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// page is the address of a property such as "url" that a browser can open: the one that says it is HTML, else the
// first. PeerTube and Mobilizon list one for each format.
func (n node) page(name string) string {
	first := ""
	for _, v := range n.all(name) {
		address := v.id()
		if address == "" {
			address = v.text("href")
		}
		if hostOf(address) == "" {
			continue
		}
		if v.text("mediaType") == "text/html" {
			return address
		}
		if first == "" {
			first = address
		}
	}
	return first
}

// isActivity reports whether a type is an activity's (AS2 vocabulary §3.1) or one that servers have added.
func isActivity(kind string) bool {
	switch kind {
	case "Accept", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike", "EmojiReact", "Flag", "Follow",
		"Ignore", "Invite", "Join", "Leave", "Like", "Listen", "Move", "Offer", "Question", "QuoteRequest", "Read", "Reject",
		"Remove", "TentativeAccept", "TentativeReject", "Travel", "Undo", "Update", "View":
		return true
	}
	return false
}

// isPublic reports whether an id is the collection of everybody, in the three spellings that JSON-LD has for it
// (ActivityPub §5.6).
func isPublic(id string) bool { return id == Public || id == "as:Public" || id == "Public" }
