package content

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

const (
	maxSource = 1 << 20 // bytes of HTML that are read
	maxOpen   = 100     // elements inside each other whose ends are heeded
	maxAttrs  = 60      // attributes of a tag that are looked at
)

// cleaning says how to read HTML.
type cleaning struct {
	self  string   // address of the entry's page: links into it are none
	limit int      // characters that are wanted
	brief bool     // for an excerpt: no marks of footnotes, no descriptions of pictures
	media *gallery // takes pictures, sound and film; nil: none is attached
}

// clean reads HTML, however broken, and returns its text as blocks; cut tells that there was more.
func clean(src string, conf cleaning) (bs []*block, cut bool) {
	src = tidy(src[:min(len(src), maxSource)])
	c := cleaner{z: html.NewTokenizer(strings.NewReader(src)), conf: conf}
	c.b.left = conf.limit
	if !strings.Contains(src, "<") {
		src = html.EscapeString(html.UnescapeString(src))
		src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\n\n", "<p>")
		c.z = html.NewTokenizer(strings.NewReader(src))
	}
	c.run()
	bs = c.b.finish()
	return dropBoilerplate(bs, conf.self), c.b.cut
}

// cleaner turns the tags of HTML into the blocks and marks of a builder.
type cleaner struct {
	z       *html.Tokenizer
	b       builder
	conf    cleaning
	open    []element // whose end matters, outermost first
	tables  int       // open tables
	cells   int       // cells begun in this row
	heading bool
}

// element is an open element.
type element struct {
	name   string
	mark   *mark
	block  bool     // contains blocks: its end ends what is open inside
	depth  int      // of the builder's stack, where block
	at     position // where its text begins
	inPage bool     // a link to a place in the same page
}

// tag is a start tag as read.
type tag struct {
	name   string
	attrs  []html.Attribute
	closed bool // <x/>
}

func (t tag) get(key string) string {
	for _, a := range t.attrs {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func (t tag) has(key string) bool {
	return slices.ContainsFunc(t.attrs, func(a html.Attribute) bool { return a.Key == key })
}

// is tells whether the tag has one of these classes.
func (t tag) is(classes ...string) bool {
	class := t.get("class")
	if class == "" || len(class) > 1000 {
		return false
	}
	return slices.ContainsFunc(strings.Fields(class), func(c string) bool { return slices.Contains(classes, c) })
}

func (c *cleaner) run() {
	for {
		switch c.z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			c.b.text(tidy(string(c.z.Text())))
		case html.StartTagToken:
			c.start(c.tag(false))
		case html.SelfClosingTagToken:
			c.start(c.tag(true))
		case html.EndTagToken:
			name, _ := c.z.TagName()
			c.end(string(name))
		}
	}
}

func (c *cleaner) tag(closed bool) tag {
	name, more := c.z.TagName()
	t := tag{name: string(name), closed: closed}
	for more && len(t.attrs) < maxAttrs {
		var k, v []byte
		k, v, more = c.z.TagAttr()
		t.attrs = append(t.attrs, html.Attribute{Key: string(k), Val: tidy(string(v))})
	}
	if closed {
		c.z.NextIsNotRawText()
	}
	return t
}

func (c *cleaner) start(t tag) {
	switch {
	case c.embed(t), c.skipped(t), c.container(t), c.inline(t), c.tablePart(t):
	case breaksBlock(t.name):
		c.breakBlock()
	}
}

// skipped passes over what is not for readers of the text, with all that is in it.
func (c *cleaner) skipped(t tag) bool {
	switch t.name {
	case "script":
		if strings.HasPrefix(t.get("type"), "math/tex") {
			c.b.text(" " + c.skip(t) + " ")
			return true
		}
	case "style", "head", "title", "template", "noscript", "noembed", "noframes", "textarea", "select", "datalist", "button", "svg",
		"nav", "canvas", "dialog", "map", "frameset", "applet", "mjx-container":
		if t.name == "mjx-container" && !t.has("aria-label") {
			return false
		}
	default:
		notes := c.conf.brief && (t.is("footnotes") || t.name == "div" && t.is("footnote") || t.get("role") == "doc-endnotes")
		if !notes && !unseen(t) {
			return false
		}
	}
	c.skip(t)
	if breaksBlock(t.name) {
		c.breakBlock()
	}
	return true
}

// unseen tells what a page hides, or shows only on the page.
func unseen(t tag) bool {
	switch t.name {
	case "p", "li", "dt", "dd", "tr", "option", "br", "hr", "input", "wbr", "col", "link", "meta", "source", "track", "base", "body", "html":
		return false // these have no end tag, or need none
	}
	if t.has("hidden") || t.get("aria-hidden") == "true" {
		return true
	}
	switch t.get("id") {
	case "toc", "TableOfContents", "markdown-toc", "table-of-contents":
		return true
	}
	if style := strings.ReplaceAll(t.get("style"), " ", ""); strings.Contains(style, "display:none") {
		return true
	}
	return t.is("sr-only", "screen-reader-text", "visually-hidden", "visuallyhidden", "toc", "table-of-contents", "markdown-toc",
		"feedflare", "sharedaddy", "jp-relatedposts", "more-link", "read-more", "readmore", "footnote-backref", "footnote-back",
		"reversefootnote", "footnote-return", "headerlink", "header-anchor", "anchorjs-link", "heading-anchor",
		"lnt", "ln", "lineno", "linenos", "line-numbers-rows", "gutter", "rouge-gutter", "blob-num", "code-toolbar-copy", "mw-editsection")
}

// skip reads up to the end of an element and returns the text in it.
func (c *cleaner) skip(t tag) string {
	if t.closed {
		return ""
	}
	var sb strings.Builder
	for depth := 1; depth > 0; {
		switch c.z.Next() {
		case html.ErrorToken:
			return sb.String()
		case html.TextToken:
			if sb.Len() < 1000 {
				sb.Write(c.z.Text())
			}
		case html.StartTagToken:
			if name, _ := c.z.TagName(); string(name) == t.name {
				depth++
			}
		case html.EndTagToken:
			if name, _ := c.z.TagName(); string(name) == t.name {
				depth--
			}
		}
	}
	return tidy(sb.String())
}

// breaksBlock tells the elements that begin and end a paragraph and do nothing else.
func breaksBlock(name string) bool {
	switch name {
	case "p", "div", "section", "article", "header", "footer", "main", "aside", "address", "figure", "center", "fieldset", "form",
		"body", "html", "details", "hgroup", "search", "dl", "nav", "option", "menu", "dir", "noscript", "picture-frame":
		return true
	}
	return false
}

// breakBlock ends the paragraph, or, in a table, the word.
func (c *cleaner) breakBlock() {
	switch {
	case c.b.leaf != nil && c.b.leaf.kind == pre:
		c.b.softBreak()
	case c.tables > 0:
		c.b.space = true
	default:
		c.b.boundary()
	}
}

// end heeds an end tag.
func (c *cleaner) end(name string) {
	if name == "br" || name == "p" && c.b.leaf == nil {
		return
	}
	i := len(c.open) - 1
	for i >= 0 && c.open[i].name != name {
		i--
	}
	switch {
	case i >= 0 && c.open[i].block:
		c.closeBlock(i)
	case i >= 0:
		e := c.open[i]
		c.open = slices.Delete(c.open, i, i+1)
		c.closeInline(e)
	case breaksBlock(name):
		c.breakBlock()
	default:
		c.endTablePart(name)
	}
}

// closeBlock ends a block and the blocks inside it. Inline elements stay open, as in a browser.
func (c *cleaner) closeBlock(i int) {
	e := c.open[i]
	kept := c.open[:i]
	for _, in := range c.open[i+1:] {
		if in.block {
			c.b.unmark(in.mark)
			continue
		}
		kept = append(kept, in)
	}
	c.open = kept
	if e.name[0] == 'h' {
		c.endHeading(e)
	}
	c.b.unmark(e.mark)
	if e.name != "dt" { // its description follows in the same paragraph
		c.b.closeTo(e.depth)
	}
}

// push remembers an open element; one too many inside others is not heeded, and its mark is taken back.
func (c *cleaner) push(e element) bool {
	if len(c.open) >= maxOpen {
		c.b.unmark(e.mark)
		return false
	}
	c.open = append(c.open, e)
	return true
}

// last returns the place of the innermost open element of that name before one of the limits, or -1.
func (c *cleaner) last(name string, limits ...string) int {
	for i := len(c.open) - 1; i >= 0; i-- {
		if c.open[i].name == name {
			return i
		}
		if slices.Contains(limits, c.open[i].name) {
			return -1
		}
	}
	return -1
}
