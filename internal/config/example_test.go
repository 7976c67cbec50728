package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const exampleFile = "../../config.example.toml"

// uncommented turns the example's commented defaults ("#key = …", "#[table]") into real lines. Prose and
// examples begin with "# ".
func uncommented(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^#([a-z_]+ = |\[)`).ReplaceAllString(string(data), "$1")
}

// TestExample: config.example.toml works as it stands, and says the same as the code about every default.
func TestExample(t *testing.T) {
	dir, err := filepath.Abs(filepath.Dir(exampleFile))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.BaseURL = "https://fedi.example.com"
	want.Account.Handle = Handle{"user", "example.com"}
	want.Account.Name = "user"
	feed := DefaultFeed()
	feed.URL = "https://example.com/index.xml"
	want.Feeds = []Feed{feed}

	check := func(got *Config, dir string) {
		t.Helper()
		want.SourceFile, want.DataDir = got.SourceFile, filepath.Join(dir, "data")
		if diff := cmp.Diff(&want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	check(load(t, exampleFile), dir)

	file := write(t, uncommented(t))
	want.Feeds[0].IntervalSet = true
	check(load(t, file), filepath.Dir(file))
}

// TestExampleHasEveryKey: every key stands in the example, with prose above it, and none stands there twice.
func TestExampleHasEveryKey(t *testing.T) {
	text := uncommented(t)
	doc, problem := parseDocument([]byte(text))
	if problem != nil {
		t.Fatal(problem)
	}
	lines := strings.Split(text, "\n")
	for _, key := range allKeys() {
		if strings.HasPrefix(key, "account.fields.") || strings.HasPrefix(key, "feed.rule") {
			continue // in the example within the prose
		}
		path := key
		if rest, ok := strings.CutPrefix(key, "feed."); ok {
			path = "feed[0]." + rest
		}
		line := doc.lines[path]
		if line == 0 {
			t.Errorf("%s is missing", key)
			continue
		}
		above := lines[line-2]
		if !strings.HasPrefix(above, "# ") && key != "account.header" {
			t.Errorf("%s has no words above it but %q", key, above)
		}
	}
}
