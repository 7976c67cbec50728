package feed

import (
	"bytes"
	stdjson "encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strings"
	"time"

	"crier/content"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	"github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

const (
	maxText       = 1 << 20 // bytes of all texts of one entry; more is cut off
	maxTitle      = 4096    // bytes
	maxCategories = 50
	maxMedia      = 50
	maxItems      = 20_000
)

// Dates outside these years are set to the nearer end. A year before that is nobody's post but a clock that
// was not set, one after it would wait for ever.
var (
	earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Document is a feed as it was read.
type Document struct {
	Title     string         // plain text
	Link      string         // of the channel, as written there
	Language  string         // BCP 47 as written, may be empty
	Kind      string         // "rss", "rdf", "atom" or "json"
	Hint      time.Duration  // how often the feed asks to be polled; 0 if it does not say
	SkipHours []int          // hours of the day, UTC, in which it never changes
	SkipDays  []time.Weekday // days of the week, UTC, on which it never changes
	Hub       string         // WebSub: address of the hub that tells of changes; empty: none
	Topic     string         // WebSub: address under which the hub knows the feed; may be empty where Hub is not
	Items     []Item         // in the order of the document

	served served
	base   *url.URL // what relative links are relative to where no xml:base says otherwise; may be nil
}

// served is what is to be said of a document as a whole, for Lint.
type served struct {
	contentType string
	encoding    string
	repaired    bool
	size        int // bytes, as served
}

// Item is one entry as it was read. The addresses in content.Entry are absolute; its URL is left to the
// caller, who knows the blog's host.
type Item struct {
	content.Entry
	GUID          string    // identity as written, white space cut off; may be empty
	GUIDPermalink bool      // the GUID claims to be the address of the entry's page
	Link          string    // address of the page, as written or resolved by xml:base; may be relative or empty
	Published     time.Time // zero if undated
	Updated       time.Time // zero if not said

	flaws flaws
}

// flaws are what is to be said of an item, for Lint, and is not to be seen in the item any more.
type flaws struct {
	date    string // as written, where nobody can read it
	escaped bool   // the title is escaped once too often
	cut     bool   // the text was too long and is cut off
	medium  string // what is wrong with an enclosure
}

// Date returns the item's own date: of publication, else of the last change, else zero.
func (i Item) Date() time.Time {
	if !i.Published.IsZero() {
		return i.Published
	}
	return i.Updated
}

// Source says where a document came from.
type Source struct {
	URL         string // as configured; what relative addresses are resolved against, after the channel's link
	ContentType string // of the HTTP answer; may be empty
	Hub, Topic  string // WebSub, as the HTTP answer names them; they count before those of the document
}

// Parse reads a feed: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, JSON Feed 1 and 1.1. It leaves body as it is. The
// error says in the owner's words what is wrong with the document; then nothing of it may be used.
func Parse(body []byte, src Source) (*Document, error) {
	t, err := openText(body, src)
	if err != nil {
		return nil, err
	}
	body = nil // only the text is needed from here on
	return t.read()
}

// opened is a document that is known to be whole, on its way to its items.
type opened struct {
	Document
	in    decoded
	start int     // where its root begins
	seen  outline // of XML
	src   Source
}

// openText makes text of a document and sees to it that it is whole, as far as that can be told without parsing it.
func openText(body []byte, src Source) (*opened, error) {
	in, err := toUTF8(body, src.ContentType)
	if err != nil {
		return nil, err
	}
	kind, start, err := sniff(in.text)
	if err != nil {
		return nil, err
	}
	t := &opened{in: in, start: start, src: src}
	t.Kind, t.served = kind, served{src.ContentType, in.encoding, in.repaired, len(body)}
	if kind == "json" {
		t.seen.spans = jsonItems(in.text, start)
		return t, nil
	}
	t.seen, err = scanXML(in.text, start, src.URL)
	return t, err
}

// read parses a document. Its text is let go.
func (t *opened) read() (*Document, error) {
	doc, seen := t.Document, t.seen
	d := &doc
	f, original, err := parse(d.Kind, t.in.text[t.start:], seen.reader(t.in.text, t.start))
	if err != nil {
		return nil, explainParse(t.in.text, t.start, err)
	}
	if len(f.Items) > maxItems {
		return nil, fmt.Errorf("the feed has %d entries; more than %d are not read", len(f.Items), maxItems)
	}
	if d.Kind == "json" {
		seen.json = readJSONExtras(t.in.text[t.start:])
	}
	t.in.text = nil
	d.collect()
	if err := d.fill(f, original, seen, t.src); err != nil {
		return nil, err
	}
	d.collect()
	return d, nil
}

// veryLarge is from how many bytes on collect does something.
const veryLarge = 4 << 20

// collect frees what a step of the work on a very large document left behind: the runtime by itself would let the heap
// grow to twice of what is in use, and further on a busy machine.
func (d *Document) collect() {
	if d.served.size > veryLarge {
		runtime.GC()
	}
}

// release lets the entries of a document go once all that is wanted of them has been taken. What is not of an entry
// stays.
func (d *Document) release() {
	d.Items = nil
	runtime.GC()
}

// released tells whether the document has no entries any more because of release.
func (d *Document) released() bool { return d != nil && d.Items == nil }

// parse hands a document to the library, and returns it in the library's common form and in that of its own format.
// It is the one place where a panic is caught: version 1.4.2 stumbles over null in a list of a JSON Feed, and a feed
// must not be able to end the daemon. XML is read from r, JSON from text, which saves a copy.
func parse(kind string, text []byte, r io.Reader) (f *gofeed.Feed, original any, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, errors.New("a list in it holds something that is no entry")
		}
	}()
	var to gofeed.Translator
	switch kind {
	case "json":
		o := &json.Feed{}
		original, err, to = o, stdjson.Unmarshal(cutJSON(text), o), &gofeed.DefaultJSONTranslator{}
	case "atom":
		original, err = (&atom.Parser{}).Parse(r)
		to = &gofeed.DefaultAtomTranslator{}
	default:
		original, err = (&rss.Parser{}).Parse(r)
		to = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	}
	if err != nil {
		return nil, nil, err
	}
	f, err = to.Translate(original)
	return f, original, err
}

// explainParse says where in the document as it was served the parser stumbled, if it knows; start is where it began.
func explainParse(text []byte, start int, err error) error {
	var inXML *xml.SyntaxError
	var inJSON *stdjson.SyntaxError
	var field *stdjson.UnmarshalTypeError
	switch {
	case errors.As(err, &inXML):
		pos := start
		for range inXML.Line - 1 {
			next := bytes.IndexByte(text[pos:], '\n')
			if next < 0 {
				break
			}
			pos += next + 1
		}
		return brokenAt(text, pos, inXML.Msg)
	case errors.As(err, &inJSON):
		return brokenAt(text, start+int(inJSON.Offset), inJSON.Error())
	case errors.As(err, &field):
		name := field.Field[strings.LastIndexByte(field.Field, '.')+1:]
		return fmt.Errorf("the feed is broken: %q holds a JSON %s, which does not belong there", name, field.Value)
	}
	return fmt.Errorf("the feed is broken: %w", err)
}

// fill makes ours of what the library read.
func (d *Document) fill(f *gofeed.Feed, original any, seen outline, src Source) error {
	d.Title = content.PlainText(f.Title)
	d.Link = strings.TrimSpace(f.Link)
	d.Language = language(f.Language)
	d.Items = make([]Item, len(f.Items))
	if len(seen.items) != len(f.Items) {
		seen.items = make([]itemAttrs, len(f.Items))
	}
	for n, g := range f.Items {
		d.Items[n] = common(g, seen.items[n])
	}
	switch o := original.(type) {
	case *rss.Feed:
		d.rss(o, f, seen)
	case *atom.Feed:
		d.atom(o, f, seen)
	case *json.Feed:
		if o.Items == nil {
			return errors.New("this is no feed: it is JSON without a list of items")
		}
		d.json(o, f, seen.json)
	}
	d.Language = first(d.Language, language(seen.lang))
	from := parsedBase(first(seen.base, src.URL))
	d.webSub(from, src)
	if seen.base != "" {
		d.Link = resolve(from, d.Link)
	}
	d.base = baseURL(d.Link, src.URL)
	for n := range d.Items {
		d.Items[n].finish(d.base, seen.items[n], d.Language)
	}
	return nil
}

// webSub settles who tells of changes. What the HTTP answer says counts most (WebSub, 4). from is what the addresses
// are relative to.
func (d *Document) webSub(from *url.URL, src Source) {
	for _, to := range []struct {
		into *string
		said string
	}{{&d.Hub, src.Hub}, {&d.Topic, src.Topic}} {
		if to.said != "" {
			*to.into = to.said
		}
		if *to.into = strings.TrimSpace(resolve(from, *to.into)); !isHTTP(*to.into) || len(*to.into) > maxAddress {
			*to.into = ""
		}
	}
	if d.Hub == "" {
		d.Topic = ""
	}
}

// common takes over what all formats share.
func common(g *gofeed.Item, attrs itemAttrs) Item {
	it := Item{
		GUID: withoutComments(g.GUID),
		Link: withoutComments(g.Link),
		Entry: content.Entry{
			Title:    content.PlainText(g.Title),
			Summary:  g.Description,
			Content:  g.Content,
			Language: language(attrs.lang),
		},
	}
	it.flaws.escaped = escapedTwice(g.Title)
	it.Published = it.date(g.PublishedParsed, g.Published)
	it.Updated = it.date(g.UpdatedParsed, g.Updated)
	for _, c := range g.Categories {
		it.addCategory(c)
	}
	it.extensions(g.Extensions)
	return it
}

// date returns a date as the library read it, else as we read it; zero if nobody can.
func (i *Item) date(read *time.Time, written string) time.Time {
	if read != nil {
		return clampDate(*read)
	}
	t, ok := readDate(written)
	if !ok {
		if written = strings.TrimSpace(written); written != "" && i.flaws.date == "" {
			i.flaws.date = clip(written, 60)
		}
		return time.Time{}
	}
	return clampDate(t)
}
