package federation

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestAnswer: its author is told, at the own inbox where it is direct, and the thread stays one.
func TestAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		b := newTown(d.net, "b.example")
		b.things["/notes/1"] = aNote
		d.run()
		done := d.compose(Draft{Markdown: "No.", ReplyTo: "https://b.example/notes/1"})
		settle()
		note, err := noteOf(done.Post)
		if err != nil {
			t.Fatal(err)
		}
		if note.InReplyTo != "https://b.example/notes/1" || note.Conversation != "tag:b.example,1999:1" || note.Thread != "https://b.example/threads/1" {
			t.Errorf("note %+v", note)
		}
		want := tag{Type: "Mention", Name: "@bob@b.example", Href: "https://b.example/users/bob"}
		if len(note.Tag) != 1 || note.Tag[0] != want || !slices.Contains(note.CC, want.Href) {
			t.Errorf("tags %+v, cc %v", note.Tag, note.CC)
		}
		expectTypes(t, b.peer, "Create")

		// Whoever is answered hears of every edit, whatever the text says.
		edited, err := d.s.Edit(t.Context(), done.Post.ID, Draft{Markdown: "Yes."})
		if err != nil {
			t.Fatal(err)
		}
		if note, err := noteOf(edited.Post); err != nil || len(note.Tag) != 1 || note.Tag[0] != want || note.InReplyTo != "https://b.example/notes/1" {
			t.Errorf("after the edit: %+v, %v", note, err)
		}
		settle()
		expectTypes(t, b.peer, "Create", "Update")

		own := d.compose(Draft{Markdown: "Or perhaps not.", ReplyTo: done.Post.ID})
		if note, err := noteOf(own.Post); err != nil || note.InReplyTo != done.Post.ID || note.Conversation != "tag:b.example,1999:1" || len(note.Tag) > 0 {
			t.Errorf("an answer to ourselves: %+v, %v", note, err)
		}
	})
}

// TestAnswerIsForNoMorePeople than what it answers.
func TestAnswerIsForNoMorePeople(t *testing.T) {
	d := newDaemon(t)
	b := newTown(d.net, "b.example")
	b.things["/notes/unlisted"] = strings.Replace(withVisibility(`["https://HOST/users/bob/followers"]`, `["as:Public"]`), "notes/1", "notes/unlisted", 1)
	b.things["/notes/followers"] = strings.Replace(withVisibility(`"https://HOST/users/bob/followers"`, `[]`), "notes/1", "notes/followers", 1)
	b.things["/notes/direct"] = strings.Replace(withVisibility(`"`+testBase+`/users/user"`, `null`), "notes/1", "notes/direct", 1)
	for _, c := range []struct{ of, wish, want string }{
		{"unlisted", "", "unlisted"}, {"unlisted", "public", ""}, {"unlisted", "direct", "direct"},
		{"followers", "", "followers"}, {"followers", "unlisted", ""}, {"followers", "direct", "direct"},
		{"direct", "", "direct"}, {"direct", "followers", ""},
	} {
		done, err := d.s.Compose(t.Context(), Draft{Markdown: "Hm.", ReplyTo: "https://b.example/notes/" + c.of, Visibility: c.wish})
		switch {
		case c.want == "" && (err == nil || !strings.Contains(err.Error(), "more people")):
			t.Errorf("%+v: %v", c, err)
		case c.want != "" && (err != nil || done.Post.Visibility != c.want):
			t.Errorf("%+v: %q, %v", c, done.Post.Visibility, err)
		}
	}
}

// FuzzThing: whatever another server calls a post, what is taken from it can be shown and stored.
func FuzzThing(f *testing.F) {
	for _, s := range []string{
		aNote, withVisibility(`"as:Public"`, `null`), `{"type":"Tombstone"}`,
		`{"type":["Video"],"attributedTo":[{"type":"Person","id":"https://b.example/users/bob"}],"url":[{"href":"https://b.example/v"}],"name":1}`,
		`{"type":"Note","attributedTo":"https://b.example/u","content":"<p>a\u001b[2J\u202eb"}`,
		`{"type":"Note","attributedTo":"https://b.example/u","url":{"href":"javascript:1"},"conversation":[],"context":{}}`,
	} {
		f.Add([]byte(strings.ReplaceAll(s, "HOST", "b.example")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(body) != nil {
			return
		}
		got, err := parseThing(fetched{URL: "https://b.example/notes/1", Body: json.RawMessage(body)})
		if err != nil {
			return
		}
		if got.ID != "https://b.example/notes/1" || !sameHost(got.Author, got.ID) || hostOf(got.URL) == "" || breadth(got.Visibility) < 0 {
			t.Errorf("%s: %+v", body, got)
		}
		if len(got.Conversation) > maxAddress || len(got.Thread) > maxAddress || len(got.Title) > 1000 || strings.ContainsAny(got.Title, "\x1b\n") {
			t.Errorf("%s: %+v", body, got)
		}
	})
}
