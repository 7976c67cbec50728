package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"crier/internal/config"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Streams is what a command has of the process it runs in.
type Streams struct {
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Environ []string // "NAME=value"
}

// Run runs the command that args name (without the program's own name) until it is done or ctx is, and
// returns the exit code of the process. An error stands on s.Err as one line, or as one line for each
// problem of a configuration.
func Run(ctx context.Context, args []string, s Streams) int {
	out := &output{Writer: s.Out}
	s.Out = out
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fmt.Errorf("print the answer: %w", out.err)
	}
	if err == nil {
		return exitDone
	}
	printError(s.Err, err)
	if usage, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintln(s.Err, usage.hint)
		return exitUsage
	}
	return exitFailed
}

// printError writes an error as one line, or as one line for each problem of a configuration.
func printError(w io.Writer, err error) {
	text := plain(strings.TrimSpace(err.Error()))
	if _, many := errors.AsType[config.Problems](err); !many {
		text = strings.ReplaceAll(text, "\n", "; ")
	}
	for l := range strings.Lines(text) {
		fmt.Fprintln(w, "crier: "+strings.TrimRight(l, "\n"))
	}
}

// output remembers that something could not be written, so that a full disk is not taken for an answer.
type output struct {
	io.Writer
	err error // the first one
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// usageError says that the words of the command line make no command.
type usageError struct {
	text string
	hint string // what to type next
}

func (e *usageError) Error() string { return e.text }

// usagef returns a usageError that points to the help of the command with that path ("crier follower").
func usagef(path, format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...), hint: "see: " + path + " --help"}
}
