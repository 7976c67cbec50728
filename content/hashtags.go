package content

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxTags      = 9  // Misskey keeps 32, people dislike more than a few
	maxTagLength = 60 // characters; a longer category is a sentence

	maxCategories = 100   // of one entry that are looked at
	maxCategory   = 1_000 // bytes of one, which may be a list of keywords
)

// tagList collects the hashtags of a post, each once, whatever its case.
type tagList struct {
	base    string // address of the page of a hashtag, less its name; empty: none are linked
	list    []Tag
	seen    map[string]int // folded name: place in list
	dropped int            // for which there was no room
	visible int            // of the list, so many are for the paragraph of hashtags
}

// ownTags returns the hashtags of the entry's categories, and those that the owner adds.
func ownTags(e Entry, o Options) *tagList {
	t := &tagList{base: o.TagBase, seen: map[string]int{}}
	if o.Hashtags != HashtagsNone {
		t.addAll(e.Categories)
	}
	for _, own := range o.Tags {
		if name := hashtag(own); name != "" {
			t.add(name)
		}
	}
	if o.Hashtags != HashtagsTag {
		t.visible = len(t.list)
	}
	return t
}

// addAll adds categories, each of which may be a list of them.
func (t *tagList) addAll(categories []string) {
	for _, category := range categories[:min(len(categories), maxCategories)] {
		if len(category) > maxCategory {
			continue
		}
		for _, c := range parts(category) {
			if name := hashtag(c); name != "" && !generic(fold(name)) {
				t.add(name)
			}
		}
	}
}

// parts are the categories in a category, which may be a list of them.
func parts(category string) []string {
	return strings.FieldsFunc(category, func(r rune) bool { return strings.ContainsRune(",;、，；،", r) })
}

// categoryNames are all names that categories go by: as they stand, and what is listed in one.
func categoryNames(categories []string) []string {
	var names []string
	for _, c := range categories {
		if names = append(names, c); len(c) <= maxCategory {
			names = append(names, parts(c)...)
		}
	}
	return names
}

// add returns the hashtag of that name, whatever its case; false says that there is no room for it.
func (t *tagList) add(name string) (Tag, bool) {
	key := fold(name)
	if i, ok := t.seen[key]; ok {
		if i < 0 {
			return Tag{}, false
		}
		return t.list[i], true
	}
	if len(t.list) == maxTags {
		t.dropped++
		t.seen[key] = -1
		return Tag{}, false
	}
	tag := Tag{Name: name}
	if t.base != "" {
		tag.Href = t.base + url.PathEscape(name)
	}
	t.seen[key] = len(t.list)
	t.list = append(t.list, tag)
	return tag, true
}

// collect adds the hashtags that stand in the blocks and makes links of them. It returns their folded names. One
// that was cut, or for which there is no room, stays text.
func (t *tagList) collect(bs []*block) map[string]bool {
	found := map[string]bool{}
	leaves(bs, func(b *block) bool {
		for _, r := range b.runs {
			n := len(r.marks)
			if n == 0 || r.marks[n-1].hashtag == "" || string(r.text) != "#"+r.marks[n-1].hashtag {
				continue
			}
			m := r.marks[n-1]
			tag, ok := t.add(m.hashtag)
			if !ok {
				continue
			}
			found[fold(m.hashtag)] = true
			if tag.Href != "" {
				m.tag, m.href = "a", tag.Href
			}
		}
		return true
	})
	return found
}

// end returns the paragraph of hashtags, less those that stand in the text: one block, or none.
func (t *tagList) end(inText map[string]bool) []*block {
	var runs []run
	for _, tag := range t.list[:t.visible] {
		if inText[fold(tag.Name)] {
			continue
		}
		if len(runs) > 0 {
			runs = append(runs, run{text: []byte(" ")})
		}
		r := hashtagRun(tag.Name, nil)
		if tag.Href != "" {
			r.marks[0].tag, r.marks[0].href = "a", tag.Href
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return nil
	}
	return []*block{{kind: para, runs: runs}}
}

// fold makes names equal that differ in case only.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// generic tells categories that systems put in where the author chose none.
func generic(key string) bool {
	switch key {
	case "uncategorized", "uncategorised", "unkategorisiert", "allgemein", "nonclassé", "sincategoría", "semcategoria", "безрубрики", "без_рубрики", "未分類", "未分类", "미분류":
		return true
	}
	return false
}

// hashtag makes the name of a hashtag (letters, digits and underscores, not digits alone: Mastodon's
// tag.rb) of a category, or "". Words are joined in CamelCase, which screen readers take apart; in
// joined-up scripts without capitals by an underscore.
func hashtag(category string) string {
	if strings.Contains(category, "://") {
		return ""
	}
	category = norm.NFC.String(PlainText(category))
	if s := named(strings.ToLower(strings.TrimSpace(category))); s != "" {
		return s
	}
	words := tagWords(category)
	var sb strings.Builder
	for i, w := range words {
		first, size := utf8.DecodeRuneInString(w)
		if i > 0 && underscored(sb.String(), first) {
			sb.WriteByte('_')
		}
		if len(words) > 1 {
			sb.WriteRune(unicode.ToUpper(first))
			w = w[size:]
		}
		sb.WriteString(w)
	}
	name := norm.NFC.String(sb.String())
	if utf8.RuneCountInString(name) > maxTagLength || !strings.ContainsFunc(name, unicode.IsLetter) {
		return ""
	}
	return name
}

// named is for names that lose themselves with their signs.
func named(category string) string {
	switch category {
	case "c++":
		return "cpp"
	case "c#":
		return "csharp"
	case "f#":
		return "fsharp"
	case ".net":
		return "dotnet"
	}
	return ""
}

// tagWords splits a category at everything that a hashtag cannot have. An apostrophe before a short end
// ("what's") does not split.
func tagWords(s string) []string {
	var words []string
	var sb strings.Builder
	end := func() {
		if sb.Len() > 0 {
			words = append(words, sb.String())
			sb.Reset()
		}
	}
	for i, r := range s {
		switch {
		case tagRune(r) && (sb.Len() > 0 || !unicode.IsMark(r)):
			sb.WriteRune(r)
		case (r == '\'' || r == '’') && shortEnd(s[i+utf8.RuneLen(r):]):
		case unicode.Is(unicode.Mn, r) || r == '\u200d' || r == '\ufe0f' || r == '׳' || r == '״': // the last two are in Hebrew abbreviations
		default:
			end()
		}
	}
	end()
	return words
}

func tagRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) || r == '_'
}

// shortEnd tells whether s begins with one or two letters and then a word ends.
func shortEnd(s string) bool {
	n := strings.IndexFunc(s, func(r rune) bool { return !tagRune(r) })
	if n < 0 {
		n = len(s)
	}
	return n == 1 || n == 2
}

// underscored tells whether two words need a sign between them to be told apart: neither has capitals,
// and their script is written with spaces.
func underscored(before string, next rune) bool {
	prev, _ := utf8.DecodeLastRuneInString(before)
	if prev == '_' || next == '_' {
		return false
	}
	if unicode.IsDigit(prev) && unicode.IsDigit(next) {
		return true
	}
	return unicode.IsLetter(next) && unicode.ToUpper(next) == next && unicode.ToLower(next) == next &&
		!ideographic(next) && !unspaced(next) && !unicode.Is(unicode.Hangul, next)
}
