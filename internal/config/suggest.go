package config

import (
	"slices"
	"strings"
)

// suggestKey says what an unknown key may have been meant to be; "" where nothing is near. path is the key's
// whole path, key its last part. A right key in a wrong table is a likely slip: in TOML every key below a
// [table] belongs to it.
func suggestKey(path, key string) string {
	section := withoutIndexes(strings.TrimSuffix(path, joinKey("", key)))
	var siblings []string
	for _, known := range allKeys() {
		table, name := splitKey(known)
		switch {
		case name == key && table == "":
			return `; "` + key + `" belongs at the top of the file, above the first [table]`
		case name == key:
			return `; "` + key + `" belongs below ` + header(table)
		}
		if rest, ok := strings.CutPrefix(known, section); ok {
			first, _, _ := strings.Cut(rest, ".")
			siblings = append(siblings, first)
		}
	}
	if near := nearest(siblings, key); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}

// allKeys are the paths of all keys, without indexes.
func allKeys() []string {
	l := &loader{cfg: &Config{}}
	var keys []string
	for _, s := range l.settings() {
		keys = append(keys, s.key)
	}
	var feed Feed
	for _, s := range l.feedSettings(&feed) {
		keys = append(keys, "feed."+s.key)
	}
	var rule Rule
	for _, s := range ruleSettings(&rule) {
		keys = append(keys, "feed.rule."+s.key)
	}
	var f Field
	for _, s := range fieldSettings(&f) {
		keys = append(keys, "account.fields."+s.key)
	}
	return keys
}

func header(table string) string {
	table = strings.TrimSuffix(table, ".")
	if table == "feed" || table == "feed.rule" {
		return "[[" + table + "]]"
	}
	return "[" + table + "]"
}

// withoutIndexes turns "feed[0]." into "feed.". The tables of an unknown key are known ones, so there are no
// brackets in quotes.
func withoutIndexes(path string) string {
	for {
		from := strings.IndexByte(path, '[')
		to := strings.IndexByte(path, ']')
		if from < 0 || to < from {
			return path
		}
		path = path[:from] + path[to+1:]
	}
}

// splitKey cuts "a.b.c" into "a.b." and "c".
func splitKey(key string) (table, name string) {
	i := strings.LastIndexByte(key, '.') + 1
	return key[:i], key[i:]
}

// suggestName is the same for variables.
func suggestName(names []string, name string) string {
	if near := nearest(names, name); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest returns the candidate with the fewest edits from word, "" where that is more than a third of it.
func nearest(candidates []string, word string) string {
	word = strings.ToLower(word)
	best, bestEdits := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if c == "" {
			continue
		}
		if d := edits(strings.ToLower(c), word); d < bestEdits {
			best, bestEdits = c, d
		}
	}
	return best
}

// edits is the number of bytes to insert, drop, change or swap with the next between two words (optimal
// string alignment).
func edits(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = slices.Min([]int{change, last[j] + 1, row[j-1] + 1})
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
