package federation

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

const helloKey = "example.com/hello/"

// servedNote decodes what is served of a post.
func servedNote(t *testing.T, p store.Post) (n struct {
	Type, Published, Updated, Content string
	To, CC                            []string
}) {
	t.Helper()
	if err := json.Unmarshal(p.Object, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPublishDatesAndAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.follow(newPeer(d.net, "peer.example"), "ann", true)
		old := time.Date(1999, 5, 4, 3, 2, 1, 0, time.UTC) // a bubble begins in the year 2000
		d.add(helloKey, true, old)
		d.add("example.com/ahead/", true, time.Now().Add(5*time.Minute))
		if n, err := d.s.PublishDue(t.Context()); n != 2 || err != nil {
			t.Fatalf("%d published: %v", n, err)
		}
		n := servedNote(t, d.post(helloKey))
		if n.Published != "1999-05-04T03:02:01Z" || n.Updated != "" || n.To[0] != Public || n.CC[0] != d.s.ids.Followers() {
			t.Errorf("note %+v", n)
		}
		if p := d.post("example.com/ahead/"); p.Published.After(time.Now()) {
			t.Errorf("a post from the future: %v", p.Published)
		}
		if e := d.entry(helloKey); e.State != store.EntryLive || e.Todo != store.TodoNothing {
			t.Errorf("entry %+v", e)
		}
		if n, err := d.s.PublishDue(t.Context()); n != 0 || err != nil {
			t.Errorf("published again: %d %v", n, err)
		}
	})
}

// Two edits within a second still have two moments, since Mastodon takes only what is newer.
func TestEditsAreNewerThanWhatTheyReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.add(helloKey, true, time.Now())
		var moments []string
		for _, text := range []string{"", "one", "two"} {
			if text != "" {
				d.edit(helloKey, text)
			}
			if _, err := d.s.PublishDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			n := servedNote(t, d.post(helloKey))
			moments = append(moments, max(n.Updated, n.Published))
		}
		if !(moments[0] < moments[1] && moments[1] < moments[2]) {
			t.Errorf("moments %v", moments)
		}
	})
}

func TestNeverDeliveredStaysSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.follow(newPeer(d.net, "peer.example"), "ann", true)
		d.add(helloKey, false, time.Now().AddDate(-1, 0, 0))
		steps := []func(){func() {}, func() { d.edit(helloKey, "Other text") }, func() { d.remove(helloKey) }}
		for i, step := range steps {
			step()
			if n, err := d.s.PublishDue(t.Context()); n != 1 || err != nil {
				t.Fatalf("step %d: %d published: %v", i, n, err)
			}
		}
		for _, q := range d.queue() {
			if q.Type != "Accept" {
				t.Errorf("queued: %s of %s", q.Type, q.Object)
			}
		}
		if p := d.post(helloKey); p.State != store.PostDeleted || p.Listed {
			t.Errorf("post %+v", p)
		}
	})
}

func TestTombstoneHasNoText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.follow(newPeer(d.net, "peer.example"), "ann", true)
		d.announce(helloKey)
		for range 2 {
			if _, err := d.s.PublishDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d.entry(helloKey).State == store.EntryLive {
				d.remove(helloKey)
			}
		}
		p := d.post(helloKey)
		if n := servedNote(t, p); n.Type != "Tombstone" || strings.Contains(string(p.Object), "Text of") {
			t.Errorf("%s", p.Object)
		}
		if got := d.entry(helloKey).State; got != store.EntryGone {
			t.Errorf("the entry is %s", got)
		}
	})
}

// The next generation has an id of its own and leaves the tombstone where it is.
func TestReturnAfterDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.announce(helloKey)
		publish := func() {
			t.Helper()
			if _, err := d.s.PublishDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		publish()
		d.remove(helloKey)
		publish()
		e := d.entry(helloKey)
		e.Generation, e.State, e.Todo, e.Due = 2, store.EntryNew, store.TodoCreate, time.Now()
		d.put(e, "Back again")
		publish()
		again := d.post(helloKey + "~2")
		if again.ID != d.s.ids.Post(helloKey)+"~2" || again.State != store.PostLive {
			t.Errorf("second generation: %+v", again)
		}
		if first := d.post(helloKey); first.State != store.PostDeleted || first.Create == again.Create {
			t.Errorf("first generation: %+v", first)
		}
	})
}

// An entry that cannot become a post holds up nobody, and is tried again when the feed changes it.
func TestBrokenEntryHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.announce(helloKey)
		d.putFields(d.entry(helloKey), []byte(`{"title": 5}`))
		d.announce("example.com/good/")
		if n, err := d.s.PublishDue(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d published: %v", n, err)
		}
		if _, err := d.db.Post(helloKey); err == nil {
			t.Error("the broken one has a post")
		}
		d.put(d.entry(helloKey), "Mended")
		if n, err := d.s.PublishDue(t.Context()); n != 1 || err != nil {
			t.Errorf("after it was mended: %d published: %v", n, err)
		}
	})
}

// A first poll of a large blog is stored in few transactions, and the followers hear nothing of it.
func TestManySilentPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		const posts = 2*batchMax + 5
		for i := range posts {
			d.add("example.com/"+strings.Repeat("x", i+1), false, time.Now().Add(-time.Duration(i)*time.Hour))
		}
		if n, err := d.s.PublishDue(t.Context()); n != posts || err != nil {
			t.Fatalf("%d published: %v", n, err)
		}
		if n, err := d.db.CountListed(); n != posts || err != nil {
			t.Errorf("%d listed: %v", n, err)
		}
		if lines := d.lines(); len(lines) != 1 || !strings.Contains(lines[0], "205 posts") {
			t.Errorf("the log: %q", lines)
		}
	})
}

// The same entry gives the same ids on a machine that knows nothing of the first.
func TestIdsSurviveTheLossOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for range 2 {
			d := newDaemon(t)
			d.add(helloKey, true, time.Date(1998, 1, 1, 0, 0, 0, 0, time.UTC))
			if _, err := d.s.PublishDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			p := d.post(helloKey)
			ids = append(ids, p.ID+" "+p.Create)
			time.Sleep(time.Hour)
		}
		if ids[0] != ids[1] {
			t.Errorf("ids %v", ids)
		}
	})
}

// A poll that changes an entry while its post is being made wins: the post is made anew.
func TestConflictIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "peer.example")
		d.follow(p, "ann", true)
		const key = "example.com/hello/"
		d.announce(key)
		stale := d.entry(key)
		changed := stale
		changed.Title = "Renamed"
		d.put(changed, "Newer text")
		r := round{s: d.s}
		m, err := d.s.material(stale)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := d.s.plan(m, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.commit(pub); err != nil || r.conflicts != 1 || r.published != 0 {
			t.Fatalf("a stale entry was published: %+v, %v", r, err)
		}
		d.run()
		settle()
		got := expectTypes(t, p, "Create")
		if !strings.Contains(string(got[0].Body), "Newer text") {
			t.Errorf("received %s", got[0].Body)
		}
	})
}

// Who may see a post is its feed's to say: without its configuration nothing goes out, to nobody.
func TestEntryOfARemovedFeedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.put(store.Entry{
			Key: helloKey, Feed: "https://gone.example/feed", URL: entryURL(helloKey), Title: "Secret", Date: time.Now(), Dated: true,
			State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: time.Now(), Deliver: true, Listed: true,
		}, "For followers only")
		if n, err := d.s.PublishDue(t.Context()); n != 0 || err != nil {
			t.Errorf("%d published: %v", n, err)
		}
		if _, err := d.db.Post(helloKey); err == nil {
			t.Error("it has a post")
		}
	})
}

// TestPaceSpreadsAPost: its servers get it one after the other, all within the time that the feed's pace says.
func TestPaceSpreadsAPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		style := d.s.cfg.Feeds[testFeed]
		style.Pace = 4 * time.Minute
		d.s.cfg.Feeds[testFeed] = style
		var peers []*peer
		for i := range 4 {
			peers = append(peers, newPeer(d.net, fmt.Sprintf("p%d.example", i)))
			d.follow(peers[i], "ann", true)
		}
		d.run()
		began := time.Now()
		d.announce("example.com/hello/")
		time.Sleep(5 * time.Minute)
		for i, p := range peers {
			got := expectTypes(t, p, "Create")
			if at := got[0].At.Sub(began); at < time.Duration(i)*time.Minute || at > time.Duration(i)*time.Minute+2*time.Second {
				t.Errorf("%s got it after %v", p.host, at)
			}
		}
	})
}
