package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"crier/content"

	"golang.org/x/text/encoding/charmap"
)

// oracleEntry is what an independent reader found in one entry of a real feed.
type oracleEntry struct {
	ID        string     `json:"id"`
	From      string     `json:"id_from"`
	Link      *string    `json:"link"`
	Title     *string    `json:"title"`
	Published *time.Time `json:"published_utc"`
	Updated   *time.Time `json:"updated_utc"`
	Written   *string    `json:"published"`
	TextHash  string     `json:"text_hash"`

	labelled bool // the oracle believed a label that says ISO 8859-1 over UTF-8, and read "Ã©" for "é"
}

// oracleDiffers names what we read otherwise on purpose: "history/version what" or "history what", and why.
func oracleDiffers() map[string]string {
	return map[string]string{
		"games-first/004 published": "the date is in French words, which we read",
		"games-first/023 text":      "markup that is not escaped in a description is part of the text for us",
	}
}

// TestOracle compares every entry of every version of the real feeds with what an independent reader found: identity,
// link, title, dates and the text, which must be the same to the last letter once tags are gone.
func TestOracle(t *testing.T) {
	dir := historiesDir(t)
	manifests, err := filepath.Glob(filepath.Join(dir, "*", "manifest.json"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("no histories in %s: %v", dir, err)
	}
	compared := 0
	for _, path := range manifests {
		var h struct {
			Name     string
			Versions []struct {
				N, File, Parse string
				Count          int `json:"entry_count"`
				Entries        []oracleEntry
			}
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(raw, &h)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range h.Versions {
			if v.File == "" || v.Parse == "broken" {
				continue
			}
			name := h.Name + "/" + v.N
			body := readHistory(t, h.Name, v.N)
			d, err := Parse(body, Source{URL: "https://feed.example/" + h.Name})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if len(d.Items) != v.Count || len(d.Items) != len(v.Entries) {
				t.Errorf("%s: %d entries, want %d", name, len(d.Items), v.Count)
				continue
			}
			for n, e := range v.Entries {
				compared++
				e.labelled = utf8.Valid(body) && bytes.Contains(body[:min(len(body), 100)], []byte(`encoding="ISO-8859-1"`))
				for what, differs := range e.compare(d.Items[n]) {
					if oracleDiffers()[h.Name+" "+what] == "" && oracleDiffers()[name+" "+what] == "" {
						t.Errorf("%s, entry %d: %s: %s", name, n+1, what, differs)
					}
				}
			}
		}
	}
	if compared < 3000 {
		t.Errorf("only %d entries were compared", compared)
	}
}

// compare returns where an item differs from what the oracle says.
func (e oracleEntry) compare(it Item) map[string]string {
	out := map[string]string{}
	check := func(what string, got, want any) {
		if got != want {
			out[what] = fmt.Sprintf("%q, want %q", got, want)
		}
	}
	id := first(it.GUID, it.Link)
	if strings.HasPrefix(e.From, "title") || strings.HasPrefix(e.From, "hash") {
		e.ID = ""
	}
	check("id", id, e.ID)
	check("link", it.Link, text(e.Link))
	check("title", it.Title, content.PlainText(text(e.Title)))
	check("published", stamp(it.Published), instant(e.Published))
	if !it.Updated.IsZero() || e.Updated != nil && e.Published == nil {
		check("updated", stamp(it.Updated), instant(e.Updated))
	}
	body := bare(first(it.Content, it.Summary))
	if e.labelled {
		body = asLabelled(body)
	}
	sum := sha256.Sum256([]byte(bare(text(e.Title)) + "\n" + body))
	check("text", hex.EncodeToString(sum[:]), e.TextHash)
	return out
}

func asLabelled(s string) string {
	wrong, err := charmap.ISO8859_1.NewDecoder().String(s)
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(wrong), " ")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}

// bare is the text of HTML by the manifest's rule.
func bare(s string) string {
	s = regexp.MustCompile(`(?s)<!--.*?-->`).ReplaceAllString(s, " ")
	s = regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(s, " ")
	return strings.Join(strings.Fields(html.UnescapeString(s)), " ")
}

// historiesDir returns the folder of the real feeds, or skips the test where there is none.
func historiesDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FEED_HISTORIES")
	if dir == "" {
		t.Skip("set FEED_HISTORIES to the folder of the histories")
	}
	return dir
}

// readHistory returns one version of a real feed, or nil where there was none.
func readHistory(t *testing.T, name, n string) []byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(historiesDir(t), name, n+".*"))
	if err != nil || len(paths) == 0 {
		return nil
	}
	body, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return body
}
