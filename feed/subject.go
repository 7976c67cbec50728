package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"

	"crier/store"
)

// subject is an item on its way to its entry.
type subject struct {
	Item
	pos     int // in the document
	page    Page
	hasPage bool
	address string // pageKey of the page, or of the link where that tells entries apart; else empty
	date    time.Time
	repeats bool // the GUID (else the link) occurs more than once in the document
	entry   int  // index of the entry it is, -1 if none
	foreign bool // known from another configured feed, which keeps it
	skip    bool // a rule of the owner keeps it from becoming a post
	print   *string
}

// fingerprint returns the item's fingerprint; it is worked out only when it is asked for.
func (s *subject) fingerprint() string {
	if s.print == nil {
		f := fingerprint(s.Title, first(s.Content, s.Summary, s.Markdown))
		s.print = &f
	}
	return *s.print
}

// titleAndDate is a key for items whose text changed together with their address.
func (s *subject) titleAndDate() string { return joinTitle(s.Title, s.Date()) }

func entryTitleAndDate(e *store.Entry) string { return joinTitle(e.Title, dateOf(e)) }

// outside is all that is seen of an item without reading it.
func (s *subject) outside() string {
	return strings.Join([]string{s.Title, stamp(s.Date()), distinctAddress(s.URL)}, "\n")
}

func entryOutside(e *store.Entry) string {
	return strings.Join([]string{e.Title, stamp(dateOf(e)), entryAddress(e)}, "\n")
}

func joinTitle(title string, date time.Time) string {
	if title == "" || date.IsZero() {
		return ""
	}
	return title + "\n" + stamp(date)
}

// dateOf returns the entry's date if it is the feed's own.
func dateOf(e *store.Entry) time.Time {
	if !e.Dated {
		return time.Time{}
	}
	return e.Date
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// distinctive is how many letters and digits make a text that nobody writes twice by chance. A character
// of the East Asian scripts counts for two.
const distinctive = 16

// distinctiveTitle is the same for a title alone.
const distinctiveTitle = 8

// maxRedated is how far a change of generator may move an entry's date: time zones are lost, and some take
// the date of the file.
const maxRedated = 31 * 24 * time.Hour

func (s *subject) longTitle() string { return longTitle(s.Title) }

func longTitle(title string) string {
	if weigh(title) < distinctiveTitle {
		return ""
	}
	return title
}

// weigh counts the letters and digits of a text, those of the East Asian scripts twice.
func weigh(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
			if r >= 0x2e80 {
				n++
			}
		}
	}
	return n
}

// fingerprint returns a hash of title and text without markup, case and white space; empty where there is
// too little of it to tell two entries apart.
func fingerprint(title, text string) string {
	h := sha256.New()
	weight := 0
	for _, s := range []string{title, textOf(text)} {
		norm := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, s)
		weight += weigh(norm)
		h.Write([]byte(norm))
		h.Write([]byte{'\n'})
	}
	if weight < distinctive {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// slug is a key for items that only their page still goes by the name of, in another folder or on another host.
func (s *subject) slug() string { return slug(s.address) }

func entrySlug(e *store.Entry) string { return slug(entryAddress(e)) }

// slug returns the last part of an address (see distinctAddress), without what tells a kind of file; empty where that
// is no name.
func slug(address string) string {
	_, name, found := strings.Cut(address, "/")
	if !found || strings.Contains(name, "?") {
		return ""
	}
	name = path.Base(name)
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	if weigh(name) < minSlug || name == "index" {
		return ""
	}
	return name
}

// minSlug is how many letters and digits make a name: "12" is none.
const minSlug = 4

// moment is a key for items that were written in the very same minute: what is left of an entry whose text, title
// and address were all changed. Dates without a time of day, and those that a person rounded, are no such key.
func (s *subject) moment() string { return moment(s.Date()) }

func moment(t time.Time) string {
	if t.IsZero() || t.Minute()%15 == 0 && t.Second() == 0 {
		return ""
	}
	return stamp(t)
}

// openingLength is how many letters and digits of an entry are its opening.
const openingLength = 48

func (s *subject) opening() string { return opening(s.Title, first(s.Content, s.Summary, s.Markdown)) }

// opening returns the first letters of title and text, which stay what they are where quotation marks become
// typographic, footnotes are set in another way, or the rest of the text is cut off. Empty where there are too few.
func opening(title, text string) string {
	var b strings.Builder
	n := 0
	for _, r := range title + "\n" + textOf(text) {
		if n == openingLength {
			break
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
			n++
		}
	}
	if weigh(b.String()) < openingLength/2 {
		return ""
	}
	return b.String()
}

// subjectsOf prepares the items of a document. An item that repeats another one in everything that could
// tell them apart is left out.
func subjectsOf(d *Document, blogHost string, base *url.URL) []*subject {
	count, seen := map[string]int{}, map[string]bool{}
	var out []*subject
	for i, it := range d.Items {
		s := &subject{Item: it, pos: i, entry: -1, date: it.Date()}
		s.page, s.hasPage = OwnPage(it, blogHost, base)
		s.URL = pageURL(s, base)
		s.address = distinctAddress(s.URL)
		all := it.GUID + "\n" + s.outside()
		if it.GUID == "" && s.address == "" {
			all += s.fingerprint()
		}
		if seen[all] {
			continue
		}
		seen[all] = true
		count[first(it.GUID, it.Link)]++
		out = append(out, s)
	}
	own := map[string]int{}
	for _, s := range out {
		s.repeats = count[first(s.GUID, s.Link)] > 1
		own[s.address]++
	}
	for _, s := range out {
		if own[s.address] > 1 {
			s.address = ""
		}
	}
	return out
}

// pageURL returns where people are sent to read the entry: its own page, else its link, else a GUID that
// claims to be an address.
func pageURL(s *subject, base *url.URL) string {
	if s.hasPage {
		return s.page.URL
	}
	for _, c := range s.addresses() {
		if abs := resolve(base, c); isHTTP(abs) && len(abs) <= maxAddress && !strings.ContainsAny(abs, " \t\n<>\"") {
			return abs
		}
	}
	return ""
}
