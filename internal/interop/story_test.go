//go:build interop

package interop

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// story is one run of it.
type story struct {
	setting
	t       *testing.T
	ctx     context.Context
	blog    *blog
	crier   *process
	peer    *peer
	arrived int // activities that Fedify has verified so far
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
	s := &story{setting: setting, t: t, ctx: ctx, blog: blog, crier: crier, peer: peer}
	s.poll()
	return s
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
	if want := []string{s.knock + " 202"}; !slices.Equal(done.Posts, want) {
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
