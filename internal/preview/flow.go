package preview

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/net/html"
)

// face is how a piece of text looks.
type face uint8

const (
	bold face = 1 << iota
	italic
	soft // less important: addresses, labels
)

// piece is text of one look.
type piece struct {
	text string
	face face
}

// row is one line of the outcome.
type row []piece

// gap is what stands between two atoms.
type gap uint8

const (
	glued   gap = iota // nothing, and no line may end here
	hinge              // nothing, but a line may end here
	spaced             // a space, or the end of a line
	newline            // the end of a line
)

// atom is the smallest part that a line is made of.
type atom struct {
	piece
	before gap
}

// margin is what stands before the lines of a block.
type margin struct{ first, rest string }

// flow lays out the HTML of a post, the few elements that posts have, in lines of at most width columns. Only
// addresses and lines of code may be longer: cut, they would be of no use.
type flow struct {
	width   int
	clean   func(string) string
	rows    []row
	margins []margin
	lists   []int // numbers of the next items; -1: not numbered
	blank   bool  // an empty line is due before the next block
	atoms   []atom
	next    gap // before the next atom
	face    face
	pre     bool
	quiet   bool // inside <rp>
	link    string
	linked  int // where the text of the link begins
}

// layOut returns the lines of a fragment of safe HTML. clean is applied to all of its text.
func layOut(fragment string, width int, clean func(string) string) []row {
	f := &flow{width: width, clean: clean}
	z := html.NewTokenizer(strings.NewReader(fragment))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			f.flush()
			return f.rows
		}
		switch t := z.Token(); kind {
		case html.TextToken:
			f.text(t.Data)
		case html.StartTagToken, html.SelfClosingTagToken:
			f.open(t)
		case html.EndTagToken:
			f.close(t.Data)
		}
	}
}

func (f *flow) open(t html.Token) {
	switch t.Data {
	case "p":
		f.block(nil)
	case "blockquote":
		f.block(&margin{"│ ", "│ "})
	case "pre":
		f.block(&margin{"    ", "    "})
		f.pre = true
	case "ul", "ol":
		f.openList(t)
	case "li":
		f.openItem()
	case "br":
		f.next = newline
	case "strong":
		f.face |= bold
	case "em":
		f.face |= italic
	case "del":
		f.add("~~", glued)
	case "rt":
		f.add("(", glued)
	case "rp":
		f.quiet = true
	case "a":
		f.link, f.linked = "", len(f.atoms)
		if !isHashtag(t) {
			f.link = attr(t, "href")
		}
	}
}

func (f *flow) close(tag string) {
	switch tag {
	case "p":
		f.flush()
		f.blank = true
	case "blockquote", "pre":
		f.flush()
		f.dedent()
		f.pre, f.blank = false, true
	case "ul", "ol":
		f.flush()
		f.lists = f.lists[:max(len(f.lists)-1, 0)]
		f.blank = len(f.lists) == 0
	case "li":
		f.flush()
		f.dedent()
	case "strong":
		f.face &^= bold
	case "em":
		f.face &^= italic
	case "del":
		f.add("~~", glued)
	case "rt":
		f.add(")", glued)
	case "rp":
		f.quiet = false
	case "a":
		f.endLink()
	}
}

// block begins a block, with an empty line between it and the one before.
func (f *flow) block(m *margin) {
	f.flush()
	if f.blank && len(f.rows) > 0 {
		f.rows = append(f.rows, row{{strings.TrimRight(f.margin(), " "), soft}})
	}
	f.blank = false
	if m != nil {
		f.margins = append(f.margins, *m)
	}
}

func (f *flow) dedent() { f.margins = f.margins[:max(len(f.margins)-1, 0)] }

func (f *flow) openList(t html.Token) {
	if len(f.lists) == 0 {
		f.block(nil)
	} else {
		f.flush()
	}
	next := -1
	if t.Data == "ol" {
		next = 1
		if n, err := strconv.Atoi(attr(t, "start")); err == nil {
			next = n
		}
	}
	f.lists = append(f.lists, next)
}

func (f *flow) openItem() {
	f.block(nil)
	mark := "• "
	if n := len(f.lists) - 1; n >= 0 && f.lists[n] >= 0 {
		mark = strconv.Itoa(f.lists[n]) + ". "
		f.lists[n]++
	}
	f.margins = append(f.margins, margin{mark, strings.Repeat(" ", text.StringWidth(mark))})
}

// margin is what stands before the next line.
func (f *flow) margin() string {
	var s strings.Builder
	for i := range f.margins {
		s.WriteString(f.margins[i].first)
		f.margins[i].first = f.margins[i].rest
	}
	return s.String()
}

func (f *flow) text(s string) {
	if f.quiet {
		return
	}
	s = f.clean(s)
	if f.pre {
		f.code(s)
		return
	}
	for word := range strings.FieldsFuncSeq(s, isSpace) {
		i := strings.Index(s, word)
		if i > 0 {
			f.space()
		}
		f.words(word)
		s = s[i+len(word):]
	}
	if s != "" {
		f.space()
	}
}

// isSpace is what HTML takes for a space; one that does not break stays.
func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' }

func (f *flow) space() { f.next = max(f.next, spaced) }

// words adds what stands between two spaces. Chinese and Japanese have none: there a line may end after every
// character, except before those that never begin one.
func (f *flow) words(s string) {
	var part strings.Builder
	before := glued
	for _, r := range s {
		if ideographic(r) && !strings.ContainsRune("、。，．・：；？！」』）】〉》〕］｝…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ", r) && part.Len() > 0 {
			f.add(part.String(), before)
			part.Reset()
			before = hinge
		}
		part.WriteRune(r)
	}
	f.add(part.String(), before)
}

func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60
}

func (f *flow) code(s string) {
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			f.next = newline
			f.atoms = append(f.atoms, atom{before: newline})
			f.next = glued
		}
		f.add(strings.ReplaceAll(l, "\t", "    "), glued)
	}
}

// add appends an atom; what was noted to stand before it wins where it is more.
func (f *flow) add(s string, before gap) {
	f.atoms = append(f.atoms, atom{piece{s, f.face}, max(before, f.next)})
	f.next = glued
}

// endLink shows where the link leads: after its text, or in its place where that is only the address again.
func (f *flow) endLink() {
	href := strings.Join(strings.Fields(f.clean(f.link)), "%20")
	f.link = ""
	if href == "" || f.linked > len(f.atoms) {
		return
	}
	var shown strings.Builder
	for _, a := range f.atoms[f.linked:] {
		shown.WriteString(a.text)
	}
	if got := strings.TrimSuffix(bare(shown.String()), "…"); got != "" && strings.HasPrefix(bare(href), got) && (got == bare(href) || strings.Contains(got, "/")) {
		before := f.atoms[f.linked].before
		f.atoms = append(f.atoms[:f.linked], atom{piece{href, f.face | soft}, before})
		return
	}
	after := f.next
	f.next = spaced
	face := f.face
	f.face = soft
	f.add("<"+href+">", glued)
	f.face, f.next = face, after
}

// flush writes the atoms gathered so far as lines.
func (f *flow) flush() {
	atoms := f.atoms
	f.atoms, f.next = nil, glued
	if f.pre {
		atoms = trimCode(atoms)
	}
	if len(atoms) == 0 {
		return
	}
	w := wrapper{flow: f}
	for len(atoms) > 0 {
		n := 1
		for n < len(atoms) && atoms[n].before == glued {
			n++
		}
		w.put(atoms[:n])
		atoms = atoms[n:]
	}
	w.end()
}

// trimCode takes off empty lines at the end.
func trimCode(atoms []atom) []atom {
	for len(atoms) > 0 && strings.TrimSpace(atoms[len(atoms)-1].text) == "" {
		atoms = atoms[:len(atoms)-1]
	}
	return atoms
}
