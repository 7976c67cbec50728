package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crier/content"
	"crier/feed"
)

var (
	update   = flag.Bool("update", false, "rewrite the golden files")
	showFile = flag.String("show", "", "write the rendered posts of real entries as a page to this file")
)

const goldenPosts = "testdata/posts.txt"

// perHistory is how many entries of each history are rendered: those spread over the last version that has any.
const perHistory = 5

// TestPostsOfRealEntries renders entries of real blogs (15 generators, a dozen languages) in every form and compares
// hashes of the posts with the golden ones: the texts belong to their authors and stay where they are. Look at them
// with -show FILE before you rewrite the hashes with -update.
func TestPostsOfRealEntries(t *testing.T) {
	root := os.Getenv("FEED_HISTORIES")
	if root == "" {
		t.Skip("NOT RUN: set FEED_HISTORIES to the folder of recorded feed histories to render their entries")
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "manifest.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("FEED_HISTORIES=%s holds no histories (%v)", root, err)
	}
	var lines []string
	var page strings.Builder
	page.WriteString(`<!doctype html><meta charset="utf-8"><style>body{font:16px sans-serif;max-width:38em;margin:auto}article{border:1px solid #ccc;padding:1em;margin:1em 0}</style>`)
	entries := 0
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		for _, e := range sampled(t, file) {
			entries++
			for _, mode := range []content.Mode{content.ModeSummary, content.ModeFull, content.ModeLink} {
				post := content.Render(e.Entry, content.Extras{}, content.Options{Mode: mode, TagBase: "https://fedi.example/tags/"})
				lines = append(lines, fmt.Sprintf("%s %s %s %s", name, digest(e.Key), mode, digestOf(t, post)))
				show(&page, name, mode, post)
			}
		}
	}
	if entries < 40 {
		t.Errorf("only %d entries", entries)
	}
	if *showFile != "" {
		if err := os.WriteFile(*showFile, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, lines)
}

// sampled reads the last version of a history that has entries, as crier reads a feed, and picks some of them.
func sampled(t *testing.T, manifestFile string) []feed.ReadEntry {
	t.Helper()
	b, err := os.ReadFile(manifestFile)
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, v := range slices.Backward(m.Versions) {
		if v.Parse != "ok" || len(v.Entries) == 0 {
			continue
		}
		file := filepath.Join(filepath.Dir(manifestFile), v.File)
		got, err := feed.Read(t.Context(), feed.Config{URL: "https://feed.example/feed", Transport: serving(file)}, "feed.example", "test")
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return spread(got.Entries)
	}
	t.Fatalf("%s has no entries", manifestFile)
	return nil
}

func spread(all []feed.ReadEntry) []feed.ReadEntry {
	var some []feed.ReadEntry
	for i := range min(perHistory, len(all)) {
		some = append(some, all[i*len(all)/min(perHistory, len(all))])
	}
	return some
}

// serving answers every request with a file.
type serving string

func (file serving) RoundTrip(req *http.Request) (*http.Response, error) {
	f, err := os.Open(string(file))
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.ReadCloser(f), Request: req}, nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

func digestOf(t *testing.T, p content.Post) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return digest(string(b))
}

func show(page *strings.Builder, name string, mode content.Mode, p content.Post) {
	fmt.Fprintf(page, "<article><small>%s · %s · %s</small>%s", name, mode, p.Language, p.HTML)
	for _, m := range p.Attachments {
		fmt.Fprintf(page, "<p><small>▣ %s %s “%s”</small>", m.Type, m.URL, m.Alt)
	}
	page.WriteString("</article>\n")
}

func compare(t *testing.T, lines []string) {
	t.Helper()
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(goldenPosts, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(goldenPosts)
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(strings.TrimSpace(string(want)), "\n")
	for i, line := range lines {
		if i >= len(wanted) || wanted[i] != line {
			t.Errorf("line %d: a post came out otherwise: %s; look at it with -show FILE", i+1, line)
		}
	}
	if len(wanted) != len(lines) {
		t.Errorf("%d posts, want %d", len(lines), len(wanted))
	}
}
