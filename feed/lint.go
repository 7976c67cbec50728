package feed

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxAdvice  = 12      // lines
	maxNamed   = 3       // entries that a line names
	largeFeed  = 2 << 20 // bytes; more makes every poll slow
	altNewest  = 5       // entries whose pictures are looked at
	maxScanned = 64 << 10
)

// Lint returns what the owner should mend in the feed, in the owner's words: the gravest first, one line for each
// kind of flaw, at most twelve. Entries are counted from 1 in the order of the document. blogHost is the host of the
// blog as BlogHost gives it. A feed without flaws gives none.
func (d *Document) Lint(blogHost string, now time.Time) []string {
	l := &linter{d: d, host: blogHost, now: now}
	l.whole()
	l.identities()
	l.links()
	l.dates()
	l.titles()
	l.texts()
	l.pictures()
	return l.out[:min(len(l.out), maxAdvice)]
}

const noLanguage = "the feed does not say its language; people who filter by language will not see the posts"

// advice is what Lint says, less what the owner has made up for in the configuration.
func (d *Document) advice(cfg Config, blogHost string, now time.Time) []string {
	return slices.DeleteFunc(d.Lint(blogHost, now), func(line string) bool {
		return line == noLanguage && cfg.Style.Language != ""
	})
}

// linter gathers advice.
type linter struct {
	d    *Document
	host string
	now  time.Time
	out  []string
}

// say adds a line. What it quotes of the feed or its server must not break it.
func (l *linter) say(format string, args ...any) {
	l.out = append(l.out, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}

// about says something of the entries at some places, if there are any. Of the two ways to say it, the first is
// for one entry.
func (l *linter) about(places []int, one, several string) {
	switch n := len(places); {
	case n == 0:
	case n == 1:
		l.say("entry %s %s", l.name(places[0]), one)
	case n == len(l.d.Items) && n > maxNamed:
		l.say("all %d entries %s", n, several)
	case n <= maxNamed:
		names := make([]string, n)
		for i, p := range places {
			names[i] = l.name(p)
		}
		l.say("entries %s and %s %s", strings.Join(names[:n-1], ", "), names[n-1], several)
	default:
		names := make([]string, maxNamed)
		for i := range names {
			names[i] = l.name(places[i])
		}
		l.say("entries %s and %d more %s", strings.Join(names, ", "), n-maxNamed, several)
	}
}

// name names the entry at a place.
func (l *linter) name(place int) string {
	title := []rune(l.d.Items[place].Title)
	if len(title) == 0 {
		return fmt.Sprint(place + 1)
	}
	if len(title) > 40 {
		title = append(title[:39], '…')
	}
	return fmt.Sprintf("%d (“%s”)", place+1, string(title))
}

// where returns the places of the items that something is true of.
func (l *linter) where(is func(n int, it *Item) bool) (places []int) {
	for n := range l.d.Items {
		if is(n, &l.d.Items[n]) {
			places = append(places, n)
		}
	}
	return places
}

// whole looks at the document as a whole.
func (l *linter) whole() {
	d := l.d
	if d.served.repaired {
		l.say("some bytes of the feed are no %s; they show as \uFFFD", d.served.encoding)
	}
	if t := bareType(d.served.contentType); t != "" && !fits(t, d.Kind) {
		l.say("the feed is served as %s; serve it as %s", clip(t, 60), properType(d.Kind))
	}
	if d.served.encoding != "utf-8" && d.served.encoding != "" && !d.served.repaired {
		l.say("the feed is written in %s; UTF-8 is safer, and every reader knows it", d.served.encoding)
	}
	if d.served.size > largeFeed {
		l.say("the feed is %.1f MB large; the newest 20 to 50 entries are enough", float64(d.served.size)/(1<<20))
	}
	if len(d.Items) == 0 {
		l.say("the feed has no entries")
		return
	}
	if u, err := url.Parse(d.Link); d.Link == "" {
		l.say("the feed does not say where the blog is; crier takes %s for its host", l.host)
	} else if err != nil || hostOf(u) == "" {
		l.say("the feed's link to the blog, %q, is no whole address; crier takes %s for its host", clip(d.Link, 60), l.host)
	}
	if d.Hub != "" && d.Topic == "" {
		l.say("the feed names a WebSub hub but not its own address (rel=\"self\"), under which the hub knows it")
	}
	if len(l.where(func(_ int, it *Item) bool { return it.Language != "" })) == 0 {
		l.say(noLanguage)
	}
}

// fits tells whether a content type may stand above a document of that kind.
func fits(contentType, kind string) bool {
	if kind == "json" {
		return strings.Contains(contentType, "json")
	}
	return strings.Contains(contentType, "xml") && contentType != "application/xhtml+xml"
}

func properType(kind string) string {
	switch kind {
	case "json":
		return "application/feed+json"
	case "atom":
		return "application/atom+xml"
	case "rdf":
		return "application/rdf+xml"
	}
	return "application/rss+xml"
}

func (l *linter) identities() {
	element := map[string]string{"rss": "guid", "rdf": "rdf:about", "atom": "id", "json": "id"}[l.d.Kind]
	l.about(l.where(func(_ int, it *Item) bool { return it.GUID == "" }),
		"has no id (<"+element+">); crier goes by its link", "have no id (<"+element+">); crier goes by their links")
	first := map[string]int{}
	var repeats []int
	shared := ""
	for n, it := range l.d.Items {
		if it.GUID == "" {
			continue
		}
		if _, seen := first[it.GUID]; seen {
			repeats, shared = append(repeats, n), it.GUID
		} else {
			first[it.GUID] = n
		}
	}
	l.about(repeats, fmt.Sprintf("has the same id (%q) as another one; each entry needs its own", clip(shared, 60)),
		"have the ids of others; each entry needs its own")
}

func (l *linter) links() {
	var none, relative, foreign []int
	example, elsewhere := "", ""
	for n := range l.d.Items {
		it := &l.d.Items[n]
		written := first(it.addresses()...)
		u, err := url.Parse(written)
		switch {
		case written == "" || err != nil:
			none = append(none, n)
		case !u.IsAbs():
			if relative = append(relative, n); example == "" {
				example = fmt.Sprintf("%q, taken for %s", clip(written, 60), clip(resolve(l.d.base, written), 120))
			}
		case !sameHost(hostOf(u), l.host):
			if foreign = append(foreign, n); elsewhere == "" {
				elsewhere = clip(first(u.Host, u.Scheme), 60)
			}
		}
	}
	l.about(none, "has no link; its post leads nowhere", "have no link; their posts lead nowhere")
	l.about(relative, "has a relative link ("+example+"); write whole addresses", "have relative links ("+example+"); write whole addresses")
	l.about(foreign, fmt.Sprintf("links to %s and not to the blog at %s; the id of its post is made of a hash", elsewhere, l.host),
		fmt.Sprintf("link to other hosts (%s) and not to the blog at %s; the ids of their posts are made of hashes", elsewhere, l.host))
}

func (l *linter) dates() {
	unread := l.where(func(_ int, it *Item) bool { return it.Date().IsZero() && it.flaws.date != "" })
	if len(unread) > 0 {
		example := l.d.Items[unread[0]].flaws.date
		l.about(unread, fmt.Sprintf("has a date that cannot be read (%q)", example), fmt.Sprintf("have dates that cannot be read (%q)", example))
	}
	l.about(l.where(func(_ int, it *Item) bool { return it.Date().IsZero() && it.flaws.date == "" }),
		"has no date; it counts as written when crier finds it", "have no date; they count as written when crier finds them")
	ahead := l.where(func(_ int, it *Item) bool { return it.Date().After(l.now.Add(skew)) })
	if len(ahead) > 0 {
		until := l.d.Items[ahead[0]].Date().Format("2006-01-02 15:04 UTC")
		l.about(ahead, "is dated in the future; it waits until "+until, "are dated in the future; they wait until then ("+until+")")
	}
}

func (l *linter) titles() {
	untitled := l.where(func(_ int, it *Item) bool { return it.Title == "" })
	if len(untitled) < len(l.d.Items) {
		l.about(untitled, "has no title, unlike others", "have no title, unlike others")
	}
	l.about(l.where(func(_ int, it *Item) bool { return it.flaws.escaped }),
		"has a title that is escaped twice; other readers show its entities", "have titles that are escaped twice; other readers show their entities")
}

func (l *linter) texts() {
	empty := l.where(func(_ int, it *Item) bool {
		return it.Title == "" && it.Content == "" && it.Summary == "" && it.Markdown == "" && len(it.Media) == 0
	})
	l.about(empty, "has neither title nor text; its post is a bare link", "have neither title nor text; their posts are bare links")
	l.about(l.where(func(_ int, it *Item) bool { return it.flaws.cut }),
		"is longer than 1 MB; the rest is cut off", "are longer than 1 MB; the rest is cut off")
	odd := l.where(func(_ int, it *Item) bool { return it.flaws.medium != "" })
	if len(odd) > 0 {
		flaw := l.d.Items[odd[0]].flaws.medium
		l.about(odd, "has an enclosure that "+flaw, "have flawed enclosures (the first one "+flaw+")")
	}
}

// pictures counts those without a description in the newest entries: the older ones will not be sent.
func (l *linter) pictures() {
	n := min(len(l.d.Items), altNewest)
	bare := 0
	for i := range l.d.Items[:n] {
		bare += l.d.Items[i].withoutAlt()
	}
	switch {
	case bare == 1:
		l.say("1 picture in the first %s of the feed has no description (alt); who cannot see it learns nothing of it", entries(n))
	case bare > 1:
		l.say("%d pictures in the first %s of the feed have no description (alt); who cannot see them learns nothing of them", bare, entries(n))
	}
}

func entries(n int) string {
	if n == 1 {
		return "entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// withoutAlt counts the pictures of an item that have no description. An empty one in the text is meant that way:
// the picture is an ornament.
func (i *Item) withoutAlt() int {
	bare := map[string]bool{}
	for _, m := range i.Media {
		if m.Alt == "" && strings.HasPrefix(m.Type, "image/") {
			bare[m.URL] = true
		}
	}
	text := first(i.Content, i.Summary)
	z := html.NewTokenizer(strings.NewReader(text[:min(len(text), maxScanned)]))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return len(bare)
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if t := z.Token(); t.DataAtom == atom.Img {
			src, alt := imgAttrs(t)
			if alt {
				delete(bare, src)
			} else if src != "" && !strings.HasPrefix(src, "data:") {
				bare[src] = true
			}
		}
	}
}

// imgAttrs returns the address of an img, and whether it has a description, be it empty.
func imgAttrs(t html.Token) (src string, alt bool) {
	for _, a := range t.Attr {
		switch a.Key {
		case "src":
			src = a.Val
		case "alt":
			alt = true
		}
	}
	return src, alt
}

// escapedTwice tells whether a title still shows entities after it was decoded as HTML.
func escapedTwice(title string) bool {
	if !strings.Contains(title, "&amp;") && !strings.Contains(title, "&#38;") {
		return false
	}
	once := html.UnescapeString(title)
	return html.UnescapeString(once) != once
}
