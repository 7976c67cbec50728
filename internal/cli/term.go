package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"crier/internal/idn"
)

// defaultWidth is what is written for where the width of the terminal cannot be found.
const defaultWidth = 80

// display is how human output is written: how wide, and whether with colours.
type display struct {
	io.Writer
	width  int // 0: not a terminal, nothing is cut
	colour bool
}

// underlying is what the output goes to in the end.
func (e *env) underlying() io.Writer {
	if o, ok := e.Out.(*output); ok {
		return o.Writer
	}
	return e.Out
}

func (e *env) display() display {
	f, ok := e.underlying().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return display{Writer: e.Out}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	return display{Writer: e.Out, width: width, colour: colourWanted(e.Environ)}
}

// colourWanted follows no-color.org: any value that is not empty turns colours off.
func colourWanted(environ []string) bool {
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb" {
			return false
		}
	}
	return true
}

func (d display) paint(s string, c text.Color) string {
	if !d.colour {
		return s
	}
	return c.EscapeSeq() + s + text.Reset.EscapeSeq()
}

// fit cuts s to what is left of the line when used columns are taken.
func (d display) fit(s string, used int) string {
	if d.width == 0 {
		return s
	}
	return text.Snip(s, max(d.width-used, 10), "…")
}

// wrapped breaks s into lines that fit what is left of the line when used columns are taken.
func (d display) wrapped(s string, used int) []string {
	if d.width == 0 {
		return []string{s}
	}
	return strings.Split(text.WrapSoft(s, max(d.width-used, 20)), "\n")
}

// plain takes out of a foreign text what could do something to a terminal or mislead its reader: control
// characters (escape sequences begin with one) and those of the bidirectional algorithm. Line breaks and
// tabs of error texts stay.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if harmful(r) {
			return -1
		}
		return r
	}, s)
}

// harmful reports whether a terminal would obey a character, or its reader be misled by it.
func harmful(r rune) bool {
	return r != '\n' && r != '\t' &&
		(unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}

// line is plain for one line: breaks and tabs become spaces. Handles are written for people (see package idn).
func line(s string) string {
	return idn.Text(strings.NewReplacer("\n", " ", "\t", " ").Replace(plain(s)))
}

// readable is JSON for a reader: indented, with <, > and & as themselves, its keys in their order. What is
// no JSON is shown as it is.
func readable(source json.RawMessage, indent string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, source, indent, "  "); err != nil {
		return plain(string(source))
	}
	// An escaped backslash stands first, so that what follows it is left alone.
	tags := strings.NewReplacer(`\\`, `\\`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&")
	return plain(tags.Replace(b.String()))
}

// day and moment show a time in the reader's own zone.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02")
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// distance shows how far t is from now: "3 min ago", "in 2 h".
func distance(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := t.Sub(now)
	if d.Abs() < time.Second {
		return "now"
	}
	if d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

func span(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}}
	for _, u := range units {
		if d >= 2*u.size || d >= u.size && u.name == "min" {
			return fmt.Sprintf("%d %s", d/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
