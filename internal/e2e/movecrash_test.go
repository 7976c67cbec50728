package e2e

import (
	"context"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/fedtest"
	"crier/store"
)

// TestMoveKilledAtAnyMoment kills the daemon with SIGKILL all through a move: while it is recorded, while the Update
// and the Move are under way, and between. In the end the follower's server has heard of one move, by one id, after
// an Update, and crier knows that it has.
func TestMoveKilledAtAnyMoment(t *testing.T) {
	w := newWorld(t)
	v := newVictim(t, w)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	random := rand.New(rand.NewPCG(3, 4))

	v.firstLife(ctx, w)
	p := v.start()
	bea := w.peer.AddActor("bea")
	if err := w.peer.AddAlias(ctx, "bea", crierActor); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.gone()

	moments := []func(p *process){
		func(p *process) { p.killIn(ctx, random.IntN(40)) },
		func(p *process) { w.peer.OnRequest(onPost(p.kill)) },                                   // tried, not yet taken
		func(p *process) { w.peer.OnRequest(onPost(func() { p.killIn(ctx, random.IntN(4)) })) }, // taken, not yet settled
		func(p *process) { w.peer.OnRequest(func(r *http.Request) { p.killIn(ctx, 1) }) },       // while the target is looked up
	}
	for i := range 8 {
		p := v.start()
		moments[i%len(moments)](p)
		if c, err := admin.Dial(v.dir); err == nil {
			// It dies under it, or has begun before.
			_, _ = c.BeginMove(ctx, admin.MoveRequest{Target: bea.ID})
		}
		p.killIn(ctx, 300+1000*(i/4%2)) // at the latest; now and then when the Move is due
		p.gone()
		w.peer.OnRequest(nil)
	}
	p = v.start()
	c, err := admin.Dial(v.dir)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.MoveStatus(ctx, false); err != nil || s.Phase == "none" {
		if _, err := c.BeginMove(ctx, admin.MoveRequest{Target: bea.ID}); err != nil {
			t.Fatal(err)
		}
	}
	// Whether alice goes over is not asked: this peer gives up with the connection of a Move that is cut off.
	if _, err := w.peer.WaitFor(ctx, func(a fedtest.Arrival) bool { return a.Type == "Move" && a.Verified && a.Err == nil }); err != nil {
		t.Fatal("no Move arrived: ", err)
	}
	moveIsDone(ctx, t, c)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.gone()
	v.judgeMove(w)
}

// judgeMove looks at what peer and store have in the end.
func (v *victim) judgeMove(w *world) {
	v.t.Helper()
	ids := map[string]map[string]bool{}
	var order []string
	for _, a := range w.peer.Arrivals() {
		if a.Object != crierActor {
			continue
		}
		if ids[a.Type] == nil {
			ids[a.Type] = map[string]bool{}
			order = append(order, a.Type)
		}
		ids[a.Type][a.ID] = true
	}
	if got := strings.Join(order, ", "); got != "Update, Move" || len(ids["Move"]) != 1 || len(ids["Update"]) != 1 {
		v.t.Errorf("the peer got %s; ids: %v", got, ids)
	}
	db, err := store.Open(filepath.Join(v.dir, "crier.db"), store.Options{})
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if found, err := db.Check(); err != nil || len(found) > 0 {
		v.t.Errorf("the store is not sound: %v %v", found, err)
	}
}

// moveIsDone waits until nothing of the move waits to be sent.
func moveIsDone(ctx context.Context, t *testing.T, c *admin.Client) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for phase := ""; phase != "done"; <-look.C {
		s, err := c.MoveStatus(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		phase = s.Phase
	}
}
