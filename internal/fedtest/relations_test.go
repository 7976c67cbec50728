package fedtest_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"crier/internal/fedtest"
)

// check fails the test where what was done went wrong.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// effect is what the last activity of that type did at a server.
func effect(s *fedtest.Server, typ string) string {
	for _, in := range slices.Backward(s.Arrivals()) {
		if in.Type == typ {
			return in.Effect
		}
	}
	return "nothing came"
}

func TestApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.b.AddActorWith("bob", fedtest.ActorOptions{Locked: true})
		if r, err := w.a.FetchActor(t.Context(), bob); err != nil || r.Raw["manuallyApprovesFollowers"] != true {
			t.Errorf("the document says %v %v", r.Raw["manuallyApprovesFollowers"], err)
		}
		for _, user := range []string{"alice", "anna"} {
			_, err := w.a.Follow(t.Context(), user, bob)
			check(t, err)
		}
		synctest.Wait()
		anna := "https://a.example/users/anna"
		if got := w.b.FollowRequests("bob"); !slices.Equal(got, []string{alice, anna}) || len(w.b.Followers("bob")) != 0 {
			t.Fatalf("requests %q, followers %q", got, w.b.Followers("bob"))
		}
		check(t, w.b.Approve(t.Context(), "bob", alice))
		check(t, w.b.Reject(t.Context(), "bob", anna))
		if !w.a.Following("alice", bob) || w.a.Following("anna", bob) || !w.a.Follows("anna")[0].Rejected {
			t.Errorf("alice: %+v, anna: %+v", w.a.Follows("alice"), w.a.Follows("anna"))
		}
		// A follower who asks again is told again, without a second approval.
		_, err := w.a.Follow(t.Context(), "alice", bob)
		check(t, err)
		synctest.Wait()
		if !w.a.Following("alice", bob) {
			t.Errorf("after a second Follow: %+v", w.a.Follows("alice"))
		}
		if err := w.b.Approve(t.Context(), "bob", anna); err == nil {
			t.Error("who never asked was approved")
		}
		// Removing a follower is the same Reject.
		check(t, w.b.Reject(t.Context(), "bob", alice))
		if len(w.b.Followers("bob")) != 0 || w.a.Following("alice", bob) {
			t.Errorf("followers %q, alice: %+v", w.b.Followers("bob"), w.a.Follows("alice"))
		}
	})
}

func TestBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		follow(t, w.a, "alice", bob)
		follow(t, w.b, "bob", alice)
		check(t, w.b.Block(t.Context(), "bob", alice))
		synctest.Wait()
		if !w.a.BlockedBy("alice", bob) || w.a.Following("alice", bob) || len(w.a.Followers("alice")) != 0 || len(w.b.Followers("bob")) != 0 {
			t.Errorf("alice follows %+v, is followed by %q; bob by %q", w.a.Follows("alice"), w.a.Followers("alice"), w.b.Followers("bob"))
		}
		_, err := w.a.Follow(t.Context(), "alice", bob)
		check(t, err)
		synctest.Wait()
		if got := effect(w.b, "Follow"); got != "follow rejected: bob blocks who asks" || !w.a.Follows("alice")[0].Rejected {
			t.Errorf("a Follow of who blocks: %s, %+v", got, w.a.Follows("alice"))
		}
		_, err = w.a.Post(t.Context(), "alice", "psst", fedtest.PostOptions{Mention: []string{bob}, Visibility: fedtest.Direct})
		check(t, err)
		if tl := w.b.Timeline("bob"); len(tl) != 0 {
			t.Errorf("bob sees %+v", tl)
		}
		check(t, w.b.Unblock(t.Context(), "bob", alice))
		if w.a.BlockedBy("alice", bob) {
			t.Error("alice is still blocked")
		}
		follow(t, w.a, "alice", bob)
		if err := w.b.Unblock(t.Context(), "bob", alice); err == nil {
			t.Error("a block that is not there was taken back")
		}
	})
}

func TestFlag(t *testing.T) {
	w := newWorld(t)
	id := post(t, w.b, "bob", "rude")
	check(t, w.a.Flag(t.Context(), bob, "look at this", id))
	in := last(t, w.b)
	if in.Type != "Flag" || in.Actor != "https://a.example/actor" || in.Status != 202 || in.Effect != `report taken about ["`+bob+`" "`+id+`"]` {
		t.Errorf("arrived as %+v", in)
	}
}
