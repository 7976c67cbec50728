package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"crier/store"
)

// thing is a post, somebody else's or our own, that the owner answers or passes on.
type thing struct {
	ID         string
	URL        string // its page
	Title      string // how it begins
	Author     string // actor id
	Visibility string
	Published  time.Time // zero where it does not say

	Conversation, Thread string // of its own thread, where it names one

	ours *store.Post
}

// thing finds the post that an address leads to: ours in the store, all others fetched, signed, from where their id
// says.
func (s *Server) thing(ctx context.Context, address string) (thing, error) {
	if post, err := s.findPostOf(address); err == nil {
		return s.ownThing(post)
	} else if !errors.Is(err, store.ErrNotFound) {
		return thing{}, err
	}
	if _, err := parseAddress(address); err != nil {
		return thing{}, err
	}
	if sameHost(address, s.ids.Base()) {
		return thing{}, fmt.Errorf("there is no post of ours at %s", address)
	}
	doc, err := s.asking.object(ctx, address, wantObject())
	if err != nil {
		return thing{}, err
	}
	if path, ours := s.ids.PostPath(doc.URL); ours {
		post, err := s.db.Post(canonicalPath(path))
		if err != nil {
			return thing{}, fmt.Errorf("read the post %s: %w", doc.URL, err)
		}
		return s.ownThing(post)
	}
	return parseThing(doc)
}

func (s *Server) ownThing(post store.Post) (thing, error) {
	if post.State != store.PostLive {
		return thing{}, fmt.Errorf("%s was deleted", post.ID)
	}
	n, err := noteOf(post)
	if err != nil {
		return thing{}, err
	}
	return thing{
		ID: post.ID, URL: post.URL, Title: rowTitle(post), Author: s.ids.Actor(), Visibility: post.Visibility,
		Published: post.Published, Conversation: n.Conversation, Thread: n.Thread, ours: &post,
	}, nil
}

// parseThing reads a fetched post. Its author must be on its own host: nobody writes in another server's name.
func parseThing(doc fetched) (thing, error) {
	n, err := readNode(doc.Body)
	if err != nil {
		return thing{}, fmt.Errorf("read %s: %w", doc.URL, err)
	}
	if n.is("Tombstone") {
		return thing{}, fmt.Errorf("%s was deleted", doc.URL)
	}
	if !slices.ContainsFunc(n.kinds(), isPostType) {
		return thing{}, fmt.Errorf("%s is no post but a thing of type %q", doc.URL, clean(n.kind(), 40))
	}
	t := thing{
		ID: doc.URL, URL: firstOf(n.page("url"), doc.URL), Author: n.ref("attributedTo"),
		Visibility: visibilityOf(n.refs("to"), n.refs("cc")), Published: n.time("published"),
		Conversation: bounded(firstOf(n.text("conversation"), n.ref("conversation"))), Thread: bounded(n.ref("context")),
	}
	if !sameHost(t.Author, t.ID) {
		return thing{}, fmt.Errorf("%s names no author on its own host", doc.URL)
	}
	t.Title = firstOf(clean(n.text("name"), 200), begins(n.text("summary")), begins(n.text("content")))
	return t, nil
}

// begins is how HTML of others begins, as one clean line.
func begins(html string) string { return clean(plainText(html, 100), 400) }

// bounded is a name that another server gave to something, or nothing where it is out of proportion.
func bounded(name string) string {
	if len(name) > maxAddress {
		return ""
	}
	return name
}

// isPostType reports whether a type is one of those that servers show as posts (Mastodon 4.5, activity.rb).
func isPostType(kind string) bool {
	return slices.Contains([]string{
		"Note", "Question", "Article", "Page", "Image", "Audio", "Video", "Event", "Document",
	}, kind)
}

// visibilityOf reads how far a post of others may go. Which of its addresses is a followers collection, its form
// must tell: all large servers call theirs so.
func visibilityOf(to, cc refs) string {
	public := func(id string) bool { return id == Public || id == "as:Public" || id == "Public" }
	followers := func(id string) bool { return len(id) > 10 && id[len(id)-10:] == "/followers" }
	switch {
	case slices.ContainsFunc(to, public):
		return visibilityPublic
	case slices.ContainsFunc(cc, public):
		return visibilityUnlisted
	case slices.ContainsFunc(to, followers), slices.ContainsFunc(cc, followers):
		return visibilityFollowers
	}
	return visibilityDirect
}

// breadth orders the visibilities, the widest first.
func breadth(visibility string) int {
	return slices.Index([]string{visibilityPublic, visibilityUnlisted, visibilityFollowers, visibilityDirect}, visibility)
}

// findPostOf finds a post of ours by its id, what that ends in after /posts/, or its entry's address;
// store.ErrNotFound if there is none.
func (s *Server) findPostOf(what string) (store.Post, error) {
	if !strings.Contains(what, "://") {
		return s.db.Post(canonicalPath(what))
	}
	if path, ours := s.ids.PostPath(withoutFragment(what)); ours {
		return s.db.Post(canonicalPath(path))
	}
	for _, address := range addressVariants(what) {
		post, err := s.db.PostByURL(address)
		if !errors.Is(err, store.ErrNotFound) {
			return post, err
		}
	}
	return store.Post{}, store.ErrNotFound
}

// FindPost finds a post of ours by its id or its entry's address. The error says what to do where there is none.
func (s *Server) FindPost(what string) (store.Post, error) {
	post, err := s.findPostOf(what)
	if errors.Is(err, store.ErrNotFound) {
		if b, err := s.boostOf(what); err == nil {
			return store.Post{}, fmt.Errorf("%s is a boost; take it back with `crier post unboost %s`", clean(what, 200), b.Object)
		}
		return store.Post{}, fmt.Errorf("no post has the id or the address %q; see `crier post list`", clean(what, 200))
	}
	if err != nil {
		return store.Post{}, fmt.Errorf("look for the post %s: %w", what, err)
	}
	return post, nil
}
