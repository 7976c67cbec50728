package feed

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crier/content"
	"crier/store"

	"github.com/mmcdole/gofeed"
)

// longFeed is what a generator without a limit writes: 5,000 entries with a summary each.
func longFeed(entries int) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Long</title><link>https://blog.example/</link><language>en</language>`)
	for i := range entries {
		fmt.Fprintf(&b, `<item><title>Entry %d</title><link>https://blog.example/%d/</link><guid>https://blog.example/%d/</guid><pubDate>%s</pubDate><category>One</category><description>&lt;p&gt;%s &lt;a href="/x"&gt;x&lt;/a&gt;&lt;/p&gt;</description></item>`,
			i, i, i, time.Unix(int64(1_700_000_000-i*3600), 0).UTC().Format(time.RFC1123Z), strings.Repeat("Some words. ", 30))
	}
	b.WriteString(`</channel></rss>`)
	return []byte(b.String())
}

// BenchmarkPollUnchanged5000 reads a feed of 5,000 entries from end to end in which nothing has changed and finds that
// out, as the first poll after a start does and one poll a day. Beside
// it, on the same bytes in the same run: what the decoder of the standard library needs to say that they are XML
// (tokens), to put them into structs (struct), and what the feed library needs to make its own form of them.
func BenchmarkPollUnchanged5000(b *testing.B) {
	const entries = 5000
	body := longFeed(entries)
	in := known(b, body)
	spent := map[string]time.Duration{}
	run := func(name string, f func() error) {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		spent[name] += time.Since(began)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer() // side by side, since a machine has better moments and worse
		run("tokens", func() error { return bareTokens(body) })
		run("struct", func() error { return bareStruct(body) })
		run("library", func() error { return library(body) })
		b.StartTimer()
		run("ours", func() error {
			doc, err := Parse(body, Source{URL: in.feed.URL})
			if err != nil {
				return err
			}
			in.doc = doc
			p, err := plan(in)
			if err == nil && len(p.put) > 0 {
				err = fmt.Errorf("%d entries changed", len(p.put))
			}
			return err
		})
	}
	b.ReportMetric(float64(spent["ours"].Nanoseconds())/float64(b.N)/entries, "ns/entry")
	for of, unit := range map[string]string{"tokens": "x-bare-tokens", "struct": "x-bare-decode", "library": "x-library"} {
		b.ReportMetric(float64(spent["ours"])/float64(spent[of]), unit)
	}
}

// BenchmarkPollSince is a poll of 5,000 entries in which one has another counter than before, and none has changed: all of
// it from the answer to the record in the store. Beside it, on the same bytes in the same run, the feed library alone.
func BenchmarkPollSince(b *testing.B) {
	for _, kind := range []string{"rss", "atom", "json"} {
		b.Run(kind, func(b *testing.B) {
			body := large(kind, 5000, 5000*400)
			var bodies [2][]byte
			for i := range bodies {
				at := map[string]string{"rss": "<guid>", "atom": "<id>", "json": `"id":`}[kind]
				with := map[string]string{"rss": "<c>%d</c><guid>", "atom": "<c>%d</c><id>", "json": `"_c":%d,"id":`}[kind]
				bodies[i] = bytes.Replace(body, []byte(at), fmt.Appendf(nil, with, i), 1)
			}
			n := 0
			transport := inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { n++; _, _ = w.Write(bodies[n%2]) })}
			db, err := store.Open(filepath.Join(b.TempDir(), "crier.db"), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			p := NewPoller(Options{Store: db, HandleHost: "blog.example", Log: slog.New(slog.DiscardHandler),
				Feeds: []Config{{URL: feedURL, Interval: time.Hour, IntervalSet: true, MaxNew: 5, Deletions: "confirm", Transport: transport}}})
			poll := func() {
				if out := p.PollAll(b.Context(), PollOptions{})[0]; out.Error != "" || out.Changed > 0 {
					b.Fatalf("%+v", out)
				}
			}
			poll()
			var ours, bare time.Duration
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				began := time.Now()
				if _, err := gofeed.NewParser().Parse(bytes.NewReader(bodies[0])); err != nil {
					b.Fatal(err)
				}
				bare += time.Since(began)
				began = time.Now()
				b.StartTimer()
				poll()
				ours += time.Since(began)
			}
			b.ReportMetric(float64(ours)/float64(bare), "x-library")
		})
	}
}

// library parses as gofeed does by itself, less its search for a picture in every text.
func library(body []byte) error {
	p := gofeed.NewParser()
	p.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	_, err := p.Parse(bytes.NewReader(body))
	return err
}

// BenchmarkPollOfNothing is a poll of the same feed where only its build date differs, which is most of them.
func BenchmarkPollOfNothing(b *testing.B) {
	body := longFeed(5000)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if bodyHash(body) == "" {
			b.Fatal("no hash")
		}
	}
}

// known is the input of the poll after the one that published a feed.
func known(b *testing.B, body []byte) input {
	b.Helper()
	in := input{
		now: day1, spacing: spacing, handleHost: "blog.example", feed: store.Feed{URL: "https://blog.example/feed.xml"},
		cfg:        Config{Backfill: 20, MaxNew: 5, Deletions: "confirm", ConfirmAfter: 6 * time.Hour},
		configured: map[string]bool{"https://blog.example/feed.xml": true},
		current:    func(string) ([]byte, error) { return nil, errors.New("nobody needs the texts of what is unchanged") },
		published:  func(string) ([]byte, error) { return nil, nil },
		visible:    func(string, content.Entry, content.Entry) bool { return true },
	}
	doc, err := Parse(body, Source{URL: in.feed.URL})
	if err != nil {
		b.Fatal(err)
	}
	in.doc = doc
	first, err := plan(in)
	if err != nil {
		b.Fatal(err)
	}
	in.feed = first.feed
	for _, put := range first.put {
		e := put.Entry
		e.State, e.Todo, e.Due, e.Version = store.EntryLive, store.TodoNothing, time.Time{}, 2
		in.known = append(in.known, e)
	}
	return in
}

func bareTokens(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func bareStruct(body []byte) error {
	var feed struct {
		Channel struct {
			Title string `xml:"title"`
			Link  string `xml:"link"`
			Items []struct {
				Title       string   `xml:"title"`
				Link        string   `xml:"link"`
				GUID        string   `xml:"guid"`
				Date        string   `xml:"pubDate"`
				Categories  []string `xml:"category"`
				Description string   `xml:"description"`
			} `xml:"item"`
		} `xml:"channel"`
	}
	err := xml.Unmarshal(body, &feed)
	if err == nil && len(feed.Channel.Items) == 0 {
		err = errors.New("no items")
	}
	return err
}

// BenchmarkParse reads feeds of 10 MB.
func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		kind    string
		entries int
		size    int
	}{{"rss", 200, 10 << 20}, {"rss", 5000, 9 << 20}, {"atom", 5000, 8 << 20}, {"json", 5000, 10 << 20}} {
		b.Run(fmt.Sprintf("%s/%d", c.kind, c.entries), func(b *testing.B) {
			body := large(c.kind, c.entries, c.size)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(body, Source{URL: "https://blog.example/feed"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode is what an unchanged entry costs to be told from a changed one.
func BenchmarkEncode(b *testing.B) {
	doc, err := Parse(longFeed(1), Source{})
	if err != nil {
		b.Fatal(err)
	}
	p, s := &planner{}, &subject{Item: doc.Items[0]}
	b.ReportAllocs()
	for b.Loop() {
		if fields, _, err := p.encode(s); err != nil || len(fields) == 0 {
			b.Fatal(err)
		}
	}
}
