package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// throng stores n followers in one step, each pending that pending says.
func throng(t *testing.T, db *DB, n int, pending func(i int) bool) {
	t.Helper()
	err := db.b.Update(func(tx *bolt.Tx) error {
		for i := range n {
			f := Follower{
				Actor: fmt.Sprintf("https://h%d.example/users/u%05d", i%7, i), Since: noon.Add(time.Duration(i/3) * time.Second),
				State: FollowerAccepted,
			}
			f.Inbox = f.Actor + "/inbox"
			if pending(i) {
				f.State = FollowerPending
			}
			if _, err := putFollower(tx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func never(int) bool { return false }

// accepted are the ids of the accepted followers as the whole list has them.
func accepted(t *testing.T, db *DB) (ids []string) {
	t.Helper()
	all, err := db.Followers(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.State == FollowerAccepted {
			ids = append(ids, f.Actor)
		}
	}
	return ids
}

func idsOf(p Page[Follower]) (ids []string) {
	for _, f := range p.Items {
		ids = append(ids, f.Actor)
	}
	return ids
}

// TestFollowersPages walks through lists of all lengths, and back, and compares with the whole list.
func TestFollowersPages(t *testing.T) {
	const limit = 5
	for n := range 24 {
		for _, pending := range []func(int) bool{never, func(i int) bool { return i%4 == 1 }} {
			db := open(t)
			throng(t, db, n, pending)
			want := accepted(t, db)
			var got []string
			begins := []Cursor{nil}
			at := Cursor{}
			for {
				p, err := db.FollowersPage(at, limit)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, idsOf(p)...)
				if last := len(begins) - 2; last > 0 && !slices.Equal(p.Prev, begins[last]) || last <= 0 && len(p.Prev) > 0 {
					t.Errorf("%d: page %d says that the one before begins at %q", n, len(begins), p.Prev)
				}
				if skipped, err := db.FollowersAt((len(begins) - 1) * limit); err != nil || !slices.Equal(skipped, at) {
					t.Errorf("%d: page %d begins at %q by its number, at %q by the link (%v)", n, len(begins), skipped, at, err)
				}
				if len(p.Next) == 0 {
					break
				}
				at = p.Next
				begins = append(begins, at)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d: got %v, want %v", n, got, want)
			}
			if len(want) > limit {
				last, err := db.FollowersLast((len(want)-1)%limit + 1)
				if err != nil || !slices.Equal(last, begins[len(begins)-1]) {
					t.Errorf("%d: the last page begins at %q, %v, want %q", n, last, err, begins[len(begins)-1])
				}
			}
		}
	}
}

// TestPagesFarIn: no page looks at more rows than scanMost, so one far in is found by its place or not at all.
func TestPagesFarIn(t *testing.T) {
	db := open(t)
	throng(t, db, 4*scanMost, never)
	want := accepted(t, db)
	begin, err := db.FollowersLast(30)
	if err != nil {
		t.Fatal(err)
	}
	p, err := db.FollowersPage(begin, 20)
	if err != nil || !slices.Equal(idsOf(p), want[len(want)-30:len(want)-10]) || len(p.Next) == 0 || len(p.Prev) == 0 {
		t.Errorf("%v, %v", idsOf(p), err)
	}
	if at, err := db.FollowersAt(2 * scanMost); err != nil || at != nil {
		t.Errorf("counted off %d rows: %q, %v", 2*scanMost, at, err)
	}
}

// TestPagesWhileFollowersGo: a place stays good when the follower that it was named after has left.
func TestPagesWhileFollowersGo(t *testing.T) {
	db := open(t)
	throng(t, db, 30, never)
	want := accepted(t, db)
	p, err := db.FollowersPage(nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []int{9, 10, 3} {
		if _, err := db.RemoveFollower(noon, want[gone], ""); err != nil {
			t.Fatal(err)
		}
	}
	next, err := db.FollowersPage(p.Next, 10)
	if err != nil || !slices.Equal(idsOf(next), want[11:21]) {
		t.Errorf("%v, %v; want %v", idsOf(next), err, want[11:21])
	}
	for _, odd := range []Cursor{{0}, {0xff}, []byte("x"), make([]byte, 8)} {
		if _, err := db.FollowersPage(odd, 10); err != nil {
			t.Errorf("at %q: %v", odd, err)
		}
	}
}

// TestPagesAmongThoseWhoWait: thousands of requests in a row make pages short, neither expensive nor the last.
func TestPagesAmongThoseWhoWait(t *testing.T) {
	db := open(t)
	throng(t, db, 2*scanMost+500, func(i int) bool { return i > 5 })
	var got []string
	at := Cursor{}
	for pages := 0; pages < 4; pages++ {
		p, err := db.FollowersPage(at, 20)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, idsOf(p)...)
		if at = p.Next; len(at) == 0 {
			break
		}
	}
	if want := accepted(t, db); !slices.Equal(got, want) || len(want) != 6 {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestHostFollowers(t *testing.T) {
	db := open(t)
	if _, whole, err := db.HostFollowers("h0.example"); err != nil || !whole {
		t.Errorf("a new store is not whole: %v", err)
	}
	throng(t, db, 50, func(i int) bool { return i%5 == 0 })
	all := accepted(t, db)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, id := range all { // Check compares count and digest after each step
		if i%3 == 0 {
			if _, err := db.RemoveFollower(noon, id, ""); err != nil {
				t.Fatal(err)
			}
			sound(t, db)
		}
	}
	left := map[string][]string{}
	for _, id := range accepted(t, db) {
		left[hostOf(id)] = append(left[hostOf(id)], id)
	}
	for host, want := range left {
		slices.Sort(want)
		got, err := db.FollowersOnHost(host, 1000)
		if h, _, _ := db.HostFollowers(host); err != nil || !slices.Equal(got, want) || h.Count != len(want) {
			t.Errorf("%s: %v (%d counted), %v; want %v", host, got, h.Count, err, want)
		}
	}
	if got, err := db.FollowersOnHost("h1.example", 2); err != nil || len(got) != 2 {
		t.Errorf("two of them: %v, %v", got, err)
	}
	if got, err := db.FollowersOnHost("h1.exampl", 10); err != nil || len(got) != 0 {
		t.Errorf("another host: %v, %v", got, err)
	}
}

// TestForgetWhole: once a list may have gaps it is never whole again, whatever is added.
func TestForgetWhole(t *testing.T) {
	db := open(t)
	if err := db.ForgetWhole(); err != nil {
		t.Fatal(err)
	}
	throng(t, db, 3, never)
	if h, whole, err := db.HostFollowers("h0.example"); err != nil || whole || h.Count != 1 {
		t.Errorf("%+v, whole %v, %v", h, whole, err)
	}
}
