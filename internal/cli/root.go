package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const defaultConfig = "config.toml"

// command is one entry of the table: its words, its help, and what it does.
type command struct {
	use   string // "lookup WHAT"
	short string
	long  string
	words int // how many words it takes
	more  int // how many further ones it may take
	flags func(*cobra.Command)
	run   func(ctx context.Context, e *env, args []string) error
	subs  []command // a group has these and no run
}

// env is what every command has: streams, and the flags that all share.
type env struct {
	Streams
	configPath     string
	configExplicit bool
	json           bool
}

// commands returns the whole table. Flags of one command live in variables of its own maker.
func commands() []command {
	return []command{
		serveCommand(), demoCommand(), checkCommand(), statusCommand(), pollCommand(), previewCommand(), logCommand(),
		followerCommand(), blockCommand(),
		postCommand(),
		deliveryCommand(),
		aliasCommand(), moveCommand(), lookupCommand(), healthcheckCommand(), compactCommand(), versionCommand(),
	}
}

func newRoot(s Streams) *cobra.Command {
	e := &env{Streams: s}
	root := &cobra.Command{
		Use:   "crier",
		Short: "Puts a blog on the fediverse",
		Long: `crier puts a blog on the fediverse: it reads the blog's feed and delivers each new entry,
as a post, to everybody who follows the blog's account.

Try it on this computer with "crier demo": it needs no domain and no configuration.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.PersistentFlags().StringVar(&e.configPath, "config", defaultConfig, "configuration file")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd.CommandPath(), "%s", flagError(err))
	})
	for _, c := range commands() {
		root.AddCommand(c.build(e))
	}
	root.SetHelpCommand(helpCommand(root))
	root.InitDefaultCompletionCmd()
	for _, sub := range root.Commands() {
		if sub.HasSubCommands() {
			makeGroup(sub)
		}
	}
	return root
}

func (c command) build(e *env) *cobra.Command {
	cmd := &cobra.Command{Use: c.use, Short: c.short, Long: c.long}
	for _, sub := range c.subs {
		cmd.AddCommand(sub.build(e))
	}
	if c.run == nil {
		return cmd
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error { return c.checkWords(cmd, args) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e.configExplicit = cmd.Flags().Changed("config")
		e.json = cmd.Flags().Changed("json") && cmd.Flag("json").Value.String() == "true"
		return c.run(cmd.Context(), e, args)
	}
	if c.flags != nil {
		c.flags(cmd)
	}
	return cmd
}

func (c command) checkWords(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) < c.words:
		return usagef(cmd.CommandPath(), "something is missing: %s", cmd.UseLine())
	case len(args) > c.words+c.more:
		return usagef(cmd.CommandPath(), "unexpected word %q", args[c.words+c.more])
	}
	return nil
}

// jsonFlag gives a command --json; build reads it.
func jsonFlag(cmd *cobra.Command) { cmd.Flags().Bool("json", false, "print one JSON document") }

// makeGroup makes a group without a known subcommand an error: left alone, cobra prints help and says
// that all went well.
func makeGroup(cmd *cobra.Command) {
	cmd.Args = noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range cmd.Commands() {
			names = append(names, sub.Name())
		}
		return usagef(cmd.CommandPath(), "say what about it: %s %s", cmd.CommandPath(), strings.Join(names, "|"))
	}
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 && near[0] != args[0] {
		text += fmt.Sprintf("; did you mean %q?", cmd.CommandPath()+" "+near[0])
	}
	return usagef(cmd.CommandPath(), "%s", text)
}

// helpCommand is "crier help COMMAND", which fails for a command that is not there.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil {
				return noSuchCommand(root, args)
			}
			if len(rest) > 0 {
				return noSuchCommand(cmd, rest)
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// flagError says what is wrong with a flag, without the words of the library that read its number.
func flagError(err error) string {
	text, _, isNumber := strings.Cut(err.Error(), ": strconv.")
	if isNumber {
		text += ": a number is wanted"
	}
	return text
}
