package content

import (
	"strings"
	"unicode/utf8"
)

// page is what a layout has to put together.
type page struct {
	title string
	body  []*block
	tags  *tagList
	shown map[string]bool // folded names of the hashtags in the body
	post  Post            // all but HTML and Tags
}

// layout writes the post by the owner's template, else as everybody likes it: title, text, link, hashtags.
func (r *renderer) layout(p page) string {
	if r.opts.Template != nil {
		if html, ok := r.opts.Template.layout(r, p); ok {
			return html
		}
	}
	var head []*block
	if p.post.Format != FormatArticle {
		head = titleBlock(p.title, r.url)
	}
	before := written(head, maxHTML)
	after := written(append(linkBlock(r.url), p.tags.end(p.shown)...), maxHTML)
	html, _ := fit(p.body, maxHTML-len(before)-len(after))
	return before + html + after
}

// titleBlock is the title on its own line. Its link is the first of the post: Mastodon (all
// versions to 4.7) makes its card of the first link that is neither hashtag nor mention.
func titleBlock(title, url string) []*block {
	if title == "" {
		return nil
	}
	marks := []*mark{{tag: "strong"}}
	if url != "" {
		marks = append(marks, &mark{tag: "a", href: url})
	}
	return []*block{{kind: para, runs: []run{{text: []byte(title), marks: marks}}}}
}

// linkBlock is the link to the entry that stands below the text.
func linkBlock(url string) []*block {
	if url == "" {
		return nil
	}
	return []*block{{kind: para, runs: []run{{text: []byte(showURL(url)), marks: []*mark{{tag: "a", href: url}}}}}}
}

// withoutRepeats leaves out the title where it is only the beginning of the text (microblogs make such
// titles), and the text or its first heading where it is only the title again.
func withoutRepeats(title string, bs []*block, cut bool) (string, []*block) {
	if title == "" || len(bs) == 0 || bs[0].kind != para {
		return title, bs
	}
	first := oneLine(bs[0].text())
	if strings.EqualFold(first, title) {
		switch {
		case !bs[0].heading && (len(bs) > 1 || cut):
			return title, bs
		case len(bs) > 1 && bs[1].rule:
			return title, bs[2:]
		}
		return title, bs[1:]
	}
	start := strings.TrimRight(title, ".… ")
	if start != strings.TrimRight(title, " ") && utf8.RuneCountInString(start) >= 10 && strings.HasPrefix(first, start) {
		return "", bs
	}
	return title, bs
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// dropBoilerplate removes what feeds put below every text: links to the entry ("Read more"), and a
// sentence that links to the entry and to the front page ("The post … appeared first on …").
func dropBoilerplate(bs []*block, self string) []*block {
	for n := len(bs); n > 0 && self != ""; n = len(bs) {
		last := bs[n-1]
		if last.kind != para || !boilerplate(last, self) {
			break
		}
		bs = bs[:n-1]
	}
	return bs
}

func boilerplate(b *block, self string) bool {
	var hrefs []string
	outside := 0 // characters that are not linked
	for _, r := range b.runs {
		href := ""
		for _, m := range r.marks {
			href += m.href
		}
		if href == "" {
			outside += len(strings.TrimSpace(string(r.text)))
			continue
		}
		if len(hrefs) == 0 || hrefs[len(hrefs)-1] != href {
			hrefs = append(hrefs, href)
		}
	}
	switch len(hrefs) {
	case 1:
		return samePage(hrefs[0], self) && outside <= len("[…]→")
	case 2:
		return samePage(hrefs[0], self) && isHome(hrefs[1]) && outside < 100
	}
	return false
}
