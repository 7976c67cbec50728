package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

// groupFrom is from how many deliveries on a list is of hosts, not of deliveries: nobody reads thirty thousand lines.
const groupFrom = 40

func deliveryListCommand() command {
	var q admin.DeliveryQuery
	return command{
		use: "list [POST|ACTIVITY|INBOX|HOST...]", short: "What waits to be delivered, oldest first", more: manyWords,
		long: `Lists what waits to be delivered: all of it, or what is about a post (its id or its
entry's URL), an activity, an inbox or a host. Where that is much, it is counted by host.
With --failed it lists what was given up in the last 90 days, and why: refused by the
other side, its inbox gone, expired after a month, or dropped by you.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().BoolVar(&q.Failed, "failed", false, "list what was given up for good")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				q.Names = args
				rows, err := o.FindDeliveries(ctx, q)
				switch {
				case err != nil:
					return err
				case e.json:
					return e.printJSON(rows)
				case len(rows) == 0 && q.Failed:
					fmt.Fprintln(e.Out, "nothing was given up")
				case len(rows) >= groupFrom:
					showByHost(e.display(), rows)
				default:
					showDeliveries(e.display(), rows)
				}
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
	t := newTable(table.Row{"type", "tries", "next", "to"})
	for _, v := range list {
		t.AppendRow(table.Row{v.Type, v.Attempts, when(v, time.Now()), d.fit(line(v.Inbox), 34)})
		if v.LastError != "" {
			t.AppendRow(table.Row{"", "", "", d.fit(line(v.LastError), 34)})
		}
	}
	fmt.Fprintln(d, t.Render())
}

// when says when a delivery is tried next, or why never.
func when(v admin.Delivery, now time.Time) string {
	switch {
	case !v.Ended.IsZero():
		return v.State
	case v.Parked:
		return "parked"
	case !v.Next.After(now):
		return "due"
	}
	return distance(v.Next, now)
}

// hostQueue is what a list says of one host.
type hostQueue struct {
	host   string
	n      int
	oldest time.Time
	worst  admin.Delivery // the one with the most tries
}

// showByHost counts deliveries by host, the one with most of them first.
func showByHost(d display, list []admin.Delivery) {
	hosts := map[string]*hostQueue{}
	for _, v := range list {
		h := hosts[v.Host]
		if h == nil {
			h = &hostQueue{host: v.Host, oldest: v.Added, worst: v}
			hosts[v.Host] = h
		}
		h.n++
		if v.Added.Before(h.oldest) {
			h.oldest = v.Added
		}
		if v.Attempts > h.worst.Attempts {
			h.worst = v
		}
	}
	var order []*hostQueue
	for _, h := range hosts {
		order = append(order, h)
	}
	slices.SortFunc(order, func(a, b *hostQueue) int { return cmp.Or(b.n-a.n, cmp.Compare(a.host, b.host)) })
	now := time.Now()
	fmt.Fprintf(d, "%s for %d hosts; crier delivery list HOST shows those of one\n\n", deliveries(len(list)), len(order))
	t := newTable(table.Row{"n", "oldest", "tries", "next", "host"})
	for _, h := range order {
		t.AppendRow(table.Row{h.n, distance(h.oldest, now), h.worst.Attempts, when(h.worst, now), d.fit(line(h.host), 42)})
		if h.worst.LastError != "" {
			t.AppendRow(table.Row{"", "", "", "", d.fit(line(h.worst.LastError), 42)})
		}
	}
	fmt.Fprintln(d, t.Render())
}

// undeliveredShown is how many deliveries are listed with a post.
const undeliveredShown = 20

// showSent says how far the activities about a post have come, and who has not taken them.
func showSent(d display, p admin.PostDetail) {
	for i, s := range p.Sent {
		name := ""
		if i == 0 {
			name = "delivered"
		}
		text := fmt.Sprintf("%s to %d of %d inboxes", s.Type, s.Delivered, s.Inboxes)
		for _, part := range []struct {
			n    int
			what string
		}{{s.Waiting - s.Parked, "waiting"}, {s.Parked, "parked"}, {s.Failed, "given up"}} {
			if part.n > 0 {
				text += fmt.Sprintf(", %d %s", part.n, part.what)
			}
		}
		fmt.Fprintf(d, "%-11s %s\n", name, d.fit(text, 12))
	}
	for i, v := range p.Undelivered {
		if i == undeliveredShown {
			fmt.Fprintf(d, "%-11s and more; see `crier delivery list POST`, with --failed, too\n", "")
			return
		}
		name := ""
		if i == 0 {
			name = "not to"
		}
		why := cmp.Or(v.LastError, "no answer yet")
		fmt.Fprintf(d, "%-11s %s\n", name, d.fit(line(fmt.Sprintf("%s (%s, %s): %s", v.Host, v.Type, v.State, why)), 12))
	}
}

// deadShown is how many hosts that do not answer are listed.
const deadShown = 10

func printDead(row func(name, format string, args ...any), list []admin.DeadHost, now time.Time) {
	for i, h := range list {
		name := ""
		if i == 0 {
			name = "dead"
		}
		if i == deadShown {
			row("", "and %d more", len(list)-i)
			return
		}
		since := ""
		if !h.Since.IsZero() {
			since = " for " + span(now.Sub(h.Since.Time))
		}
		row(name, "%s%s, %s", h.Host, since, waitingFor(h.Waiting))
	}
}
