package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"crier/content"
)

// rules reads the [[feed.rule]] of a feed.
func rules(dst *[]Rule) reader {
	return func(in input) {
		tables, ok := in.value.([]any)
		if !ok {
			in.fail("%s where a list of tables belongs; write [[feed.rule]], in two brackets, above the keys of each rule", typeName(in.value))
			return
		}
		if len(tables) > maxRules {
			in.fail("%d rules are too many; at most %d are read", len(tables), maxRules)
			return
		}
		var read []Rule
		for i, t := range tables {
			el := in.part(indexed(in.path, i), t)
			el.example = in.example
			read = append(read, rule(el))
		}
		*dst = read
	}
}

// rule reads one rule. A rule that fits everything or changes nothing is a slip of the pen.
func rule(in input) (r Rule) {
	values, ok := in.value.(map[string]any)
	if !ok {
		in.fail("%s where a table belongs; write [[feed.rule]] above the keys of each rule", typeName(in.value))
		return r
	}
	before := len(in.l.problems)
	keys := ruleSettings(&r)
	for _, key := range sortedKeys(values) {
		in.l.key(in.part(joinKey(in.path, key), values[key]), key, keys)
	}
	switch {
	case len(in.l.problems) > before:
	case r.Category == "" && r.Path == "" && r.Author == "":
		in.fail("says nothing about which entries it is for; write category, path or author")
	case !r.Skip && !r.Sensitive && r.Visibility == "" && r.Warning == "" && r.Content == "" && r.Pictures == "" && len(r.Hashtags) == 0:
		in.fail("changes nothing; write skip, visibility, warning, sensitive, content, pictures or hashtags")
	}
	return r
}

// parsePattern reads a text with * and ? that others are compared with.
func parsePattern(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("is empty; leave the key out instead")
	}
	return s, checkLine(s, maxPattern)
}

func parsePathPattern(s string) (string, error) {
	if !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "*") {
		return "", fmt.Errorf(`%s begins with neither / nor *; a path is what stands behind the host: "/notes/*"`, quote(s))
	}
	return parsePattern(s)
}

const (
	maxPattern = 500 // characters of a pattern
	maxWarning = 200 // characters of a content warning
)

func parseWarning(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("is empty; leave the key out instead")
	}
	return s, checkLine(s, maxWarning)
}

// parseHashtag reads one hashtag, with or without its #.
func parseHashtag(s string) (string, error) {
	name := strings.TrimPrefix(strings.TrimSpace(s), "#")
	letter := strings.ContainsFunc(name, unicode.IsLetter)
	other := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '_'
	})
	if !letter || other || utf8.RuneCountInString(name) > 60 {
		return "", fmt.Errorf("%s is no hashtag; it has letters, digits and _ only, a letter at least, and at most 60 characters", quote(s))
	}
	return name, nil
}

// parseLanguage reads a language tag (BCP 47); "" is none.
func parseLanguage(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	tag, err := language.Parse(s)
	base, _, _ := tag.Raw()
	if err != nil || slices.Contains([]string{"und", "mul", "mis", "zxx"}, base.String()) {
		return "", fmt.Errorf(`%s is no language; write for example "en" or "pt-BR"`, quote(s))
	}
	return tag.String(), nil
}

// parseNoticeURL reads where notices go. It may hold a secret, so no error repeats it.
func parseNoticeURL(s string) (Secret, error) {
	if s == "" {
		return "", nil
	}
	u, err := parseURL(s)
	if err != nil {
		return "", errors.New(`is not an http or https URL without a user name; write for example "https://ntfy.sh/my-secret-topic"`)
	}
	return Secret(u.String()), nil
}

// template reads a template's file; "" is none.
func (l *loader) template(s string) (Template, error) {
	if s == "" {
		return Template{}, nil
	}
	file, err := l.path(s)
	if err != nil {
		return Template{}, err
	}
	info, err := os.Stat(file)
	switch {
	case err != nil || !info.Mode().IsRegular():
		return Template{}, fmt.Errorf("there is no file %s; paths are relative to the configuration file", quote(s))
	case info.Size() > maxTemplate:
		return Template{}, fmt.Errorf("%s is larger than %d kB; is it a template?", quote(s), maxTemplate>>10)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Template{}, fmt.Errorf("%s cannot be read: %w", quote(s), err)
	}
	if !utf8.Valid(data) {
		return Template{}, fmt.Errorf("%s is not UTF-8 text", quote(s))
	}
	if _, err := content.NewTemplate(string(data)); err != nil {
		return Template{}, fmt.Errorf("%s, %w", quote(s), err)
	}
	return Template{File: file, Text: string(data)}, nil
}
