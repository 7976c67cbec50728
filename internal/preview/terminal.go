package preview

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"crier/content"
)

// Screen is how a terminal is written to.
type Screen struct {
	Width  int  // columns
	Colour bool // whether anything but characters may be sent
	// Clean takes out of a foreign text what a terminal would obey or what would mislead its reader. It leaves line
	// breaks and tabs.
	Clean func(string) string
}

// Bounds of the width that text is laid out for: less is of no use, more cannot be read.
const (
	narrowest = 40
	widest    = 100
	labels    = 12 // columns of the labels below a post
)

// Terminal writes the posts for a terminal, one below the other, and what there is to say of the feeds. Lines are
// not longer than the screen is wide, except for addresses and code.
func Terminal(w io.Writer, s Sheet, screen Screen) error {
	screen.Width = min(max(screen.Width, narrowest), widest)
	t := &terminal{Screen: screen, out: bufio.NewWriter(w)}
	for i, p := range s.Posts {
		if i > 0 {
			t.print(nil)
		}
		t.post(s.Account, p)
	}
	for _, f := range s.Feeds {
		t.feed(f)
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

type terminal struct {
	Screen
	out *bufio.Writer // remembers its first error
}

func (t *terminal) post(by Account, p Post) {
	t.head(by, p)
	if p.Content.Warning != "" {
		t.labelled("warning", p.Content.Warning+" (the text shows after a click)", bold)
		t.print(nil)
	}
	for _, r := range layOut(p.Content.HTML, t.Width, t.Clean) {
		t.print(r)
	}
	t.print(nil)
	for i, m := range p.Content.Attachments {
		t.attachment(i, m, p.Content.Sensitive)
	}
	if c, ok := p.Card(); ok {
		title := c.Title
		if title != c.Host {
			title += ", " + c.Host
		}
		t.labelled("card", title, 0)
	}
	t.labelled("id", p.ID, 0)
	for _, warning := range p.Warnings {
		t.warn(warning)
	}
}

// head writes whose post it is, when it is dated, and who can see it.
func (t *terminal) head(by Account, p Post) {
	who := t.line(by.Name)
	handle := "@" + t.line(by.Handle)
	facts := t.facts(p)
	name := text.Snip(who, max(t.Width-text.StringWidth(handle)-text.StringWidth(facts)-4, 8), "…")
	fill := t.Width - text.StringWidth(name) - text.StringWidth(handle) - text.StringWidth(facts) - 2
	if fill < 2 { // on lines of their own
		t.print(row{{name, bold}, {"  " + handle, soft}})
		t.print(row{{facts, soft}})
	} else {
		t.print(row{{name, bold}, {"  " + handle, soft}, {strings.Repeat(" ", fill) + facts, soft}})
	}
	t.print(row{{strings.Repeat("─", t.Width), soft}})
	if p.Skipped {
		t.warn("skipped by a rule: this is not sent")
		t.print(nil)
	}
}

func (t *terminal) facts(p Post) string {
	facts := []string{p.Visibility}
	if !p.Date.IsZero() {
		facts = append([]string{p.Date.Format("2 Jan 2006 15:04")}, facts...)
	}
	if p.Content.Language != "" {
		facts = append(facts, t.line(p.Content.Language))
	}
	if p.Content.Format == content.FormatArticle {
		facts = append(facts, "article")
	}
	return strings.Join(facts, " · ")
}

func (t *terminal) attachment(i int, m content.Media, hidden bool) {
	facts := []string{orElse(m.Type, "unknown type")}
	if m.Width > 0 && m.Height > 0 {
		facts = append(facts, fmt.Sprintf("%d×%d", m.Width, m.Height))
	}
	if hidden {
		facts = append(facts, "hidden until asked for")
	}
	t.labelled(fmt.Sprintf("attached %d", i+1), strings.Join(facts, ", "), 0)
	t.labelled("", m.URL, soft)
	if m.Alt != "" {
		t.labelled("", "“"+m.Alt+"”", italic)
	}
}

func (t *terminal) feed(f Feed) {
	if len(f.Advice) == 0 {
		return
	}
	t.print(nil)
	t.print(row{{"feed ", soft}, {t.line(f.URL), soft}})
	for _, a := range f.Advice {
		t.warn(a)
	}
}

// labelled writes a text in lines beside a label.
func (t *terminal) labelled(label, s string, look face) {
	f := &flow{width: t.Width, clean: t.Clean, face: look}
	f.margins = []margin{{fmt.Sprintf("%-*s", labels, label), strings.Repeat(" ", labels)}}
	f.text(s)
	f.flush()
	for _, r := range f.rows {
		t.print(r)
	}
}

func (t *terminal) warn(s string) {
	f := &flow{width: t.Width, clean: t.Clean, margins: []margin{{"! ", "  "}}}
	f.text(s)
	f.flush()
	for _, r := range f.rows {
		t.paint(r, text.FgYellow)
	}
}

// line is a foreign text on one line.
func (t *terminal) line(s string) string {
	return strings.Join(strings.Fields(t.Clean(s)), " ")
}

func (t *terminal) print(r row) { t.paint(r) }

// paint writes a line with the looks of its pieces, and with further ones for all of it.
func (t *terminal) paint(r row, all ...text.Color) {
	for _, p := range r {
		colours := append(slices.Clip(all), p.face.colours()...)
		if !t.Colour || len(colours) == 0 || strings.TrimSpace(p.text) == "" {
			_, _ = t.out.WriteString(p.text)
			continue
		}
		_, _ = t.out.WriteString(text.Colors(colours).EscapeSeq() + p.text + text.Reset.EscapeSeq())
	}
	_ = t.out.WriteByte('\n')
}

func (f face) colours() []text.Color {
	var list []text.Color
	for i, c := range []text.Color{text.Bold, text.Italic, text.Faint} { // in the order of bold, italic, soft
		if f&(1<<i) != 0 {
			list = append(list, c)
		}
	}
	return list
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
