package content

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// container begins an element that contains blocks, or shapes a whole paragraph.
func (c *cleaner) container(t tag) bool {
	switch t.name {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		c.closeHeading()
		c.b.boundary()
		e := element{name: t.name, block: true, depth: len(c.b.stack), mark: c.b.mark("strong", ""), at: c.b.position()}
		c.heading = c.push(e)
	case "figcaption", "caption", "legend":
		c.paragraph(t.name, "em")
	case "summary", "dt":
		if i := c.last("dt", "dl"); i >= 0 && t.name == "dt" {
			c.closeBlock(i)
		}
		c.paragraph(t.name, "strong")
	case "dd":
		c.describe()
	case "ul", "ol":
		start, err := strconv.Atoi(t.get("start"))
		if err != nil || start < 0 || start > 1_000_000 {
			start = 1
		}
		c.nest(t, &block{kind: list, ordered: t.name == "ol", start: start})
	case "blockquote":
		c.nest(t, &block{kind: quote})
	case "li":
		if i := c.last("li", "ul", "ol"); i >= 0 {
			c.closeBlock(i)
		}
		c.b.openItem()
		c.push(element{name: "li", block: true, depth: len(c.b.stack) - 1})
	case "pre", "xmp", "listing", "plaintext":
		c.b.openPre()
		c.push(element{name: t.name, block: true, depth: len(c.b.stack)})
	case "hr":
		c.b.rule()
	default:
		return false
	}
	return true
}

func (c *cleaner) nest(t tag, k *block) {
	c.b.boundary()
	depth := len(c.b.stack)
	c.b.openBlock(k)
	c.push(element{name: t.name, block: true, depth: depth})
}

// paragraph begins a paragraph of its own under one inline element.
func (c *cleaner) paragraph(name, style string) {
	c.b.boundary()
	e := element{name: name, block: true, depth: len(c.b.stack), mark: c.b.mark(style, "")}
	c.push(e)
}

// describe begins a description below its term, or after another description.
func (c *cleaner) describe() {
	if i := c.last("dt", "dl"); i >= 0 {
		c.closeBlock(i)
	}
	if c.b.leaf != nil && c.b.leaf.kind == para {
		c.b.softBreak()
	}
}

func (c *cleaner) closeHeading() {
	for i := len(c.open) - 1; i >= 0 && c.heading; i-- {
		if n := c.open[i].name; len(n) == 2 && n[0] == 'h' {
			c.closeBlock(i)
			return
		}
	}
}

// endHeading marks the paragraph of a heading as one.
func (c *cleaner) endHeading(e element) {
	c.heading = false
	if c.b.leaf != nil && e.mark != nil {
		c.b.leaf.heading = true
	}
}

// inline begins an inline element.
func (c *cleaner) inline(t tag) bool {
	style := ""
	switch t.name {
	case "a":
		c.link(t)
		return true
	case "br":
		if c.tables > 0 && (c.b.leaf == nil || c.b.leaf.kind != pre) {
			c.b.space = true
		} else {
			c.b.lineBreak()
		}
		return true
	case "input":
		c.checkbox(t)
		return true
	case "q":
		c.b.text("“")
		c.push(element{name: "q"})
		return true
	case "sup", "sub":
		c.push(element{name: t.name, mark: c.b.mark("", ""), at: c.b.position()})
		return true
	case "strong", "b":
		style = "strong"
	case "em", "i", "cite", "var", "dfn":
		style = "em"
	case "del", "s", "strike":
		style = "del"
	case "code", "kbd", "samp", "tt":
		style = "code"
	case "ruby", "rt", "rp":
		c.ruby(t.name)
		return true
	default:
		return false
	}
	if c.b.leaf == nil || c.b.leaf.kind != pre {
		e := element{name: t.name, mark: c.b.mark(style, "")}
		c.push(e)
	}
	return true
}

// ruby begins an annotated word, its annotation or what stands around that; those two may lack an end tag.
func (c *cleaner) ruby(name string) {
	if name != "ruby" && !c.b.marked("ruby") {
		return
	}
	c.endAnnotation()
	e := element{name: name, mark: c.b.mark(name, "")}
	c.push(e)
}

// endAnnotation ends what lacks an end tag within an annotated word.
func (c *cleaner) endAnnotation() {
	for _, name := range []string{"rt", "rp"} {
		for i := c.last(name); i >= 0; i = c.last(name) {
			c.b.unmark(c.open[i].mark)
			c.open = append(c.open[:i], c.open[i+1:]...)
		}
	}
}

// link begins a link; a link inside a link ends the outer one. What leads to a place in the same page,
// or nowhere, is text.
func (c *cleaner) link(t tag) {
	if i := c.last("a"); i >= 0 {
		e := c.open[i]
		c.open = append(c.open[:i], c.open[i+1:]...)
		c.closeInline(e)
	}
	href := t.get("href")
	e := element{name: "a", at: c.b.position()}
	if inPage(href, c.conf.self) {
		e.inPage = true
		e.mark = c.b.mark("", "")
	} else {
		e.mark = c.b.mark("a", webURL(href))
	}
	c.push(e)
}

// closeInline ends an inline element and mends its text.
func (c *cleaner) closeInline(e element) {
	text := ""
	switch e.name {
	case "ruby":
		c.endAnnotation()
	case "q":
		c.b.text("”")
	case "sup", "sub", "a":
		for _, r := range c.b.since(e.at) {
			text += string(r.text[:min(len(r.text), 100)])
			if len(text) > 100 {
				break
			}
		}
		text = strings.TrimSpace(text)
	}
	c.b.unmark(e.mark)
	switch {
	case text == "":
	case e.name == "a":
		c.mendLink(e, text)
	case e.name == "sup" && c.footnote(e, text):
	case e.name == "sup":
		c.mend(e, raised(text))
	case e.name == "sub":
		c.mend(e, lowered(text))
	}
}

func (c *cleaner) mend(e element, text string) {
	if text != "" {
		c.b.replaceSince(e.at, text)
	}
}

// mendLink takes away the signs that lead to a heading or back from a footnote, and brackets the number
// that leads to a footnote.
func (c *cleaner) mendLink(e element, text string) {
	switch {
	case c.heading && anchorSign(text), e.inPage && strings.Trim(text, "↩↑⤴^⏎ \ufe0e\ufe0f") == "":
		c.b.replaceSince(e.at, "")
	case e.inPage && c.last("sup") < 0 && digits(strings.Trim(text, "⁰¹²³⁴⁵⁶⁷⁸⁹[]()*")) && len(text) < 8:
		c.note(e, text)
	case e.inPage:
		if i := c.last("sup"); i >= 0 {
			c.open[i].inPage = true
		}
	}
}

// footnote brackets the number of a footnote, and tells whether it was one.
func (c *cleaner) footnote(e element, text string) bool {
	inLink := c.last("a") >= 0 && c.open[c.last("a")].inPage
	if !e.inPage && !inLink {
		return false
	}
	c.note(e, text)
	return true
}

func (c *cleaner) note(e element, text string) {
	text = "[" + strings.Trim(text, "[]()* ") + "]"
	if c.conf.brief {
		text = ""
	}
	c.b.replaceSince(e.at, text)
}

// anchorSign tells the text of a link that only marks the place of its heading.
func anchorSign(text string) bool {
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return true
	}
	switch strings.ToLower(text) {
	case "link", "anchor", "permalink", "direct link", "link to heading", "link to this heading", "permalink to this heading", "copy link":
		return true
	}
	return false
}

// checkbox shows the box of a task.
func (c *cleaner) checkbox(t tag) {
	switch {
	case !strings.EqualFold(t.get("type"), "checkbox"):
	case t.has("checked"):
		c.b.text("☑ ")
	default:
		c.b.text("☐ ")
	}
}

// raised and lowered return a short text in raised or lowered signs, or "" where there are none for it.
func raised(s string) string {
	return translate(s, "0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
}

func lowered(s string) string {
	return translate(s, "0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
}

func translate(s, from, to string) string {
	fs, ts := []rune(from), []rune(to)
	var sb strings.Builder
next:
	for _, r := range s {
		for i, f := range fs {
			if r == f {
				sb.WriteRune(ts[i])
				continue next
			}
		}
		return ""
	}
	return sb.String()
}

// tablePart begins a part of a table. Rows are lines, cells are parted by bars.
func (c *cleaner) tablePart(t tag) bool {
	switch t.name {
	case "table":
		c.b.boundary()
		c.tables++
		c.cells = 0
	case "tr":
		c.endCell()
		c.b.softBreak()
		c.cells = 0
	case "td", "th":
		c.endCell()
		if c.cells++; c.cells > 1 {
			c.b.bars++
			c.b.space = true
		}
		if t.name == "th" && c.tables > 0 {
			e := element{name: "th", mark: c.b.mark("strong", "")}
			c.push(e)
		}
	default:
		return false
	}
	return true
}

// endCell ends the bold text of a heading cell.
func (c *cleaner) endCell() {
	if i := c.last("th", "table"); i >= 0 {
		c.b.unmark(c.open[i].mark)
		c.open = append(c.open[:i], c.open[i+1:]...)
	}
}

func (c *cleaner) endTablePart(name string) {
	if name == "table" && c.tables > 0 {
		c.tables--
		c.b.boundary()
	}
}

// formula reads MathML and shows its source, where it has one.
func (c *cleaner) formula(t tag) {
	if t.closed {
		return
	}
	var shown, source strings.Builder
	inSource := false
	for open := true; open; {
		switch c.z.Next() {
		case html.ErrorToken:
			open = false
		case html.TextToken:
			if inSource {
				source.Write(c.z.Text())
			} else {
				shown.WriteString(strings.TrimSpace(string(c.z.Text())))
			}
		case html.StartTagToken:
			in := c.tag(false)
			inSource = in.name == "annotation" && strings.Contains(in.get("encoding"), "tex")
			if in.name == "annotation-xml" {
				c.skip(in)
			}
		case html.EndTagToken:
			name, _ := c.z.TagName()
			open = string(name) != "math"
			inSource = false
		}
	}
	text := t.get("alttext")
	if text == "" {
		text = strings.TrimSpace(source.String())
	}
	if text == "" {
		text = shown.String()
	}
	c.b.text(tidy(text))
}
