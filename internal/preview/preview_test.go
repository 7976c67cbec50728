package preview

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/net/html"

	"crier/content"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s comes out otherwise (-want +got; -update takes it):\n%s", name, diff)
	}
}

// clean is as strict as the command line's own.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, s)
}

func terminalText(t *testing.T, s Sheet, screen Screen) string {
	t.Helper()
	screen.Clean = clean
	var b bytes.Buffer
	if err := Terminal(&b, s, screen); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pageText(t *testing.T, s Sheet) string {
	t.Helper()
	var b bytes.Buffer
	if err := Page(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sample has one of everything that a post can have.
func sample() Sheet {
	at := time.Date(2026, 3, 8, 18, 30, 0, 0, time.FixedZone("CET", 3600))
	const base = "https://fedi.example.com/posts/example.com"
	bread := Post{
		Content: content.Post{
			HTML: `<p><strong><a href="https://example.com/2026/bread/">How I bake on Sundays</a></strong></p>` +
				`<p>Flour, water, salt, and a whole day of <em>doing nothing</em> in between, with <code>hydration = 0.75</code> ` +
				`and <del>too much</del> a little yeast. It rises, see <a href="https://en.example.org/wiki/Bread">the article</a>.</p>` +
				`<blockquote><p>Give it time.</p><blockquote><p>More time than you have, since the dough knows no clock and no calendar.</p></blockquote></blockquote>` +
				`<ol start="3"><li>Feed the starter, then wait until it has doubled, which takes six hours in a kitchen like ours</li><li>Mix<ul><li>rye</li><li>wheat</li></ul></li></ol>` +
				"<pre><code>for dough.Height() &lt; 2*start {\n\twait(time.Hour)\n}\n\nbake()</code></pre>" +
				`<p>Roses,<br>salt.</p><p><a href="https://example.com/2026/bread/">example.com/2026/bread/</a></p>` +
				`<p><a href="https://fedi.example.com/tags/Bread" class="mention hashtag" rel="tag">#<span>Bread</span></a> ` +
				`<a href="https://fedi.example.com/tags/Rye" class="mention hashtag" rel="tag">#<span>Rye</span></a></p>`,
			Language: "en-GB",
		},
		ID: base + "/2026/bread/", URL: "https://example.com/2026/bread/", Title: "How I bake on Sundays",
		Feed: "https://example.com/index.xml", Date: at, Visibility: "public",
		Create: json.RawMessage(`{"type":"Create","object":{"content":"<p>\u003c</p>"}}`),
	}
	walk := Post{
		Content: content.Post{
			HTML: `<p>日曜日の<ruby>散歩<rp>(</rp><rt>さんぽ</rt><rp>)</rp></ruby>は川沿いの道を歩いて、橋の上で休んでから、もと来た道をゆっくり帰ってくるだけのことなのだが、これがとても楽しい。</p>` +
				`<p><a href="https://example.com/2026/walk/">example.com/2026/walk/</a></p>`,
			Language: "ja", Warning: "Long walks & wet feet", Sensitive: true,
			Attachments: []content.Media{
				{URL: "https://example.com/2026/walk/bridge.jpg", Type: "image/jpeg", Width: 1600, Height: 1067, Alt: "A wooden bridge over a small river, with fog on the meadows behind it and nobody on it", Focus: &content.Focus{X: 0.5, Y: -0.5}},
				{URL: "https://example.com/2026/walk/meadow.jpg", Type: "image/jpeg"},
				{URL: "https://example.com/2026/walk/steps.mp3", Type: "audio/mpeg", Alt: "Steps on gravel"},
				{URL: "https://example.com/2026/walk/map.gpx"},
			},
		},
		ID: base + "/2026/walk/", URL: "https://example.com/2026/walk/", Feed: "https://example.com/index.xml",
		Date: at.AddDate(0, 0, -7), Visibility: "unlisted",
		Warnings: []string{"picture without alt text: https://example.com/2026/walk/meadow.jpg", "the entry has no title"},
	}
	essay := Post{
		Content: content.Post{
			HTML:   `<p>` + strings.Repeat("ภาษาไทยไม่มีช่องว่าง", 8) + `</p><p>Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftskapitän</p>`,
			Format: content.FormatArticle, Title: "On length",
		},
		ID: base + "/2026/length/", Feed: "https://example.com/index.xml", Visibility: "followers", Skipped: true,
	}
	return Sheet{
		Account: Account{Name: "User", Handle: "user@example.com"},
		Posts:   []Post{bread, walk, essay},
		Feeds: []Feed{{URL: "https://example.com/index.xml", Title: "Crumbs", Advice: []string{
			"entry 3 (“Rain”) has no id and its link is relative: give each entry a guid, so that a changed address does not make it a new entry",
		}}},
	}
}

func TestTerminal(t *testing.T) {
	got := terminalText(t, sample(), Screen{Width: 80})
	golden(t, "terminal.golden", got)
	golden(t, "terminal_narrow.golden", terminalText(t, sample(), Screen{Width: 44}))
	for l := range strings.Lines(got) {
		if n := text.StringWidth(strings.TrimSuffix(l, "\n")); n > 80 {
			t.Errorf("a line takes %d columns: %s", n, l)
		}
		if strings.TrimRight(l, " \n")+"\n" != l {
			t.Errorf("a line ends in spaces: %q", l)
		}
	}
}

func TestTerminalColours(t *testing.T) {
	s := sample()
	s.Posts = s.Posts[:1]
	got := terminalText(t, s, Screen{Width: 80, Colour: true})
	if !strings.Contains(got, "\x1b[1mHow I bake on Sundays\x1b[0m") || !strings.Contains(got, "\x1b[3mdoing nothing\x1b[0m") {
		t.Errorf("title and emphasis do not stand out: %q", got)
	}
	if strings.Contains(terminalText(t, s, Screen{Width: 80}), "\x1b") {
		t.Error("escape sequences although no colours are wanted")
	}
}

func TestPage(t *testing.T) {
	golden(t, "page.html", pageText(t, sample()))
}

func TestCard(t *testing.T) {
	const entry = "https://www.example.com/a/"
	tests := map[string]struct {
		post Post
		want Card
	}{
		"the entry": {
			Post{URL: entry, Title: "A", CardImage: "https://example.com/a.png", Content: content.Post{HTML: `<p><a href="http://example.com/a">A</a></p>`}},
			Card{URL: "http://example.com/a", Title: "A", Host: "example.com", Image: "https://example.com/a.png"},
		},
		"another page first": {
			Post{URL: entry, Title: "A", CardImage: "https://example.com/a.png", Content: content.Post{HTML: `<p><a href="https://b.example/x/">b</a> <a href="` + entry + `">A</a></p>`}},
			Card{URL: "https://b.example/x/", Title: "b.example/x", Host: "b.example"},
		},
		"hashtags count for nothing": {
			Post{URL: entry, Content: content.Post{HTML: `<p><a href="https://f.example/tags/x" class="mention hashtag">#x</a> <a href="` + entry + `">A</a></p>`}},
			Card{URL: entry, Title: "example.com/a", Host: "example.com"},
		},
		"no link": {Post{URL: entry, Content: content.Post{HTML: `<p>A</p>`}}, Card{}},
		"attachments": {
			Post{URL: entry, Content: content.Post{HTML: `<p><a href="` + entry + `">A</a></p>`, Attachments: []content.Media{{URL: "https://example.com/a.png"}}}},
			Card{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := tt.post.Card()
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != (tt.want != Card{}) {
				t.Errorf("%v: %s", ok, diff)
			}
		})
	}
}

// hostile puts the same bad text wherever a feed or a configuration has a say.
func hostile(bad string) Sheet {
	post := content.Render(content.Entry{
		URL: "https://example.com/a/", Title: bad, Content: "<p>" + bad + "</p><p>and more &lt;script&gt;alert(4)&lt;/script&gt;</p>", Categories: []string{bad},
	}, content.Extras{}, content.Options{Mode: content.ModeFull, TagBase: "https://fedi.example.com/tags/"})
	post.Warning, post.Language, post.Title = bad, bad, bad
	post.Attachments = []content.Media{
		{URL: "javascript:alert(1)//" + bad, Type: "image/png", Alt: bad},
		{URL: "https://example.com/" + bad, Type: bad, Alt: bad},
		{URL: "data:text/html,<script>alert(2)</script>", Type: "audio/mpeg"},
	}
	source, _ := json.Marshal(bad)
	return Sheet{
		Account: Account{Name: bad, Handle: bad, Avatar: "javascript:alert(3)"},
		Posts: []Post{{
			Content: post, ID: bad, URL: "javascript:" + bad, Title: bad, Feed: bad, Visibility: "public",
			CardImage: bad, Warnings: []string{bad}, Create: source,
		}},
		Feeds: []Feed{{URL: bad, Title: bad, Advice: []string{bad}}},
	}
}

func FuzzPage(f *testing.F) {
	for _, s := range attacks() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, bad string) { checkPage(t, pageText(t, hostile(bad))) })
}

func FuzzTerminal(f *testing.F) {
	for _, s := range attacks() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, bad string) {
		for _, r := range terminalText(t, hostile(bad), Screen{Width: 60}) {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Fatalf("%q lets %U through", bad, r)
			}
		}
	})
}

// FuzzLayOut: even HTML that no post can have does no harm.
func FuzzLayOut(f *testing.F) {
	for _, s := range attacks() {
		f.Add(s)
	}
	f.Add(sample().Posts[0].Content.HTML)
	f.Add("</ul></li></blockquote></a><li>x<ol start=9999999999><li><rp>(<pre>a\n\tb")
	f.Fuzz(func(t *testing.T, fragment string) {
		for _, r := range layOut(fragment, 40, clean) {
			for _, p := range r {
				if strings.ContainsFunc(p.text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
					t.Fatalf("%q lets a control character through: %q", fragment, p.text)
				}
			}
		}
	})
}

func attacks() []string {
	return []string{
		`"><script>alert(1)</script>`, `</style></title></pre></details><img src=x onerror=alert(1)>`, `' onload='alert(1)`,
		"\x1b]0;owned\x07\x1b[2J", "\u202egnp.exe\u2066", "&#27;[31m", "a\r\nb\u009b1m", `<a href="https://x.example/&#27;[2J">x</a>`,
		"<plaintext>", "<!--", "]]>", "{{.Account}}", strings.Repeat("<blockquote>", 40) + "deep",
	}
}

// checkPage parses the page as a browser would and looks for what must not be in it.
func checkPage(t *testing.T, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	if page == "" || !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
		t.Error("the page breaks off")
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "iframe", "object", "embed", "base", "form", "link", "plaintext":
			t.Errorf("the page has <%s>", n.Data)
		}
		for _, a := range n.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "data:") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
}
