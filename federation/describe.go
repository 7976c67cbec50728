package federation

import (
	"encoding/json"
	"net/url"
	"strings"
)

const (
	maxDescribed = 200 // bytes of a description
	maxNested    = 4   // activities within activities that are spelled out
)

// describe says what an activity does, in words for the log: its type, and what stands behind it, nested
// as in "Follow(alice@a.example → user@example.com)" for the Accept of one. Both are short, on one line
// and without control characters, whatever the activity holds; what is no activity is ("?", "").
func describe(body []byte) (typ, object string) { return describer{}.activity(body) }

// describe is the same with the names that this account is known by.
func (s *Server) describe(body []byte) (typ, object string) {
	return describer{actor: s.ids.Actor(), handle: s.cfg.Handle}.activity(body)
}

// describer describes with the handle of one actor, which cannot be read off its id.
type describer struct{ actor, handle string }

// described is what a description is made from.
type described struct {
	envelope
	Name              text            `json:"name"`
	Summary           text            `json:"summary"`
	PreferredUsername text            `json:"preferredUsername"`
	Content           text            `json:"content"`
	Target            json.RawMessage `json:"target"`
}

// text is a string property; what is no string is nothing, since an odd title must not hide the rest.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	}
	return nil
}

func (d describer) activity(body []byte) (typ, object string) {
	if checkJSON(body) != nil {
		return "?", ""
	}
	var v described
	if json.Unmarshal(body, &v) != nil || v.kind() == "" {
		return "?", ""
	}
	return firstOf(clean(v.kind(), 40), "?"), clean(d.object(v, maxNested), maxDescribed)
}

// object describes what an activity acts on.
func (d describer) object(v described, depth int) string {
	items := many(v.Object)
	switch {
	case v.kind() == "Follow" || v.kind() == "Block":
		return d.name(v.Actor.First()) + " → " + d.name(refsOf(v.Object).First())
	case v.kind() == "Move":
		return d.name(refsOf(v.Object).First()) + " → " + d.name(idOf(v.Target))
	case len(items) == 0:
		return ""
	case len(items) > 1:
		return d.thing(items[0], depth) + ", …"
	}
	return d.thing(items[0], depth)
}

// thing describes an object that is named by its id or embedded.
func (d describer) thing(raw json.RawMessage, depth int) string {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return d.reference(id)
	}
	var v described
	if json.Unmarshal(raw, &v) != nil {
		return "?"
	}
	kind := clean(v.kind(), 40)
	switch {
	case kind == "" || kind == "Tombstone":
		return d.reference(v.id())
	case isActorType(kind):
		return kind + " " + d.name(v.id())
	case len(v.Object) > 0 && depth > 0:
		return kind + "(" + d.object(v, depth-1) + ")"
	case v.title() != "":
		return kind + ` "` + clean(v.title(), 60) + `"`
	}
	return strings.TrimSpace(kind + " " + d.reference(v.id()))
}

// title is what people would call an object: a title, a warning, or how its text begins.
func (v described) title() string {
	first, _, _ := strings.Cut(string(v.Content), "</p>") // where a title stands on a line of its own
	for _, t := range []text{v.Name, v.Summary, text(first), v.Content} {
		if plain := strings.TrimSpace(withoutTags(string(t))); plain != "" {
			return plain
		}
	}
	return ""
}

// withoutTags takes what looks like a tag out of HTML. The result is for a log, not for a page.
func withoutTags(html string) string {
	if len(html) > 4096 {
		html = html[:4096]
	}
	var b strings.Builder
	inside := false
	for _, r := range html {
		switch {
		case r == '<':
			inside = true
		case r == '>' && inside:
			inside = false
			b.WriteByte(' ')
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// reference is an id as it is shown: an actor's as a handle, any other as it is.
func (d describer) reference(id string) string {
	if id == d.actor || looksLikeActor(id) {
		return d.name(id)
	}
	return clean(id, maxDescribed)
}

// name is an actor's id as a handle, guessed from its form: nothing is fetched to write a log line.
func (d describer) name(id string) string {
	if id == d.actor && d.handle != "" {
		return d.handle
	}
	u, err := url.Parse(id)
	if err != nil || u.Host == "" || !looksLikeActor(id) {
		return clean(id, maxDescribed)
	}
	user := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	return clean(strings.TrimPrefix(user, "@")+"@"+u.Host, maxDescribed)
}

// looksLikeActor reports whether an address has the form that servers give to actors: /users/NAME
// (Mastodon, GoToSocial, Misskey, Pleroma, Pixelfed), /ap/users/NUMBER (Mastodon 4.6), /u/ and /c/
// (Lemmy), /accounts/ (PeerTube), /author/ (WordPress), /@NAME and the like.
func looksLikeActor(id string) bool {
	u, err := url.Parse(id)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	last := parts[len(parts)-1]
	if len(parts) == 1 {
		return len(last) > 1 && last[0] == '@'
	}
	switch parts[len(parts)-2] {
	case "users", "user", "u", "c", "m", "accounts", "actors", "actor", "author", "profile", "channel", "video-channels":
		return len(parts) <= 3 && last != ""
	}
	return false
}

// isActorType reports whether a type is one of those that ActivityStreams has for actors (vocabulary §3.2).
func isActorType(kind string) bool {
	switch kind {
	case "Person", "Service", "Application", "Group", "Organization":
		return true
	}
	return false
}
