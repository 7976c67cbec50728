package federation

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/store"
)

const outbox = "/users/user/outbox"

// walk follows a collection from its first page to its last, and back, and returns all items.
func (d *daemon) walk(collection string) []any {
	d.t.Helper()
	c := d.object(collection)
	var items []any
	next, previous := c["first"], any(nil)
	for next != nil {
		p := d.object(strings.TrimPrefix(next.(string), testBase))
		if p["id"] != next || p["partOf"] != c["id"] || p["prev"] != previous || p["totalItems"] != c["totalItems"] {
			d.t.Errorf("page %v: id %v, partOf %v, prev %v, total %v", next, p["id"], p["partOf"], p["prev"], p["totalItems"])
		}
		if p["type"] != "OrderedCollectionPage" || c["type"] != "OrderedCollection" {
			d.t.Errorf("page %v is a %v of a %v", next, p["type"], c["type"])
		}
		items = append(items, p["orderedItems"].([]any)...)
		previous, next = next, p["next"]
	}
	if c["last"] != nil && c["last"] != previous {
		d.t.Errorf("last is %v, but the last was %v", c["last"], previous)
	}
	return items
}

func TestOutbox(t *testing.T) {
	for _, n := range []int{0, 1, 19, 20, 21, 40, 45} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var keys []string
			for i := range n {
				keys = append(keys, fmt.Sprintf("example.com/%03d/", i))
			}
			d := published(t, keys...)
			items := d.walk(outbox)
			if len(items) != n || d.object(outbox)["totalItems"] != float64(n) {
				t.Fatalf("%d items, total %v", len(items), d.object(outbox)["totalItems"])
			}
			for i, item := range items {
				a := item.(map[string]any)
				post := d.post(keys[n-1-i]) // newest first
				if a["type"] != "Create" || a["id"] != post.Create || a["object"].(map[string]any)["id"] != post.ID {
					t.Errorf("item %d is %v", i, a)
				}
			}
		})
	}
}

// TestOutboxItems: what stands there is the Create that was sent, less the context, with the post as it
// is after an edit.
func TestOutboxItems(t *testing.T) {
	d := published(t, "example.com/a/")
	stored, err := d.db.Activity(d.post("example.com/a/").Create)
	if err != nil {
		t.Fatal(err)
	}
	page := d.ask("GET", outbox+"?page=1", acceptAS)
	if !bytes.Contains(page.Body.Bytes(), withoutContext(stored.Body)) {
		t.Errorf("the page has another Create than the one that was sent:\n%s\n%s", page.Body, stored.Body)
	}
	d.edit("example.com/a/", "Better text")
	d.publishDue()
	page = d.ask("GET", outbox+"?page=1", acceptAS)
	if !strings.Contains(page.Body.String(), "Better text") || strings.Count(page.Body.String(), "@context") != 1 {
		t.Errorf("after an edit:\n%s", page.Body)
	}
}

func TestPageNumbers(t *testing.T) {
	d := published(t, "example.com/a/")
	for _, collection := range []string{outbox, "/users/user/followers", "/users/user/following", "/replies/example.com/a/"} {
		for page, status := range map[string]int{
			"1": 200, "true": 200, "2": 404, "999999": 404, "0": 400, "-1": 400, "x": 400, "": 400, "1.5": 400, "99999999999999999999": 400,
			"1&page=1": 400, "1&page=2": 400, "1&before=a&before=b": 400,
		} {
			if w := d.ask("GET", collection+"?page="+page, ""); w.Code != status {
				t.Errorf("%s?page=%s: %d, want %d", collection, page, w.Code, status)
			}
		}
	}
}

func (d *daemon) crowd(n int) []string {
	d.t.Helper()
	p := newPeer(d.net, "peer.example")
	var ids []string
	for i := range n {
		name := fmt.Sprintf("f%03d", i)
		d.follow(p, name, true)
		ids = append(ids, p.actor(name))
	}
	return ids
}

func TestFollowers(t *testing.T) {
	for _, n := range []int{0, 3, 20, 45} {
		d := published(t)
		ids := d.crowd(n)
		seen := map[any]bool{}
		for _, item := range d.walk("/users/user/followers") {
			seen[item] = true
		}
		if len(seen) != n || d.object("/users/user/followers")["totalItems"] != float64(n) {
			t.Errorf("%d of %d followers", len(seen), n)
		}
		for _, id := range ids {
			if !seen[id] {
				t.Errorf("%s is missing", id)
			}
		}
	}
}

func TestPendingFollowersAreNotShown(t *testing.T) {
	d := published(t)
	_, err := d.db.AddFollower(time.Now(), store.Follow{Follower: store.Follower{
		Actor: "https://b.example/users/b", Inbox: "https://b.example/inbox", State: store.FollowerPending,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if items := d.walk("/users/user/followers"); len(items) > 0 || d.object("/users/user/followers")["totalItems"] != 0.0 {
		t.Errorf("shown: %v", items)
	}
}

func TestHiddenFollowers(t *testing.T) {
	d := published(t)
	d.crowd(2)
	d.s.cfg.Profile.HideFollowers = true
	c := d.object("/users/user/followers")
	if c["totalItems"] != 2.0 || c["first"] != nil || c["orderedItems"] != nil {
		t.Errorf("%v", c)
	}
	if w := d.ask("GET", "/users/user/followers?page=1", ""); w.Code != http.StatusNotFound {
		t.Errorf("page 1: %d\n%s", w.Code, w.Body)
	}
	if w := d.ask("GET", "/users/user", acceptBrowser); strings.Contains(w.Body.String(), "2 followers") {
		t.Error("the profile tells how many")
	}
}

func TestSmallCollections(t *testing.T) {
	d := published(t, "example.com/a/")
	if items := d.walk("/users/user/following"); len(items) > 0 {
		t.Errorf("following %v", items)
	}
	featured := d.object("/users/user/collections/featured")
	if items, ok := featured["orderedItems"].([]any); !ok || len(items) > 0 || featured["totalItems"] != 0.0 {
		t.Errorf("featured %v", featured)
	}
	for _, of := range []string{"/replies/", "/likes/", "/shares/"} {
		c := d.object(of + "example.com/a/")
		if c["id"] != testBase+of+"example.com/a/" || c["type"] != "Collection" || c["totalItems"] != 0.0 {
			t.Errorf("%s: %v", of, c)
		}
	}
	first := d.object("/replies/example.com/a/?page=1")
	if items, ok := first["items"].([]any); !ok || len(items) > 0 || first["partOf"] != testBase+"/replies/example.com/a/" {
		t.Errorf("replies: %v", first)
	}
}

func TestTagCollection(t *testing.T) {
	d := published(t, "example.com/a/")
	d.tagged("example.com/tagged/")
	for _, name := range []string{"Go", "go", "Gr%C3%B6%C3%9Fe"} {
		c := d.object("/tags/" + name)
		items := c["orderedItems"].([]any)
		if len(items) != 1 || items[0] != testBase+"/posts/example.com/tagged/" {
			t.Errorf("%s: %v", name, c)
		}
	}
}
