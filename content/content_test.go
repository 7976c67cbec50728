package content

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// checkHTML fails the test unless s is what this package promises to write, and what a browser reads as
// it was written.
func checkHTML(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("not UTF-8: %q", s)
	}
	if len(s) > maxHTML {
		t.Errorf("%d bytes", len(s))
	}
	var seen, open []string
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			break
		}
		tok := z.Token()
		switch tt {
		case html.StartTagToken:
			checkTag(t, tok)
			seen = append(seen, "<"+tok.Data)
			if tok.Data != "br" {
				open = append(open, tok.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				t.Fatalf("</%s> ends %v in %q", tok.Data, open, s)
			}
			open = open[:len(open)-1]
		case html.TextToken:
		default:
			t.Errorf("%v in %q", tok, s)
		}
	}
	if len(open) > 0 {
		t.Errorf("not closed: %v in %q", open, s)
	}
	if parsed := parsedTags(t, s); !slices.Equal(parsed, seen) {
		t.Errorf("a browser reads %v\nwritten were  %v\nin %q", parsed, seen, s)
	}
}

func checkTag(t *testing.T, tok html.Token) {
	t.Helper()
	if !slices.Contains(strings.Fields("p br a em strong del code pre blockquote ul ol li ruby rt rp span"), tok.Data) {
		t.Errorf("element %v", tok)
	}
	ours := false
	for _, a := range tok.Attr {
		ours = ours || a.Key == "class" && a.Val == "mention hashtag"
	}
	for _, a := range tok.Attr {
		switch {
		case tok.Data == "a" && a.Key == "href" && webURL(a.Val) != "":
		case tok.Data == "a" && a.Key == "rel" && a.Val == "tag" && ours:
		case tok.Data == "a" && a.Key == "class" && ours:
		case tok.Data == "ol" && a.Key == "start":
		default:
			t.Errorf("attribute %s=%q of %s", a.Key, a.Val, tok.Data)
		}
	}
}

// parsedTags returns the start tags in the order in which the HTML algorithm builds the tree.
func parsedTags(t *testing.T, s string) []string {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	var tags []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			tags = append(tags, "<"+n.Data)
		}
		for k := range n.ChildNodes() {
			walk(k)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	return tags
}

// cleaned returns the HTML of a text that is shown in full without pictures.
func cleaned(src string) (string, bool) {
	bs, cut := clean(src, cleaning{limit: fullLimit})
	html, more := fit(bs, maxHTML)
	return html, cut || more
}

func checkPost(t *testing.T, p Post) {
	t.Helper()
	checkHTML(t, p.HTML)
	checkHTML(t, p.Summary)
	checkAttachments(t, p.Attachments)
	checkTags(t, p)
	if p.Format != FormatNote && p.Format != FormatArticle {
		t.Errorf("format %q", p.Format)
	}
	if (p.Format == FormatArticle) != (p.Title != "") || p.Format == FormatNote && p.Summary != "" || p.Format == FormatArticle && p.Warning != "" {
		t.Errorf("%s with title %q, summary %q, warning %q", p.Format, p.Title, p.Summary, p.Warning)
	}
	for _, s := range []string{p.Title, p.Warning} {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 500 || strings.ContainsAny(s, "\n\r") {
			t.Errorf("not one line: %q", s)
		}
	}
	if p.Sensitive && len(p.Attachments) == 0 && p.Warning == "" {
		t.Error("sensitive without anything to hide")
	}
}

func checkAttachments(t *testing.T, media []Media) {
	t.Helper()
	if len(media) > maxMedia {
		t.Errorf("%d attachments", len(media))
	}
	seen := map[string]bool{}
	for _, m := range media {
		if webURL(m.URL) != m.URL || seen[m.URL] || known(m.Type) == "" || !utf8.ValidString(m.Alt) || m.Blurhash != blurhash(m.Blurhash) {
			t.Errorf("attachment %+v", m)
		}
		if f := m.Focus; f != nil && !(f.X >= -1 && f.X <= 1 && f.Y >= -1 && f.Y <= 1) {
			t.Errorf("focus %+v", f)
		}
		seen[m.URL] = true
	}
}

// checkTags checks the hashtags: few, valid, once each, and every link that looks like one is one of them.
func checkTags(t *testing.T, p Post) {
	t.Helper()
	if len(p.Tags) > maxTags {
		t.Errorf("%d tags", len(p.Tags))
	}
	hrefs := map[string]string{}
	for _, tag := range p.Tags {
		if err := validTag(tag.Name); err != nil {
			t.Errorf("tag %q: %v", tag.Name, err)
		}
		if _, twice := hrefs[fold(tag.Name)]; twice {
			t.Errorf("tag %q twice", tag.Name)
		}
		hrefs[fold(tag.Name)] = tag.Href
	}
	for _, l := range append(hashtagLinks(p.HTML), hashtagLinks(p.Summary)...) {
		name, ok := strings.CutPrefix(l.text, "#")
		href, known := hrefs[fold(name)]
		if !ok || !known || href != l.href {
			t.Errorf("link %+v is none of the tags %v", l, p.Tags)
		}
	}
}

type hashtagLink struct{ href, text string }

// hashtagLinks returns the links with the class of hashtags.
func hashtagLinks(s string) []hashtagLink {
	var out []hashtagLink
	inside := false
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken:
			tok := z.Token()
			if i := slices.IndexFunc(tok.Attr, func(a html.Attribute) bool { return a.Key == "class" }); i >= 0 {
				inside = true
				out = append(out, hashtagLink{href: tok.Attr[0].Val})
			}
		case html.EndTagToken:
			inside = inside && z.Token().Data != "a"
		case html.TextToken:
			if inside {
				out[len(out)-1].text += z.Token().Data
			}
		}
	}
}

// validTag applies Mastodon's rule for hashtags (tag.rb, 4.7).
func validTag(name string) error {
	letter := false
	for _, r := range name {
		if !tagRune(r) && !tagJoiner(r) {
			return fmt.Errorf("character %q", r)
		}
		letter = letter || !digits(string(r)) && r != '_'
	}
	if !letter {
		return fmt.Errorf("no letter")
	}
	return nil
}
