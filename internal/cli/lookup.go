package cli

import (
	"context"
	"fmt"

	"crier/internal/app"
)

func lookupCommand() command {
	return command{
		use: "lookup WHAT", short: "Resolve a handle, an actor or an object as the daemon would", words: 1,
		long: `Resolves WHAT, a handle ("@user@example.com") or the address of an actor or an object, as the
daemon would, with signed requests, and prints the document: that of an actor below
its handle, if the handle's own host leads back to it.`,
		flags: jsonFlag,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.withOperator(ctx, app.StoreScratch, func(o operator) error {
				found, err := o.Lookup(ctx, args[0])
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(found.Document)
				}
				if found.Handle != "" {
					fmt.Fprintln(e.Out, line("@"+found.Handle))
				}
				fmt.Fprintln(e.Out, readable(found.Document, ""))
				return nil
			})
		},
	}
}
