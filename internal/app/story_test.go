package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/internal/fedtest"
)

// TestStory is the article's story with the whole daemon: three people on two servers follow, and get an
// entry, its edit and its removal, with a restart after every step.
func TestStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"}
	second := item{"second", "Second", "Tue, 06 Jan 2026 10:00:00 GMT"}
	edited := item{"second", "Second, edited", "Tue, 06 Jan 2026 10:00:00 GMT"}
	w.blog.set(first)
	w.start()

	found, err := w.a.Lookup(t.Context(), "user@blog.test")
	must(t, err)
	if found.ID != actorID || found.Name != "User" || found.Handle != "user@blog.test" {
		t.Errorf("the handle leads to %+v", found)
	}
	if got := fmt.Sprint(found.Raw["alsoKnownAs"]); got != "[http://a.test/users/anna https://old.test/users/user]" {
		t.Errorf("also known as %s", got)
	}
	w.follow(w.a, "alice")
	w.follow(w.a, "anna")
	w.follow(w.b, "bob")
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })

	w.restart()
	w.blog.set(second, first)
	w.poll()
	w.onEach("Create", postBase+"second/")
	for who, s := range map[string]*fedtest.Server{"alice": w.a, "anna": w.a, "bob": w.b} {
		line := s.Timeline(who)
		if len(line) != 1 || line[0].ID != postBase+"second/" || !strings.Contains(line[0].Content, "Second") {
			t.Errorf("%s sees %+v", who, line)
		}
	}

	w.restart()
	w.blog.set(edited, first)
	w.poll()
	w.onEach("Update", postBase+"second/")
	if note := w.b.Timeline("bob")[0]; !strings.Contains(note.Content, "edited") || note.Updated.IsZero() {
		t.Errorf("bob sees %+v", note)
	}

	must(t, w.a.Undo(t.Context(), "anna", actorID))
	must(t, w.b.Undo(t.Context(), "bob", actorID))
	w.restart()
	w.blog.set(first)
	w.poll()
	w.until(w.a, "the Delete", func() bool { return w.a.Tombstoned(postBase + "second/") })
	if got := w.status(postBase + "second/"); got != http.StatusGone {
		t.Errorf("the removed post answers %d", got)
	}
	w.halt()
	if got := w.got(w.b, "Delete"); len(got) > 0 {
		t.Errorf("b.test has no follower any more and gets %d Deletes", len(got))
	}
	for _, s := range []*fedtest.Server{w.a, w.b} {
		if n := len(w.got(s, "Create")) + len(w.got(s, "Update")); n != 2 {
			t.Errorf("%s got %d Creates and Updates, not one of each: %s", s.BaseURL(), n, arrivals(s))
		}
	}
}

// onEach waits until both servers have got exactly one activity of that type about that post, over their
// shared inboxes.
func (w *world) onEach(typ, object string) {
	w.t.Helper()
	for _, s := range []*fedtest.Server{w.a, w.b} {
		w.until(s, typ+" at "+s.BaseURL(), func() bool { return len(w.got(s, typ)) > 0 })
		got := w.got(s, typ)
		if len(got) != 1 || got[0].Object != object || got[0].Inbox != "/inbox" {
			w.t.Errorf("%s: %d of %s: %s", s.BaseURL(), len(got), typ, arrivals(s))
		}
	}
}

// TestFirstPollIsSilent: what is there at the start becomes posts and is delivered to nobody, also not
// after a restart.
func TestFirstPollIsSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.follow(w.b, "bob")
	w.blog.set(item{"one", "One", "Mon, 05 Jan 2026 10:00:00 GMT"}, item{"two", "Two", "Sun, 04 Jan 2026 10:00:00 GMT"})
	w.poll()
	w.eventually("the posts", func() bool { return w.status(postBase+"two/") == http.StatusOK })
	w.restart()
	w.blog.set(item{"new", "New", "Tue, 06 Jan 2026 10:00:00 GMT"}, item{"one", "One", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.poll()
	w.until(w.b, "the new entry", func() bool { return len(w.got(w.b, "Create")) > 0 })
	if got := w.got(w.b, "Create"); len(got) != 1 || got[0].Object != postBase+"new/" {
		t.Errorf("got %s", arrivals(w.b))
	}
}

// TestOfflinePollIsDelivered: what a command published without a daemon, the next daemon delivers.
func TestOfflinePollIsDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blog.set(item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.start()
	w.follow(w.b, "bob")
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })
	w.halt()

	w.blog.set(item{"second", "Second", "Tue, 06 Jan 2026 10:00:00 GMT"}, item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	off, err := OpenOffline(t.Context(), w.config(), OfflineOptions{Log: testLog(t), Version: "test"})
	must(t, err)
	res, err := off.Ops.Poll(t.Context(), false)
	must(t, err)
	if len(res) != 1 || res[0].New != 1 || res[0].Error != "" {
		t.Errorf("the poll says %+v", res)
	}
	waiting, err := off.Ops.Deliveries(t.Context())
	must(t, err)
	if len(waiting) != 1 || waiting[0].Type != "Create" {
		t.Errorf("queued: %+v", waiting)
	}
	must(t, off.Close())
	if n := len(w.got(w.b, "Create")); n != 0 {
		t.Fatalf("%d Creates were sent without a daemon", n)
	}
	w.start()
	w.until(w.b, "the Create", func() bool { return len(w.got(w.b, "Create")) == 1 })
}

// TestSlowPeerDoesNotHoldTheStop: a server that answers nothing may not keep the daemon from stopping in
// time, and gets its copy after the restart.
func TestSlowPeerDoesNotHoldTheStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blog.set(item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.start()
	w.follow(w.b, "bob")
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })
	reached := make(chan struct{}, 10)
	w.b.OnRequest(func(r *http.Request) {
		if r.URL.Path == "/inbox" {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the other side is gone
			reached <- struct{}{}
			<-r.Context().Done()
		}
	})
	w.blog.set(item{"second", "Second", "Tue, 06 Jan 2026 10:00:00 GMT"}, item{"first", "First", "Mon, 05 Jan 2026 10:00:00 GMT"})
	w.poll()
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the slow server was never asked")
	}
	w.halt() // fails where it takes too long
	w.b.OnRequest(nil)
	w.start()
	w.until(w.b, "the Create after the restart", func() bool { return len(w.b.Timeline("bob")) == 1 })
}
