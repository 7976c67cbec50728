package content

import (
	"strings"
	"testing"
)

func TestCutPoint(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		limit, least int
		want         string
		how          cutting
	}{
		{"sentence", "One two. Three four five.", 12, 5, "One two.", afterPeriod},
		{"sentence too early", "One. Two three four", 14, 8, "One. Two three", afterWord},
		{"word", "alpha beta gamma", 12, 5, "alpha beta", afterWord},
		{"word that ends at the limit", "alpha beta gamma", 10, 5, "alpha beta", afterWord},
		{"in no word", "abcdefghij", 4, 2, "abcd", inWord},
		{"quotes belong to the sentence", "He said “no.” Then left", 18, 4, "He said “no.”", afterPeriod},
		{"several stops", "Really?! Yes indeed, so", 14, 4, "Really?!", afterPeriod},
		{"abbreviation", "See Dr. Smith and Mr. Jones go", 22, 4, "See Dr. Smith and Mr.", afterWord},
		{"initial", "by J. R. Ewing and others", 12, 4, "by J. R.", afterWord},
		{"ordinal", "am 3. Mai und danach", 12, 3, "am 3. Mai", afterWord},
		{"e.g.", "fruit, e.g. Apples and pears", 20, 4, "fruit, e.g. Apples", afterWord},
		{"small letter goes on", "at approx. five or so. Then", 24, 4, "at approx. five or so.", afterPeriod},
		{"file name", "open main.go and go on with it", 20, 4, "open main.go and go", afterWord},
		{"chinese", "今天下雨。明天晴天吗", 8, 3, "今天下雨。", afterPeriod},
		{"chinese without stop", "今天下雨明天晴天", 5, 3, "今天下雨明", afterWord},
		{"japanese closing bracket", "これは「本」です", 5, 3, "これは", afterWord},
		{"japanese small kana", "きょうはい", 1, 0, "き", inWord},
		{"japanese stop before bracket", "彼は「行く。」と言った", 8, 3, "彼は「行く。」", afterPeriod},
		{"korean", "오늘은 비가 옵니다 그리고", 10, 3, "오늘은 비가 옵니다", afterWord},
		{"thai at a space", "สวัสดี ครับผมชื่อ", 8, 3, "สวัสดี", afterWord},
		{"thai syllable", "เด็กเดินเล่น", 5, 1, "เด็ก", afterWord},
		{"hindi", "यह है। वह नहीं", 9, 3, "यह है।", afterPeriod},
		{"hindi conjunct", "क्षत्रिय", 2, 0, "", nowhere},
		{"arabic question", "كيف حالك؟ أنا بخير", 12, 3, "كيف حالك؟", afterPeriod},
		{"family", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 10, 1, "👩‍👩‍👧‍👦", inWord},
		{"flags", "🇩🇪🇫🇷", 3, 1, "", nowhere},
		{"skin tone", "👍🏽👍🏽", 3, 1, "👍🏽", inWord},
		{"combining mark", "e\u0301e\u0301", 3, 1, "e\u0301", inWord},
		{"nothing", "", 5, 1, "", nowhere},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs := []rune(c.text)
			at, how := cutPoint(rs, c.limit, c.least)
			if got := string(rs[:at]); got != c.want || how != c.how {
				t.Errorf("got %q, %d; want %q, %d", got, how, c.want, c.how)
			}
		})
	}
}

func TestExcerpt(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"marks are closed", "<p><em>alpha <a href='https://a.example/'>beta gamma delta</a></em></p>", `<p><em>alpha <a href="https://a.example/">beta gamma</a></em>…</p>`},
		{"whole sentence", "<p>Alpha beta gamma. Delta epsilon.</p>", "<p>Alpha beta gamma.\u00a0…</p>"},
		{"whole paragraph", "<p>Alpha beta gamma</p><p>deltaepsilonzetaetatheta</p>", "<p>Alpha beta gamma\u00a0…</p>"},
		{"no heading at the end", "<p>Alpha beta gamma</p><h2>Title</h2><p>x y z</p>", "<p>Alpha beta gamma\u00a0…</p>"},
		{"comma goes", "<p>Alpha, beta, gamma, delta, eps</p>", "<p>Alpha, beta, gamma…</p>"},
		{"item", "<ul><li>one</li><li>two</li><li>three and four and five and six</li></ul>", "<ul><li>one</li><li>two</li><li>three and four…</li></ul>"},
		{"its own ellipsis", "<p>Alpha beta gamma… Delta epsilon</p>", "<p>Alpha beta gamma…</p>"},
		{"lines of code", "<pre>first line\nsecond line\nthird</pre>", "<pre><code>first line\n…</code></pre>"},
		{"chinese", "<p>今天下雨明天晴天后天大后天今天下雨明天晴天后天大后天</p>", "<p>今天下雨明天晴天后天大后天今天下雨明天晴…</p>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bs, _ := clean(c.src, cleaning{limit: 1000})
			got := written(excerpt(bs, 20, 10), 1000)
			checkHTML(t, got)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestExcerptLength checks that an excerpt of ordinary text comes near the 500 characters.
func TestExcerptLength(t *testing.T) {
	for _, sentence := range []string{"Short one. ", "A sentence of middling length, as people write. ", strings.Repeat("long ", 30) + "end. ", "全部で十二文字の文です。", "wordswithoutend"} {
		p := Render(Entry{Title: "T", Content: strings.Repeat(sentence, 1+3000/len(sentence))}, Extras{}, Options{})
		n := len([]rune(PlainText(p.HTML))) - len("T ")
		if n < 280 || n > 505 {
			t.Errorf("%q: %d characters", sentence, n)
		}
		if !strings.HasSuffix(p.HTML, "…</p>") {
			t.Errorf("%q: no ellipsis at the end of %q", sentence, p.HTML)
		}
	}
}

func TestShortTextsStayWhole(t *testing.T) {
	text := strings.Repeat("x", wholeLength)
	if p := Render(Entry{Content: text}, Extras{}, Options{}); p.HTML != "<p>"+text+"</p>" {
		t.Errorf("got %q", p.HTML)
	}
	if p := Render(Entry{Content: text + "y"}, Extras{}, Options{}); !strings.HasSuffix(p.HTML, "…</p>") {
		t.Errorf("got %q", p.HTML)
	}
}

func TestFullTextIsCutCleanly(t *testing.T) {
	for name, src := range map[string]string{
		"paragraphs": strings.Repeat("<p>Some words that make a paragraph.</p>", 10_000),
		"one list":   "<ul>" + strings.Repeat("<li>item <em>with</em> words</li>", 10_000) + "</ul>",
		"one block":  "<p>" + strings.Repeat("word ", 60_000) + "</p>",
		"escapes":    "<p>" + strings.Repeat("&lt; ", 60_000) + "</p>",
	} {
		p := Render(Entry{URL: "https://a.example/", Title: "T", Content: src, Categories: []string{"tag"}}, Extras{}, Options{Mode: ModeFull, TagBase: "https://f.example/tags/"})
		checkPost(t, p)
		if len(p.HTML) < maxHTML/2 || !strings.Contains(p.HTML, "…") {
			t.Errorf("%s: %d bytes, cut: %v", name, len(p.HTML), strings.Contains(p.HTML, "…"))
		}
		if want := `<p><a href="https://a.example/">a.example/</a></p><p><a href="https://f.example/tags/tag" class="mention hashtag" rel="tag">#<span>tag</span></a></p>`; !strings.HasSuffix(p.HTML, want) {
			t.Errorf("%s ends in %q", name, p.HTML[len(p.HTML)-200:])
		}
	}
}
