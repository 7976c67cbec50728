package content

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMentions = 100 // of one text that are looked at
	maxHandle   = 320 // bytes of one
)

// Mention is the actor behind a handle that stands in a text.
type Mention struct {
	Name string // what is shown after the @: the user part
	Href string // the actor's page
}

// Handles returns the handles that are written in a Markdown text as "@user@host", each once and in order, without
// the first @ and with the host in lower case. What stands in code or in a link is none.
func Handles(src string) []string {
	bs, _ := clean(markdown(src), cleaning{limit: fullLimit})
	var list []string
	eachMention(bs, func(handle string) *mark {
		if !slices.Contains(list, handle) && len(list) < maxMentions {
			list = append(list, handle)
		}
		return nil
	})
	return list
}

// linkMentions makes links of the handles that are known.
func linkMentions(bs []*block, known map[string]Mention) {
	if len(known) == 0 {
		return
	}
	eachMention(bs, func(handle string) *mark {
		m, ok := known[handle]
		if !ok || webURL(m.Href) == "" {
			return nil
		}
		return &mark{tag: "a", href: webURL(m.Href), mention: m.Name}
	})
}

// eachMention calls found for every handle in the text, and sets those apart for which it returns a mark.
func eachMention(bs []*block, found func(handle string) *mark) {
	leaves(bs, func(b *block) bool {
		if b.kind != para {
			return true
		}
		var out []run
		before := ' ' // the character before the run
		for _, r := range b.runs {
			if slices.ContainsFunc(r.marks, opaque) || bytes.Count(r.text, []byte("@")) < 2 {
				out = append(out, r)
			} else {
				out = append(out, splitMentions(r, before, found)...)
			}
			before, _ = utf8.DecodeLastRune(r.text)
		}
		b.runs = out
		return true
	})
}

// splitMentions returns a run with its mentions in runs of their own.
func splitMentions(r run, before rune, found func(handle string) *mark) []run {
	var out []run
	done := 0
	cut := func(to int, marks []*mark) {
		if done < to {
			out = append(out, run{text: slices.Clone(r.text[done:to]), marks: marks})
		}
		done = to
	}
	for at := 0; at < len(r.text); {
		i := bytes.IndexByte(r.text[at:], '@')
		if i < 0 {
			break
		}
		at += i
		if at > 0 {
			before, _ = utf8.DecodeLastRune(r.text[:at])
		}
		handle, n := handleAt(r.text[at+1:])
		if n == 0 || bindsAt(before) {
			at++
			continue
		}
		m := found(handle)
		if m != nil {
			cut(at, r.marks)
			cut(at+1+n, append(slices.Clip(r.marks), m))
		}
		at += 1 + n
	}
	cut(len(r.text), r.marks)
	return out
}

// bindsAt tells the characters after which an @ begins no mention: those of words and addresses.
func bindsAt(r rune) bool { return tagRune(r) || strings.ContainsRune("/@.-", r) }

// handleAt returns the handle at the beginning of s, which comes after an @, and its bytes; 0 for none. The user part
// is what Mastodon takes for one (letters, digits and underscores, with dots and hyphens between them), the host any
// name with a dot or a port in it.
func handleAt(s []byte) (handle string, n int) {
	user := leading(s, func(r rune) bool { return r < utf8.RuneSelf && (tagRune(r) || r == '.' || r == '-') })
	if user == "" || user != strings.Trim(user, ".-") || len(user) == len(s) || s[len(user)] != '@' {
		return "", 0
	}
	rest := s[len(user)+1:]
	host := leading(rest, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == '.' || r == '-'
	})
	host = strings.TrimRight(host, ".-")
	if port := portAt(rest[len(host):]); port != "" {
		host += port
	}
	n = len(user) + 1 + len(host)
	if host != strings.TrimLeft(host, ".-:") || !strings.ContainsAny(host, ".:") || strings.Contains(host, "..") || n > maxHandle {
		return "", 0
	}
	if next, _ := utf8.DecodeRune(s[n:]); next == '@' || next == '_' {
		return "", 0
	}
	return user + "@" + strings.ToLower(host), n
}

// portAt returns the port at the beginning of s, with its colon; a colon alone belongs to the sentence.
func portAt(s []byte) string {
	if len(s) == 0 || s[0] != ':' {
		return ""
	}
	digits := leading(s[1:], func(r rune) bool { return r >= '0' && r <= '9' })
	if digits == "" || len(digits) > 5 {
		return ""
	}
	return ":" + digits
}

// leading returns the characters at the beginning of s that belong.
func leading(s []byte, belongs func(rune) bool) string {
	n := bytes.IndexFunc(s, func(r rune) bool { return !belongs(r) })
	if n < 0 {
		n = len(s)
	}
	return string(s[:n])
}
