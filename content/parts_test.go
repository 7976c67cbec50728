package content

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHashtag(t *testing.T) {
	for in, want := range map[string]string{
		"static-site": "StaticSite", "Static site": "StaticSite", "golang": "golang", "GoLang": "GoLang", "#photo": "photo",
		"2026": "", "42 things": "42Things", "3D printing": "3DPrinting", "日本語": "日本語", "写真・日記": "写真日記", "Привет мир": "ПриветМир",
		"القهوة العربية": "القهوة_العربية", "هنر ۲۰۲۶": "هنر۲۰۲۶", "สวัสดี ครับ": "สวัสดีครับ", "한국 음식": "한국음식", "नमस्ते दुनिया": "नमस्ते_दुनिया",
		"e\u0301te\u0301": "été", "C++": "cpp", "c#": "csharp", ".NET": "dotnet", "what's new": "WhatsNew", "l'été": "LÉté", "R&amp;D": "RD", "R&D": "RD",
		"a_b": "a_b", "___": "", "": "", "   ": "", "!!!": "", "🎉": "", "❤️ cats": "cats", "http://x.example/kind#post": "", "1.5 2.5": "",
		strings.Repeat("a", 61): "", "Year 2026 10": "Year2026_10", "<b>bold</b> move": "BoldMove", "ǆungla x": "ǄunglaX",
	} {
		if got := hashtag(in); got != want {
			t.Errorf("hashtag(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHashtags(t *testing.T) {
	got := hashtags("https://f.example/tags/", "Go", "GO", "go, Web ; Static-Site", "Uncategorized", "a/b?c", "ünï").list
	want := []Tag{{"Go", "https://f.example/tags/Go"}, {"Web", "https://f.example/tags/Web"}, {"StaticSite", "https://f.example/tags/StaticSite"},
		{"ABC", "https://f.example/tags/ABC"}, {"ünï", "https://f.example/tags/%C3%BCn%C3%AF"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := hashtags("", strings.Fields("a b c d e f g h i j k")...).list; len(got) != maxTags || got[0].Href != "" {
		t.Errorf("got %v", got)
	}
	for base, want := range map[string]string{
		"":                        `<p>#x #y</p>`,
		"https://f.example/tags/": `<p><a href="https://f.example/tags/x" class="mention hashtag" rel="tag">#<span>x</span></a> <a href="https://f.example/tags/y" class="mention hashtag" rel="tag">#<span>y</span></a></p>`,
	} {
		if got := written(hashtags(base, "x", "y").end(nil), maxHTML); got != want {
			t.Errorf("got %s", got)
		}
	}
}

func hashtags(base string, categories ...string) *tagList {
	return ownTags(Entry{Categories: categories}, Options{TagBase: base})
}

func TestWebURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example/b?c=d&e#f": "https://a.example/b?c=d&e#f", " http://a.example\n": "http://a.example", "HTTPS://a.example/": "https://a.example/",
		"https://user:pw@a.example/": "https://a.example/", "https://a.example/ü b": "https://a.example/%C3%BC%20b", "https://例え.example:81/": "https://xn--r8jz45g.example:81/", "https://\u2060.example/": "",
		"https://a.example/%e6%98%a5": "https://a.example/%e6%98%a5", "https://[::1]:8080/": "https://[::1]:8080/",
		"/relative": "", "//a.example/": "", "javascript:alert(1)": "", "java\nscript:alert(1)": "", "data:text/html,x": "", "mailto:a@b.example": "",
		"https:a.example": "", "https://": "", "https:///x": "", "https://a\"b.example/": "", "": "", "#x": "", "https://a.example/" + strings.Repeat("x", maxURL): "",
		"https://a.example/\"><script>": "https://a.example/%22%3E%3Cscript%3E", "ftp://a.example/": "", "\x01https://a.example/": "https://a.example/",
	} {
		if got := webURL(in); got != want {
			t.Errorf("webURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShowURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example/2026/hello/": "a.example/2026/hello/", "https://a.example": "a.example",
		"https://a.example/%E6%98%A5%EF%BC%9F/": "a.example/春%EF%BC%9F/", "https://a.example/a%2Fb%20c": "a.example/a%2Fb%20c",
		"https://a.example/%E2%80%AEx": "a.example/%E2%80%AEx", "https://a.example/%ff%": "a.example/%ff%",
		"https://a.example/" + strings.Repeat("x", 100): "a.example/" + strings.Repeat("x", 59) + "…",
	} {
		if got := showURL(in); got != want {
			t.Errorf("showURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"Tom &amp; Jerry": "Tom & Jerry", "Tom &amp;amp; Jerry": "Tom & Jerry", "a &lt;b&gt;bold&lt;/b&gt; move": "a bold move", "<b>Hi</b> <i class='x'>you</i>": "Hi you",
		"Vec<T> in Rust": "Vec<T> in Rust", "the <b> element": "the <b> element", "the <title> element": "the <title> element", "a < b > c": "a < b > c", "a <b": "a <b",
		"one<br>two<br/>three": "one two three", "  a\n\tb  ": "a b", "It&#8217;s": "It’s", "x<script>alert(1)</script>y": "xy", "<script>": "<script>", "<!-- no --> yes": "yes",
		"\u202egnp.exe": "gnp.exe", "a\x00b\xff": "ab\ufffd", "": "", "<p>one</p><p>two</p>": "one two", "if a<b then c": "if a<b then c", "&nbsp;x": "\u00a0x",
	} {
		if got := PlainText(in); got != want {
			t.Errorf("PlainText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMediaType(t *testing.T) {
	for _, c := range []struct{ declared, address, guess, want string }{
		{"", "https://a.example/x.JPG?v=1", "", "image/jpeg"}, {"image/jpg", "https://a.example/x", "", "image/jpeg"}, {"", "https://a.example/x", "", ""},
		{"", "https://a.example/x", "image/jpeg", "image/jpeg"}, {"Audio/MPEG; x=1", "https://a.example/x", "", "audio/mpeg"}, {"application/octet-stream", "https://a.example/x.opus", "", "audio/ogg"},
		{"application/pdf", "https://a.example/x.png", "", ""}, {"image/svg+xml", "https://a.example/x.png", "", ""}, {"", "https://a.example/x.svg", "image/jpeg", ""},
		{"audio/x-m4a", "https://a.example/x", "", "audio/mp4"}, {"video", "https://a.example/x", "", "video/mp4"}, {"image/\"x", "https://a.example/x", "", ""}, {"image", "https://a.example/x.webp", "", "image/webp"},
	} {
		if got := mediaType(c.declared, c.address, c.guess); got != c.want {
			t.Errorf("mediaType(%q, %q, %q) = %q, want %q", c.declared, c.address, c.guess, got, c.want)
		}
	}
}

func TestAttachments(t *testing.T) {
	pic := func(n string) Media { return Media{URL: "https://a.example/" + n} }
	e := Entry{Title: "T", Media: []Media{pic("1.png"), pic("1.png"), pic("2.mp3"), {URL: "https://secure.gravatar.com/avatar/1.png"}, {URL: "https://a.example/p.gif", Width: 1, Height: 1}},
		Content: `text <img src="https://a.example/3.webp" alt="three"> <img src="https://a.example/4.png"> <img src="https://a.example/5.png" alt="five">`}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Mode: ModeFull}, "1.png 2.mp3 3.webp 4.png"},
		{Options{Mode: ModeSummary}, "1.png 2.mp3 3.webp 4.png"},
		{Options{Mode: ModeLink}, "1.png 2.mp3"},
		{Options{Mode: ModeFull, Pictures: PicturesNone}, "2.mp3"},
		{Options{Mode: ModeFull, Pictures: PicturesCard}, ""},
	} {
		p := Render(e, Extras{}, c.o)
		var got []string
		for _, m := range p.Attachments {
			got = append(got, strings.TrimPrefix(m.URL, "https://a.example/"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: attached %v, want %s", c.o, got, c.want)
		}
		if shown := strings.Contains(p.HTML, "[five]"); shown != (c.o.Mode == ModeFull) {
			t.Errorf("%+v: description of a picture that is not attached shown: %v in %s", c.o, shown, p.HTML)
		}
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ entry, option, want string }{
		{"en", "de", "en"}, {"", "de", "de"}, {"de_DE", "", "de-DE"}, {"iw", "", "he"}, {"EN-us", "", "en-US"}, {"English", "fr", "fr"}, {"und", "fr", "fr"},
		{"x", "", ""}, {"zh-hant-tw", "", "zh-Hant-TW"}, {"mul", "", ""}, {" pt-br ", "", "pt-BR"}, {"en-XXXX-", "sv", "sv"},
	} {
		if got := Render(Entry{Language: c.entry}, Extras{}, Options{Language: c.option}).Language; got != c.want {
			t.Errorf("language %q, option %q: got %q, want %q", c.entry, c.option, got, c.want)
		}
	}
}

func TestEqual(t *testing.T) {
	a := Post{HTML: "x", Language: "en", Tags: []Tag{{Name: "t"}}, Attachments: []Media{{URL: "u"}}}
	if !Equal(a, a) || !Equal(Post{Tags: []Tag{}}, Post{}) {
		t.Error("equal posts differ")
	}
	for _, b := range []Post{
		{Language: "en", Tags: a.Tags, Attachments: a.Attachments}, {HTML: "x", Tags: a.Tags, Attachments: a.Attachments},
		{HTML: "x", Language: "en", Attachments: a.Attachments}, {HTML: "x", Language: "en", Tags: a.Tags, Attachments: []Media{{URL: "u", Alt: "alt"}}},
	} {
		if Equal(a, b) {
			t.Errorf("%+v equals %+v", a, b)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Hello *you*": "<p>Hello <em>you</em></p>", "# Big\n\ntext": "<p><strong>Big</strong></p><p>text</p>",
		"<script>alert(1)</script>\n\n[x](javascript:alert(1))": "<p>x</p>", "a\n\n- b\n- c": "<p>a</p><ul><li>b</li><li>c</li></ul>", "https://a.example/": `<p><a href="https://a.example/">https://a.example/</a></p>`,
		"![a cat](https://a.example/c.png)": "<p>[a cat]</p>", "**a *b* c**": "<p><strong>a <em>b</em> c</strong></p>",
		strings.Repeat("[", maxBrackets+1) + "x": "<p>" + strings.Repeat("[", maxBrackets+1) + "x</p>", strings.Repeat(">", 40) + "x\n\ny": "<p>" + strings.Repeat("&gt;", 40) + "x</p><p>y</p>",
	} {
		if got := Markdown(in); got != want {
			t.Errorf("Markdown(%.60q) = %.200q, want %.200q", in, got, want)
		}
	}
}

// TestFirstLink checks the rule of Mastodon's link cards (fetch_link_card_service.rb, 4.7): the first link
// that is no hashtag and no mention is the entry's, whatever stands in title and text.
func TestFirstLink(t *testing.T) {
	for _, mode := range []Mode{ModeSummary, ModeFull, ModeLink} {
		p := Render(Entry{URL: "https://a.example/e", Title: `<a href="https://b.example/">T</a>`, Content: `<a href="https://c.example/">text</a>`, Categories: []string{"tag"}},
			Extras{}, Options{Mode: mode, TagBase: "https://f.example/tags/"})
		if want := `<p><strong><a href="https://a.example/e">T</a></strong></p>`; !strings.HasPrefix(p.HTML, want) {
			t.Errorf("%s: %s", mode, p.HTML)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	para := `<p>Some <em>words</em> with <a href="https://a.example/x?y=1&amp;z=2">a link</a>, <code>code</code> and an <img src="https://a.example/i.png" alt="image">.</p>`
	e := Entry{URL: "https://a.example/e", Title: "A title", Summary: para, Content: strings.Repeat(para+"<ul><li>one</li><li>two</li></ul><pre><code>x := 1\n</code></pre>", 40), Categories: []string{"one", "two three"}, Language: "en"}
	for _, mode := range []Mode{ModeSummary, ModeFull} {
		b.Run(string(mode), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(e.Content)))
			for b.Loop() {
				Render(e, Extras{}, Options{Mode: mode, TagBase: "https://f.example/tags/"})
			}
		})
	}
}
