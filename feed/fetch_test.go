package feed

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFetchErrors(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 200 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request) bool
		want   string
	}{
		{"missing", status(404), "there is no feed at this address (404); posts stay as they are"},
		{"gone", status(410), "there is no feed at this address (410)"},
		{"forbidden", status(403), "does not let crier read the feed (403)"},
		{"server error", status(500), "the server answers 500 Internal Server Error"},
		{"304 without a question", status(304), "the server answers 304"},
		{"redirects without end", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/feed.xml?again", http.StatusFound)
			return true
		}, "more than 5 redirects"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Write(make([]byte, maxBody+1))
			return true
		}, "larger than 10 MB"},
		{"a bomb", func(w http.ResponseWriter, _ *http.Request) bool { w.Write(bomb.Bytes()); return true }, "larger than 10 MB"},
		{"a broken archive", func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte("\x1f\x8bxxxxxxxxxx")); return true }, "cannot be unpacked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, db := newPoller(t, &site{answer: c.answer}, nil)
			if out := one(t, p, PollOptions{}); !strings.Contains(out.Error, c.want) {
				t.Errorf("%+v, want %q", out, c.want)
			}
			if rec, err := db.Feed(feedURL); err != nil || rec.LastError == "" || !rec.FirstRead.IsZero() {
				t.Errorf("record %+v, %v", rec, err)
			}
		})
	}
}

func TestPackedFeed(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, rssOf(1))
	z.Close()
	p, _ := newPoller(t, &site{body: packed.String()}, nil)
	if out := one(t, p, PollOptions{}); out.New != 1 {
		t.Errorf("%+v", out)
	}
}

func TestSlowFeedTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPoller(t, &site{answer: func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }}, nil)
		began := time.Now()
		if out := one(t, p, PollOptions{}); out.Error != "the feed did not arrive within 30s" {
			t.Errorf("%+v", out)
		}
		if d := time.Since(began); d != fetchTimeout {
			t.Errorf("took %v", d)
		}
	})
}

func TestFileFeed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feed.xml")
	p, db := newPoller(t, &site{}, func(c *Config) { c.URL = path })
	if out := one(t, p, PollOptions{}); !strings.Contains(out.Error, "there is no feed at this path") {
		t.Errorf("missing file: %+v", out)
	}
	write := func(body string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	write(rssOf(1), 0)
	if out := one(t, p, PollOptions{}); out.New != 1 {
		t.Errorf("new file: %+v", out)
	}
	if rec, _ := db.Feed(path); rec.ETag != "" {
		t.Errorf("a file that may be written again within its time stamp got the validator %q", rec.ETag)
	}
	write(rssOf(2), time.Hour) // as many bytes
	if out := one(t, p, PollOptions{}); out.New != 1 {
		t.Errorf("changed file: %+v", out)
	}
	if rec, _ := db.Feed(path); !strings.HasPrefix(rec.ETag, "file-") {
		t.Errorf("no validator: %+v", rec)
	}
	if out := one(t, p, PollOptions{}); out.New+out.Changed != 0 || out.Error != "" {
		t.Errorf("same file: %+v", out)
	}
	p, _ = newPoller(t, &site{}, func(c *Config) { c.URL = t.TempDir() })
	if out := one(t, p, PollOptions{}); out.Error != "the feed is not a file" {
		t.Errorf("directory: %+v", out)
	}
}

func TestHeaders(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "": 0, "soon": 0, "-5": 0, "99999999999": maxRetryAfter, "999999": maxRetryAfter,
		day1.Add(time.Hour).Format(http.TimeFormat): time.Hour, day1.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(value, day1); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
	for value, want := range map[string]time.Duration{
		"public, max-age=600": 10 * time.Minute, "no-store": 0, "MAX-AGE=\"60\"": time.Minute, "s-maxage=5": 0,
	} {
		if got := maxAge(value); got != want {
			t.Errorf("maxAge(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestLastModifiedWithinTheSecond(t *testing.T) {
	answered := time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)
	for _, c := range []struct {
		changed string
		kept    bool
	}{
		{answered.Format(http.TimeFormat), false},
		{answered.Add(-time.Second).Format(http.TimeFormat), false},
		{answered.Add(-2 * time.Second).Format(http.TimeFormat), true},
		{answered.AddDate(0, 0, 1).Format(http.TimeFormat), false},
		{"last Tuesday", true}, // the server's own mark, whatever it means
		{"", false},
	} {
		h := http.Header{"Date": {answered.Format(http.TimeFormat)}, "Last-Modified": {c.changed}}
		if got := lastModified(h); (got != "") != c.kept {
			t.Errorf("%q: kept %q", c.changed, got)
		}
	}
}

// TestBuildDateIsNoChange checks what may differ between two documents that say the same.
func TestBuildDateIsNoChange(t *testing.T) {
	const head, item = `<rss><channel><lastBuildDate>Mon, 1 Jan 2024</lastBuildDate><pubDate>1</pubDate><ttl>5</ttl>`, `<item><pubDate>2</pubDate><title>a</title></item></channel></rss>`
	whole := bodyHash([]byte(head + item))
	for _, c := range []struct {
		name, body string
		same       bool
	}{
		{"another build date", strings.Replace(head, "1 Jan", "2 Feb", 1) + item, true},
		{"another date of the channel", strings.Replace(head, ">1<", ">3<", 1) + item, true},
		{"another date of an entry", head + strings.Replace(item, ">2<", ">3<", 1), false},
		{"another title", head + strings.Replace(item, ">a<", ">b<", 1), false},
		{"another time to live", strings.Replace(head, ">5<", ">6<", 1) + item, false},
		{"markup in the date", strings.Replace(head, "Mon", "<item>", 1) + item, false},
	} {
		if same := bodyHash([]byte(c.body)) == whole; same != c.same {
			t.Errorf("%s: the same document: %v, want %v", c.name, same, c.same)
		}
	}
	atom := `<feed xmlns="http://www.w3.org/2005/Atom"><updated>1</updated><entry><updated>2</updated></entry><updated>3</updated></feed>`
	if bodyHash([]byte(atom)) != bodyHash([]byte(strings.Replace(atom, ">1<", ">4<", 1))) || bodyHash([]byte(atom)) == bodyHash([]byte(strings.Replace(atom, ">2<", ">4<", 1))) {
		t.Error("Atom is not told apart")
	}
}
