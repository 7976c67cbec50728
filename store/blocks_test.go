package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// whole is everything in the store, to see that something left it as it was.
func whole(t testing.TB, db *DB) string {
	t.Helper()
	var b bytes.Buffer
	ok(t, db.b.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			return bucket.ForEach(func(k, v []byte) error {
				_, err := fmt.Fprintf(&b, "%s %q %s\n", name, k, v)
				return err
			})
		})
	}))
	return b.String()
}

func unlikely(t *testing.T, db *DB, before string, err, want error) {
	t.Helper()
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if after := whole(t, db); after != before {
		t.Errorf("what failed left something:\n%s\nwas:\n%s", after, before)
	}
}

func domain(name string) Blocking {
	return Blocking{Block: Block{What: name, Kind: BlockDomain, Since: noon}}
}

func answerFor(f Follower, typ string) Activity {
	return Activity{ID: "https://me.example/activities/" + strings.ToLower(typ) + "-" + f.Actor, Type: typ, Object: f.Actor, Body: []byte(`{"type":"` + typ + `"}`)}
}

func actorBlock(t *testing.T, db *DB, actor string) Blocking {
	b := Blocking{Block: Block{What: actor, Kind: BlockActor, Since: noon}}
	if f, err := db.Follower(actor); err == nil {
		reject := answerFor(f, "Reject")
		b.Ended, b.Reject = &f, &reject
	}
	return b
}

// crowd are followers on three hosts, and a post that waits for all of them.
func crowd(t *testing.T) *DB {
	t.Helper()
	db := open(t)
	follow(t, db, "https://bad.example/users/a", "https://bad.example/users/a/inbox", "https://bad.example/inbox")
	follow(t, db, "https://bad.example/users/b", "https://bad.example/users/b/inbox", "https://bad.example/inbox")
	follow(t, db, "https://m.bad.example:8443/users/c", "https://m.bad.example:8443/users/c/inbox", "")
	follow(t, db, "https://notbad.example/users/d", "https://notbad.example/users/d/inbox", "")
	step(t, db, noon) // the Accepts are under way
	entry(t, db, "blog.example/a")
	publishNow(t, db, "blog.example/a", "Create")
	ok(t, db.AnswerQuote(noon, QuoteAnswer{ // to somebody who does not follow
		Inbox: "https://bad.example/users/z/inbox", Answer: Activity{ID: "z", Type: "Reject", Object: "z", Body: []byte(`{}`)},
	}))
	return db
}

func TestBlockDomain(t *testing.T) {
	db := crowd(t)
	done := must[Blocked](t)(db.AddBlock(noon, domain("bad.example")))
	if done.Followers != 3 || done.Deliveries != 6 || done.Known || done.Block.What != "bad.example" {
		t.Errorf("%+v", done)
	}
	left := must[[]Delivery](t)(db.Deliveries())
	if got := names(left); got != "Accept notbad.example/users/d/inbox, Create notbad.example/users/d/inbox" {
		t.Error(got)
	}
	if n := must[int](t)(db.CountFollowers()); n != 1 {
		t.Errorf("%d followers", n)
	}
	sound(t, db)

	// Nothing that comes later reaches it, whoever asks for it.
	_, err := db.AddFollower(noon, Follow{Follower: Follower{Actor: "https://x.bad.example/users/e", State: FollowerAccepted}})
	if !errors.Is(err, ErrBlocked) {
		t.Errorf("a new follower there: %v", err)
	}
	follow(t, db, "https://good.example/users/f", "https://good.example/users/f/inbox", "https://bad.example/inbox")
	entry(t, db, "blog.example/b")
	if n := publishNow(t, db, "blog.example/b", "Create"); n != 1 {
		t.Errorf("a post went to %d inboxes, want the one that is not blocked", n)
	}
	ok(t, db.AnswerQuote(noon, QuoteAnswer{Inbox: "https://BAD.example/users/a/inbox", Answer: Activity{ID: "q", Type: "Reject", Object: "q"}}))
	for _, d := range must[[]Delivery](t)(db.Deliveries()) {
		if strings.Contains(strings.ToLower(d.Inbox), "/bad.example") {
			t.Errorf("%s waits for %s", d.Type, d.Inbox)
		}
	}
	if _, err := db.Activity("q"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the body of an answer that is not sent is kept: %v", err)
	}
}

func TestBlockActor(t *testing.T) {
	db := crowd(t)
	const a = "https://bad.example/users/a"
	done := must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, a)))
	if done.Followers != 1 || done.Deliveries != 1 || done.Known {
		t.Errorf("%+v", done)
	}
	var own []Delivery
	for _, d := range must[[]Delivery](t)(db.Deliveries()) {
		if strings.HasPrefix(d.Inbox, a) {
			own = append(own, d)
		}
	}
	if got := names(own); got != "Reject bad.example/users/a/inbox" {
		t.Error(got)
	}
	if !db.Blocked(a) || db.Blocked("https://bad.example/users/b") || db.Blocked("https://bad.example/users/a/inbox") {
		t.Error("another than the actor is blocked, or not even that one")
	}
	_, err := db.AddFollower(noon, Follow{Follower: Follower{Actor: a, State: FollowerAccepted}})
	if !errors.Is(err, ErrBlocked) {
		t.Errorf("it follows again: %v", err)
	}

	// Blocked again, with a note this time.
	b := actorBlock(t, db, a)
	b.Block.Since, b.Block.Note = noon.AddDate(0, 0, 1), "loud"
	if done := must[Blocked](t)(db.AddBlock(noon, b)); !done.Known || done.Followers+done.Deliveries > 0 || !done.Block.Since.Equal(noon) {
		t.Errorf("%+v", done)
	}
	b.Block.Note = ""
	must[Blocked](t)(db.AddBlock(noon, b))
	if all := must[[]Block](t)(db.Blocks()); len(all) != 1 || !all[0].Since.Equal(noon) || all[0].Note != "loud" {
		t.Errorf("%+v", all)
	}
	if !must[bool](t)(db.RemoveBlock(a)) || must[bool](t)(db.RemoveBlock(a)) || db.Blocked(a) {
		t.Error("the block was not lifted once")
	}
}

// TestBlockedReactionsGo: those of a blocked actor, and of a domain whoever there follows or not; later ones are not
// taken.
func TestBlockedReactionsGo(t *testing.T) {
	db := open(t)
	entry(t, db, "blog.example/1/")
	publishNow(t, db, "blog.example/1/", "Create")
	like := func(actor string) error {
		_, err := db.PutReaction(noon, Reaction{
			ID: actor + "/like", Kind: ReactionLike, Actor: actor, Post: "blog.example/1/", Public: true, Received: noon,
		}, "")
		return err
	}
	const a, b, c = "https://bad.example/users/a", "https://m.bad.example/users/b", "https://good.example/users/c"
	for _, actor := range []string{a, b, c} {
		ok(t, like(actor))
	}
	must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, a)))
	if n := must[ReactionCounts](t)(db.CountReactions("blog.example/1/")); n.Likes != 2 {
		t.Errorf("%d likes after an actor was blocked", n.Likes)
	}
	must[Blocked](t)(db.AddBlock(noon, domain("bad.example")))
	if n := must[ReactionCounts](t)(db.CountReactions("blog.example/1/")); n.Likes != 1 {
		t.Errorf("%d likes after a domain was blocked", n.Likes)
	}
	if err := like(b); !errors.Is(err, ErrBlocked) {
		t.Errorf("a like by who is blocked: %v", err)
	}
}

// TestBlockFails: an error in the middle leaves everything as it was, in the file and in memory.
func TestBlockFails(t *testing.T) {
	db := crowd(t)
	const a = "https://bad.example/users/a"
	before := whole(t, db)

	broken := actorBlock(t, db, a)
	broken.Reject.Object = "a\x00b" // cannot be queued, which shows at the very end
	_, err := db.AddBlock(noon, broken)
	unlikely(t, db, before, err, nil)

	_, err = db.AddBlock(noon, Blocking{Block: Block{What: a, Kind: BlockActor}}) // read before it followed
	unlikely(t, db, before, err, ErrConflict)
	gone := actorBlock(t, db, a)
	gone.Block.What, gone.Ended.Actor = "https://bad.example/users/z", "https://bad.example/users/z" // read before it left
	_, err = db.AddBlock(noon, gone)
	unlikely(t, db, before, err, ErrConflict)
	if db.Blocked(a) || db.Blocked(gone.Block.What) {
		t.Error("a block that failed counts")
	}

	// The last of the domain's followers is damaged.
	key, good := []byte("https://m.bad.example:8443/users/c"), []byte(nil)
	set := func(v []byte) {
		ok(t, db.b.Update(func(tx *bolt.Tx) error {
			good = bytes.Clone(tx.Bucket(bucketFollowers).Get(key))
			return tx.Bucket(bucketFollowers).Put(key, v)
		}))
	}
	set([]byte("{"))
	whole, before := good, whole(t, db)
	_, err = db.AddBlock(noon, domain("bad.example"))
	unlikely(t, db, before, err, nil)
	set(whole)
	if db.Blocked(a) {
		t.Error("a block that failed counts")
	}
}

// TestBlocksAreKept: what is blocked is known again after a restart, without a look at the file for each question.
func TestBlocksAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crier.db")
	db := must[*DB](t)(Open(path, Options{}))
	must[Blocked](t)(db.AddBlock(noon, domain("xn--bcher-kva.example")))
	must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, "https://a.example/users/x")))
	ok(t, db.Close())
	db = must[*DB](t)(Open(path, Options{}))
	defer func() { ok(t, db.Close()) }()
	for address, want := range map[string]bool{
		"https://xn--bcher-kva.example/users/x":        true,
		"https://XN--BCHER-kva.example.:8443/users/x":  true,
		"http://bücher.example/users/x":                true,
		"https://BÜCHER。EXAMPLE/users/x":               true,
		"https://a.b.bücher.example/x":                 true,
		"https://user@bücher.example/x":                true,
		"https://a.example/users/x":                    true,
		"https://a.example/users/X":                    false,
		"https://a.example/":                           false,
		"https://xxn--bcher-kva.example/":              false,
		"https://xn--bcher-kva.example.evil.example/x": false,
		"https://evil.example/xn--bcher-kva.example":   false,
		"https://evil.example?xn--bcher-kva.example":   false,
		"https://evil.example#.xn--bcher-kva.example":  false,
		"https://%zz/":                                 false, "": false, "acct:x@example": false,
	} {
		if got := db.Blocked(address); got != want {
			t.Errorf("%q blocked: %v", address, got)
		}
		inside := false
		ok(t, db.b.View(func(tx *bolt.Tx) error { inside = isBlocked(tx, address); return nil }))
		if inside != want {
			t.Errorf("%q blocked within a transaction: %v", address, inside)
		}
	}
}

// TestCheckBlocks: the checker sees what a block does not allow.
func TestCheckBlocks(t *testing.T) {
	db := crowd(t)
	put := func(key string, b Block) {
		ok(t, db.b.Update(func(tx *bolt.Tx) error { return put(tx, bucketBlocks, []byte(key), b) }))
	}
	put("bad.example", Block{What: "bad.example", Kind: BlockDomain})
	put("other.example", Block{What: "another.example", Kind: BlockDomain})
	found := strings.Join(must[[]string](t)(db.Check()), "\n")
	for _, want := range []string{
		"follower https://bad.example/users/a is blocked", "goes to https://m.bad.example:8443/users/c/inbox",
		`the block of "another.example" stands at key "other.example"`,
	} {
		if !strings.Contains(found, want) {
			t.Errorf("not found: %s\nin %s", want, found)
		}
	}
	must[bool](t)(db.RemoveBlock("bad.example"))
	must[bool](t)(db.RemoveBlock("other.example"))
}

func BenchmarkBlockDomain(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		db := open(b)
		ok(b, db.b.Update(func(tx *bolt.Tx) error {
			for i := range 10_000 {
				actor := fmt.Sprintf("https://big.example/users/u%d", i)
				f := Follower{Actor: actor, Inbox: actor + "/inbox", SharedInbox: "https://big.example/inbox", Since: noon, State: FollowerAccepted, Key: strings.Repeat("k", 450)}
				if _, err := putFollower(tx, f); err != nil {
					return err
				}
			}
			return nil
		}))
		b.StartTimer()
		must[Blocked](b)(db.AddBlock(noon, domain("big.example")))
	}
}

// FuzzBlocked has a host in spellings that lead to one and the same server, and addresses that lead anywhere.
func FuzzBlocked(f *testing.F) {
	for _, seed := range []string{"bad.example", "bücher.example", "a.b.c", "192.0.2.1", "[2001:db8::1]", "bad。example", "x_y.example", "%62ad.example", "a..b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name := HostName("https://" + host + "/users/x")
		if name == "" {
			return
		}
		set := blockSet{name: true}
		for _, address := range []string{
			"https://" + host + "/", "http://" + host + "/users/y?z#f", "https://" + strings.ToUpper(name) + "/users/x",
			"https://" + name + ".:8443/x", "https://sub." + name + "/x",
		} {
			if _, err := url.Parse(address); err == nil && HostName(address) != "" && !strings.Contains(name, ":") && !set.has(address) {
				t.Errorf("%q is blocked as %q, but not as %q (%q)", host, name, address, HostName(address))
			}
		}
		if set.has("https://not"+name+"/x") || !covers(name, "good.test") && set.has("https://"+name+".good.test/x") {
			t.Errorf("%q blocks its neighbours", name)
		}
	})
}
