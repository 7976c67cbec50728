package content

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	para  kind = iota // a paragraph
	pre               // preformatted text, line breaks and all
	quote             // a quotation, of blocks
	list              // a list, of items
	item              // an item of a list, of blocks
)

// block is one block of a post. Paragraphs and pre have runs, the others have kids.
type block struct {
	kind    kind
	heading bool // was a heading: does not stand at the end of an excerpt
	rule    bool // was a horizontal rule: does not stand at an end
	ordered bool
	shown   bool // something visible was written; never asked of the text, which may be 1 MB of spaces
	start   int  // number of the first item of an ordered list
	runs    []run
	kids    []*block
}

// run is a piece of text under the same inline elements. A line feed in a paragraph is a <br>.
type run struct {
	text  []byte
	marks []*mark // outermost first
}

// mark is one inline element. Its address is its identity: two neighbouring <em> stay two.
type mark struct {
	tag     string // empty: only sets its text apart while it is being read
	href    string
	hashtag string // its name, where the text is # and that name; a link once it has href
	mention string // what is shown of a handle, after an @
}

// text returns what a reader sees of a paragraph.
func (b *block) text() string {
	var sb strings.Builder
	for _, r := range b.runs {
		sb.Write(r.text)
	}
	return sb.String()
}

// length returns the characters of a paragraph.
func (b *block) length() int {
	n := 0
	for _, r := range b.runs {
		n += utf8.RuneCount(r.text)
	}
	return n
}

// leaves yields the paragraphs and pre of the blocks, in order.
func leaves(bs []*block, yield func(*block) bool) bool {
	for _, b := range bs {
		if b.kind <= pre {
			if !yield(b) {
				return false
			}
			continue
		}
		if !leaves(b.kids, yield) {
			return false
		}
	}
	return true
}

// prune removes what is empty, and puts a list that some editors give an item of its own into the item
// before, where it belongs.
func prune(bs []*block) []*block {
	out := bs[:0]
	for _, b := range bs {
		if b.kind <= pre {
			if len(b.runs) > 0 {
				out = append(out, b)
			}
			continue
		}
		b.kids = prune(b.kids)
		if n := len(out); b.kind == item && n > 0 && len(b.kids) > 0 && b.kids[0].kind == list {
			out[n-1].kids = append(out[n-1].kids, b.kids...)
			continue
		}
		if len(b.kids) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// writer writes blocks as HTML and stops soon after max bytes, so that a feed cannot make it write
// without end (an unclosed link of 4 kB is repeated in every item of a list).
type writer struct {
	strings.Builder
	max int
}

func (w *writer) full() bool { return w.Len() > w.max }

func (w *writer) blocks(bs []*block) {
	for _, b := range bs {
		if w.full() {
			return
		}
		w.block(b)
	}
}

func (w *writer) block(b *block) {
	switch b.kind {
	case para:
		w.WriteString("<p>")
		w.inline(b.runs)
		w.WriteString("</p>")
	case pre:
		w.WriteString("<pre><code>")
		for _, r := range b.runs {
			escape(&w.Builder, string(r.text))
		}
		w.WriteString("</code></pre>")
	case quote:
		w.WriteString("<blockquote>")
		w.blocks(b.kids)
		w.WriteString("</blockquote>")
	case list:
		w.list(b)
	case item:
		w.item(b)
	}
}

func (w *writer) list(b *block) {
	tag := "ul"
	if b.ordered {
		tag = "ol"
	}
	w.WriteString("<" + tag)
	if b.ordered && b.start != 1 {
		w.WriteString(` start="` + strconv.Itoa(b.start) + `"`)
	}
	w.WriteString(">")
	w.blocks(b.kids)
	w.WriteString("</" + tag + ">")
}

// item leaves out the <p> of an item that has one paragraph only, as people write lists.
func (w *writer) item(b *block) {
	w.WriteString("<li>")
	kids := b.kids
	paras := 0
	for _, k := range kids {
		if k.kind == para {
			paras++
		}
	}
	if paras == 1 && kids[0].kind == para {
		w.inline(kids[0].runs)
		kids = kids[1:]
	}
	w.blocks(kids)
	w.WriteString("</li>")
}

func (w *writer) inline(runs []run) {
	var open []*mark
	for _, r := range runs {
		if n := len(r.marks); n > 0 && r.marks[n-1].hashtag != "" && string(r.text) != "#"+r.marks[n-1].hashtag {
			r.marks = r.marks[:n-1] // it was cut
		}
		same := 0
		for same < len(open) && same < len(r.marks) && open[same] == r.marks[same] {
			same++
		}
		w.closeMarks(open[same:])
		for _, m := range r.marks[same:] {
			w.openMark(m)
		}
		open = r.marks
		w.text(r)
		if w.full() {
			break
		}
	}
	w.closeMarks(open)
}

// text writes the text of a run; that of a hashtag or a mention as Mastodon does.
func (w *writer) text(r run) {
	if n := len(r.marks); n > 0 && r.marks[n-1].mention != "" {
		w.WriteString("@<span>")
		escape(&w.Builder, r.marks[n-1].mention)
		w.WriteString("</span>")
		return
	}
	if n := len(r.marks); n > 0 && r.marks[n-1].hashtag != "" && r.marks[n-1].tag != "" {
		w.WriteString("#<span>")
		escape(&w.Builder, string(r.text[len("#"):]))
		w.WriteString("</span>")
		return
	}
	escapeLines(&w.Builder, string(r.text))
}

func (w *writer) openMark(m *mark) {
	switch {
	case m.tag == "":
	case m.hashtag != "":
		w.WriteString(`<a href="`)
		escapeAttr(&w.Builder, m.href)
		w.WriteString(`" class="mention hashtag" rel="tag">`)
	case m.mention != "":
		w.WriteString(`<span class="h-card"><a href="`)
		escapeAttr(&w.Builder, m.href)
		w.WriteString(`" class="u-url mention">`)
	case m.href != "":
		w.WriteString(`<a href="`)
		escapeAttr(&w.Builder, m.href)
		w.WriteString(`">`)
	default:
		w.WriteString("<" + m.tag + ">")
	}
}

func (w *writer) closeMarks(marks []*mark) {
	for _, m := range slices.Backward(marks) {
		if m.tag != "" {
			w.WriteString("</" + m.tag + ">")
		}
		if m.mention != "" {
			w.WriteString("</span>")
		}
	}
}

// escape writes text so that it is safe between tags. A quotation mark stays as it is, as in what
// Mastodon's sanitiser writes.
func escape(sb *strings.Builder, s string) { escapeAny(sb, s, "&<>") }

// escapeAttr writes text so that it is safe in a quoted attribute.
func escapeAttr(sb *strings.Builder, s string) { escapeAny(sb, s, `&<>"`) }

func escapeAny(sb *strings.Builder, s, special string) {
	for s != "" {
		i := strings.IndexAny(s, special)
		if i < 0 {
			sb.WriteString(s)
			return
		}
		sb.WriteString(s[:i])
		switch s[i] {
		case '&':
			sb.WriteString("&amp;")
		case '<':
			sb.WriteString("&lt;")
		case '>':
			sb.WriteString("&gt;")
		case '"':
			sb.WriteString("&quot;")
		}
		s = s[i+1:]
	}
}

func escapeLines(sb *strings.Builder, s string) {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			sb.WriteString("<br>")
		}
		escape(sb, line)
	}
}
