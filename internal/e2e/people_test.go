package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"crier/internal/admin"
	"crier/internal/fedtest"
)

// story is a world whose blog has a first entry, which the daemon has read.
func story(t *testing.T, setUp func(*world)) *world {
	t.Helper()
	w := newWorld(t)
	w.peer.AddActor("anna")
	setUp(w)
	w.publish(1)
	w.start()
	w.poll()
	return w
}

// publish writes a feed with so many entries, one a day.
func (w *world) publish(n int) {
	var items strings.Builder
	for i := n; i > 0; i-- {
		fmt.Fprintf(&items, `<item><title>Entry %d</title><link>%s/%d/</link><pubDate>%02d Mar 2026 10:00:00 GMT</pubDate></item>`,
			i, w.blog.server.URL, i, i)
	}
	w.blog.serve([]byte(`<rss version="2.0"><channel><title>Blog</title><link>`+w.blog.server.URL+`/</link>`+items.String()+`</channel></rss>`), "application/rss+xml")
}

// news publishes the nth entry and waits until it went wherever it goes.
func (w *world) news(n int) {
	w.t.Helper()
	w.publish(n)
	if f := w.poll(); f.New != 1 || f.Error != "" {
		w.t.Fatalf("the poll for entry %d: %+v", n, f)
	}
}

func (w *world) actor() string { return w.cfg.BaseURL + "/users/user" }

func (w *world) asks(peer *fedtest.Server, name string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := peer.Follow(ctx, name, w.actor()); err != nil {
		w.t.Fatal(err)
	}
}

// becomes waits until the person's own server has it that the follow is accepted, or rejected.
func (w *world) becomes(peer *fedtest.Server, name string, accepted bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := peer.Wait(ctx, func() bool {
		for _, f := range peer.Follows(name) {
			if f.Object == w.actor() {
				return f.Accepted == accepted && f.Rejected != accepted
			}
		}
		return false
	})
	if err != nil {
		w.t.Fatalf("the follow of %s: %+v, %v", name, peer.Follows(name), err)
	}
}

// has fails the test unless the person has so many posts in the timeline.
func (w *world) has(peer *fedtest.Server, name string, want int) {
	w.t.Helper()
	if got := len(peer.Timeline(name)); got != want {
		w.t.Errorf("%s has %d posts, want %d", name, got, want)
	}
}

func (w *world) decide(v admin.Verdict, who string) {
	w.t.Helper()
	if _, err := w.app.Ops().DecideFollowers(w.t.Context(), admin.FollowerRequest{Verdict: v, Who: []string{who}}); err != nil {
		w.t.Fatal(err)
	}
}

// TestLockedAccount: who is approved gets the next post; who is turned down or removed is told, and gets nothing.
func TestLockedAccount(t *testing.T) {
	w := story(t, func(w *world) { w.cfg.Account.ManuallyApprovesFollowers = true })
	w.asks(w.peer, "alice")
	w.asks(w.peer, "anna")
	w.news(2)
	w.has(w.peer, "alice", 0)
	s, err := w.app.Ops().Status(t.Context())
	if err != nil || s.Followers != 0 || s.Pending != 2 {
		t.Errorf("%+v, %v", s, err)
	}

	w.decide(admin.Approve, "@alice@peer.example")
	w.becomes(w.peer, "alice", true)
	w.decide(admin.Reject, "@anna@peer.example")
	w.becomes(w.peer, "anna", false)
	w.news(3)
	w.has(w.peer, "alice", 1)
	w.has(w.peer, "anna", 0)

	w.asks(w.peer, "anna") // may ask again
	w.decide(admin.Approve, "http://peer.example/users/anna")
	w.becomes(w.peer, "anna", true)
	w.decide(admin.Remove, "@alice@peer.example")
	w.becomes(w.peer, "alice", false)
	w.news(4)
	w.has(w.peer, "alice", 1)
	w.has(w.peer, "anna", 1)
	w.decide(admin.Remove, "@anna@peer.example")
	w.becomes(w.peer, "anna", false)
	w.news(5)
	w.has(w.peer, "anna", 1)
	for _, a := range w.peer.Arrivals() {
		if !a.Verified || a.Err != nil || a.Duplicate {
			t.Errorf("%s %s: verified %v, duplicate %v, %v", a.Type, a.ID, a.Verified, a.Duplicate, a.Err)
		}
	}
}

// TestBlocks: an actor whose follow is ended, and a server with two people behind one inbox that hears nothing any more.
func TestBlocks(t *testing.T) {
	var asked atomic.Int64 // requests that peer.example gets
	var other *fedtest.Server
	w := story(t, func(w *world) {
		other = w.secondPeer("other.example")
		other.AddActor("carl")
		w.peer.OnRequest(func(*http.Request) { asked.Add(1) })
	})
	w.asks(w.peer, "alice")
	w.asks(w.peer, "anna")
	w.asks(other, "carl")
	w.becomes(w.peer, "alice", true)
	w.becomes(w.peer, "anna", true)
	w.becomes(other, "carl", true)

	ops, ctx := w.app.Ops(), t.Context()
	if b, err := ops.AddBlock(ctx, admin.BlockRequest{What: "@alice@peer.example"}); err != nil || b.Followers != 1 {
		t.Fatal(b, err)
	}
	w.becomes(w.peer, "alice", false)
	w.asks(w.peer, "alice") // is answered as if all were well
	w.news(2)
	w.has(w.peer, "alice", 0)
	w.has(w.peer, "anna", 1)
	w.has(other, "carl", 1)

	if b, err := ops.AddBlock(ctx, admin.BlockRequest{What: "PEER.example"}); err != nil || b.Followers != 1 {
		t.Fatal(b, err)
	}
	before := asked.Load()
	w.news(3)
	w.asks(w.peer, "anna")
	w.asks(w.peer, "alice")
	if err := w.peer.Undo(ctx, "anna", w.actor()); err != nil {
		t.Error("what a blocked server sends is to be answered as if all were well:", err)
	}
	w.news(4)
	w.has(w.peer, "anna", 1)
	w.has(other, "carl", 3)
	if n := asked.Load() - before; n != 0 {
		t.Errorf("the blocked server got %d requests", n)
	}

	if _, err := ops.RemoveBlock(ctx, admin.BlockRequest{What: "peer.example"}); err != nil {
		t.Fatal(err)
	}
	w.news(5)
	w.has(w.peer, "anna", 1) // nobody follows again by it
	w.asks(w.peer, "anna")
	w.becomes(w.peer, "anna", true)
	w.news(6)
	w.has(w.peer, "anna", 2)
	w.has(w.peer, "alice", 0)
	w.has(other, "carl", 5)
}

// secondPeer adds another server to a world that is not started yet.
func (w *world) secondPeer(name string) *fedtest.Server {
	w.t.Helper()
	peer := fedtest.New(fedtest.Config{BaseURL: "http://" + name, HTTP: dialing(map[string]string{"fedi.example": w.cfg.Listen})})
	w.t.Cleanup(peer.Close)
	srv := httptest.NewServer(peer)
	w.t.Cleanup(srv.Close)
	w.cfg.Network.Resolve[name] = host(srv.URL)
	return peer
}
