package content

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// syntaxError says in the owner's words what the parser found. It names the line alone; the column is that of the
// first action on it.
func syntaxError(source string, err error) error {
	m := regexp.MustCompile(`(?s)^template: [^:]*:(\d+):(?:\d+:)? ?(.*)$`).FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("read the template: %w", err)
	}
	line, _ := strconv.Atoi(m[1])
	at := 0
	for i := 1; i < line; i++ {
		at += strings.IndexByte(source[at:], '\n') + 1
	}
	end := len(source)
	if i := strings.IndexByte(source[at:], '\n'); i >= 0 {
		end = at + i
	}
	at += max(0, strings.Index(source[at:end], "{{"))
	return errorAt(source, at, explained(m[2]))
}

// explained puts the messages of text/template/parse (Go 1.26) that owners meet into their words.
func explained(message string) string {
	if name, ok := strings.CutSuffix(message, " not defined"); ok {
		if name, ok = strings.CutPrefix(name, `function "`); ok {
			return noFunction(strings.TrimSuffix(name, `"`))
		}
	}
	if name, ok := strings.CutPrefix(message, "undefined variable "); ok {
		return "there is no variable " + strings.Trim(name, `"`)
	}
	for _, m := range []struct{ has, means string }{
		{"unexpected EOF", "the {{end}} of an {{if}}, {{with}} or {{range}} is missing"},
		{"unexpected {{end}}", "an {{end}} without its {{if}}, {{with}} or {{range}}"},
		{"unexpected {{else}}", "an {{else}} without its {{if}}, {{with}} or {{range}}"},
		{"unclosed action", "a {{ without its }}"},
		{"unclosed comment", "a {{/* without its */}}"},
		{"unterminated quoted string", "a text in quotes whose end is missing"},
		{"unterminated raw quoted string", "a text in backquotes whose end is missing"},
		{"unclosed left paren", "a ( without its )"},
		{"missing value for", "nothing stands in the braces, or nothing after a word that needs something: " + message},
	} {
		if strings.Contains(message, m.has) {
			return m.means
		}
	}
	return message
}

// runError says in the owner's words why a template cannot be filled in.
func runError(err error) error {
	m := regexp.MustCompile(`(?s)^template: [^:]*:(\d+):(\d+): executing "[^"]*" at <(.*?)>: (.*)$`).FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("fill the template in: %w", errors.Unwrap(err))
	}
	column, _ := strconv.Atoi(m[2])
	what := regexp.MustCompile(`^error calling \w+: `).ReplaceAllString(m[4], "")
	if strings.Contains(what, "out of range") {
		what = "some entries have less than that; {{first .Authors}} works with none, too"
	}
	what = strings.NewReplacer("content.words", "a text", "content.address", "an address", "content.text", "a text",
		"content.hashtagText", "a text", "[]a text", "a list", "content.filling", "an entry").Replace(what)
	return fmt.Errorf("line %s, column %d: %s: %s", m[1], column+1, m[3], what)
}

// nearest returns the name that somebody may have meant: the same but for case or two letters.
func nearest(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least && d < len(n) {
			best, least = n, d
		}
	}
	return best
}

// distance is Levenshtein's, of bytes; names that are long or differ much in length are far from each other.
func distance(a, b string) int {
	if len(a) > 30 || len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 30
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
