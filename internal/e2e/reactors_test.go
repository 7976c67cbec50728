package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"crier/internal/admin"
	"crier/internal/fedtest"
)

// stranger is a further server, nobody of which follows the blog. It must be made before the daemon is started.
func (w *world) stranger(name string, users ...string) *fedtest.Server {
	w.t.Helper()
	names := map[string]string{"fedi.example": w.cfg.Listen}
	s := fedtest.New(fedtest.Config{BaseURL: "http://" + name, HTTP: dialing(names)})
	w.t.Cleanup(s.Close)
	for _, user := range users {
		s.AddActor(user)
	}
	server := httptest.NewServer(s)
	w.t.Cleanup(server.Close)
	names[name] = host(server.URL)
	w.cfg.Network.Resolve[name] = host(server.URL)
	return s
}

// heardOf is what a server got, in order: types and, of Updates, nothing that is about the profile.
func heardOf(s *fedtest.Server) []string {
	var types []string
	for _, a := range s.Arrivals() {
		types = append(types, a.Type)
	}
	return types
}

func (w *world) likes(s *fedtest.Server, user, id string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := s.Like(ctx, user, id); err != nil {
		w.t.Fatalf("%s likes %s: %v", user, id, err)
	}
}

// TestWhoReactedHearsOfChanges: somebody who likes a post without following gets its Update and its Delete, at one
// inbox for all who reacted there, and whoever reacted to nothing gets nothing. A follower's server gets it once.
func TestWhoReactedHearsOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, nobody := w.stranger("other.example", "carol", "dave"), w.stranger("nobody.example", "eve")
	w.peer.AddActor("bob")
	w.serveFeed("")
	w.start()
	w.poll()
	w.follow()
	w.serveFeed(w.newsItem("news"))
	w.poll()
	news := w.cfg.BaseURL + "/posts/" + host(w.blog.server.URL) + "/news/"
	for _, user := range []string{"carol", "dave"} {
		w.likes(other, user, news)
	}
	w.likes(w.peer, "bob", news) // alice, who is there, too, follows
	before := len(w.peer.Arrivals())

	w.serveFeed(w.newsItem("news, corrected"))
	w.poll()
	if got := heardOf(other); !slices.Equal(got, []string{"Update"}) {
		t.Errorf("who liked it heard of %v", got)
	}
	w.byHand(admin.PostRequest{Do: admin.PostDelete, Post: news})
	if got := heardOf(other); !slices.Equal(got, []string{"Update", "Delete"}) || !other.Tombstoned(news) {
		t.Errorf("who liked it heard of %v", got)
	}
	detail, err := w.app.Ops().ShowPost(context.Background(), news)
	if err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, s := range detail.Sent {
		sent = append(sent, fmt.Sprintf("%s %d/%d", s.Type, s.Delivered, s.Inboxes))
	}
	if want := []string{"Create 1/1", "Update 2/2", "Delete 2/2"}; !slices.Equal(sent, want) || len(detail.Undelivered) > 0 {
		t.Errorf("the ledger says %v, %+v", sent, detail.Undelivered)
	}
	var types []string
	for _, r := range w.since(before) {
		types = append(types, r.Type)
	}
	if !slices.Equal(types, []string{"Update", "Delete"}) {
		t.Errorf("the follower's server got %v", types)
	}
	if got := heardOf(nobody); len(got) > 0 {
		t.Errorf("who did nothing heard of %v", got)
	}
}

// TestChangesOfWhatWasNeverDelivered: an entry of the first poll is there to be fetched. Its changes go to those who
// reacted to it, and to no follower.
func TestChangesOfWhatWasNeverDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.stranger("other.example", "carol")
	w.serveFeed("")
	w.start()
	w.poll()
	w.follow()
	hello := w.cfg.BaseURL + "/posts/" + host(w.blog.server.URL) + "/hello/"
	before := len(w.peer.Arrivals())
	edit := func(text string) {
		doc := strings.Replace(oneEntry, "<description>hello", "<description>"+text, 1)
		w.blog.serve([]byte(strings.NewReplacer("%[1]s", w.blog.server.URL, "%[2]s", "").Replace(doc)), "application/rss+xml")
		w.poll()
	}
	edit("hello again")
	if got := heardOf(other); len(got) > 0 {
		t.Errorf("before any reaction %v was sent", got)
	}
	w.likes(other, "carol", hello)
	edit("hello for the third time")
	if got := heardOf(other); !slices.Equal(got, []string{"Update"}) {
		t.Errorf("who liked it heard of %v", got)
	}
	w.byHand(admin.PostRequest{Do: admin.PostDelete, Post: hello})
	if got := heardOf(other); !slices.Equal(got, []string{"Update", "Delete"}) || !other.Tombstoned(hello) {
		t.Errorf("who liked it heard of %v", got)
	}
	if got := w.since(before); len(got) > 0 {
		t.Errorf("the follower's server got %v", got)
	}
}
