package admin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// withHand gives ops a post by hand and a boost, and hands that answer as told.
func withHand(t *testing.T) *Ops {
	t.Helper()
	ops := filled(t)
	now := time.Now().UTC().Truncate(time.Second)
	note := store.Post{
		Path: "abc", ID: "https://fedi.example/posts/abc", URL: "https://fedi.example/posts/abc", Title: "A note", Visibility: "unlisted",
		State: store.PostLive, Published: now, Create: "https://fedi.example/activities/c", Source: "A *note*", Listed: true,
		Mentions: []store.Mention{{Actor: "https://b.example/users/bob", Name: "@bob@b.example", Inbox: "https://b.example/inbox"}},
		Object:   json.RawMessage(`{"type":"Note","summary":"Careful","inReplyTo":"https://b.example/notes/1"}`),
	}
	_, err := ops.Store.Publish(now, store.Publication{
		Post: note, Inboxes: []string{"https://b.example/inbox"},
		Activity: store.Activity{ID: note.Create, Type: "Create", Object: note.ID, Body: []byte(`{}`)},
	})
	must(t, err)
	_, err = ops.Store.AddBoost(now, store.Boost{
		Object: "https://b.example/notes/1", URL: "https://b.example/@bob/1", Title: "Theirs", Number: 1,
		Announce: "https://fedi.example/activities/a", Published: now.Add(time.Minute),
	}, store.Outgoing{Activity: store.Activity{ID: "https://fedi.example/activities/a", Type: "Announce", Object: "https://b.example/notes/1", Body: []byte(`{}`)}})
	must(t, err)
	_, err = ops.Store.PutReaction(now, store.Reaction{
		ID: "https://b.example/likes/1", Kind: store.ReactionLike, Actor: "https://b.example/users/bob", Post: "abc", Public: true, Received: now,
	}, "")
	must(t, err)
	ops.Hand = Hand{
		Find: func(what string) (store.Post, error) {
			if what != note.ID {
				return store.Post{}, errors.New("no such post")
			}
			return ops.Store.Post("abc")
		},
		Do: func(_ context.Context, r PostRequest) (PostDone, error) {
			if r.Do != PostNew {
				return PostDone{}, errors.New("cannot " + r.Do)
			}
			return PostDone{Post: Post{Title: r.Markdown, Visibility: r.Visibility}, Changed: r.Warning == nil}, nil
		},
	}
	return ops
}

// TestSameAnswersAboutPosts: whoever answers, the daemon or the store.
func TestSameAnswersAboutPosts(t *testing.T) {
	ops := withHand(t)
	c, _ := dialled(t, ops)
	ctx := t.Context()
	same(t, "posts", ops.Posts, c.Posts, ctx)
	for _, what := range []string{"https://fedi.example/posts/abc", "nothing&what=https://fedi.example/posts/abc"} {
		same(t, "show", with(ops.ShowPost, what), with(c.ShowPost, what), ctx)
	}
	none := ""
	for _, r := range []PostRequest{
		{Do: PostNew, Markdown: strings.Repeat("Ä<&\n", 20_000), Visibility: "direct"}, {Do: PostNew, Warning: &none}, {Do: PostDelete}, {},
	} {
		same(t, "do", with(ops.DoPost, r), with(c.DoPost, r), ctx)
	}
	if _, err := c.DoPost(ctx, PostRequest{Do: PostNew, Markdown: strings.Repeat("x", maxPostDoc)}); err == nil {
		t.Error("a text without end was taken")
	}
}

func TestPostsAndBoosts(t *testing.T) {
	ops := withHand(t)
	list, err := ops.Posts(t.Context())
	must(t, err)
	var kinds []string
	for _, p := range list {
		kinds = append(kinds, p.Kind+" "+p.ID)
	}
	if !slices.Equal(kinds, []string{"boost https://fedi.example/activities/a", "note https://fedi.example/posts/abc"}) {
		t.Errorf("listed: %v", kinds)
	}
	d, err := ops.ShowPost(t.Context(), "https://fedi.example/posts/abc")
	must(t, err)
	if d.Warning != "Careful" || d.InReplyTo != "https://b.example/notes/1" || d.Markdown != "A *note*" || d.Waiting != 1 ||
		!slices.Equal(d.Mentions, []string{"@bob@b.example"}) || d.Reactions != (PostReactions{Likes: 1}) {
		t.Errorf("shown: %+v", d)
	}
	b, err := json.Marshal(list[0])
	must(t, err)
	for _, name := range []string{"id", "url", "title", "state", "published", "updated", "kind"} {
		if !strings.Contains(string(b), `"`+name+`":`) {
			t.Errorf("a boost has no %s: %s", name, b)
		}
	}
}
