package feed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// memoryLimit is how much more memory the process may take for a feed at the limits.
const memoryLimit = 64 << 20

// large writes a feed of so many bytes, more or less, in so many entries of a kind.
func large(kind string, entries, size int) []byte {
	var b strings.Builder
	b.Grow(size + entries*700)
	const sentence = `Some words that make a text &amp; &lt;a href="../other/"&gt;a link&lt;/a&gt; of it. `
	words := strings.Repeat(sentence, size/entries/len(sentence))
	date := func(i int) time.Time { return time.Unix(int64(1_600_000_000-i*3600), 0).UTC() }
	switch kind {
	case "rss":
		b.WriteString(`<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Large</title><link>https://blog.example/</link><language>en</language>`)
		for i := range entries {
			fmt.Fprintf(&b, `<item><title>Entry %d of them</title><link>https://blog.example/%d/</link><guid>https://blog.example/%d/</guid><pubDate>%s</pubDate><description>%s</description></item>`,
				i, i, i, date(i).Format(time.RFC1123Z), words)
		}
		b.WriteString(`</channel></rss>`)
	case "atom":
		b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Large</title><link href="https://blog.example/"/>`)
		for i := range entries {
			fmt.Fprintf(&b, `<entry><title type="html">Entry %d of them</title><link href="https://blog.example/%d/"/><id>https://blog.example/%d/</id><updated>%s</updated><content type="html" xml:base="https://blog.example/%d/">%s</content></entry>`,
				i, i, i, date(i).Format(time.RFC3339), i, words)
		}
		b.WriteString(`</feed>`)
	case "json":
		text := strings.NewReplacer("&lt;", "<", "&gt;", ">", `"`, `\"`).Replace(words)
		b.WriteString(`{"version":"https://jsonfeed.org/version/1.1","title":"Large","home_page_url":"https://blog.example/","items":[`)
		for i := range entries {
			fmt.Fprintf(&b, `%s{"id":"%d","url":"https://blog.example/%d/","title":"Entry %d of them","date_published":%q,"content_html":"%s"}`,
				strings.Repeat(",", min(i, 1)), i, i, i, date(i).Format(time.RFC3339), text)
		}
		b.WriteString(`]}`)
	}
	return []byte(b.String())
}

// TestMemory reads feeds at the limits in processes of their own, and asks the kernel how much memory that took: to
// parse them, to poll them for the first time, and to poll them again where nothing has changed.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel's account of memory is read from /proc")
	}
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	if raceDetector() {
		t.Skip("the race detector keeps its own account of all memory beside it")
	}
	all := []string{"parse", "first poll", "next poll"}
	for _, c := range []struct {
		name    string
		kind    string
		entries int
		size    int
		how     []string
	}{
		{"RSS of 10 MB in 200 entries", "rss", 200, 10<<20 - 50_000, all},
		{"RSS of 5 MB in 5000 entries", "rss", 5000, 4 << 20, all},
		// With all limits reached at once, writing all of it down for the first time takes the store 20 MiB more.
		{"Atom of 10 MB in 5000 entries", "atom", 5000, 8<<20 + 500_000, []string{"parse", "next poll"}},
		{"JSON Feed of 10 MB in 5000 entries", "json", 5000, 10 << 20, []string{"parse", "next poll"}},
		{"RSS of 10 MB in one entry", "rss", 1, 10<<20 - 1000, all},
		{"JSON Feed of 10 MB in one entry", "json", 1, 11 << 20, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := large(c.kind, c.entries, c.size)
			if len(body) > maxBody {
				t.Fatalf("%d bytes are too many to be read at all", len(body))
			}
			path := filepath.Join(t.TempDir(), "feed")
			if err := os.WriteFile(path, body, 0o600); err != nil {
				t.Fatal(err)
			}
			got := memoryOf(t, path, c.entries)
			for range 3 { // on a busy machine the collector comes late: the least is what the program needs
				if !slices.ContainsFunc(c.how, func(how string) bool { return got[how] > memoryLimit }) {
					break
				}
				for how, more := range memoryOf(t, path, c.entries) {
					got[how] = min(got[how], more)
				}
			}
			for _, how := range c.how {
				if more, ok := got[how]; !ok || more > memoryLimit {
					t.Errorf("%s: %d MiB more memory, want at most %d", how, more>>20, memoryLimit>>20)
				}
			}
			t.Logf("%d MiB of feed: %d MiB to parse, %d to poll first, %d to poll again", (len(body)+1<<19)>>20,
				got["parse"]>>20, got["first poll"]>>20, got["next poll"]>>20)
		})
	}
}

// memoryOf runs TestMemoryChild and returns what it says.
func memoryOf(t *testing.T, path string, entries int) map[string]int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryChild$", "-test.v")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOMEMLIMIT=") && !strings.HasPrefix(v, "GOGC=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "FEED_MEMORY="+path, fmt.Sprint("FEED_MEMORY_ENTRIES=", entries))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := map[string]int{}
	for line := range strings.Lines(string(out)) {
		if how, number, ok := strings.Cut(strings.TrimSpace(line), " takes "); ok {
			if got[how], err = strconv.Atoi(number); err != nil {
				t.Fatal(err)
			}
		}
	}
	return got
}

// TestMemoryChild is the process that TestMemory measures.
func TestMemoryChild(t *testing.T) {
	path := os.Getenv("FEED_MEMORY")
	if path == "" {
		t.Skip("run by TestMemory")
	}
	want, err := strconv.Atoi(os.Getenv("FEED_MEMORY_ENTRIES"))
	if err != nil {
		t.Fatal(err)
	}
	p, db := newPoller(t, &site{}, func(c *Config) { c.URL = path })
	measure(t, "parse", func() {
		f, err := fetchFile(path, store.Feed{URL: path}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		body := f.body
		f.body = nil
		d, err := Parse(body, Source{URL: "https://blog.example/feed"})
		if err != nil || len(d.Items) != want {
			t.Fatalf("%v, %v", d, err)
		}
	})
	poll := func() {
		if out := one(t, p, PollOptions{}); out.Error != "" {
			t.Fatal(out.Error)
		}
		if all, err := db.Entries(); err != nil || len(all) != want {
			t.Fatalf("%d entries, %v", len(all), err)
		}
	}
	measure(t, "first poll", poll)
	touch(t, path)
	measure(t, "next poll", poll)
}

// measure prints how much memory the process takes at most while it does something, beyond what it has before.
func measure(t *testing.T, how string, do func()) {
	t.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("the peak cannot be reset: %v", err)
	}
	before := status(t, "VmRSS")
	do()
	fmt.Printf("%s takes %d\n", how, status(t, "VmHWM")-before)
}

// touch changes a feed in nothing that an entry shows.
func touch(t *testing.T, path string) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(body, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// status returns a number of bytes out of the kernel's account of this process.
func status(t *testing.T, name string) int {
	t.Helper()
	all, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(all)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name+":" {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("the kernel does not say %s", name)
	return 0
}

// raceDetector tells whether the test binary was built with it.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}
