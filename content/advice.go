package content

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// longText is the number of characters above which a post is too long for people: Mastodon shows all of it, but folds
// it, and Misskey cuts off what is beyond 8,192.
const longText = 5_000

// Advise says what an owner may want to mend in a post, one short sentence each: post is what Render made of e, x
// and o. Nothing to mend: nil.
func Advise(e Entry, x Extras, o Options, post Post) []string {
	var a []string
	add := func(when bool, format string, args ...any) {
		if when {
			a = append(a, fmt.Sprintf(format, args...))
		}
	}
	add(webURL(e.URL) == "", "the entry has no address of its own: nothing in the post leads to it")
	add(webURL(e.URL) != "" && o.Template != nil && !strings.Contains(post.HTML, attribute(webURL(e.URL))),
		"nothing in the post leads to the entry: put {{.URL}} into the template")
	title := PlainText(e.Title)
	words := strings.ContainsFunc(PlainText(e.Summary+" "+e.Content+" "+e.Markdown), visible)
	switch {
	case title == "" && !words:
		add(true, "the entry has neither title nor text")
	case len(post.Attachments) == 0 && onlyLink(post, e.URL):
		add(true, "the post is nothing but a link")
	}
	if n := characters(post); n > longText {
		add(true, "the post has %d characters: above %d, Mastodon folds it (content = \"summary\" shows the beginning only)", n, longText)
	}
	add(post.Language == "", "the language is not known: servers cannot filter or translate the post (language = \"en\")")
	a = append(a, adviseMedia(e, x, o, post)...)
	tags := ownTags(e, o)
	add(tags.dropped > 0, "%d of the hashtags are left out: more than %d look like spam", tags.dropped, maxTags)
	add(o.Format == FormatArticle && post.Format == FormatNote && post.Warning != "", "it is a Note, since an Article cannot have a content warning")
	return a
}

// attribute is an address as it stands in a link.
func attribute(address string) string {
	var sb strings.Builder
	escapeAttr(&sb, address)
	return `href="` + sb.String()
}

// adviseMedia is about pictures.
func adviseMedia(e Entry, x Extras, o Options, post Post) []string {
	var a []string
	for _, m := range post.Attachments {
		if strings.HasPrefix(m.Type, "image/") && m.Alt == "" {
			a = append(a, fmt.Sprintf("picture %s has no description (alt) for those who cannot see it", fileName(m.URL)))
		}
	}
	media := e.Media
	e.Media = nil
	r := newRenderer(e, x, o)
	r.media.review = true
	r.media.declare(media)
	r.body(clipText(PlainText(e.Title), maxTitle))
	if n := r.media.dropped; n > 0 && o.Pictures != PicturesCard {
		a = append(a, fmt.Sprintf("%d more pictures are left out: a post takes %d (max_pictures)", n, r.media.most))
	}
	for _, address := range r.media.refused {
		a = append(a, fmt.Sprintf("picture %s is left out: servers refuse its format (SVG or an icon)", fileName(address)))
	}
	for _, address := range r.media.unfit {
		a = append(a, fmt.Sprintf("picture %s is left out: it cannot be fetched or read", fileName(address)))
	}
	return a
}

func fileName(address string) string {
	u, err := url.Parse(address)
	if err != nil || path.Base(u.Path) == "/" || path.Base(u.Path) == "." {
		return showURL(address)
	}
	return path.Base(u.Path)
}

// onlyLink tells whether a post shows the address of its entry and no word beside it.
func onlyLink(post Post, address string) bool {
	shown := strings.TrimSpace(PlainText(post.HTML))
	return post.Title == "" && (shown == "" || shown == showURL(webURL(address)))
}

// characters counts what a reader sees of a post.
func characters(post Post) int {
	n := 0
	bs, _ := clean(post.HTML, cleaning{limit: fullLimit})
	leaves(bs, func(b *block) bool { n += b.length(); return true })
	return n + utf8.RuneCountInString(post.Title)
}
