package budget

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed budgets.txt
var text string

// Budget is one figure that has to be kept.
type Budget struct {
	Name    string // such as "delete.unknown.allocs"
	Counted bool   // held by a test; else measured by internal/load
	Least   bool   // the limit is a least one; else it is a most one
	Limit   float64
	Unit    string
	What    string // whose cost it is, in words
}

// All is every budget in the order of the file.
func All() ([]Budget, error) { return parse(text) }

// Find is the budget of a name. A name that is not in the file is an error.
func Find(name string) (Budget, error) {
	all, err := All()
	if err != nil {
		return Budget{}, err
	}
	for _, b := range all {
		if b.Name == name {
			return b, nil
		}
	}
	return Budget{}, fmt.Errorf("there is no budget %q in internal/budget/budgets.txt", name)
}

// Check is an error where got does not keep the budget of that name, or where there is none.
func Check(name string, got float64) error {
	b, err := Find(name)
	if err != nil {
		return err
	}
	if b.Least && got < b.Limit || !b.Least && got > b.Limit {
		return fmt.Errorf("%s: %v %s, the budget is %s (%s)", name, got, b.Unit, b, b.What)
	}
	return nil
}

// String is the limit as it is read: "≤ 1.35 signatures".
func (b Budget) String() string {
	sign := "≤"
	if b.Least {
		sign = "≥"
	}
	return strings.TrimSpace(sign + " " + strconv.FormatFloat(b.Limit, 'f', -1, 64) + " " + b.Unit)
}

// parse reads lines of "KIND NAME <= LIMIT [UNIT] : WHAT"; empty ones and those that begin with "#" say nothing.
func parse(text string) ([]Budget, error) {
	var all []Budget
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		b, err := parseLine(line)
		if err == nil && seen[b.Name] {
			err = fmt.Errorf("%q stands there twice", b.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("budgets.txt, line %d: %w", i+1, err)
		}
		seen[b.Name] = true
		all = append(all, b)
	}
	return all, nil
}

func parseLine(line string) (Budget, error) {
	left, what, _ := strings.Cut(line, " : ")
	words := strings.Fields(left)
	if len(words) < 4 || what == "" {
		return Budget{}, fmt.Errorf("want \"counted|measured NAME <=|>= LIMIT UNIT : WHAT\", not %q", line)
	}
	limit, err := strconv.ParseFloat(words[3], 64)
	if err != nil {
		return Budget{}, fmt.Errorf("the limit %q is no number", words[3])
	}
	b := Budget{
		Name: words[1], Counted: words[0] == "counted", Least: words[2] == ">=",
		Limit: limit, Unit: strings.Join(words[4:], " "), What: strings.TrimSpace(what),
	}
	if !b.Counted && words[0] != "measured" || !b.Least && words[2] != "<=" {
		return Budget{}, fmt.Errorf("want \"counted\" or \"measured\", and \"<=\" or \">=\", not %q", line)
	}
	return b, nil
}
