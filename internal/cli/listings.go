package cli

import (
	"context"

	"github.com/jedib0t/go-pretty/v6/table"

	"crier/internal/app"
)

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
