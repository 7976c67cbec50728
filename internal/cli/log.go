package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

const (
	followLines   = 20          // shown before following, unless -n says otherwise
	reconnectWait = time.Second // between two looks for a daemon to follow
)

func logCommand() command {
	var follow, source bool
	var last int
	var lastSet func() bool
	return command{
		use: "log", short: "The activity log: what went out and came in",
		long: `Shows the exchanges with other servers and what happened at the feeds, oldest first: when,
which way (← in, → out, · feed), what, from whom to whom, and with which result.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on and show what is added (--json: one document a line)")
			cmd.Flags().BoolVar(&source, "source", false, "show the JSON of each activity")
			cmd.Flags().IntVarP(&last, "lines", "n", 0, "show only so many of the newest lines (all, with -f 20)")
			lastSet = func() bool { return cmd.Flags().Changed("lines") }
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			q := admin.LogQuery{Last: last, Source: source}
			switch {
			case lastSet() && last < 0:
				return usagef("crier log", "-n %d: a number from 0 is wanted", last)
			case !lastSet() && follow:
				q.Last = followLines
			case !lastSet():
				q.Last = -1
			}
			if follow {
				return followLog(ctx, e, q)
			}
			return showLog(ctx, e, q)
		},
	}
}

func showLog(ctx context.Context, e *env, q admin.LogQuery) error {
	return e.withOperator(ctx, app.StoreRead, func(o operator) error {
		lines, err := o.Log(ctx, q)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(lines)
		}
		d := e.display()
		for _, l := range lines {
			printLine(d, l)
		}
		return nil
	})
}

// followLog shows lines until ctx is done. It outlives the daemon: where none runs, it shows what the
// store has and waits for one.
func followLog(ctx context.Context, e *env, q admin.LogQuery) error {
	cfg, _, err := e.loadConfig()
	if err != nil {
		return err
	}
	f := &follower{env: e, d: e.display(), query: q}
	for {
		client, err := admin.Dial(cfg.DataDir)
		switch {
		case err == nil:
			err = client.FollowLog(ctx, f.query, f.emit)
			if err != nil && !errors.Is(err, admin.ErrStreamEnded) {
				return err
			}
		case !errors.Is(err, admin.ErrNoDaemon):
			return err
		case !f.began:
			if err := f.fromStore(ctx, cfg.DataDir); err != nil {
				return err
			}
		}
		f.began = true
		if f.seen > 0 {
			f.query.After = f.seen // nothing that is logged between two daemons is missed
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconnectWait):
		}
	}
}

// follower shows each line once, whoever it comes from.
type follower struct {
	env   *env
	d     display
	query admin.LogQuery
	began bool
	seen  uint64 // number of the last line shown
}

func (f *follower) fromStore(ctx context.Context, dataDir string) error {
	return f.env.withOperator(ctx, app.StoreRead, func(o operator) error {
		lines, err := o.Log(ctx, f.query)
		if err != nil {
			return err
		}
		fmt.Fprintf(f.env.Err, "no daemon is running on %s; waiting for one\n", dataDir)
		for _, l := range lines {
			if err := f.emit(l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *follower) emit(l admin.LogLine) error {
	if l.Seq <= f.seen {
		return nil
	}
	f.seen = l.Seq
	if f.env.json {
		if err := json.NewEncoder(jsonOut{f.env.Out}).Encode(l); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	printLine(f.d, l)
	return nil
}

// printLine shows one exchange on one line. On a terminal, which has little room and is for people, addresses
// lose their scheme and times their year, and what does not fit goes on below, as in the article: what, from
// whom, to whom, with which result.
func printLine(d display, l admin.LogLine) {
	what := line(l.Type)
	if l.Object != "" {
		what += "(" + line(l.Object) + ")"
	}
	from, to, result := line(l.From), line(l.To), line(l.Result)
	if to == "" && l.From == l.Object {
		from = "" // a feed, which is what the line is about
	}
	arrow, colour := arrowOf(l.Direction)
	if d.width == 0 {
		fmt.Fprintln(d, joinColumns(moment(l.Time)+" "+arrow, what, route(from, to), result))
	} else {
		short := strings.NewReplacer("https://", "", "http://", "")
		what, from, to = short.Replace(what), short.Replace(from), short.Replace(to)
		stamp := l.Time.Local().Format(shortStamp) + " " + d.paint(arrow, colour) + "  "
		for i, row := range rows(d.width-stampWidth, what, from, to, result) {
			if i > 0 {
				stamp = strings.Repeat(" ", stampWidth)
			}
			fmt.Fprintln(d, stamp+d.fit(row, stampWidth))
		}
	}
	printSource(d, l.Source)
}

const (
	shortStamp = "01-02 15:04:05"
	stampWidth = len(shortStamp) + len(" →  ") - len("→") + 1 // the arrow is one column wide
)

// rows lays an exchange out for a width: on one row, else on two, else with from and to on rows of their own.
func rows(width int, what, from, to, result string) []string {
	if one := joinColumns(what, route(from, to), result); text.StringWidth(one) <= width {
		return []string{one}
	}
	if two := joinColumns(route(from, to), result); text.StringWidth(two) <= width {
		return []string{what, two}
	}
	out := []string{what}
	for _, row := range [][2]string{{"from ", from}, {"to ", to}, {"", result}} {
		if row[1] != "" {
			out = append(out, row[0]+row[1])
		}
	}
	return out
}

func route(from, to string) string {
	if from == "" || to == "" {
		return from + to
	}
	return from + " → " + to
}

// joinColumns joins what is not empty.
func joinColumns(columns ...string) string {
	return strings.Join(slices.DeleteFunc(columns, func(s string) bool { return s == "" }), "  ")
}

func arrowOf(direction string) (string, text.Color) {
	switch direction {
	case "in":
		return "←", text.FgGreen
	case "out":
		return "→", text.FgBlue
	default:
		return "·", text.FgYellow
	}
}

func printSource(d display, source json.RawMessage) {
	if len(source) == 0 {
		return
	}
	const indent = "    "
	fmt.Fprintln(d, indent+readable(source, indent))
}
