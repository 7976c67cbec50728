package preview

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// wrapper makes lines of groups of atoms that stay together.
type wrapper struct {
	flow *flow
	line row
	used int // columns of the line, with its margin
	room int // columns taken by the margin
}

// put places a group on the line, or on the next one where it does not fit.
func (w *wrapper) put(group []atom) {
	if w.line == nil {
		w.begin()
	} else if group[0].before == newline {
		w.end()
		w.begin()
	}
	columns := 0
	for _, a := range group {
		columns += text.StringWidth(a.text)
	}
	space := 0
	if group[0].before == spaced && w.used > w.room {
		space = 1
	}
	if w.used > w.room && w.used+space+columns > w.flow.width && !w.flow.pre {
		w.end()
		w.begin()
		space = 0
	}
	if space > 0 {
		w.write(piece{" ", group[0].face & w.lastFace()})
	}
	for _, a := range group {
		w.writeLong(a.piece)
	}
}

func (w *wrapper) lastFace() face { return w.line[len(w.line)-1].face }

// writeLong cuts what is longer than a line, unless it is an address or code.
func (w *wrapper) writeLong(p piece) {
	for w.used+text.StringWidth(p.text) > w.flow.width && !w.flow.pre && !strings.Contains(p.text, "://") {
		head := fitting(p.text, w.flow.width-w.used)
		if head == "" && w.used == w.room {
			break // a margin that leaves no room
		}
		if head != "" {
			w.write(piece{head, p.face})
			p.text = p.text[len(head):]
		}
		w.end()
		w.begin()
	}
	w.write(p)
}

// fitting returns the beginning of s that takes at most so many columns.
func fitting(s string, columns int) string {
	used := 0
	for i, r := range s {
		used += text.RuneWidth(r)
		if used > columns {
			return s[:i]
		}
	}
	return s
}

func (w *wrapper) write(p piece) {
	if p.text == "" {
		return
	}
	w.used += text.StringWidth(p.text)
	if last := len(w.line) - 1; last > 0 && w.line[last].face == p.face {
		w.line[last].text += p.text
		return
	}
	w.line = append(w.line, p)
}

// begin starts a line with the margin of its block.
func (w *wrapper) begin() {
	m := w.flow.margin()
	w.room = text.StringWidth(m)
	w.used = w.room
	w.line = row{{m, soft}}
}

func (w *wrapper) end() {
	if w.line == nil {
		return
	}
	if len(w.line) == 1 {
		w.line[0].text = strings.TrimRight(w.line[0].text, " ")
	}
	w.flow.rows = append(w.flow.rows, w.line)
	w.line = nil
}
