package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile is the largest configuration file that is read, in bytes. It guards against a wrong --config.
const maxFile = 1 << 20

// Load reads the configuration: defaults, over them the file at path, over that the CRIER_… variables of
// environ ("NAME=value", as os.Environ gives them; an empty variable counts as unset). explicit says that the
// owner named the file, so that it must exist; a default file may be missing. The error is Problems where the
// configuration is at fault. Warnings stop nothing and come with either outcome.
func Load(path string, explicit bool, environ []string) (*Config, []Warning, error) {
	data, err := readFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && explicit:
		return nil, nil, fmt.Errorf("configuration file %s does not exist; copy config.example.toml there and edit it", path)
	case err != nil && !missing:
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	l, err := newLoader(path)
	if err != nil {
		return nil, nil, err
	}
	if missing {
		l.file = ""
	}
	l.load(data, environ)
	if len(l.problems) > 0 {
		return nil, l.warnings, l.problems.sorted()
	}
	return l.cfg, l.warnings, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes; is it a configuration?", path, maxFile)
	}
	return data, err
}

// loader is the state of one Load.
type loader struct {
	cfg      *Config
	file     string            // as named; empty where there is none
	dir      string            // absolute: what relative paths are relative to
	origins  map[string]origin // where each key that was written stands, by path
	problems Problems
	warnings []Warning
}

// origin is where a value was written: a line of the file or a variable, the variable winning.
type origin struct {
	line int
	env  string
}

func newLoader(path string) (*loader, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the folder of %s: %w", path, err)
	}
	cfg := Default()
	return &loader{cfg: &cfg, file: path, dir: filepath.Dir(abs), origins: map[string]origin{}}, nil
}

// load fills l.cfg and l.problems. After a syntax error nothing else is said: what is missing is not known.
func (l *loader) load(data []byte, environ []string) {
	l.cfg.SourceFile = l.file
	doc, syntax := parseDocument(data)
	if syntax != nil {
		syntax.File = l.file
		l.problems = append(l.problems, *syntax)
		return
	}
	l.fromFile(doc)
	l.fromEnviron(environ)
	l.finish()
}

// input is one value on its way into the configuration.
type input struct {
	l       *loader
	path    string
	value   any // as go-toml gives it; a string where env is set
	from    origin
	doc     *document // nil for a variable
	example string    // of a right value, in TOML
}

// fail reports a problem with the value.
func (in input) fail(format string, args ...any) {
	in.l.report(in.path, in.from, fmt.Sprintf(format, args...))
}

// part is an element or a key inside the value.
func (in input) part(path string, value any) input {
	in.path, in.value = path, value
	if in.doc != nil && in.doc.lines[path] > 0 {
		in.from.line = in.doc.lines[path]
	}
	return in
}

func (l *loader) report(path string, from origin, text string) {
	p := Problem{Key: shorten(path, maxPath), Env: from.env, Text: text}
	if from.env == "" {
		p.File, p.Line = l.file, from.line
	}
	l.problems = append(l.problems, p)
}

// fromFile applies a document.
func (l *loader) fromFile(doc *document) {
	top := l.settings()
	root := input{l: l, doc: doc}
	for _, key := range sortedKeys(doc.values) {
		in := root.part(joinKey("", key), doc.values[key])
		if key == "feed" {
			l.feeds(in)
			continue
		}
		l.key(in, key, top)
	}
}

// key applies one key of the file, going down into sections. full is its path without indexes.
func (l *loader) key(in input, full string, list []setting) {
	if s, ok := findSetting(list, full); ok {
		in.example = s.example
		l.apply(in, s)
		return
	}
	if !isSection(list, full) {
		_, name := splitKey(full)
		in.fail("unknown key%s", suggestKey(in.path, name))
		return
	}
	table, ok := in.value.(map[string]any)
	if !ok {
		in.fail("%s where a table belongs; write [%s] and its keys below it", typeName(in.value), full)
		return
	}
	for _, key := range sortedKeys(table) {
		l.key(in.part(joinKey(in.path, key), table[key]), full+"."+key, list)
	}
}

// feeds applies [[feed]].
func (l *loader) feeds(in input) {
	tables, ok := in.value.([]any)
	if !ok {
		in.fail("%s where a list of tables belongs; write [[feed]], in two brackets, above the keys of each feed", typeName(in.value))
		return
	}
	if len(tables) > maxFeeds {
		in.fail("%d feeds are too many; at most %d are polled", len(tables), maxFeeds)
		return
	}
	l.cfg.Feeds = make([]Feed, len(tables))
	for i := range tables {
		l.cfg.Feeds[i] = DefaultFeed()
		el := in.part(indexed("feed", i), tables[i])
		table, ok := tables[i].(map[string]any)
		if !ok {
			el.fail("%s where a table belongs; write [[feed]] above the keys of each feed", typeName(tables[i]))
			continue
		}
		l.origins[el.path] = el.from
		list := l.feedSettings(&l.cfg.Feeds[i])
		for _, key := range sortedKeys(table) {
			l.key(el.part(joinKey(el.path, key), table[key]), key, list)
		}
	}
}

// apply lets a setting read its value and remembers where it was written.
func (l *loader) apply(in input, s setting) {
	l.origins[in.path] = in.from
	s.read(in)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func isSection(list []setting, path string) bool {
	return slices.ContainsFunc(list, func(s setting) bool { return strings.HasPrefix(s.key, path+".") })
}
