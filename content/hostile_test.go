package content

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// hostileSize is the size of the texts in bytes. What takes time that grows with the square of it takes
// minutes at this size already.
const hostileSize = 256 << 10

// hostileTexts are entries that are made to be slow, deep or large when they are read or written.
func hostileTexts() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, hostileSize/len(s)) }
	long := "https://a.example/" + strings.Repeat("x", 4000)
	var marks strings.Builder
	for i := range 500 {
		fmt.Fprintf(&marks, "<b a=%d>", i)
	}
	return map[string]string{
		"deep divs":             fill("<div>"),
		"deep quotes":           fill("<blockquote>x"),
		"deep lists":            fill("<ul><li>x"),
		"deep inline":           fill("<b><i><code>x"),
		"unclosed formatting":   "<p>" + marks.String() + "</p>" + fill("<p>x"),
		"unclosed link":         `<a href="` + long + `">` + fill("<p>x"),
		"unclosed link in list": `<ul><a href="` + long + `">` + fill("<li>x"),
		"links":                 fill(`<a href="https://a.example/">x`),
		"stray ends":            strings.Repeat("<i>", 190) + fill("</b>"),
		"raised":                fill("x<sup>1"),
		"raised pairs":          fill("&nbsp; <sup>1</sup>"),
		"spaces":                fill("&nbsp; "),
		"breaks":                fill("<br>"),
		"words":                 fill("x "),
		"one word":              fill("x"),
		"marks":                 fill("a\u0301\u0302\u0303"),
		"joined emoji":          fill("👩\u200d"),
		"addresses":             fill("https://a.example/x,"),
		"almost addresses":      fill("http://"),
		"brackets in address":   "https://a.example/" + strings.Repeat("(", 2000) + fill(")"),
		"entities":              fill("&lt;"),
		"comments":              fill("<!--"),
		"scripts":               fill("<script>"),
		"attributes":            "<p " + fill("a=1 ") + ">x",
		"classes":               `<p class="` + fill("a ") + `">x`,
		"rules":                 fill("<hr>x"),
		"cells":                 "<table><tr>" + fill("<td>"),
		"rows":                  "<table>" + fill("<tr><td>x<td>"),
		"tables":                fill("<table><tr><td>x"),
		"headings":              fill("<h1>x"),
		"ruby":                  fill("<ruby>x<rt>y"),
		"terms":                 fill("<dt>x<dd>y"),
		"pictures":              fill(`<img src="https://a.example/1.png" alt="x">`),
		"math":                  fill("<math>x"),
		"stops":                 fill("."),
		"sentences":             fill("A. "),
		"not UTF-8":             fill("\xff\xfe"),
		"pre":                   "<pre>" + fill("\n"),
		"blocks in pre":         "<pre>" + fill("<div>x"),
		"foreign":               fill("<svg><math><title>"),
		"hashtags":              fill("#a "),
		"hashes":                fill("#"),
		"dotted hashtags":       fill("#a·b"),
		"linked hashtags":       fill(`<a href="https://a.example/tags/x">#x</a>`),
		"markdown links":        fill("[a]("),
		"markdown quotes":       fill("> "),
	}
}

// TestHostile renders them all and bounds what is written and allocated; a text that took more than linear
// time would run into the time limit of the test.
func TestHostile(t *testing.T) {
	const mostAllocated = 100 << 20 // bytes, all in all, for eight readings; far less is held at a time
	for name, src := range hostileTexts() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for _, e := range []Entry{
				{URL: "https://a.example/e", Title: "T", Summary: src, Content: src, Categories: []string{src, src}},
				{URL: "https://a.example/e", Title: src, Markdown: src, Categories: strings.SplitN(src, "x", 1000)},
			} {
				checkPost(t, Render(e, Extras{}, Options{Mode: ModeSummary, TagBase: testTags}))
				checkPost(t, Render(e, Extras{}, Options{Mode: ModeFull, TagBase: testTags}))
			}
			checkHTML(t, Markdown(src[:min(len(src), maxMarkdown)]))
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > mostAllocated {
				t.Errorf("allocated %d MiB", n>>20)
			}
		})
	}
}
