package federation

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// TestEditByHand: a newer Update to whoever had the post, once for each inbox; the same text again is no edit.
func TestEditByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		d.follow(a.peer, "ann", true)
		d.run()
		warning := "Spoiler"
		done := d.compose(Draft{Markdown: "@bob@b.example: one", Warning: &warning})
		settle()
		first := done.Post
		edit := func(what, text string, warning *string) Done {
			t.Helper()
			done, err := d.s.Edit(t.Context(), what, Draft{Markdown: text, Warning: warning})
			if err != nil {
				t.Fatal(err)
			}
			settle()
			return done
		}
		d.net.handle("b.example", b.peer) // its WebFinger is out of order: who is known is known
		if done := edit(first.ID, "@bob@b.example: one", nil); done.Changed {
			t.Errorf("the same text again: %+v", done)
		}
		expectTypes(t, b.peer, "Create")
		two := edit(first.ID, "@bob@b.example: two", nil).Post
		three := edit(first.ID, "three", nil).Post // in the same second
		if !two.Updated.After(first.Published) || !three.Updated.After(two.Updated) || !three.Published.Equal(first.Published) {
			t.Errorf("published %v, updated %v and %v", three.Published, two.Updated, three.Updated)
		}
		expectTypes(t, a.peer, "Create", "Update", "Update")
		expectTypes(t, b.peer, "Create", "Update", "Update") // was mentioned once, and the post is for everybody
		if note, err := noteOf(three); err != nil || note.Summary != "Spoiler" || len(note.Tag) > 0 {
			t.Errorf("note %+v: %v", note, err)
		}
		none := ""
		if note, err := noteOf(edit(first.ID, "three", &none).Post); err != nil || note.Summary != "" || note.Sensitive {
			t.Errorf("the warning is still there: %+v, %v", note, err)
		}
	})
}

func TestEditOfAnEntrysPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.run()
		d.announce("example.com/hello/")
		settle()
		_, err := d.s.Edit(t.Context(), "https://example.com/hello/", Draft{Markdown: "x"})
		if err == nil || !strings.Contains(err.Error(), "edit that in the blog, at https://example.com/hello/") {
			t.Errorf("err = %v", err)
		}
		_, err = d.s.Edit(t.Context(), "https://example.com/nothing/", Draft{Markdown: "x"})
		if err == nil || !strings.Contains(err.Error(), "crier post list") {
			t.Errorf("err = %v", err)
		}
	})
}

// TestDeleteByHand: Delete to all who had it, 410 for ever, and nothing left in the lists.
func TestDeleteByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		d.follow(a.peer, "ann", true)
		d.run()
		post := d.compose(Draft{Markdown: "@bob@b.example hello"}).Post
		settle()
		for range 2 {
			if _, err := d.s.Delete(post.ID); err != nil {
				t.Fatal(err)
			}
			settle()
		}
		for _, p := range []*peer{a.peer, b.peer} {
			got := expectTypes(t, p, "Create", "Delete")
			if !strings.Contains(string(got[1].Body), "Tombstone") || got[1].Object != post.ID {
				t.Errorf("%s got %s", p.host, got[1].Body)
			}
		}
		d.restart()
		if status, body := d.get(post.ID, typeActivity); status != http.StatusGone || !strings.Contains(body, "Tombstone") {
			t.Errorf("after the deletion: %d %s", status, body)
		}
		if _, err := d.s.Edit(t.Context(), post.ID, Draft{Markdown: "x"}); err == nil {
			t.Error("a deleted post was edited")
		}
		if n, err := d.s.countOutbox(); err != nil || n != 0 {
			t.Errorf("%d in the outbox, %v", n, err)
		}
	})
}

// TestDeleteBeforeItWentOut: who never got the post may still have it, so the Delete goes where the Create waits.
func TestDeleteBeforeItWentOut(t *testing.T) {
	d := newDaemon(t)
	newTown(d.net, "b.example")
	post := d.compose(Draft{Markdown: "@bob@b.example hello"}).Post
	if _, err := d.s.Delete(post.ID); err != nil {
		t.Fatal(err)
	}
	if q := d.queue(); len(q) != 1 || q[0].Type != "Delete" {
		t.Errorf("queued: %+v", q)
	}
}

// TestEditBeforeItWentOut: then the Create brings the new text, and nobody hears of an edit.
func TestEditBeforeItWentOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		b := newTown(d.net, "b.example")
		post := d.compose(Draft{Markdown: "@bob@b.example old"}).Post
		done, err := d.s.Edit(t.Context(), post.ID, Draft{Markdown: "@bob@b.example new"})
		if err != nil || done.Queued != 0 {
			t.Errorf("queued %d, %v", done.Queued, err)
		}
		d.run()
		settle()
		if got := expectTypes(t, b.peer, "Create"); !strings.Contains(string(got[0].Body), " new</p>") {
			t.Errorf("b got %s", got[0].Body)
		}
	})
}

// TestDeleteOfAnEntrysPost: by its page's address; a poll that still has the entry does not bring it back, and the
// publisher has nothing to do with it any more.
func TestDeleteOfAnEntrysPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a := newPeer(d.net, "a.example")
		d.follow(a, "ann", true)
		d.run()
		d.announce("example.com/hello/")
		settle()
		d.edit("example.com/hello/", "An edit that is due in the same moment")
		if _, err := d.s.Delete("http://www.example.com/hello"); err != nil {
			t.Fatal(err)
		}
		settle()
		got := types(a.posts())
		if got[0] != "Create" || got[len(got)-1] != "Delete" {
			t.Errorf("the followers got %v", got)
		}
		e := d.entry("example.com/hello/")
		if e.State != store.EntryWithdrawn || e.Todo != store.TodoNothing {
			t.Errorf("the entry is %+v", e)
		}
		if status, _ := d.get(testBase+"/posts/example.com/hello/", typeActivity); status != http.StatusGone {
			t.Errorf("the post answers %d", status)
		}
		done, err := d.s.Delete(testBase + "/posts/example.com/hello/")
		if err != nil || done.Changed {
			t.Errorf("once more: %+v, %v", done, err)
		}
	})
}

// TestBoost: to the followers and the author, once, and back again.
func TestBoost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		b.things["/notes/1"] = aNote
		b.things["/@bob/1"] = aNote
		d.follow(a.peer, "ann", true)
		d.run()
		boost := func(address string) Done {
			t.Helper()
			done, err := d.s.Boost(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			settle()
			return done
		}
		done := boost("https://b.example/@bob/1")
		if !done.Changed || done.Queued != 2 || done.Boost.Object != "https://b.example/notes/1" || done.Boost.Title != "Is it raining?" {
			t.Errorf("done: %+v", done)
		}
		if again := boost("https://b.example/notes/1"); again.Changed || again.Boost.Announce != done.Boost.Announce {
			t.Errorf("once more: %+v", again)
		}
		got := expectTypes(t, a.peer, "Announce")
		golden(t, "announce.json", got[0].Body)
		expectTypes(t, b.peer, "Announce")
		if status, body := d.get(done.Boost.Announce, typeActivity); status != http.StatusOK || body != string(got[0].Body) {
			t.Errorf("the boost is served with %d: %s", status, body)
		}
		outbox := d.s.ids.Outbox() + "?page=1"
		if _, body := d.get(outbox, typeActivity); !strings.Contains(body, done.Boost.Announce) || !strings.Contains(body, `"totalItems":1`) {
			t.Errorf("outbox: %s", body)
		}
		if _, err := d.s.Unboost("https://b.example/@bob/1"); err != nil {
			t.Fatal(err)
		}
		settle()
		got = expectTypes(t, b.peer, "Announce", "Undo")
		golden(t, "undo_announce.json", got[1].Body)
		expectTypes(t, a.peer, "Announce", "Undo")
		if status, _ := d.get(done.Boost.Announce, typeActivity); status != http.StatusNotFound {
			t.Errorf("a boost that was taken back is served with %d", status)
		}
		if _, body := d.get(outbox, typeActivity); strings.Contains(body, done.Boost.Announce) {
			t.Errorf("outbox: %s", body)
		}
		if _, err := d.s.Unboost("https://b.example/notes/1"); err == nil || !strings.Contains(err.Error(), "crier post list") {
			t.Errorf("taken back twice: %v", err)
		}
		if again := boost("https://b.example/notes/1"); !again.Changed || again.Boost.Announce == done.Boost.Announce {
			t.Errorf("boosted anew: %+v", again.Boost)
		}
		expectTypes(t, b.peer, "Announce", "Undo", "Announce")
	})
}

// TestBlockedByHand: who is blocked is not mentioned, answered or boosted.
func TestBlockedByHand(t *testing.T) {
	d := newDaemon(t)
	b := newTown(d.net, "b.example")
	b.things["/notes/1"] = aNote
	if _, err := d.s.AddBlock(t.Context(), "https://b.example/users/bob", ""); err != nil {
		t.Fatal(err)
	}
	done := d.compose(Draft{Markdown: "Hello @bob@b.example and @eve@b.example"})
	if len(done.Post.Mentions) != 1 || len(done.Notes) != 1 || !strings.Contains(done.Notes[0], "is blocked") {
		t.Errorf("done: %+v", done)
	}
	if _, err := d.s.Boost(t.Context(), "https://b.example/notes/1"); err == nil || !strings.Contains(err.Error(), "is blocked") {
		t.Errorf("boosted: %v", err)
	}
	if _, err := d.s.Compose(t.Context(), Draft{Markdown: "x", ReplyTo: "https://b.example/notes/1"}); err == nil {
		t.Error("who is blocked was answered")
	}
}

// TestAnswerToWhoIsBlockedSince: who was answered and then blocked hears of no edit, only of the end.
func TestAnswerToWhoIsBlockedSince(t *testing.T) {
	d := newDaemon(t)
	b := newTown(d.net, "b.example")
	b.things["/notes/1"] = aNote
	done := d.compose(Draft{Markdown: "An answer", ReplyTo: "https://b.example/notes/1"})
	if _, err := d.s.AddBlock(t.Context(), "https://b.example/users/bob", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := d.s.Edit(t.Context(), done.Post.ID, Draft{Markdown: "Another answer"}); err != nil {
		t.Fatal(err)
	}
	if q := d.queue(); len(q) != 0 {
		t.Errorf("waiting: %+v", q)
	}
	if _, err := d.s.Delete(done.Post.ID); err != nil {
		t.Fatal(err)
	}
	if q := d.queue(); len(q) != 1 || q[0].Type != "Delete" {
		t.Errorf("waiting: %+v", q)
	}
}

// TestBoostIsNoPost of ours that could be deleted or shown.
func TestBoostIsNoPost(t *testing.T) {
	d := newDaemon(t)
	b := newTown(d.net, "b.example")
	b.things["/notes/1"] = aNote
	done, err := d.s.Boost(t.Context(), "https://b.example/notes/1")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{done.Boost.Announce, "https://b.example/notes/1"} {
		if _, err := d.s.Delete(what); err == nil || !strings.Contains(err.Error(), "crier post unboost https://b.example/notes/1") {
			t.Errorf("a boost was deleted: %v", err)
		}
	}
}

// TestBoostTakenBackBeforeItWentOut: then there is nothing to undo.
func TestBoostTakenBackBeforeItWentOut(t *testing.T) {
	d := newDaemon(t)
	a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
	b.things["/notes/1"] = aNote
	d.follow(a.peer, "ann", true)
	if _, err := d.s.Boost(t.Context(), "https://b.example/notes/1"); err != nil {
		t.Fatal(err)
	}
	done, err := d.s.Unboost("https://b.example/notes/1")
	if err != nil || done.Queued != 0 || len(d.queue()) != 0 {
		t.Errorf("queued %d, %v: %+v", done.Queued, err, d.queue())
	}
}

// TestBoostOfOurOwn ends with what it boosts.
func TestBoostOfOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a := newPeer(d.net, "a.example")
		d.follow(a, "ann", true)
		d.run()
		d.announce("example.com/hello/")
		settle()
		done, err := d.s.Boost(t.Context(), "https://example.com/hello/")
		if err != nil {
			t.Fatal(err)
		}
		settle()
		got := expectTypes(t, a, "Create", "Announce")
		if got[1].Object != testBase+"/posts/example.com/hello/" || strings.Count(string(got[1].Body), d.s.ids.Actor()+`"`) != 1 {
			t.Errorf("boost: %s", got[1].Body)
		}
		d.remove("example.com/hello/")
		d.s.WakePublisher()
		settle()
		expectTypes(t, a, "Create", "Announce", "Delete")
		if all, err := d.db.Boosts(); err != nil || len(all) > 0 {
			t.Errorf("the boost outlives the post: %+v, %v", all, err)
		}
		if status, _ := d.get(done.Boost.Announce, typeActivity); status == http.StatusOK {
			t.Errorf("the boost is served with %d", status)
		}
	})
}

func TestBoostRefuses(t *testing.T) {
	d := newDaemon(t)
	b := newTown(d.net, "b.example")
	b.things["/notes/followers"] = strings.Replace(withVisibility(`"https://HOST/users/bob/followers"`, `[]`), "notes/1", "notes/followers", 1)
	b.things["/notes/direct"] = strings.Replace(withVisibility(`[]`, `[]`), "notes/1", "notes/direct", 1)
	b.things["/notes/other"] = strings.Replace(aNote, "HOST/notes/1", "c.example/notes/1", 1)
	b.things["/users/mal"] = `{"id":"https://HOST/users/mal","type":"Person","inbox":"https://victim.example/inbox"}`
	b.things["/notes/mal"] = strings.ReplaceAll(strings.Replace(aNote, "notes/1", "notes/mal", 1), "users/bob", "users/mal")
	for address, says := range map[string]string{
		"https://b.example/notes/followers": "not for everybody",
		"https://b.example/notes/direct":    "not for everybody",
		"https://b.example/notes/other":     "on another host",
		"https://b.example/notes/mal":       "inbox of https://b.example/users/mal is on another host",
		"https://b.example/users/bob":       "no post",
		"nothing":                           "nothing",
	} {
		if _, err := d.s.Boost(t.Context(), address); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
	}
	if q := d.queue(); len(q) > 0 {
		t.Errorf("queued: %+v", q)
	}
}

func TestBoostTime(t *testing.T) {
	now := noon.Add(300 * time.Millisecond)
	for published, want := range map[time.Time]time.Time{
		{}:                            noon,
		noon.Add(-time.Hour):          noon,
		noon.Add(time.Millisecond):    noon.Add(time.Second),
		noon.Add(time.Minute):         noon.Add(time.Minute),
		noon.Add(10 * 24 * time.Hour): noon,
	} {
		if got := boostTime(thing{Published: published}, now); !got.Equal(want) {
			t.Errorf("of %v: %v, want %v", published, got, want)
		}
	}
}
