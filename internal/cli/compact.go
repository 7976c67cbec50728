package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"crier/internal/app"
)

func compactCommand() command {
	return command{
		use: "compact", short: "Write the store anew, without the room that is free in it", flags: jsonFlag,
		long: `Writes the store anew without the room that is free in it: the file of a database does not get
smaller by itself. The daemon must be stopped meanwhile, and the disk needs room for a copy of
what is in the store. A crash at any moment leaves the old store or the new one, whole.`,
		run: func(_ context.Context, e *env, _ []string) error { return compact(e) },
	}
}

// compacted is the outcome in JSON.
type compacted struct {
	Before int64 `json:"before"` // bytes
	After  int64 `json:"after"`
}

func compact(e *env) error {
	cfg, _, err := e.loadConfig()
	if err != nil {
		return err
	}
	before, after, err := app.Compact(cfg)
	if errors.Is(err, app.ErrLocked) {
		return fmt.Errorf("%w: stop the daemon, compact, and start it again", err)
	}
	if err != nil {
		return err
	}
	if e.json {
		return e.printJSON(compacted{before, after})
	}
	fmt.Fprintf(e.Out, "the store had %s, and has %s now\n", size(before), size(after))
	return nil
}

// storeFlag gives check its --store.
func storeFlag(cmd *cobra.Command, whole *bool) {
	cmd.Flags().BoolVar(whole, "store", false, "read the whole store, too, while the daemon is stopped")
}
