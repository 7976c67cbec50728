package content

import (
	"strings"
	"testing"
)

// TestArticleStaysOne: the format of a post that is out does not change with its title or a warning.
func TestArticleStaysOne(t *testing.T) {
	text := "<p>The first words &amp; more of it.</p>"
	for _, c := range []struct {
		name    string
		e       Entry
		title   string
		summary string
	}{
		{"title lost", Entry{Content: text}, "The first words & more of it.", text},
		{"warned", Entry{Title: "T", Content: text, Warning: "a < b"}, "T", "a &lt; b"},
		{"nothing at all", Entry{}, "…", ""},
	} {
		before := Render(c.e, Extras{}, Options{Format: FormatArticle})
		if before.Format != FormatNote {
			t.Errorf("%s: a new post is %+v", c.name, before)
		}
		p := Render(c.e, Extras{}, Options{Format: FormatArticle, Settled: true})
		if p.Format != FormatArticle || p.Title != c.title || p.Summary != c.summary || p.Sensitive != (c.e.Warning != "") {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// TestPicturesOfOneScript: pictures that a script serves differ in the query alone, save for their size.
func TestPicturesOfOneScript(t *testing.T) {
	p := Render(Entry{Media: []Media{
		{URL: "https://a.example/get.jpg?id=1"}, {URL: "https://a.example/get.jpg?id=2"}, {URL: "https://a.example/get.jpg?id=1&w=300"},
	}}, Extras{}, Options{})
	var all []string
	for _, m := range p.Attachments {
		all = append(all, m.URL)
	}
	if got := strings.Join(all, " "); got != "https://a.example/get.jpg?id=1 https://a.example/get.jpg?id=2" {
		t.Error(got)
	}
}
