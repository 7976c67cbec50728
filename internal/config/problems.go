package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File string // the file it is in, as it was named; empty for the environment
	Line int    // 1-based; 0 where something is missing
	Env  string // the variable it is in
	Key  string // path of the key: "feed[0].interval"
	Text string // what is wrong and what would be right; never a secret, always one line
}

// String is the problem in one line: where, key, what.
func (p Problem) String() string {
	parts := make([]string, 0, 3)
	switch {
	case p.Env != "":
		return p.Env + ": " + p.Text
	case p.File != "" && p.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", p.File, p.Line))
	case p.File != "":
		parts = append(parts, p.File)
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	return strings.Join(append(parts, p.Text), ": ")
}

// Problems is the error of a configuration that cannot be used: everything that is wrong with it.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders problems as a reader mends them: down the file, then what is missing, then the environment.
func (ps Problems) sorted() Problems {
	rank := func(p Problem) int {
		switch {
		case p.Env != "":
			return 2
		case p.Line == 0:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return a.Line - b.Line
	})
	return ps
}

// Warning is something that deserves a look but stops nothing.
type Warning struct {
	Name string // the variable or key that it is about
	Text string
}

// String is the warning in one line.
func (w Warning) String() string { return w.Name + ": " + w.Text }

// maxQuoted is how many characters of a wrong value an error repeats.
const maxQuoted = 60

// maxMessage is how many characters of a parser's message are repeated.
const maxMessage = 200

// quote shows a value in an error: on one line, not endless, without the secrets that a URL may carry.
func quote(s string) string {
	if _, after, ok := strings.Cut(s, "://"); ok {
		if at := strings.LastIndexByte(after, '@'); at >= 0 {
			s = s[:len(s)-len(after)] + "…" + after[at:]
		}
		if query := strings.IndexByte(s, '?'); query >= 0 {
			s = s[:query] + "?…"
		}
	}
	return strconv.Quote(shorten(s, maxQuoted))
}

// shorten cuts text after n characters.
func shorten(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}

// oneLine keeps foreign text (a parser's message) from breaking a line or a terminal, or filling it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, shorten(s, maxMessage))
}
