package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// react stores n reactions of one kind to a post.
func (d *daemon) react(path string, kind store.ReactionKind, n int, public bool) {
	d.t.Helper()
	for i := range n {
		actor := fmt.Sprintf("https://r.example/users/%s%03d%t", kind, i, public)
		_, err := d.db.PutReaction(time.Now(), store.Reaction{
			ID: actor + "/1", Kind: kind, Actor: actor, Post: path, Public: public,
			Published: noon.Add(time.Duration(i) * time.Minute), Received: time.Now(),
		}, "")
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// TestReactionCollections: what is there is counted and, of replies, listed; what not everybody may see is not.
func TestReactionCollections(t *testing.T) {
	const path = "example.com/a/"
	d := published(t, path, "example.com/b/")
	d.react(path, store.ReactionLike, 3, true)
	d.react(path, store.ReactionBoost, 2, true)
	d.react(path, store.ReactionReply, 45, true)
	d.react(path, store.ReactionReply, 2, false)
	for collection, want := range map[string]float64{"/likes/": 3, "/shares/": 2, "/replies/": 45} {
		if got := d.object(collection + path)["totalItems"]; got != want {
			t.Errorf("%s: %v, want %v", collection, got, want)
		}
		if got := d.object(collection + "example.com/b/")["totalItems"]; got != 0.0 {
			t.Errorf("%s of another post: %v", collection, got)
		}
	}
	var items []string
	next, previous := d.object("/replies/" + path)["first"], any(nil)
	for next != nil {
		p := d.object(strings.TrimPrefix(next.(string), testBase))
		if p["type"] != "CollectionPage" || p["id"] != next || p["prev"] != previous || p["partOf"] != testBase+"/replies/"+path {
			t.Errorf("page %v: %v", next, p)
		}
		for _, item := range p["items"].([]any) {
			items = append(items, item.(string))
		}
		previous, next = next, p["next"]
	}
	if len(items) != 45 || items[0] != "https://r.example/users/reply000true/1" || items[44] != "https://r.example/users/reply044true/1" {
		t.Errorf("%d replies: %v", len(items), items)
	}
	if w := d.ask("GET", "/replies/"+path+"?page=999999", ""); w.Code != http.StatusNotFound {
		t.Errorf("a page far out: %d", w.Code)
	}
}

// TestNoteTellsItsNumbers: Mastodon 4.4 reads them off the post itself; a cache must see that it changed.
func TestNoteTellsItsNumbers(t *testing.T) {
	const path = "example.com/a/"
	d := published(t, path)
	before := d.ask("GET", "/posts/"+path, acceptAS)
	d.react(path, store.ReactionLike, 12, true)
	d.react(path, store.ReactionBoost, 1, true)
	after := d.ask("GET", "/posts/"+path, acceptAS)
	if before.Header().Get("ETag") == after.Header().Get("ETag") {
		t.Error("the same ETag")
	}
	want := strings.Replace(before.Body.String(), `"totalItems":0`, `"totalItems":12`, 1)
	want = strings.Replace(want, `"totalItems":0`, `"totalItems":1`, 1)
	if got := after.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	item := d.object(outbox + "?page=1")["orderedItems"].([]any)[0].(map[string]any)["object"].(map[string]any)
	if item["likes"].(map[string]any)["totalItems"] != 12.0 {
		t.Errorf("in the outbox: %v", item["likes"])
	}
	d.edit(path, "Better text") // an Update that said none would reset them elsewhere
	d.publishDue()
	var edited noteObject
	if err := json.Unmarshal(d.post(path).Object, &edited); err != nil || edited.Likes.TotalItems != 12 || edited.Shares.TotalItems != 1 {
		t.Errorf("after an edit: %+v %+v, %v", edited.Likes, edited.Shares, err)
	}
	d.react(path, store.ReactionLike, 20, true)
	if n := d.object("/posts/" + path)["likes"].(map[string]any)["totalItems"]; n != 20.0 {
		t.Errorf("some more: %v", n)
	}
}

// TestRecount: posts of the first versions name the collections by their ids alone.
func TestRecount(t *testing.T) {
	const id = testBase + "/likes/example.com/a/"
	full := func(n int) string {
		return fmt.Sprintf(`{"id":"%s","type":"Collection","totalItems":%d}`, id, n)
	}
	for _, c := range []struct{ name, post, want string }{
		{"first version", `{"a":1,"likes":"` + id + `","b":2}`, `{"a":1,"likes":` + full(7) + `,"b":2}`},
		{"number", `{"a":1,"likes":` + full(0) + `,"b":2}`, `{"a":1,"likes":` + full(7) + `,"b":2}`},
		{"larger number", `{"likes":` + full(12345) + `}`, `{"likes":` + full(7) + `}`},
		{"in a text", `{"content":"\"likes\":\"` + id + `\"","likes":"` + id + `"}`, `{"content":"\"likes\":\"` + id + `\"","likes":` + full(7) + `}`},
		{"another's", `{"likes":"https://a.example/"}`, `{"likes":"https://a.example/"}`},
		{"none", `{"a":1}`, `{"a":1}`},
	} {
		if got := string(recount([]byte(c.post), "likes", id, 7)); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
	var n noteObject
	if err := json.Unmarshal([]byte(`{"likes":"`+id+`","content":"x"}`), &n); err != nil || n.Likes.ID != id || n.Content != "x" {
		t.Errorf("%+v, %v", n, err)
	}
}
