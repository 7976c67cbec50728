package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"crier/internal/admin"
	"crier/internal/fedtest"
)

// byHand has the daemon do something with a post by hand and waits until whoever it concerns has heard of it.
func (w *world) byHand(r admin.PostRequest) admin.PostDone {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done, err := w.app.Ops().DoPost(ctx, r)
	if err != nil {
		w.t.Fatalf("%+v: %v", r, err)
	}
	w.settle(ctx)
	return done
}

// timelineOf is what a user of the peer sees: ids, those of boosts in brackets.
func (w *world) timelineOf(user string) []string {
	var ids []string
	for _, n := range w.peer.Timeline(user) {
		id := n.ID
		if n.BoostedBy != "" {
			id = "(" + id + ")"
		}
		ids = append(ids, id)
	}
	return ids
}

// noneRefused fails the test for everything that the peer did not take.
func (w *world) noneRefused() {
	w.t.Helper()
	for _, a := range w.peer.Arrivals() {
		if !a.Verified || a.Err != nil {
			w.t.Errorf("the peer refused %s %s: %v", a.Type, a.ID, a.Err)
		}
	}
}

const oneEntry = `<rss version="2.0"><channel><title>Blog</title><link>%[1]s/</link>
<item><title>Hello</title><link>%[1]s/hello/</link><guid>%[1]s/hello/</guid><pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate><description>hello</description></item>%[2]s
</channel></rss>`

// serveFeed has the blog serve a feed with one entry, and with news where there are some.
func (w *world) serveFeed(news string) {
	w.blog.serve(fmt.Appendf(nil, oneEntry, w.blog.server.URL, news), "application/rss+xml")
}

func (w *world) newsItem(text string) string {
	return fmt.Sprintf(`<item><title>News</title><link>%[1]s/news/</link><guid>%[1]s/news/</guid><pubDate>Tue, 06 Jan 2026 10:00:00 GMT</pubDate><description>%[2]s</description></item>`,
		w.blog.server.URL, text)
}

// TestPostsByHand: what the owner writes reaches whom it is for and nobody else, in all four visibilities, is edited
// and deleted there, and looks right to another implementation.
func TestPostsByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.peer.AddActor("bob") // follows nobody
	w.serveFeed("")
	w.start()
	w.poll()
	w.follow()
	before := w.timelineOf("alice")

	public := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "Hello *all*, and @bob@peer.example #Test"}).Post
	unlisted := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "By the way", Visibility: "unlisted"}).Post
	followers := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "Among us", Visibility: "followers"}).Post
	direct := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "@bob@peer.example alone", Visibility: "direct"}).Post
	if got := w.timelineOf("alice"); !sameSet(got, append(before, public.ID, unlisted.ID, followers.ID)) {
		t.Errorf("alice sees %v", got)
	}
	if got := w.timelineOf("bob"); !sameSet(got, []string{public.ID, direct.ID}) {
		t.Errorf("bob sees %v", got)
	}
	want := map[string]fedtest.Visibility{
		public.ID: fedtest.Public, unlisted.ID: fedtest.Unlisted, followers.ID: fedtest.Followers, direct.ID: fedtest.Direct,
	}
	for _, n := range append(w.peer.Timeline("alice"), w.peer.Timeline("bob")...) {
		if v, ok := want[n.ID]; ok && n.Visibility != v {
			t.Errorf("%s is read as %v, not %v", n.ID, n.Visibility, v)
		}
	}

	w.byHand(admin.PostRequest{Do: admin.PostEdit, Post: public.ID, Markdown: "Hello *everybody*, and @bob@peer.example #Test"})
	i := slices.IndexFunc(w.peer.Timeline("alice"), func(n fedtest.Note) bool { return n.ID == public.ID })
	if n := w.peer.Timeline("alice")[i]; len(n.Edits) != 1 || !strings.Contains(n.Content, "everybody") {
		t.Errorf("after the edit: %+v", n)
	}
	for _, p := range []admin.Post{public, unlisted, followers, direct} {
		w.byHand(admin.PostRequest{Do: admin.PostDelete, Post: p.ID})
		if !w.peer.Tombstoned(p.ID) {
			t.Errorf("%s was deleted, but not at the peer", p.ID)
		}
	}
	if got := w.timelineOf("bob"); len(got) > 0 {
		t.Errorf("bob still sees %v", got)
	}
	w.noneRefused()
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestConversationByHand: an answer to a post of the peer, which the peer demands signed requests for.
func TestConversationByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.peer.AddActor("bob")
	w.peer.RequireSignedGET(true)
	w.serveFeed("")
	w.start()
	w.poll()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	question, err := w.peer.Post(ctx, "bob", "<p>Anybody?</p>", fedtest.PostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	answer := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "Here.", ReplyTo: question}).Post
	notes := w.peer.Timeline("bob")
	i := slices.IndexFunc(notes, func(n fedtest.Note) bool { return n.ID == answer.ID })
	if i < 0 || notes[i].InReplyTo != question {
		t.Errorf("bob sees %+v", notes)
	}
	d, err := w.app.Ops().ShowPost(ctx, answer.ID)
	if err != nil || d.InReplyTo != question || !slices.Equal(d.Mentions, []string{"@bob@peer.example"}) || d.Waiting != 0 {
		t.Errorf("shown as %+v: %v", d, err)
	}
	w.noneRefused()
}

// TestBoostsAndPins as another implementation sees them.
func TestBoostsAndPins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.peer.AddActor("bob")
	w.serveFeed("")
	w.start()
	w.poll()
	w.follow()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	note, err := w.peer.Post(ctx, "bob", "<p>Worth reading</p>", fedtest.PostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.byHand(admin.PostRequest{Do: admin.PostBoost, Post: note})
	if got := w.timelineOf("alice"); !slices.Contains(got, "("+note+")") {
		t.Errorf("alice sees %v", got)
	}
	if got := w.peer.Reactions(note); len(got) != 1 || got[0].Type != "Announce" {
		t.Errorf("reactions to bob's note: %+v", got)
	}
	w.byHand(admin.PostRequest{Do: admin.PostUnboost, Post: note})
	if got := w.timelineOf("alice"); slices.Contains(got, "("+note+")") || len(w.peer.Reactions(note)) > 0 {
		t.Errorf("after the undo alice sees %v", got)
	}

	actor := w.cfg.BaseURL + "/users/user"
	first := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "First"}).Post
	second := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "Second"}).Post
	w.byHand(admin.PostRequest{Do: admin.PostPin, Post: first.ID})
	w.byHand(admin.PostRequest{Do: admin.PostPin, Post: second.ID})
	if got := w.peer.Pins(actor); !sameSet(got, []string{first.ID, second.ID}) {
		t.Errorf("pins at the peer: %v", got)
	}
	if got, err := w.peer.SyncPins(ctx, actor); err != nil || !slices.Equal(got, []string{second.ID, first.ID}) {
		t.Errorf("pins as a stranger reads them: %v, %v", got, err)
	}
	w.byHand(admin.PostRequest{Do: admin.PostUnpin, Post: first.ID})
	w.byHand(admin.PostRequest{Do: admin.PostDelete, Post: second.ID})
	if got, err := w.peer.SyncPins(ctx, actor); err != nil || len(got) > 0 {
		t.Errorf("pins in the end: %v, %v", got, err)
	}
	outbox, err := w.peer.Collection(ctx, actor+"/outbox")
	if err != nil || len(outbox.IDs()) != outbox.Total {
		t.Errorf("outbox: %d of %d, %v", len(outbox.IDs()), outbox.Total, err)
	}
	w.noneRefused()
}

// TestOwnersDeletion: with the real poller, a post that the owner deleted stays deleted while its entry is in the feed,
// edited or not; taken out and put in again, the entry is news under a new id.
func TestOwnersDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Feeds[0].Deletions = "feed"
	w.serveFeed("")
	w.start()
	w.poll()
	w.follow()
	w.serveFeed(w.newsItem("news"))
	w.poll()
	id := w.cfg.BaseURL + "/posts/" + host(w.blog.server.URL) + "/news/"
	if got := w.timelineOf("alice"); !slices.Contains(got, id) {
		t.Fatalf("alice sees %v", got)
	}
	n := len(w.peer.Arrivals())
	w.byHand(admin.PostRequest{Do: admin.PostDelete, Post: w.blog.server.URL + "/news/"})
	for _, text := range []string{"news", "news, edited", "news"} {
		w.serveFeed(w.newsItem(text))
		if got := w.poll(); got.New+got.Changed+got.Removed+got.Held > 0 {
			t.Errorf("the poll did something: %+v", got)
		}
	}
	if got := w.since(n); len(got) != 1 || got[0].Type != "Delete" {
		t.Errorf("the peer heard %+v", got)
	}
	w.serveFeed("")
	w.poll()
	w.serveFeed(w.newsItem("news again"))
	w.poll()
	if got := w.timelineOf("alice"); slices.Contains(got, id) || !slices.Contains(got, id+"~2") {
		t.Errorf("alice sees %v", got)
	}
	w.noneRefused()
}

// TestPageOfAPostByHand: a browser is shown the post, and everything else gets the Note.
func TestPageOfAPostByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serveFeed("")
	w.start()
	w.poll()
	post := w.byHand(admin.PostRequest{Do: admin.PostNew, Markdown: "Look at me"}).Post
	for accept, want := range map[string]string{
		"text/html,*/*;q=0.8": "text/html", "": "application/activity+json", "*/*": "application/activity+json",
	} {
		r := httptest.NewRequest(http.MethodGet, strings.Replace(post.ID, "fedi.example", host("http://"+w.cfg.Listen), 1), nil)
		r.RequestURI = ""
		r.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, want) {
			t.Errorf("Accept %q: %s %s", accept, resp.Status, got)
		}
	}
}
