package content

import (
	"os"
	"strings"
	"testing"
)

func TestAdvise(t *testing.T) {
	fine := Entry{URL: "https://a.example/x", Title: "T", Content: "Text.", Language: "en"}
	with := func(change func(*Entry)) Entry { e := fine; change(&e); return e }
	pictures := `<img src="https://a.example/1.png" alt="one"><img src="https://a.example/2.png" alt="two"> text`
	for _, c := range []struct {
		name, want string
		e          Entry
		x          Extras
		o          Options
	}{
		{"nothing to mend", "", fine, Extras{}, Options{}},
		{"no description", "picture p q.png has no description", with(func(e *Entry) { e.Media = []Media{{URL: "https://a.example/i/p%20q.png"}} }), Extras{}, Options{}},
		{"sound needs none", "", with(func(e *Entry) { e.Media = []Media{{URL: "https://a.example/i/p.mp3"}} }), Extras{}, Options{}},
		{"too long", "the post has 6011 characters", with(func(e *Entry) { e.Content = strings.Repeat("Words ", 1000) }), Extras{}, Options{Mode: ModeFull}},
		{"no language", "the language is not known", with(func(e *Entry) { e.Language = "" }), Extras{}, Options{}},
		{"language of the page", "", with(func(e *Entry) { e.Language = "" }), Extras{Language: "de"}, Options{}},
		{"no title, no text", "neither title nor text", with(func(e *Entry) { e.Title, e.Content = "", "<p>\u200b</p>" }), Extras{}, Options{}},
		{"a link alone", "nothing but a link", with(func(e *Entry) { e.Title, e.Content = "", "<form>x</form><svg>y</svg>" }), Extras{}, Options{Mode: "link", Template: mustTemplate(t, "{{.URL}}")}},
		{"too many pictures", "1 more pictures are left out: a post takes 1", with(func(e *Entry) { e.Content = pictures }), Extras{}, Options{MaxPictures: 1}},
		{"enough room", "", with(func(e *Entry) { e.Content = pictures }), Extras{}, Options{MaxPictures: 2}},
		{"drawing", "picture d.svg is left out: servers refuse", with(func(e *Entry) { e.Content = `x<img src="https://a.example/d.svg" alt="d">` }), Extras{}, Options{}},
		{"unfit", "picture 1.png is left out: it cannot be fetched", with(func(e *Entry) { e.Media = []Media{{URL: "https://a.example/1.png", Alt: "x"}} }),
			Extras{Pictures: map[string]Picture{"https://a.example/1.png": {Unfit: true}}}, Options{}},
		{"hashtags", "2 of the hashtags are left out", with(func(e *Entry) { e.Categories = strings.Fields("a b c d e f g h i j k") }), Extras{}, Options{}},
		{"no address", "no address of its own", with(func(e *Entry) { e.URL = "" }), Extras{}, Options{}},
		{"warning", "it is a Note", with(func(e *Entry) { e.Warning = "w" }), Extras{}, Options{Format: FormatArticle}},
	} {
		got := strings.Join(Advise(c.e, c.x, c.o, Render(c.e, c.x, c.o)), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func mustTemplate(t testing.TB, source string) *Template {
	t.Helper()
	tmpl, err := NewTemplate(source)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestAdviseOfATemplateWithoutLink(t *testing.T) {
	e := Entry{URL: "https://a.example/1?a&b", Title: "T", Content: "<p>Some words of it.</p>", Language: "en"}
	for source, want := range map[string]bool{"**{{.Title}}**\n\n{{.Text}}": true, "[{{.Title}}]({{.URL}})": false, "{{.Text}}\n\n{{.URL}}": false} {
		tmpl, err := NewTemplate(source)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Template: tmpl}
		got := strings.Join(Advise(e, Extras{}, o, Render(e, Extras{}, o)), "\n")
		if strings.Contains(got, "leads to the entry") != want {
			t.Errorf("%q: %s", source, got)
		}
	}
}

// TestTemplateOfTheREADME: what people copy from there works with entries of every kind.
func TestTemplateOfTheREADME(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "A template is Markdown")
	_, rest, _ = strings.Cut(rest, "```\n")
	source, _, found := strings.Cut(rest, "```")
	if !found || !strings.Contains(source, "{{.Text}}") {
		t.Fatalf("no template in the README: %q", source)
	}
	tmpl, err := NewTemplate(source)
	if err != nil {
		t.Fatal(err)
	}
	const link = `<a href="https://a.example/1">`
	for want, e := range map[string]Entry{
		"<p><strong>" + link + "T</a></strong> by Ann</p><p>Words.</p>": {Title: "T", Authors: []string{"Ann"}, Content: "Words."},
		"<p><strong>" + link + "T</a></strong></p><p>Words.</p>":        {Title: "T", Content: "Words."},
		"<p>by Ann</p><p>Words.</p>":                                    {Authors: []string{"Ann"}, Content: "Words."},
		"<p>Words.</p>":                                                 {Content: "Words."},
	} {
		e.URL = "https://a.example/1"
		p := Render(e, Extras{}, Options{Template: tmpl})
		if !strings.HasPrefix(p.HTML, want) || !strings.Contains(p.HTML, link) {
			t.Errorf("got  %s\nwant %s…, with a link", p.HTML, want)
		}
	}
}
