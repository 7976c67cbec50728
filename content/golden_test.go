package content

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRender renders the entries in testdata/posts. Each file holds one entry and, for one or more modes,
// the post that it must give, with line feeds put in for people. `go test -update` writes the posts.
func TestRender(t *testing.T) {
	files, err := filepath.Glob("testdata/posts/*.txtar")
	if err != nil || len(files) < 70 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ar := txtar.Parse(data)
	e, x, o := parseCase(t, ar)
	modes := 0
	for i, f := range ar.Files {
		mode, ok := strings.CutPrefix(f.Name, "want-")
		if !ok {
			continue
		}
		modes++
		o.Mode = Mode(mode)
		post := Render(e, x, o)
		checkPost(t, post)
		if got := Render(e, x, o); !Equal(got, post) {
			t.Errorf("%s: a second rendering differs", mode)
		}
		got := readable(post)
		if *update {
			ar.Files[i].Data = []byte(got)
		} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
	if modes == 0 {
		t.Error("no want-MODE in the file")
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func parseCase(t *testing.T, ar *txtar.Archive) (Entry, Extras, Options) {
	t.Helper()
	var e Entry
	var x Extras
	o := Options{TagBase: "https://fedi.example.com/tags/"}
	for _, f := range ar.Files {
		text := strings.TrimSuffix(string(f.Data), "\n")
		var err error
		switch f.Name {
		case "entry":
			err = json.Unmarshal(f.Data, &e)
		case "options":
			err = json.Unmarshal(f.Data, &o)
		case "extras":
			err = json.Unmarshal(f.Data, &x)
		case "template":
			o.Template, err = NewTemplate(text)
		case "title":
			e.Title = text
		case "summary":
			e.Summary = text
		case "content":
			e.Content = text
		case "markdown":
			e.Markdown = text
		default:
			if !strings.HasPrefix(f.Name, "want-") {
				t.Fatalf("unknown section %q", f.Name)
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	return e, x, o
}

// readable writes a post for people to review.
func readable(p Post) string {
	var sb strings.Builder
	if p.Format != FormatNote {
		fmt.Fprintf(&sb, "%s: %s\nsummary: %s", p.Format, p.Title, lines(p.Summary))
	}
	sb.WriteString(lines(p.HTML))
	for _, fact := range []struct {
		shown bool
		text  string
	}{{p.Warning != "", "warning " + p.Warning}, {p.Sensitive, "sensitive"}, {p.Language != "", "language " + p.Language}} {
		if fact.shown {
			sb.WriteString(fact.text + "\n")
		}
	}
	for _, tag := range p.Tags {
		fmt.Fprintf(&sb, "tag %s %s\n", tag.Name, tag.Href)
	}
	for _, m := range p.Attachments {
		fmt.Fprintf(&sb, "attachment %s %s %dx%d %q", m.Type, m.URL, m.Width, m.Height, m.Alt)
		if m.Blurhash != "" {
			sb.WriteString(" blurhash " + m.Blurhash)
		}
		if m.Focus != nil {
			fmt.Fprintf(&sb, " focus %g %g", m.Focus.X, m.Focus.Y)
		}
		sb.WriteString("\n")
	}
	return sb.String()
}

// lines puts line feeds into HTML, for people.
func lines(h string) string {
	for _, tag := range strings.Fields("</p> </ul> </ol> </li> </blockquote> </pre> <br> <ul> <blockquote>") {
		h = strings.ReplaceAll(h, tag, tag+"\n")
	}
	if h != "" && !strings.HasSuffix(h, "\n") {
		h += "\n"
	}
	return h
}
