package federation

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// TestSeveralObjects: of an activity with a list of objects each counts that is ours, whatever stands beside it, in
// whatever order; what it did is taken back by its id, by what it was, or one by one; and coming again it changes nothing.
func TestSeveralObjects(t *testing.T) {
	const foreign = `"https://b.example/notes/1"`
	list := func(things ...string) string { return "[" + strings.Join(things, ",") + "]" }
	for _, typ := range []string{"Like", "EmojiReact", "Announce"} {
		kind, _ := markKind(typ)
		for name, back := range map[string]func(x *stranger, one, two string) string{
			"by id":      func(x *stranger, _, _ string) string { return `"https://a.example/m"` },
			"by content": func(x *stranger, one, two string) string { return x.act("other", typ, list(two, foreign, one)) },
			"whole":      func(x *stranger, one, two string) string { return x.act("m", typ, list(two, one)) },
			"in a list": func(x *stranger, one, two string) string {
				return list(x.act("o1", typ, one), foreign, x.act("o2", typ, two))
			},
		} {
			t.Run(typ+" "+name, func(t *testing.T) {
				d, x, one, two := twoPosts(t)
				act := x.act("m", typ, list(foreign, one, two))
				for range 2 {
					x.sends(t, d, act)
				}
				if got := d.marks(kind); got != "1 1" {
					t.Errorf("counted: %s", got)
				}
				x.sends(t, d, x.act("u", "Undo", back(x, one, two)))
				if got := d.marks(kind); got != "0 0" {
					t.Errorf("after the Undo: %s", got)
				}
			})
		}
	}
}

// marks is how many reactions of a kind the two posts have.
func (d *daemon) marks(kind store.ReactionKind) string {
	d.t.Helper()
	var n [2]int
	for i, path := range []string{helloKey, "example.com/two/"} {
		all, err := d.db.Reactions(path, kind, 0, 0)
		if err != nil {
			d.t.Fatal(err)
		}
		n[i] = len(all)
	}
	return fmt.Sprint(n[0], n[1])
}

// twoPosts is a daemon with two posts, as they are named in JSON.
func twoPosts(t *testing.T) (d *daemon, x *stranger, one, two string) {
	d, x, post := reacting(t)
	d.announce("example.com/two/")
	d.publishDue()
	return d, x, `"` + post + `"`, `"` + testBase + `/posts/example.com/two/"`
}

// TestSeveralObjectsOfOthers: what was taken back before it came does not count in parts either, no part is another's,
// and more than a handful is not looked at.
func TestSeveralObjectsOfOthers(t *testing.T) {
	d, x, one, two := twoPosts(t)
	both := "[" + one + "," + two + "]"
	x.sends(t, d, x.act("u", "Undo", x.act("m", "Like", both)))
	x.sends(t, d, x.act("m", "Like", both))
	if got := d.marks(store.ReactionLike); got != "0 0" {
		t.Errorf("counted though it was taken back: %s", got)
	}
	x.sends(t, d, x.act("m2", "Like", "["+strings.Repeat(`"https://b.example/n",`, partsMost)+one+"]"))
	if got := d.marks(store.ReactionLike); got != "0 0" {
		t.Errorf("the last of many counts: %s", got)
	}
	x.sends(t, d, x.act("m3", "Like", both))
	y := newStranger(t, d, "y.example", "yves")
	y.sends(t, d, y.act("u", "Undo", `["https://a.example/m3","https://a.example/m3#1"]`))
	y.sends(t, d, y.act("u2", "Undo", `"https://a.example/m3"`))
	if got := d.marks(store.ReactionLike); got != "1 1" {
		t.Errorf("after the Undo of another: %s", got)
	}
}

// TestFollowAndDeleteOfSeveral: a Follow of several actors is answered for ours alone, and a Delete of several things
// removes what its actor wrote here.
func TestFollowAndDeleteOfSeveral(t *testing.T) {
	d, x, one, _ := twoPosts(t)
	x.sends(t, d, x.act("f", "Follow", `["https://b.example/users/bob","`+oldActor+`"]`))
	if f, err := d.db.Follower(x.id()); err != nil || strings.Contains(string(f.Follow), "bob") {
		t.Errorf("%s %v", f.Follow, err)
	}
	for _, id := range []string{"n1", "n2"} {
		x.sends(t, d, x.act("c"+id, "Create", x.note(id, strings.Trim(one, `"`), "")))
	}
	x.sends(t, d, x.act("d", "Delete", `["https://a.example/n1","https://b.example/notes/1",{"type":"Tombstone","id":"https://a.example/n2"}]`))
	if got := d.shown(store.ReactionReply); got != "" {
		t.Errorf("left: %s", got)
	}
	x.sends(t, d, x.act("u", "Undo", `["https://a.example/x",`+x.act("f", "Follow", `["https://b.example/users/bob","`+oldActor+`"]`)+`]`))
	if _, err := d.db.Follower(x.id()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it follows still: %v", err)
	}
}

// TestSeveralObjectsCutOff: an activity that was refused half-way comes again, and what is left of it counts.
func TestSeveralObjectsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, x, one, two := twoPosts(t)
		for range reactedMost - 1 {
			d.s.reacted.spend(x.host, time.Now())
		}
		act := x.act("m", "Like", "["+one+","+two+"]")
		if got := x.post(t, d, act); got != http.StatusTooManyRequests || d.marks(store.ReactionLike) != "1 0" {
			t.Fatalf("status %d, counted %s", got, d.marks(store.ReactionLike))
		}
		time.Sleep(2 * time.Minute)
		x.sends(t, d, act)
		if got := d.marks(store.ReactionLike); got != "1 1" {
			t.Errorf("counted: %s", got)
		}
	})
}
