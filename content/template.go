package content

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/renderer/html"
)

const (
	maxTemplate = 16 << 10 // bytes of a template
	maxFilled   = 64 << 10 // bytes of Markdown that it may give; what is longer, goldmark is not let near
	maxListed   = 30       // authors and categories that a template sees
	maxBriefing = 4_000    // characters of .Summary and of .Text as plain text
)

// Template is the owner's own form of a post. It never changes and may be used by several goroutines at once. The
// zero value is of no use; see NewTemplate.
type Template struct {
	source string
	filled *template.Template
	fields map[string]bool // that the template names
	md     goldmark.Markdown
}

// NewTemplate reads a template of at most 16 kB: text/template (pkg.go.dev/text/template), whose output is Markdown
// in which a line feed is a line break. What comes out is cleaned like everything else; a template cannot get more
// into a post than a feed can.
//
// Fields, each of them plain text unless it says otherwise, and empty where the entry lacks it:
//
//	.Title       the title; empty also where it is only the beginning of the text
//	.URL         address of the entry's page, for use as [text]({{.URL}}), <{{.URL}}> or by itself
//	.Text        excerpt or full text, as the content setting says, with its paragraphs, lists and links, where it
//	             stands alone on a line; within a line its words alone
//	.Summary     the excerpt as one line
//	.Author      the first author
//	.Authors     all authors, a list
//	.Categories  the entry's categories as written, a list
//	.Hashtags    the hashtags that do not stand in the text, linked; empty unless hashtags are shown at the end
//	.Language    of the post, BCP 47
//	.Warning     the content warning
//
// Functions, beside and, or, not, eq, ne, lt, le, gt, ge, len, index and slice:
//
//	join LIST ", "    the list in one line
//	first LIST        the first of a list; first 3 LIST: the first three, a list
//	truncate 80 TEXT  at most so many characters, cut after a word, with an ellipsis
//	lower TEXT        in small letters
//	upper TEXT        in capitals
//
// What a feed says is always text, whatever signs it has in it: Markdown and HTML are the template's alone. Text of a
// template may have hashtags (#Blog), which count like those in the entry's text. {{range}} goes over .Authors,
// .Categories or the first of them, and not inside another {{range}}; {{define}}, {{block}} and {{template}} are not
// to be had. So every template ends soon, whatever the entry.
//
// An error names line and column and what would be right. A template that fails with some entry later on gives way to
// the usual layout, as does one that gives nothing at all.
func NewTemplate(source string) (*Template, error) {
	if err := plainSource(source); err != nil {
		return nil, err
	}
	filled, err := template.New("post").Funcs(functions()).Option("missingkey=error").Parse(source)
	if err != nil {
		return nil, syntaxError(source, err)
	}
	t := &Template{source: source, filled: filled, fields: map[string]bool{}, md: goldmarkWith(html.WithHardWraps())}
	if filled.Tree == nil || filled.Tree.Root == nil {
		return nil, errors.New("the template is empty: leave it out for the usual layout")
	}
	c := checker{source: source, fields: t.fields}
	if err := c.list(filled.Tree.Root, scope{dot: whole}); err != nil {
		return nil, err
	}
	if err := t.try(); err != nil {
		return nil, err
	}
	return t, nil
}

// Source returns what the template was made of.
func (t *Template) Source() string { return t.source }

func (t *Template) uses(field string) bool { return t.fields[field] }

// try fills the template in for entries of all kinds, so that mistakes are found when it is read.
func (t *Template) try() error {
	full := filling{
		Title: "A title", URL: "https://example.com/2026/a-title/", Text: "Some text.", Summary: "Some text.", Author: "Ann",
		Authors: []words{"Ann", "Bea"}, Categories: []words{"one", "two", "three"}, Hashtags: "#one #two", Language: "en", Warning: "food",
	}
	untitled, alone := full, full
	untitled.Title, untitled.Warning = "", ""
	alone.URL, alone.Text, alone.Summary, alone.Author, alone.Authors, alone.Categories, alone.Hashtags = "", "", "", "", nil, nil, ""
	for _, sample := range []filling{full, untitled, alone, {}} {
		if _, err := t.fill(sample); err != nil {
			return runError(err)
		}
	}
	return nil
}

// fill returns the Markdown for an entry.
func (t *Template) fill(f filling) (string, error) {
	w := limited{left: maxFilled}
	err := t.filled.Execute(&w, f)
	return w.String(), err
}

// limited is a buffer that refuses to grow too large.
type limited struct {
	bytes.Buffer
	left int
}

// Write adds p or, where there is no room for it, fails, which ends the template.
func (w *limited) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, fmt.Errorf("it gives more than %d kB of Markdown", maxFilled>>10)
	}
	return w.Buffer.Write(p)
}

// layout fills the template in and puts text and hashtags in their places. false says that this cannot be done.
func (t *Template) layout(r *renderer, p page) (string, bool) {
	md, err := t.fill(t.filling(r, p))
	if err != nil {
		return "", false
	}
	md = aloneOnLine(md, textSlot)
	bs, _ := clean(convert(t.md, md), cleaning{limit: fullLimit, media: &gallery{pictures: PicturesCard}})
	reveal(bs, r.url)
	findHashtags(bs, false)
	p.tags.collect(bs)
	s := slots{text: p.body, plain: plain(p.body), hashtags: p.tags.end(p.shown)}
	html := written(s.blocks(bs), 2*maxHTML)
	for n := length(p.body); len(html) > maxHTML && t.uses("Text") && n > 0; {
		n = min(n, maxHTML) * 2 / 3
		s.text = excerpt(p.body, n, n)
		html = written(s.blocks(bs), 2*maxHTML)
	}
	if len(html) > maxHTML {
		html, _ = fit(s.blocks(bs), maxHTML)
	}
	return html, html != "" || len(p.post.Attachments) > 0
}

// filling returns what the template may show of an entry.
func (t *Template) filling(r *renderer, p page) filling {
	f := filling{
		Title: words(p.title), URL: address(r.url), Language: words(p.post.Language), Warning: words(p.post.Warning),
		Authors: listed(r.entry.Authors), Categories: listed(r.entry.Categories),
	}
	if len(f.Authors) > 0 {
		f.Author = f.Authors[0]
	}
	if t.uses("Text") {
		f.Text = text(plain(p.body))
	}
	if t.uses("Summary") {
		f.Summary = words(plain(r.brief(p.title, p.body)))
	}
	if t.uses("Hashtags") {
		f.Hashtags = tagWordsOf(p.tags.end(p.shown))
	}
	return f
}

func listed(texts []string) []words {
	var out []words
	for _, s := range texts {
		if s = PlainText(s); s != "" && len(out) < maxListed {
			out = append(out, words(clipText(s, maxTitle)))
		}
	}
	return out
}

func tagWordsOf(bs []*block) hashtagText {
	if len(bs) == 0 {
		return ""
	}
	return hashtagText(bs[0].text())
}

// plain returns the words of blocks in one line.
func plain(bs []*block) string {
	var sb strings.Builder
	leaves(bs, func(b *block) bool {
		if sb.Len() > 0 {
			sb.WriteByte(' ')
		}
		sb.WriteString(b.text())
		return sb.Len() < 4*maxBriefing
	})
	return clipText(oneLine(sb.String()), maxBriefing)
}

// aloneOnLine gives a line that is nothing but a slot empty lines around it, which Markdown needs for a paragraph.
func aloneOnLine(md, slot string) string {
	if !strings.Contains(md, slot) {
		return md
	}
	lines := strings.Split(md, "\n")
	for i, line := range slices.Backward(lines) {
		if strings.TrimSpace(line) == slot {
			lines = slices.Replace(lines, i, i+1, "", slot, "")
		}
	}
	return strings.Join(lines, "\n")
}
