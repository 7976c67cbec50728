package content

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxQuotes = 3      // quotations inside each other
	maxLists  = 2      // lists inside each other; Misskey and small screens show no more
	maxRuns   = 20_000 // pieces of text of one entry
	maxMarks  = 12     // inline elements inside each other; there are ten kinds
)

// builder puts text into blocks. It is told where blocks, inline elements and lists begin and end, in
// any order, and always holds a tree that can be written.
type builder struct {
	root  block
	stack []*block // open quotes, lists and items, outermost first
	leaf  *block   // paragraph or pre being written; nil between blocks
	marks []*mark  // open inline elements, outermost first; never changed in place, since runs share it
	space bool     // white space was read and is written before the next word
	bars  int      // borders of table cells to be written before the next word
	left  int      // characters that are still wanted
	runs  int
	cut   bool // something was left out
	plain bool // addresses in the text do not become links
}

// text adds text in which white space counts as in HTML.
func (b *builder) text(s string) {
	if b.leaf != nil && b.leaf.kind == pre {
		b.raw(s)
		return
	}
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return !blank(r) })
		if i != 0 {
			b.space = true
		}
		if i < 0 {
			return
		}
		s = s[i:]
		j := strings.IndexFunc(s, blank)
		if j < 0 {
			j = len(s)
		}
		b.word(s[:j])
		s = s[j:]
	}
}

// word adds text without white space, with links where it has addresses.
func (b *builder) word(s string) {
	if b.plain || b.marked("a") || b.marked("code") {
		b.put(s)
		return
	}
	for s != "" {
		i, j := findURL(s)
		if i == j {
			break
		}
		if i > 0 {
			b.put(s[:i])
		}
		m := b.mark("a", webURL(s[i:j]))
		b.put(s[i:j])
		b.unmark(m)
		s = s[j:]
	}
	b.put(s)
}

// put adds text to the paragraph, after the white space and cell borders that are due.
func (b *builder) put(s string) {
	if s == "" {
		return
	}
	if b.left <= 0 || b.runs >= maxRuns {
		b.cut = true
		return
	}
	if b.leaf == nil {
		b.leaf = &block{kind: para}
	}
	begun := b.leaf.shown && !b.leaf.endsInBreak()
	for ; b.bars > 0; b.bars-- {
		if begun {
			b.add(" |", nil)
			b.space = true
		}
	}
	if b.space && begun {
		b.addSpace()
	}
	b.space = false
	b.left -= utf8.RuneCountInString(s)
	b.add(s, b.marks)
}

// addSpace puts the space only under the elements that both words around it are under.
func (b *builder) addSpace() {
	n := len(b.leaf.runs)
	if n == 0 || bytes.HasSuffix(b.leaf.runs[n-1].text, []byte(" ")) { // something after it was taken away
		return
	}
	b.left--
	prev, same := b.leaf.runs[n-1].marks, 0
	for same < len(prev) && same < len(b.marks) && prev[same] == b.marks[same] {
		same++
	}
	b.add(" ", prev[:same:same])
}

func (b *builder) add(s string, marks []*mark) {
	b.leaf.shown = b.leaf.shown || strings.IndexFunc(s, visible) >= 0
	if n := len(b.leaf.runs); n > 0 && slices.Equal(b.leaf.runs[n-1].marks, marks) {
		b.leaf.runs[n-1].text = append(b.leaf.runs[n-1].text, s...)
		return
	}
	b.runs++
	b.leaf.runs = append(b.leaf.runs, run{text: []byte(s), marks: marks})
}

// raw adds text of a pre.
func (b *builder) raw(s string) {
	if b.left <= 0 {
		b.cut = true
		return
	}
	b.left -= utf8.RuneCountInString(s)
	b.add(s, nil)
}

// openPre begins a pre.
func (b *builder) openPre() {
	b.boundary()
	b.leaf = &block{kind: pre}
}

// lineBreak adds a <br>; the second one in a row begins a paragraph.
func (b *builder) lineBreak() {
	switch {
	case b.leaf == nil:
	case b.leaf.kind == pre:
		b.raw("\n")
	case !b.leaf.shown:
	case b.leaf.endsInBreak():
		b.boundary()
	default:
		b.space = false
		b.add("\n", b.marks)
	}
}

// softBreak begins a line in a pre or in the paragraph of a table.
func (b *builder) softBreak() {
	if b.leaf == nil || !b.leaf.shown || b.leaf.endsInBreak() {
		return
	}
	b.space, b.bars = false, 0
	b.add("\n", nil)
}

// boundary ends the paragraph or pre, if one is open.
func (b *builder) boundary() {
	b.space, b.bars = false, 0
	leaf := b.leaf
	if leaf == nil {
		return
	}
	b.leaf = nil
	leaf.trim()
	if !leaf.blank() {
		b.append(leaf)
	}
}

// append adds a block where the text is. A list takes items only: what stands between them belongs to
// the item before.
func (b *builder) append(k *block) {
	top := b.top()
	if top.kind == list && k.kind != item {
		if n := len(top.kids); n > 0 {
			b.stack = append(b.stack, top.kids[n-1])
		} else {
			b.push(&block{kind: item})
		}
		top = b.top()
	}
	top.kids = append(top.kids, k)
}

func (b *builder) top() *block {
	if n := len(b.stack); n > 0 {
		return b.stack[n-1]
	}
	return &b.root
}

func (b *builder) push(k *block) {
	b.append(k)
	b.stack = append(b.stack, k)
}

// openBlock begins a quote or a list; it does nothing when there are too many inside each other.
func (b *builder) openBlock(k *block) {
	b.boundary()
	n := 0
	for _, s := range b.stack {
		if s.kind == k.kind {
			n++
		}
	}
	if k.kind == quote && n >= maxQuotes || k.kind == list && n >= maxLists {
		return
	}
	b.push(k)
}

// openItem begins an item of the list that is open, or of a new one.
func (b *builder) openItem() {
	b.boundary()
	at := len(b.stack) - 1
	for at >= 0 && b.stack[at].kind != list {
		at--
	}
	if at >= 0 {
		b.stack = b.stack[:at+1]
	} else {
		b.push(&block{kind: list})
	}
	b.push(&block{kind: item})
}

// closeTo ends all quotes, lists and items but the outermost depth ones.
func (b *builder) closeTo(depth int) {
	b.boundary()
	if depth < len(b.stack) {
		b.stack = b.stack[:depth]
	}
}

// mark begins an inline element. It returns nil, which unmark takes, where it would change nothing.
func (b *builder) mark(tag, href string) *mark {
	if tag == "a" && href == "" || tag != "" && b.marked(tag) || len(b.marks) >= maxMarks {
		return nil
	}
	m := &mark{tag: tag, href: href}
	b.marks = append(slices.Clip(b.marks), m)
	return m
}

// unmark ends an inline element, whichever others are open.
func (b *builder) unmark(m *mark) {
	if i := slices.Index(b.marks, m); i >= 0 {
		b.marks = slices.Concat(b.marks[:i], b.marks[i+1:])
	}
}

func (b *builder) marked(tag string) bool {
	return slices.ContainsFunc(b.marks, func(m *mark) bool { return m.tag == tag })
}

// rule adds what stands for a horizontal rule.
func (b *builder) rule() {
	b.boundary()
	kids := b.top().kids
	if b.top().kind == list || len(kids) == 0 || kids[len(kids)-1].rule || b.left <= 0 {
		return
	}
	b.append(&block{kind: para, rule: true, runs: []run{{text: []byte("* * *")}}})
}

// position is a place in the text.
type position struct {
	leaf *block
	n    int
}

func (b *builder) position() position {
	if b.leaf == nil {
		return position{}
	}
	return position{b.leaf, len(b.leaf.runs)}
}

// since returns the runs written after p, if they are in one paragraph.
func (b *builder) since(p position) []run {
	if b.leaf == nil || p.leaf != nil && p.leaf != b.leaf || p.n > len(b.leaf.runs) {
		return nil
	}
	return b.leaf.runs[p.n:]
}

// replaceSince puts s in place of the text written after p; an empty s takes it away.
func (b *builder) replaceSince(p position, s string) {
	runs := b.since(p)
	if len(runs) == 0 {
		return
	}
	lead := runs[0].text[:len(runs[0].text)-len(bytes.TrimLeft(runs[0].text, " "))]
	marks := runs[0].marks
	b.leaf.runs = b.leaf.runs[:len(b.leaf.runs)-len(runs)]
	if s == "" {
		b.space = b.space || len(lead) > 0
		return
	}
	b.leaf.runs = append(b.leaf.runs, run{text: append(slices.Clone(lead), s...), marks: marks})
}

// finish ends everything and returns the blocks.
func (b *builder) finish() []*block {
	b.closeTo(0)
	bs := prune(b.root.kids)
	for len(bs) > 0 && bs[len(bs)-1].rule {
		bs = bs[:len(bs)-1]
	}
	for len(bs) > 0 && bs[0].rule {
		bs = bs[1:]
	}
	return bs
}
