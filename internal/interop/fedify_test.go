//go:build interop

package interop

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The signatures that Fedify may try first, by its names, and by ours.
const (
	cavage    = "cavage"
	rfc9421   = "rfc9421"
	alice     = "https://" + fedifyHost + "/users/alice"
	anna      = "https://" + fedifyHost + "/users/anna"
	newPage   = "https://" + blogHost + "/new/"
	newPost   = "https://" + crierHost + "/posts/" + blogHost + "/new/"
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
	all := []setting{{knock: cavage}, {knock: rfc9421}, {knock: cavage, only: cavage}}
	if takesRFC9421 {
		all = append(all, setting{knock: rfc9421, only: rfc9421})
	}
	if knowsSecureMode {
		all = append(all, setting{knock: cavage, secure: true}, setting{knock: rfc9421, secure: true})
	}
	return all
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

// story is one run of it.
type story struct {
	setting
	t       *testing.T
	ctx     context.Context
	blog    *blog
	crier   *process
	peer    *peer
	arrived int  // activities that Fedify has verified so far
	knocked bool // Fedify has knocked at crier before, and knows what it takes
	front   string
}

func newStory(ctx context.Context, t *testing.T, setting setting) *story {
	t.Helper()
	cert := newCertificate(t)
	blog := newPlainBlog("https://" + blogHost)
	front := newFront(t, cert, blog)
	_, frontPort, _ := strings.Cut(front.addr, ":")
	knock := map[string]string{cavage: "draft-cavage-http-signatures-12", rfc9421: rfc9421}[setting.knock]
	peer := startPeer(ctx, t, "fedify.mjs",
		"TLS_CERT="+cert.cert, "TLS_KEY="+cert.key, "NODE_EXTRA_CA_CERTS="+cert.cert,
		"HANDLE_HOST="+handleHost, "WEB_HOST="+fedifyHost, "FIRST_KNOCK="+knock, "ONLY="+setting.only,
		fmt.Sprintf(`HOSTS={"%s": %s, "%s": %s}`, blogHost, frontPort, crierHost, frontPort))
	config := fmt.Sprintf(`
base_url = "https://%[1]s"
listen   = "127.0.0.1:0"
data_dir = "data"
[account]
handle = "user@%[2]s"
name   = "User"
[[feed]]
url       = "https://%[2]s/feed"
interval  = "24h"
deletions = "feed"
[network]
allow_private = ["127.0.0.0/8"]
resolve = { "%[1]s" = "%[4]s", "%[2]s" = "%[4]s", "%[3]s" = "127.0.0.1:%[5]s", "%[6]s" = "127.0.0.1:%[5]s", "*" = "%[7]s" }
`, crierHost, blogHost, handleHost, front.addr, peer.more, fedifyHost, nowhere)
	if setting.secure {
		config += "secure_mode = true\n"
	}
	crier := &process{roots: cert.cert, base: crierBase}
	front.pass(startProcess(ctx, t, crier, config))
	s := &story{setting: setting, t: t, ctx: ctx, blog: blog, crier: crier, peer: peer, front: front.addr}
	s.poll()
	return s
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

	if gone := (deed{Deed: "deleteReply", Object: reply.Object}); countsReactions {
		s.did(gone, "Delete")
	} else {
		s.do(gone)
	}
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

// deed is something that Fedify is asked to do and to send to crier, see peer/fedify.mjs.
type deed struct {
	Who     string `json:"who,omitempty"`
	Deed    string `json:"deed"`
	What    string `json:"what,omitempty"`
	Object  string `json:"object,omitempty"`
	Author  string `json:"author,omitempty"`
	Content string `json:"content,omitempty"`
	To      string `json:"to"`
}

type deedDone struct {
	ID, Object string
	Posts      []string
}

// do lets Fedify do something; the posts that it takes, and their answers, have to be the ones that are due.
func (s *story) do(d deed) (done deedDone) {
	s.t.Helper()
	d.To = s.crier.actor()
	s.peer.call(s.ctx, s.t, "do", d, &done)
	want := []string{s.knock + " 202"}
	if s.knock == rfc9421 && !takesRFC9421 {
		want = []string{cavage + " 202"} // it has learnt from the first refusal, and does not try in vain again
		if !s.knocked {
			want = []string{rfc9421 + " 401", cavage + " 202"}
		}
	}
	s.knocked = true
	if !slices.Equal(done.Posts, want) {
		s.t.Fatalf("for its %s Fedify has posted %q, want %q", d.Deed, done.Posts, want)
	}
	return done
}

// next returns the next activity that Fedify verified, which has to be of that type and by crier.
func (s *story) next(typ string) arrival {
	s.t.Helper()
	s.arrived++
	var all []arrival
	s.peer.call(s.ctx, s.t, "arrived", map[string]any{"count": s.arrived}, &all)
	if len(all) != s.arrived || all[s.arrived-1].Type != typ || all[s.arrived-1].Actor != s.crier.actor() {
		s.t.Fatalf("want %d activities, the last a %s; Fedify got %+v", s.arrived, typ, all)
	}
	return all[s.arrived-1]
}

// did lets Fedify do something, and wants the activity log to say that it was taken.
func (s *story) did(d deed, typ string) deedDone {
	s.t.Helper()
	done := s.do(d)
	for _, l := range s.crier.log(s.ctx, s.t) {
		if l.Direction != "in" || l.Source.ID != done.ID {
			continue
		}
		if l.Type != typ || !strings.HasPrefix(l.Result, "202") || l.From != s.person(d.Who) {
			s.t.Errorf("of the %s the log says %q, want a %s that was taken", d.Deed, l, typ)
		}
		return done
	}
	s.t.Errorf("the log does not know of the %s", d.Deed)
	return done
}

func (s *story) person(who string) string {
	return "https://" + fedifyHost + "/users/" + cmp.Or(who, "alice")
}

// counts wants a post's reactions to be so many for who looks from outside.
func (s *story) counts(likes, shares, replies int) {
	s.t.Helper()
	if !countsReactions {
		return
	}
	if p := s.post(newPost); p.Likes != likes || p.Shares != shares || p.Replies != replies {
		s.t.Errorf("Fedify counts %d likes, %d shares and %d replies, want %d, %d and %d", p.Likes, p.Shares, p.Replies, likes, shares, replies)
	}
}

// followers are those that the operator is told of.
func (s *story) followers() (ids []string) {
	s.t.Helper()
	var all []struct{ Actor, State string }
	s.crier.json(s.ctx, s.t, &all, "follower", "list")
	for _, f := range all {
		if f.State != "accepted" {
			s.t.Errorf("follower %s is %s", f.Actor, f.State)
		}
		ids = append(ids, f.Actor)
	}
	slices.Sort(ids)
	return ids
}

// actor is what there is to know of the account, at the time when it has only its oldest post.
func (s *story) actor(followers int) found {
	return found{
		ID: s.crier.actor(), Name: "User", Username: "user",
		Inbox: s.crier.actor() + "/inbox", SharedInbox: crierBase + "/inbox",
		Followers: followers, Outbox: 1, Posts: []string{"Create https://" + blogHost + "/old/"},
	}
}

// unsigned is the answer to a GET that nobody signed.
func (s *story) unsigned(url string) int {
	s.t.Helper()
	var status struct{ Status int }
	s.peer.call(s.ctx, s.t, "unsigned", map[string]any{"object": url}, &status)
	return status.Status
}

func (s *story) lookup(what string) (f found) {
	s.t.Helper()
	s.peer.call(s.ctx, s.t, "lookup", map[string]any{"object": what}, &f)
	return f
}

func (s *story) post(id string) (p foundPost) {
	s.t.Helper()
	s.peer.call(s.ctx, s.t, "post", map[string]any{"object": id}, &p)
	return p
}

// found is an account as Fedify understands it.
type found struct {
	ID, Name, Username, Inbox, SharedInbox, Successor string
	Followers, Outbox                                 int
	Posts                                             []string
}

// foundPost is a post as Fedify understands it.
type foundPost struct {
	ID, Content, URL       string
	Likes, Shares, Replies int
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
