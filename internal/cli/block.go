package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

func blockCommand() command {
	return command{use: "block", short: "Blocked actors and domains", subs: []command{
		blockListCommand(), blockAddCommand(), blockRemoveCommand(),
	}}
}

func blockListCommand() command {
	return listing("What is blocked, newest first", operator.Blocks, showBlocks)
}

func showBlocks(d display, list []admin.Block) {
	if len(list) == 0 {
		fmt.Fprintln(d, "nothing is blocked")
		return
	}
	t := newTable(table.Row{"since", "kind", "blocked"})
	for _, b := range list {
		t.AppendRow(table.Row{day(b.Since), b.Kind, d.fit(line(called(b.What, b.Handle)), 20)})
		if b.Note != "" {
			t.AppendRow(table.Row{"", "", d.fit(line(b.Note), 20)})
		}
	}
	fmt.Fprintln(d, t.Render())
}

func blockAddCommand() command {
	var note string
	return command{
		use: "add ACTOR|DOMAIN...", short: "Block actors or whole domains", words: 1, more: manyWords,
		long: `Blocks an actor (a handle, user@host, or an actor's address) or a domain with all
that lies below it.

Whoever is blocked follows no longer and gets nothing. What they send is answered
as if all were well, and dropped. The server of a single actor is told that the
follow has ended; a domain is told nothing. What you publish for everybody stays
readable for everybody.

A domain is that of the actors' addresses. Where a server's handles have another one,
name it, too.`,
		flags: func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&note, "note", "", "why, for yourself; shown by \"crier block list\"")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				return eachName(args, func(what string) error {
					b, err := o.AddBlock(ctx, admin.BlockRequest{What: what, Note: note})
					if err != nil {
						return err
					}
					showBlocked(e.display(), b)
					return nil
				})
			})
		},
	}
}

func showBlocked(d display, b admin.BlockChange) {
	before := ""
	if b.Known {
		before = " before"
	}
	fmt.Fprintf(d, "%s  blocked%s\n", d.fit(line(called(b.What, b.Handle)), 16), before)
	if b.Followers > 0 || b.Deliveries > 0 {
		fmt.Fprintf(d, "  %s removed, %s dropped\n", counted(b.Followers, "follower"), counted(b.Deliveries, "waiting post"))
	}
	if b.Doubt != "" {
		for _, part := range d.wrapped(line("its address is taken as it stands, since it could not be looked up: "+b.Doubt), 2) {
			fmt.Fprintf(d, "  %s\n", strings.TrimRight(part, " "))
		}
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func blockRemoveCommand() command {
	return command{
		use: "remove ACTOR|DOMAIN...", short: "Lift blocks", words: 1, more: manyWords,
		long: `Lifts blocks. Nobody follows again by it: whoever wants to has to ask anew. People
on a server that was blocked as a whole, which was told nothing, have to unfollow
first.`,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				return eachName(args, func(what string) error {
					b, err := o.RemoveBlock(ctx, admin.BlockRequest{What: what})
					if err != nil {
						return err
					}
					d := e.display()
					fmt.Fprintf(d, "%s  not blocked any longer\n", d.fit(line(called(b.What, b.Handle)), 25))
					return nil
				})
			})
		},
	}
}

// eachName does something for each name, and goes on where that fails for one.
func eachName(names []string, do func(name string) error) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, do(name))
	}
	return errors.Join(errs...)
}
