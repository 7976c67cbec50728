package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"crier/internal/admin"
	"crier/internal/app"
)

func deliveryListCommand() command {
	return listing("What waits to be delivered, oldest first", operator.Deliveries, showDeliveries)
}

// listing makes a "list" command from how its rows are had and how they are shown.
func listing[T any](short string, read func(operator, context.Context) ([]T, error), show func(display, []T)) command {
	return command{
		use: "list", short: short, flags: jsonFlag,
		run: func(ctx context.Context, e *env, _ []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				rows, err := read(o, ctx)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(rows)
				}
				show(e.display(), rows)
				return nil
			})
		},
	}
}

func showDeliveries(d display, list []admin.Delivery) {
	if len(list) == 0 {
		fmt.Fprintln(d, "nothing waits")
		return
	}
	now := time.Now()
	t := newTable(table.Row{"type", "tries", "next", "to"})
	for _, v := range list {
		next := distance(v.Next, now)
		switch {
		case v.Parked:
			next = "parked"
		case !v.Next.After(now):
			next = "due"
		}
		t.AppendRow(table.Row{v.Type, v.Attempts, next, d.fit(line(v.Inbox), 34)})
		if v.LastError != "" {
			t.AppendRow(table.Row{"", "", "", d.fit(line(v.LastError), 34)})
		}
	}
	fmt.Fprintln(d, t.Render())
}

// newTable is a table without lines: columns two spaces apart, wide characters counted as what they take.
func newTable(header table.Row) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	t.AppendHeader(header)
	return t
}
