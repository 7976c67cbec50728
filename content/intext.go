package content

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFound is about how many hashtags of a text become links; people write a dozen.
const maxFound = 500

// findHashtags sets the hashtags that are written in the text apart, so that no cut goes through one unnoticed.
// They become links when their names are collected. With links, a link whose whole text is a hashtag and that
// leads to a page of it is one too.
func findHashtags(bs []*block, links bool) {
	found := 0
	leaves(bs, func(b *block) bool {
		if b.kind != para || !slices.ContainsFunc(b.runs, func(r run) bool { return bytes.IndexByte(r.text, '#') >= 0 }) {
			return true
		}
		if links {
			b.runs = ownLinks(b.runs)
		}
		var out []run
		before := ' ' // the character before the run
		for i, r := range b.runs {
			if found > maxFound || slices.ContainsFunc(r.marks, opaque) {
				out = append(out, r)
			} else {
				parts := splitHashtags(r, before, firstRune(b.runs[i+1:]))
				found += len(parts) / 2
				out = append(out, parts...)
			}
			before, _ = utf8.DecodeLastRune(r.text)
		}
		b.runs = out
		return true
	})
}

// opaque tells the elements in which a # begins no hashtag: code, links, signs that were raised or lowered,
// and links to a place in the same page.
func opaque(m *mark) bool {
	return m.tag == "a" || m.tag == "code" || m.tag == "" || m.tag == "rt" || m.tag == "rp"
}

func firstRune(runs []run) rune {
	if len(runs) == 0 {
		return ' '
	}
	r, _ := utf8.DecodeRune(runs[0].text)
	return r
}

// splitHashtags returns a run with its hashtags (maxFound of them) in runs of their own, each under a mark that knows
// its name.
func splitHashtags(r run, before, after rune) []run {
	var out []run
	done := 0
	for at := 0; at < len(r.text) && len(out) < 2*maxFound; {
		i := bytes.IndexByte(r.text[at:], '#')
		if i < 0 {
			break
		}
		at += i
		if at > 0 {
			before, _ = utf8.DecodeLastRune(r.text[:at])
		}
		name, n := hashtagAt(r.text[at+1:], after)
		if name == "" || bindsHash(before) {
			at++
			continue
		}
		if done < at {
			out = append(out, run{text: slices.Clone(r.text[done:at]), marks: r.marks})
		}
		at += 1 + n
		done = at
		out = append(out, hashtagRun(name, r.marks))
	}
	if done == 0 {
		return []run{r}
	}
	if done < len(r.text) {
		out = append(out, run{text: slices.Clone(r.text[done:]), marks: r.marks})
	}
	return out
}

func hashtagRun(name string, marks []*mark) run {
	return run{text: []byte("#" + name), marks: append(slices.Clip(marks), &mark{hashtag: name})}
}

// bindsHash tells the characters after which a # begins no hashtag: Mastodon's rule (hashtag_regex, tag.rb),
// and what stands before the # in entities and in words like C#.
func bindsHash(r rune) bool {
	return tagRune(r) || strings.ContainsRune("=/)&#", r)
}

// hashtagAt returns the hashtag of which s is what comes after the #, and its bytes in s; "" for what is none:
// a number, a colour, a word that is too long or goes on under other elements (next is what follows s).
func hashtagAt(s []byte, next rune) (name string, n int) {
	for n < len(s) {
		r, size := utf8.DecodeRune(s[n:])
		if !tagRune(r) && !(n > 0 && joinsTag(s[n:], r)) || n == 0 && unicode.IsMark(r) {
			break
		}
		n += size
		if n > 4*maxTagLength {
			return "", 0
		}
	}
	if n == len(s) && tagRune(next) {
		return "", 0
	}
	name = norm.NFC.String(string(s[:n]))
	if utf8.RuneCountInString(name) > maxTagLength || !strings.ContainsFunc(name, unicode.IsLetter) || colour(name) {
		return "", 0
	}
	return name, n
}

// joinsTag tells the signs that Mastodon takes within a name: a middle dot, a katakana dot and the non-joiner of
// Persian, if the name goes on after them.
func joinsTag(s []byte, r rune) bool {
	if !tagJoiner(r) {
		return false
	}
	next, _ := utf8.DecodeRune(s[utf8.RuneLen(r):])
	return tagRune(next) && !unicode.IsMark(next)
}

func tagJoiner(r rune) bool { return r == '·' || r == '・' || r == '\u200c' }

// colour tells names that are colours as style sheets write them; a word of letters from a to f is none.
func colour(name string) bool {
	switch len(name) {
	case 3, 4, 6, 8:
	default:
		return false
	}
	if strings.Trim(strings.ToLower(name), "0123456789abcdef") != "" {
		return false
	}
	return strings.ContainsAny(name, "0123456789") || strings.Trim(name, name[:1]) == ""
}

// ownLinks puts a hashtag in the place of a link that is one already.
func ownLinks(runs []run) []run {
	var out []run
	for i := 0; i < len(runs); {
		link := linkOf(runs[i])
		if link == nil {
			out = append(out, runs[i])
			i++
			continue
		}
		from := i
		var text []byte
		for ; i < len(runs) && linkOf(runs[i]) == link; i++ {
			text = append(text, runs[i].text...)
		}
		text = bytes.TrimSpace(text)
		if !bytes.HasPrefix(text, []byte("#")) {
			out = append(out, runs[from:i]...)
			continue
		}
		name, n := hashtagAt(text[1:], ' ')
		if name == "" || n != len(text)-1 || !namesTag(link.href, name) {
			out = append(out, runs[from:i]...)
			continue
		}
		out = append(out, hashtagRun(name, slices.DeleteFunc(slices.Clone(runs[from].marks), func(m *mark) bool { return m == link })))
	}
	return out
}

func linkOf(r run) *mark {
	for _, m := range r.marks {
		if m.tag == "a" {
			return m
		}
	}
	return nil
}

// namesTag tells whether an address is that of a page about a hashtag: it has its name in it.
func namesTag(href, name string) bool {
	u, err := url.Parse(href)
	if err != nil {
		return false
	}
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = u.RawQuery
	}
	return strings.Contains(squash(u.Path+" "+query), squash(name))
}

// squash leaves letters and digits, whatever their case.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if !tagRune(r) || r == '_' {
			return -1
		}
		return r
	}, fold(norm.NFC.String(s)))
}
