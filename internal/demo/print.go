package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Columns of the log. With two columns of margin and two between them a line has 80.
const (
	wide        = 80
	wideTime    = 8
	wideWhat    = 29
	wideFrom    = 11
	wideTo      = 14
	wideOutcome = 8
)

// cells are the five columns of a line, in the order of the widths above.
type cells [5]string

// printer writes the story. It is safe for concurrent use; the first write that fails is remembered.
type printer struct {
	color bool

	mu  sync.Mutex
	out io.Writer
	err error
}

// row is one line of the activity log: who sent what where, when, and what the other side answered.
type row struct {
	when     time.Time
	what     string // "Accept(Follow(alice → blog))"
	from, to string
	outcome  string // "202", "200"
	effect   string // what it did there; a second line
	bad      bool
}

func (p *printer) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintf(p.out, format, args...); err != nil && p.err == nil {
		p.err = fmt.Errorf("print the demo: %w", err)
	}
}

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) bold(s string) string { return p.paint("1", s) }
func (p *printer) dim(s string) string  { return p.paint("2", s) }

func (p *printer) mark(ok bool) string {
	if ok {
		return p.paint("32", "✓")
	}
	return p.paint("31", "✗")
}

func (p *printer) chapter(n int, title, intro string) {
	p.printf("\n%s\n\n%s", p.bold(fmt.Sprintf("%d  %s", n, title)), indent(intro, "   ", wide))
	p.printf("\n%s\n", p.dim("  "+cells{"WHEN", "WHAT", "FROM", "TO", "ANSWER"}.String()))
}

func (p *printer) row(r row) {
	line := cells{r.when.Local().Format("15:04:05"), r.what, r.from, r.to, r.outcome}.String()
	if r.bad {
		line = p.paint("31", line)
	}
	p.printf("  %s\n", line)
	if r.effect != "" {
		effect := indent("└ "+r.effect, strings.Repeat(" ", 2+wideTime+2), wide)
		p.printf("%s\n", p.dim(strings.TrimSuffix(effect, "\n")))
	}
}

func (p *printer) claim(text string, err error) {
	p.printf("  %s %s\n", p.mark(err == nil), text)
	if err != nil {
		p.printf("%s", indent(err.Error(), "    ", wide))
	}
}

func (c cells) String() string {
	line := make([]string, len(c))
	for i, n := range [...]int{wideTime, wideWhat, wideFrom, wideTo, wideOutcome} {
		line[i] = fit(c[i], n)
	}
	return strings.TrimRight(strings.Join(line, "  "), " ")
}

// fit makes s exactly n columns wide. All that is shown here is one column to the character.
func fit(s string, n int) string {
	if have := utf8.RuneCountInString(s); have <= n {
		return s + strings.Repeat(" ", n-have)
	}
	return string([]rune(s)[:n-1]) + "…"
}

// indent breaks text into lines of at most width columns, each behind the margin. A word that is longer
// stays whole: it is an address that somebody wants to open.
func indent(text, margin string, width int) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(margin+line+" "+word) > width {
			b.WriteString(margin + line + "\n")
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		b.WriteString(margin + line + "\n")
	}
	return b.String()
}

// tail keeps the last lines of crier's log, to be shown where the story goes wrong. It is safe for
// concurrent use.
type tail struct {
	mu    sync.Mutex
	lines []string
}

// tailLines is how many lines are kept.
const tailLines = 20

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, strings.TrimRight(string(b), "\n"))
	t.lines = t.lines[max(0, len(t.lines)-tailLines):]
	return len(b), nil
}

func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}
