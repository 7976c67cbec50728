package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"crier/content"
	"crier/store"
)

// somebody is an actor elsewhere as a post mentions it.
type somebody struct {
	actor
	Page     string // what a browser opens
	document json.RawMessage
}

// somebody fetches an actor by its id, for something that the owner does: fresh, and with its own word about where
// its page is.
func (s *Server) somebody(ctx context.Context, id string) (somebody, error) {
	doc, err := s.asking.object(ctx, id, wantActor())
	if err != nil {
		return somebody{}, err
	}
	a, err := parseActor(doc.Body)
	if err != nil {
		return somebody{}, fmt.Errorf("fetch %s: %w", id, err)
	}
	if a.ID != id {
		return somebody{}, fmt.Errorf("%s is not the id of an actor but leads to %s", clean(id, 200), clean(a.ID, 200))
	}
	if s.blocked(a.ID) {
		return somebody{}, fmt.Errorf("%s %w; see `crier block list`", a.ID, errIsBlocked)
	}
	if !sameHost(a.Inbox, a.ID) { // or anybody could have us knock at any door
		return somebody{}, fmt.Errorf("the inbox of %s is on another host", clean(id, 200))
	}
	return somebody{actor: *a, Page: firstOf(pageOf(doc.Body), a.ID), document: doc.Body}, nil
}

// pageOf is the address of a thing's page: the first of its url, which may be a link or a list of them.
func pageOf(body json.RawMessage) string {
	var v struct {
		URL json.RawMessage `json:"url"`
	}
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for _, raw := range many(v.URL) {
		var link struct {
			Href text `json:"href"`
		}
		var plain text
		_, _ = json.Unmarshal(raw, &link), json.Unmarshal(raw, &plain) // one of them fits, or none
		if address := firstOf(string(plain), string(link.Href)); hostOf(address) != "" {
			return address
		}
	}
	return ""
}

// box is where posts of a visibility go for the actor: what is for it alone to its own inbox, all else where its
// server takes posts for several.
func (a *actor) box(visibility string) string {
	if visibility == visibilityDirect || a.SharedInbox == "" {
		return a.Inbox
	}
	return a.SharedInbox
}

// addressees are the actors that a post mentions.
type addressees struct {
	list   []store.Mention
	links  map[string]content.Mention // by handle as it stands in the text
	failed []string                   // what could not be found, in words for the owner
}

// add adds an actor, once.
func (a *addressees) add(m store.Mention) {
	for i := range a.list {
		if a.list[i].Actor == m.Actor {
			a.list[i].Answered = a.list[i].Answered || m.Answered
			return
		}
	}
	a.list = append(a.list, m)
}

// resolveMentions finds whom a text mentions: who is known already, and all others by a look-up. A handle that cannot
// be found stays text; which, the owner is told.
func (s *Server) resolveMentions(ctx context.Context, markdown, visibility string, known ...store.Mention) (*addressees, error) {
	handles := content.Handles(markdown)
	if len(handles) > maxMentions {
		return nil, fmt.Errorf("the text mentions %d people; %d are the most", len(handles), maxMentions)
	}
	a := &addressees{links: map[string]content.Mention{}}
	for _, handle := range handles {
		user, _, _ := strings.Cut(handle, "@")
		if s.isOwnHandle(handle) {
			a.links[handle] = content.Mention{Name: user, Href: s.ids.Actor()}
			continue
		}
		m, err := s.mention(ctx, handle, visibility, known)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("look up @%s: %w", handle, ctx.Err())
		}
		if errors.Is(err, errIsBlocked) {
			a.failed = append(a.failed, fmt.Sprintf("@%s is blocked by you and stays text: see `crier block list`", handle))
			continue
		}
		if err != nil {
			a.failed = append(a.failed, fmt.Sprintf("@%s was not found and stays text: %s", handle, clean(err.Error(), 300)))
			continue
		}
		a.links[handle] = content.Mention{Name: user, Href: m.Page}
		a.add(m)
	}
	return a, nil
}

// mention finds the actor behind a handle, among those that are known first.
func (s *Server) mention(ctx context.Context, handle, visibility string, known []store.Mention) (store.Mention, error) {
	for _, m := range known {
		if m.Name == "@"+handle && !s.blocked(m.Actor) {
			return m, nil
		}
	}
	p, err := s.somebodyByHandle(ctx, handle)
	if err != nil {
		return store.Mention{}, err
	}
	return store.Mention{Actor: p.ID, Name: "@" + handle, Page: p.Page, Inbox: p.box(visibility)}, nil
}

// errIsBlocked says that the owner has blocked somebody whom they name.
var errIsBlocked = errors.New("is blocked")

// maxMentions bounds the look-ups for one post.
const maxMentions = 25

func (s *Server) isOwnHandle(handle string) bool {
	return strings.EqualFold(handle, s.user+"@"+s.domain) || strings.EqualFold(handle, s.user+"@"+s.ids.Host())
}

func (s *Server) somebodyByHandle(ctx context.Context, handle string) (somebody, error) {
	user, host, err := parseHandle(handle)
	if err != nil {
		return somebody{}, err
	}
	id, err := s.asking.finger(ctx, user, host)
	if err != nil {
		return somebody{}, err
	}
	return s.somebody(ctx, id)
}
