package feed

import (
	"slices"
	"strings"

	"crier/content"

	"github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

const (
	maxAuthors = 10
	maxName    = 200 // bytes of a category or an author's name
	maxWarning = 500 // bytes of a content warning
)

// rssAuthors takes the names that RSS, Dublin Core, iTunes or an embedded Atom author give, and the mark of
// iTunes that an episode is not for everybody.
func (i *Item) rssAuthors(src *rss.Item) {
	i.addAuthor(src.Author)
	if dc := src.DublinCoreExt; dc != nil {
		for _, name := range slices.Concat(dc.Author, dc.Creator) {
			i.addAuthor(name)
		}
	}
	for _, a := range src.Extensions["atom"]["author"] {
		for _, name := range a.Children["name"] {
			i.addAuthor(name.Value)
		}
	}
	if it := src.ITunesExt; it != nil {
		i.addAuthor(it.Author)
		switch strings.ToLower(strings.TrimSpace(it.Explicit)) {
		case "yes", "true", "explicit":
			i.Sensitive = true
		}
	}
}

// jsonAuthors takes the authors of an item, in the words of version 1.1 or 1, else those of the feed.
func (i *Item) jsonAuthors(src *json.Item, o *json.Feed) {
	for _, some := range [][]*json.Author{src.Authors, {src.Author}, o.Authors, {o.Author}} {
		for _, a := range some {
			if a != nil {
				i.addAuthor(a.Name)
			}
		}
		if len(i.Authors) > 0 {
			return
		}
	}
}

// addAuthor adds a name once, without the mail address that RSS wants beside it. Who gives an address alone has
// no name.
func (i *Item) addAuthor(written string) {
	if written == "" {
		return
	}
	name := content.PlainText(strings.ReplaceAll(strings.ReplaceAll(written, "<", " ("), ">", ") "))
	if before, rest, found := strings.Cut(name, "("); found {
		inside, behind, _ := strings.Cut(rest, ")")
		switch {
		case strings.Contains(before, "@"):
			name = inside
		case strings.Contains(inside, "@"):
			name = before + behind
		}
	}
	name = strings.Trim(strings.TrimSpace(name), `"`)
	if name == "" || strings.Contains(name, "@") && !strings.Contains(name, " ") && !strings.HasPrefix(name, "@") ||
		len(name) > maxName || len(i.Authors) >= maxAuthors || slices.Contains(i.Authors, name) {
		return
	}
	i.Authors = append(i.Authors, name)
}

// addCategory adds a category once, whatever its case. One that marks a content warning is no category, and neither
// is an address: Blogger gives every post the category http://schemas.google.com/blogger/2008/kind#post.
func (i *Item) addCategory(c string) {
	c = content.PlainText(c)
	if warning, ok := warningIn(c); ok {
		i.addWarning(warning)
		return
	}
	if c == "" || isHTTP(c) || len(c) > maxName || len(i.Categories) >= maxCategories {
		return
	}
	for _, have := range i.Categories {
		if strings.EqualFold(have, c) {
			return
		}
	}
	i.Categories = append(i.Categories, c)
}

// warningIn returns the text of a category like "cw: food" or "Content warning: food".
func warningIn(category string) (string, bool) {
	mark, text, found := strings.Cut(category, ":")
	if !found {
		return "", false
	}
	switch strings.ToLower(strings.TrimSpace(mark)) {
	case "cw", "tw", "content warning", "trigger warning":
		return strings.TrimSpace(text), true
	}
	return "", false
}

// addWarning adds to the entry's content warning.
func (i *Item) addWarning(text string) {
	text = content.PlainText(text)
	switch {
	case text == "" || len(i.Warning)+len(text) > maxWarning:
	case i.Warning == "":
		i.Warning = text
	default:
		i.Warning += ", " + text
	}
}
