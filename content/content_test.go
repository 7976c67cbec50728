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
	if len(p.Attachments) > maxMedia {
		t.Errorf("%d attachments", len(p.Attachments))
	}
	seen := map[string]bool{}
	for _, m := range p.Attachments {
		if webURL(m.URL) != m.URL || seen[m.URL] || known(m.Type) == "" || !utf8.ValidString(m.Alt) {
			t.Errorf("attachment %+v", m)
		}
		seen[m.URL] = true
	}
	if len(p.Tags) > maxTags {
		t.Errorf("%d tags", len(p.Tags))
	}
	for _, tag := range p.Tags {
		if err := validTag(tag.Name); err != nil {
			t.Errorf("tag %q: %v", tag.Name, err)
		}
	}
}

// validTag applies Mastodon's rule for hashtags (tag.rb, 4.7).
func validTag(name string) error {
	letter := false
	for _, r := range name {
		if !tagRune(r) {
			return fmt.Errorf("character %q", r)
		}
		letter = letter || !digits(string(r)) && r != '_'
	}
	if !letter {
		return fmt.Errorf("no letter")
	}
	return nil
}
