package fedtest_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/fedtest"
)

// movers is a world of three servers: alice and anna of a.example and carl of c.example follow bob of b.example,
// who wants to become bert of c.example.
type movers struct {
	world
	c *fedtest.Server
}

const bert = "https://c.example/users/bert"

func newMovers(t *testing.T) movers {
	t.Helper()
	m := movers{world: newWorld(t)}
	m.c = m.server(t, fedtest.Config{BaseURL: "https://c.example"})
	m.c.AddActor("bert")
	m.c.AddActor("carl")
	follow(t, m.a, "alice", bob)
	follow(t, m.a, "anna", bob)
	follow(t, m.c, "carl", bob)
	return m
}

// arrived lists what came to a server by that actor: type and effect.
func arrived(s *fedtest.Server, actor string) []string {
	var all []string
	for _, in := range s.Arrivals() {
		if in.Actor == actor {
			all = append(all, in.Type+": "+in.Effect)
		}
	}
	return all
}

func TestMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMovers(t)
		if err := m.c.AddAlias(t.Context(), "bert", bob); err != nil {
			t.Fatal(err)
		}
		id, err := m.b.Move(t.Context(), "bob", bert)
		if err != nil || !strings.HasPrefix(id, bob+"/moves/") {
			t.Fatal(id, err)
		}
		synctest.Wait()
		want := []string{"https://a.example/users/alice", "https://a.example/users/anna", "https://c.example/users/carl"}
		if got := m.c.Followers("bert"); !slices.Equal(got, want) {
			t.Errorf("followers of bert: %q, want %q", got, want)
		}
		if got := m.b.Followers("bob"); len(got) != 0 {
			t.Errorf("followers left behind: %q", got)
		}
		if !m.a.Following("alice", bert) || m.a.Following("alice", bob) || m.a.MovedTo(bob) != bert {
			t.Errorf("alice follows %+v; bob moved to %q", m.a.Follows("alice"), m.a.MovedTo(bob))
		}
		got := arrived(m.a, bob)
		if want := []string{"Update: profile updated", "Move: moved with 2 followers to " + bert}; !slices.Equal(got[len(got)-2:], want) {
			t.Errorf("a.example got %q, want %q at the end", got, want)
		}
		if r, _ := m.a.Remote(bob); r.MovedTo() != bert {
			t.Errorf("the Update says it moved to %q", r.MovedTo())
		}

		// Who comes too late is sent away.
		if _, err := m.c.Follow(t.Context(), "carl", bob); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if fs := m.c.Follows("carl"); m.c.Following("carl", bob) || !slices.ContainsFunc(fs, func(f fedtest.Follow) bool { return f.Object == bob && f.Rejected }) {
			t.Errorf("carl follows %+v", fs)
		}
	})
}

// TestMoveRefusedOnItsWayOut: what Mastodon would not let pass on its way out.
func TestMoveRefusedOnItsWayOut(t *testing.T) {
	m := newMovers(t)
	for target, want := range map[string]string{
		bert:                             "not also known as",
		bob:                              "to itself",
		"https://c.example/users/nobody": "404",
	} {
		if _, err := m.b.Move(t.Context(), "bob", target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("move to %s: %v, want %q", target, err, want)
		}
	}
	if err := m.c.AddAlias(t.Context(), "bert", bob); err != nil {
		t.Fatal(err)
	}
	if _, err := m.b.Move(t.Context(), "bob", bert); err != nil {
		t.Fatal(err)
	}
	if err := m.b.CancelMove(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	if r, err := m.a.FetchActor(t.Context(), bob); err != nil || r.MovedTo() != "" {
		t.Errorf("after the move was cancelled bob has moved to %q %v", r.MovedTo(), err)
	}
	if _, err := m.b.Move(t.Context(), "bob", bert); err == nil || !strings.Contains(err.Error(), "720h") {
		t.Errorf("a second move at once: %v", err)
	}
}

// TestMoveNotBelieved: nobody follows where the target does not agree, or where it was only just believed.
func TestMoveNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMovers(t)
		move := func(target string) string {
			t.Helper()
			id := bob + "/moves/" + time.Now().Format(time.RFC3339Nano)
			time.Sleep(time.Second)
			act := map[string]any{"id": id, "type": "Move", "actor": bob, "object": bob, "target": target}
			if status, body, err := m.b.Send(t.Context(), "bob", m.a.SharedInbox(), act); err != nil || status != 202 {
				t.Fatal(status, body, err)
			}
			synctest.Wait()
			return last(t, m.a).Effect
		}
		if got := move(bert); got != "ignored: the target is not also known as who moves" {
			t.Error(got)
		}
		if got := move("https://c.example/users/nobody"); !strings.HasPrefix(got, "ignored: the target cannot be fetched") {
			t.Error(got)
		}
		m.b.SetProperty("bob", "alsoKnownAs", bob)
		if got := move(bob); got != "ignored: a move to itself" {
			t.Error(got)
		}
		if !m.a.Following("alice", bob) {
			t.Fatal("alice left bob although nothing was proved")
		}
		if err := m.c.AddAlias(t.Context(), "bert", bob); err != nil {
			t.Fatal(err)
		}
		if move(bert); !m.a.Following("anna", bert) {
			t.Error("anna follows", m.a.Follows("anna"))
		}
		for _, pause := range []time.Duration{0, 6 * 24 * time.Hour} {
			time.Sleep(pause)
			if got := move(bert); got != "ignored: it has moved within 7 days" {
				t.Error(got)
			}
		}
		time.Sleep(2 * 24 * time.Hour)
		if got := move(bert); got != "moved with 0 followers to "+bert {
			t.Error(got)
		}
	})
}

func TestMoveOfAnother(t *testing.T) {
	m := newMovers(t)
	act := map[string]any{"id": bob + "/m", "type": "Move", "actor": bob, "object": alice, "target": bert}
	if status, _, err := m.b.Send(t.Context(), "bob", m.c.SharedInbox(), act); err != nil || status != 401 {
		t.Errorf("answer %d %v, want 401", status, err)
	}
}

func TestAliases(t *testing.T) {
	m := newMovers(t)
	for range 2 {
		if err := m.c.AddAlias(t.Context(), "bert", bob); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.c.Aliases("bert"); !slices.Equal(got, []string{bob}) {
		t.Errorf("aliases: %q", got)
	}
	if r, err := m.a.FetchActor(t.Context(), bert); err != nil || !slices.Equal(r.AlsoKnownAs(), []string{bob}) {
		t.Errorf("the document says %q %v", r.AlsoKnownAs(), err)
	}
	if err := m.c.RemoveAlias(t.Context(), "bert", bob); err != nil || len(m.c.Aliases("bert")) != 0 {
		t.Errorf("after the removal: %q %v", m.c.Aliases("bert"), err)
	}
	if err := m.c.AddAlias(t.Context(), "bert", "https://b.example/users/none"); err == nil {
		t.Error("an alias that cannot be fetched was taken")
	}
}
