package federation

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/content"
	"crier/store"
)

// town is a peer whose people can be found by their handles, and which has things to fetch.
type town struct {
	*peer
	things map[string]string // JSON by path; HOST in it is the town's
}

func newTown(n *network, host string) *town {
	t := &town{peer: newPeer(n, host), things: map[string]string{}}
	n.handle(host, t)
	return t
}

func (t *town) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := t.things[r.URL.Path]
	switch {
	case r.URL.Path == "/.well-known/webfinger":
		user, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:"), "@")
		if user == "nobody" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", typeJRD)
		_, _ = w.Write(mustEncode(map[string]any{
			"subject": r.URL.Query().Get("resource"),
			"links":   []map[string]string{{"rel": "self", "type": typeActivity, "href": t.actor(user)}},
		}))
	case ok && r.Method == http.MethodGet:
		w.Header().Set("Content-Type", typeActivity)
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "HOST", t.host)))
	case r.URL.Path == "/page":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<p>a page</p>"))
	default:
		t.peer.ServeHTTP(w, r)
	}
}

// aNote is a public note of bob's, with its thread named in both ways.
const aNote = `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://HOST/notes/1","type":"Note",
	"attributedTo":"https://HOST/users/bob","content":"<p>Is it <em>raining</em>?</p>","published":"1999-12-31T10:00:00Z",
	"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://HOST/users/bob/followers"],
	"url":"https://HOST/@bob/1","conversation":"tag:HOST,1999:1","context":"https://HOST/threads/1"}`

// withVisibility is aNote for others.
func withVisibility(to, cc string) string {
	s := strings.Replace(aNote, `"to":["https://www.w3.org/ns/activitystreams#Public"]`, `"to":`+to, 1)
	return strings.Replace(s, `"cc":["https://HOST/users/bob/followers"]`, `"cc":`+cc, 1)
}

func aText(visibility string) handmade {
	return handmade{
		path: "abcdefghijklmnopqrstuvwxyz", markdown: "Hello @bob@b.example,\n\nthis is *about* #Rain & <b>more</b>.",
		visibility: visibility, published: noon,
		to: &addressees{
			list:  []store.Mention{{Actor: "https://b.example/users/bob", Name: "@bob@b.example", Page: "https://b.example/@bob", Inbox: "https://b.example/inbox"}},
			links: map[string]content.Mention{"bob@b.example": {Name: "bob", Href: "https://b.example/@bob"}},
		},
	}
}

// TestHandActivities keeps what goes out, for every visibility and every step in the life of a post.
func TestHandActivities(t *testing.T) {
	s := bareServer()
	keep := func(name string, a store.Activity, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, a.Body)
		var v struct {
			To, CC []string
			Object struct{ To, CC []string }
		}
		if err := json.Unmarshal(a.Body, &v); err != nil {
			t.Fatal(err)
		}
		if v.Object.To != nil && (!slices.Equal(v.To, v.Object.To) || !slices.Equal(v.CC, v.Object.CC)) {
			t.Errorf("%s: it is for %v %v, its object for %v %v", name, v.To, v.CC, v.Object.To, v.Object.CC)
		}
		if n := bytes.Count(a.Body, []byte("@context")); n != 1 {
			t.Errorf("%s states its context %d times", name, n)
		}
	}
	for _, visibility := range []string{"public", "unlisted", "followers", "direct"} {
		post, err := s.handNote(aText(visibility))
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.activity("Create", post, "")
		keep("hand_create_"+visibility+".json", a, err)
		if post.Listed != forEverybody(visibility) || post.Delivered == (visibility == "direct") {
			t.Errorf("%s: listed %v, delivered %v", visibility, post.Listed, post.Delivered)
		}
	}
	h := aText("public")
	h.warning, h.updated = "Weather", noon.Add(time.Hour)
	h.inReplyTo, h.conversation, h.thread = "https://b.example/notes/1", "tag:b.example,1999:1", "https://b.example/threads/1"
	post, err := s.handNote(h)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.activity("Update", post, stamp(post.Updated))
	keep("hand_update_answer.json", a, err)
	p, err := s.farewell(post, noon.Add(2*time.Hour))
	keep("hand_delete.json", p.Activity, err)
	direct, err := s.handNote(aText("direct"))
	if err != nil {
		t.Fatal(err)
	}
	p, err = s.farewell(direct, noon.Add(2*time.Hour))
	keep("hand_delete_direct.json", p.Activity, err)
}

func TestHandNoteOfNothing(t *testing.T) {
	s := bareServer()
	h := aText("public")
	h.markdown = "<script>alert(1)</script>"
	if _, err := s.handNote(h); err == nil {
		t.Error("a post without text was made")
	}
}

// TestAgreed: language and leave to quote are those of the feeds, where these agree.
func TestAgreed(t *testing.T) {
	style := func(language, quotes string) content.Style {
		return content.Style{Options: content.Options{Language: language}, Quotes: quotes}
	}
	for _, c := range []struct {
		feeds map[string]content.Style
		want  string // language and number of those who may quote
	}{
		{map[string]content.Style{}, " " + Public},
		{map[string]content.Style{"a": style("de", "nobody")}, "de " + testBase + "/users/user"},
		{map[string]content.Style{"a": style("de", "nobody"), "b": style("de", "followers")}, "de " + Public},
		{map[string]content.Style{"a": style("de", "nobody"), "b": style("en", "nobody")}, " " + testBase + "/users/user"},
	} {
		s := bareServer(func(cfg *Config) { cfg.Feeds = c.feeds })
		post, err := s.handNote(aText("public"))
		if err != nil {
			t.Fatal(err)
		}
		note, err := noteOf(post)
		if err != nil {
			t.Fatal(err)
		}
		var language string
		for l := range note.ContentMap {
			language = l
		}
		if got := language + " " + note.InteractionPolicy.CanQuote.AutomaticApproval[0]; got != c.want {
			t.Errorf("%v: %q, want %q", c.feeds, got, c.want)
		}
	}
}

// TestHandPathIsNoEntrys: an entry's path is HOST/PATH.
func TestHandPathIsNoEntrys(t *testing.T) {
	a := handPath("text", noon, []byte("salt"))
	if len(a) != 26 || strings.ContainsAny(a, "/~.") || a != canonicalPath(a) {
		t.Errorf("path %q", a)
	}
	for _, b := range []string{handPath("text", noon, []byte("other")), handPath("text", noon.Add(1), []byte("salt")), handPath("other", noon, []byte("salt"))} {
		if a == b {
			t.Errorf("two posts have the path %s", a)
		}
	}
}

func (d *daemon) compose(draft Draft) Done {
	d.t.Helper()
	done, err := d.s.Compose(d.t.Context(), draft)
	if err != nil {
		d.t.Fatal(err)
	}
	return done
}

// get reads an address of ours as another server does, or as a browser.
func (d *daemon) get(address, accept string) (status int, body string) {
	d.t.Helper()
	w := d.ask("GET", strings.TrimPrefix(address, testBase), accept)
	return w.Code, w.Body.String()
}

// refused composes a draft that must fail with an error that says so much.
func (d *daemon) refused(draft Draft, says string) {
	d.t.Helper()
	before := len(d.queue())
	_, err := d.s.Compose(d.t.Context(), draft)
	if err == nil || !strings.Contains(err.Error(), says) {
		d.t.Errorf("%+v: %v, want %q", draft, err, says)
	}
	if posts, err := d.db.Posts(); err != nil || len(posts) > 0 || len(d.queue()) != before {
		d.t.Errorf("%+v left something behind: %v", draft, err)
	}
}

// TestComposeForEverybody: to the followers, once for each inbox, and to whom it mentions.
func TestComposeForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		d.follow(a.peer, "ann", true)
		d.run()
		done := d.compose(Draft{Markdown: "Hi @bob@b.example and @ann@a.example and @nobody@b.example. #Go"})
		settle()
		if done.Queued != 2 || len(done.Notes) != 1 || !strings.Contains(done.Notes[0], "@nobody@b.example") {
			t.Errorf("done: %+v", done)
		}
		if got := expectTypes(t, a.peer, "Create"); got[0].Path != "/inbox" || got[0].Object != done.Post.ID {
			t.Errorf("a got %+v", got)
		}
		if got := expectTypes(t, b.peer, "Create"); got[0].Path != "/inbox" {
			t.Errorf("b got %+v", got)
		}
		note, err := noteOf(done.Post)
		if err != nil || !strings.Contains(note.Content, "@nobody@b.example") || len(note.Tag) != 3 {
			t.Errorf("note %+v: %v", note, err)
		}
		if status, body := d.get(done.Post.ID, typeActivity); status != http.StatusOK || body != string(done.Post.Object) {
			t.Errorf("the post is served with %d: %s", status, body)
		}
		if status, body := d.get(done.Post.ID, "text/html"); status != http.StatusOK || !strings.Contains(body, "Hi ") {
			t.Errorf("its page is served with %d: %s", status, body)
		}
		if status, body := d.get(d.s.ids.Outbox()+"?page=1", typeActivity); status != http.StatusOK || !strings.Contains(body, done.Post.ID) {
			t.Errorf("outbox %d: %s", status, body)
		}
	})
}

// TestComposeDirect: to the own inbox of whom it mentions, to nobody else, and shown to nobody.
func TestComposeDirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		d.follow(a.peer, "ann", true)
		d.follow(b.peer, "cleo", true)
		d.run()
		done := d.compose(Draft{Markdown: "For you alone, @bob@b.example", Visibility: "direct"})
		settle()
		expectTypes(t, a.peer)
		if got := expectTypes(t, b.peer, "Create"); got[0].Path != "/users/bob/inbox" {
			t.Errorf("b got it at %s", got[0].Path)
		}
		for _, accept := range []string{typeActivity, "text/html"} {
			for _, address := range []string{done.Post.ID, done.Post.Create, d.s.ids.Replies(done.Post.Path), d.s.ids.Likes(done.Post.Path)} {
				if status, body := d.get(address, accept); status != http.StatusUnauthorized || strings.Contains(body, "alone,") {
					t.Errorf("%s for %s: %d %s", address, accept, status, body)
				}
			}
		}
		for _, address := range []string{d.s.ids.Outbox() + "?page=1", d.s.ids.Actor()} {
			if _, body := d.get(address, "text/html"); strings.Contains(body, done.Post.Path) {
				t.Errorf("%s shows a direct post", address)
			}
		}
		if _, err := d.s.Edit(t.Context(), done.Post.ID, Draft{Markdown: "nobody"}); err == nil {
			t.Error("a direct post was edited to be for nobody")
		}
		if _, err := d.s.Edit(t.Context(), done.Post.ID, Draft{Markdown: "@ann@a.example instead"}); err != nil {
			t.Fatal(err)
		}
		settle()
		expectTypes(t, b.peer, "Create") // who is not meant any more does not get the new text
		expectTypes(t, a.peer, "Update")
		if _, err := d.s.Delete(done.Post.ID); err != nil {
			t.Fatal(err)
		}
		settle()
		expectTypes(t, b.peer, "Create", "Delete")
		expectTypes(t, a.peer, "Update", "Delete")
	})
}

func TestComposeForFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		d.follow(a.peer, "ann", true)
		d.run()
		done := d.compose(Draft{Markdown: "Among us", Visibility: "followers"})
		settle()
		expectTypes(t, a.peer, "Create")
		expectTypes(t, b.peer)
		if status, _ := d.get(done.Post.ID, typeActivity); status != http.StatusUnauthorized {
			t.Errorf("a post for followers is served with %d", status)
		}
		if _, err := d.s.Pin(done.Post.ID); err == nil {
			t.Error("a post for followers was pinned")
		}
		if _, err := d.s.Boost(t.Context(), done.Post.ID); err == nil {
			t.Error("a post for followers was boosted")
		}
	})
}

// TestComposeWithoutADeliverer: what was written while no daemon ran goes out with the next one, once.
func TestComposeWithoutADeliverer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a, b := newTown(d.net, "a.example"), newTown(d.net, "b.example")
		d.follow(a.peer, "ann", true)
		done := d.compose(Draft{Markdown: "Hi @bob@b.example"})
		if len(d.queue()) != 2 {
			t.Errorf("queued: %+v", d.queue())
		}
		d.run()
		d.restart()
		settle()
		expectTypes(t, a.peer, "Create")
		if got := expectTypes(t, b.peer, "Create"); got[0].ID != done.Post.Create {
			t.Errorf("b got %s", got[0].ID)
		}
	})
}

// TestComposeIntoAFullDisk: an error means that there is no post, not half of one.
func TestComposeIntoAFullDisk(t *testing.T) {
	d := newDaemon(t)
	newTown(d.net, "b.example")
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := d.s.Compose(t.Context(), Draft{Markdown: "Hi @bob@b.example"})
	d.open()
	posts, _ := d.db.Posts()
	if err == nil || len(posts) > 0 || len(d.queue()) > 0 {
		t.Errorf("%v, %d posts, %d queued", err, len(posts), len(d.queue()))
	}
}

func TestComposeRefuses(t *testing.T) {
	d := newDaemon(t)
	b := newTown(d.net, "b.example")
	b.things["/notes/1"] = aNote
	b.things["/notes/foreign"] = strings.Replace(strings.Replace(aNote, "notes/1", "notes/foreign", 1), `"https://HOST/users/bob"`, `"https://c.example/users/bob"`, 1)
	b.things["/notes/gone"] = `{"id":"https://HOST/notes/gone","type":"Tombstone"}`
	b.things["/likes/1"] = `{"id":"https://HOST/likes/1","type":"Like","attributedTo":"https://HOST/users/bob"}`
	d.refused(Draft{Markdown: " \n"}, "needs a text")
	d.refused(Draft{Markdown: strings.Repeat("x", maxDraft+1)}, "are the most")
	d.refused(Draft{Markdown: "x", Visibility: "secret"}, "secret")
	d.refused(Draft{Markdown: "x", Visibility: "direct"}, "mentions nobody")
	d.refused(Draft{Markdown: "@nobody@b.example", Visibility: "direct"}, "@nobody@b.example")
	d.refused(Draft{Markdown: "@user@example.com", Visibility: "direct"}, "mentions nobody")
	d.refused(Draft{Markdown: strings.Repeat("@a@b.example ", 1) + manyHandles(maxMentions), Visibility: "direct"}, "mentions 26 people")
	d.refused(Draft{Markdown: "x", ReplyTo: "https://b.example/page"}, "text/html")
	d.refused(Draft{Markdown: "x", ReplyTo: "https://b.example/users/bob"}, "no post")
	d.refused(Draft{Markdown: "x", ReplyTo: "https://b.example/likes/1"}, "no post")
	d.refused(Draft{Markdown: "x", ReplyTo: "https://b.example/notes/foreign"}, "no author on its own host")
	d.refused(Draft{Markdown: "x", ReplyTo: "https://b.example/notes/gone"}, "was deleted")
	d.refused(Draft{Markdown: "x", ReplyTo: "https://nowhere.example/1"}, "no such host")
	d.refused(Draft{Markdown: "x", ReplyTo: testBase + "/posts/none"}, "no post of ours")
	d.refused(Draft{Markdown: "x", ReplyTo: "what?"}, "what?")
}

func manyHandles(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("@x" + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + "@b.example ")
	}
	return b.String()
}
