package content

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTemplate checks that no template, with whatever entry, gets more into a post than a feed may, or takes long.
func FuzzTemplate(f *testing.F) {
	for _, s := range append(seeds(f), "**[{{.Title}}]({{.URL}})**\n{{.Text}}\n{{.Hashtags}}", "{{range first 2 .Authors}}- {{. | truncate 9 | upper}}\n{{end}}",
		"{{with .Warning}}> {{.}}{{else}}<b>{{$.Summary}}</b>{{end}}", "{{if and (eq .Language \"en\") (gt (len .Title) 3)}}x{{end}}") {
		f.Add(s, "A title", "<p>Some <b>text</b> #tag</p><ul><li>one</li></ul>", "cat")
		f.Add("{{.Title}}\n{{.Text}}\n{{.Hashtags}} {{join .Categories `, `}} <{{.URL}}>", s, s, s)
	}
	f.Fuzz(func(t *testing.T, source, title, text, category string) {
		tmpl, err := NewTemplate(source)
		if err != nil {
			if err.Error() == "" || !utf8.ValidString(err.Error()) {
				t.Errorf("error %q", err)
			}
			return
		}
		e := Entry{URL: "https://example.com/" + category, Title: title, Content: text, Authors: []string{title, category}, Categories: []string{category}, Warning: category}
		for _, mode := range []Mode{ModeSummary, ModeFull} {
			checkPost(t, Render(e, Extras{}, Options{Mode: mode, Template: tmpl, TagBase: "https://fedi.example.com/tags/"}))
		}
	})
}

// FuzzTemplateText checks that a title comes out of a template as it went in.
func FuzzTemplateText(f *testing.F) {
	for _, s := range append(seeds(f), "&ampampamplt", "https://entry-address.invalid/ www.a.example", "a\ufdd0\U0001fffeb") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, title string) {
		tmpl := mustTemplate(t, "[{{.Title}}]({{.URL}})")
		title = undisguised(clipText(PlainText(title), maxTitle))
		got := Render(Entry{URL: "https://example.com/a", Title: title}, Extras{}, Options{Template: tmpl})
		want := written(titleBlock(oneLine(title), "https://example.com/a"), maxHTML)
		want = strings.ReplaceAll(strings.ReplaceAll(want, "<strong>", ""), "</strong>", "")
		if title == "" || PlainText(title) != title || strings.TrimFunc(title, func(r rune) bool { return !visible(r) }) != title || got.HTML == want {
			return
		}
		t.Errorf("%q\ngot  %s\nwant %s", title, got.HTML, want)
	})
}

// FuzzHashtags checks the hashtags of categories, owner and text together.
func FuzzHashtags(f *testing.F) {
	f.Add("static-site, Go", "go", "#Go and #日本語・タグ <a href='https://example.com/tags/x'>#x</a> #half<b>way</b>")
	f.Add("برنامه\u200cنویسی", "e\u0301te\u0301", "#برنامه\u200cنویسی #e\u0301 x#y &#35;z ＃full")
	for _, s := range seeds(f) {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, category, own, text string) {
		e := Entry{URL: "https://example.com/a", Title: "T", Content: text, Categories: []string{category}}
		for _, h := range []Hashtags{HashtagsEnd, HashtagsTag, HashtagsNone} {
			o := Options{Mode: ModeFull, Hashtags: h, Tags: []string{own}, TagBase: "https://fedi.example.com/tags/"}
			p := Render(e, Extras{}, o)
			checkPost(t, p)
			o.Mode, o.Length = ModeSummary, 1+len(text)/3
			checkPost(t, Render(e, Extras{}, o))
			o.TagBase = ""
			if plain := Render(e, Extras{}, o); len(hashtagLinks(plain.HTML)) > 0 {
				t.Errorf("links without a base: %s", plain.HTML)
			}
		}
	})
}

// FuzzLanguage checks that a language is a tag in canonical form, or none.
func FuzzLanguage(f *testing.F) {
	for _, s := range []string{"en", "de_DE", "zh-hant-tw", "iw", "x-klingon", "en-XXXX-", "mul", "i-default", "sr-Latn-RS-x-1", "\xff"} {
		f.Add(s, "en")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := firstLanguage(a, b)
		if got != firstLanguage(got) {
			t.Errorf("firstLanguage(%q, %q) = %q, of which the language is %q", a, b, got, firstLanguage(got))
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return r != '-' && !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
		}) || len(got) > 200 {
			t.Errorf("firstLanguage(%q, %q) = %q", a, b, got)
		}
	})
}

// FuzzRules checks that patterns mean what they say: a text without wildcards fits itself, * fits everything.
func FuzzRules(f *testing.F) {
	f.Add("static site", "https://example.com/a/%D0%BC/?q", "[a-z]")
	f.Add("*?[", "https://example.com", `\`)
	f.Fuzz(func(t *testing.T, category, address, author string) {
		e := Entry{URL: address, Categories: []string{category}, Authors: []string{author}}
		literal := func(s string) bool { return s != "" && utf8.ValidString(s) && !strings.ContainsAny(s, "\x00") }
		if literal(category) && !(Rule{Category: category}).fits(e) {
			t.Errorf("category %q does not fit itself", category)
		}
		if literal(author) && !(Rule{Author: author}).fits(e) {
			t.Errorf("author %q does not fit itself", author)
		}
		if !(Rule{Category: "*", Author: "*"}).fits(e) {
			t.Errorf("* does not fit %q, %q", category, author)
		}
		(Rule{Path: category}).fits(e)
		style := Style{Rules: []Rule{{Category: author, Tags: []string{"x"}}, {Path: category, Skip: true}}}
		got := style.For(e)
		names := []string{category}
		if len(category) <= maxCategory {
			names = append(names, strings.FieldsFunc(category, func(r rune) bool { return strings.ContainsRune(",;、，；،", r) })...)
		}
		if slices.Contains(got.Tags, "x") != (author == "" || slices.ContainsFunc(names, wildcard(author))) {
			t.Errorf("pattern %q, category %q: %v", author, category, got.Tags)
		}
	})
}
