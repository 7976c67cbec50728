package federation

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// featured returns the ids of the notes in the featured collection, as a server that reads it sees them.
func (d *daemon) featured() []string {
	d.t.Helper()
	w := d.ask("GET", strings.TrimPrefix(d.s.ids.Featured(), testBase), typeActivity)
	var c struct {
		TotalItems   int
		OrderedItems []struct{ ID, Content string }
	}
	decode(d.t.(*testing.T), w, &c)
	var ids []string
	for _, n := range c.OrderedItems {
		if n.Content == "" {
			d.t.Errorf("%s is not embedded", n.ID)
		}
		ids = append(ids, n.ID)
	}
	if c.TotalItems != len(ids) {
		d.t.Errorf("%d items of %d", len(ids), c.TotalItems)
	}
	return ids
}

// TestPins: the newest first; an edit keeps a pin, a deletion ends it.
func TestPins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		a := newPeer(d.net, "a.example")
		d.follow(a, "ann", true)
		d.run()
		d.announce("example.com/hello/")
		settle()
		note := d.compose(Draft{Markdown: "by hand"}).Post
		settle()
		entry := d.post("example.com/hello/")
		pin := func(do func(string) (Done, error), what string, changed bool) Done {
			t.Helper()
			time.Sleep(time.Second)
			done, err := do(what)
			if err != nil || done.Changed != changed {
				t.Fatalf("%s: %+v, %v", what, done, err)
			}
			settle()
			return done
		}
		pin(d.s.Pin, "https://example.com/hello/", true)
		pin(d.s.Pin, note.ID, true)
		pin(d.s.Pin, note.ID, false)
		if got := d.featured(); !slices.Equal(got, []string{note.ID, entry.ID}) {
			t.Errorf("pinned: %v", got)
		}
		got := expectTypes(t, a, "Create", "Create", "Add", "Add")
		golden(t, "add.json", got[2].Body)

		d.edit("example.com/hello/", "Another text")
		d.s.WakePublisher()
		settle()
		if got := d.featured(); len(got) != 2 {
			t.Errorf("after an edit: %v", got)
		}
		pin(d.s.Unpin, entry.ID, true)
		pin(d.s.Unpin, entry.ID, false)
		got = expectTypes(t, a, "Create", "Create", "Add", "Add", "Update", "Remove")
		golden(t, "remove.json", got[5].Body)
		pin(d.s.Pin, entry.ID, true)
		again := a.posts()
		if again[6].ID == got[2].ID {
			t.Errorf("two pins have the id %s", got[2].ID)
		}
		if _, err := d.s.Delete(entry.ID); err != nil {
			t.Fatal(err)
		}
		if got := d.featured(); !slices.Equal(got, []string{note.ID}) {
			t.Errorf("after a deletion: %v", got)
		}
		if _, err := d.s.Pin(entry.ID); err == nil {
			t.Error("a deleted post was pinned")
		}
		pin(d.s.Unpin, entry.ID, false)
	})
}

func TestManyPins(t *testing.T) {
	d := newDaemon(t)
	for i := range pinsShown + 1 {
		post := d.compose(Draft{Markdown: strings.Repeat("x", i+1)}).Post
		done, err := d.s.Pin(post.ID)
		if err != nil || len(done.Notes) > 0 != (i == pinsShown) {
			t.Errorf("pin %d: %+v, %v", i, done, err)
		}
	}
}

// TestHandPage: nothing of the text runs or shows through, and what a warning hides does not stand in the head.
func TestHandPage(t *testing.T) {
	d := newDaemon(t)
	warning := `"Beware" <of> dogs`
	plain := d.compose(Draft{Markdown: "Hello *world*\n\n![a cat](https://example.com/cat.png)\n\n<img src=x onerror=alert(1)>"}).Post
	warned := d.compose(Draft{Markdown: "He bites", Warning: &warning, Visibility: "unlisted", ReplyTo: plain.ID}).Post
	_, body := d.get(plain.ID, "text/html")
	for _, want := range []string{"Hello <em>world</em>", `alt="a cat"`, `href="` + plain.ID + `"`, `content="Hello world"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "onerror") || strings.Contains(body, "noindex") {
		t.Errorf("page: %s", body)
	}
	_, body = d.get(warned.ID, "text/html")
	head, rest, _ := strings.Cut(body, "</head>")
	if strings.Contains(head, "bites") || !strings.Contains(head, "noindex") {
		t.Errorf("head: %s", head)
	}
	for _, want := range []string{"<summary>&#34;Beware&#34; &lt;of&gt; dogs</summary>", "He bites", `In answer to <a href="` + plain.ID + `"`} {
		if !strings.Contains(rest, want) {
			t.Errorf("the page has no %s:\n%s", want, rest)
		}
	}
}
