package cli

import (
	"context"

	"github.com/spf13/cobra"

	"crier/internal/demo"
)

func demoCommand() command {
	var once bool
	return command{
		use: "demo", short: "Show it all on this computer, without a domain or a configuration",
		long: `Serves a small sample blog, runs crier on it, and runs two small servers whose people look the
blog up, follow it and receive its posts, all on this computer. It prints what goes to and fro,
and addresses to look at, and stays until it is interrupted.`,
		flags: func(cmd *cobra.Command) {
			cmd.Flags().BoolVar(&once, "once", false,
				"run through the story, check every step, and exit (0 only if all of it held)")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			return demo.Run(ctx, demo.Options{Out: e.Out, Once: once, Color: e.display().colour, Version: Version})
		},
	}
}
