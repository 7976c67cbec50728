package federation

import (
	"html"
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

// describe is the same with the names that this account is known by, and the one that it has moved to.
func (s *Server) describe(body []byte) (typ, object string) { return s.describer().activity(body) }

func (s *Server) describer() describer {
	p := s.person().profile
	return describer{actor: s.ids.Actor(), handle: s.cfg.Handle, target: p.movedTo, targetHandle: p.movedHandle}
}

// describer describes with the handles of actors that cannot be read off their ids: the account, and where it moved.
type describer struct{ actor, handle, target, targetHandle string }

func (d describer) activity(body []byte) (typ, object string) {
	doc, err := readNode(body)
	if err != nil {
		return "?", ""
	}
	return d.document(doc)
}

func (d describer) document(doc node) (typ, object string) {
	if doc.kind() == "" {
		return "?", ""
	}
	return firstOf(clean(doc.kind(), 40), "?"), clean(d.object(doc, maxNested), maxDescribed)
}

// object describes what an activity acts on.
func (d describer) object(n node, depth int) string {
	items := n.all("object")
	switch {
	case n.is("Follow") || n.is("Block"):
		return d.name(n.refs("actor").First()) + " → " + d.name(n.refs("object").First())
	case n.is("Move"):
		return d.name(n.refs("object").First()) + " → " + d.name(n.ref("target"))
	case len(items) == 0:
		return ""
	case len(items) > 1:
		return d.thing(items[0], depth) + ", …"
	}
	return d.thing(items[0], depth)
}

// thing describes an object that is named by its id or embedded.
func (d describer) thing(n node, depth int) string {
	switch n.shape {
	case shapeString:
		return d.reference(n.value)
	case shapeObject:
	default:
		return "?"
	}
	kind := clean(n.kind(), 40)
	switch {
	case kind == "" || kind == "Tombstone":
		return d.reference(n.id())
	case isActorType(kind):
		return kind + " " + d.name(n.id())
	case n.has("object") && depth > 0:
		return kind + "(" + d.object(n, depth-1) + ")"
	}
	if title := titleOf(n); title != "" {
		return kind + ` "` + clean(title, 60) + `"`
	}
	return strings.TrimSpace(kind + " " + d.reference(n.id()))
}

// titleOf is what people would call an object: a title, a warning, or how its text begins.
func titleOf(n node) string {
	content := n.text("content")
	first, _, _ := strings.Cut(content, "</p>") // where a title stands on a line of its own
	for _, t := range []string{n.text("name"), n.text("summary"), first, content} {
		if plain := strings.TrimSpace(withoutTags(t)); plain != "" {
			return plain
		}
	}
	return ""
}

// withoutTags takes what looks like a tag out of HTML, with a space where a line or a block ends: links and spans
// stand inside of words. The result is for a log, not for a page.
func withoutTags(markup string) string {
	if len(markup) > 4096 {
		markup = markup[:4096]
	}
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(markup, "<")
		b.WriteString(text)
		tag, after, ends := strings.Cut(rest, ">")
		if !found || !ends {
			return html.UnescapeString(b.String())
		}
		if !standsInLine(tag) {
			b.WriteByte(' ')
		}
		markup = after
	}
}

// standsInLine reports whether an element, given what stands in its tag, is a part of the line around it.
func standsInLine(tag string) bool {
	name := strings.ToLower(strings.TrimPrefix(tag, "/"))
	if end := strings.IndexAny(name, " \t\r\n/"); end >= 0 {
		name = name[:end]
	}
	switch name {
	case "a", "abbr", "b", "cite", "code", "del", "em", "i", "ins", "mark", "q", "s", "small", "span", "strong", "sub", "sup",
		"time", "u", "wbr":
		return true
	}
	return false
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
	if id == d.target && d.targetHandle != "" {
		return clean(d.targetHandle, maxDescribed)
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
