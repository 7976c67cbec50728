package budget

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryBudgetIsHeld: a counted budget that no test checks, or a measured one that nothing measures, holds nothing.
func TestEveryBudgetIsHeld(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	tests := sources(t, "../..", "_test.go")
	measures := sources(t, "../load", ".go")
	for _, b := range all {
		where := tests
		if !b.Counted {
			where = measures
		}
		if !strings.Contains(where, `"`+b.Name+`"`) {
			t.Errorf("%s is in budgets.txt, and nothing holds it", b.Name)
		}
	}
}

func sources(t *testing.T, root, suffix string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestCheck(t *testing.T) {
	if err := Check("memory.idle", 32); err != nil {
		t.Errorf("what just keeps a budget: %v", err)
	}
	for name, got := range map[string]float64{"memory.idle": 32.1, "follow.new": 399, "nothing": 0} {
		if Check(name, got) == nil {
			t.Errorf("%s: %v is taken", name, got)
		}
	}
	b, err := Find("delivery.plain")
	if err != nil || b.String() != "≤ 1.35 signatures" {
		t.Errorf("the limit reads %q, %v", b, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		"counted a <= 1 b", "guessed a <= 1 b : c", "counted a == 1 b : c", "counted a <= x b : c",
		"counted a <= 1 b : c\ncounted a <= 2 b : c",
	} {
		if got, err := parse(line); err == nil {
			t.Errorf("%q is read as %v", line, got)
		}
	}
}
