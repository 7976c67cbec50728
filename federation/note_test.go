package federation

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bareServer has no store: enough for all that is made without one.
func bareServer(change ...func(*Config)) *Server {
	c := testConfig(new(store.DB), newNetwork(), slog.New(slog.DiscardHandler))
	for _, f := range change {
		f(&c)
	}
	return New(c)
}

type noteCase struct {
	name   string
	entry  store.Entry
	fields content.Entry
	info   postInfo
}

func noteCases() []noteCase {
	entry := store.Entry{
		Key: "example.com/2026/hello/", Generation: 1, Feed: testFeed, URL: "https://example.com/2026/hello/",
		Title: "Hello", Date: noon, Listed: true,
	}
	fields := content.Entry{URL: "https://example.com/2026/hello/", Title: "Hello"}
	plain := content.Post{HTML: `<p><strong>Hello</strong></p><p>A &amp; B, 1 &lt; 2</p>`}
	full := content.Post{
		HTML: `<p>Hallo <a href="https://example.com/2026/hello/">Welt</a></p>`, Language: "de",
		Tags: []content.Tag{
			{Name: "StaticSite", Href: "https://fedi.example.com/tags/StaticSite"},
			{Name: "Größe", Href: "https://fedi.example.com/tags/Gr%C3%B6%C3%9Fe"},
		},
		Attachments: []content.Media{
			{URL: "https://example.com/a.png", Type: "image/png", Alt: "a cat", Width: 640, Height: 480},
			{URL: "https://example.com/a.mp3", Type: "audio/mpeg"},
			{URL: "https://example.com/a.mp4", Type: "VIDEO/mp4"},
			{URL: "https://example.com/a.pdf", Type: "application/pdf"},
			{URL: "https://example.com/a"},
		},
	}
	warned := content.Post{
		HTML: `<p>Boo</p>`, Warning: "Spiders", Sensitive: true,
		Attachments: []content.Media{{URL: "https://example.com/s.jpg", Type: "image/jpeg", Alt: "a spider", Width: 4, Height: 3,
			Blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj", Focus: &content.Focus{X: -0.5, Y: 0.25}}},
	}
	article := content.Post{Format: content.FormatArticle, HTML: `<p>All of it.</p>`, Title: "Hello", Summary: "<p>In short.</p>"}
	revived, pageless := entry, entry
	revived.Generation = 2
	pageless.Key, pageless.URL = "example.com/aaaaaaaaaaaaaaaaaaaaaaaaaa", ""
	return []noteCase{
		{"plain", entry, fields, postInfo{Rendered: plain, Visibility: "public"}},
		{"full", entry, fields, postInfo{Rendered: full, Visibility: "public", Published: noon, Updated: noon.Add(time.Hour), Delivered: true}},
		{"unlisted", entry, fields, postInfo{Rendered: plain, Visibility: "unlisted"}},
		{"followers", entry, fields, postInfo{Rendered: plain, Visibility: "followers"}},
		{"revived", revived, fields, postInfo{Rendered: plain, Visibility: "public"}},
		{"pageless", pageless, content.Entry{}, postInfo{Rendered: plain, Visibility: "public"}},
		{"warned", entry, fields, postInfo{Rendered: warned, Visibility: "public", Quotes: "followers"}},
		{"article", entry, fields, postInfo{Rendered: article, Visibility: "public", Quotes: "nobody"}},
	}
}

func TestNote(t *testing.T) {
	s := bareServer()
	for _, c := range noteCases() {
		t.Run(c.name, func(t *testing.T) {
			post, err := s.note(c.entry, c.fields, c.info)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "note_"+c.name+".json", post.Object)
			again, err := s.note(c.entry, c.fields, c.info)
			if err != nil || !bytes.Equal(again.Object, post.Object) {
				t.Errorf("the second time: %v\n%s", err, again.Object)
			}
			if post.State != store.PostLive || post.ID != testBase+"/posts/"+post.Path {
				t.Errorf("post %+v", post)
			}
		})
	}
}

// TestNoteForEveryPeer checks what one server or another insists on.
func TestNoteForEveryPeer(t *testing.T) {
	s := bareServer()
	for _, c := range noteCases() {
		post, err := s.note(c.entry, c.fields, c.info)
		if err != nil {
			t.Fatal(err)
		}
		var n map[string]any
		if err := json.Unmarshal(post.Object, &n); err != nil {
			t.Fatal(err)
		}
		if summary, ok := n["summary"]; n["type"] == "Note" && ok && summary != c.info.Rendered.Warning {
			t.Errorf("%s: a summary is a content warning", c.name)
		}
		if languages, ok := n["contentMap"].(map[string]any); ok {
			if len(languages) != 1 || languages[c.info.Rendered.Language] != n["content"] {
				t.Errorf("%s: contentMap %v", c.name, languages)
			}
		} else if c.info.Rendered.Language != "" {
			t.Errorf("%s: no contentMap", c.name)
		}
		if _, ok := n["updated"]; ok != !c.info.Updated.IsZero() {
			t.Errorf("%s: updated %v", c.name, n["updated"])
		}
		if n["attributedTo"] != s.ids.Actor() || n["sensitive"] != c.info.Rendered.Sensitive {
			t.Errorf("%s: attributedTo %v, sensitive %v", c.name, n["attributedTo"], n["sensitive"])
		}
		for _, list := range []string{"to", "cc", "tag", "attachment"} {
			if _, ok := n[list].([]any); !ok {
				t.Errorf("%s: %s is no list: %v", c.name, list, n[list])
			}
		}
	}
}

func TestNoteRecord(t *testing.T) {
	s := bareServer()
	c := noteCases()[1]
	c.info.Updated = noon.Add(-time.Hour) // a clock that went back
	post, err := s.note(c.entry, c.fields, c.info)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(post.Tags, []string{"staticsite", "größe"}) {
		t.Errorf("tags %q", post.Tags)
	}
	if !post.Listed || !post.Delivered || post.Updated.Before(post.Published) || post.Create == "" {
		t.Errorf("post %+v", post)
	}
	c.info.Visibility = "followers"
	if post, err = s.note(c.entry, c.fields, c.info); err != nil || post.Listed {
		t.Errorf("a post for followers: listed %v, %v", post.Listed, err)
	}
	c.info.Visibility = "everybody"
	if _, err = s.note(c.entry, c.fields, c.info); err == nil || !strings.Contains(err.Error(), "everybody") {
		t.Errorf("an unknown visibility: %v", err)
	}
}

func TestActivity(t *testing.T) {
	s := bareServer()
	post, err := s.note(noteCases()[0].entry, noteCases()[0].fields, noteCases()[0].info)
	if err != nil {
		t.Fatal(err)
	}
	edited := post
	edited.Updated = noon.Add(time.Minute)
	deleted, err := s.tombstone(post, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if deleted.State != store.PostDeleted || deleted.Listed || deleted.ID != post.ID || deleted.Create != post.Create {
		t.Errorf("deleted post %+v", deleted)
	}
	golden(t, "tombstone.json", deleted.Object)
	seen := map[string]bool{}
	for _, c := range []struct {
		typ     string
		post    store.Post
		version string
	}{{"Create", post, ""}, {"Update", edited, "1"}, {"Delete", deleted, "1"}} {
		a, err := s.activity(c.typ, c.post, c.version)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "activity_"+strings.ToLower(c.typ)+".json", a.Body)
		if a.Object != post.ID || seen[a.ID] || strings.Contains(a.ID, "#") {
			t.Errorf("%s: id %s, object %s", c.typ, a.ID, a.Object)
		}
		seen[a.ID] = true
		if n := strings.Count(string(a.Body), "@context"); n != 1 {
			t.Errorf("%s states its context %d times", c.typ, n)
		}
	}
	if _, err := s.activity("Announce", post, ""); err == nil {
		t.Error("an Announce of a post of ours is not made here")
	}
}

func TestActivityAudienceIsTheObjects(t *testing.T) {
	s := bareServer()
	for _, c := range noteCases() {
		post, err := s.note(c.entry, c.fields, c.info)
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.activity("Create", post, "")
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			To, CC []string
			Object struct{ To, CC []string }
		}
		if err := json.Unmarshal(a.Body, &v); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(v.To, v.Object.To) || !slices.Equal(v.CC, v.Object.CC) {
			t.Errorf("%s: to %v cc %v, the object's to %v cc %v", c.name, v.To, v.CC, v.Object.To, v.Object.CC)
		}
	}
}

func TestWithoutContext(t *testing.T) {
	for in, want := range map[string]string{
		`{"@context":["a",{"b":"c"}],"id":"x","n":{"@context":1}}`: `{"id":"x","n":{"@context":1}}`,
		"{ \"@context\" : \"a\" , \"id\":\"x\"}":                   `{ "id":"x"}`,
		`{"@context":"a"}`:                                         `{}`,
		`{"id":"x","@context":"a"}`:                                `{"id":"x","@context":"a"}`,
		`["@context"]`:                                             `["@context"]`,
		`{"@context":`:                                             `{"@context":`,
		``:                                                         ``,
	} {
		if got := string(withoutContext([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
