package fedtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/fedtest"
)

// world is two servers on one network: a.example with alice and anna, b.example with bob.
type world struct {
	net  *fedtest.Network
	a, b *fedtest.Server
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{net: &fedtest.Network{}}
	w.a = w.server(t, fedtest.Config{BaseURL: "https://a.example"})
	w.b = w.server(t, fedtest.Config{BaseURL: "https://b.example"})
	w.a.AddActor("alice")
	w.a.AddActor("anna")
	w.b.AddActor("bob")
	return w
}

func (w world) server(t *testing.T, c fedtest.Config) *fedtest.Server {
	t.Helper()
	c.HTTP = w.net
	s := fedtest.New(c)
	w.net.Handle(strings.TrimPrefix(c.BaseURL, "https://"), s)
	t.Cleanup(s.Close)
	return s
}

// follow lets the user follow the actor and waits for the Accept.
func follow(t *testing.T, s *fedtest.Server, user, actor string) {
	t.Helper()
	if _, err := s.Follow(t.Context(), user, actor); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, func() bool { return s.Following(user, actor) }); err != nil {
		t.Fatalf("%s was not accepted by %s: %v; arrivals: %+v", user, actor, err, s.Arrivals())
	}
}

func post(t *testing.T, s *fedtest.Server, user, text string) string {
	t.Helper()
	id, err := s.Post(t.Context(), user, text, fedtest.PostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func last(t *testing.T, s *fedtest.Server) fedtest.Arrival {
	t.Helper()
	all := s.Arrivals()
	if len(all) == 0 {
		t.Fatal("nothing arrived")
	}
	return all[len(all)-1]
}

const (
	alice = "https://a.example/users/alice"
	bob   = "https://b.example/users/bob"
)

func TestFollowPostUndo(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	follow(t, w.a, "anna", bob)
	follow(t, w.b, "bob", alice)

	id := post(t, w.b, "bob", "<p>hello</p>")
	creates := 0
	for _, in := range w.a.Arrivals() {
		if in.Type == "Create" {
			creates++
			if in.Inbox != "/inbox" || !in.Verified || in.Err != nil || in.Status != 202 || in.Actor != bob {
				t.Errorf("create arrived as %+v", in)
			}
		}
	}
	if creates != 1 {
		t.Errorf("a.example got %d Creates, want one for both followers", creates)
	}
	for _, user := range []string{"alice", "anna"} {
		if tl := w.a.Timeline(user); len(tl) != 1 || tl[0].ID != id || tl[0].Content != "<p>hello</p>" {
			t.Errorf("timeline of %s: %+v", user, tl)
		}
	}
	post(t, w.a, "alice", "back")
	if tl := w.b.Timeline("bob"); len(tl) != 1 || tl[0].Author != alice {
		t.Errorf("timeline of bob: %+v", tl)
	}

	if err := w.a.Undo(t.Context(), "alice", bob); err != nil {
		t.Fatal(err)
	}
	post(t, w.b, "bob", "again")
	if n, m := len(w.a.Timeline("alice")), len(w.a.Timeline("anna")); n != 1 || m != 2 {
		t.Errorf("after alice's Undo alice has %d notes, anna %d; want 1 and 2", n, m)
	}
	if got := w.b.Followers("bob"); len(got) != 1 || got[0] != "https://a.example/users/anna" {
		t.Errorf("followers of bob: %q", got)
	}
}

// TestUnansweredFollow: silence is no consent.
func TestUnansweredFollow(t *testing.T) {
	w := newWorld(t)
	w.a.Fail("/users/alice/inbox", 503, -1)
	if _, err := w.a.Follow(t.Context(), "alice", bob); err != nil {
		t.Fatal(err)
	}
	if _, err := w.a.WaitFor(t.Context(), func(in fedtest.Arrival) bool { return in.Type == "Accept" && in.Err != nil }); err != nil {
		t.Fatal(err)
	}
	post(t, w.b, "bob", "x")
	if n := len(w.a.Timeline("alice")); n != 0 || w.a.Following("alice", bob) {
		t.Errorf("alice has %d notes of somebody who never accepted her", n)
	}
}

func TestInsideABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.a.RequireSignedGET(true)
		w.b.RequireSignedGET(true)
		follow(t, w.a, "alice", bob)
		time.Sleep(30 * 24 * time.Hour)
		post(t, w.b, "bob", "a month later")
		if len(w.a.Timeline("alice")) != 1 {
			t.Errorf("arrivals: %+v", w.a.Arrivals())
		}
	})
}

func TestWithoutSharedInbox(t *testing.T) {
	w := newWorld(t)
	w.a.AddActorWith("ada", fedtest.ActorOptions{NoSharedInbox: true, KeyDocument: true})
	follow(t, w.a, "ada", bob)
	post(t, w.b, "bob", "x")
	if in := last(t, w.a); in.Inbox != "/users/ada/inbox" || !in.Verified {
		t.Errorf("arrived as %+v", in)
	}
}

func TestSecureMode(t *testing.T) {
	w := newWorld(t)
	w.a.RequireSignedGET(true)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, alice, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/activity+json")
	resp, err := w.net.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("unsigned GET answers %s, want 401", resp.Status)
	}
	if _, err := w.b.FetchActor(t.Context(), alice); err != nil {
		t.Errorf("signed GET: %v", err)
	}
}

// activityOf is bob's note as JSON values, for tests that bend it.
func activityOf(id string) map[string]any {
	note := map[string]any{
		"id": id, "type": "Note", "attributedTo": bob, "content": "x", "published": time.Now().UTC().Format(time.RFC3339),
		"to": []any{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []any{bob + "/followers"},
	}
	return map[string]any{"id": id + "/activity", "type": "Create", "actor": bob, "to": note["to"], "cc": note["cc"], "object": note}
}

func edited(act map[string]any, kind, n string, set map[string]any) map[string]any {
	b, err := json.Marshal(act)
	if err != nil {
		panic(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	out["type"], out["id"] = kind, out["id"].(string)+n
	for k, v := range set {
		out["object"].(map[string]any)[k] = v
	}
	return out
}

func TestEditsAndTombstones(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	create := activityOf(bob + "/statuses/n")
	later := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	tomb := map[string]any{"id": bob + "/d", "type": "Delete", "actor": bob, "object": map[string]any{"id": bob + "/statuses/n", "type": "Tombstone"}}
	for _, step := range []struct {
		name   string
		act    map[string]any
		effect string
	}{
		{"create", create, "note stored for alice"},
		{"same id", create, "ignored: arrived before"},
		{"same note", edited(create, "Create", "2", nil), "ignored: the note is here already"},
		{"not newer", edited(create, "Update", "3", nil), "ignored: the version is not newer"},
		{"edit", edited(create, "Update", "4", map[string]any{"updated": later, "content": "y"}), "note edited"},
		{"older edit", edited(create, "Update", "4b", map[string]any{"updated": later, "content": "z"}), "ignored: the version is not newer"},
		{"delete", tomb, "note deleted"},
		{"back", edited(create, "Create", "5", nil), "ignored: a deleted id cannot come back"},
		{"edit back", edited(create, "Update", "6", map[string]any{"updated": later}), "ignored: a deleted id cannot come back"},
		{"stranger's", map[string]any{"id": bob + "/l", "type": "Like", "actor": bob, "object": alice}, "ignored: the note that is liked is unknown here"},
	} {
		if status, body, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), step.act); err != nil || status != 202 {
			t.Fatalf("%s: %d %s %v", step.name, status, body, err)
		}
		if got := last(t, w.a).Effect; got != step.effect {
			t.Errorf("%s: %q, want %q", step.name, got, step.effect)
		}
		if tl := w.a.Timeline("alice"); step.name == "edit" && (len(tl) != 1 || tl[0].Content != "y" || len(tl[0].Edits) != 1) {
			t.Errorf("timeline after the edit: %+v", tl)
		}
	}
	if len(w.a.Timeline("alice")) != 0 || !w.a.Tombstoned(bob+"/statuses/n") {
		t.Error("the note is still there")
	}
}

// TestNotesThatSomeServerRefuses: what GoToSocial, Akkoma or Mastodon would not take.
func TestNotesThatSomeServerRefuses(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	create := activityOf(bob + "/statuses/n")
	if status, _, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), create); err != nil || status != 202 {
		t.Fatal(status, err)
	}
	later := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	for name, act := range map[string]map[string]any{
		"another date of publication": edited(create, "Update", "1", map[string]any{"published": later, "updated": later}),
		"updated before published":    edited(create, "Update", "2", map[string]any{"updated": "2001-01-01T00:00:00Z"}),
		"fragment":                    edited(create, "Create", "3", map[string]any{"id": bob + "#n"}),
		"no date":                     edited(create, "Create", "4", map[string]any{"id": bob + "/n4", "published": "0001-01-01T00:00:00Z"}),
		"no note":                     edited(create, "Create", "5", map[string]any{"id": bob + "/n5", "type": "Video"}),
	} {
		if status, _, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), act); err != nil || status != 400 {
			t.Errorf("%s: answer %d %v, want 400", name, status, err)
		}
	}
	if tl := w.a.Timeline("alice"); len(tl) != 1 || len(tl[0].Edits) != 0 {
		t.Errorf("timeline: %+v", tl)
	}
}

func TestDeletedActor(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	if err := w.a.DeleteActor(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := w.b.Followers("bob"); len(got) != 0 {
		t.Errorf("followers of bob: %q", got)
	}
	if in := last(t, w.b); !in.Verified || in.Effect != "actor forgotten" {
		t.Errorf("arrived as %+v", in)
	}
	if _, err := w.b.FetchActor(t.Context(), alice); err == nil || !strings.Contains(err.Error(), "410") {
		t.Errorf("fetch of a deleted actor: %v", err)
	}
}

func TestRotatedKey(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	post(t, w.b, "bob", "old key")
	w.b.RotateKey("bob")
	post(t, w.b, "bob", "new key")
	if n := len(w.a.Timeline("alice")); n != 2 {
		t.Errorf("alice has %d notes, want 2", n)
	}
}

func TestFaults(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	w.a.FailWith(fedtest.Fault{Path: "/inbox", Status: 503, Times: 2, Header: http.Header{"Retry-After": {"7"}}})
	for i, want := range []int{503, 503, 202} {
		status, _, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), activityOf(bob+"/statuses/n"))
		if err != nil || status != want {
			t.Fatalf("try %d: %d %v, want %d", i, status, err, want)
		}
	}
	w.a.Fail("/inbox", 0, -1)
	if _, _, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), activityOf("x")); err == nil {
		t.Error("a broken connection gave no error")
	}
	w.a.Fail("/inbox", 0, 0)
	if _, _, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), activityOf("x")); err != nil {
		t.Errorf("after the fault was taken back: %v", err)
	}
}

func TestNetworkReturnsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.a.OnRequest(func(r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		_, err := (&http.Client{Transport: w.net, Timeout: 3 * time.Second}).Get(alice)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		w.net.Handle("a.example", nil)
		if _, err := (&http.Client{Transport: w.net}).Get(alice); err == nil {
			t.Error("a host that was taken off the net still answers")
		}
	})
}

func TestWaitForEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.a.WaitFor(ctx, func(fedtest.Arrival) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
