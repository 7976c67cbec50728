package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// maxText is how much of a file or of standard input is read at most; no post is a fraction of it.
const maxText = 1 << 20

// written is the Markdown of a post, with the file of the editor that it was written in.
type written struct {
	markdown string
	file     string // empty: it was not written in an editor
}

// write gets the Markdown of a post: of the file that is named, of standard input where that is no terminal, else
// from the editor, which is shown what was there before.
func (e *env) write(ctx context.Context, file []string, before string) (written, error) {
	switch {
	case len(file) > 0 && file[0] != "-":
		f, err := os.Open(file[0])
		if err != nil {
			return written{}, fmt.Errorf("read the text: %w", err)
		}
		defer f.Close()
		return readText(f, file[0])
	case len(file) > 0 || !e.onTerminal():
		return readText(e.In, "standard input")
	}
	return e.edited(ctx, before)
}

func readText(r io.Reader, name string) (written, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return written{}, fmt.Errorf("read the text: %w", err)
	}
	if len(b) > maxText {
		return written{}, fmt.Errorf("read the text: %s is longer than any post", name)
	}
	return written{markdown: string(b)}, nil
}

// edited has a text written in $VISUAL or $EDITOR. The editor is a command line, as git and crontab take it.
func (e *env) edited(ctx context.Context, before string) (written, error) {
	editor := e.variable("VISUAL")
	if editor == "" {
		editor = e.variable("EDITOR")
	}
	if editor == "" {
		return written{}, errors.New("name a file with the text, or set $VISUAL or $EDITOR to write it")
	}
	f, err := os.CreateTemp("", "crier-post-*.md")
	if err != nil {
		return written{}, fmt.Errorf("make a file for the text: %w", err)
	}
	t := written{file: f.Name()}
	_, err = f.WriteString(before)
	if err = errors.Join(err, f.Close()); err != nil {
		return written{}, t.settle(fmt.Errorf("write %s: %w", t.file, err))
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, editor, t.file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = e.In, e.underlying(), e.Err, e.Environ
	if err := cmd.Run(); err != nil {
		return written{}, t.settle(fmt.Errorf("run %s: %w", editor, err))
	}
	b, err := os.ReadFile(t.file)
	if err != nil {
		return written{}, fmt.Errorf("read what was written: %w", err)
	}
	if strings.TrimSpace(string(b)) == "" {
		_ = os.Remove(t.file)
		return written{}, errors.New("nothing was written, so nothing is published")
	}
	t.markdown = string(b)
	return t, nil
}

// settle ends the use of a text: where something went wrong it is kept, and the error says where.
func (t written) settle(err error) error {
	switch {
	case t.file == "":
		return err
	case err != nil:
		return fmt.Errorf("%w; the text is kept in %s", err, t.file)
	}
	if err := os.Remove(t.file); err != nil {
		return fmt.Errorf("remove the file of the editor: %w", err)
	}
	return nil
}

// variable is the value of an environment variable.
func (e *env) variable(name string) string {
	for _, v := range e.Environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
