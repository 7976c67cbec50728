package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxPath is how long a path may grow before the scanner stops following it, in bytes: no key of ours is near,
// and a file of nested brackets alone would cost memory by the square of its size.
const maxPath = 300

// document is a TOML file: its values as go-toml gives them, and the line of every key and element.
type document struct {
	values map[string]any
	lines  map[string]int // by path: "feed[0].url"
}

// parseDocument reads TOML. Its error is a Problem without a file: the syntax is wrong, or a key stands twice.
// It decodes into maps rather than into structs because a struct's decoder stops at the first wrong type, and
// all wrong types are to be reported at once.
func parseDocument(data []byte) (*document, *Problem) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	doc := &document{values: map[string]any{}, lines: map[string]int{}}
	if err := toml.Unmarshal(data, &doc.values); err != nil {
		p := &Problem{Text: "is not TOML: " + oneLine(strings.TrimPrefix(err.Error(), "toml: "))}
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := de.Position()
			p.Line = line
			p.Text = fmt.Sprintf("column %d: %s", column, oneLine(strings.TrimPrefix(de.Error(), "toml: ")))
		}
		return nil, p
	}
	s := scanner{lines: doc.lines, tables: map[string]int{}}
	for i, c := range data {
		if c == '\n' {
			s.breaks = append(s.breaks, i)
		}
	}
	s.parser.Reset(data)
	s.scan()
	return doc, nil
}

// scanner walks the syntax tree for the lines alone. The package it uses makes no promise about its API, so
// nothing but lines depends on it: should it ever find less, errors lose their line and nothing else.
type scanner struct {
	parser unstable.Parser
	breaks []int // offsets of the line breaks
	lines  map[string]int
	tables map[string]int // elements so far of each [[array of tables]]
}

func (s *scanner) scan() {
	table := ""
	for s.parser.NextExpression() {
		e := s.parser.Expression()
		switch e.Kind {
		case unstable.Table:
			table = s.keyPath("", e.Key(), false)
		case unstable.ArrayTable:
			table = s.keyPath("", e.Key(), true)
		case unstable.KeyValue:
			s.value(s.keyPath(table, e.Key(), false), e.Value())
		}
	}
}

// keyPath notes the line of each part of a key and returns its path below a table. A part that is an array
// of tables means its last element; element says that the last part begins a new one.
func (s *scanner) keyPath(table string, key unstable.Iterator, element bool) string {
	path := table
	for key.Next() {
		if len(path) > maxPath {
			return path
		}
		path = joinKey(path, string(key.Node().Data))
		if element && key.IsLast() {
			s.tables[path]++
		}
		s.note(path, key.Node())
		if n := s.tables[path]; n > 0 {
			path = indexed(path, n-1)
			s.note(path, key.Node())
		}
	}
	return path
}

// value notes the lines inside a value that began at path.
func (s *scanner) value(path string, v *unstable.Node) {
	if len(path) > maxPath {
		return
	}
	s.note(path, v)
	it := v.Children()
	for i := 0; it.Next(); i++ {
		child := it.Node()
		switch {
		case v.Kind == unstable.Array:
			s.value(indexed(path, i), child)
		case child.Kind == unstable.KeyValue:
			s.value(s.keyPath(path, child.Key(), false), child.Value())
		}
	}
}

// note keeps the first line seen for a path: that of its key, not that of its value.
func (s *scanner) note(path string, n *unstable.Node) {
	if _, seen := s.lines[path]; seen || n.Raw.Length == 0 {
		return
	}
	before, _ := slices.BinarySearch(s.breaks, int(n.Raw.Offset))
	s.lines[path] = before + 1
}

// joinKey appends a key to a path, in quotes where TOML would need them.
func joinKey(path, key string) string {
	bare := key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
	if !bare {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
