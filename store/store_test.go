package store

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// open returns a new store that is checked for soundness when the test ends.
func open(t testing.TB) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "crier.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sound(t, db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func sound(t testing.TB, db *DB) {
	t.Helper()
	found, err := db.Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error("unsound:", f)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func follow(t testing.TB, db *DB, actor, inbox, shared string) {
	t.Helper()
	_, err := db.AddFollower(noon, Follow{
		Follower: Follower{Actor: actor, Inbox: inbox, SharedInbox: shared, Since: noon, State: FollowerAccepted},
		Seen:     actor + "/follow/1",
		Answer:   &Activity{ID: "https://me.example/activities/accept-" + actor, Type: "Accept", Object: actor, Body: []byte(`{"type":"Accept"}`)},
	})
	ok(t, err)
}

// entry returns a new entry that is due, stored as a poll stores it.
func entry(t testing.TB, db *DB, key string) Entry {
	t.Helper()
	e := Entry{
		Key: key, Feed: "https://blog.example/feed", Title: key, Date: noon, Seen: noon,
		State: EntryNew, Generation: 1, Todo: TodoCreate, Due: noon, Deliver: true, Listed: true,
	}
	ok(t, db.RecordPoll(Poll{Feed: Feed{URL: e.Feed, LastPoll: noon}, Put: []EntryPut{{Entry: e, Fields: []byte(`{"title":"t"}`)}}}))
	return must[Entry](t)(db.Entry(key))
}

func publication(e Entry, typ string) Publication {
	id := "https://me.example/posts/" + e.Key
	p := Publication{
		Entry:  e,
		Fields: []byte(`{"title":"t"}`),
		Post: Post{
			Path: e.Key, Entry: e.Key, ID: id, URL: "https://" + e.Key, State: PostLive, Published: noon,
			Listed: true, Delivered: true, Create: "https://me.example/activities/create-" + e.Key,
			Object: json.RawMessage(`{"content":"<p>a & b</p>"}`),
		},
		Activity: Activity{ID: "https://me.example/activities/" + strings.ToLower(typ) + "-" + e.Key, Type: typ, Object: id, Body: []byte(`{"type":"` + typ + `"}`)},
		Deliver:  true,
	}
	p.Entry.State, p.Entry.Todo = EntryLive, TodoNothing
	switch typ {
	case "Update":
		create := Activity{ID: p.Post.Create, Type: "Create", Object: id, Body: []byte(`{"type":"Create","new":true}`)}
		p.Create = &create
	case "Delete":
		p.Entry.State = EntryGone
		p.Post.State, p.Post.Listed = PostDeleted, false
	}
	return p
}

func publishNow(t testing.TB, db *DB, key, typ string) int {
	t.Helper()
	return must[int](t)(db.Publish(noon, publication(must[Entry](t)(db.Entry(key)), typ)))
}

func step(t testing.TB, db *DB, now time.Time, settled ...Outcome) []Delivery {
	t.Helper()
	claimed, _, err := db.Step(now, time.Minute, settled, 100)
	ok(t, err)
	return claimed
}

// names renders deliveries as "Type inbox" for comparison.
func names(ds []Delivery) string {
	var all []string
	for _, d := range ds {
		all = append(all, d.Type+" "+strings.TrimPrefix(d.Inbox, "https://"))
	}
	return strings.Join(all, ", ")
}

func TestAccountIsWrittenOnce(t *testing.T) {
	db := open(t)
	if _, err := db.Account(); !errors.Is(err, ErrNotFound) {
		t.Fatalf("new store: %v", err)
	}
	a := Account{BaseURL: "https://me.example", Handle: "me@example.com", PrivateKey: []byte{1, 2}, Created: noon}
	ok(t, db.CreateAccount(a))
	if err := db.CreateAccount(Account{}); !errors.Is(err, ErrConflict) {
		t.Errorf("second account: %v", err)
	}
	if got := must[Account](t)(db.Account()); got.Handle != a.Handle || string(got.PrivateKey) != string(a.PrivateKey) {
		t.Errorf("got %+v", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "crier.db")
	db := must[*DB](t)(Open(path, Options{}))
	_, err := Open(path, Options{LockTimeout: 10 * time.Millisecond})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("locked: %v", err)
	}
	ok(t, db.b.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySchema, []byte("99")) }))
	ok(t, db.Close())
	if _, err := Open(path, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("newer schema: %v", err)
	}

	if left := must[[]string](t)(filepath.Glob(filepath.Join(dir, "*new*"))); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	empty := filepath.Join(dir, "empty.db")
	ok(t, os.WriteFile(empty, nil, 0o600))
	if _, err := Open(empty, Options{}); err == nil {
		t.Error("an empty file was taken for a new store")
	}
	other := filepath.Join(dir, "other.db")
	b := must[*bolt.DB](t)(bolt.Open(other, 0o600, nil))
	ok(t, b.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("x")); return err }))
	ok(t, b.Close())
	if _, err := Open(other, Options{}); err == nil {
		t.Error("another program's file was taken for a store")
	}
	garbage := filepath.Join(dir, "garbage.db")
	ok(t, os.WriteFile(garbage, []byte(strings.Repeat("garbage", 4096)), 0o600))
	if _, err := Open(garbage, Options{}); err == nil {
		t.Error("garbage was taken for a store")
	}
}

func TestFollowersAndDistinctInboxes(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/alice", "https://a.example/alice/inbox", "https://a.example/inbox")
	follow(t, db, "https://a.example/adam", "https://a.example/adam/inbox", "https://a.example/inbox")
	follow(t, db, "https://b.example/bob", "https://b.example/bob/inbox", "")
	follow(t, db, "https://a.example/alice", "https://a.example/alice/inbox", "https://a.example/inbox") // again
	if n := must[int](t)(db.CountFollowers()); n != 3 {
		t.Errorf("%d followers", n)
	}
	if ds := must[[]Delivery](t)(db.Deliveries()); len(ds) != 3 {
		t.Errorf("accepts queued: %s", names(ds))
	}
	sound(t, db)

	entry(t, db, "blog.example/1/")
	if n := publishNow(t, db, "blog.example/1/", "Create"); n != 2 {
		t.Errorf("queued for %d inboxes", n)
	}
	removed := must[bool](t)(db.RemoveFollower(noon, "https://a.example/alice", "undo-1"))
	if !removed || !must[bool](t)(db.Seen("undo-1")) {
		t.Error("alice is still there, or her Undo is not remembered")
	}
	want := "Accept a.example/adam/inbox, Accept b.example/bob/inbox, Create a.example/inbox, Create b.example/bob/inbox"
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != want {
		t.Errorf("after alice left:\n got %s\nwant %s", got, want)
	}
	must[bool](t)(db.RemoveFollower(noon, "https://a.example/adam", ""))
	if got := names(must[[]Delivery](t)(db.Deliveries())); got != "Accept b.example/bob/inbox, Create b.example/bob/inbox" {
		t.Errorf("after adam left: %s", got)
	}
	if must[bool](t)(db.RemoveFollower(noon, "https://nobody.example/x", "")) {
		t.Error("a stranger was removed")
	}
}

func TestPendingFollowersGetNothing(t *testing.T) {
	db := open(t)
	_, err := db.AddFollower(noon, Follow{Follower: Follower{Actor: "https://a.example/x", Inbox: "https://a.example/x/inbox", Since: noon, State: FollowerPending}})
	ok(t, err)
	entry(t, db, "blog.example/1/")
	if n := publishNow(t, db, "blog.example/1/", "Create"); n != 0 {
		t.Errorf("queued for %d inboxes", n)
	}
	if n := must[int](t)(db.CountFollowers()); n != 0 {
		t.Errorf("%d followers counted", n)
	}
}

func TestPollConflicts(t *testing.T) {
	db := open(t)
	e := entry(t, db, "blog.example/1/")
	publishNow(t, db, e.Key, "Create")
	e.Title = "late"
	other := Entry{Key: "blog.example/2/", Feed: e.Feed, State: EntryNew, Generation: 1}
	err := db.RecordPoll(Poll{Feed: Feed{URL: e.Feed, LastError: "x"}, Put: []EntryPut{{Entry: other}, {Entry: e}}})
	if !errors.Is(err, ErrConflict) {
		t.Fatalf("stale entry: %v", err)
	}
	if _, err := db.Entry(other.Key); !errors.Is(err, ErrNotFound) {
		t.Errorf("half a poll was written: %v", err)
	}
	if f := must[Feed](t)(db.Feed(e.Feed)); f.LastError != "" {
		t.Error("half a poll was written: the feed")
	}
	err = db.RecordPoll(Poll{Feed: Feed{URL: e.Feed}, Put: []EntryPut{{Entry: Entry{Key: e.Key, Feed: "other"}}}})
	if !errors.Is(err, ErrConflict) {
		t.Errorf("taken key: %v", err)
	}
	if _, err := db.Publish(noon, publication(e, "Update")); !errors.Is(err, ErrConflict) {
		t.Errorf("stale publication: %v", err)
	}
}

func TestDueEntriesAndHeld(t *testing.T) {
	db := open(t)
	feed := Feed{URL: "https://blog.example/feed"}
	var put []EntryPut
	for i, at := range []int{3, 1, 2} {
		put = append(put, EntryPut{Entry: Entry{
			Key: fmt.Sprintf("blog.example/%d/", i), Feed: feed.URL, Date: noon.AddDate(0, 0, at-10), State: EntryHeld, Generation: 1,
		}})
	}
	ok(t, db.RecordPoll(Poll{Feed: feed, Put: put}))
	if due, next, err := db.DueEntries(noon, 10); len(due) != 0 || !next.IsZero() || err != nil {
		t.Errorf("held entries are due: %v %v %v", due, next, err)
	}
	if n := must[int](t)(db.SettleHeld(feed.URL, true, noon, time.Second)); n != 3 {
		t.Errorf("%d released", n)
	}
	due, next, err := db.DueEntries(noon.Add(time.Second), 10)
	ok(t, err)
	if len(due) != 2 || due[0].Key != "blog.example/1/" || due[1].Key != "blog.example/2/" || !next.Equal(noon.Add(2*time.Second)) {
		t.Errorf("due: %v, next %v", due, next)
	}
	if !due[0].Deliver || due[0].Todo != TodoCreate {
		t.Errorf("released: %+v", due[0])
	}
	if n := must[int](t)(db.SettleHeld("", false, noon, time.Second)); n != 0 {
		t.Errorf("%d held twice", n)
	}
}

func TestPostsOutboxAndAddresses(t *testing.T) {
	db := open(t)
	entry(t, db, "blog.example/1/")
	p := publication(must[Entry](t)(db.Entry("blog.example/1/")), "Create")
	must[int](t)(db.Publish(noon, p))
	got := must[Post](t)(db.PostByURL("http://www.blog.example/1#top"))
	if got.ID != p.Post.ID || string(got.Object) != string(p.Post.Object) {
		t.Errorf("by address: %s %s", got.ID, got.Object)
	}
	if n := must[int](t)(db.CountListed()); n != 1 {
		t.Errorf("%d listed", n)
	}
	publishNow(t, db, "blog.example/1/", "Delete")
	if n := must[int](t)(db.CountListed()); n != 0 {
		t.Errorf("%d listed after the deletion", n)
	}
	again := publication(must[Entry](t)(db.Entry("blog.example/1/")), "Create")
	again.Post.Path += "~2"
	again.Post.Published = noon.Add(time.Hour)
	must[int](t)(db.Publish(noon, again))
	if got := must[Post](t)(db.PostByURL("https://blog.example/1/")); got.State != PostLive {
		t.Errorf("the deleted post hides the live one: %+v", got)
	}
	if page := must[[]Post](t)(db.Outbox(0, 10)); len(page) != 1 || page[0].Path != "blog.example/1/~2" {
		t.Errorf("outbox: %v", page)
	}
	if all := must[[]Post](t)(db.Posts()); len(all) != 2 || all[0].Path != "blog.example/1/~2" {
		t.Errorf("posts: %v", all)
	}
}

func TestLogIsBounded(t *testing.T) {
	db := open(t)
	lines := make([]LogEntry, logLines+10)
	for i := range lines {
		lines[i] = LogEntry{Type: "Follow", Result: strconv.Itoa(i), Source: json.RawMessage(`{"a":"<b>"}`)}
	}
	ok(t, db.AppendLog(lines...))
	ok(t, db.AppendLog(LogEntry{Source: json.RawMessage(`{"not json`)}))
	all := must[[]LogEntry](t)(db.Log(0, 0, true))
	if len(all) != logLines || all[0].Result != "11" {
		t.Errorf("%d lines, the first is %q", len(all), all[0].Result)
	}
	if string(all[0].Source) != `{"a":"<b>"}` {
		t.Errorf("source %s", all[0].Source)
	}
	last := must[[]LogEntry](t)(db.LastLog(2, false))
	if len(last) != 2 || last[1].Source != nil || last[0].Seq+1 != last[1].Seq {
		t.Errorf("last lines: %+v", last)
	}
	if rest := must[[]LogEntry](t)(db.Log(last[0].Seq, 5, false)); len(rest) != 1 {
		t.Errorf("after the last but one: %d", len(rest))
	}
}

func TestSeenIsForgotten(t *testing.T) {
	db := open(t)
	ok(t, db.MarkSeen(noon, "one"))
	ok(t, db.MarkSeen(noon.Add(seenFor+time.Second), "two"))
	if must[bool](t)(db.Seen("one")) || !must[bool](t)(db.Seen("two")) {
		t.Error("one is remembered, or two is not")
	}
}

func TestGoneInboxes(t *testing.T) {
	db := open(t)
	follow(t, db, "https://a.example/alice", "https://a.example/alice/inbox", "https://a.example/inbox")
	for _, d := range step(t, db, noon) {
		step(t, db, noon, Outcome{Delivery: d, Result: Done})
	}
	entry(t, db, "blog.example/1/")
	publishNow(t, db, "blog.example/1/", "Create")
	d := step(t, db, noon)[0]
	step(t, db, noon, Outcome{Delivery: d, Result: Gone})
	gone := must[[]GoneInbox](t)(db.GoneInboxes())
	if len(gone) != 1 || len(gone[0].Followers) != 1 {
		t.Fatalf("gone: %+v", gone)
	}
	entry(t, db, "blog.example/2/")
	if n := publishNow(t, db, "blog.example/2/", "Create"); n != 0 {
		t.Error("a gone inbox gets posts")
	}
	ok(t, db.RecordActorAlive("https://a.example/alice", "https://a.example/alice/inbox", "https://a.example/inbox"))
	if gone := must[[]GoneInbox](t)(db.GoneInboxes()); len(gone) != 0 {
		t.Errorf("still gone: %+v", gone)
	}
	for day := range 3 {
		for range 2 { // twice a day counts once
			removed := must[bool](t)(db.RecordActorGone(noon.AddDate(0, 0, day), "https://a.example/alice", 3))
			if removed != (day == 2) && day != 2 {
				t.Errorf("day %d: removed %v", day, removed)
			}
		}
	}
	if n := must[int](t)(db.CountFollowers()); n != 0 {
		t.Errorf("%d followers", n)
	}
}

func FuzzTimeKey(f *testing.F) {
	f.Add(int64(0), int64(1))
	f.Add(int64(-1), int64(1))
	f.Fuzz(func(t *testing.T, a, b int64) {
		x, y := time.Unix(0, a).UTC(), time.Unix(0, b).UTC()
		if x.Before(minTime) || y.Before(minTime) || x.After(maxTime) || y.After(maxTime) {
			return
		}
		kx, ky := timeKey(x), timeKey(y)
		if !parseTime(kx).Equal(x) {
			t.Errorf("%v comes back as %v", x, parseTime(kx))
		}
		if (string(kx) < string(ky)) != x.Before(y) {
			t.Errorf("%v and %v do not sort", x, y)
		}
	})
}

func FuzzQueueKey(f *testing.F) {
	f.Add("a.example", int64(5), uint64(7), false)
	f.Fuzz(func(t *testing.T, host string, next int64, seq uint64, parked bool) {
		d := Delivery{Host: host, Next: time.Unix(0, next), Seq: seq, Parked: parked}
		due, ever := queueDue(queueKey(d))
		if ever == parked {
			t.Fatalf("parked %v, yet due: %v", parked, ever)
		}
		if !parked && d.Next.After(minTime) && d.Next.Before(maxTime) && !due.Equal(d.Next) {
			t.Errorf("due %v, not %v", due, d.Next)
		}
	})
}

// TestOldStoreIsBroughtUpToDate opens stores that earlier schemas left behind.
func TestOldStoreIsBroughtUpToDate(t *testing.T) {
	for _, packed := range []string{"testdata/v1.db.gz", "testdata/v2.db.gz"} {
		t.Run(packed, func(t *testing.T) { testOldStore(t, packed) })
	}
}

func testOldStore(t *testing.T, packed string) {
	path := filepath.Join(t.TempDir(), "crier.db")
	unpack(t, packed, path)
	for range 2 { // it stays as it is
		if db, err := Open(path, Options{AsItIs: true}); !errors.Is(err, ErrOlder) {
			t.Fatalf("opened as it is: %v, %v", db, err)
		}
	}
	db := must[*DB](t)(Open(path, Options{}))
	defer db.Close()
	sound(t, db)
	if got := must[Account](t)(db.Account()).Handle; got != "user@blog.example" {
		t.Errorf("the account is %s", got)
	}
	if e := must[Entry](t)(db.Entry("blog.example/2")); e.State != EntryHeld {
		t.Errorf("the held entry is %s", e.State)
	}
	due := must[[]Entry](t)(db.WithoutExtras(10))
	if len(due) != 0 {
		t.Errorf("%d entries wait", len(due))
	}
	ok(t, db.PutSubscription(Subscription{Feed: "https://blog.example/feed.xml", State: SubscriptionPending}))
	ok(t, db.PutNotice(Notice{Subject: "held", Since: noon}))
	if n := must[int](t)(db.CountFollowers()); n != 1 {
		t.Errorf("%d followers", n)
	}
	must[int](t)(db.SavePresence(noon, must[Presence](t)(db.Presence())))
}

func unpack(t *testing.T, packed, path string) {
	t.Helper()
	f := must[*os.File](t)(os.Open(packed))
	defer f.Close()
	z := must[*gzip.Reader](t)(gzip.NewReader(f))
	b := must[[]byte](t)(io.ReadAll(z))
	ok(t, os.WriteFile(path, b, 0o600))
}

func TestExtras(t *testing.T) {
	db := open(t)
	first, second := entry(t, db, "blog.example/1"), entry(t, db, "blog.example/2")
	if _, err := db.Extras(first.Key); !errors.Is(err, ErrNotFound) {
		t.Errorf("extras of an entry nobody looked at: %v", err)
	}
	ok(t, db.PutExtras(first.Key, []byte("{}")))
	left := must[[]Entry](t)(db.WithoutExtras(10))
	if len(left) != 1 || left[0].Key != second.Key {
		t.Errorf("without extras: %v", left)
	}
	if got := must[[]byte](t)(db.Extras(first.Key)); string(got) != "{}" {
		t.Errorf("extras are %s", got)
	}
}

// TestLeavingKeepsAnswersToQuotes: somebody who stops following may still quote, and waits for the answer.
func TestLeavingKeepsAnswersToQuotes(t *testing.T) {
	db := open(t)
	const actor, inbox = "https://a.example/users/ann", "https://a.example/users/ann/inbox"
	follow(t, db, actor, inbox, "")
	quote := Quote{ID: "https://me.example/quotes/1", Post: "https://me.example/posts/1", Quoting: "https://a.example/notes/1", Actor: actor, Allowed: noon}
	answer := QuoteAnswer{Quote: &quote, Seen: "r1", Inbox: inbox, Answer: Activity{ID: "https://me.example/activities/q", Type: "Accept", Object: quote.Quoting, Body: []byte("{}")}}
	ok(t, db.AnswerQuote(noon, answer))
	ok(t, db.AnswerQuote(noon, answer)) // asked again
	if got := must[Quote](t)(db.Quote(quote.ID)); got != quote {
		t.Errorf("stored %+v", got)
	}
	if n := len(must[[]Delivery](t)(db.Deliveries())); n != 2 {
		t.Errorf("%d queued, want the answers to the follow and to the quote", n)
	}
	must[bool](t)(db.RemoveFollower(noon, actor, "u1"))
	left := must[[]Delivery](t)(db.Deliveries())
	if len(left) != 1 || left[0].Object != quote.Quoting {
		t.Errorf("left: %+v", left)
	}
}
