package content

import (
	"bytes"
	"slices"
	"strings"
)

// reveal takes the disguise off what the template was filled in with, and puts the entry's address in. An address
// that stands by itself is shown as below the usual layout.
func reveal(bs []*block, url string) {
	seen := map[*mark]bool{}
	leaves(bs, func(b *block) bool {
		for i := range b.runs {
			r := &b.runs[i]
			link := linkOf(*r)
			if link != nil && !seen[link] {
				seen[link] = true
				if rest, ok := strings.CutPrefix(link.href, linkSlot); ok {
					link.href = webURL(url + revealedURL(rest))
				} else {
					link.href = revealedURL(link.href)
				}
			}
			shown := url
			if link != nil && b.kind == para {
				shown = showURL(url)
			}
			r.text = []byte(revealed(strings.ReplaceAll(string(r.text), linkSlot, shown)))
		}
		return true
	})
}

// slots puts text and hashtags where a template wants them.
type slots struct {
	text     []*block
	plain    string   // the text within a line
	hashtags []*block // one paragraph, or none
}

// blocks returns a copy of the blocks with everything in its place.
func (s slots) blocks(bs []*block) []*block {
	var out []*block
	for _, b := range bs {
		switch k := *b; {
		case k.kind == para && s.isText(b):
			out = append(out, s.text...)
		case k.kind <= pre:
			k.runs = s.runs(b)
			out = append(out, &k)
		default:
			k.kids = s.blocks(b.kids)
			out = append(out, &k)
		}
	}
	return prune(out)
}

// isText tells the paragraph in whose place the text comes, blocks and all: one that is nothing else.
func (s slots) isText(b *block) bool {
	return len(b.runs) == 1 && string(bytes.TrimSpace(b.runs[0].text)) == textSlot && linkOf(b.runs[0]) == nil
}

// runs returns the text of one paragraph with everything in its place.
func (s slots) runs(b *block) []run {
	var out []run
	for _, r := range b.runs {
		r.text = []byte(strings.ReplaceAll(string(r.text), textSlot, s.plain))
		before, after, found := bytes.Cut(r.text, []byte(hashtagSlot))
		for ; found; before, after, found = bytes.Cut(after, []byte(hashtagSlot)) {
			out = append(append(out, run{text: before, marks: r.marks}), s.tags(r, b.kind)...)
		}
		out = append(out, run{text: before, marks: r.marks})
	}
	return slices.DeleteFunc(out, func(r run) bool { return len(r.text) == 0 })
}

// tags returns the hashtags for a place in a run; in code and in links they are text.
func (s slots) tags(in run, kind kind) []run {
	if len(s.hashtags) == 0 {
		return nil
	}
	asText := kind == pre || slices.ContainsFunc(in.marks, opaque)
	var out []run
	for _, r := range s.hashtags[0].runs {
		if asText {
			r.marks = nil
		}
		r.marks = slices.Concat(in.marks, r.marks)
		out = append(out, r)
	}
	return out
}
