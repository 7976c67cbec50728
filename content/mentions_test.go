package content

import (
	"slices"
	"strings"
	"testing"
)

func TestHandles(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // separated by spaces
	}{
		{"@alice@a.example", "alice@a.example"},
		{"Hello @alice@a.example, and @Bob.B@B.Example. Bye", "alice@a.example Bob.B@b.example"},
		{"(@alice@a.example) **@bob@b.example** [@c@c.example](https://x.example/)", "alice@a.example bob@b.example"},
		{"@alice@a.example:8443: yes", "alice@a.example:8443"},
		{"@alice@localhost:8080", "alice@localhost:8080"},
		{"@alice@a.example:", "alice@a.example"},
		{"@alice@bücher.example", "alice@bücher.example"},
		{"@a_b_c@a.example and _@d@d.example_", "a_b_c@a.example d@d.example"},
		{"@alice@a.example @alice@A.example", "alice@a.example"},
		{"- @alice@a.example\n> @bob@b.example", "alice@a.example bob@b.example"},
		{"`@alice@a.example`", ""},
		{"    @alice@a.example\n", ""},
		{"mail alice@a.example or @alice", ""},
		{"@alice@nodot", ""},
		{"x@alice@a.example", ""},
		{"https://a.example/@alice@b.example", ""},
		{"@alice@a.example@b.example", ""},
		{"@@a.example @-a@a.example @a-@a.example @a@..example", ""},
	} {
		if got := Handles(c.text); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%q: %q, want %s", c.text, got, c.want)
		}
	}
}

func TestMentions(t *testing.T) {
	known := map[string]Mention{
		"alice@a.example": {Name: "alice", Href: "https://a.example/@alice"},
		"eve@e.example":   {Name: `<b>"`, Href: "javascript:alert(1)"},
		"mal@m.example":   {Name: `<b>"`, Href: `https://m.example/"><script>`},
	}
	const alice = `<span class="h-card"><a href="https://a.example/@alice" class="u-url mention">@<span>alice</span></a></span>`
	for _, c := range []struct{ text, want string }{
		{"Hi @alice@a.example!", "<p>Hi " + alice + "!</p>"},
		{"**@alice@A.example**", "<p><strong>" + alice + "</strong></p>"},
		{"@alice@a.example @bob@b.example", "<p>" + alice + " @bob@b.example</p>"},
		{"#one @alice@a.example", `<p><a href="https://t.example/one" class="mention hashtag" rel="tag">#<span>one</span></a> ` + alice + "</p>"},
		{"@eve@e.example", "<p>@eve@e.example</p>"},
		{"@mal@m.example", `<p><span class="h-card"><a href="https://m.example/%22%3E%3Cscript%3E" class="u-url mention">@<span>&lt;b&gt;"</span></a></span></p>`},
		{"`@alice@a.example`", "<p><code>@alice@a.example</code></p>"},
	} {
		p := Render(Entry{Markdown: c.text}, Extras{}, Options{Mode: ModeFull, TagBase: "https://t.example/", Mentions: known})
		if p.HTML != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, p.HTML, c.want)
		}
	}
	if p := Render(Entry{Content: "<p>@alice@a.example</p>"}, Extras{}, Options{Mode: ModeFull}); strings.Contains(p.HTML, "<a") {
		t.Errorf("a feed mentions somebody: %s", p.HTML)
	}
}

func FuzzMentions(f *testing.F) {
	for _, s := range []string{"@alice@a.example", "**@a@b.c:80** `@x@y.z`", "#x@alice@a.example", "@a@ü.example."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		known := map[string]Mention{}
		handles := Handles(text)
		for _, h := range handles {
			user, host, ok := strings.Cut(h, "@")
			if !ok || user == "" || host == "" || strings.ContainsAny(host, "@/?# ") {
				t.Errorf("%q is no handle", h)
			}
			known[h] = Mention{Name: user, Href: "https://" + "h.example/" + user}
		}
		p := Render(Entry{Markdown: text}, Extras{}, Options{Mode: ModeFull, Mentions: known})
		if strings.Contains(p.HTML, `class="u-url mention"`) != (len(handles) > 0) && len(p.HTML) < maxHTML/2 {
			t.Errorf("%q has %q, but the post is %s", text, handles, p.HTML)
		}
		plain := Render(Entry{Markdown: text}, Extras{}, Options{Mode: ModeFull})
		checkHTML(t, plain.HTML)
	})
}
