package feed

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crier/content"
	"crier/store"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

// TestStories plays the stories in testdata: versions of a small feed one after the other, each followed by
// what must come of it. Every story tells one oddity of the feeds that people really have. A story begins
// with a sentence about it, and with lines "key = value" for the configuration.
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { playStory(t, path) })
	}
}

func playStory(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newStory(t, string(archive.Comment))
	out := &txtar.Archive{Comment: archive.Comment}
	for i := 0; i < len(archive.Files); i++ {
		f := archive.Files[i]
		out.Files = append(out.Files, f)
		if f.Name == "want" {
			t.Fatalf("%s: a want without a version", path)
		}
		got := s.version(f.Name, f.Data)
		if i+1 < len(archive.Files) && archive.Files[i+1].Name == "want" {
			i++
			if want := string(archive.Files[i].Data); want != got && !*update {
				t.Errorf("%s: after %s:\ngot:\n%swant:\n%s", path, f.Name, got, want)
			}
		} else if !*update {
			t.Errorf("%s: nothing is wanted after %s", path, f.Name)
		}
		out.Files = append(out.Files, txtar.File{Name: "want", Data: []byte(got)})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// story is a feed and what is known of it.
type story struct {
	t          *testing.T
	db         *store.DB
	cfg        Config
	configured map[string]bool
	looks      map[string]lookResult // by key: what pages answer
	leads      map[string]string     // by key: where pages lead to
	shown      map[string]string     // what other feeds show
}

// learn is what the pages and the other feeds are found to say.
func (s *story) learn() learnt {
	l := learnt{shown: s.shown}
	if s.looks == nil && s.leads == nil {
		return l
	}
	l.looks = map[string]sight{}
	for key, result := range s.looks {
		l.looks[key] = sight{result: result}
	}
	for key, to := range s.leads {
		l.looks[key] = sight{pageThere, to}
	}
	return l
}

func newStory(t *testing.T, settings string) *story {
	s := &story{t: t, db: openStore(t), cfg: Config{
		URL: "https://blog.example/feed.xml", Backfill: 20, MaxNew: 5, Deletions: "feed", ConfirmAfter: 6 * time.Hour,
		Style: content.Style{Options: content.Options{Mode: content.ModeFull, Pictures: content.PicturesAttach, TagBase: "https://fedi.example/tags/"}},
	}}
	for line := range strings.Lines(settings) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		switch key {
		case "url":
			s.cfg.URL = value
		case "deletions":
			s.cfg.Deletions = value
		case "grace":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			s.cfg.Grace = d
		case "max_age":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			s.cfg.MaxAge = d
		case "skip":
			s.cfg.Style.Rules = append(s.cfg.Style.Rules, content.Rule{Category: value, Skip: true})
		case "redirect":
			key, to, _ := strings.Cut(value, " → ")
			if s.leads == nil {
				s.leads = map[string]string{}
			}
			s.leads[key] = to
		default:
			t.Fatalf("no such setting: %s", key)
		}
	}
	s.configured = map[string]bool{s.cfg.URL: true}
	return s
}

// version polls one version, named "N TIME" or "N TIME CONTENT-TYPE", and describes what came of it: the
// reading, the plan, and what was published at that moment.
func (s *story) version(name string, body []byte) string {
	s.t.Helper()
	fields := strings.Fields(name)
	now, err := time.Parse(time.RFC3339, fields[1])
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	var out strings.Builder
	doc, err := Parse(body, Source{URL: s.cfg.URL, ContentType: strings.Join(fields[2:], " ")})
	if err != nil {
		fmt.Fprintf(&out, "error: %v\n", err)
	} else {
		p := s.poll(doc, now)
		for _, i := range p.items {
			fmt.Fprintf(&out, "%s: %s\n", i.Action, first(i.Title, "(untitled)"))
		}
		if p.why != "" {
			fmt.Fprintf(&out, "since %s\n", p.why)
		}
	}
	for _, did := range publishDue(s.t, s.db, now) {
		fmt.Fprintf(&out, "> %s\n", did)
	}
	return out.String()
}

func (s *story) poll(doc *Document, now time.Time) planned {
	s.t.Helper()
	p := s.plan(doc, now)
	if err := s.db.RecordPoll(store.Poll{Feed: p.feed, Put: p.put}); err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *story) plan(doc *Document, now time.Time) planned {
	s.t.Helper()
	rec, err := s.db.Feed(s.cfg.URL)
	if err != nil {
		rec = store.Feed{URL: s.cfg.URL}
	}
	known, err := s.db.Entries()
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := plan(input{
		now: now, cfg: s.cfg, spacing: spacing, handleHost: "handle.example", feed: rec, known: known,
		configured: s.configured, doc: doc, learnt: s.learn(),
		current:   func(key string) ([]byte, error) { b, _, err := s.db.EntryFields(key); return b, err },
		published: func(key string) ([]byte, error) { _, b, err := s.db.EntryFields(key); return b, err },
		visible: func(_ string, a, b content.Entry) bool {
			return !content.Equal(content.Render(a, content.Extras{}, s.cfg.Style.Options), content.Render(b, content.Extras{}, s.cfg.Style.Options))
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// entry returns the entry with that key.
func (s *story) entry(key string) store.Entry {
	s.t.Helper()
	e, err := s.db.Entry(key)
	if err != nil {
		s.t.Fatalf("entry %s: %v", key, err)
	}
	return e
}

// TestParseGolden compares whole documents of every format with what is read from them.
func TestParseGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/parse/*.feed")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(body, Source{URL: "https://blog.example/sub/feed.xml"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(d, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(path, ".feed") + ".golden"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != string(got)+"\n" {
				t.Errorf("%s differs from %s; got\n%s", path, golden, got)
			}
		})
	}
}
