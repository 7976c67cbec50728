package content

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// soup returns HTML of random tags and words. Fuzzing bytes seldom makes two tags that matter to each other.
func soup(r *rand.Rand, n int) string {
	tags := strings.Fields(`p p p div b strong i em a a a code pre pre ul ol li li li blockquote h2 h3 table tr td th dl dt dd sup sub
		ruby ruby rt rt rp br br hr img iframe video figure figcaption q del span details summary nav script style svg math input section caption`)
	attrs := []string{"", "", "", ` href="https://a.example/x"`, ` href="#fn1"`, ` href="/rel"`, ` class="mention"`, ` src="https://a.example/i.png" alt="alt text"`,
		` src="https://www.youtube.com/embed/abc"`, ` start="3"`, ` hidden`, ` type="checkbox" checked`, ` class="emoji" alt="🙂"`, ` style="display:none"`}
	words := []string{"word", " ", "\n", "two words", " lead", "trail ", "1", "#", "↩", "+", "* ", "https://b.example/?q=1&amp;r", "&lt;b&gt;", "&nbsp;", "日本。", "a\u0301", ".", " | ", "* * *", "\u200b"}
	var sb strings.Builder
	var opened []string
	for range n {
		switch r.IntN(6) {
		case 0, 1:
			opened = append(opened, tags[r.IntN(len(tags))])
			sb.WriteString("<" + opened[len(opened)-1] + attrs[r.IntN(len(attrs))] + ">")
		case 2:
			sb.WriteString("</" + tags[r.IntN(len(tags))] + ">")
		case 3:
			if len(opened) > 0 {
				sb.WriteString("</" + opened[r.IntN(len(opened))] + ">")
			}
		default:
			sb.WriteString(words[r.IntN(len(words))])
		}
	}
	return sb.String()
}

func TestTagSoup(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		src := soup(r, 2+r.IntN(40))
		once, _ := cleaned(src)
		checkHTML(t, once)
		if twice, _ := cleaned(once); twice != once {
			t.Errorf("cleaning is not idempotent:\nsource %q\nonce   %q\ntwice  %q", src, once, twice)
		}
		e := Entry{URL: "https://a.example/x", Title: "T", Content: strings.Repeat(src, 1+r.IntN(10))}
		checkPost(t, Render(e, Extras{}, Options{}))
		checkPost(t, Render(e, Extras{}, Options{Mode: ModeFull}))
		if t.Failed() {
			t.Fatalf("source: %q", src)
		}
	}
}
