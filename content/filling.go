package content

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/template"
)

// What a template is filled in with goes through Markdown in disguise (as noncharacters of Unicode, which nobody
// writes, and as an address that is nobody's), and is put in afterwards: nothing of it is read as Markdown or HTML.
const (
	textSlot    = "\U0001fffe"
	hashtagSlot = "\U0001ffff"
	linkSlot    = "https://entry-address.invalid/"

	signs         = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" // all of ASCII that Markdown or HTML may heed
	firstDisguise = '\ufdd0'                             // of 32, as many as there are signs
)

// filling is what a template can name. All types are kinds of string, so that if, eq and len do what one expects.
type filling struct {
	Title      words
	URL        address
	Text       text
	Summary    words
	Author     words
	Authors    []words
	Categories []words
	Hashtags   hashtagText
	Language   words
	Warning    words
}

func fieldNames() []string {
	return []string{"Title", "URL", "Text", "Summary", "Author", "Authors", "Categories", "Hashtags", "Language", "Warning"}
}

type (
	words       string // plain text that is written so that Markdown leaves it alone
	address     string // the entry's address
	text        string // the text of the entry, as plain text where it is asked of
	hashtagText string // the hashtags, likewise
)

// Format writes the text in disguise, whatever the verb.
func (s words) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(disguised(string(s)))) }

// Format writes what the address is put in for.
func (s address) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = f.Write([]byte(linkSlot))
	}
}

// Format writes what the text is put in for.
func (s text) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = f.Write([]byte(textSlot))
	}
}

// Format writes what the hashtags are put in for.
func (s hashtagText) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = f.Write([]byte(hashtagSlot))
	}
}

// undisguised removes what would be taken for a disguise.
func undisguised(s string) string {
	if !strings.ContainsFunc(s, disguise) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if disguise(r) {
			return -1
		}
		return r
	}, s)
}

func disguise(r rune) bool {
	return r >= firstDisguise && r < firstDisguise+rune(len(signs)) || r == '\U0001fffe' || r == '\U0001ffff'
}

// disguised writes text on one line, with all its signs as letters that mean nothing.
func disguised(s string) string {
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune(signs, r); i >= 0 {
			return firstDisguise + rune(i)
		}
		return r
	}, undisguised(oneLine(s)))
}

// revealed turns the signs back.
func revealed(s string) string {
	if !strings.ContainsFunc(s, disguise) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if i := int(r - firstDisguise); i >= 0 && i < len(signs) {
			return rune(signs[i])
		}
		return r
	}, s)
}

// revealedURL turns the signs in an address back, escaped.
func revealedURL(s string) string {
	if !strings.Contains(s, "%EF%B7") && !strings.ContainsFunc(s, disguise) {
		return s
	}
	for i, sign := range []byte(signs) {
		r := string(firstDisguise + rune(i))
		escaped := fmt.Sprintf("%%%02X", sign)
		s = strings.ReplaceAll(strings.ReplaceAll(s, url.PathEscape(r), escaped), r, escaped)
	}
	return s
}

// functions returns what a template can call. Texts of the feed stay such, so that they are escaped when they are
// written; texts of the template stay Markdown.
func functions() template.FuncMap {
	return template.FuncMap{
		"join":     join,
		"first":    first,
		"lower":    func(s any) (any, error) { return mapped(s, strings.ToLower) },
		"upper":    func(s any) (any, error) { return mapped(s, strings.ToUpper) },
		"truncate": truncate,
	}
}

func functionNames() []string {
	return []string{"join", "first", "lower", "upper", "truncate", "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice"}
}

// mapped applies f to a text of either sort.
func mapped(s any, f func(string) string) (any, error) {
	switch s := s.(type) {
	case string:
		return f(s), nil
	case words:
		return words(f(string(s))), nil
	case address:
		return words(f(string(s))), nil
	case text:
		return words(f(string(s))), nil
	case hashtagText:
		return words(f(string(s))), nil
	}
	return nil, fmt.Errorf("it takes a text, and got %s", described(s))
}

// join takes list and separator in either order, so that it works after a | too.
func join(a, b any) (any, error) {
	list, ok := a.([]words)
	if !ok {
		list, ok = b.([]words)
		b = a
	}
	if !ok {
		return nil, errors.New(`it takes a list and what stands between: join .Authors ", "`)
	}
	var parts []string
	for _, s := range list {
		parts = append(parts, string(s))
	}
	sep, ok := b.(string)
	if !ok {
		return nil, errors.New(`what stands between is written in quotes: join .Authors ", "`)
	}
	joined := strings.Join(parts, sep)
	if len(joined) > maxFilled {
		return nil, fmt.Errorf("it gives more than %d kB", maxFilled>>10)
	}
	return words(joined), nil
}

// first returns the first of a list, or the list of the first n, where n stands before it.
func first(args ...any) (any, error) {
	switch len(args) {
	case 1:
		if list, ok := args[0].([]words); ok && len(list) > 0 {
			return list[0], nil
		} else if ok {
			return words(""), nil
		}
	case 2:
		n, number := args[0].(int)
		if list, ok := args[1].([]words); ok && number {
			return list[:max(0, min(n, len(list)))], nil
		}
	}
	return nil, errors.New("it takes a list, or a number and a list: first 3 .Categories")
}

// truncate takes number and text in either order.
func truncate(a, b any) (any, error) {
	n, ok := a.(int)
	if !ok {
		n, ok = b.(int)
		b = a
	}
	if !ok {
		return nil, errors.New("it takes a number and a text: truncate 80 .Summary")
	}
	return mapped(b, func(s string) string {
		if n < 1 {
			return ""
		}
		return clipText(s, n)
	})
}

func described(v any) string {
	switch v.(type) {
	case []words:
		return `a list (join .Categories ", " makes one text of it)`
	case int:
		return "a number"
	case bool:
		return "yes or no"
	}
	return "something else"
}
