package content

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	markdownrenderer "github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
)

const (
	// maxMarkdown is how much Markdown is read, in bytes. goldmark needs time that grows with the square
	// of hostile input and cannot be stopped.
	maxMarkdown = 64 << 10
	maxBrackets = 2000 // 64 kB of "[a](" take 2 s, so many take milliseconds
	maxLevels   = 32   // quotations and lists inside each other
)

// Markdown returns the safe HTML of a text that may contain HTML itself: the summary of the account,
// a hand-written post. Text that is too long or built to be slow comes out as it stands, in paragraphs.
func Markdown(src string) string {
	bs, _ := clean(markdown(src), cleaning{limit: fullLimit})
	html, _ := fit(bs, maxHTML)
	return html
}

// markdown returns the unclean HTML of a text.
func markdown(src string) string { return convert(goldmarkWith(), src) }

func goldmarkWith(options ...markdownrenderer.Option) goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote),
		goldmark.WithRendererOptions(append(options, html.WithUnsafe())...))
}

// convert returns the unclean HTML of a text, in paragraphs as it stands where goldmark would be slow at it.
func convert(md goldmark.Markdown, src string) string {
	src = tidy(src)
	if len(src) <= maxMarkdown && !slow(src) {
		var buf bytes.Buffer
		if err := md.Convert([]byte(src), &buf); err == nil {
			return buf.String()
		}
	}
	var sb strings.Builder
	for part := range strings.SplitSeq(strings.ReplaceAll(src, "\r\n", "\n"), "\n\n") {
		sb.WriteString("<p>")
		escape(&sb, part)
		sb.WriteString("</p>")
	}
	return sb.String()
}

// slow tells Markdown that nobody writes and goldmark is slow at.
func slow(src string) bool {
	if strings.Count(src, "[")+strings.Count(src, "![") > maxBrackets {
		return true
	}
	for line := range strings.SplitSeq(src, "\n") {
		rest := strings.TrimLeft(line, " \t>")
		if strings.Count(line[:len(line)-len(rest)], ">") > maxLevels {
			return true
		}
	}
	return false
}
