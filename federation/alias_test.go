package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// oldHome is a server with old accounts of the owner, by name, and the followers they show.
type oldHome struct {
	host      string
	followers []string // ids; shown on pages of three
	total     int      // that is told
	hidden    bool     // only the total is shown
	down      atomic.Bool
	asked     atomic.Int32
}

func newOldHome(d *daemon, host string) *oldHome {
	h := &oldHome{host: host}
	d.net.handle(host, h)
	return h
}

func (h *oldHome) id(name string) string { return "https://" + h.host + "/users/" + name }

func (h *oldHome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.asked.Add(1)
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/users/"), "/")
	switch {
	case h.down.Load():
		w.WriteHeader(http.StatusBadGateway)
	case r.URL.Path == "/.well-known/webfinger":
		user, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:"), "@")
		serveJSON(w, typeJRD, map[string]any{"subject": "acct:" + user + "@" + h.host, "links": []any{
			map[string]any{"rel": "self", "type": typeActivity, "href": h.id(user)},
		}})
	case name == "note":
		serveJSON(w, typeActivity, map[string]any{"id": h.id(name), "type": "Note"})
	case rest == "":
		serveJSON(w, typeActivity, map[string]any{
			"id": h.id(name), "type": "Person", "preferredUsername": name, "inbox": h.id(name) + "/inbox",
			"followers": h.id(name) + "/followers",
		})
	case r.URL.RawQuery == "":
		c := map[string]any{"id": h.id(name) + "/followers", "type": "OrderedCollection", "totalItems": h.total}
		if !h.hidden {
			c["first"] = h.id(name) + "/followers?page=1"
		}
		serveJSON(w, typeActivity, c)
	default:
		page, _ := strconv.Atoi(r.FormValue("page"))
		from, to := min(3*(page-1), len(h.followers)), min(3*page, len(h.followers))
		p := map[string]any{"id": "https://" + h.host + r.URL.RequestURI(), "type": "OrderedCollectionPage", "orderedItems": h.followers[from:to]}
		if to < len(h.followers) {
			p["next"] = h.id(name) + fmt.Sprintf("/followers?page=%d", page+1)
		}
		serveJSON(w, typeActivity, p)
	}
}

func (d *daemon) aliases() []KnownAs {
	d.t.Helper()
	all, err := d.s.Aliases()
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

func (d *daemon) knownAs() string { d.t.Helper(); return string(d.actorNow().AlsoKnownAs) }

// TestAddAlias: the actor says so at once, the followers are told once, and the old account's followers are
// counted as they arrive.
func TestAddAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		old := newOldHome(d, "old.example")
		a := newPeer(d.net, "a.example")
		for i := range 5 {
			old.followers = append(old.followers, a.actor(fmt.Sprint("u", i)))
		}
		old.total = 5
		d.follow(a, "ann", true)
		d.run()
		settle()
		time.Sleep(time.Minute)

		k, err := d.s.AddAlias(t.Context(), " @me@old.example")
		if err != nil {
			t.Fatal(err)
		}
		if k.Actor != old.id("me") || k.Handle != "me@old.example" || k.Followers != 5 || k.Known != 5 || k.Arrived != 0 || k.Since != 0 || k.Before {
			t.Errorf("added %+v", k)
		}
		if got := d.knownAs(); got != `["https://old.example/users/me"]` {
			t.Errorf("alsoKnownAs is %s", got)
		}
		settle()
		if got := expectTypes(t, a, "Update"); !strings.Contains(string(got[0].Body), `"alsoKnownAs":["https://old.example/users/me"]`) {
			t.Errorf("the update says %s", got[0].Body)
		}
		time.Sleep(time.Minute)
		d.follow(a, "u1", true)
		d.follow(a, "u3", true)
		d.follow(a, "somebody", true)
		if k := d.aliases()[0]; k.Known != 5 || k.Arrived != 2 || k.Since != 3 {
			t.Errorf("after three follows: %+v", k)
		}
		// Again by its address: nothing new, nobody is told.
		if k, err := d.s.AddAlias(t.Context(), old.id("me")); err != nil || !k.Before {
			t.Fatalf("added again: %+v %v", k, err)
		}
		settle()
		expectTypes(t, a, "Update")
		if n := len(d.aliases()); n != 1 {
			t.Errorf("%d aliases", n)
		}
		d.restart()
		if got := d.knownAs(); got != `["https://old.example/users/me"]` {
			t.Errorf("after a restart alsoKnownAs is %s", got)
		}
		if _, err := d.s.RemoveAlias(t.Context(), "me@old.example"); err != nil {
			t.Fatal(err)
		}
		if got := d.knownAs(); got != "" {
			t.Errorf("after the removal alsoKnownAs is %s", got)
		}
		settle()
		if got := types(a.posts()); len(got) != 2 || got[1] != "Update" {
			t.Errorf("a got %v", got)
		}
		if _, err := d.s.RemoveAlias(t.Context(), "me@old.example"); err == nil {
			t.Error("an alias that is none was removed")
		}
	})
}

// TestAliasWithoutFollowers to see: the follows since then are all that can be counted.
func TestAliasWithoutFollowers(t *testing.T) {
	d := newDaemon(t)
	old := newOldHome(d, "old.example")
	old.total, old.hidden = 7, true
	k, err := d.s.AddAlias(t.Context(), old.id("me"))
	if err != nil || k.Followers != 7 || k.Known != 0 {
		t.Errorf("%+v %v", k, err)
	}
}

func TestAliasIsRefused(t *testing.T) {
	d := newDaemon(t)
	old := newOldHome(d, "old.example")
	down := newOldHome(d, "down.example")
	down.down.Store(true)
	d.net.handle("fedi.example.com", d.s.Handler())
	d.net.handle("example.com", d.s.Handler())
	tests := map[string]string{
		"@user@example.com":           "this account itself",
		oldActor:                      "this account itself",
		"me@down.example":             "502",
		"https://nobody.example/u":    "no such host",
		"http://old.example/users/me": "only https",
		old.id("note"):                "not an actor's",
		"me":                          "neither a handle",
		"":                            "neither a handle",
	}
	for who, want := range tests {
		if _, err := d.s.AddAlias(t.Context(), who); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", who, err)
		}
	}
	for i := range maxAliases {
		if _, err := d.s.AddAlias(t.Context(), old.id(fmt.Sprint("me", i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.s.AddAlias(t.Context(), old.id("more")); err == nil || !strings.Contains(err.Error(), "10 others at most") {
		t.Errorf("one too many: %v", err)
	}
	if n := len(d.aliases()); n != maxAliases {
		t.Errorf("%d aliases", n)
	}

	// The configuration and a former account may ask for more: that is no reason not to start.
	d.s.cfg.Profile.AlsoKnownAs = []string{"more@old.example", "me3@old.example"}
	if all, err := d.s.LearnAliases(t.Context()); err != nil || all {
		t.Errorf("one too many in the configuration: all known %v, %v", all, err)
	}
	if err := d.s.AddKnownAlias(store.Alias{Actor: old.id("former"), ByHand: true}, nil); err != nil {
		t.Errorf("one too many, the former: %v", err)
	}
	known := d.aliases()
	if n := len(known); n != maxAliases || known[0].Actor != old.id("me3") {
		t.Errorf("%d aliases: %+v", n, known)
	}
}

// TestFollowersOfAnAliasElsewhere: a list that leads to another host, or in a circle, is not followed there.
// TestOwnAccountIsKnownUnasked: whoever names the account itself is told so, though nobody can be asked.
func TestOwnAccountIsKnownUnasked(t *testing.T) {
	d := newDaemon(t)
	for _, name := range []string{
		"user@example.com", "@User@EXAMPLE.com", "acct:user@fedi.example.com", "user@www.example.com", testBase + "/users/user", testBase + "/@user",
	} {
		if _, err := d.s.AddAlias(t.Context(), name); err == nil || !strings.Contains(err.Error(), "this account itself") {
			t.Errorf("alias %s: %v", name, err)
		}
		plan, err := d.s.PlanMove(t.Context(), name, false)
		if err != nil || !strings.Contains(fmt.Sprint(plan.Checks), "this account itself") {
			t.Errorf("move to %s: %+v, %v", name, plan.Checks, err)
		}
	}
}

func TestFollowersOfAnAliasElsewhere(t *testing.T) {
	d := newDaemon(t)
	asked, pages := 0, 0
	d.net.handle("trap.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	for _, next := range []string{"https://trap.example/next", "https://old.example/users/me/followers?page=1"} {
		d.net.handle("old.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := "https://old.example/users/me"
			pages++
			switch r.URL.RequestURI() {
			case "/users/me":
				serveJSON(w, typeActivity, map[string]any{
					"id": id, "type": "Person", "preferredUsername": "me", "inbox": id + "/inbox", "followers": id + "/followers",
				})
			case "/users/me/followers":
				serveJSON(w, typeActivity, map[string]any{"totalItems": "many", "first": map[string]any{
					"orderedItems": []any{"https://a.example/1"}, "next": id + "/followers?page=1",
				}})
			default:
				serveJSON(w, typeActivity, map[string]any{"next": next, "orderedItems": []any{"https://a.example/2", 7, strings.Repeat("x", 70<<10)}})
			}
		}))
		k, err := d.s.AddAlias(t.Context(), "https://old.example/users/me")
		if err != nil || k.Known != 2 || k.Followers != -1 {
			t.Errorf("%+v %v", k, err)
		}
	}
	if asked > 0 || pages > 10 {
		t.Errorf("%d requests went to another host, %d to the account's", asked, pages)
	}
}

// TestConfiguredAliases are looked up once and stay, also when their server is gone; one that cannot be looked up
// is left out until it can.
func TestConfiguredAliases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		old, late := newOldHome(d, "old.example"), newOldHome(d, "late.example")
		late.down.Store(true)
		configured := func(c *Config) {
			c.Profile.AlsoKnownAs = []string{"https://b.example/users/b", "me@old.example", "me@late.example"}
		}
		d.run()
		d.reopen(configured)
		all, err := d.s.LearnAliases(t.Context())
		if err != nil || all {
			t.Errorf("all known: %t %v", all, err)
		}
		const want = `["https://b.example/users/b","https://old.example/users/me"]`
		if got := d.knownAs(); got != want {
			t.Errorf("alsoKnownAs is %s", got)
		}
		old.down.Store(true)
		old.asked.Store(0)
		d.reopen(configured)
		if _, err := d.s.LearnAliases(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := d.knownAs(); got != want || old.asked.Load() != 0 {
			t.Errorf("later alsoKnownAs is %s, %d requests", got, old.asked.Load())
		}
		for _, who := range []string{"me@old.example", old.id("me"), "https://b.example/users/b"} {
			if _, err := d.s.RemoveAlias(t.Context(), who); err == nil || !strings.Contains(err.Error(), "account.also_known_as") {
				t.Errorf("removed %s: %v", who, err)
			}
		}
		late.down.Store(false)
		time.Sleep(2 * aliasEvery)
		settle()
		if got := d.knownAs(); !strings.Contains(got, "late.example") {
			t.Errorf("an hour later alsoKnownAs is %s", got)
		}
		if k := d.aliases(); len(k) != 3 || k[0].Followers != -1 || k[1].Configured == "" {
			t.Errorf("aliases: %+v", k)
		}
		d.reopen(func(*Config) {})
		if got := d.knownAs(); got != "" {
			t.Errorf("taken out of the configuration, alsoKnownAs is %s", got)
		}
	})
}

// burst is a server whose many followers of an account that moved here follow it now, all with one key.
type burst struct {
	host    string
	fetched atomic.Int32
	actor   func(id string) []byte
}

func newBurst(d *daemon) *burst {
	b := &burst{host: "crowd.example"}
	key := publicPEM(testKey())
	b.actor = func(id string) []byte {
		return mustEncode(map[string]any{
			"id": id, "type": "Person", "preferredUsername": id[strings.LastIndexByte(id, '/')+1:], "inbox": id + "/inbox",
			"endpoints": map[string]any{"sharedInbox": "https://" + b.host + "/inbox"},
			"publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": key},
		})
	}
	d.net.handle(b.host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		b.fetched.Add(1)
		w.Header().Set("Content-Type", typeActivity)
		_, _ = w.Write(b.actor("https://" + b.host + r.URL.Path))
	}))
	return b
}

// follows sends n Follows, eight at a time, and returns how many of them were refused at first. A server that is told to come
// back later comes back, as all do.
func (b *burst) follows(t testing.TB, d *daemon, n int) (later int32) {
	t.Helper()
	var refused atomic.Int32
	next := make(chan int)
	var senders sync.WaitGroup
	handler := d.s.Handler()
	for range 8 {
		senders.Go(func() {
			for i := range next {
				id := fmt.Sprintf("https://%s/users/u%d", b.host, i)
				body := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://%s/f/%d","type":"Follow","actor":"%s","object":"%s"}`,
					b.host, i, id, oldActor)
				for {
					r := postTo(t, testInbox, body, time.Now())
					cavage{key: testKey(), keyID: id + "#main-key", headers: allFour, label: "rsa-sha256"}.sign(t, r)
					r.RequestURI = r.URL.RequestURI()
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, r)
					if w.Code == http.StatusAccepted {
						break
					}
					if refused.Add(1) > int32(n) || w.Code != http.StatusTooManyRequests && w.Code != http.StatusServiceUnavailable {
						t.Errorf("follow %d: %d %s", i, w.Code, w.Body)
						break
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	senders.Wait()
	return refused.Load()
}

// TestBurstOfFollows: as when a large account moves here. BenchmarkTenThousandFollows does the same with twenty times as
// many; nearly all of its time goes into signatures of the test's own side.
func TestBurstOfFollows(t *testing.T) { takeBurst(t, 500) }

func BenchmarkTenThousandFollows(b *testing.B) {
	for b.Loop() {
		takeBurst(b, 10_000)
	}
}

// takeBurst has n actors follow: all are stored, each is answered with an Accept of its own, each actor is fetched
// once, and memory does not grow with them.
func takeBurst(t testing.TB, n int) {
	d := newDaemon(t)
	b := newBurst(d)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	later := b.follows(t, d, n)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got, err := d.db.CountFollowers(); err != nil || got != n {
		t.Errorf("%d followers, want %d (%v)", got, n, err)
	}
	queue := d.queue()
	ids := map[string]bool{}
	for _, q := range queue {
		if q.Type != "Accept" || q.Host != b.host {
			t.Fatalf("queued: %+v", q)
		}
		ids[q.Activity] = true
	}
	if len(queue) != n || len(ids) != n {
		t.Errorf("%d answers with %d ids, want %d", len(queue), len(ids), n)
	}
	if got := int(b.fetched.Load()); got != n {
		t.Errorf("%d look-ups for %d followers", got, n)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d MB more are in use", grown>>20)
	}
	t.Logf("%d follows, %d of them were told to come back first", n, later)
}

// BenchmarkFollowAndAccept takes a Follow of a new actor, stores it, answers it, and delivers the answer.
func BenchmarkFollowAndAccept(b *testing.B) {
	d := newDaemon(b)
	crowd := newBurst(d)
	d.run()
	b.ResetTimer()
	crowd.follows(b, d, b.N)
	for {
		q, _, err := d.db.QueueStats(7)
		if err != nil {
			b.Fatal(err)
		}
		if q.Pending == 0 {
			break
		}
		runtime.Gosched()
	}
	b.StopTimer()
	d.halt()
}

// TestOldFollowersGoWithTheAlias, and are not kept of one that is none.
func TestOldFollowersGoWithTheAlias(t *testing.T) {
	d := newDaemon(t)
	old := newOldHome(d, "old.example")
	old.followers = []string{"https://a.example/1"}
	if _, err := d.s.AddAlias(t.Context(), old.id("me")); err != nil {
		t.Fatal(err)
	}
	if err := d.db.RecordOldFollowers(old.id("other"), old.followers); err != store.ErrNotFound {
		t.Errorf("err = %v", err)
	}
	if _, err := d.s.RemoveAlias(t.Context(), old.id("me")); err != nil {
		t.Fatal(err)
	}
	if n, err := d.db.Arrivals(store.Alias{Actor: old.id("me"), Added: time.Now()}); err != nil || n.Known != 0 {
		t.Errorf("%+v %v", n, err)
	}
}

// FuzzAccount: whatever another server says of an account or of who follows it, what is taken from it is bounded.
func FuzzAccount(f *testing.F) {
	for _, seed := range []string{
		`{"id":"https://o.example/u","type":"Person","inbox":"https://o.example/i","alsoKnownAs":"https://a.example/u","movedTo":{"id":"x"},"suspended":true}`,
		`{"id":"https://o.example/u","type":["Service"],"inbox":"https://o.example/i","alsoKnownAs":[1,null,{"id":"y"}],"manuallyApprovesFollowers":"yes"}`,
		`{"totalItems":12,"first":{"orderedItems":["https://a.example/1",{"id":"https://a.example/2"}],"next":"https://o.example/2"}}`,
		`{"totalItems":-1e400,"first":[],"items":{},"next":["a","b"]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if doc, err := parseAccount(body); err == nil {
			if len(doc.ID) > maxAddress || hostOf(doc.ID) == "" || len(doc.Name) > 200 {
				t.Errorf("taken: %+v", doc)
			}
		}
		var c collectionDocument
		if json.Unmarshal(body, &c) == nil && c.total() < -1 {
			t.Errorf("a collection of %d", c.total())
		}
	})
}
