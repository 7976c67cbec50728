package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

func postShowCommand() command {
	var source bool
	return command{
		use: "show POST", short: "How a post stands", words: 1,
		long: `Shows how a post stands. POST is the post's id or its entry's URL.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().BoolVar(&source, "source", false, "print the JSON that other servers get")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			d, err := e.postDetail(ctx, args[0])
			switch {
			case err != nil:
				return err
			case source && e.json:
				return e.printJSON(d.Source)
			case source:
				fmt.Fprintln(e.Out, readable(d.Source, ""))
			case e.json:
				return e.printJSON(d)
			default:
				showPost(e.display(), d)
			}
			return nil
		},
	}
}

func (e *env) postDetail(ctx context.Context, what string) (d admin.PostDetail, err error) {
	err = e.withOperator(ctx, app.StoreRead, func(o operator) error {
		d, err = o.ShowPost(ctx, what)
		return err
	})
	return d, err
}

func showPost(d display, p admin.PostDetail) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(d, "%-11s %s\n", name, d.fit(line(value), 12))
		}
	}
	whole := func(name, address string) { // one that is cut cannot be used
		if address != "" {
			fmt.Fprintf(d, "%-11s %s\n", name, line(address))
		}
	}
	row("post", p.Title)
	whole("id", p.ID)
	if p.URL != p.ID {
		whole("url", p.URL)
	}
	row("kind", map[string]string{admin.KindEntry: "an entry of the blog", admin.KindNote: "written by hand"}[p.Kind])
	row("state", p.State)
	row("visibility", p.Visibility)
	row("published", moment(p.Published))
	when := func(name string, at time.Time) {
		if !at.IsZero() {
			row(name, moment(at))
		}
	}
	when("edited", p.Updated.Time)
	when("deleted", p.Deleted)
	when("pinned", p.Pinned)
	row("warning", p.Warning)
	whole("answers", p.InReplyTo)
	row("mentions", strings.Join(p.Mentions, " "))
	if p.State == "live" {
		row("reactions", fmt.Sprintf("likes %d, boosts %d, replies %d", p.Reactions.Likes, p.Reactions.Boosts, p.Reactions.Replies))
	}
	row("queue", waitingFor(p.Waiting))
	showSent(d, p)
}

func waitingFor(n int) string {
	switch n {
	case 0:
		return "nothing waits"
	case 1:
		return "1 delivery waits"
	}
	return fmt.Sprintf("%d deliveries wait", n)
}
