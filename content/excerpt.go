package content

import (
	"strings"
	"unicode"
)

const (
	excerptLength = 500 // characters of an excerpt, about
	wholeLength   = 600 // a text up to here is shown whole: to cut off its last sentence helps nobody
	teaserLength  = 140 // of what stands for a missing title
	excerptLeaves = 12  // paragraphs and items of an excerpt
)

// cutter copies blocks until so many characters are reached.
type cutter struct {
	budget int
	used   int
	leaves int // that may still come
	done   bool
	whole  bool // the last thing taken ends a sentence or a block
}

// length returns the characters of the blocks.
func length(bs []*block) int {
	n := 0
	leaves(bs, func(b *block) bool { n += b.length(); return true })
	return n
}

// excerpt returns the beginning of the blocks, about budget characters of it, with an ellipsis at the
// end. It is for blocks that are longer.
func excerpt(bs []*block, budget, maxLeaves int) []*block {
	c := cutter{budget: budget, leaves: maxLeaves}
	out := prune(c.blocks(bs))
	out = dropTail(out)
	if len(out) == 0 {
		return out
	}
	return ellipsis(out, c.whole)
}

func (c *cutter) blocks(bs []*block) []*block {
	var out []*block
	for _, b := range bs {
		if c.done {
			break
		}
		if b.kind <= pre {
			if cut := c.leaf(b); cut != nil {
				out = append(out, cut)
			}
			continue
		}
		k := *b
		k.kids = c.blocks(b.kids)
		out = append(out, &k)
	}
	return out
}

// leaf returns what is to stay of one paragraph, or nil.
func (c *cutter) leaf(b *block) *block {
	n := b.length()
	if c.leaves > 0 && c.used+n <= c.budget {
		c.used += n
		c.leaves--
		c.whole = true
		return b.clip(n)
	}
	c.done = true
	least := c.budget*3/5 - c.used
	if c.leaves == 0 {
		return nil
	}
	rs := []rune(b.clip(c.budget + 200).text())
	if b.kind == pre {
		return c.lines(b, rs)
	}
	at, how := cutPoint(rs, c.budget-c.used, max(least, 0))
	if how == nowhere || how == inWord && c.used > 0 || how < afterPeriod && least <= 0 {
		return nil
	}
	c.whole = how == afterPeriod
	return b.clip(at)
}

// lines returns the whole lines of a pre that fit.
func (c *cutter) lines(b *block, rs []rune) *block {
	at := min(c.budget-c.used, len(rs))
	for at > 0 && rs[at-1] != '\n' {
		at--
	}
	if at == 0 {
		return nil
	}
	c.whole = true
	return b.clip(at)
}

// dropTail removes headings and rules that have lost what they led to.
func dropTail(bs []*block) []*block {
	for n := len(bs); n > 0; n = len(bs) {
		if last := bs[n-1]; !last.heading && !last.rule {
			break
		}
		if n == 1 {
			break
		}
		bs = bs[:n-1]
	}
	return bs
}

// ellipsis puts … at the end, after a space where a sentence is whole.
func ellipsis(bs []*block, whole bool) []*block {
	var last *block
	leaves(bs, func(b *block) bool { last = b; return true })
	if last == nil {
		return bs
	}
	if last.kind == pre {
		last.trim()
		last.runs = append(last.runs, run{text: []byte("\n…")})
		return bs
	}
	if !whole {
		trimRight(last)
	}
	text := last.text()
	if strings.HasSuffix(text, "…") {
		return bs
	}
	mark := "…"
	if end := []rune(text); whole && len(end) > 0 && !ideographic(end[len(end)-1]) {
		mark = "\u00a0…"
	}
	last.runs = append(last.runs, run{text: []byte(mark)})
	return bs
}

// trimRight takes space and hanging punctuation off the end of a paragraph.
func trimRight(b *block) {
	for len(b.runs) > 0 {
		r := &b.runs[len(b.runs)-1]
		s := strings.TrimRightFunc(string(r.text), func(r rune) bool {
			return unicode.IsSpace(r) || bindsOn(r) || strings.ContainsRune(",;:-–—、，；：،؛|", r)
		})
		if s != "" {
			r.text = []byte(s)
			return
		}
		b.runs = b.runs[:len(b.runs)-1]
	}
}

// fit returns as many blocks as can be written in max bytes; what is too long is cut, with an ellipsis.
func fit(bs []*block, max int) (html string, cut bool) {
	const more = "<p>…</p>" // where not even the beginning of the next block fits
	var sb strings.Builder
	max -= len(more)
	for i, b := range bs {
		s := written([]*block{b}, max)
		if sb.Len()+len(s) <= max {
			sb.WriteString(s)
			continue
		}
		sb.WriteString(begin(bs[i:i+1], max-sb.Len(), more))
		return sb.String(), true
	}
	return sb.String(), false
}

// begin returns as much of the blocks as can be written in max bytes, with an ellipsis, or else more.
func begin(bs []*block, max int, more string) string {
	for n := min(length(bs), max); n > 0; n = n * 2 / 3 {
		if s := written(excerpt(bs, n, n), max); s != "" && len(s) <= max {
			return s
		}
	}
	return more
}

// written writes blocks, and stops soon after max bytes.
func written(bs []*block, max int) string {
	w := writer{max: max}
	w.blocks(bs)
	return w.String()
}
