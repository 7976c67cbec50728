package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// keysOf are the keys of entries.
func keysOf(all []Entry) []string {
	out := []string{}
	for _, e := range all {
		out = append(out, e.Key)
	}
	return out
}

// TestFeedEntries: counts and lists follow the entries through their states, and are made anew for a store of before.
func TestFeedEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crier.db")
	db := must[*DB](t)(Open(path, Options{}))
	defer func() { db.Close() }()
	poll := func(put ...Entry) {
		t.Helper()
		p := Poll{Feed: Feed{URL: "f"}}
		for _, e := range put {
			p.Put = append(p.Put, EntryPut{Entry: e, Fields: []byte("{}")})
		}
		if err := db.RecordPoll(p); err != nil {
			t.Fatal(err)
		}
	}
	check := func(skipped int, held, fresh []string, posts int) {
		t.Helper()
		f := must[FeedEntries](t)(db.FeedEntries("f"))
		if f.All != 6 || f.Skipped != skipped || !slices.Equal(keysOf(f.Held), held) || !slices.Equal(keysOf(f.New), fresh) {
			t.Errorf("%d entries, %d skipped, held %v, new %v", f.All, f.Skipped, keysOf(f.Held), keysOf(f.New))
		}
		if all := must[[]Entry](t)(db.HeldEntries("f")); !slices.Equal(keysOf(all), held) {
			t.Errorf("held %v", keysOf(all))
		}
		if n := must[int](t)(db.CountPosts()); n != posts {
			t.Errorf("%d posts", n)
		}
		sound(t, db)
	}
	entry := func(n int, s EntryState) Entry {
		return Entry{Key: fmt.Sprintf("b.example/%d/", n), Feed: "f", State: s, Generation: 1, Date: noon, Seen: noon}
	}
	other := entry(9, EntryHeld)
	other.Feed = "f2"
	poll(entry(0, EntryNew), entry(1, EntryNew), entry(2, EntryHeld), entry(3, EntryHeld), entry(4, EntrySkipped), entry(5, EntryGone), other)
	check(1, []string{"b.example/2/", "b.example/3/"}, []string{"b.example/0/", "b.example/1/"}, 0)

	live := must[Entry](t)(db.Entry("b.example/0/"))
	live.State = EntryLive
	must[int](t)(db.Publish(noon, Publication{Entry: live, Fields: []byte("{}"), Activity: Activity{ID: "https://x.example/c", Type: "Create", Body: []byte("{}")},
		Post: Post{Path: live.Key, ID: "https://x.example/0", State: PostLive, Entry: live.Key, Create: "https://x.example/c", Object: []byte("{}")}}))
	must[int](t)(db.SettleHeld("f", true, noon, 0))
	check(1, []string{}, []string{"b.example/1/", "b.example/2/", "b.example/3/"}, 1)

	if err := db.b.Update(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket(bucketEntriesByState); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Delete(keyPosts)
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = must[*DB](t)(Open(path, Options{}))
	check(1, []string{}, []string{"b.example/1/", "b.example/2/", "b.example/3/"}, 1)
}

// TestCheckFindsStates: a count or a row that is wrong is found.
func TestCheckFindsStates(t *testing.T) {
	db := must[*DB](t)(Open(filepath.Join(t.TempDir(), "crier.db"), Options{}))
	defer db.Close()
	if err := db.b.Update(func(tx *bolt.Tx) error {
		if _, err := add(tx, bucketMeta, keyPosts, 2); err != nil {
			return err
		}
		return tx.Bucket(bucketEntriesByState).Put(pair("f", "held", "k"), nil)
	}); err != nil {
		t.Fatal(err)
	}
	if found := must[[]string](t)(db.Check()); len(found) != 2 {
		t.Errorf("found %q", found)
	}
}
