package federation

import (
	"bytes"
	"encoding/json"
)

// Public is the collection that addresses everybody (ActivityPub §5.6).
const Public = "https://www.w3.org/ns/activitystreams#Public"

const (
	typeActivity = "application/activity+json"
	typeLD       = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
	typeJRD      = "application/jrd+json"
	typeXRD      = "application/xrd+xml"
)

// refs is a property that may hold one thing or many, each an id or an object (AS2 core §4.1): it keeps
// the ids, in order.
type refs []string

// UnmarshalJSON takes a string, an object with an id, null, or a list of those. What has no id is left out.
func (r *refs) UnmarshalJSON(b []byte) error {
	*r = nil
	for _, item := range many(b) {
		if id := idOf(item); id != "" {
			*r = append(*r, id)
		}
	}
	return nil
}

// First is the first id, or nothing.
func (r refs) First() string {
	if len(r) == 0 {
		return ""
	}
	return r[0]
}

// Has reports whether id is among them.
func (r refs) Has(id string) bool {
	for _, x := range r {
		if x == id {
			return true
		}
	}
	return false
}

// words is a property that holds one string or a list of strings, such as "type".
type words []string

// UnmarshalJSON takes a string or a list; what is no string is left out.
func (w *words) UnmarshalJSON(b []byte) error {
	*w = nil
	for _, item := range many(b) {
		var s string
		if json.Unmarshal(item, &s) == nil && s != "" {
			*w = append(*w, s)
		}
	}
	return nil
}

// Has reports whether name is among them.
func (w words) Has(name string) bool { return refs(w).Has(name) }

// First is the first of them, or nothing.
func (w words) First() string { return refs(w).First() }

// many returns the elements of a JSON list, or the value itself as the only one; null is none.
func many(b json.RawMessage) []json.RawMessage {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.Equal(b, []byte("null")) {
		return nil
	}
	if b[0] != '[' {
		return []json.RawMessage{b}
	}
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil {
		return nil
	}
	return list
}

// idOf returns the id of a JSON value that is an id itself or an object with one. What readNode refuses has none:
// an id that can be read in two ways must not prove anything.
func idOf(b json.RawMessage) string {
	n, err := readNode(b)
	if err != nil {
		return ""
	}
	return n.id()
}

// envelope is what can be read of any object, in JSON-LD's own names or in those of ActivityStreams.
type envelope struct {
	ID     text  `json:"id"`
	AtID   text  `json:"@id"`
	Type   words `json:"type"`
	AtType words `json:"@type"`
}

func (e envelope) id() string {
	if e.ID != "" {
		return string(e.ID)
	}
	return string(e.AtID)
}

// text is a string property; what is no string is nothing, since an odd title must not hide the rest.
type text string

// UnmarshalJSON takes any JSON value.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	}
	return nil
}

// encode writes a value as JSON without escaping <, > and &, which would only make posts longer.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
