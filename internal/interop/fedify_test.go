//go:build interop

package interop

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The kinds of signatures.
const (
	cavage  = "cavage" // draft-cavage-http-signatures-12
	rfc9421 = "rfc9421"
)

const (
	alice     = "https://" + fedifyHost + "/users/alice"
	anna      = "https://" + fedifyHost + "/users/anna"
	newPage   = "https://" + blogHost + "/new/"
	newPost   = crierBase + "/posts/" + blogHost + "/new/"
	crierBase = "https://" + crierHost
)

// setting is how the two servers stand to each other.
type setting struct {
	knock  string // what Fedify tries first
	only   string // what Fedify takes; empty: both
	secure bool   // crier, too, shows itself only to those who sign
}

func (s setting) name() string {
	name := "signs " + s.knock + " first"
	if s.only != "" {
		name += ", takes " + s.only + " alone"
	}
	if s.secure {
		name += ", both in secure mode"
	}
	return name
}

func settings() []setting {
	return []setting{
		{knock: cavage}, {knock: rfc9421}, {knock: cavage, only: cavage}, {knock: rfc9421, only: rfc9421},
		{knock: cavage, secure: true}, {knock: rfc9421, secure: true},
	}
}

// TestFedify is the whole acquaintance of a blog and a server on Fedify: it is found by a handle of another host,
// followed, read, liked, boosted and answered, its follower changes, moves and goes. Fedify shows itself only to
// those who sign.
func TestFedify(t *testing.T) {
	for _, test := range settings() {
		t.Run(test.name(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			s := newStory(ctx, t, test)
			s.strangers()
			s.find()
			s.follow()
			s.posts()
			s.reactions()
			s.changes()
			s.leave()
			s.signatures()
		})
	}
}

func (s *story) poll() {
	s.t.Helper()
	s.crier.text(s.ctx, s.t, "poll")
}

// strangers lets the first that crier hears of Fedify be a Follow, which is verified with a key that it has to fetch
// with a signature, which Fedify verifies with a key that it has to fetch in turn: two servers in secure mode must
// not wait for each other here.
func (s *story) strangers() {
	s.t.Helper()
	s.did(deed{Deed: "follow", Object: s.crier.actor()}, "Follow")
	s.next("Accept")
	s.did(deed{Deed: "undo", What: "follow", Object: s.crier.actor()}, "Undo")
	if got := s.followers(); len(got) != 0 {
		s.t.Errorf("followers after the first Undo: %q", got)
	}
}

// find resolves each side by the other, by handle and by address.
func (s *story) find() {
	s.t.Helper()
	for _, by := range []string{"@user@" + blogHost, s.crier.actor()} {
		if found, want := s.lookup(by), s.actor(0); !reflect.DeepEqual(found, want) {
			s.t.Errorf("by %s Fedify reads the actor as\n%+v, want\n%+v", by, found, want)
		}
	}
	for _, by := range []string{"alice@" + handleHost, alice} {
		var doc struct{ ID string }
		s.crier.json(s.ctx, s.t, &doc, "lookup", by)
		if doc.ID != alice {
			s.t.Errorf("by %s crier finds %q, want %s", by, doc.ID, alice)
		}
	}
	// What is shown to those who do not sign: of Fedify nothing, of crier in secure mode what it takes to sign.
	shown := map[bool]int{false: http.StatusOK, true: http.StatusUnauthorized}
	for url, want := range map[string]int{
		alice: http.StatusUnauthorized, s.crier.actor(): http.StatusOK, s.crier.actor() + "/outbox": shown[s.secure],
		crierBase + "/posts/" + blogHost + "/old/": shown[s.secure],
	} {
		if got := s.unsigned(url); got != want {
			s.t.Errorf("GET %s without a signature: %d, want %d", url, got, want)
		}
	}
}

func (s *story) follow() {
	s.t.Helper()
	follow := s.did(deed{Deed: "follow", Object: s.crier.actor()}, "Follow")
	if accept := s.next("Accept"); accept.Object != follow.ID {
		s.t.Errorf("the Accept of %s says %+v", follow.ID, accept)
	}
	if found, want := s.lookup(s.crier.actor()), s.actor(1); !reflect.DeepEqual(found, want) {
		s.t.Errorf("after its follow Fedify reads the actor as\n%+v, want\n%+v", found, want)
	}
}

// posts lets an entry appear, change, and, after the reactions, vanish.
func (s *story) posts() {
	s.t.Helper()
	s.blog.set("first text")
	s.poll()
	create := s.next("Create")
	if !create.shows(newPost, newPage, "first text") || create.Published == "" || create.Updated != "" {
		s.t.Errorf("the Create says %+v", create)
	}
	s.blog.set("second text")
	s.poll()
	update := s.next("Update")
	if !update.shows(newPost, newPage, "second text") || update.Published != create.Published || !update.newer(s.t) {
		s.t.Errorf("the Update says %+v", update)
	}
	for _, by := range []string{newPost, newPage} { // the page names the post as its alternate
		if p := s.post(by); p.ID != newPost || p.URL != newPage || !strings.Contains(p.Content, "second text") {
			s.t.Errorf("looked up by %s, the post reads %+v", by, p)
		}
	}
}

// reactions are all that a person of another server can do to a post.
func (s *story) reactions() {
	s.t.Helper()
	s.did(deed{Deed: "like", Object: newPost}, "Like")
	s.did(deed{Deed: "announce", Object: newPost}, "Announce")
	reply := s.did(deed{Deed: "reply", Object: newPost, Author: s.crier.actor(), Content: "<p>an answer</p>"}, "Create")
	s.counts(1, 1, 1)
	s.did(deed{Deed: "editReply", Object: reply.Object, Author: s.crier.actor(), Content: "<p>a better answer</p>"}, "Update")
	s.counts(1, 1, 1)

	s.did(deed{Deed: "deleteReply", Object: reply.Object}, "Delete")
	s.did(deed{Deed: "undo", What: "like", Object: newPost}, "Undo")
	s.did(deed{Deed: "undo", What: "announce", Object: newPost}, "Undo")
	s.counts(0, 0, 0)
	s.did(deed{Deed: "flag", Object: s.crier.actor(), Content: "an odd blog"}, "Flag")

	s.blog.set("")
	s.poll()
	if gone := s.next("Delete"); gone.Object != newPost || gone.ObjectType != "Tombstone" {
		s.t.Errorf("the Delete says %+v", gone)
	}
}

// changes are those of the follower itself; it stays one.
func (s *story) changes() {
	s.t.Helper()
	s.did(deed{Deed: "rename", Content: "Alice B."}, "Update")
	s.did(deed{Deed: "move", Object: "anna"}, "Move")
	if got := s.followers(); !slices.Equal(got, []string{alice}) {
		s.t.Errorf("followers after the Move: %q; the new account has to follow for itself", got)
	}
	s.did(deed{Who: "anna", Deed: "follow", Object: s.crier.actor()}, "Follow")
	s.next("Accept")
	if got := s.followers(); !slices.Equal(got, []string{alice, anna}) {
		s.t.Errorf("followers: %q", got)
	}
}

// leave is the ways to go: an Undo, a Block, and the end of an account.
func (s *story) leave() {
	s.t.Helper()
	s.did(deed{Deed: "undo", What: "follow", Object: s.crier.actor()}, "Undo")
	if got := s.followers(); !slices.Equal(got, []string{anna}) {
		s.t.Errorf("followers after the Undo: %q", got)
	}
	s.did(deed{Deed: "follow", Object: s.crier.actor()}, "Follow")
	s.next("Accept")
	s.did(deed{Deed: "block", Object: s.crier.actor()}, "Block")
	if got := s.followers(); !slices.Equal(got, []string{anna}) {
		s.t.Errorf("followers after the Block: %q", got)
	}
	s.did(deed{Who: "anna", Deed: "deleteActor"}, "Delete")
	if got := s.followers(); len(got) != 0 {
		s.t.Errorf("followers after the end of the account: %q", got)
	}
	if got := s.lookup(s.crier.actor()).Followers; got != 0 {
		s.t.Errorf("Fedify reads of %d followers", got)
	}
}

// signatures looks at how crier has signed all that Fedify answered.
func (s *story) signatures() {
	s.t.Helper()
	var all []string
	s.peer.call(s.ctx, s.t, "received", struct{}{}, &all)
	kinds := map[string]int{}
	for _, line := range all {
		kinds[line]++
	}
	if kinds["POST cavage 202"] == 0 && s.only != rfc9421 || kinds["POST rfc9421 202"] == 0 && s.only == rfc9421 {
		s.t.Errorf("Fedify has taken %v", kinds)
	}
	for line := range kinds {
		if strings.HasSuffix(line, " 401") && s.only != rfc9421 {
			s.t.Errorf("Fedify refused a signature: %v", kinds)
		}
	}
	// What a host takes is remembered: there are two of them, that of the handles and that of the actors.
	if s.only == rfc9421 && kinds["POST cavage 401"]+kinds["GET cavage 401"] > 2 {
		s.t.Errorf("crier does not remember what Fedify takes: %v", kinds)
	}
}
