package federation

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/fedtest"
	"crier/store"
)

// neighbour is a server of another make on the daemon's network. It sees the signatures of all requests.
type neighbour struct {
	*fedtest.Server
	host string

	mu     sync.Mutex
	knocks []string // "POST cavage", "GET rfc9421", in order
	posts  []sent   // what came to us, as anybody on the way could have kept it
}

// sent is a request that was on the wire.
type sent struct {
	r    *http.Request
	body []byte
}

func (n *neighbour) keep(t *testing.T, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method == http.MethodPost {
		n.mu.Lock()
		n.posts = append(n.posts, sent{r.Clone(t.Context()), body})
		n.mu.Unlock()
	}
}

// newNeighbour puts such a server on the network, with an actor alice, and the daemon as well.
func newNeighbour(t *testing.T, d *daemon, host string, o fedtest.ActorOptions) *neighbour {
	t.Helper()
	n := &neighbour{host: host, Server: fedtest.New(fedtest.Config{BaseURL: "https://" + host, HTTP: d.net})}
	d.net.handle("fedi.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.keep(t, r)
		d.s.Handler().ServeHTTP(w, r)
	}))
	n.AddActorWith("alice", o)
	n.OnRequest(func(r *http.Request) {
		scheme := "cavage"
		if r.Header.Get("Signature-Input") != "" {
			scheme = "rfc9421"
		}
		n.mu.Lock()
		n.knocks = append(n.knocks, r.Method+" "+scheme)
		n.mu.Unlock()
	})
	d.net.handle(host, n)
	t.Cleanup(n.Close)
	return n
}

// heard returns the requests since the last call, one line for all.
func (n *neighbour) heard() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := strings.Join(n.knocks, ", ")
	n.knocks = nil
	return all
}

// follow has alice follow us.
func (n *neighbour) follow(t *testing.T) {
	t.Helper()
	if _, err := n.Follow(t.Context(), "alice", testBase+"/users/user"); err != nil {
		t.Fatal(err)
	}
}

// takes has the server take one kind of signature only.
func (n *neighbour) takes(scheme fedtest.Scheme) {
	n.SetSignatures(fedtest.Signatures{Only: true, Accept: scheme})
}

// verified counts the arrivals that were taken, by type of activity.
func (n *neighbour) verified(typ string) int {
	count := 0
	for _, a := range n.Arrivals() {
		if a.Type == typ && a.Verified && a.Err == nil && !a.Duplicate {
			count++
		}
	}
	return count
}

func expectHeard(t *testing.T, n *neighbour, when, want string) {
	t.Helper()
	settle()
	if got := n.heard(); got != want {
		t.Errorf("%s: %s was asked by\n%s\nwant\n%s", when, n.host, got, want)
	}
}

// TestKnock is the life of a host that changes its mind: it takes the old way, then the new one only, is
// remembered over a restart, and goes back.
func TestKnock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		n := newNeighbour(t, d, "a.example", fedtest.ActorOptions{})
		d.run()
		n.follow(t)
		settle()
		n.heard()
		posts := 0
		publish := func() {
			t.Helper()
			posts++
			d.announce(fmt.Sprintf("example.com/%d/", posts))
			settle()
			if got := n.verified("Create"); got != posts {
				t.Fatalf("%d of %d posts were taken", got, posts)
			}
		}
		publish()
		expectHeard(t, n, "usual", "POST cavage")

		n.takes(fedtest.RFC9421)
		publish()
		expectHeard(t, n, "it wants the new way", "POST cavage, POST rfc9421")
		publish()
		expectHeard(t, n, "that is remembered", "POST rfc9421")
		if s, err := d.db.Signing("a.example"); err != nil || s.Scheme != "rfc9421" {
			t.Errorf("stored: %+v %v", s, err)
		}

		d.restart()
		publish()
		expectHeard(t, n, "after a restart", "POST rfc9421")

		n.takes(fedtest.Cavage)
		publish()
		expectHeard(t, n, "it goes back", "POST rfc9421, POST cavage")
		publish()
		expectHeard(t, n, "that is forgotten", "POST cavage")
		if s, err := d.db.Signing("a.example"); err != nil || s.Scheme != "" {
			t.Errorf("stored: %+v %v", s, err)
		}
		for _, a := range n.Arrivals() {
			if a.Type == "Create" && a.Duplicate {
				t.Errorf("%s was taken twice", a.ID)
			}
		}
		if q := d.queue(); len(q) > 0 {
			t.Errorf("still queued: %+v", q)
		}
	})
}

// TestKnockOnlyAfterRefusal: whatever else is answered may mean that the activity was taken.
func TestKnockOnlyAfterRefusal(t *testing.T) {
	for _, status := range []int{200, 202, 301, 403, 404, 405, 410, 429, 500, 501, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				n := newNeighbour(t, d, "a.example", fedtest.ActorOptions{})
				d.run()
				n.follow(t)
				settle()
				n.heard()
				n.Fail("/inbox", status, 1)
				d.announce("example.com/hello/")
				expectHeard(t, n, "one attempt", "POST cavage")
			})
		})
	}
}

// TestKnockInVain: who refuses both ways is not asked twice for each post.
func TestKnockInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		n := newNeighbour(t, d, "a.example", fedtest.ActorOptions{})
		d.run()
		n.follow(t)
		settle()
		n.heard()
		n.Fail("/inbox", 401, -1)
		d.announce("example.com/1/")
		expectHeard(t, n, "the first refusal", "POST cavage, POST rfc9421")
		d.announce("example.com/2/")
		expectHeard(t, n, "the next post", "POST cavage")
		if s, err := d.db.Signing("a.example"); err != nil || s.Scheme != "" {
			t.Errorf("stored: %+v %v", s, err)
		}
	})
}

// TestKnockAtBusyHost: a host that wants the new way, which is not known yet, and is too busy just then, or cannot
// read our key just then, misses no post.
func TestKnockAtBusyHost(t *testing.T) {
	for _, second := range []int{400, 401, 429, 503} {
		t.Run(fmt.Sprint(second), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				n := newNeighbour(t, d, "a.example", fedtest.ActorOptions{})
				d.run()
				n.follow(t)
				settle()
				var busy atomic.Bool
				d.net.handle("a.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch isNew := r.Header.Get("Signature-Input") != ""; {
					case r.Method == http.MethodPost && !isNew:
						w.WriteHeader(http.StatusBadRequest)
					case r.Method == http.MethodPost && busy.Load():
						w.WriteHeader(second)
					default:
						n.ServeHTTP(w, r)
					}
				}))
				busy.Store(true)
				d.announce("example.com/1/")
				settle()
				waits := 1
				if second == 400 {
					waits = 0 // both ways the same: it is for the activity
				}
				if len(d.queue()) != waits {
					t.Fatalf("queued: %+v", d.queue())
				}
				if second < 402 { // the next is asked in one way only, so its 400 is not the last word
					d.announce("example.com/2/")
					settle()
					if len(d.queue()) != waits+1 {
						t.Fatalf("queued: %+v", d.queue())
					}
				}
				busy.Store(false)
				time.Sleep(24 * time.Hour)
				settle()
				if n.verified("Create") == 0 || len(d.queue()) != 0 {
					t.Errorf("%d posts were taken, queued: %+v", n.verified("Create"), d.queue())
				}
			})
		})
	}
}

// TestKnockReads: what is fetched is fetched as posts are sent, and the new way is learned from either.
func TestKnockReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		n := newNeighbour(t, d, "a.example", fedtest.ActorOptions{})
		n.RequireSignedGET(true)
		n.takes(fedtest.RFC9421)
		d.run()
		if _, _, err := d.s.Lookup(t.Context(), "https://a.example/users/alice"); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, n, "a look-up", "GET cavage, GET rfc9421")
		n.follow(t)
		settle()
		if heard := n.heard(); strings.Contains(heard, "cavage") {
			t.Errorf("asked by %s", heard)
		}
		if got := d.followers(); got != "alice@a.example accepted" {
			t.Error(got)
		}
		if n.verified("Accept") != 1 {
			t.Error("the answer was not verified")
		}
	})
}

// TestNeighboursOfAllKinds: servers that read nothing unsigned, with keys of every kind, find our key and we theirs.
func TestNeighboursOfAllKinds(t *testing.T) {
	for _, scheme := range []fedtest.Scheme{fedtest.Cavage, fedtest.RFC9421} {
		for _, kind := range []struct {
			name string
			o    fedtest.ActorOptions
			ed   bool
		}{
			{"RSA", fedtest.ActorOptions{}, false},
			{"RSA, Ed25519 beside it", fedtest.ActorOptions{Ed25519: true}, false},
			{"Ed25519", fedtest.ActorOptions{Ed25519: true}, true},
			{"key document", fedtest.ActorOptions{KeyDocument: true}, false},
			{"own inbox only", fedtest.ActorOptions{NoSharedInbox: true, Ed25519: true}, true},
		} {
			t.Run(fmt.Sprintf("%s %s", kind.name, scheme), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDaemon(t)
					n := newNeighbour(t, d, "a.example", kind.o)
					n.RequireSignedGET(true)
					n.SetSignatures(fedtest.Signatures{Send: scheme, Ed25519: kind.ed, Only: true, Accept: scheme})
					d.run()
					n.follow(t)
					settle()
					if got := d.followers(); got != "alice@a.example accepted" || n.verified("Accept") != 1 {
						t.Fatalf("followers %q, %d answers", got, n.verified("Accept"))
					}
					d.announce("example.com/hello/")
					settle()
					if n.verified("Create") != 1 {
						t.Errorf("the post was not taken: %+v", n.Arrivals())
					}
					time.Sleep(time.Minute)
					if err := n.Undo(t.Context(), "alice", testBase+"/users/user"); err != nil {
						t.Error(err)
					}
					if got := d.followers(); got != "" {
						t.Errorf("still following: %s", got)
					}
				})
			})
		}
	}
}

// TestRotatedKeyIsStored: after a follower's key has changed, a restart and an outage of its server, it is
// still believed.
func TestRotatedKeyIsStored(t *testing.T) {
	for _, o := range []fedtest.ActorOptions{{}, {Ed25519: true}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon(t)
			n := newNeighbour(t, d, "a.example", o)
			if o.Ed25519 {
				n.SetSignatures(fedtest.Signatures{Send: fedtest.RFC9421, Ed25519: true})
			}
			n.follow(t)
			before := d.follower("https://a.example/users/alice")
			like := func(id string) int {
				status, _, err := n.Send(t.Context(), "alice", testInbox, map[string]any{
					"id": "https://a.example/likes/" + id, "type": "Like",
					"actor": "https://a.example/users/alice", "object": testBase + "/posts/example.com/hello/",
				})
				if err != nil {
					t.Fatal(err)
				}
				return status
			}
			if got := like("1"); got != 202 {
				t.Fatalf("status %d", got)
			}
			if now := d.follower(before.Actor); now.Key != before.Key {
				t.Error("a key that did not change was stored anew")
			}
			n.RotateKey("alice")
			time.Sleep(justFetched)
			if got := like("2"); got != 202 {
				t.Fatalf("status %d after the key was changed", got)
			}
			after := d.follower(before.Actor)
			if after.Key == before.Key || after.Since != before.Since || after.State != before.State || after.FollowID != before.FollowID {
				t.Errorf("stored:\n%+v\nbefore:\n%+v", after, before)
			}
			d.s = New(d.s.cfg) // an empty memory
			n.Fail("/users/alice", 503, -1)
			if got := like("3"); got != 202 {
				t.Errorf("status %d with the stored key", got)
			}
		})
	}
}

func (d *daemon) follower(actor string) store.Follower {
	d.t.Helper()
	f, err := d.db.Follower(actor)
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

// TestOldMessagesAreNotUsedAgain: whoever has kept a Follow, or an Undo, cannot undo what came after.
func TestOldMessagesAreNotUsedAgain(t *testing.T) {
	for _, scheme := range []fedtest.Scheme{fedtest.Cavage, fedtest.RFC9421} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon(t)
			n := newNeighbour(t, d, "a.example", fedtest.ActorOptions{})
			n.SetSignatures(fedtest.Signatures{Send: scheme})
			n.follow(t)
			time.Sleep(time.Minute)
			if err := n.Undo(t.Context(), "alice", testBase+"/users/user"); err != nil {
				t.Fatal(err)
			}
			follow, undo := n.posts[0], n.posts[1]
			d.s = New(d.s.cfg)
			time.Sleep(time.Minute)
			if got := d.replay(follow); got != 202 || d.followers() != "" {
				t.Errorf("an old Follow: status %d, followers %q", got, d.followers())
			}
			n.follow(t)
			if got := d.replay(undo); got != 202 || d.followers() == "" {
				t.Errorf("an old Undo: status %d, followers %q", got, d.followers())
			}
			time.Sleep(2 * time.Hour)
			if got := d.replay(follow); got != 401 {
				t.Errorf("two hours later: status %d", got)
			}
		})
	}
}

// replay has the daemon answer a request that was kept.
func (d *daemon) replay(x sent) int {
	d.t.Helper()
	x.r.Body = io.NopCloser(bytes.NewReader(x.body))
	return d.receive(x.r).Code
}
