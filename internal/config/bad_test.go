package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestBad has one file for each rule, and what is said about it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			cfg, warnings, err := Load(file, true, nil)
			problems, ok := errors.AsType[Problems](err)
			if !ok || cfg != nil || len(warnings) != 0 {
				t.Fatalf("got %v, %v, %v, want Problems alone", cfg, warnings, err)
			}
			got := problems.Error() + "\n"
			if strings.Contains(got, "s3cret") || strings.Contains(got, "5333") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			if strings.ContainsAny(got, "\x1b\r\x00") {
				t.Errorf("control characters in %q", got)
			}
			golden(t, strings.TrimSuffix(file, ".toml")+".golden", got)
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
