package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"crier/internal/admin"
)

// TestPostsShown: lists, details and what was done, on a terminal of 80 columns. Only addresses are never cut.
func TestPostsShown(t *testing.T) {
	at := time.Date(2026, 11, 24, 11, 0, 0, 0, time.Local)
	post := admin.Post{ID: "https://fedi.example.com/posts/abc", Title: "A note", Kind: admin.KindNote, State: "live", Visibility: "public", Published: at}
	golden(t, "posts_terminal", terminal(t, func(d display) {
		pinned, direct, boost, gone := post, post, post, post
		pinned.Pinned, direct.Visibility, gone.State = at, "direct", "deleted"
		boost.Kind, boost.URL, boost.Title = admin.KindBoost, "https://b.example/"+strings.Repeat("long/", 20), "Somebody \x1b[2Jelse's"
		showPosts(d, []admin.Post{post, pinned, direct, boost, gone})
		showPost(d, admin.PostDetail{
			Post: pinned, InReplyTo: "https://b.example/notes/1", Mentions: []string{"@bob@b.example"}, Warning: "Spiders", Waiting: 2,
			Reactions: admin.PostReactions{Likes: 3, Boosts: 1},
		})
		entry := admin.Post{ID: "https://fedi.example.com/posts/example.com/a/", URL: "https://example.com/a/", Title: strings.Repeat("題", 60),
			Kind: admin.KindEntry, State: "deleted", Visibility: "unlisted", Published: at, Updated: admin.Time{Time: at}, Deleted: at}
		showPost(d, admin.PostDetail{Post: entry, Source: json.RawMessage(`{}`)})
		for _, done := range []struct {
			do string
			d  admin.PostDone
		}{
			{admin.PostNew, admin.PostDone{Post: post, Changed: true, Queued: 3, Running: true, Notes: []string{"@nobody@b.example was not found and stays text: " + strings.Repeat("why ", 30)}}},
			{admin.PostNew, admin.PostDone{Post: direct, Changed: true, Queued: 1}},
			{admin.PostEdit, admin.PostDone{Post: post}},
			{admin.PostDelete, admin.PostDone{Post: gone, Changed: true, Queued: 1, Running: true}},
			{admin.PostBoost, admin.PostDone{Post: admin.Post{ID: "announce", Object: "https://b.example/notes/1"}, Changed: true}},
			{admin.PostUnpin, admin.PostDone{Post: post}},
		} {
			showDone(d, admin.PostRequest{Do: done.do}, done.d)
		}
	}))
}

func TestReaderIsNoTerminal(t *testing.T) {
	e := &env{Streams: Streams{In: strings.NewReader("x")}}
	if e.onTerminal() {
		t.Error("a reader is taken for a terminal")
	}
}
