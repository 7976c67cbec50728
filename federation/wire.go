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

// idOf returns the id of a JSON value that is an id itself or an object with one.
func idOf(b json.RawMessage) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '"' && b[0] != '{' {
		return ""
	}
	var id string
	if b[0] == '"' {
		_ = json.Unmarshal(b, &id) // what is no string after all is no id
		return id
	}
	var object struct {
		ID   string `json:"id"`
		AtID string `json:"@id"`
	}
	if json.Unmarshal(b, &object) != nil {
		return ""
	}
	if object.ID == "" {
		return object.AtID
	}
	return object.ID
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
