package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/fedtest"
	"crier/store"
)

var stormSeed = flag.Uint64("storm-seed", 0, "seed of TestKilledInTheThickOfIt; 0: a new one")

// busyFrom is how many requests a busy server answers before it is busy: the first follow must be accepted at once.
const busyFrom = 20

// storm is a daemon that is killed while everything goes on at once.
type storm struct {
	*victim
	w       *world
	random  *rand.Rand
	servers []*fedtest.Server // the usual one, one that is slow, and one that is often busy
	users   []*stormUser
}

// stormUser is somebody who follows, and perhaps unfollows. What was not answered may have happened or not.
type stormUser struct {
	server   *fedtest.Server
	name     string
	accepted bool // the follow was answered
	undone   bool // the end of it was sent
	ended    bool // and answered
}

// TestKilledInTheThickOfIt kills the daemon with SIGKILL at random moments while it publishes, edits, delivers to
// several servers, one slow and one busy, and is followed and unfollowed. In the end nothing is lost, and nothing has
// two ids.
func TestKilledInTheThickOfIt(t *testing.T) {
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -storm-seed=%d", seed)
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := newStorm(ctx, t, seed)
	for i := range rounds {
		s.round(ctx, i)
	}
	s.w.blog.serve(stormFeed(rounds, rounds), "application/rss+xml")
	p := s.start()
	if err := s.poll(ctx); err != nil {
		t.Fatal(err)
	}
	s.arrive(ctx, rounds)
	p.kill()
	p.gone()
	s.judgePosts(rounds)
	s.judgeFollowers()
}

func newStorm(ctx context.Context, t *testing.T, seed uint64) *storm {
	t.Helper()
	w := newWorld(t)
	s := &storm{w: w, random: rand.New(rand.NewPCG(seed, seed)), servers: []*fedtest.Server{w.peer}}
	names := map[string]string{"fedi.example": w.cfg.Listen}
	var mu sync.Mutex
	posts := 0
	for name, hook := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"slow.example": func(_ http.ResponseWriter, r *http.Request) bool {
			select {
			case <-time.After(30 * time.Millisecond):
			case <-r.Context().Done():
			}
			return true
		},
		"busy.example": func(rw http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if posts++; r.Method == http.MethodPost && posts > busyFrom && posts%3 == 0 {
				rw.WriteHeader(http.StatusServiceUnavailable)
				return false
			}
			return true
		},
	} {
		peer := fedtest.New(fedtest.Config{BaseURL: "http://" + name, HTTP: dialing(names)})
		t.Cleanup(peer.Close)
		at := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if hook(rw, r) {
				peer.ServeHTTP(rw, r)
			}
		}))
		t.Cleanup(at.Close)
		names[name], w.cfg.Network.Resolve[name] = host(at.URL), host(at.URL)
		s.servers = append(s.servers, peer)
	}
	s.victim = newVictim(t, w)
	s.firstLife(ctx, w)
	p := s.start()
	for _, server := range s.servers[1:] {
		server.AddActor("alice")
		if _, err := server.Follow(ctx, "alice", crierActor); err != nil {
			t.Fatal(err)
		}
		// What comes before the Accept is dropped by her server.
		if err := server.Wait(ctx, func() bool { return server.Following("alice", crierActor) }); err != nil {
			t.Fatal("the follow was not accepted: ", err)
		}
	}
	p.kill()
	p.gone()
	return s
}

// round is one life of the daemon.
func (s *storm) round(ctx context.Context, i int) {
	s.w.blog.serve(stormFeed(i+1, i), "application/rss+xml")
	server := s.servers[s.random.IntN(len(s.servers))]
	comes := &stormUser{server: server, name: fmt.Sprintf("user%d", i)}
	server.AddActor(comes.name)
	var goes *stormUser
	if len(s.users) > 0 {
		if u := s.users[s.random.IntN(len(s.users))]; u.accepted && !u.undone && u.server.Following(u.name, crierActor) {
			goes = u
		}
	}
	s.users = append(s.users, comes)
	p := s.start()
	p.killIn(ctx, s.random.IntN(70))
	var all sync.WaitGroup
	all.Go(func() {
		_, err := comes.server.Follow(ctx, comes.name, crierActor)
		comes.accepted = err == nil
	})
	if goes != nil {
		goes.undone = true
		all.Go(func() { goes.ended = goes.server.Undo(ctx, goes.name, crierActor) == nil })
	}
	all.Go(func() { _ = s.poll(ctx) })
	all.Wait()
	p.gone()
}

// stormFeed is a feed of n entries whose first are edited.
func stormFeed(n, edited int) []byte {
	feed := string(feedOf(n))
	for i := range edited / 2 {
		feed = strings.Replace(feed, fmt.Sprintf("Text %d.<", i+1), fmt.Sprintf("Edited %d.<", i+1), 1)
	}
	return []byte(feed)
}

// arrive waits until all that waits has arrived; what a busy server put off is tried at once.
func (s *storm) arrive(ctx context.Context, rounds int) {
	s.t.Helper()
	c, err := admin.Dial(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for lacks := ""; ; <-look.C {
		waiting, err := c.Deliveries(ctx)
		if err != nil {
			s.t.Fatalf("not everything arrives: %v; last seen: %s\n%s", err, lacks, s.arrivals(lacks))
		}
		if lacks = s.lacks(rounds); len(waiting) == 0 && lacks == "" {
			return
		}
		if lacks += fmt.Sprintf(", %d waiting", len(waiting)); len(waiting) > 0 {
			lacks += fmt.Sprintf(", first %+v", waiting[0])
		}
		if _, err := c.SettleDeliveries(ctx, admin.DeliveryRequest{}); err != nil && len(waiting) > 0 {
			s.t.Logf("retry: %v", err)
		}
	}
}

// lacks is the first entry whose last text somebody does not have; empty where there is none.
func (s *storm) lacks(rounds int) string {
	for _, server := range s.servers {
		texts := map[string]string{}
		for _, n := range server.Timeline("alice") {
			texts[n.ID] = n.Content
		}
		for i := range rounds {
			want := "Text"
			if i < rounds/2 {
				want = "Edited"
			}
			id := fmt.Sprintf("%s/posts/blog.example/%d/", s.w.cfg.BaseURL, i+1)
			if !strings.Contains(texts[id], fmt.Sprintf("%s %d.", want, i+1)) {
				return fmt.Sprintf("%s has %q of %s", server.BaseURL(), texts[id], id)
			}
		}
	}
	return ""
}

// arrivals are those of the server and object that are named in a text, one a line.
func (s *storm) arrivals(text string) string {
	var b strings.Builder
	for _, server := range s.servers {
		for _, a := range server.Arrivals() {
			if strings.HasPrefix(text, server.BaseURL()) && strings.Contains(text, a.Object) {
				fmt.Fprintf(&b, "%s %s %s: %d %q %v duplicate %v\n", a.Time.Format(time.StampMilli), a.Type, a.ID, a.Status, a.Effect, a.Err, a.Duplicate)
			}
		}
	}
	return b.String()
}

// judgePosts looks at what each server got: every post once, by one activity.
func (s *storm) judgePosts(rounds int) {
	s.t.Helper()
	for _, server := range s.servers {
		got := creates(server)
		for i := 1; i <= rounds; i++ {
			id := fmt.Sprintf("%s/posts/blog.example/%d/", s.w.cfg.BaseURL, i)
			if len(got[id]) != 1 {
				s.t.Errorf("%s: %s came in %d different Creates", server.BaseURL(), id, len(got[id]))
			}
		}
		if len(got) != rounds {
			s.t.Errorf("%s: %d posts, there are %d entries", server.BaseURL(), len(got), rounds)
		}
		if n := len(server.Timeline("alice")); n != rounds {
			s.t.Errorf("%s: alice sees %d posts", server.BaseURL(), n)
		}
	}
}

// judgeFollowers compares who follows in the store with what was answered.
func (s *storm) judgeFollowers() {
	s.t.Helper()
	db, err := store.Open(filepath.Join(s.dir, "crier.db"), store.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if found, err := db.Check(); err != nil || len(found) > 0 {
		s.t.Errorf("the store is not sound: %v %v", found, err)
	}
	answered, ended := 0, 0
	for _, u := range s.users {
		_, err := db.Follower(u.server.BaseURL() + "/users/" + u.name)
		switch {
		case u.ended:
			ended++
			if err == nil {
				s.t.Errorf("%s of %s: the end of the follow was answered with 202 and lost", u.name, u.server.BaseURL())
			}
		case u.accepted && !u.undone:
			answered++
			if err != nil {
				s.t.Errorf("%s of %s: the follow was answered with 202 and lost: %v", u.name, u.server.BaseURL(), err)
			}
			if !u.server.Following(u.name, crierActor) {
				s.t.Errorf("%s of %s follows and never got the Accept", u.name, u.server.BaseURL())
			}
		}
	}
	s.t.Logf("%d follows and %d ends of follows were answered", answered, ended)
	if !testing.Short() && (answered == 0 || ended == 0) {
		s.t.Error("the daemon was always killed too early to show anything")
	}
}
