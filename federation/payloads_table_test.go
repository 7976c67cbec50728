package federation

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	tableBegin = "<!-- written by: go test ./federation -run TestFederationPage -update -->\n"
	tableEnd   = "<!-- end -->\n"
)

// tableRow is what is known of one type of activity in one direction.
type tableRow struct {
	shapes, makers, effects []string
}

func (r *tableRow) add(list *[]string, words ...string) {
	for _, w := range words {
		if w != "" && !slices.Contains(*list, w) {
			*list = append(*list, w)
		}
	}
}

// TestFederationPage: the table of FEDERATION.md is what the payloads and the golden files say.
func TestFederationPage(t *testing.T) {
	const page = "../FEDERATION.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatal("the page has no place for the table")
	}
	want := before + tableBegin + activityTable(t) + tableEnd + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("FEDERATION.md drifted; write it anew with -update (-page +tests):\n%s", cmp.Diff(string(text), want))
	}
}

func activityTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| activity | direction | shapes | seen from, or sent as | effect |\n|---|---|---|---|---|\n")
	rows := rowsIn(t)
	for _, typ := range sortedTypes(rows) {
		r := rows[typ]
		slices.Sort(r.shapes)
		slices.Sort(r.makers)
		slices.Sort(r.effects)
		fmt.Fprintf(&b, "| %s | in | %s | %s | %s |\n", typ, strings.Join(r.shapes, "; "), strings.Join(r.makers, ", "), strings.Join(r.effects, "; "))
	}
	rows = rowsOut(t)
	for _, typ := range sortedTypes(rows) {
		r := rows[typ]
		slices.Sort(r.shapes)
		fmt.Fprintf(&b, "| %s | out | %s | %s | |\n", typ, strings.Join(r.shapes, "; "), strings.Join(r.makers, ", "))
	}
	return b.String()
}

func sortedTypes(rows map[string]*tableRow) []string {
	var types []string
	for typ := range rows {
		types = append(types, typ)
	}
	slices.Sort(types)
	return types
}

// rowsIn has a row for every type of the payloads; Undo has one for each type that is undone.
func rowsIn(t *testing.T) map[string]*tableRow {
	t.Helper()
	rows := map[string]*tableRow{}
	for _, c := range payloadCases() {
		body := payload(t, c.file)
		doc, err := readNode(body)
		if err != nil {
			t.Fatal(err)
		}
		typ := doc.kind()
		if inner := doc.one("object").kind(); typ == "Undo" && inner != "" {
			typ += " of " + inner
		}
		r := rows[typ]
		if r == nil {
			r = &tableRow{}
			rows[typ] = r
		}
		maker, _, _ := strings.Cut(c.file, "/")
		r.add(&r.makers, makerName(maker))
		r.add(&r.shapes, shapesOf(t, body)...)
		r.add(&r.effects, effectOf(c))
	}
	return rows
}

// effectOf is what is told of a payload, less what its sender wrote.
func effectOf(c payloadCase) string {
	if c.told == "" {
		return "202, dropped"
	}
	told, _, _ := strings.Cut(c.told, "reported to you: ")
	if told == "" {
		return "reported to the owner"
	}
	return strings.ReplaceAll(told, " for you ", " for the owner ")
}

func makerName(folder string) string {
	switch folder {
	case "gotosocial":
		return "GoToSocial"
	case "peertube":
		return "PeerTube"
	case "wordpress":
		return "WordPress"
	case "bookwyrm":
		return "BookWyrm"
	case "nodebb":
		return "NodeBB"
	case "gnusocial":
		return "GNU social"
	case "bridgyfed":
		return "Bridgy Fed"
	case "microblog":
		return "micro.blog"
	case "jsonld":
		return "plain JSON-LD"
	case "ghost":
		return "Ghost (Fedify)"
	}
	return strings.ToUpper(folder[:1]) + folder[1:]
}

// shapesOf says in which way an activity is written, by its plain JSON.
func shapesOf(t *testing.T, body []byte) (shapes []string) {
	t.Helper()
	if body[0] == '[' {
		return []string{"expanded"}
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	if doc["as:object"] != nil {
		return []string{"prefixed names"}
	}
	if doc["id"] == nil {
		shapes = append(shapes, "no id")
	}
	if doc["type"][0] == '[' {
		shapes = append(shapes, "several types")
	}
	if doc["actor"][0] != '"' {
		shapes = append(shapes, "actor embedded")
	}
	object := doc["object"]
	switch {
	case object[0] == '[' && strings.HasPrefix(strings.TrimSpace(string(object[1:])), "{"):
		return append(shapes, "list of objects")
	case object[0] == '[':
		return append(shapes, "list of ids")
	case object[0] == '{':
		return append(shapes, "object embedded")
	}
	return append(shapes, "object as id")
}

// rowsOut has a row for every type of activity among the golden files.
func rowsOut(t *testing.T) map[string]*tableRow {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]*tableRow{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := readNode(body)
		if err != nil || !isActivity(doc.kind()) || !strings.HasPrefix(doc.ref("actor"), testBase) {
			continue
		}
		typ := doc.kind()
		if inner := doc.one("object").kind(); isActivity(inner) {
			typ += " of " + inner
		}
		r := rows[typ]
		if r == nil {
			r = &tableRow{}
			rows[typ] = r
		}
		r.add(&r.shapes, shapesOf(t, body)...)
		r.add(&r.makers, "`"+filepath.Base(file)+"`")
	}
	return rows
}
