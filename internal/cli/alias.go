package cli

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

func aliasCommand() command {
	return command{use: "alias", short: "Accounts that this one is also known as (moving in)", subs: []command{
		aliasListCommand(), aliasAddCommand(), aliasRemoveCommand(),
	}}
}

func aliasListCommand() command {
	c := listing("The aliases, and how many of their followers have arrived", operator.Aliases, showAliases)
	c.long = `Lists the accounts that this one is also known as: those that were added, and those of
account.also_known_as. For each: how many followers it had when it was added, and how many of them
follow this account by now. Where its server does not tell who they are, the follows since then are
counted instead.`
	return c
}

func aliasAddCommand() command {
	return command{
		use: "add ACTOR", short: "Let another account of yours send its followers here", words: 1,
		long: `Makes this account also known as ACTOR, a handle ("@user@example.com") or an address: the
old account, which may then send its followers here. Other servers let followers go to an account
only if it says that it is also known as the one that they come from. Nothing is moved by this
alone.`,
		flags: jsonFlag,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				a, err := o.AddAlias(ctx, args[0])
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(a)
				}
				s, err := o.Status(ctx)
				if err != nil {
					return err
				}
				showAdded(e.display(), a, s.Account.Handle)
				return nil
			})
		},
	}
}

func aliasRemoveCommand() command {
	return command{
		use: "remove ACTOR", short: "Take an alias away", words: 1,
		long:  "Takes away an alias that was added. Do it when the move is over, if you like; followers stay.",
		flags: jsonFlag,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				a, err := o.RemoveAlias(ctx, args[0])
				switch {
				case err != nil:
					return err
				case e.json:
					return e.printJSON(a)
				}
				fmt.Fprintf(e.Out, "removed; this account is no longer also known as %s\n", line(aliasName(a)))
				return nil
			})
		},
	}
}

// aliasName is what to call an alias.
func aliasName(a admin.Alias) string {
	if a.Handle != "" {
		return "@" + a.Handle
	}
	return a.Actor
}

// showAdded tells what to do next, unless that was told before. It is written for a terminal of 80 columns, but for names that are longer.
func showAdded(d display, a admin.Alias, own string) {
	first, indent := "added: this account is also known as", 7
	if a.Before {
		first, indent = "known before: this account is also known already as", 14
	}
	fmt.Fprintf(d, "%s %s\n%*s%s\n", first, line(aliasName(a)), indent, "", line(a.Actor))
	if a.Followers >= 0 {
		fmt.Fprintf(d, "%*sit has %s\n", indent, "", counted(a.Followers, "follower"))
	}
	if a.Before {
		fmt.Fprintln(d, "\nHow to start the move there stands in the README (“Moving in”); see the\nfollowers come with:  crier alias list")
		return
	}
	server := "https://…"
	if u, err := url.Parse(a.Actor); err == nil && u.Host != "" {
		server = u.Scheme + "://" + u.Host
	}
	fmt.Fprintf(d, `
Now go to the old account and start the move there, to @%s:

  Mastodon          Preferences, Account, "Move to a different account", or
                    %s/settings/migration
  GoToSocial        Settings, Migration, "Move Account"
  Misskey           Settings, "Account Migration"
  Akkoma, Pleroma   Settings, Security, "Move Account"
  others            look in the settings for "migration", "move" or "aliases"

If the old server says that the alias is missing, it remembers an older copy of
this account: wait and try again, on Mastodon for up to a day. The followers
arrive within minutes after that; see them come with:  crier alias list
`, line(own), line(server))
}

func showAliases(d display, list []admin.Alias) {
	if len(list) == 0 {
		fmt.Fprintln(d, "this account is known under no other name; add one with: crier alias add ACTOR")
		return
	}
	t := newTable(table.Row{"added", "followers", "arrived", "account"})
	for _, a := range list {
		followers := "?"
		if a.Followers >= 0 {
			followers = fmt.Sprint(a.Followers)
		}
		t.AppendRow(table.Row{day(a.Added.Time), followers, arrived(a), d.fit(line(aliasName(a)), 46)})
	}
	fmt.Fprintln(d, t.Render())
}

// arrived says how many came over. Who they are is known for certain only where the old server told.
func arrived(a admin.Alias) string {
	switch {
	case a.Added.IsZero():
		return "?"
	case a.Known > 0 && a.Known >= a.Followers:
		return fmt.Sprint(a.Arrived)
	case a.Known > 0:
		return fmt.Sprintf("%d of %d known", a.Arrived, a.Known)
	}
	return fmt.Sprintf("%d since then", a.Since)
}

// yesFlag gives a command --yes.
func yesFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "yes", false, "do not ask")
}
