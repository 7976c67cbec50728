package content

import (
	"strings"
	"testing"
)

const testTags = "https://f.example/tags/"

// marked writes the hashtag links of a post as {name}.
func marked(s string) string {
	var sb strings.Builder
	for {
		before, rest, found := strings.Cut(s, `<a href="https://f.example/tags/`)
		sb.WriteString(before)
		if !found {
			return sb.String()
		}
		_, rest, _ = strings.Cut(rest, `class="mention hashtag" rel="tag">#<span>`)
		name, after, _ := strings.Cut(rest, "</span></a>")
		sb.WriteString("{" + name + "}")
		s = after
	}
}

func TestHashtagsInText(t *testing.T) {
	for in, want := range map[string]string{
		"a #Word here":                              "a {Word} here",
		"#one #two,#three.":                         "{one} {two},{three}.",
		"(#paren) „#quote“":                         "({paren}) „{quote}“",
		"no #1, #2026 or # or #":                    "no #1, #2026 or # or #",
		"#2026年 and #3D":                            "{2026年} and {3D}",
		"C#sharp a/#b &amp;#c ##d x=#e )#f é#g _#h": "C#sharp a/#b &amp;#c ##d x=#e )#f é#g _#h",
		"<code>#define</code> and <a href='https://a.example/x'>an #anchor</a>": `<code>#define</code> and <a href="https://a.example/x">an #anchor</a>`,
		"<em>#styled</em>":              "<em>{styled}</em>",
		"#half<em>way</em> x<b>#no</b>": "#half<em>way</em> x<strong>#no</strong>",
		"<b>#whole</b>, yes":            "<strong>{whole}</strong>, yes",
		"#日本語タグ、次":                      "{日本語タグ}、次",
		"#برنامه\u200cنویسی است":        "{برنامه\u200cنویسی} است",
		"#नमस्ते #สวัสดี #Привет #Ελλάδα #한국": "{नमस्ते} {สวัสดี} {Привет} {Ελλάδα} {한국}",
		"#cafe\u0301":                                                  "{café}",
		"#fff #1a2b3c #c0ffee #decade #facade":                         "#fff #1a2b3c #c0ffee {decade} {facade}",
		"#\ufe0f\u20e3 #\u0301x":                                       "#\ufe0f\u20e3 #\u0301x",
		"#" + strings.Repeat("x", 61):                                  "#" + strings.Repeat("x", 61),
		"#" + strings.Repeat("x", 60):                                  "{" + strings.Repeat("x", 60) + "}",
		"@user@host.example says":                                      "@user@host.example says",
		"<a href='https://a.example/tags/static-site'>#StaticSite</a>": "{StaticSite}",
		"<b><a href='https://m.example/tags/x' class='mention'>#<span>x</span></a></b>": "<strong>{x}</strong>",
		"<a href='https://a.example/?t=%C3%A9t%C3%A9'>#été</a>":                         "{été}",
		"<a href='https://a.example/other'>#news</a>":                                   `<a href="https://a.example/other">#news</a>`,
		"<a href='https://a.example/tags/x'>#x and y</a>":                               `<a href="https://a.example/tags/x">#x and y</a>`,
		"https://a.example/#about":                                                      `<a href="https://a.example/#about">https://a.example/#about</a>`,
		"<a href='#intro'>#intro</a>":                                                   "#intro",
	} {
		p := Render(Entry{Content: in}, Extras{}, Options{Mode: ModeFull, TagBase: testTags})
		checkPost(t, p)
		if got := strings.TrimSuffix(strings.TrimPrefix(marked(p.HTML), "<p>"), "</p>"); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
	if p := Render(Entry{Content: "<pre>#x</pre>#y"}, Extras{}, Options{Mode: ModeFull, TagBase: testTags}); len(p.Tags) != 1 || p.Tags[0].Name != "y" {
		t.Errorf("tags %v", p.Tags)
	}
}

func tagNames(p Post) string {
	var names []string
	for _, tag := range p.Tags {
		names = append(names, tag.Name)
	}
	return strings.Join(names, " ")
}

func TestHashtagsOfAPost(t *testing.T) {
	e := Entry{Title: "T", Content: "About #GO and #text and #Rest.", Categories: []string{"Go", "web log"}}
	for _, c := range []struct {
		name, tags, end string
		o               Options
	}{
		{"at the end", "Go WebLog text Rest", "{WebLog}", Options{}},
		{"as tags alone", "Go WebLog text Rest", "", Options{Hashtags: HashtagsTag}},
		{"of the text alone", "GO text Rest", "", Options{Hashtags: HashtagsNone}},
		{"further ones", "Go WebLog more rest text", "{WebLog} {more}", Options{Tags: []string{"more", "GO", "rest"}}},
		{"further ones where the categories' do not count", "more GO text Rest", "{more}", Options{Hashtags: HashtagsNone, Tags: []string{"more"}}},
		{"normalised", "Go WebLog StaticSite cpp text Rest", "{WebLog} {StaticSite} {cpp}", Options{Tags: []string{"static-site", "#static site", "C++", "2026"}}},
	} {
		c.o.TagBase = testTags
		p := Render(e, Extras{}, c.o)
		checkPost(t, p)
		if got := tagNames(p); got != c.tags {
			t.Errorf("%s: tags %q, want %q", c.name, got, c.tags)
		}
		end := ""
		if _, after, ok := strings.Cut(marked(p.HTML), "{Rest}.</p>"); ok {
			end = strings.TrimSuffix(strings.TrimPrefix(after, "<p>"), "</p>")
		}
		if end != c.end {
			t.Errorf("%s: at the end %q, want %q", c.name, end, c.end)
		}
	}
}

func TestHashtagsWithoutPages(t *testing.T) {
	e := Entry{Content: "About #Go, <a href='https://a.example/tags/x'>#x</a>", Categories: []string{"go", "web"}}
	p := Render(e, Extras{}, Options{})
	if want := `<p>About #Go, <a href="https://a.example/tags/x">#x</a></p><p>#web</p>`; p.HTML != want {
		t.Errorf("got %s", p.HTML)
	}
}

func TestHashtagsHaveRoomForNine(t *testing.T) {
	p := Render(Entry{Content: "#a1 #b2 #c3 #d4 #e5 #f6", Categories: strings.Fields("n1 n2 n3 n4 n5")}, Extras{}, Options{Hashtags: HashtagsTag, TagBase: testTags})
	checkPost(t, p)
	if got := marked(p.HTML); got != "<p>{a1} {b2} {c3} {d4} #e5 #f6</p>" {
		t.Errorf("got %s", got)
	}
}

// TestHashtagIsNotCut checks that what is left of a hashtag after a cut is none.
func TestHashtagIsNotCut(t *testing.T) {
	p := Render(Entry{Title: "T", Content: strings.Repeat("今", 18) + "、#東京の夜景" + strings.Repeat("今", 40)}, Extras{}, Options{Length: 22, TagBase: testTags})
	checkPost(t, p)
	if len(p.Tags) != 0 || !strings.Contains(p.HTML, "、#東京…") {
		t.Errorf("%v in %s", p.Tags, p.HTML)
	}
	for n := range 8 { // the cut of a text that is too large falls somewhere else in the hashtag each time
		p := Render(Entry{Content: strings.Repeat("今", n) + strings.Repeat("、#東京の夜景を見る人", 5000)}, Extras{}, Options{Mode: ModeFull, TagBase: testTags})
		checkPost(t, p)
	}
}
