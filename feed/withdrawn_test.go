package feed

import (
	"testing"
	"time"

	"crier/store"
)

// withdraw deletes the post of a live entry as the owner does.
func (s *story) withdraw(key string) {
	s.t.Helper()
	e := s.entry(key)
	path := key
	if e.Generation > 1 {
		path += "~2"
	}
	post, err := s.db.Post(path)
	if err != nil {
		s.t.Fatal(err)
	}
	e.State, e.Todo, e.Due = store.EntryWithdrawn, store.TodoNothing, time.Time{}
	post.State, post.Listed = store.PostDeleted, false
	_, err = s.db.Publish(day1, store.Publication{Entry: e, Post: post,
		Activity: store.Activity{ID: "https://fedi.example/activities/by-hand-" + path, Type: "Delete", Object: post.ID, Body: []byte(`{}`)}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestOwnersDeletionSticks: whatever becomes of an entry in the feed, a post that the owner deleted does not come
// back while it stands there.
func TestOwnersDeletionSticks(t *testing.T) {
	s := newStory(t, "deletions = feed")
	s.at(0, posts(3, 2, 1))
	s.withdraw("blog.example/2/")
	want(t, "the same document", s.at(1, posts(3, 2, 1)))
	edited := post(2)
	edited.Title, edited.Summary = "Another title", "Another text."
	want(t, "edited", s.at(2, docOf(post(3), edited, post(1))))
	moved := edited
	moved.Link = "https://blog.example/two/"
	want(t, "at another address", s.at(3, docOf(post(3), moved, post(1))))
	moved.GUID = "https://blog.example/two/"
	want(t, "under another GUID", s.at(4, docOf(post(3), moved, post(1))))
	want(t, "beside news", s.at(5, docOf(post(4), post(3), moved, post(1))), "create blog.example/4/")
	want(t, "out of the window", s.at(6, docOf(post(5), post(4), post(3))), "create blog.example/5/")
	want(t, "back in the window", s.at(7, docOf(post(5), post(4), post(3), moved)))
	s.state("blog.example/2/", store.EntryWithdrawn)
}

// TestOwnersDeletionAndRules: a rule that skips the entry, and one that does not any more, change nothing.
func TestOwnersDeletionAndRules(t *testing.T) {
	s := newStory(t, "deletions = feed\nskip = links")
	s.at(0, posts(3, 2, 1))
	s.withdraw("blog.example/2/")
	want(t, "skipped", s.at(1, docOf(post(3), in("links", 2), post(1))))
	s.state("blog.example/2/", store.EntryWithdrawn)
	want(t, "not skipped any more", s.at(2, posts(3, 2, 1)))
	s.state("blog.example/2/", store.EntryWithdrawn)
}

// TestOwnersDeletionEndsWithTheEntry: taken out of the feed and put in again, it is a new post.
func TestOwnersDeletionEndsWithTheEntry(t *testing.T) {
	for _, deletions := range []string{"feed", "confirm", "never"} {
		s := newStory(t, "deletions = "+deletions)
		s.at(0, posts(2, 1))
		want(t, "news", s.at(24, posts(3, 2, 1)), "create blog.example/3/")
		s.withdraw("blog.example/3/")
		want(t, "taken out", s.at(25, posts(2, 1)))
		s.state("blog.example/3/", store.EntryGone)
		want(t, "put in again", s.at(26, posts(3, 2, 1)), "create blog.example/3/~2")
		s.withdraw("blog.example/3/")
		want(t, "and deleted once more", s.at(27, posts(3, 2, 1)))
	}
}

// TestOwnersDeletionInEveryFeed: another feed that shows the entry does not bring it back either.
func TestOwnersDeletionInEveryFeed(t *testing.T) {
	const all, notes = "https://blog.example/all.xml", "https://blog.example/notes.xml"
	s := newStory(t, "url = "+all)
	s.configured[notes] = true
	s.at(0, posts(3, 2, 1))
	s.withdraw("blog.example/2/")
	s.cfg.URL = notes
	want(t, "the other feed has it, too", s.at(1, posts(2, 1)))
	s.cfg.URL, s.shown = all, map[string]string{"k:blog.example/2/": notes}
	want(t, "it is moved to the other feed", s.at(2, posts(3, 1)))
	if e := s.entry("blog.example/2/"); e.Feed != notes || e.State != store.EntryWithdrawn {
		t.Errorf("the entry is %+v", e)
	}
	s.cfg.URL, s.shown = notes, nil
	want(t, "and read there", s.at(3, posts(2, 1)))
	s.state("blog.example/2/", store.EntryWithdrawn)
}
