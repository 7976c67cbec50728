package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"crier/internal/app"
)

func serveCommand() command {
	var newIdentity, verbose bool
	return command{
		use: "serve", short: "Run the daemon",
		long: `Runs the daemon: it polls the feeds, answers other servers, and delivers, until it gets
SIGINT or SIGTERM; then it finishes what it is at and stops within 8 seconds. A second signal
ends it at once.

On the first start it makes the account's key. Before that it looks whether the account is
already out there with another key, and if so refuses to start: then the data directory was
lost, and a new key would cost followers. Put the data directory back; or, if it is gone for
good, insist with --new-identity.`,
		flags: func(cmd *cobra.Command) {
			cmd.Flags().BoolVar(&newIdentity, "new-identity", false,
				"make a new key although the account has another one")
			cmd.Flags().BoolVar(&verbose, "verbose", false, "log requests and other details as well")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			log := slog.New(slog.NewTextHandler(e.Err, &slog.HandlerOptions{Level: level}))
			return serve(ctx, e, app.Options{Log: log, Version: Version, NewIdentity: newIdentity})
		},
	}
}

func serve(ctx context.Context, e *env, o app.Options) error {
	cfg, warnings, err := e.loadConfig()
	if err != nil {
		return err
	}
	for _, w := range warnings {
		o.Log.Warn("configuration", "warning", w.String())
	}
	daemon, err := app.New(ctx, cfg, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Out, "crier: @%s is served at %s, listening on %s\n", line(cfg.Account.Handle.String()), cfg.BaseURL, daemon.Addr())
	if err := daemon.Run(ctx); err != nil {
		return err
	}
	fmt.Fprintln(e.Out, "crier: stopped")
	return nil
}
