package federation

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// newHome is a new account on another server, that says to be also known as the account under test. Its server
// answers WebFinger for it. bend changes its document.
type newHome struct {
	*peer
	bend    func(doc map[string]any)
	finger  string // what its handle leads to; empty: to it
	fetched []http.Header
	status  int
}

const (
	homeHost  = "new.example"
	homeActor = "https://new.example/users/user"
	oldActor  = testBase + "/users/user"
)

func newNewHome(d *daemon) *newHome {
	h := &newHome{peer: newPeer(d.net, homeHost)}
	d.net.handle(homeHost, h)
	return h
}

func (h *newHome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.status != 0:
		w.WriteHeader(h.status)
	case r.URL.Path == "/.well-known/webfinger":
		to := homeActor
		if h.finger != "" {
			to = h.finger
		}
		serveJSON(w, typeJRD, map[string]any{"subject": "acct:user@" + homeHost, "links": []any{
			map[string]any{"rel": "self", "type": typeActivity, "href": to},
		}})
	case r.Method == http.MethodGet && r.URL.Path == "/users/user":
		h.fetched = append(h.fetched, r.Header)
		doc := map[string]any{
			"id": homeActor, "type": "Person", "preferredUsername": "user", "inbox": homeActor + "/inbox",
			"alsoKnownAs": []string{oldActor},
		}
		if h.bend != nil {
			h.bend(doc)
		}
		serveJSON(w, typeActivity, doc)
	default:
		h.peer.ServeHTTP(w, r)
	}
}

// actorNow is the actor as anybody reads it.
func (d *daemon) actorNow() (doc struct {
	MovedTo     string
	AlsoKnownAs json.RawMessage
	WebFinger   string
}) {
	d.t.Helper()
	w := d.ask(http.MethodGet, "/users/user", typeActivity)
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		d.t.Fatal(err)
	}
	return doc
}

// crowd is a daemon with followers on two servers, and a new home.
func crowd(t *testing.T) (d *daemon, a, b *peer, home *newHome) {
	d = newDaemon(t)
	a, b, home = newPeer(d.net, "a.example"), newPeer(d.net, "b.example"), newNewHome(d)
	d.follow(a, "ann", true)
	d.follow(a, "al", true)
	d.follow(b, "bob", false)
	d.run()
	settle()
	return d, a, b, home
}

func (d *daemon) moveHome() {
	d.t.Helper()
	if _, err := d.s.Move(d.t.Context(), homeActor, false); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) moveStatus() MoveStatus {
	d.t.Helper()
	s, err := d.s.MoveStatus()
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// TestMoveAway: the followers' servers hear of movedTo first, then of the Move, once each.
func TestMoveAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, home := crowd(t)
		plan, err := d.s.Move(t.Context(), "@user@"+homeHost, false)
		if err != nil {
			t.Fatal(err)
		}
		if plan.Target != homeActor || plan.Handle != "user@new.example" || plan.Followers != 3 {
			t.Errorf("plan: %+v", plan)
		}
		settle()
		time.Sleep(2 * tellPause)
		settle()
		for _, p := range []*peer{a, b} {
			got := expectTypes(t, p, "Update", "Move")
			var person struct{ Object struct{ MovedTo string } }
			if err := json.Unmarshal(got[0].Body, &person); err != nil || person.Object.MovedTo != homeActor {
				t.Errorf("the update says movedTo %q (%v)", person.Object.MovedTo, err)
			}
			golden(t, "activity_move.json", got[1].Body)
			if body := d.ask(http.MethodGet, strings.TrimPrefix(got[1].ID, testBase), typeActivity).Body.Bytes(); string(body) != string(got[1].Body) {
				t.Errorf("at its id stands %s", body)
			}
		}
		if home.fetched[0].Get("Cache-Control") != "no-cache" {
			t.Error("the new account may come from a cache")
		}
		s := d.moveStatus()
		if s.Phase != MoveDone || s.Delivered != 2 || s.Refused != 0 || s.Left != 0 || s.Followers != 3 {
			t.Errorf("status: %+v", s)
		}
		if got := d.actorNow().MovedTo; got != homeActor {
			t.Errorf("movedTo is %q", got)
		}
		page := d.ask(http.MethodGet, "/users/user", "text/html").Body.String()
		if !strings.Contains(page, `has moved to <a href="`+homeActor+`">@user@new.example</a>`) || strings.Contains(page, "<h2>Follow</h2>") {
			t.Errorf("the profile page says: %s", page)
		}
	})
}

// TestMovedIsQuiet: nothing of the feed goes out, everything is served, nobody new may follow, and those who
// follow may leave.
func TestMovedIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, _ := crowd(t)
		d.announce("example.com/one/")
		settle()
		d.moveHome()
		time.Sleep(time.Hour)
		settle()
		d.edit("example.com/one/", "edited")
		d.announce("example.com/two/")
		time.Sleep(time.Hour)
		settle()
		expectTypes(t, a, "Create", "Update", "Move")
		expectTypes(t, b, "Create", "Update", "Move")
		if got := d.ask(http.MethodGet, "/posts/example.com/one/", typeActivity).Code; got != 200 {
			t.Errorf("a post is answered with %d", got)
		}
		if got := d.ask(http.MethodGet, "/posts/example.com/two/", typeActivity).Code; got != 404 {
			t.Errorf("an entry after the move is answered with %d", got)
		}

		x := newStranger(t, d, "x.example", "xenia")
		if got := x.post(t, d, x.follow()); got != 202 {
			t.Fatalf("a follow is answered with %d", got)
		}
		if got := d.answered(); got.Type != "Reject" || got.Object.Type != "Follow" || got.Object.Actor != x.id() || got.Object.Object != oldActor {
			t.Errorf("the answer: %+v", got)
		}
		if n, _ := d.db.CountFollowers(); n != 3 {
			t.Errorf("%d followers", n)
		}
		settle()

		// Who follows already and only asks again is accepted again.
		if _, err := d.db.AddFollower(time.Now(), store.Follow{Follower: store.Follower{
			Actor: x.id(), Inbox: x.id() + "/inbox", KeyID: x.keyID(), Key: publicPEM(x.pair), FollowID: "https://x.example/1",
			Since: time.Now(), State: store.FollowerAccepted,
		}}); err != nil {
			t.Fatal(err)
		}
		x.post(t, d, x.follow())
		if got := d.answered(); got.Type != "Accept" {
			t.Errorf("a follower who asks again gets: %+v", got)
		}
		undo := `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://x.example/9","type":"Undo","actor":"` + x.id() +
			`","object":` + x.follow() + `}`
		if got := x.post(t, d, undo); got != 202 {
			t.Errorf("an undo is answered with %d", got)
		}
		if s := d.moveStatus(); s.Left != 0 {
			t.Errorf("%d have left", s.Left)
		}
		if _, err := d.db.RemoveFollower(time.Now(), b.actor("bob"), ""); err != nil {
			t.Fatal(err)
		}
		if s := d.moveStatus(); s.Left != 1 {
			t.Errorf("%d have left, want bob", s.Left)
		}
	})
}

// TestMovedByHand: nothing new is written or boosted; what there is can be corrected, taken back and deleted; and
// after the move is cancelled it is as before.
func TestMovedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, _, _ := crowd(t)
		b := newTown(d.net, "town.example")
		b.things["/notes/1"] = aNote
		first := d.compose(Draft{Markdown: "first"})
		if _, err := d.s.Boost(t.Context(), "https://town.example/notes/1"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.s.Move(t.Context(), "@user@"+homeHost, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		settle()
		const want = "this account has moved to @user@new.example; nothing new is published here: `crier move --cancel`"
		if _, err := d.s.Compose(t.Context(), Draft{Markdown: "x"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a post is refused with %v", err)
		}
		if _, err := d.s.Boost(t.Context(), first.Post.ID); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a boost is refused with %v", err)
		}
		if _, err := d.s.Edit(t.Context(), first.Post.ID, Draft{Markdown: "better"}); err != nil {
			t.Error(err)
		}
		settle()
		if _, err := d.s.Unboost("https://town.example/notes/1"); err != nil {
			t.Error(err)
		}
		settle() // or the Delete may overtake the Undo
		if _, err := d.s.Delete(first.Post.ID); err != nil {
			t.Error(err)
		}
		settle()
		expectTypes(t, a, "Create", "Announce", "Update", "Move", "Update", "Undo", "Delete")
		if _, err := d.s.CancelMove(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.compose(Draft{Markdown: "home"})
		settle()
		expectTypes(t, a, "Create", "Announce", "Update", "Move", "Update", "Undo", "Delete", "Update", "Create")
	})
}

// TestMoveWaitsForTheUpdate: for a server that answers late, two minutes at most for one that does not, and
// nowhere does it overtake the Update.
func TestMoveWaitsForTheUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, _ := crowd(t)
		b.answer(hangs)
		begun := time.Now()
		d.moveHome()
		settle()
		expectTypes(t, a, "Update")
		time.Sleep(settleTogether)
		settle()
		if s := d.moveStatus(); s.Phase != MoveTelling || s.Telling.Pending != 1 {
			t.Errorf("status: %+v", s)
		}
		time.Sleep(attemptTimeout + 2*tellPause) // b failed, so nothing is to be waited for
		settle()
		got := expectTypes(t, a, "Update", "Move")
		if wait := got[1].At.Sub(begun); wait < attemptTimeout || wait > attemptTimeout+2*tellPause {
			t.Errorf("the Move went out after %s", wait)
		}
		if s := d.moveStatus(); s.Phase != MoveSending || s.Delivered != 1 {
			t.Errorf("status: %+v", s)
		}
		b.answer(nil)
		time.Sleep(24 * time.Hour)
		settle()
		if got := types(b.posts()); !slices.Equal(slices.Compact(got), []string{"Update", "Move"}) {
			t.Errorf("b got %v", got)
		}
		if s := d.moveStatus(); s.Phase != MoveDone || s.Delivered != 2 {
			t.Errorf("status: %+v", s)
		}
	})
}

// TestMoveWaitsTwoMinutes at most: a host that rests is not waited for.
func TestMoveWaitsTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, _ := crowd(t)
		b.answer(statuses(503))
		d.announce("example.com/one/")
		for range 4 { // b fails long enough to rest
			time.Sleep(time.Hour)
			settle()
		}
		begun := time.Now()
		d.moveHome()
		time.Sleep(tellTime + tellPause)
		settle()
		got := a.posts()
		if last := got[len(got)-1]; last.Type != "Move" || last.At.Sub(begun) > tellTime+tellPause {
			t.Errorf("a got %s after %s", last.Type, last.At.Sub(begun))
		}
	})
}

// TestMoveSurvivesRestarts: whatever it was at, it goes on, and nothing is sent twice.
func TestMoveSurvivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, _ := crowd(t)
		b.answer(hangs)
		d.moveHome()
		d.restart() // recorded
		settle()
		if got := d.actorNow().MovedTo; got != homeActor {
			t.Errorf("after a restart movedTo is %q", got)
		}
		time.Sleep(5 * time.Second)
		d.restart() // waiting for the update
		b.answer(nil)
		time.Sleep(3 * time.Minute)
		settle()
		d.restart() // sent
		time.Sleep(24 * time.Hour)
		settle()
		for _, p := range []*peer{a, b} {
			ids := map[string]string{}
			for _, r := range p.posts() {
				ids[r.Type] = r.ID
			}
			if got := slices.Compact(types(p.posts())); !slices.Equal(got, []string{"Update", "Move"}) || len(ids) != 2 {
				t.Errorf("%s got %v", p.host, got)
			}
		}
		if n := len(types(a.posts())); n != 2 {
			t.Errorf("a got %d activities", n)
		}
		if s := d.moveStatus(); s.Phase != MoveDone || s.Delivered != 2 {
			t.Errorf("status: %+v", s)
		}
		d.announce("example.com/one/")
		settle()
		if n := len(a.posts()); n != 2 {
			t.Error("an entry was published after a restart")
		}
	})
}

// TestMoveIsStoredOrNot: where the store fails, nothing has changed.
func TestMoveIsStoredOrNot(t *testing.T) {
	d := newDaemon(t)
	newNewHome(d)
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.s.Move(t.Context(), homeActor, false); err == nil {
		t.Error("a closed store took a move")
	}
	d.open()
	if got := d.actorNow().MovedTo; got != "" {
		t.Errorf("movedTo is %q", got)
	}
}

// TestMoveIsCancelled while the Move waits, and after it: the actor is at home again, what was not sent is
// not sent, and news go out.
func TestMoveIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, _ := crowd(t)
		b.answer(hangs)
		d.moveHome()
		settle()
		if _, err := d.s.CancelMove(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.answer(nil)
		d.announce("example.com/one/")
		time.Sleep(24 * time.Hour)
		settle()
		expectTypes(t, a, "Update", "Update", "Create")
		if slices.Contains(types(b.posts()), "Move") {
			t.Errorf("b got %v", types(b.posts()))
		}
		last := a.posts()[1]
		if strings.Contains(string(last.Body), `"movedTo":"`+homeActor) || d.actorNow().MovedTo != "" {
			t.Errorf("movedTo is still told: %s", last.Body)
		}
		// Nobody was told to move, so it may be begun again at once; it is another move.
		d.moveHome()
		time.Sleep(time.Minute)
		settle()
		got := a.posts()
		if types(got)[4] != "Move" {
			t.Fatalf("a got %v", types(got))
		}
		// After that, not for thirty days.
		if _, err := d.s.CancelMove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := d.moveStatus(); s.Phase != MoveNone || s.Next.IsZero() {
			t.Errorf("status: %+v", s)
		}
		if _, err := d.s.Move(t.Context(), homeActor, false); err == nil || !strings.Contains(err.Error(), "30 days") && !strings.Contains(err.Error(), "so soon after") {
			t.Errorf("a move soon after another: %v", err)
		}
		time.Sleep(moveRest)
		d.moveHome()
		time.Sleep(time.Minute)
		settle()
		last = a.posts()[len(a.posts())-1]
		if last.Type != "Move" || last.ID == got[4].ID {
			t.Errorf("the second move is %s %s", last.Type, last.ID)
		}
		if _, err := d.s.CancelMove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.s.CancelMove(t.Context()); err == nil {
			t.Error("a move that is not was cancelled")
		}
	})
}

// TestReturnIsToldToWhoLeft: a server whose followers have all gone over hears that the account is at home, once.
func TestReturnIsToldToWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a, b, _ := crowd(t)
		d.moveHome()
		time.Sleep(time.Hour)
		settle()
		if _, err := d.db.RemoveFollower(time.Now(), b.actor("bob"), ""); err != nil {
			t.Fatal(err)
		}
		d.restart()
		if _, err := d.s.CancelMove(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.restart()
		time.Sleep(time.Hour)
		settle()
		for _, p := range []*peer{a, b} {
			got := expectTypes(t, p, "Update", "Move", "Update")
			if body := string(got[2].Body); strings.Contains(body, `"movedTo":"`) {
				t.Errorf("%s is told %s", p.host, body)
			}
		}
	})
}

// TestCancelledMoveIsWithdrawn: what no inbox was tried with is not sent any more.
func TestCancelledMoveIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, b, _ := crowd(t)
		b.answer(statuses(503))
		d.moveHome()
		time.Sleep(time.Minute)
		settle()
		if s := d.moveStatus(); s.Waiting.Pending != 1 {
			t.Fatalf("status: %+v", s)
		}
		if _, err := d.s.CancelMove(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.answer(nil)
		time.Sleep(48 * time.Hour)
		settle()
		if got := types(b.posts()); slices.Contains(got, "Move") || got[len(got)-1] != "Update" {
			t.Errorf("b got %v", got)
		}
	})
}

// TestNewsAfterAMove: few go out, many wait for the owner.
func TestNewsAfterAMove(t *testing.T) {
	for _, n := range []int{newsAfter, newsAfter + 1} {
		synctest.Test(t, func(t *testing.T) {
			d, a, _, _ := crowd(t)
			d.moveHome()
			time.Sleep(time.Minute)
			settle()
			for i := range n {
				d.announce("example.com/" + string(rune('a'+i)) + "/")
			}
			held, err := d.s.CancelMove(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			settle()
			creates := 0
			for _, typ := range types(a.posts()) {
				if typ == "Create" {
					creates++
				}
			}
			if n == newsAfter && (held != 0 || creates != n) || n > newsAfter && (held != n || creates != 0) {
				t.Errorf("of %d new entries %d went out and %d are held", n, creates, held)
			}
		})
	}
}

// TestMovedAndUnknown: an entry that waits because the account has moved does not make unknown ids look as if they
// were still to come, after a restart either.
func TestMovedAndUnknown(t *testing.T) {
	d := published(t)
	newNewHome(d)
	d.moveHome()
	d.add("example.com/old/", false, time.Now())
	c := testConfig(d.db, d.net, d.s.log)
	var err error
	if c.Presence, err = d.db.Presence(); err != nil {
		t.Fatal(err)
	}
	d.s = New(c)
	if got := d.ask(http.MethodGet, "/posts/example.com/old/", typeActivity).Code; got != http.StatusNotFound {
		t.Errorf("answered with %d", got)
	}
}
