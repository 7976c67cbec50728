package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

const alice = "https://a.example/users/alice"

func like(id, actor, post string) Reaction {
	return Reaction{ID: id, Kind: ReactionLike, Actor: actor, Post: post, Received: noon, Public: true}
}

func reply(id, actor, post string, at time.Time) Reaction {
	return Reaction{
		ID: id, Kind: ReactionReply, Actor: actor, Name: "Alice", Handle: "alice@a.example", Post: post,
		URL: id, Content: "<p>text</p>", Published: at, Received: noon, Public: true,
	}
}

// ids renders reactions for comparison.
func ids(rs []Reaction) string {
	var all []string
	for _, r := range rs {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

func shownOf(t *testing.T, db *DB, post string) ReactionCounts {
	t.Helper()
	return must[ReactionCounts](t)(db.CountReactions(post))
}

func TestReactionsAreListedAndCounted(t *testing.T) {
	db := open(t)
	put := must[bool](t)
	if !put(db.PutReaction(noon, reply("r2", alice, "p", noon.Add(-time.Hour)), "seen 1", LogEntry{Type: "Create"})) {
		t.Error("not new")
	}
	put(db.PutReaction(noon, reply("r1", alice, "p", noon.Add(-2*time.Hour)), ""))
	future := reply("r3", "https://b.example/bob", "p", noon.Add(time.Hour)) // a date to come is when it came
	future.Received = noon.Add(time.Minute)
	put(db.PutReaction(noon, future, ""))
	private := reply("r0", alice, "p", noon.Add(-3*time.Hour))
	private.Public = false
	put(db.PutReaction(noon, private, ""))
	put(db.PutReaction(noon, like("l1", alice, "p"), ""))
	put(db.PutReaction(noon, like("l2", alice, "p2"), ""))
	put(db.PutReaction(noon, reply("px", alice, "p\x01", noon), ""))
	list := func(skip, limit int) string {
		return ids(must[[]Reaction](t)(db.Reactions("p", ReactionReply, skip, limit)))
	}
	for _, test := range []struct {
		skip, limit int
		want        string
	}{{0, 0, "r1 r2 r3"}, {0, 2, "r1 r2"}, {1, 1, "r2"}, {2, 5, "r3"}, {3, 5, ""}} {
		if got := list(test.skip, test.limit); got != test.want {
			t.Errorf("skip %d, limit %d: %q, want %q", test.skip, test.limit, got, test.want)
		}
	}
	if got := shownOf(t, db, "p"); got != (ReactionCounts{Likes: 1, Replies: 3}) {
		t.Errorf("%+v", got)
	}
	if got := shownOf(t, db, "none"); got != (ReactionCounts{}) {
		t.Errorf("%+v", got)
	}
	if !must[bool](t)(db.Seen("seen 1")) || len(must[[]LogEntry](t)(db.Log(0, 0, false))) != 1 {
		t.Error("seen and log were not written with it")
	}
	if r := must[Reaction](t)(db.Reaction("r2")); r.Name != "Alice" || r.Content != "<p>text</p>" {
		t.Errorf("%+v", r)
	}
	if _, err := db.Reaction("none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestOneLikeAndOneBoostCountOnce(t *testing.T) {
	db := open(t)
	put := must[bool](t)
	boost := func(id string) Reaction { b := like(id, alice, "p"); b.Kind = ReactionBoost; return b }
	if !put(db.PutReaction(noon, like("1", alice, "p"), "")) || !put(db.PutReaction(noon, boost("3"), "")) {
		t.Error("not new")
	}
	later := like("2", alice, "p")
	later.Received = noon.Add(time.Hour)
	for _, again := range []Reaction{later, later, boost("4")} {
		if put(db.PutReaction(noon, again, "")) {
			t.Errorf("%s is new", again.ID)
		}
	}
	if got := shownOf(t, db, "p"); got != (ReactionCounts{Likes: 1, Boosts: 1}) {
		t.Errorf("%+v", got)
	}
	r := must[Reaction](t)(db.ReactionOf(alice, ReactionLike, "p"))
	if r.ID != "2" || !r.Received.Equal(noon) {
		t.Errorf("%+v", r) // the newest id, which an Undo will name, and the time it came first
	}
	if must[bool](t)(db.RemoveReaction(noon, alice, "1", "")) {
		t.Error("the old id still counts")
	}
	if !must[bool](t)(db.RemoveReaction(noon, alice, "2", "")) || shownOf(t, db, "p").Likes != 0 {
		t.Error("not removed")
	}
	// Another actor's like and the same actor's like of another post are others.
	put(db.PutReaction(noon, like("5", "https://a.example/users/al", "p"), ""))
	put(db.PutReaction(noon, like("6", alice, "p/2"), ""))
	if _, err := db.ReactionOf(alice, ReactionLike, "p"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestReactionsChangeAndGo(t *testing.T) {
	db := open(t)
	put := must[bool](t)
	put(db.PutReaction(noon, reply("r", alice, "p", noon), ""))
	if r := must[Reaction](t)(db.HideReaction("r", true)); !r.Hidden || shownOf(t, db, "p").Replies != 0 {
		t.Errorf("%+v", r)
	}
	edit := reply("r", alice, "other", time.Time{})
	edit.Kind, edit.Content, edit.Updated, edit.Received = ReactionQuote, strings.Repeat("ü", maxReaction), noon.Add(time.Hour), noon.Add(time.Hour)
	if put(db.PutReaction(noon, edit, "")) {
		t.Error("new again")
	}
	r := must[Reaction](t)(db.Reaction("r"))
	if r.Post != "p" || r.Kind != ReactionReply || !r.Hidden || !r.Received.Equal(noon) || !r.Published.Equal(noon) ||
		r.Updated.IsZero() || len(r.Content) != maxReaction || !strings.HasSuffix(r.Content, "ü") {
		t.Errorf("%.200v", r)
	}
	must[Reaction](t)(db.HideReaction("r", false))
	if shownOf(t, db, "p").Replies != 1 {
		t.Error("not shown again")
	}
	if _, err := db.PutReaction(noon, reply("r", "https://b.example/bob", "p", noon), "seen"); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	if must[bool](t)(db.Seen("seen")) {
		t.Error("something was written")
	}
	if must[bool](t)(db.RemoveReaction(noon, "https://b.example/bob", "r", "s1")) || !must[bool](t)(db.Seen("s1")) {
		t.Error("removed by another actor, or not seen")
	}
	if !must[bool](t)(db.RemoveReaction(noon, alice, "r", "s2", LogEntry{Type: "Delete"})) || !must[bool](t)(db.Undone(noon, alice, "r")) {
		t.Error("not removed, or may come back")
	}
	for i := range 3 {
		put(db.PutReaction(noon, reply(fmt.Sprint("x", i), alice, fmt.Sprint("p", i), noon), ""))
	}
	put(db.PutReaction(noon, like("x3", "https://a.example/users/alice2", "p0"), ""))
	if n := must[int](t)(db.RemoveReactionsBy(noon, alice)); n != 3 || must[bool](t)(db.KnowsActor(alice)) {
		t.Error(n)
	}
	if !must[bool](t)(db.KnowsActor("https://a.example/users/alice2")) {
		t.Error("one too many went")
	}
}

// TestReactionsAreBounded: neither one host nor one post nor all together fill the disk.
func TestReactionsAreBounded(t *testing.T) {
	db := open(t)
	big := reply("0", alice, "p0", noon)
	big.Content = strings.Repeat("x", maxReaction)
	// As if they had been sent before: writing them all would take long.
	fill := func(key string, bucket []byte, n int) {
		ok(t, db.b.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucket).Put([]byte(key), numberKey(uint64(n))) }))
	}
	empty := func(key string, bucket []byte) {
		ok(t, db.b.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucket).Delete([]byte(key)) }))
	}
	refused := func(what string) {
		t.Helper()
		if _, err := db.PutReaction(noon, big, "seen"); !errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := db.Reaction("0"); !errors.Is(err, ErrNotFound) || must[bool](t)(db.Seen("seen")) {
			t.Errorf("%s: something was written", what)
		}
	}
	fill("a.example", bucketReactionHosts, maxHostReactions-100)
	refused("host")
	empty("a.example", bucketReactionHosts)
	fill(string(keyReactions), bucketMeta, maxAllReactions-100)
	refused("all")
	empty(string(keyReactions), bucketMeta)
	ok(t, db.b.Update(func(tx *bolt.Tx) error {
		return put(tx, bucketReactionCounts, []byte("p0"), reactionRow{Bytes: maxPostReactions - 100})
	}))
	refused("post")
	empty("p0", bucketReactionCounts)
	must[bool](t)(db.PutReaction(noon, big, ""))
	// What is there may be made shorter and go, however full it is.
	fill("a.example", bucketReactionHosts, maxHostReactions+1)
	small := big
	small.Content = "x"
	if _, err := db.PutReaction(noon, small, ""); err != nil {
		t.Error(err)
	}
	fill("a.example", bucketReactionHosts, small.size())
}

// TestReactionsAreChecked: Check finds each index and count that is off.
func TestReactionsAreChecked(t *testing.T) {
	for name, harm := range map[string]func(tx *bolt.Tx) error{
		"by post": func(tx *bolt.Tx) error { return tx.Bucket(bucketReactionsByPost).Put([]byte("p\x00like\x00x"), nil) },
		"by actor": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketReactionsByActor).Delete(reactionActorKey(like("1", alice, "p")))
		},
		"count": func(tx *bolt.Tx) error {
			return put(tx, bucketReactionCounts, []byte("p"), reactionRow{ReactionCounts: ReactionCounts{Likes: 2}})
		},
		"no count": func(tx *bolt.Tx) error { return tx.Bucket(bucketReactionCounts).Delete([]byte("p")) },
		"host":     func(tx *bolt.Tx) error { return tx.Bucket(bucketReactionHosts).Delete([]byte("a.example")) },
		"all":      func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyReactions) },
		"key":      func(tx *bolt.Tx) error { return put(tx, bucketReactions, []byte("2"), like("1", alice, "p")) },
	} {
		db := must[*DB](t)(Open(t.TempDir()+"/crier.db", Options{}))
		must[bool](t)(db.PutReaction(noon, like("1", alice, "p"), ""))
		sound(t, db)
		ok(t, db.b.Update(harm))
		if found := must[[]string](t)(db.Check()); len(found) == 0 {
			t.Errorf("%s: not found", name)
		}
		ok(t, db.Close())
	}
}
