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

// reacting starts a daemon with one post and somebody who may react to it.
func reacting(t testing.TB) (d *daemon, alice *stranger, post string) {
	t.Helper()
	d = newDaemon(t)
	d.announce(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tt, ok := t.(*testing.T); ok {
		alice = newStranger(tt, d, "a.example", "alice")
	}
	return d, alice, d.post(helloKey).ID
}

// sends posts activities of a stranger and wants 202 for each.
func (x *stranger) sends(t *testing.T, d *daemon, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if got := x.post(t, d, body); got != http.StatusAccepted {
			t.Fatalf("status %d for %s", got, body)
		}
	}
}

func (x *stranger) act(id, typ, object string) string {
	return fmt.Sprintf(`{"id":"https://%s/%s","type":"%s","actor":"%s","object":%s}`, x.host, id, typ, x.id(), object)
}

// note is a public note that replies, with more properties.
func (x *stranger) note(id, inReplyTo, more string) string {
	return fmt.Sprintf(`{"id":"https://%s/%s","type":"Note","attributedTo":"%s","inReplyTo":"%s","to":"%s","content":"<p>text</p>"%s}`,
		x.host, id, x.id(), inReplyTo, Public, more)
}

func (d *daemon) shown(kind store.ReactionKind) string {
	d.t.Helper()
	list, err := d.db.Reactions(helloKey, kind, 0, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	var all []string
	for _, r := range list {
		all = append(all, strings.TrimPrefix(r.ID, "https://a.example/")+" "+r.Content)
	}
	return strings.Join(all, ", ")
}

func TestReactionHoldsWhatIsShown(t *testing.T) {
	d, alice, post := reacting(t)
	more := `,"url":["https://a.example/@alice/1"],"published":"2026-03-01T12:00:00Z","updated":"2026-03-01T13:00:00Z"`
	alice.sends(t, d, alice.act("c", "Create", alice.note("n", post, more)))
	r, err := d.db.Reaction("https://a.example/n")
	if err != nil {
		t.Fatal(err)
	}
	r.Received = time.Time{}
	want := store.Reaction{
		ID: "https://a.example/n", Kind: store.ReactionReply, Actor: alice.id(), Name: "Some alice", Handle: "alice@a.example",
		Inbox: "https://a.example/inbox", Post: helloKey, URL: "https://a.example/@alice/1", Content: "<p>text</p>", Public: true,
		Published: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Updated: time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC),
	}
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// TestNobodySpeaksForOthers: what somebody else wrote, or is said to have written, does not count, and nobody is asked
// about it.
func TestNobodySpeaksForOthers(t *testing.T) {
	tests := map[string]func(x *stranger, post string) string{
		"a note on another host": func(x *stranger, post string) string {
			return strings.ReplaceAll(x.note("n", post, ""), "https://a.example/n", "https://b.example/n")
		},
		"a note by another of the host": func(x *stranger, post string) string {
			return strings.Replace(x.note("n", post, ""), "users/alice", "users/bob", 1)
		},
		"a note by another host's actor": func(x *stranger, post string) string {
			return strings.Replace(x.note("n", post, ""), "a.example/users", "b.example/users", 1)
		},
		"a note without an id": func(x *stranger, post string) string { return strings.Replace(x.note("n", post, ""), `"id"`, `"x"`, 1) },
		"a note of ours": func(x *stranger, post string) string {
			return strings.Replace(x.note("n", post, ""), "https://a.example/n", post, 1)
		},
		"two notes": func(x *stranger, post string) string {
			return "[" + x.note("n", post, "") + "," + x.note("m", post, "") + "]"
		},
	}
	for name, object := range tests {
		d, alice, post := reacting(t)
		bob := d.net.hosts["b.example"]
		if bob != nil {
			t.Fatal("there is a b.example")
		}
		for _, typ := range []string{"Create", "Update"} {
			alice.sends(t, d, alice.act(typ, typ, object(alice, post)))
		}
		if got := d.shown(store.ReactionReply); got != "" {
			t.Errorf("%s: %s", name, got)
		}
		if alice.reads() != 1 {
			t.Errorf("%s: %d look-ups: %v", name, alice.reads(), alice.gets)
		}
	}
}

// TestOnlyTheAuthorChangesAReply has the other actor of the server try.
func TestOnlyTheAuthorChangesAReply(t *testing.T) {
	d, alice, post := reacting(t)
	alice.sends(t, d, alice.act("c", "Create", alice.note("n", post, "")), alice.act("l", "Like", `"`+post+`"`))
	bob := &stranger{host: "a.example", name: "bob", pair: keyPair(t, 2), keyPath: "#main-key"}
	alice.instead(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/bob") {
			bob.documents(w, r)
			return
		}
		alice.documents(w, r)
	})
	forged := strings.Replace(bob.note("n", post, `,"updated":"2026-05-01T00:00:00Z"`), "text", "forged", 1)
	bob.sends(t, d,
		bob.act("u", "Update", forged), bob.act("c2", "Create", forged), bob.act("d", "Delete", `"https://a.example/n"`),
		bob.act("x", "Undo", alice.act("l", "Like", `"`+post+`"`)), bob.act("y", "Undo", `"https://a.example/l"`),
		bob.act("z", "Undo", bob.act("l", "Like", `"`+post+`"`)), bob.act("l", "Announce", `"`+post+`"`),
	)
	if got := d.shown(store.ReactionReply) + d.shown(store.ReactionLike) + d.shown(store.ReactionBoost); got != "n <p>text</p>l " {
		t.Errorf("left: %q", got)
	}
	for _, line := range d.told()[2:] {
		if strings.Contains(line, "removed") || strings.Contains(line, "changed") || strings.Contains(line, "added") {
			t.Errorf("told: %s", line)
		}
	}
}

// TestContentIsHTML: PeerTube's comments are Markdown, and some objects have only a title.
func TestContentIsHTML(t *testing.T) {
	for doc, want := range map[string]string{
		`{"content":"<p>1 &lt; 2</p>"}`:                                       "<p>1 &lt; 2</p>",
		`{"content":"<p>x</p>","mediaType":"text/html; charset=utf-8"}`:       "<p>x</p>",
		`{"content":"1 < 2 <b>","mediaType":"text/markdown"}`:                 "<p>1 &lt; 2 &lt;b&gt;</p>",
		`{"name":"A <title>","type":"Page"}`:                                  "A &lt;title&gt;",
		`{"name":"A title","content":"the text","contentMap":{"en":"other"}}`: "the text",
		`{"contentMap":{"en":["x"]}}`:                                         "x",
		`{}`:                                                                  "",
	} {
		if got := contentOf(readTestNode(t, doc)); got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

func TestReplyIsFetchedFromItsHostWhereItIsOnlyNamed(t *testing.T) {
	for name, test := range map[string]struct {
		serve  func(w http.ResponseWriter, alice *stranger, post string)
		status int
		want   string
	}{
		"there": {func(w http.ResponseWriter, a *stranger, post string) { _, _ = w.Write([]byte(a.note("n", post, ""))) }, 202, "n <p>text</p>"},
		"another's": {func(w http.ResponseWriter, a *stranger, post string) {
			_, _ = w.Write([]byte(strings.Replace(a.note("n", post, ""), "users/alice", "users/bob", 1)))
		}, 202, ""},
		"another id": {func(w http.ResponseWriter, a *stranger, post string) {
			_, _ = w.Write([]byte(strings.Replace(a.note("n", post, ""), "a.example/n", "b.example/n", 1)))
		}, 202, ""},
		"ambiguous": {func(w http.ResponseWriter, a *stranger, post string) {
			_, _ = w.Write([]byte(strings.Replace(a.note("n", post, ""), `"id"`, `"ID":"https://b.example/n","id"`, 1)))
		}, 202, ""},
		"gone":    {func(w http.ResponseWriter, _ *stranger, _ string) { w.WriteHeader(410) }, 202, ""},
		"not now": {func(w http.ResponseWriter, _ *stranger, _ string) { w.WriteHeader(502) }, 503, ""},
		"not its own": {func(w http.ResponseWriter, _ *stranger, post string) {
			w.Header().Set("Location", post)
			w.WriteHeader(302)
		}, 202, ""},
	} {
		d, alice, post := reacting(t)
		alice.instead(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/n" {
				alice.documents(w, r)
				return
			}
			w.Header().Set("Content-Type", typeActivity)
			test.serve(w, alice, post)
		})
		body := strings.Replace(alice.act("c", "Create", `"https://a.example/n"`), `"object"`, `"cc":["`+d.s.ids.Actor()+`"],"object"`, 1)
		if got := alice.post(t, d, body); got != test.status {
			t.Errorf("%s: status %d", name, got)
		}
		if got := d.shown(store.ReactionReply); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestMessagesOvertakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, alice, post := reacting(t)
		like := alice.act("l", "Like", `"`+post+`"`)
		alice.sends(t, d, alice.act("u", "Undo", like), like)
		if got := d.shown(store.ReactionLike); got != "" {
			t.Errorf("a like that was taken back counts: %s", got)
		}
		// PeerTube and NodeBB give a like the same id each time.
		alice.sends(t, d, alice.act("l2", "Like", `"`+post+`"`), alice.act("u2", "Undo", alice.act("l2", "Like", `"`+post+`"`)), alice.act("l2", "Like", `"`+post+`"`))
		if got := d.shown(store.ReactionLike); got != "l2 " {
			t.Errorf("a like that is meant again: %q", got)
		}
		note := alice.note("n", post, "")
		newer := strings.Replace(alice.note("n", post, `,"updated":"2000-01-01T00:00:02Z"`), "text", "newer", 1)
		older := strings.Replace(alice.note("n", post, `,"updated":"2000-01-01T00:00:01Z"`), "text", "older", 1)
		alice.sends(t, d, alice.act("e2", "Update", newer), alice.act("e1", "Update", older), alice.act("c", "Create", note))
		if got := d.shown(store.ReactionReply); got != "n <p>newer</p>" {
			t.Errorf("not the newest: %s", got)
		}
		alice.sends(t, d, alice.act("d", "Delete", `"https://a.example/n"`), alice.act("e3", "Update", newer), alice.act("c3", "Create", note))
		if got := d.shown(store.ReactionReply); got != "" {
			t.Errorf("a reply came back after its Delete: %s", got)
		}
	})
}

func TestAnEditMayTakeAReplyOutOfSight(t *testing.T) {
	for name, change := range map[string][2]string{
		"for us alone": {`"to":"` + Public + `"`, `"to":"` + testBase + `/users/user"`},
		"to followers": {`"to":"` + Public + `"`, `"to":"https://a.example/users/alice/followers"`},
		"no reply":     {`"inReplyTo"`, `"x"`},
	} {
		d, alice, post := reacting(t)
		note := alice.note("n", post, "")
		changed := strings.Replace(note, change[0], change[1], 1)
		alice.sends(t, d, alice.act("c", "Create", note), alice.act("u", "Update", changed))
		if got := d.shown(store.ReactionReply); got != "" || changed == note {
			t.Errorf("%s: %s", name, got)
		}
		_, err := d.db.Reaction("https://a.example/n")
		if kept := err == nil; kept != (name == "to followers") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPostsForFollowersTakeReactionsFromThem(t *testing.T) {
	d := newDaemon(t)
	style := d.s.cfg.Feeds[testFeed]
	style.Visibility = visibilityFollowers
	d.s.cfg.Feeds[testFeed] = style
	d.announce(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	post := d.post(helloKey).ID
	alice := newStranger(t, d, "a.example", "alice")
	alice.sends(t, d, alice.act("l", "Like", `"`+post+`"`), alice.act("c", "Create", alice.note("n", post, "")))
	if got := d.shown(store.ReactionLike) + d.shown(store.ReactionReply); got != "" {
		t.Error(got)
	}
	if got := lastTold(d.told()); got != "not counted: the post is for followers" {
		t.Error(got)
	}
	alice.sends(t, d, alice.follow(), alice.act("l2", "Like", `"`+post+`"`))
	if got := d.shown(store.ReactionLike); got != "l2 " {
		t.Error(got)
	}
}

func TestReactionsToWhatIsNotThere(t *testing.T) {
	d, alice, post := reacting(t)
	d.remove(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	alice.sends(t, d, alice.act("l", "Like", `"`+post+`"`))
	if got := lastTold(d.told()); got != "noted: the post was deleted" || d.shown(store.ReactionLike) != "" {
		t.Error(got)
	}
}

func TestQuoteCountsIfItIsAllowed(t *testing.T) {
	for quotes, want := range map[string]string{"": "n <p>text</p>", "nobody": ""} {
		d, alice, post := quotable(t, quotes)
		note := strings.Replace(alice.note("n", "", `,"quote":"`+post+`"`), `"inReplyTo":"",`, "", 1)
		alice.sends(t, d, alice.act("c", "Create", note))
		if got := d.shown(store.ReactionQuote); got != want {
			t.Errorf("%q: %q", quotes, got)
		}
	}
}

// TestBombsAreBounded: one host that reacts without end is told to wait, and others are not.
func TestBombsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, alice, post := reacting(t)
		d.s.reacted = newBudget(3, time.Minute)
		codes := ""
		for i := range 5 {
			codes += fmt.Sprint(alice.post(t, d, alice.act(fmt.Sprint("n", i), "Announce", `"`+post+`"`)), " ")
		}
		if codes != "202 202 202 429 429 " {
			t.Error(codes)
		}
		bob := newStranger(t, d, "b.example", "bob")
		bob.sends(t, d, bob.act("b", "Announce", `"`+post+`"`))
		time.Sleep(time.Minute)
		alice.sends(t, d, alice.act("last", "Announce", `"`+post+`"`))
		if got := d.shown(store.ReactionBoost); strings.Count(got, ",") != 1 {
			t.Errorf("one of each: %q", got)
		}
	})
}

func TestActorIsRenewedFromItsOwnDocument(t *testing.T) {
	const embedded = `{"id":"https://a.example/users/alice","type":"Person","name":"Forged","inbox":"https://a.example/forged"}`
	tests := map[string]struct {
		change func(doc map[string]any)
		code   int // instead of the document
		status int
		told   string
		inbox  string
	}{
		"changed":            {func(doc map[string]any) { doc["inbox"], doc["name"] = "https://a.example/new", "New" }, 0, 202, "profile renewed", "https://a.example/new"},
		"an inbox elsewhere": {func(doc map[string]any) { doc["inbox"] = "https://victim.example/inbox" }, 0, 202, "not taken over: the actor or its inbox is on another host", ""},
		"a shared inbox elsewhere": {func(doc map[string]any) {
			doc["endpoints"] = map[string]any{"sharedInbox": "https://victim.example/inbox"}
		}, 0, 202, "profile renewed", "https://a.example/users/alice/inbox"},
		"no actor any more": {func(doc map[string]any) { doc["type"] = "Note" }, 0, 202, "noted: its document is not to be had", ""},
		"gone":              {nil, 410, 202, "noted: its document is not to be had", ""},
		"not now":           {nil, 502, 503, "", ""},
	}
	for name, test := range tests {
		d, alice, post := reacting(t)
		alice.sends(t, d, alice.follow(), alice.act("l", "Like", `"`+post+`"`))
		d.s = New(d.s.cfg) // a day later
		alice.bend(test.change)
		if test.code != 0 {
			alice.status(test.code)
		}
		if got := alice.post(t, d, alice.act("u", "Update", embedded)); got != test.status {
			t.Errorf("%s: status %d", name, got)
		}
		f, err := d.db.Follower(alice.id())
		if err != nil {
			t.Fatal(err)
		}
		want := test.inbox
		if want == "" {
			want = "https://a.example/users/alice/inbox"
		}
		if f.Inbox != want || strings.Contains(f.SharedInbox, "victim") || f.Name == "Forged" || f.State != store.FollowerAccepted {
			t.Errorf("%s: %+v", name, f)
		}
		if test.told != "" && lastTold(d.told()) != test.told {
			t.Errorf("%s: told %q", name, lastTold(d.told()))
		}
		if r, err := d.db.Reaction("https://a.example/l"); err != nil || (r.Name == "New") != (name == "changed") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestActorWithANewKeyIsRenewed(t *testing.T) {
	d, alice, _ := reacting(t)
	alice.sends(t, d, alice.follow())
	d.s = New(d.s.cfg)
	old := &stranger{host: alice.host, name: alice.name, pair: alice.pair, keyPath: alice.keyPath} // signs with the key that goes
	alice.pair = keyPair(t, 2)
	body := alice.act("u", "Update", `{"id":"https://a.example/users/alice","type":"Person"}`)
	old.sends(t, d, body)
	f, err := d.db.Follower(alice.id())
	if err != nil || f.Key != publicPEM(alice.pair) {
		t.Errorf("the old key is kept, %v", err)
	}
	alice.sends(t, d, alice.act("f2", "Follow", `"`+d.s.ids.Actor()+`"`))
}

// TestReactionsGoWithTheAccount: a Delete of an actor that only reacted is looked at, too, and believed without its
// key if its server says that it is gone.
func TestReactionsGoWithTheAccount(t *testing.T) {
	for name, code := range map[string]int{"the key is known": 0, "gone": 410, "not found": 404, "not now": 502} {
		d, alice, post := reacting(t)
		alice.sends(t, d, alice.act("c", "Create", alice.note("n", post, "")), alice.act("l", "Like", `"`+post+`"`))
		if code != 0 {
			d.s = New(d.s.cfg)
			alice.status(code)
		}
		got := alice.post(t, d, selfDelete(alice, `"https://a.example/users/alice"`))
		if want := map[bool]int{true: 503, false: 202}[code == 502]; got != want {
			t.Errorf("%s: status %d", name, got)
		}
		_, err := d.db.Reaction("https://a.example/n")
		if removed := errors.Is(err, store.ErrNotFound); removed != (code == 0 || code == 410) {
			t.Errorf("%s: removed %v", name, removed)
		}
	}
}

// TestASignOfLifeRevives: an inbox that answered 410 gets posts again once its owner is heard of, but nobody revives
// the inbox of another host.
func TestASignOfLifeRevives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, alice, post := reacting(t)
		victim := newPeer(d.net, "victim.example")
		d.follow(victim, "v", false)
		victim.answer(statuses(410))
		alice.sends(t, d, alice.follow())
		gone := newPeer(d.net, "a.example") // takes the place of alice's server
		gone.answer(statuses(410))
		d.run()
		defer d.halt()
		d.announce("example.com/second")
		synctest.Wait()
		time.Sleep(time.Minute)
		list := func() string {
			boxes, err := d.db.GoneInboxes()
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, b := range boxes {
				all = append(all, b.Inbox)
			}
			return strings.Join(all, " ")
		}
		if got := list(); got != "https://a.example/inbox https://victim.example/users/v/inbox" {
			t.Fatalf("gone: %s", got)
		}
		mallory := newStranger(t, d, "m.example", "mallory")
		mallory.bend(func(doc map[string]any) { doc["inbox"] = "https://victim.example/users/v/inbox" })
		mallory.sends(t, d, mallory.act("l", "Like", `"`+post+`"`))
		d.net.handle("a.example", http.HandlerFunc(alice.documents))
		alice.sends(t, d, alice.act("l", "Like", `"`+post+`"`))
		if got := list(); got != "https://victim.example/users/v/inbox" {
			t.Errorf("gone: %s", got)
		}
	})
}
