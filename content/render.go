package content

import (
	"reflect"
	"slices"
	"strings"
)

const (
	maxHTML    = 100_000 // bytes of a post; Misskey refuses an unsigned object above 256 KiB, JSON and all
	fullLimit  = 100_000 // characters that are read of a text shown in full
	briefLimit = 4_000   // and at least of one of which only the beginning is shown
	maxWarning = 500     // characters; Misskey refuses longer ones
)

// Render makes the post of an entry. It never fails: whatever an entry lacks is left out, and a template that
// cannot be filled in gives way to the layout of its own.
func Render(e Entry, x Extras, o Options) Post {
	r := newRenderer(e, x, o)
	title := clipText(PlainText(e.Title), maxTitle)
	body, cut := r.body(title)
	title, body = withoutRepeats(title, body, cut)
	r.pageImage()
	p := Post{
		Language:    firstLanguage(e.Language, x.Language, o.Language),
		Attachments: r.media.list,
		Format:      FormatNote,
		Warning:     warning(e.Warning, o.Warning),
	}
	// What is folded up must not show its pictures (Mastodon's own posts say both).
	p.Sensitive = p.Warning != "" || (e.Sensitive || o.Sensitive) && len(p.Attachments) > 0
	tags := ownTags(e, o)
	var brief []*block
	if o.Format == FormatArticle && (title != "" && p.Warning == "" || o.Settled) {
		p.Format, p.Title = FormatArticle, firstNonEmpty(title, opening(body))
		brief = r.brief(title, body)
	}
	text := make(map[string]bool)
	if o.Template == nil || o.Template.uses("Text") {
		text = tags.collect(body)
	}
	tags.collect(brief)
	p.HTML = r.layout(page{title: title, body: body, tags: tags, shown: text, post: p})
	if p.Summary = ""; p.Format == FormatArticle {
		p.Summary, _ = fit(brief, maxHTML/4)
		if p.Warning != "" {
			p.Summary = escaped(p.Warning) // an excerpt would tell what the warning is of
		}
	}
	p.Tags = tags.list
	return p
}

// opening is what an Article is called that has lost its title.
func opening(bs []*block) string {
	name := "…"
	leaves(bs, func(b *block) bool {
		name = clipText(oneLine(b.text()), 60)
		return false
	})
	return name
}

func escaped(s string) string {
	var sb strings.Builder
	escape(&sb, s)
	return sb.String()
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Equal tells whether two posts look the same to a reader.
func Equal(a, b Post) bool {
	return a.HTML == b.HTML && a.Language == b.Language && a.Format == b.Format && a.Title == b.Title && a.Summary == b.Summary &&
		a.Warning == b.Warning && a.Sensitive == b.Sensitive && slices.Equal(a.Tags, b.Tags) &&
		slices.EqualFunc(a.Attachments, b.Attachments, func(x, y Media) bool { return reflect.DeepEqual(x, y) })
}

// warning returns the first content warning that says anything, as one line.
func warning(texts ...string) string {
	for _, s := range texts {
		if s = clipText(PlainText(s), maxWarning); strings.ContainsFunc(s, visible) {
			return s
		}
	}
	return ""
}

type renderer struct {
	entry  Entry
	extras Extras
	opts   Options
	mode   Mode
	url    string
	media  gallery
}

func newRenderer(e Entry, x Extras, o Options) *renderer {
	r := &renderer{entry: e, extras: x, opts: o, mode: o.Mode, url: webURL(e.URL)}
	if r.mode != ModeFull && r.mode != ModeLink {
		r.mode = ModeSummary
	}
	r.media = gallery{pictures: o.Pictures, most: mostMedia(o.MaxPictures), learnt: x.Pictures}
	r.media.declare(e.Media)
	return r
}

// pageImage attaches the picture of the entry's page where the entry has none.
func (r *renderer) pageImage() {
	image := r.extras.Image
	if !r.opts.PageImage || image == nil || r.media.hasPicture() {
		return
	}
	m := *image
	if t := mediaType(m.Type, m.URL, "image/jpeg"); !strings.HasPrefix(t, "image/") {
		return
	}
	r.media.add(m, "image/jpeg")
}

// body returns the blocks between title and link, the hashtags in them found; cut tells that the entry has more.
func (r *renderer) body(title string) ([]*block, bool) {
	budget, whole, most := r.budgets()
	switch {
	case r.mode == ModeFull:
		bs, cut := r.read(title, false)
		findHashtags(bs, r.opts.TagBase != "")
		linkMentions(bs, r.opts.Mentions)
		return bs, cut
	case r.mode == ModeLink && title != "":
		return nil, false
	case r.mode == ModeLink:
		budget = min(budget, teaserLength)
		whole = budget
	}
	bs, cut := r.read(title, true)
	if len(bs) == 0 && title == "" && len(r.media.list) == 0 {
		bs, cut = r.read(title, false) // nothing but pictures that are not attached: their descriptions
	}
	findHashtags(bs, r.opts.TagBase != "")
	n := 0
	leaves(bs, func(*block) bool { n++; return true })
	if cut || length(bs) > whole || n > most {
		return excerpt(bs, budget, most), true
	}
	return bs, false
}

// budgets returns the characters of an excerpt, those of a text that is shown whole, and the paragraphs of an
// excerpt.
func (r *renderer) budgets() (budget, whole, most int) {
	n := r.opts.Length
	if n <= 0 {
		return excerptLength, wholeLength, excerptLeaves
	}
	n = min(n, fullLimit)
	return n, n * wholeLength / excerptLength, max(excerptLeaves, n*excerptLeaves/excerptLength)
}

// brief returns the excerpt of an Article of which the text is body: Mastodon shows that instead.
func (r *renderer) brief(title string, body []*block) []*block {
	switch r.mode {
	case ModeSummary:
		return body
	case ModeLink:
		return nil
	}
	o := r.opts
	o.Mode, o.Pictures = ModeSummary, PicturesCard
	bs, cut := newRenderer(r.entry, Extras{}, o).body(title)
	_, bs = withoutRepeats(title, bs, cut)
	return bs
}

// read cleans the sources of the text in the order of preference, until one has text. The pictures of
// the content count although the text may come from the summary.
func (r *renderer) read(title string, brief bool) (bs []*block, cut bool) {
	conf := cleaning{self: r.url, limit: fullLimit, brief: brief, media: &r.media}
	if brief {
		conf.limit = max(briefLimit, min(2*r.opts.Length, fullLimit))
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
