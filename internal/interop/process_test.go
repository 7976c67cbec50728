//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"crier/internal/cli"
)

// asCrier makes this test binary the program itself.
const asCrier = "INTEROP_AS_CRIER"

func TestMain(m *testing.M) {
	if os.Getenv(asCrier) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ()}))
}

// process is crier as a process of its own, with a configuration file, and its commands.
type process struct {
	folder string
	roots  string // certificates that it believes, a file
	base   string
}

func (p *process) actor() string { return p.base + "/users/user" }

// startProcess starts the daemon with this configuration and waits until it is ready.
func startProcess(ctx context.Context, t *testing.T, p *process, config string) (addr string) {
	t.Helper()
	p.folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(p.folder, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	daemon := p.command(context.WithoutCancel(ctx), "serve") // it is stopped below, after all that ctx bounds
	daemon.Stdout, daemon.Stderr = &told, &told
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- daemon.Wait() }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.text(context.WithoutCancel(ctx), t, "log"))
		}
		_ = daemon.Process.Signal(os.Interrupt)
		if err := <-done; err != nil {
			t.Errorf("crier serve: %v\n%s", err, told.String())
		}
	})
	for ctx.Err() == nil {
		b, err := os.ReadFile(filepath.Join(p.folder, "data", "addr"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if addr := strings.TrimSpace(string(b)); addr != "" && isReady(ctx, addr) {
			return addr
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("crier serve: %v\n%s", err, told.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal(ctx.Err())
	return ""
}

func isReady(ctx context.Context, addr string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (p *process) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Dir = p.folder
	environ := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "CRIER_") }) // crier's own
	c.Env = append(environ, asCrier+"=1", "SSL_CERT_FILE="+p.roots, "NO_COLOR=1")
	return c
}

// text runs a command that has to succeed and returns what it says.
func (p *process) text(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	var told bytes.Buffer
	c := p.command(ctx, args...)
	c.Stderr = &told
	out, err := c.Output()
	if err != nil {
		t.Fatalf("crier %s: %v\n%s", strings.Join(args, " "), err, told.String())
	}
	return string(out)
}

// json runs a command with --json and decodes what it says.
func (p *process) json(ctx context.Context, t *testing.T, result any, args ...string) {
	t.Helper()
	out := p.text(ctx, t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), result); err != nil {
		t.Fatalf("crier %s: %v in %s", strings.Join(args, " "), err, out)
	}
}

// logLine is a line of crier log --json.
type logLine struct {
	Direction, Type, Object, From, To, Result string
	Source                                    struct{ ID string } // of what came in
}

func (l logLine) String() string {
	return fmt.Sprintf("%s %s of %s from %s: %s", l.Direction, l.Type, l.Object, l.From, l.Result)
}

func (p *process) log(ctx context.Context, t *testing.T) (lines []logLine) {
	t.Helper()
	p.json(ctx, t, &lines, "log", "--source")
	return lines
}
