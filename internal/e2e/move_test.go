package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/app"
	"crier/internal/fedtest"
)

// town is a world with further servers, on which people follow.
type town struct {
	*world
	names   map[string]string // of everybody, to their addresses
	servers map[string]*fedtest.Server
}

// newTown makes a world with servers named birch, heron and sedge beside the blog and crier.
func newTown(t *testing.T) *town {
	w := newWorld(t)
	tn := &town{world: w, names: map[string]string{"fedi.example": w.cfg.Listen}, servers: map[string]*fedtest.Server{}}
	for _, name := range []string{"birch", "heron", "sedge"} {
		s := fedtest.New(fedtest.Config{BaseURL: "http://" + name + ".example", HTTP: dialing(tn.names)})
		t.Cleanup(s.Close)
		served := httptest.NewServer(s)
		t.Cleanup(served.Close)
		tn.names[name+".example"] = host(served.URL)
		w.cfg.Network.Resolve[name+".example"] = host(served.URL)
		tn.servers[name] = s
	}
	// The blog's own domain passes WebFinger on to crier.
	tn.names["blog.example"], w.cfg.Network.Resolve["blog.example"] = w.cfg.Listen, w.cfg.Listen
	return tn
}

// people are four followers on three servers.
func people() [][2]string {
	return [][2]string{{"birch", "carl"}, {"heron", "dora"}, {"heron", "emil"}, {"sedge", "fritz"}}
}

func (tn *town) settled() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tn.t.Cleanup(cancel)
	return ctx
}

// allFollow lets everybody follow an account, and waits until all are accepted.
func (tn *town) allFollow(actor string) {
	tn.t.Helper()
	for _, p := range people() {
		s := tn.servers[p[0]]
		s.AddActor(p[1])
		if _, err := s.Follow(tn.settled(), p[1], actor); err != nil {
			tn.t.Fatal(err)
		}
	}
	tn.waitFollow(actor, "")
}

// waitFollow waits until everybody follows one account and nobody the other.
func (tn *town) waitFollow(actor, not string) {
	tn.t.Helper()
	for _, p := range people() {
		s := tn.servers[p[0]]
		err := s.Wait(tn.settled(), func() bool {
			return s.Following(p[1], actor) && (not == "" || !slices.ContainsFunc(s.Follows(p[1]), func(f fedtest.Follow) bool { return f.Object == not }))
		})
		if err != nil {
			tn.t.Fatalf("%s on %s follows %+v, not %s: %v", p[1], p[0], s.Follows(p[1]), actor, err)
		}
	}
}

// until waits for what nobody tells of.
func (tn *town) until(what string, ok func() bool) {
	tn.t.Helper()
	ctx := tn.settled()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			tn.t.Fatalf("%s: it does not come to that", what)
		case <-look.C:
		}
	}
}

func (tn *town) followers() int {
	tn.t.Helper()
	n, err := tn.app.Ops().Store.CountFollowers()
	if err != nil {
		tn.t.Fatal(err)
	}
	return n
}

// got is how many activities of a type came to each server, verified.
func (tn *town) got(typ string) map[string]int {
	tn.t.Helper()
	n := map[string]int{}
	for name, s := range tn.servers {
		for _, a := range s.Arrivals() {
			if a.Err != nil || !a.Verified {
				tn.t.Errorf("%s refused %s: %v", name, a.Type, a.Err)
			}
			if a.Type == typ {
				n[name]++
			}
		}
	}
	return n
}

const crierActor = "http://fedi.example/users/user"

// TestMovingIn is the story of moving accounts with crier as the new home: an account on birch, followers on three
// servers; an alias, the Update, the Move; each server's Follow and Undo. The next entry reaches them all.
func TestMovingIn(t *testing.T) {
	tn := newTown(t)
	tn.blog.serve(feedOf(0), "application/rss+xml")
	tn.start()
	tn.poll()
	birch := tn.servers["birch"]
	anna := birch.AddActor("anna")
	tn.allFollow(anna.ID)
	heron := tn.servers["heron"]
	heron.AddActor("early")
	if _, err := heron.Follow(tn.settled(), "early", crierActor); err != nil {
		t.Fatal(err)
	}
	tn.until("early follows", func() bool { return tn.followers() == 1 })

	if _, err := birch.Move(tn.settled(), "anna", crierActor); err == nil {
		t.Fatal("birch let the followers go to an account that does not say that it is also known as anna")
	}
	alias, err := tn.app.Ops().AddAlias(tn.settled(), "@anna@birch.example")
	if err != nil {
		t.Fatal(err)
	}
	if alias.Actor != anna.ID || alias.Followers != 4 || alias.Known != 4 {
		t.Errorf("alias: %+v", alias)
	}
	if _, err := heron.WaitFor(tn.settled(), func(a fedtest.Arrival) bool { return a.Type == "Update" && a.Verified }); err != nil {
		t.Fatal("heron did not hear of the alias: ", err)
	}
	if known, _ := heron.Remote(crierActor); !slices.Equal(known.AlsoKnownAs(), []string{anna.ID}) {
		t.Errorf("heron knows crier as %q", known.AlsoKnownAs())
	}

	if _, err := birch.Move(tn.settled(), "anna", crierActor); err != nil {
		t.Fatal(err)
	}
	tn.waitFollow(crierActor, anna.ID)
	list, err := tn.app.Ops().Aliases(tn.settled())
	if err != nil || len(list) != 1 || list[0].Arrived != 4 || list[0].Since != 4 {
		t.Errorf("arrived: %+v (%v)", list, err)
	}
	if n := tn.followers(); n != 5 {
		t.Errorf("%d followers, want 5", n)
	}
	tn.blog.serve(feedOf(1), "application/rss+xml")
	tn.poll()
	if got := tn.got("Create"); got["birch"] != 1 || got["heron"] != 1 || got["sedge"] != 1 {
		t.Errorf("the next entry arrived %v times", got)
	}
}

// TestMovingOut is the same story with crier as the old home: each server gets Update and Move once, each follower
// follows the new account and undoes the old follow; then crier is quiet, until the owner comes back.
func TestMovingOut(t *testing.T) {
	tn := newTown(t)
	tn.blog.serve(feedOf(0), "application/rss+xml")
	tn.start()
	tn.poll()
	tn.allFollow(crierActor)
	birch := tn.servers["birch"]
	bea := birch.AddActor("bea")

	plan, err := tn.app.Ops().PlanMove(tn.settled(), admin.MoveRequest{Target: "@bea@birch.example"})
	if err != nil || plan.OK() {
		t.Fatalf("a move without alias: %+v (%v)", plan, err)
	}
	if err := birch.AddAlias(tn.settled(), "bea", crierActor); err != nil {
		t.Fatal(err)
	}
	if _, err := tn.app.Ops().BeginMove(tn.settled(), admin.MoveRequest{Target: "@bea@birch.example"}); err != nil {
		t.Fatal(err)
	}
	tn.waitFollow(bea.ID, crierActor)
	tn.until("all have left", func() bool { return tn.followers() == 0 })
	if updates, moves := tn.got("Update"), tn.got("Move"); len(updates) != 3 || len(moves) != 3 || updates["heron"] != 1 || moves["heron"] != 1 {
		t.Errorf("Updates %v, Moves %v", updates, moves)
	}
	tn.until("it is done", func() bool {
		s, err := tn.app.Ops().MoveStatus(context.Background(), false)
		return err == nil && s.Phase == "done" && s.Delivered == 3 && s.Left == 4 && s.Refused == 0
	})
	for name, s := range tn.servers {
		if got := s.MovedTo(crierActor); got != bea.ID {
			t.Errorf("%s thinks that crier moved to %q", name, got)
		}
	}
	move := tn.arrival("heron", "Move")
	var fetched, sent map[string]any
	if fetched, err = tn.servers["heron"].GetObject(tn.settled(), move.ID); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(move.Body, &sent); err != nil || fetched["target"] != sent["target"] || fetched["object"] != crierActor {
		t.Errorf("at its id: %v", fetched)
	}
	tn.quiet()
	tn.homeAgain()
}

// quiet: nobody new may follow, and the next entry goes nowhere.
func (tn *town) quiet() {
	tn.t.Helper()
	sedge := tn.servers["sedge"]
	sedge.AddActor("late")
	if _, err := sedge.Follow(tn.settled(), "late", crierActor); err != nil {
		tn.t.Fatal(err)
	}
	if err := sedge.Wait(tn.settled(), func() bool {
		f := sedge.Follows("late")
		return len(f) == 1 && f[0].Rejected
	}); err != nil {
		tn.t.Errorf("late's follow: %+v", sedge.Follows("late"))
	}
	tn.blog.serve(feedOf(1), "application/rss+xml")
	if _, err := tn.app.Ops().PollNow(tn.settled(), admin.PollRequest{}); err != nil {
		tn.t.Fatal(err)
	}
}

// homeAgain takes the move back: who has gone does not come back, but who follows now is served again.
func (tn *town) homeAgain() {
	tn.t.Helper()
	sedge := tn.servers["sedge"]
	if _, err := tn.app.Ops().CancelMove(tn.settled(), false); err != nil {
		tn.t.Fatal(err)
	}
	again, err := sedge.FetchActor(tn.settled(), crierActor)
	if err != nil || again.MovedTo() != "" {
		tn.t.Errorf("movedTo is %q (%v)", again.MovedTo(), err)
	}
	sedge.AddActor("new")
	if _, err := sedge.Follow(tn.settled(), "new", crierActor); err != nil {
		tn.t.Fatal(err)
	}
	tn.until("new follows", func() bool { return tn.followers() == 1 })
	tn.blog.serve(feedOf(2), "application/rss+xml")
	tn.poll()
	if got := tn.got("Create"); got["sedge"] < 1 || got["birch"]+got["heron"] != 0 {
		tn.t.Errorf("entries arrived %v times", got)
	}
}

func (tn *town) arrival(server, typ string) fedtest.Arrival {
	tn.t.Helper()
	a, err := tn.servers[server].WaitFor(tn.settled(), func(a fedtest.Arrival) bool { return a.Type == typ })
	if err != nil {
		tn.t.Fatal(err)
	}
	return a
}

// TestChangeOfDomain: crier gets another base_url and handle. One process serves the old account and the new one;
// the followers are moved from one to the other, what was posted keeps its ids, and nothing is posted again.
func TestChangeOfDomain(t *testing.T) {
	tn := newTown(t)
	tn.blog.serve(feedOf(1), "application/rss+xml")
	old := tn.cfg
	stop := tn.startOnce()
	tn.poll()
	tn.allFollow(crierActor)
	tn.blog.serve(feedOf(2), "application/rss+xml")
	tn.poll()
	posts, err := tn.app.Ops().Posts(tn.settled())
	if err != nil || len(posts) != 2 {
		t.Fatalf("posts: %+v (%v)", posts, err)
	}
	stop()

	tn.startElsewhere(old.DataDir)
	const newActor = "http://new.example/users/user"
	heron := tn.servers["heron"]
	now, err := heron.FetchActor(tn.settled(), newActor)
	if err != nil || !slices.Equal(now.AlsoKnownAs(), []string{crierActor}) {
		t.Fatalf("the new actor is also known as %q (%v)", now.AlsoKnownAs(), err)
	}
	for handle, want := range map[string]string{"user@blog.new": newActor, "user@blog.example": crierActor} {
		if a, err := heron.Lookup(tn.settled(), handle); err != nil || a.ID != want {
			t.Errorf("@%s leads to %s (%v), want %s", handle, a.ID, err, want)
		}
	}
	plan, err := tn.app.Ops().BeginMove(tn.settled(), admin.MoveRequest{Former: true})
	if err != nil || plan.Handle != "user@blog.new" {
		t.Fatalf("moved to %q (%v)", plan.Handle, err)
	}
	tn.waitFollow(newActor, crierActor)
	tn.until("all have gone over", func() bool {
		s, err := tn.app.Ops().MoveStatus(context.Background(), true)
		return err == nil && s.Phase == "done" && s.Handle == "user@blog.new" && s.Left == 4 && tn.followers() == 4
	})
	if list, err := tn.app.Ops().Aliases(tn.settled()); err != nil || len(list) != 1 || list[0].Arrived != 4 || list[0].Known != 4 {
		t.Errorf("arrived: %+v (%v)", list, err)
	}
	for _, p := range posts {
		if got, err := heron.GetObject(tn.settled(), p.ID); err != nil || got["id"] != p.ID || got["attributedTo"] != crierActor {
			t.Errorf("the old post %s: %v (%v)", p.ID, got["id"], err)
		}
	}
	if was, err := heron.FetchActor(tn.settled(), crierActor); err != nil || was.MovedTo() != newActor {
		t.Errorf("the old actor has movedTo %q (%v)", was.MovedTo(), err)
	}

	before := tn.got("Create")
	tn.blog.serve(feedOf(3), "application/rss+xml")
	tn.poll()
	for name, n := range tn.got("Create") {
		if n != before[name]+1 {
			t.Errorf("%s got %d Creates more, want the one of the new entry", name, n-before[name])
		}
	}
	last := heron.Arrivals()[len(heron.Arrivals())-1]
	if last.Actor != newActor || !strings.HasPrefix(last.Object, "http://new.example/posts/") {
		t.Errorf("the new entry came from %s as %s", last.Actor, last.Object)
	}
}

// startElsewhere starts crier with another base_url and handle, beside the former account.
func (tn *town) startElsewhere(former string) {
	tn.t.Helper()
	// Only changed, it is refused, with the way to do it.
	tn.cfg.BaseURL, tn.cfg.Account.Handle.Host = "http://new.example", "blog.new"
	if _, err := app.New(tn.t.Context(), &tn.cfg, app.Options{Log: slog.New(slog.DiscardHandler), Version: "test"}); err == nil ||
		!strings.Contains(err.Error(), "crier move --former") {
		tn.t.Fatalf("a changed base_url: %v", err)
	}

	tn.cfg.DataDir, tn.cfg.Former = tn.t.TempDir(), former
	for _, name := range []string{"new.example", "blog.new"} {
		tn.names[name], tn.cfg.Network.Resolve[name] = tn.cfg.Listen, tn.cfg.Listen
	}
	tn.listener = relisten(tn.t, tn.cfg.Listen)
	tn.start()
	tn.poll()
}

// startOnce starts the daemon; stop ends it, to be started anew.
func (w *world) startOnce() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, &w.cfg, app.Options{
		Log: slog.New(slog.DiscardHandler), Listener: w.listener, Version: "test", Spacing: time.Millisecond,
	})
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	w.app = a
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error("stop:", err)
		}
	}
}

// relisten listens again where a daemon did that has stopped.
func relisten(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
