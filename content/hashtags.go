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

// hashtags makes the hashtags of an entry's categories: in their order, each once, whatever its case.
func hashtags(categories []string, base string) []Tag {
	var tags []Tag
	seen := map[string]bool{}
	for _, category := range categories[:min(len(categories), maxCategories)] {
		if len(category) > maxCategory {
			continue
		}
		for _, c := range strings.FieldsFunc(category, func(r rune) bool { return strings.ContainsRune(",;、，；،", r) }) {
			name := hashtag(c)
			key := fold(name)
			if name == "" || seen[key] || generic(key) {
				continue
			}
			if seen[key] = true; len(tags) == maxTags {
				return tags
			}
			tag := Tag{Name: name}
			if base != "" {
				tag.Href = base + url.PathEscape(name)
			}
			tags = append(tags, tag)
		}
	}
	return tags
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
		case unicode.Is(unicode.Mn, r) || r == '\u200d' || r == '\ufe0f':
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

// writeTags writes the paragraph of hashtags as Mastodon writes them, so that other servers tell them
// from links (and do not make a card of one).
func writeTags(sb *strings.Builder, tags []Tag) {
	if len(tags) == 0 {
		return
	}
	sb.WriteString("<p>")
	for i, t := range tags {
		if i > 0 {
			sb.WriteString(" ")
		}
		if t.Href == "" {
			escape(sb, "#"+t.Name)
			continue
		}
		sb.WriteString(`<a href="`)
		escapeAttr(sb, t.Href)
		sb.WriteString(`" class="mention hashtag" rel="tag">#<span>`)
		escape(sb, t.Name)
		sb.WriteString("</span></a>")
	}
	sb.WriteString("</p>")
}
