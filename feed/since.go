package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"crier/store"
)

// readAnew is for how long a document may be taken for the one before because its items read the same. Then it is read
// as if it were the first: what a setting, or another feed, has changed meanwhile counts after a day at the latest.
const readAnew = 24 * time.Hour

// prints are what a document is known by: if the next one has the same, then parsing it would show nothing that the last
// one did not. They are kept in memory alone, 32 bytes an item, so that after a start a document is read anew.
type prints struct {
	body  string    // fetched.hash of the document
	read  time.Time // when a document was last read from end to end
	frame [32]byte  // of all that stands outside of the items, but for when it was built
	raw   []print   // of the bytes of each item, in order
	items []print   // of what each item reads as
}

// print is a truncated SHA-256.
type print [16]byte

// valid returns the prints unless they are of another document than the one recorded last, or too old.
func (p *prints) valid(rec store.Feed, now time.Time) *prints {
	if p == nil || p.body != rec.BodyHash || now.Sub(p.read) >= readAnew || now.Before(p.read) {
		return nil
	}
	return p
}

// parseSince is Parse for a document that may read as the last one did, item by item: then it returns no document. last
// is nil where the last one is not known. The prints returned are nil where a document cannot be known by any.
//
// An item's bytes mean what they meant as long as all around the items is the same; where they are not the same, the item
// alone is parsed, in that frame. A page with a counter in each item reads as before, and costs one parse.
func parseSince(body []byte, src Source, last *prints) (*Document, *prints, error) {
	t, err := openText(body, src)
	if err != nil {
		return nil, nil, err
	}
	body = nil
	now := t.prints()
	if now != nil && last != nil && now.frame == last.frame && len(now.raw) == len(last.raw) {
		if t.same(now, last) {
			now.read = last.read
			return nil, now, nil
		}
		now.items = nil
	}
	d, err := t.read()
	if err != nil || now == nil {
		return d, nil, err
	}
	if now.items, err = itemPrints(d.Items); err != nil || len(now.items) != len(now.raw) {
		return d, nil, nil // what the scan took for items is not what the parser did
	}
	return d, now, nil
}

// same tells whether the items of a document read as the last ones did, and notes what they read as.
func (t *opened) same(now, last *prints) bool {
	now.items = slices.Clone(last.items)
	var changed []int
	for i := range now.raw {
		if now.raw[i] != last.raw[i] {
			changed = append(changed, i)
		}
	}
	if len(changed) == 0 {
		return true
	}
	if len(changed) > 16 && len(changed) > len(now.raw)/2 {
		return false // to parse most of it, and then perhaps all of it, is no gain
	}
	d, err := t.only(changed).read()
	if err != nil || len(d.Items) != len(changed) {
		return false // what is wrong, the document as a whole will say
	}
	read, err := itemPrints(d.Items)
	if err != nil {
		return false
	}
	for n, i := range changed {
		if read[n] != last.items[i] {
			return false
		}
	}
	return true
}

// prints returns what a document is known by, but for what its items read as; nil if it has no items that can be told
// from each other without parsing it.
func (t *opened) prints() *prints {
	if len(t.seen.spans) == 0 || len(t.seen.spans) > maxItems {
		return nil
	}
	p := &prints{raw: make([]print, len(t.seen.spans))}
	end := t.seen.end
	if t.Kind == "json" {
		end = len(t.in.text)
	}
	frame := sha256.New()
	around := func(from, to int) {
		part := t.in.text[from:to]
		if t.Kind != "json" && bytes.IndexByte(part, '<') >= 0 {
			part = withoutBuildDate(part)
		}
		frame.Write(part)
		frame.Write([]byte{0})
	}
	pos := t.start
	for i, s := range t.seen.spans {
		around(pos, s.start)
		sum := sha256.Sum256(t.in.text[s.start:s.end])
		p.raw[i] = print(sum[:16])
		pos = s.end
	}
	around(pos, end)
	for _, said := range []string{t.Kind, t.src.Hub, t.src.Topic} {
		frame.Write([]byte(said))
		frame.Write([]byte{0})
	}
	frame.Sum(p.frame[:0])
	return p
}

// itemPrints returns a print of each item: of all that a plan can see of it.
func itemPrints(items []Item) ([]print, error) {
	out := make([]print, len(items))
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	for i := range items {
		b.Reset()
		if err := to.Encode(&items[i]); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b.Bytes())
		out[i] = print(sum[:16])
	}
	return out, nil
}
