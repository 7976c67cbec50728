package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"crier/internal/admin"
	"crier/internal/app"
)

func pollCommand() command {
	var r admin.PollRequest
	return command{
		use: "poll", short: "Poll the feeds now",
		long: `Polls every feed now and returns when what came of it is stored; deliveries follow. Without a
daemon they wait for the next one.

Entries that crier holds back, because too many came at once, are settled with --release (they
are sent) or --discard (they become posts that are never delivered); the feeds are not polled
then.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "show what would be done; store and send nothing")
			cmd.Flags().BoolVar(&r.Release, "release", false, "send the held entries")
			cmd.Flags().BoolVar(&r.Discard, "discard", false, "keep the held entries as posts that are never delivered")
		},
		run: func(ctx context.Context, e *env, _ []string) error { return poll(ctx, e, r) },
	}
}

func poll(ctx context.Context, e *env, r admin.PollRequest) error {
	if r.Release && r.Discard || r.DryRun && (r.Release || r.Discard) {
		return usagef("crier poll", "only one of --dry-run, --release and --discard makes sense")
	}
	use := app.StoreMake
	switch {
	case r.DryRun:
		use = app.StoreScratch
	case r.Release || r.Discard:
		use = app.StoreRead
	}
	return e.withOperator(ctx, use, func(o operator) error {
		res, err := o.PollNow(ctx, r)
		if err != nil {
			return err
		}
		if err := showPoll(e, r, res); err != nil {
			return err
		}
		return failedFeeds(res)
	})
}

func showPoll(e *env, r admin.PollRequest, res admin.PollResult) error {
	switch {
	case e.json:
		return e.printJSON(res)
	case r.Release:
		fmt.Fprintf(e.Out, "%d held entries released; they go out one after the other\n", res.Settled)
	case r.Discard:
		fmt.Fprintf(e.Out, "%d held entries kept as posts that are not delivered\n", res.Settled)
	}
	d := e.display()
	for _, f := range res.Feeds {
		fmt.Fprintln(d, d.fit(line(f.URL), 0))
		if f.Error != "" {
			continue // it is the command's error, which stands on the last line
		}
		fmt.Fprintf(d, "  %d new, %d changed, %d removed, %d held\n", f.New, f.Changed, f.Removed, f.Held)
		if f.Why != "" {
			for _, part := range d.wrapped(line("held: "+f.Why), 2) {
				fmt.Fprintf(d, "  %s\n", part)
			}
		}
		for _, it := range f.Items {
			fmt.Fprintf(d, "  %-8s %s\n", line(it.Action), d.fit(line(titleOr(it.Title, it.URL)), 11))
			if it.Title != "" && it.URL != "" {
				fmt.Fprintf(d, "  %-8s %s\n", "", d.fit(line(it.URL), 11))
			}
		}
	}
	return nil
}

// failedFeeds makes one error of all feeds that could not be read.
func failedFeeds(res admin.PollResult) error {
	var errs []error
	for _, f := range res.Feeds {
		if f.Error != "" {
			errs = append(errs, fmt.Errorf("feed %s: %s", f.URL, f.Error))
		}
	}
	return errors.Join(errs...)
}
