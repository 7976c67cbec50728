package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"crier/internal/app"
	"crier/internal/config"
)

func checkCommand() command {
	var whole bool
	return command{
		use: "check", short: "Examine the whole set-up and say what to mend",
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			storeFlag(cmd, &whole)
		},
		long: `Looks at the whole set-up, from here and as other servers see it: configuration, store and
daemon, the public address, actor, inbox and key, WebFinger at the handle's own host, the
pictures, every feed and its newest entry's page, links back to the profile, the clock.

Says item by item what is right (ok), what could be better (warn), what is wrong and how to mend
it. Changes nothing. Exits 1 if anything is wrong.`,
		run: func(ctx context.Context, e *env, _ []string) error { return check(ctx, e, whole) },
	}
}

// checked is the outcome in JSON.
type checked struct {
	Items []app.CheckItem `json:"items"`
	Wrong int             `json:"wrong"`
	Warn  int             `json:"warn"`
}

func (c *checked) add(it app.CheckItem) {
	c.Items = append(c.Items, it)
	switch it.State {
	case app.CheckWrong:
		c.Wrong++
	case app.CheckWarn:
		c.Warn++
	}
}

func check(ctx context.Context, e *env, whole bool) error {
	var all checked
	d := e.display()
	found := func(it app.CheckItem) {
		all.add(it)
		if !e.json {
			printItem(d, it)
		}
	}
	cfg, warnings, err := e.loadConfig()
	if err != nil {
		for _, it := range configItems(err) {
			found(it)
		}
	} else {
		app.Check(ctx, cfg, app.CheckOptions{Log: e.quietLog(), Version: Version, Warnings: warnings}, found)
		if whole {
			app.CheckStore(cfg, found)
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("look at the set-up: %w", ctx.Err())
	}
	if e.json {
		if err := e.printJSON(all); err != nil {
			return err
		}
	}
	return verdict(all)
}

// configItems are the findings about a configuration that cannot be used: everything that is wrong with it.
func configItems(err error) []app.CheckItem {
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		return []app.CheckItem{{Subject: "configuration", State: app.CheckWrong, Text: err.Error()}}
	}
	var items []app.CheckItem
	for _, p := range problems {
		items = append(items, app.CheckItem{Subject: "configuration", State: app.CheckWrong, Text: p.String()})
	}
	return items
}

func verdict(all checked) error {
	switch all.Wrong {
	case 0:
		return nil
	case 1:
		return errors.New("one thing is wrong")
	}
	return fmt.Errorf("%d things are wrong", all.Wrong)
}

// itemIndent is what stands before the second line of a finding: as wide as the mark.
const itemIndent = 7

func printItem(d display, it app.CheckItem) {
	colour := map[app.CheckState]text.Color{
		app.CheckOK: text.FgGreen, app.CheckWarn: text.FgYellow, app.CheckWrong: text.FgRed,
	}[it.State]
	mark := fmt.Sprintf("%-*s", itemIndent, it.State)
	if colour != 0 {
		mark = d.paint(mark, colour)
	}
	for i, row := range d.wrapped(line(it.Subject+": "+it.Text), itemIndent) {
		if i > 0 {
			mark = strings.Repeat(" ", itemIndent)
		}
		fmt.Fprintln(d, mark+row)
	}
	if it.Mend == "" {
		return
	}
	for i, row := range d.wrapped(line(it.Mend), itemIndent+2) {
		arrow := "→ "
		if i > 0 {
			arrow = "  "
		}
		fmt.Fprintln(d, strings.Repeat(" ", itemIndent)+arrow+row)
	}
}
