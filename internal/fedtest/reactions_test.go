package fedtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/fedtest"
)

func TestLike(t *testing.T) {
	w := newWorld(t)
	id := post(t, w.b, "bob", "x")
	like, err := w.a.Like(t.Context(), "alice", id)
	check(t, err)
	if got := w.b.Reactions(id); len(got) != 1 || got[0] != (fedtest.Reaction{ID: like, Type: "Like", Actor: alice, Object: id}) {
		t.Errorf("reactions: %+v", got)
	}
	if in := last(t, w.b); in.Inbox != "/users/bob/inbox" {
		t.Errorf("the Like came to %s", in.Inbox)
	}
	check(t, w.a.Unlike(t.Context(), "alice", id))
	if got := w.b.Reactions(id); len(got) != 0 || effect(w.b, "Undo") != "Like taken back" {
		t.Errorf("after the Undo: %+v, %s", got, effect(w.b, "Undo"))
	}
	if err := w.a.Unlike(t.Context(), "alice", id); err == nil {
		t.Error("a Like that was never sent was taken back")
	}
}

// TestAnnounce: a boost stands in the timelines of the booster's followers, with a note that they never got.
func TestAnnounce(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	w.b.AddActor("carl")
	id := post(t, w.b, "carl", "unheard of")
	boost, err := w.b.Announce(t.Context(), "bob", id)
	check(t, err)
	tl := w.a.Timeline("alice")
	if len(tl) != 1 || tl[0].ID != id || tl[0].BoostedBy != bob || tl[0].Boost != boost || tl[0].Content != "unheard of" || tl[0].Author != "https://b.example/users/carl" {
		t.Errorf("timeline: %+v", tl)
	}
	if got := w.a.Reactions(id); len(got) != 1 || got[0].Type != "Announce" || got[0].Actor != bob {
		t.Errorf("reactions: %+v", got)
	}
	check(t, w.b.Unannounce(t.Context(), "bob", id))
	if len(w.a.Timeline("alice")) != 0 || len(w.a.Reactions(id)) != 0 {
		t.Errorf("after the Undo: %+v", w.a.Timeline("alice"))
	}
}

func TestAnnounceOfLittleUse(t *testing.T) {
	w := newWorld(t)
	id := post(t, w.b, "bob", "x")
	announce := func(n, object string, set map[string]any) (int, string) {
		t.Helper()
		act := map[string]any{"id": bob + "/announces/" + n, "type": "Announce", "actor": bob, "object": object}
		for k, v := range set {
			act[k] = v
		}
		status, _, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), act)
		check(t, err)
		return status, last(t, w.a).Effect
	}
	if _, got := announce("1", id, nil); got != "ignored: nobody here follows who boosts" {
		t.Error(got)
	}
	follow(t, w.a, "alice", bob)
	secret, err := w.b.Post(t.Context(), "bob", "psst", fedtest.PostOptions{Visibility: fedtest.Direct})
	check(t, err)
	w.b.AddActor("carl")
	hidden, err := w.b.Post(t.Context(), "carl", "psst", fedtest.PostOptions{Visibility: fedtest.Followers})
	check(t, err)
	check(t, w.b.DeletePost(t.Context(), "bob", secret))
	for n, c := range map[string]struct{ object, want string }{
		"2": {hidden, "ignored: the note is not public"},
		"3": {secret, "ignored: the note cannot be had: " + secret + " answers 410"},
	} {
		if _, got := announce(n, c.object, nil); len(got) < len(c.want) || got[:len(c.want)] != c.want {
			t.Errorf("%s: %s, want %s", n, got, c.want)
		}
	}
	long := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	if status, _ := announce("4", id, map[string]any{"published": long}); status != 400 {
		t.Errorf("a boost older than its note is answered with %d", status)
	}
}

func TestReplyEditDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		follow(t, w.a, "anna", bob)
		id := post(t, w.b, "bob", "question")
		reply, err := w.a.Reply(t.Context(), "alice", id, "answer")
		check(t, err)
		tl := w.b.Timeline("bob")
		if len(tl) != 1 || tl[0].ID != reply || tl[0].InReplyTo != id || tl[0].Visibility != fedtest.Public {
			t.Errorf("timeline of bob: %+v", tl)
		}
		check(t, w.a.EditPost(t.Context(), "alice", reply, "better answer"))
		if tl := w.b.Timeline("bob"); tl[0].Content != "better answer" || len(tl[0].Edits) != 1 {
			t.Errorf("after the edit: %+v", tl)
		}
		if err := w.a.EditPost(t.Context(), "anna", reply, "not mine"); err == nil {
			t.Error("somebody else edited the post")
		}
		check(t, w.a.DeletePost(t.Context(), "alice", reply))
		if len(w.b.Timeline("bob")) != 0 || !w.b.Tombstoned(reply) || !w.a.Tombstoned(reply) {
			t.Errorf("after the deletion: %+v", w.b.Timeline("bob"))
		}
	})
}

func TestVisibilities(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	for _, v := range []fedtest.Visibility{fedtest.Public, fedtest.Unlisted, fedtest.Followers, fedtest.Direct} {
		id, err := w.b.Post(t.Context(), "bob", "x", fedtest.PostOptions{Visibility: v, Mention: []string{alice}})
		check(t, err)
		tl := w.a.Timeline("alice")
		inbox := map[bool]string{true: "/users/alice/inbox", false: "/inbox"}[v == fedtest.Direct]
		if tl[0].ID != id || tl[0].Visibility != v || last(t, w.a).Inbox != inbox {
			t.Errorf("%s: stands there as %+v, came to %s", v, tl[0], last(t, w.a).Inbox)
		}
	}
	if tl := w.a.Timeline("anna"); len(tl) != 0 {
		t.Errorf("anna sees %+v", tl)
	}
}
