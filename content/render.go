package content

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
)

const (
	maxHTML    = 100_000 // bytes of a post; Misskey refuses an unsigned object above 256 KiB, JSON and all
	fullLimit  = 100_000 // characters that are read of a text shown in full
	briefLimit = 4_000   // and of one of which only the beginning is shown
)

// Render makes the post of an entry. It never fails: whatever an entry lacks is left out.
func Render(e Entry, o Options) Post {
	r := renderer{entry: e, mode: o.Mode, url: webURL(e.URL), media: gallery{pictures: o.Pictures}}
	if r.mode != ModeFull && r.mode != ModeLink {
		r.mode = ModeSummary
	}
	r.media.declare(e.Media)
	title := clipText(PlainText(e.Title), maxTitle)
	body, cut := r.body(title)
	title, body = withoutRepeats(title, body, cut)
	tags := hashtags(e.Categories, o.TagBase)

	var head, foot strings.Builder
	writeTitle(&head, title, r.url)
	writeLink(&foot, r.url)
	writeTags(&foot, tags)
	html, _ := fit(body, maxHTML-head.Len()-foot.Len())
	return Post{
		HTML:        head.String() + html + foot.String(),
		Language:    firstLanguage(e.Language, o.Language),
		Tags:        tags,
		Attachments: r.media.list,
	}
}

// Equal tells whether two posts look the same to a reader.
func Equal(a, b Post) bool {
	return a.HTML == b.HTML && a.Language == b.Language && slices.Equal(a.Tags, b.Tags) && slices.Equal(a.Attachments, b.Attachments)
}

type renderer struct {
	entry Entry
	mode  Mode
	url   string
	media gallery
}

// body returns the blocks between title and link; cut tells that the entry has more.
func (r *renderer) body(title string) ([]*block, bool) {
	budget, whole := excerptLength, wholeLength
	switch {
	case r.mode == ModeFull:
		return r.read(title, false)
	case r.mode == ModeLink && title != "":
		return nil, false
	case r.mode == ModeLink:
		budget, whole = teaserLength, teaserLength
	}
	bs, cut := r.read(title, true)
	if len(bs) == 0 && title == "" && len(r.media.list) == 0 {
		bs, cut = r.read(title, false) // nothing but pictures that are not attached: their descriptions
	}
	n := 0
	leaves(bs, func(*block) bool { n++; return true })
	if cut || length(bs) > whole || n > excerptLeaves {
		return excerpt(bs, budget, excerptLeaves), true
	}
	return bs, false
}

// read cleans the sources of the text in the order of preference, until one has text. The pictures of
// the content count although the text may come from the summary.
func (r *renderer) read(title string, brief bool) (bs []*block, cut bool) {
	conf := cleaning{self: r.url, limit: fullLimit, brief: brief, media: &r.media}
	if brief {
		conf.limit = briefLimit
	}
	if r.mode == ModeLink {
		conf.media = nil // they belong to the text, which is not shown
	}
	e := r.entry
	sources := []string{e.Content, markdownSource(e), e.Summary}
	if brief && title != "" {
		sources = []string{e.Summary, e.Content, markdownSource(e)}
	}
	for i, src := range sources {
		if len(bs) > 0 && src != e.Content || src == "" {
			continue
		}
		if len(bs) > 0 && slices.Contains(sources[:i], src) {
			continue
		}
		if len(bs) > 0 {
			conf.limit = 0
			clean(src, conf)
			continue
		}
		bs, cut = clean(src, conf)
	}
	return bs, cut
}

// markdownSource returns the HTML of the entry's Markdown, which counts where it has no HTML.
func markdownSource(e Entry) string {
	if e.Content != "" || e.Markdown == "" {
		return ""
	}
	return markdown(e.Markdown)
}

// writeTitle writes the title on its own line. Its link is the first of the post: Mastodon (all
// versions to 4.7) makes its card of the first link that is neither hashtag nor mention.
func writeTitle(sb *strings.Builder, title, url string) {
	if title == "" {
		return
	}
	var runs []run
	marks := []*mark{{tag: "strong"}}
	if url != "" {
		marks = append(marks, &mark{tag: "a", href: url})
	}
	runs = append(runs, run{text: []byte(title), marks: marks})
	sb.WriteString(written([]*block{{kind: para, runs: runs}}, maxHTML))
}

// writeLink writes the link to the entry that stands below the text.
func writeLink(sb *strings.Builder, url string) {
	if url == "" {
		return
	}
	runs := []run{{text: []byte(showURL(url)), marks: []*mark{{tag: "a", href: url}}}}
	sb.WriteString(written([]*block{{kind: para, runs: runs}}, maxHTML))
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

// firstLanguage returns the first that is a language tag (BCP 47), in canonical form.
func firstLanguage(tags ...string) string {
	for _, t := range tags {
		if len(t) > 100 {
			continue
		}
		// Parse returns a tag beside its error too, which must not be used.
		tag, err := language.Parse(strings.TrimSpace(t))
		if err != nil {
			continue
		}
		switch base, _, _ := tag.Raw(); base.String() {
		case "und", "mul", "mis", "zxx":
			continue
		}
		return tag.String()
	}
	return ""
}
