package content

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// maxIcon is the size of pictures in a text that only adorn it, in pixels of either side.
const maxIcon = 64

// embed handles what stands for something that is not text.
func (c *cleaner) embed(t tag) bool {
	switch t.name {
	case "img", "amp-img":
		c.image(t)
	case "video", "audio":
		c.player(t)
	case "iframe", "embed", "amp-iframe":
		src := t.get("src")
		if src == "" || strings.HasPrefix(src, "about:") {
			src = firstOf(t, "data-src", "data-lazy-src", "data-litespeed-src")
		}
		c.frame(src, t)
		if t.name == "iframe" {
			c.skip(t)
		}
	case "lite-youtube", "amp-youtube":
		if id := firstOf(t, "videoid", "data-videoid"); id != "" {
			c.frame("https://www.youtube.com/watch?v="+url.QueryEscape(id), t)
		}
	case "math":
		c.formula(t)
	default:
		return false
	}
	return true
}

func firstOf(t tag, keys ...string) string {
	for _, k := range keys {
		if v := t.get(k); v != "" {
			return v
		}
	}
	return ""
}

// image attaches a picture, or shows its description.
func (c *cleaner) image(t tag) {
	alt := t.get("alt")
	m := Media{URL: imageSource(t), Alt: alt, Width: pixels(t, "width"), Height: pixels(t, "height"),
		Blurhash: t.get("data-blurhash"), Focus: focusOf(t)}
	switch {
	case sign(t, alt):
		c.b.text(alt)
		return
	case tracker(m) && m.URL != "":
		return
	case max(m.Width, m.Height) > 0 && max(m.Width, m.Height) <= maxIcon && m.Width*m.Height > 0:
	case c.conf.media != nil && c.conf.media.add(m, "image/jpeg"):
		c.b.space = true
		return
	}
	if alt = altText(alt); alt != "" && !c.conf.brief {
		c.b.text(" [" + alt + "] ")
	}
}

// imageSource returns where a picture is, also where a page loads it late by a script.
func imageSource(t tag) string {
	for _, k := range []string{"src", "data-src", "data-lazy-src", "data-original", "data-orig-file", "data-full-url"} {
		if v := t.get(k); webURL(v) != "" {
			return v
		}
	}
	set := firstOf(t, "srcset", "data-srcset")
	last := strings.TrimSpace(set[strings.LastIndexByte(set, ',')+1:])
	last, _, _ = strings.Cut(last, " ")
	return last
}

// pixels reads a width or height from its attribute or from the style.
func pixels(t tag, key string) int {
	v := t.get(key)
	if v == "" {
		if val := styleOf(t, key); strings.HasSuffix(val, "px") {
			v = val
		}
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), "px"))
	if err != nil || n < 0 || n > 100_000 {
		return 0
	}
	return n
}

// sign tells pictures that stand for characters: emoji and formulas.
func sign(t tag, alt string) bool {
	if alt == "" {
		return false
	}
	if t.is("emoji", "wp-smiley", "smiley", "latex", "tex", "math", "mwe-math-fallback-image-inline", "emojione", "twemoji") {
		return true
	}
	return len(alt) <= 40 && !strings.ContainsFunc(alt, func(r rune) bool {
		return r < 0x80 || unicode.IsLetter(r)
	})
}

// player attaches sound or film, or links to it.
func (c *cleaner) player(t tag) {
	src, declared := t.get("src"), t.get("type")
	alt := firstOf(t, "aria-label", "title")
	if !t.closed {
		c.sources(t.name, &src, &declared)
	}
	m := Media{URL: src, Type: declared, Alt: alt, Width: pixels(t, "width"), Height: pixels(t, "height")}
	if c.conf.media != nil && c.conf.media.add(m, t.name+"/mp4") {
		c.b.space = true
		return
	}
	c.frame(src, t)
}

// sources reads up to the end of a player and takes its first source.
func (c *cleaner) sources(name string, src, declared *string) {
	for {
		switch c.z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			if in := c.tag(false); in.name == "source" && *src == "" {
				*src, *declared = in.get("src"), in.get("type")
			}
		case html.EndTagToken:
			if end, _ := c.z.TagName(); string(end) == name {
				return
			}
		}
	}
}

// frame shows something embedded as a link to it.
func (c *cleaner) frame(src string, t tag) {
	href := webURL(watchPage(src))
	if href == "" || tracker(Media{URL: href, Width: pixels(t, "width"), Height: pixels(t, "height")}) || unseen(t) {
		return
	}
	if c.b.marked("a") || c.b.leaf != nil && c.b.leaf.kind == pre {
		return
	}
	c.breakBlock()
	m := c.b.mark("a", href)
	c.b.text(showURL(href))
	c.b.unmark(m)
	c.breakBlock()
}

// watchPage returns the page of an embedded film, where that is known; else src.
func watchPage(src string) string {
	if strings.HasPrefix(src, "//") {
		src = "https:" + src
	}
	u, err := url.Parse(src)
	if err != nil {
		return ""
	}
	id := path.Base(u.Path)
	switch strings.TrimPrefix(strings.ToLower(u.Host), "www.") {
	case "youtube.com", "youtube-nocookie.com":
		if strings.HasPrefix(u.Path, "/embed/") && id != "videoseries" {
			return "https://www.youtube.com/watch?v=" + url.QueryEscape(id)
		}
	case "player.vimeo.com":
		if strings.HasPrefix(u.Path, "/video/") {
			return "https://vimeo.com/" + url.PathEscape(id)
		}
	}
	return src
}
