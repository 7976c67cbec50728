package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// maxNames bounds the properties of one object, so that looking for repeated ones stays cheap. The richest real
// objects, PeerTube's videos, have about fifty.
const maxNames = 128

// errAmbiguous says that one property of an object is written twice with two values, so that two readers could take
// two meanings from it.
var errAmbiguous = errors.New("a property is written twice")

// readNode reads the JSON of a stranger, whatever it is. A list is its only element; one of several is an error.
func readNode(b []byte) (node, error) {
	if err := checkJSON(b); err != nil {
		return node{}, err
	}
	r := nodeReader{s: string(b)}
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

// nodeReader reads JSON that checkJSON has found valid, which is why it looks for no mistakes. The strings of its nodes
// are parts of the whole text, which costs no memory of its own but keeps all of it: what is to outlive the nodes has
// to be cloned.
type nodeReader struct {
	s string
	i int
}

// next returns the next character that is no white space, and stays there.
func (r *nodeReader) next() byte {
	for r.i < len(r.s) {
		switch c := r.s[r.i]; c {
		case ' ', '\t', '\r', '\n':
			r.i++
		default:
			return c
		}
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
	for r.i < len(r.s) && strings.IndexByte(",]} \t\r\n", r.s[r.i]) < 0 {
		r.i++
	}
	literal := r.s[start:r.i]
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
		if name == "@context" {
			r.skip()
			continue
		}
		values, err := r.values(nil)
		if err != nil {
			return nil, err
		}
		if r.next() == ',' {
			r.i++
		}
		known, err := alreadyThere(fields, field{name, values})
		if err != nil {
			return nil, err
		}
		if known {
			continue
		}
		if len(fields) == maxNames {
			return nil, fmt.Errorf("an object has more than %d properties", maxNames)
		}
		fields = append(fields, field{name, values})
	}
	r.i++
	return fields, nil
}

// alreadyThere reports whether an object has a property already, with the same value: then it means one thing, and
// somebody wrote it both with its prefix and without. Another value is an error.
func alreadyThere(fields []field, next field) (bool, error) {
	for _, f := range fields {
		// Readers that do not mind the case (encoding/json is one) would take one for the other.
		if !strings.EqualFold(f.name, next.name) {
			continue
		}
		if f.name == next.name && reflect.DeepEqual(f.values, next.values) {
			return true, nil
		}
		return false, fmt.Errorf("%w: %s", errAmbiguous, clean(next.name, 80))
	}
	return false, nil
}

// skip passes over a value and the comma behind it. It is for contexts, which are not read: their terms may be as
// alike as they like (Fedify 2.3.6 has QuoteAuthorization and quoteAuthorization in one).
func (r *nodeReader) skip() {
	for depth := 0; ; {
		switch c := r.next(); c {
		case '"':
			r.text()
		case '[', '{':
			depth++
			r.i++
		case ']', '}':
			if depth == 0 {
				return // the end of the object around it
			}
			depth--
			r.i++
		case ',':
			r.i++
			if depth == 0 {
				return
			}
		default: // a colon, or a letter of a number or a name
			r.i++
		}
	}
}

// text reads a string, with its quotes.
func (r *nodeReader) text() string {
	start, plain := r.i, true
	for r.i++; r.s[r.i] != '"'; r.i++ {
		if r.s[r.i] == '\\' {
			plain = false
			r.i++
		}
	}
	r.i++
	if plain {
		return r.s[start+1 : r.i-1]
	}
	var s string
	_ = json.Unmarshal([]byte(r.s[start:r.i]), &s) // it is a string, and valid
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
