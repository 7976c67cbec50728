package content

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const goodHash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj" // 4 by 3 components

func TestLength(t *testing.T) {
	e := Entry{Title: "T", Content: strings.Repeat("<p>Ten words make up this sentence of sixty-one characters.</p>", 400)}
	for _, n := range []int{60, 200, 1000, 6000, 1 << 40} {
		p := Render(e, Extras{}, Options{Length: n})
		checkPost(t, p)
		got := utf8.RuneCountInString(PlainText(p.HTML))
		if most := min(n, 25_000) * 11 / 10; got > most || got < min(n, 20_000)*8/10 {
			t.Errorf("length %d gives %d characters", n, got)
		}
	}
	if p := Render(e, Extras{}, Options{Length: 1}); p.HTML != "<p><strong>T</strong></p>" {
		t.Errorf("got %s", p.HTML)
	}
}

func TestMaxPictures(t *testing.T) {
	e := Entry{Title: "T"}
	for i := range 20 {
		e.Media = append(e.Media, Media{URL: fmt.Sprintf("https://a.example/%d.png", i)})
	}
	for wish, want := range map[int]int{0: 4, -1: 4, 1: 1, 16: 16, 99: 16} {
		if got := len(Render(e, Extras{}, Options{MaxPictures: wish}).Attachments); got != want {
			t.Errorf("MaxPictures %d: %d attached, want %d", wish, got, want)
		}
	}
}

func TestWarningAndSensitive(t *testing.T) {
	pic := []Media{{URL: "https://a.example/1.png"}}
	for _, c := range []struct {
		name      string
		e         Entry
		o         Options
		warning   string
		sensitive bool
	}{
		{"none", Entry{Media: pic}, Options{}, "", false},
		{"the entry's comes first", Entry{Warning: "a <b>spoiler</b>\nhere"}, Options{Warning: "food"}, "a spoiler here", true},
		{"the owner's", Entry{Warning: " \u200b"}, Options{Warning: "food"}, "food", true},
		{"long", Entry{Warning: strings.Repeat("word ", 200)}, Options{}, strings.TrimSpace(strings.Repeat("word ", 100)) + "…", true},
		{"pictures of the entry", Entry{Media: pic, Sensitive: true}, Options{}, "", true},
		{"pictures by the owner's wish", Entry{Media: pic}, Options{Sensitive: true}, "", true},
		{"nothing to hide", Entry{Content: "x", Sensitive: true}, Options{}, "", false},
		{"pictures that are not attached", Entry{Media: pic}, Options{Sensitive: true, Pictures: PicturesCard}, "", false},
		{"behind a warning", Entry{Content: "x"}, Options{Sensitive: true, Warning: "food"}, "food", true},
	} {
		p := Render(c.e, Extras{}, c.o)
		checkPost(t, p)
		if p.Warning != c.warning || p.Sensitive != c.sensitive {
			t.Errorf("%s: warning %q, sensitive %v", c.name, p.Warning, p.Sensitive)
		}
	}
}

func TestLanguageChain(t *testing.T) {
	for _, c := range []struct{ entry, page, owner, want string }{
		{"de", "fr", "en", "de"}, {"", "fr", "en", "fr"}, {"nonsense!", "", "en", "en"}, {"und", "pt-br", "", "pt-BR"},
	} {
		p := Render(Entry{Language: c.entry}, Extras{Language: c.page}, Options{Language: c.owner})
		if p.Language != c.want {
			t.Errorf("%+v: %q", c, p.Language)
		}
	}
}

func TestArticle(t *testing.T) {
	e := Entry{URL: "https://a.example/x", Title: "A <i>title</i>", Summary: "Short #one.", Content: "<h2>A title</h2><p>Long #two.</p>"}
	o := Options{Format: FormatArticle, TagBase: testTags}
	for mode, want := range map[Mode][3]string{
		ModeFull:    {"<p>Long {two}.</p>", "<p>Short {one}.</p>", "two one"},
		ModeSummary: {"<p>Short {one}.</p>", "<p>Short {one}.</p>", "one"},
		ModeLink:    {"", "", ""},
	} {
		o.Mode = mode
		p := Render(e, Extras{}, o)
		checkPost(t, p)
		if p.Format != FormatArticle || p.Title != "A title" || marked(p.HTML) != want[0]+`<p><a href="https://a.example/x">a.example/x</a></p>` ||
			marked(p.Summary) != want[1] || tagNames(p) != want[2] {
			t.Errorf("%s: %s %q, summary %s, tags %s\n%s", mode, p.Format, p.Title, marked(p.Summary), tagNames(p), marked(p.HTML))
		}
	}
	o.Mode = ModeFull
	for name, note := range map[string]Entry{
		"no title":            {Content: "x"},
		"a warning":           {Title: "T", Warning: "w"},
		"a microblog's title": {Title: "The beginning of…", Content: "The beginning of a text."},
	} {
		if p := Render(note, Extras{}, o); p.Format != FormatNote || p.Title != "" || p.Summary != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestPageImage(t *testing.T) {
	og := Extras{Image: &Media{URL: "https://a.example/og", Alt: "the page"}}
	own := []Media{{URL: "https://a.example/1.png"}}
	sound := []Media{{URL: "https://a.example/1.mp3"}}
	for _, c := range []struct {
		name string
		e    Entry
		x    Extras
		o    Options
		want string
	}{
		{"not asked for", Entry{}, og, Options{}, ""},
		{"asked for", Entry{}, og, Options{PageImage: true}, "og"},
		{"entry has one", Entry{Media: own}, og, Options{PageImage: true}, "1.png"},
		{"entry has one in the text", Entry{Content: "x <img src='https://a.example/2.png'>"}, og, Options{PageImage: true}, "2.png"},
		{"beside sound", Entry{Media: sound}, og, Options{PageImage: true}, "1.mp3 og"},
		{"card", Entry{}, og, Options{PageImage: true, Pictures: PicturesCard}, ""},
		{"no pictures", Entry{Media: sound}, og, Options{PageImage: true, Pictures: PicturesNone}, "1.mp3"},
		{"unfit", Entry{}, Extras{Image: og.Image, Pictures: map[string]Picture{"https://a.example/og": {Unfit: true}}}, Options{PageImage: true}, ""},
		{"a film", Entry{}, Extras{Image: &Media{URL: "https://a.example/v.mp4"}}, Options{PageImage: true}, ""},
	} {
		p := Render(c.e, c.x, c.o)
		checkPost(t, p)
		var got []string
		for _, m := range p.Attachments {
			got = append(got, strings.TrimPrefix(m.URL, "https://a.example/"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestLearntPictures(t *testing.T) {
	e := Entry{Title: "T", Media: []Media{{URL: "https://a.example/1.jpg", Type: "image/jpeg", Width: 10, Height: 10, Blurhash: "000000"}, {URL: "https://a.example/2.jpg"}},
		Content: `x <img src="https://a.example/3.jpg" alt="gone"> <img src="https://a.example/4.jpg" alt="dot"> <img src="https://a.example/5-100x100.jpg" alt="small"><img src="https://a.example/5.jpg">`}
	x := Extras{Pictures: map[string]Picture{
		"https://a.example/1.jpg":         {Type: "image/webp", Width: 800, Height: 600, Blurhash: goodHash},
		"https://a.example/2.jpg":         {Type: "image/svg+xml"},
		"https://a.example/3.jpg":         {Unfit: true},
		"https://a.example/4.jpg":         {Type: "image/gif", Width: 1, Height: 1},
		"https://a.example/5-100x100.jpg": {Type: "image/png", Width: 100, Height: 100},
		"https://a.example/5.jpg":         {Unfit: true},
	}}
	p := Render(e, x, Options{Mode: ModeFull})
	checkPost(t, p)
	want := []Media{{URL: "https://a.example/1.jpg", Type: "image/webp", Width: 800, Height: 600, Blurhash: goodHash},
		{URL: "https://a.example/5-100x100.jpg", Type: "image/png", Width: 100, Height: 100, Alt: "small"}}
	if !slices.Equal(p.Attachments, want) {
		t.Errorf("got %+v", p.Attachments)
	}
	if !strings.Contains(p.HTML, "[gone]") {
		t.Errorf("the description of what is not attached is missing in %s", p.HTML)
	}
}

func TestFocus(t *testing.T) {
	for attrs, want := range map[string]string{
		"": "-", `style="object-position: 25% 10%"`: "-0.5 0.8", `style="color:red; Object-Position:top left !important"`: "-1 1", `style="object-position:50% 50%"`: "-",
		`style="object-position: right"`: "1 0", `style="object-position:bottom"`: "0 -1", `style="object-position:10px 20px"`: "-", `style="object-position:150% 0%"`: "-",
		`style="object-position:top bottom"`: "-", `style="object-position:1% 2% 3%"`: "-", `style="object-position:NaN% 2%"`: "-",
		`data-focus-x="0.4" data-focus-y="-0.25"`: "0.4 -0.25", `data-focus-x="2" data-focus-y="0"`: "-", `data-focus-x="0.4"`: "-", `data-focus-x="NaN" data-focus-y="0"`: "-",
		`data-focus-x="0" data-focus-y="0" style="object-position:0 0"`: "0 0",
	} {
		p := Render(Entry{Content: `x<img src="https://a.example/1.png" ` + attrs + ">"}, Extras{}, Options{})
		checkPost(t, p)
		got := "-"
		if f := p.Attachments[0].Focus; f != nil {
			got = fmt.Sprintf("%g %g", f.X, f.Y)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", attrs, got, want)
		}
	}
	p := Render(Entry{Media: []Media{{URL: "https://a.example/1.png", Focus: &Focus{X: math.NaN()}}}}, Extras{}, Options{})
	if p.Attachments[0].Focus != nil {
		t.Errorf("focus %v", p.Attachments[0].Focus)
	}
}

func TestBlurhash(t *testing.T) {
	for in, want := range map[string]string{goodHash: goodHash, "000000": "000000", "": "", "LEHV6nWB2yk8pyo0adR*.7kCMdn": "", "00000\"": "", "é0000": "", strings.Repeat("0", 200): ""} {
		if got := blurhash(in); got != want {
			t.Errorf("blurhash(%q) = %q", in, got)
		}
	}
	p := Render(Entry{Content: `x<img src="https://a.example/1.png" data-blurhash="` + goodHash + `">`}, Extras{}, Options{})
	if p.Attachments[0].Blurhash != goodHash {
		t.Errorf("got %+v", p.Attachments)
	}
}
