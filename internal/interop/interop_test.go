//go:build interop

package interop

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The signatures that Fedify knows, by its names.
const (
	cavage  = "draft-cavage-http-signatures-12"
	rfc9421 = "rfc9421"
)

// TestFedify lets a server on Fedify find the blog, follow it, get its posts, and leave again, with either
// kind of signature that Fedify may try first.
func TestFedify(t *testing.T) {
	for _, test := range []struct {
		knock        string
		follow, undo []string // the posts that it takes, and what is answered
	}{
		{cavage, []string{cavage + " 202"}, []string{cavage + " 202"}},
		{rfc9421, []string{rfc9421 + " 202"}, []string{rfc9421 + " 202"}},
	} {
		t.Run(test.knock, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			blog := newBlog(t)
			crier := startCrier(t, blog.URL)
			crier.poll(ctx, t)
			s := story{t, ctx, blog, crier, startPeer(ctx, t, "fedify.mjs", "FIRST_KNOCK="+test.knock)}
			s.find()
			s.follow(test.follow)
			s.posts()
			s.leave(append(test.follow, test.undo...))
		})
	}
}

type story struct {
	t     *testing.T
	ctx   context.Context
	blog  *blog
	crier *daemon
	peer  *peer
}

// find resolves each side by the other. Fedify shows its actor only to those whose signature it verifies.
func (s story) find() {
	s.t.Helper()
	if found, want := s.lookup(), s.actor(0); !reflect.DeepEqual(found, want) {
		s.t.Errorf("Fedify reads the actor as\n%+v, want\n%+v", found, want)
	}
	alice := s.peer.origin + "/users/alice"
	if doc, err := s.crier.app.Ops().Lookup(s.ctx, alice); err != nil || doc.URL != alice {
		s.t.Errorf("crier looks up %s: %+v %v", alice, doc, err)
	}
	if got := s.peer.status(s.ctx, s.t, alice); got != http.StatusUnauthorized {
		s.t.Errorf("Fedify answers %d to an unsigned request; it has to insist on signatures here", got)
	}
}

func (s story) follow(posts []string) {
	s.t.Helper()
	s.does("follow", posts)
	accept := s.next(1, "Accept")
	follow := s.peer.origin + "/follows/" + url.QueryEscape(s.crier.actor())
	if accept.Actor != s.crier.actor() || accept.Object != follow {
		s.t.Errorf("the Accept of %s says %+v", follow, accept)
	}
	if found, want := s.lookup(), s.actor(1); !reflect.DeepEqual(found, want) {
		s.t.Errorf("after its follow Fedify reads the actor as\n%+v, want\n%+v", found, want)
	}
}

// posts lets an entry appear, change and vanish.
func (s story) posts() {
	s.t.Helper()
	page := s.blog.URL + "/new/"
	id := s.crier.base + "/posts/" + strings.TrimPrefix(page, "http://")

	s.blog.set("first text")
	s.crier.poll(s.ctx, s.t)
	create := s.next(2, "Create")
	if !create.shows(id, page, "first text") || create.Published == "" || create.Updated != "" {
		s.t.Errorf("the Create says %+v", create)
	}

	s.blog.set("second text")
	s.crier.poll(s.ctx, s.t)
	update := s.next(3, "Update")
	if !update.shows(id, page, "second text") || update.Published != create.Published || !update.newer(s.t) {
		s.t.Errorf("the Update says %+v", update)
	}

	s.blog.set("")
	s.crier.poll(s.ctx, s.t)
	if gone := s.next(4, "Delete"); gone.Object != id || gone.ObjectType != "Tombstone" {
		s.t.Errorf("the Delete says %+v", gone)
	}
}

func (s story) leave(posts []string) {
	s.t.Helper()
	s.does("undo", posts)
	if n := s.crier.followers(s.ctx, s.t); n != 0 {
		s.t.Errorf("%d followers after the Undo", n)
	}
}

// does lets Fedify follow, or undo that; posts are all that it ever made, with their signatures and answers.
func (s story) does(what string, posts []string) {
	s.t.Helper()
	var sent []string
	s.peer.call(s.ctx, s.t, what, map[string]any{"actor": s.crier.actor()}, &sent)
	if !slices.Equal(sent, posts) {
		s.t.Fatalf("after its %s Fedify has posted %q, want %q", what, sent, posts)
	}
}

// next returns the nth activity that Fedify verified, which has to be of that type and by crier.
func (s story) next(n int, typ string) arrival {
	s.t.Helper()
	var all []arrival
	s.peer.call(s.ctx, s.t, "arrived", map[string]any{"count": n}, &all)
	if len(all) != n || all[n-1].Type != typ || all[n-1].Actor != s.crier.actor() {
		s.t.Fatalf("want %d activities, the last a %s; Fedify got %+v", n, typ, all)
	}
	return all[n-1]
}

// actor is what there is to know of the account, at the time when it has only its oldest post.
func (s story) actor(followers int) found {
	return found{
		ID: s.crier.actor(), Name: "User", Username: "user",
		Inbox: s.crier.actor() + "/inbox", SharedInbox: s.crier.base + "/inbox",
		Followers: followers, Outbox: 1, Posts: []string{"Create " + s.blog.URL + "/old/"},
	}
}

func (s story) lookup() (f found) {
	s.t.Helper()
	s.peer.call(s.ctx, s.t, "lookup", map[string]any{"actor": s.crier.actor()}, &f)
	return f
}

// found is an account as Fedify understands it.
type found struct {
	ID, Name, Username, Inbox, SharedInbox string
	Followers, Outbox                      int
	Posts                                  []string
}

// arrival is an activity as Fedify understands it.
type arrival struct {
	Type, ID, Actor, Object, ObjectType, Content, URL, Published, Updated string
}

func (a arrival) shows(id, page, text string) bool {
	return a.Object == id && a.ObjectType == "Note" && a.URL == page && strings.Contains(a.Content, text)
}

// newer says whether the post was changed after it was published: peers ignore an Update that was not.
func (a arrival) newer(t *testing.T) bool {
	t.Helper()
	published, err := time.Parse(time.RFC3339, a.Published)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := time.Parse(time.RFC3339, a.Updated)
	return err == nil && updated.After(published)
}
