package feed

import (
	"bytes"
	"slices"
)

// only returns the document with those of its items alone, by their place, which is in order. What stands around the
// items stays.
func (t *opened) only(items []int) *opened {
	part := *t
	part.seen.items, part.seen.spans = nil, nil
	if t.Kind == "json" {
		part.in.text, part.start = t.onlyJSON(items), 0
		return &part
	}
	for _, i := range items {
		part.seen.items = append(part.seen.items, t.seen.items[i])
	}
	part.seen.cuts = t.cutsFor(items)
	return &part
}

// cutsFor returns what the parser must not see where it is to see those items alone.
func (t *opened) cutsFor(items []int) []span {
	keep := make([]bool, len(t.seen.spans))
	for _, i := range items {
		keep[i] = true
	}
	var out []span
	cuts := t.seen.cuts
	for i, s := range t.seen.spans {
		if keep[i] {
			continue
		}
		for len(cuts) > 0 && cuts[0].start < s.start {
			out, cuts = append(out, cuts[0]), cuts[1:]
		}
		for len(cuts) > 0 && cuts[0].start < s.end {
			cuts = cuts[1:]
		}
		if n := len(out); n > 0 && len(bytes.TrimSpace(t.in.text[out[n-1].end:s.start])) == 0 {
			out[n-1].end = s.end // thousands of items side by side are one cut
			continue
		}
		out = append(out, s)
	}
	return append(out, cuts...)
}

// onlyJSON returns a JSON Feed with those of its items alone.
func (t *opened) onlyJSON(items []int) []byte {
	spans := t.seen.spans
	first, last := spans[0].start, spans[len(spans)-1].end
	out := slices.Clone(t.in.text[t.start:first])
	for n, i := range items {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(out, t.in.text[spans[i].start:spans[i].end]...)
	}
	return append(out, t.in.text[last:]...)
}

// jsonItems returns where the items of a JSON Feed stand; nil where that is not plain to see. It does not check the
// document: what it returns is right if the document is JSON at all, since brackets that are not in a string nest in
// every one.
func jsonItems(doc []byte, start int) (items []span) {
	depth, list := 0, 0 // list: how many brackets are open inside the list of items; 0: we are not in it
	seen := false
	for pos := start; pos < len(doc); pos++ {
		switch doc[pos] {
		case '"':
			from := pos + 1
			pos = stringAt(doc, from)
			if depth != 1 || pos >= len(doc) || !bytes.Equal(doc[from:pos], []byte("items")) {
				continue
			}
			next := skipSpace(doc, pos+1)
			if next >= len(doc) || doc[next] != ':' {
				continue // a value
			}
			if next = skipSpace(doc, next+1); seen || next >= len(doc) || doc[next] != '[' {
				return nil
			}
			seen, list, depth, pos = true, 2, 2, next
		case '{', '[':
			if depth++; list > 0 && depth == list+1 {
				items = append(items, span{start: pos})
			}
		case '}', ']':
			if list > 0 && depth == list+1 {
				items[len(items)-1].end = pos + 1
			}
			if depth--; depth < list {
				list = 0
			}
		}
	}
	if depth != 0 {
		return nil
	}
	return items
}

// stringAt returns where the string that starts there ends.
func stringAt(doc []byte, pos int) int {
	for pos < len(doc) {
		n := bytes.IndexByte(doc[pos:], '"')
		if n < 0 {
			return len(doc)
		}
		escapes := 0
		for i := pos + n - 1; i >= pos && doc[i] == '\\'; i-- {
			escapes++
		}
		if pos += n; escapes%2 == 0 {
			return pos
		}
		pos++
	}
	return pos
}

func skipSpace(doc []byte, pos int) int {
	for pos < len(doc) && (doc[pos] == ' ' || doc[pos] == '\t' || doc[pos] == '\n' || doc[pos] == '\r') {
		pos++
	}
	return pos
}
