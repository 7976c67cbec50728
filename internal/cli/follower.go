package cli

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

// manyWords is how many names a command takes beside those that it needs.
const manyWords = 10_000

func followerCommand() command {
	return command{use: "follower", short: "The followers: list them, approve, reject or remove some", subs: []command{
		followerListCommand(), followerApproveCommand(), followerRejectCommand(), followerRemoveCommand(),
	}}
}

func followerListCommand() command {
	var pending bool
	c := listing("The followers, newest first", func(o operator, ctx context.Context) ([]admin.Follower, error) {
		list, err := o.Followers(ctx)
		if err != nil || !pending {
			return list, err
		}
		return onlyPending(list), nil
	}, func(d display, list []admin.Follower) {
		if pending && len(list) == 0 {
			fmt.Fprintln(d, "nobody awaits your approval")
			return
		}
		showFollowers(d, list)
	})
	c.flags = func(cmd *cobra.Command) {
		jsonFlag(cmd)
		cmd.Flags().BoolVar(&pending, "pending", false, "only those who await your approval")
	}
	return c
}

func onlyPending(list []admin.Follower) []admin.Follower {
	out := []admin.Follower{}
	for _, f := range list {
		if isPending(f) {
			out = append(out, f)
		}
	}
	return out
}

func isPending(f admin.Follower) bool { return f.State == "pending" }

func showFollowers(d display, list []admin.Follower) {
	if len(list) == 0 {
		fmt.Fprintln(d, "no followers yet")
		return
	}
	t := newTable(table.Row{"since", "state", "follower"})
	for _, f := range list {
		t.AppendRow(table.Row{day(f.Since), f.State, d.fit(line(called(f.Actor, f.Handle)), 22)})
	}
	fmt.Fprintln(d, t.Render())
	if n := len(onlyPending(list)); n > 0 {
		fmt.Fprintf(d, "\n%s: crier follower approve ACTOR (or --all),\nor crier follower reject ACTOR\n", awaiting(n))
	}
}

func awaiting(n int) string {
	if n == 1 {
		return "1 awaits your approval"
	}
	return fmt.Sprintf("%d await your approval", n)
}

// tooLate is awaiting where the account has moved, and nobody can be approved any more.
func tooLate(n int) string {
	return fmt.Sprintf("%d asked before the account moved: crier follower reject ACTOR", n)
}

// called is what people know an actor by.
func called(actor, handle string) string {
	if handle != "" {
		return "@" + handle
	}
	return actor
}

const namesOfActors = `ACTOR is a handle (user@host) or an actor's address, and there may be several; where
one name fits nobody, nothing is done. Without a daemon, the servers of the actors
are told by the next one.`

func followerApproveCommand() command {
	r := admin.FollowerRequest{Verdict: admin.Approve}
	return command{
		use: "approve ACTOR... | --all", short: "Let those follow who await your approval", more: manyWords,
		long: `Lets those follow who await your approval (manually_approves_followers). They get
what you publish from now on.

` + namesOfActors,
		flags: func(cmd *cobra.Command) {
			cmd.Flags().BoolVar(&r.All, "all", false, "everybody who awaits approval")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			switch {
			case r.All && len(args) > 0:
				return usagef("crier follower approve", "name those to approve, or use --all, not both")
			case !r.All && len(args) == 0:
				return usagef("crier follower approve", "say whom: crier follower approve ACTOR..., or --all")
			}
			r.Who = args
			return decideFollowers(ctx, e, r, wording{done: "follows now", before: "followed before", nobody: "nobody awaits your approval"})
		},
	}
}

func followerRejectCommand() command {
	return command{
		use: "reject ACTOR...", short: "Turn down those who await your approval", words: 1, more: manyWords,
		long: `Turns down those who await your approval. Their servers are told, and they may ask
again; who shall not is blocked with "crier block add".

` + namesOfActors,
		run: func(ctx context.Context, e *env, args []string) error {
			return decideFollowers(ctx, e, admin.FollowerRequest{Verdict: admin.Reject, Who: args}, wording{done: "turned down"})
		},
	}
}

func followerRemoveCommand() command {
	return command{
		use: "remove ACTOR...", short: "End the follow of some followers", words: 1, more: manyWords,
		long: `Ends the follow of followers: they get nothing any more, and their servers are told.
They may follow again; who shall not is blocked with "crier block add".

` + namesOfActors,
		run: func(ctx context.Context, e *env, args []string) error {
			return decideFollowers(ctx, e, admin.FollowerRequest{Verdict: admin.Remove, Who: args}, wording{done: "removed"})
		},
	}
}

// wording is what is said of a follower who was decided on, of one where nothing was to do, and where there is none.
type wording struct{ done, before, nobody string }

func decideFollowers(ctx context.Context, e *env, r admin.FollowerRequest, w wording) error {
	return e.withOperator(ctx, app.StoreRead, func(o operator) error {
		changes, err := o.DecideFollowers(ctx, r)
		if err != nil {
			return err
		}
		d := e.display()
		if len(changes) == 0 {
			fmt.Fprintln(d, w.nobody)
		}
		for _, c := range changes {
			what := w.before
			if c.Changed {
				what = w.done
			}
			fmt.Fprintf(d, "%s  %s\n", d.fit(line(called(c.Actor, c.Handle)), len(what)+2), what)
		}
		return nil
	})
}
