package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/store"
)

// TestKilledWhileWriting kills the daemon with SIGKILL while the owner writes, edits, pins and deletes posts. What was
// answered is never lost; what was not happened as a whole or not at all; and the followers see in the end what the
// store has, each post once.
func TestKilledWhileWriting(t *testing.T) {
	w := newWorld(t)
	v := newVictim(t, w)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	random := rand.New(rand.NewPCG(3, 4))
	v.firstLife(ctx, w)

	const rounds = 12
	answered := map[string]bool{} // by id: whether the post lives
	for i := range rounds {
		p := v.start()
		if i%3 == 0 {
			w.peer.OnRequest(onPost(func() { p.killIn(ctx, random.IntN(3)) }))
		} else {
			p.killIn(ctx, random.IntN(40))
		}
		v.write(ctx, i, answered)
		p.killIn(ctx, 50) // at the latest
		p.gone()
		w.peer.OnRequest(nil)
	}
	p := v.start()
	v.delivered(ctx)
	p.kill()
	p.gone()
	v.judgeWriting(w, answered)
	t.Logf("%d rounds, %d posts answered for", rounds, len(answered))
}

// delivered waits until nothing waits in the queue.
func (v *victim) delivered(ctx context.Context) {
	v.t.Helper()
	c, err := admin.Dial(v.dir)
	if err != nil {
		v.t.Fatal(err)
	}
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		waiting, err := c.Deliveries(ctx)
		if err != nil {
			v.t.Fatalf("not everything arrives: %v", err)
		}
		if len(waiting) == 0 {
			return
		}
		<-look.C
	}
}

// write does several things one after the other until the daemon dies under one of them.
func (v *victim) write(ctx context.Context, round int, answered map[string]bool) {
	c, err := admin.Dial(v.dir)
	if err != nil {
		return
	}
	var last string
	do := func(r admin.PostRequest) bool {
		done, err := c.DoPost(ctx, r)
		if err != nil {
			if r.Do == admin.PostDelete { // it may have happened
				delete(answered, last)
			}
			return false
		}
		if done.Post.Kind == admin.KindNote {
			last = done.Post.ID
			answered[last] = done.Post.State == "live"
		}
		return true
	}
	_ = do(admin.PostRequest{Do: admin.PostNew, Markdown: fmt.Sprintf("first of round %d", round)}) &&
		do(admin.PostRequest{Do: admin.PostPin, Post: last}) &&
		do(admin.PostRequest{Do: admin.PostBoost, Post: last}) &&
		do(admin.PostRequest{Do: admin.PostEdit, Post: last, Markdown: "edited"}) &&
		do(admin.PostRequest{Do: admin.PostDelete, Post: last}) &&
		do(admin.PostRequest{Do: admin.PostNew, Markdown: fmt.Sprintf("second of round %d", round)})
}

// judgeWriting compares what the follower sees with what the store has.
func (v *victim) judgeWriting(w *world, answered map[string]bool) {
	v.t.Helper()
	db, err := store.Open(filepath.Join(v.dir, "crier.db"), store.Options{})
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if found, err := db.Check(); err != nil || len(found) > 0 {
		v.t.Errorf("the store is not sound: %v %v", found, err)
	}
	posts, err := db.Posts()
	if err != nil {
		v.t.Fatal(err)
	}
	states := map[string]bool{}
	live := 0
	for _, p := range posts {
		states[p.ID] = p.State == store.PostLive
		live += map[bool]int{true: 1}[states[p.ID]]
	}
	for id, lives := range answered {
		if was, known := states[id]; !known || was != lives {
			v.t.Errorf("%s: the owner was told that it lives: %v; now %v, known %v", id, lives, was, known)
		}
	}
	seen := map[string]int{}
	for _, n := range w.peer.Timeline("alice") {
		if n.BoostedBy == "" {
			seen[n.ID]++
		}
	}
	for id, times := range seen {
		if !states[id] || times != 1 {
			v.t.Errorf("alice sees %s %d times; it lives: %v", id, times, states[id])
		}
	}
	if len(seen) != live {
		v.t.Errorf("alice sees %d posts, %d live", len(seen), live)
	}
}
