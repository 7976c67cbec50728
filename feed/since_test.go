package feed

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/budget"
	"crier/store"
)

// reads returns the items of a document, less what is said of them to the owner alone.
func reads(t testing.TB, body string) []Item {
	t.Helper()
	d, err := Parse([]byte(body), Source{URL: feedURL})
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return withoutFlaws(d.Items)
}

func withoutFlaws(items []Item) []Item {
	out := slices.Clone(items)
	for i := range out {
		out[i].flaws = flaws{}
	}
	return out
}

// since reads one document after the other.
func since(t testing.TB, before, after string) (d *Document, then, now *prints) {
	t.Helper()
	src := Source{URL: feedURL}
	_, then, err := parseSince([]byte(before), src, nil)
	if err != nil || then == nil {
		t.Fatalf("no prints: %v", err)
	}
	d, now, err = parseSince([]byte(after), src, then)
	if err != nil {
		t.Fatal(err)
	}
	return d, then, now
}

const (
	countedRSS = `<?xml version="1.0"?><rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel><title>T</title>
<link>https://blog.example/</link><lastBuildDate>Mon, 01 Jan 2024 00:00:00 GMT</lastBuildDate>
<item><title>A</title><link>/a/</link><slash:comments>1</slash:comments><description>Text &lt;a href="b"&gt;b&lt;/a&gt;</description></item>
<item><title>B</title><link>/b/</link><slash:comments>2</slash:comments><description>More</description></item>
</channel></rss>`
	countedAtom = `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://blog.example/x/"><title>T</title><updated>2024-01-01T00:00:00Z</updated>
<author><name>Ann</name></author><entry><id>urn:a</id><title>A</title><link href="a" /><updated>2024-01-01T00:00:00Z</updated>
<content type="html" xml:base="y/">&lt;img src="p.png"&gt;</content><count>1</count></entry>
<entry><id>urn:b</id><title>B</title><link href="b"/><updated>2024-01-01T00:00:00Z</updated><summary>S</summary><count>2</count></entry></feed>`
	countedJSON = `{"version":"https://jsonfeed.org/version/1.1","title":"T \"items\": [","items": [
{"id":"a","url":"https://blog.example/a/","content_text":"}] \\","_count":1,"tags":["items"]},
{"id":"b","url":"https://blog.example/b/","content_text":"B","_count":2,"_crier":{"content_warning":"w"}}], "_x": {"items": 1}}`
	countedRDF = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel><title>T</title><link>https://blog.example/</link></channel>
<item rdf:about="https://blog.example/a/"><title>A</title><c>1</c></item><item rdf:about="https://blog.example/b/"><title>B</title><c>2</c></item></rdf:RDF>`
)

// TestSince: a document is taken for the last one exactly where its items read the same.
func TestSince(t *testing.T) {
	for _, c := range []struct {
		name, doc, old, new string
		same                bool
	}{
		{"rss, a counter", countedRSS, "comments>2<", "comments>3<", true},
		{"rss, the first counter", countedRSS, "comments>1<", "comments>10<", true},
		{"rss, when it was built", countedRSS, "01 Jan 2024", "02 Jan 2024", true},
		{"rss, a text", countedRSS, "More", "Less", false},
		{"rss, an address", countedRSS, `href="b"`, `href="c"`, false},
		{"rss, the channel's link", countedRSS, "<link>https://blog.example/</link>", "<link>https://other.example/</link>", false},
		{"rss, an item less", countedRSS, "<item><title>B</title><link>/b/</link><slash:comments>2</slash:comments><description>More</description></item>", "", false},
		{"rss, another order", countedRSS, "<title>B</title><link>/b/</link>", "<title>A</title><link>/a/</link>", false},
		{"rss, behind the end", countedRSS, "</rss>", "</rss><!-- built in 2 s -->", true},
		{"atom, a counter", countedAtom, "<count>1", "<count>7", true},
		{"atom, when it was built", countedAtom, "T</title><updated>2024-01-01", "T</title><updated>2024-02-01", true},
		{"atom, when an entry changed", countedAtom, "a\" /><updated>2024-01-01", "a\" /><updated>2024-02-01", false},
		{"atom, the feed's author", countedAtom, "Ann", "Bea", false},
		{"atom, the base of all", countedAtom, "example/x/", "example/z/", false},
		{"atom, the base of a text", countedAtom, `"y/"`, `"z/"`, false},
		{"json, a counter", countedJSON, `"_count":2`, `"_count":{"a":["]"]}`, true},
		{"json, the first counter", countedJSON, `"_count":1`, `"_count":"\\\"]}"`, true},
		{"json, a text", countedJSON, `"B"`, `"C"`, false},
		{"json, a warning", countedJSON, `"w"`, `"v"`, false},
		{"json, the title", countedJSON, `"T `, `"U `, false},
		{"rdf, a counter", countedRDF, "<c>2", "<c>3", true},
		{"rdf, an address", countedRDF, "/b/", "/c/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := strings.Replace(c.doc, c.old, c.new, 1)
			if after == c.doc {
				t.Fatal("nothing was replaced")
			}
			d, then, now := since(t, c.doc, after)
			if same := d == nil; same != c.same {
				t.Fatalf("taken for the last one: %v", same)
			}
			if d != nil {
				return
			}
			if !reflect.DeepEqual(reads(t, c.doc), reads(t, after)) {
				t.Error("they read differently")
			}
			if !slices.Equal(then.items, now.items) || then.frame != now.frame {
				t.Error("other prints")
			}
			if again, _, _ := since(t, after, c.doc); again != nil {
				t.Error("not so the other way round")
			}
		})
	}
}

// TestSinceMany: however many items changed and however they lie, the answer is that of reading all.
func TestSinceMany(t *testing.T) {
	feed := func(counters func(int) int) string {
		var b strings.Builder
		b.WriteString(`<rss xmlns:s="http://purl.org/rss/1.0/modules/slash/"><channel><link>https://blog.example/</link>`)
		for i := range 60 {
			fmt.Fprintf(&b, `<item xml:base="https://blog.example/%d/"><title>%d</title><guid>%d</guid><s:comments>%d</s:comments><description>&lt;a href="x"&gt;</description></item> `, i, i, i, counters(i))
		}
		return b.String() + `</channel></rss>`
	}
	before := feed(func(int) int { return 0 })
	for _, step := range []int{1, 2, 3, 7, 59} {
		after := feed(func(i int) int { return (i % step) / max(1, step-1) })
		if step == 1 {
			after = feed(func(int) int { return 1 })
		}
		d, _, now := since(t, before, after)
		if most := step == 1; (d == nil) == most {
			t.Errorf("every %d.: taken for the last one: %v", step, d == nil)
		}
		if _, all, err := parseSince([]byte(after), Source{URL: feedURL}, nil); err != nil || !reflect.DeepEqual(all.items, now.items) {
			t.Errorf("every %d.: other prints than by reading all (%v)", step, err)
		}
	}
}

// FuzzSince: whatever is taken for the last document reads as that did.
func FuzzSince(f *testing.F) {
	all := seeds(f)
	for _, doc := range []string{countedRSS, countedAtom, countedJSON, countedRDF} {
		all = append(all, []byte(doc))
	}
	for _, body := range all {
		f.Add(string(body), uint(len(body)/2), "x")
		f.Add(string(body), uint(len(body)*3/4), "<a>")
	}
	f.Fuzz(func(t *testing.T, before string, at uint, with string) {
		i := int(at % uint(len(before)+1))
		after := before[:i] + with + before[min(i+len(with), len(before)):]
		src := Source{URL: feedURL}
		d1, then, err := parseSince([]byte(before), src, nil)
		if err != nil || then == nil {
			return
		}
		d, _, err := parseSince([]byte(after), src, then)
		if err != nil || d != nil {
			return
		}
		d2, err := Parse([]byte(after), src)
		if err != nil {
			t.Fatalf("taken for the last one, and cannot be read: %v", err)
		}
		if !reflect.DeepEqual(withoutFlaws(d1.Items), withoutFlaws(d2.Items)) {
			t.Fatalf("taken for the last one:\n%+v\n%+v", d1.Items, d2.Items)
		}
	})
}

// counted writes a feed as rssOf does, with a counter in each item that no entry shows.
func counted(n int, days ...int) string {
	return strings.ReplaceAll(rssOf(days...), "<guid>", fmt.Sprintf("<comments>http://blog.example/%d</comments><guid>", n))
}

// TestPollOfCounters polls a feed in which only what no entry shows changes, then something else.
func TestPollOfCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		s := &site{body: counted(0, 1, 2, 3)}
		s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/feed.xml" {
				looks++
			}
			return false
		}
		p, db := newPoller(t, s, nil)
		poll := func(want Outcome) {
			t.Helper()
			time.Sleep(time.Minute)
			out := p.PollAll(context.Background(), PollOptions{})[0]
			want.URL = feedURL
			out.Items = nil
			if !reflect.DeepEqual(out, want) {
				t.Errorf("outcome %+v, want %+v", out, want)
			}
			if rec, err := db.Feed(feedURL); err != nil || !rec.LastPoll.Equal(time.Now()) || rec.BodyHash != bodyHash([]byte(s.body)) {
				t.Errorf("record %+v, %v", rec, err)
			}
		}
		poll(Outcome{New: 3})
		publishDue(t, db, time.Now())
		known, err := db.Entries()
		if err != nil {
			t.Fatal(err)
		}
		anew := p.feeds[0].last.read
		for n := range 5 {
			s.set(counted(n+1, 1, 2, 3), "")
			poll(Outcome{})
		}
		if now, err := db.Entries(); err != nil || !reflect.DeepEqual(known, now) {
			t.Errorf("entries %+v, %v", now, err)
		}
		if last := p.feeds[0].last; last == nil || !last.read.Equal(anew) {
			t.Error("the feed was parsed")
		}
		if err := budget.Check("poll.unchanged.pages", float64(looks)); err != nil {
			t.Error(err)
		}
		s.set(strings.Replace(counted(9, 1, 2, 3), "Text of post 2", "Another text", 1), "")
		poll(Outcome{Changed: 1})
		publishDue(t, db, time.Now())
		s.set(counted(10, 1, 2, 3, 4), "")
		poll(Outcome{New: 1, Changed: 1})
		time.Sleep(readAnew)
		before := p.feeds[0].last.read
		s.set(counted(11, 1, 2, 3, 4), "")
		poll(Outcome{})
		if !p.feeds[0].last.read.After(before) {
			t.Error("not read anew after a day")
		}
	})
}

// TestPrintsAreOfTheRecord: what was remembered of another document than the one that was recorded counts for nothing.
func TestPrintsAreOfTheRecord(t *testing.T) {
	now := time.Now()
	p := &prints{body: "a", read: now}
	for _, c := range []struct {
		p    *prints
		hash string
		at   time.Time
		want bool
	}{
		{p, "a", now, true},
		{p, "b", now, false},
		{p, "", now, false},
		{p, "a", now.Add(readAnew), false},
		{p, "a", now.Add(-time.Second), false}, // the clock was set back
		{nil, "a", now, false},
	} {
		if got := c.p.valid(store.Feed{BodyHash: c.hash}, c.at) != nil; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestUnchangedCosts counts what a poll costs that finds nothing changed in 1,000 entries, the counter of one apart.
func TestUnchangedCosts(t *testing.T) {
	if raceDetector() {
		t.Skip("the race detector allocates, too")
	}
	const entries = 1000
	for _, kind := range []string{"rss", "atom", "json"} {
		before := large(kind, entries, entries*400)
		_, last, err := parseSince(before, Source{URL: feedURL}, nil)
		if err != nil {
			t.Fatal(err)
		}
		after := []byte(strings.Replace(string(before), map[string]string{"json": `{"id"`}[kind]+map[string]string{"rss": "<guid>", "atom": "<id>"}[kind],
			map[string]string{"rss": "<c>1</c><guid>", "atom": "<c>1</c><id>", "json": `{"_c":1,"id"`}[kind], 1))
		allocs := testing.AllocsPerRun(5, func() {
			d, now, err := parseSince(after, Source{URL: feedURL}, last)
			if err != nil || d != nil || now == nil {
				t.Fatalf("%s: %v %v", kind, d != nil, err)
			}
		})
		if err := budget.Check("poll.entry.allocs", allocs/entries); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
