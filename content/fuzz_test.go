package content

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

// seeds returns the texts of the golden files.
func seeds(f *testing.F) []string {
	f.Helper()
	files, err := filepath.Glob("testdata/posts/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range txtar.Parse(data).Files {
			if !strings.HasPrefix(s.Name, "want-") {
				out = append(out, string(s.Data))
			}
		}
	}
	return out
}

func FuzzRender(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add("Title", s, s, "tag, other", "https://example.com/a")
		f.Add(s, "", s, s, s)
	}
	f.Fuzz(func(t *testing.T, title, summary, text, category, address string) {
		e := Entry{URL: address, Title: title, Summary: summary, Content: text, Language: category,
			Categories: []string{category, title}, Media: []Media{{URL: address, Type: category, Alt: text}}}
		for _, o := range []Options{
			{Mode: ModeSummary, TagBase: "https://fedi.example.com/tags/"},
			{Mode: ModeFull, Pictures: PicturesNone, TagBase: "https://fedi.example.com/tags/"},
			{Mode: ModeLink, Pictures: PicturesCard},
			{Mode: ModeFull, Format: FormatArticle, Warning: summary, Length: len(text) / 2, MaxPictures: len(title), TagBase: "https://fedi.example.com/tags/"},
		} {
			post := Render(e, Extras{}, o)
			checkPost(t, post)
			Advise(e, Extras{}, o, post)
		}
		once, cut := cleaned(text)
		checkHTML(t, once)
		if twice, _ := cleaned(once); !cut && twice != once {
			t.Errorf("cleaning is not idempotent:\nsource %q\nonce   %q\ntwice  %q", text, once, twice)
		}
	})
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) { checkHTML(t, Markdown(src)) })
}

func FuzzPlainText(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := PlainText(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00") || strings.Contains(got, "  ") {
			t.Errorf("PlainText(%q) = %q", s, got)
		}
	})
}

func FuzzHashtag(f *testing.F) {
	for _, s := range []string{"static-site", "日本語", "برنامه\u200cنویسی", "C++", "it's", "e\u0301te\u0301", "ß", "ǆ", "1 2", "٣ ٤", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, category string) {
		name := hashtag(category)
		if name == "" {
			return
		}
		if err := validTag(name); err != nil {
			t.Errorf("hashtag(%q) = %q: %v", category, name, err)
		}
		if utf8.RuneCountInString(name) > maxTagLength {
			t.Errorf("hashtag(%q) is too long", category)
		}
		if again := hashtag(name); again != name {
			t.Errorf("hashtag(%q) = %q, of which the hashtag is %q", category, name, again)
		}
		tags := ownTags(Entry{Categories: []string{category}}, Options{TagBase: "https://fedi.example.com/tags/"})
		checkHTML(t, written(tags.end(nil), maxHTML))
	})
}

// FuzzCut checks that an excerpt is the beginning of the text and never longer than asked.
func FuzzCut(f *testing.F) {
	f.Add("One. Two! Three? “Four.” 五。六", 5, 2)
	f.Add("👩‍👩‍👧‍👦 เก่า เ กา", 3, 0)
	f.Fuzz(func(t *testing.T, s string, limit, least int) {
		if limit < 0 || limit > 10_000 {
			return
		}
		rs := []rune(tidy(s))
		at, how := cutPoint(rs, limit, least)
		if at < 0 || at > limit || at > len(rs) || (at == 0) != (how == nowhere) {
			t.Fatalf("cutPoint(%q, %d, %d) = %d, %d", s, limit, least, at, how)
		}
		if at > 0 && at < len(rs) && how != afterPeriod && !breakable(rs[at-1], rs[at]) {
			t.Errorf("cutPoint(%q, %d, %d) cuts between %q and %q", s, limit, least, rs[at-1], rs[at])
		}
	})
}
