package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
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
		all := strings.Join([]string{it.GUID, it.Title, stamp(s.date), s.URL}, "\n")
		if it.GUID == "" && it.Link == "" {
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
