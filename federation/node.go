package federation

import (
	"encoding/json"
	"time"
)

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

// appendJSON writes a node in its normal form: short names, and a list only where there is not one value.
func (n node) appendJSON(b []byte) []byte {
	switch n.shape {
	case shapeObject:
		b = append(b, '{')
		for i, f := range n.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, f.name), ':')
			if len(f.values) == 1 {
				b = f.values[0].appendJSON(b)
				continue
			}
			b = append(b, '[')
			for j, v := range f.values {
				if j > 0 {
					b = append(b, ',')
				}
				b = v.appendJSON(b)
			}
			b = append(b, ']')
		}
		return append(b, '}')
	case shapeString:
		return appendText(b, n.value)
	case shapeOther:
		return append(b, n.value...)
	}
	return append(b, "null"...)
}

func appendText(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always can be
	return append(b, quoted...)
}

// normalJSON is the JSON of a stranger in its normal form, for what is read with encoding/json. What readNode refuses
// is nothing.
func normalJSON(b []byte) []byte {
	n, err := readNode(b)
	if err != nil {
		return nil
	}
	return n.appendJSON(nil)
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
