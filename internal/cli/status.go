package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"crier/internal/admin"
	"crier/internal/app"
)

func statusCommand() command {
	return command{
		use: "status", short: "Account, followers, feeds, queue, and servers that do not answer", flags: jsonFlag,
		run: func(ctx context.Context, e *env, _ []string) error {
			return e.withOperator(ctx, app.StoreRead, func(o operator) error {
				s, err := o.Status(ctx)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(s)
				}
				printStatus(e.display(), s, time.Now())
				return nil
			})
		},
	}
}

func printStatus(d display, s admin.Status, now time.Time) {
	daemon := "no daemon is running"
	if s.Running {
		daemon = "the daemon is running"
	}
	row := func(name, format string, args ...any) {
		fmt.Fprintf(d, "%-11s %s\n", name, d.fit(line(fmt.Sprintf(format, args...)), 12))
	}
	row("account", "@%s", s.Account.Handle)
	row("actor", "%s", s.Account.Actor)
	if s.Account.MovedTo != "" {
		row("moved to", "%s; see crier move --status", s.Account.MovedTo)
	}
	row("since", "%s", moment(s.Account.Since))
	if f := s.Former; f != nil {
		how := "has not moved yet: crier move --former"
		if f.MovedTo != "" {
			how = "moved; see crier move --status --former"
		}
		row("former", "@%s, %d followers there; %s", f.Handle, f.Followers, how)
	}
	row("posts", "%d, %d of them in the outbox", s.Account.Posts, s.Account.Listed)
	row("followers", "%d", s.Followers)
	switch {
	case s.Pending == 0:
	case s.Account.MovedTo != "":
		row("", "%s", tooLate(s.Pending))
	default:
		row("", "%s: see `crier follower list --pending`", awaiting(s.Pending))
	}
	if s.Reports > 0 {
		row("reports", "%d in the last 30 days: look for Flag in `crier log`", s.Reports)
	}
	row("queue", "%d pending, %d retrying, %d parked", s.Queue.Pending, s.Queue.Retrying, s.Queue.Parked)
	printDead(row, s.DeadHosts, now)
	row("crier", "%s, %s; store %s", s.Version, daemon, size(s.StoreBytes))
	if s.Store.Free > muchFree && s.Store.Free > s.Store.Size/2 {
		row("", "%s of the store are free: `crier compact` gives them back", size(s.Store.Free))
	}
	for _, f := range s.Feeds {
		fmt.Fprintln(d)
		printFeed(d, f, now)
	}
}

// muchFree is how many bytes of the store must be free for it to be worth a word: the file grows by 16 MB at a time.
const muchFree = 64 << 20

func printFeed(d display, f admin.Feed, now time.Time) {
	row := func(name, value string) {
		fmt.Fprintf(d, "  %-9s %s\n", name, d.fit(line(value), 12))
	}
	fmt.Fprintf(d, "%-11s %s\n", "feed", d.fit(line(f.URL), 12))
	polled := distance(f.LastPoll.Time, now)
	if !f.NextPoll.IsZero() && f.NextPoll.Time.After(now) {
		polled += ", next " + distance(f.NextPoll.Time, now)
	}
	row("polled", polled)
	entries := fmt.Sprint(f.Entries)
	if f.Skipped > 0 {
		entries += fmt.Sprintf(", %d of them skipped by your rules", f.Skipped)
	}
	row("entries", entries)
	if f.Held > 0 {
		row("held", fmt.Sprintf("%d: send them with `crier poll --release`,", f.Held))
		row("", "or keep them unsent with `crier poll --discard`")
	}
	printWaiting(row, "holds", f.Holding)
	printWaiting(row, "waits", f.Waiting)
	switch f.Push {
	case "active":
		row("push", "the hub "+f.Hub+" tells of news")
	case "":
	default:
		row("push", strings.TrimSuffix(f.Push+" at "+f.Hub+": "+f.PushError, ": "))
	}
	if !f.Read && f.LastError != "" {
		row("read", "never yet; until then, posts that are not known answer 503")
	}
	if f.Missing > 0 {
		row("missing", fmt.Sprintf("%d, perhaps taken down; their pages are being looked at", f.Missing))
	}
	if f.LastError != "" {
		// An error is what the owner came for: it is never cut.
		fmt.Fprintf(d, "  %-9s %s\n", "error", d.paint(line(f.LastError), text.FgRed))
	}
	for i, a := range f.Advice {
		name := ""
		if i == 0 {
			name = "advice"
		}
		for j, part := range d.wrapped(line(a), 12) {
			if j > 0 {
				name = ""
			}
			fmt.Fprintf(d, "  %-9s %s\n", name, part)
		}
	}
}

// maxWaiting is how many entries that wait are listed of a feed; a mistake may hold thousands.
const maxWaiting = 10

func printWaiting(row func(name, value string), name string, list []admin.Waiting) {
	for i, w := range list {
		if i == maxWaiting {
			row("", fmt.Sprintf("and %d more", len(list)-i))
			return
		}
		row(name, moment(w.Due)+"  "+titleOr(w.Title, w.URL))
	}
}

func titleOr(title, otherwise string) string {
	if title != "" {
		return title
	}
	return otherwise
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", (n+1023)/1024)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
