package demo

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestOnce plays the whole story with everything real but the network beyond this computer.
func TestOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	err := Run(ctx, Options{Out: &out, Once: true, Version: "test"})
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		line = strings.TrimRight(line, "\n")
		if utf8.RuneCountInString(line) > wide || strings.TrimRight(line, " ") != line {
			t.Errorf("line is wider than %d columns or ends in spaces: %q", wide, line)
		}
	}
	if strings.Contains(out.String(), "✗") || strings.Contains(out.String(), "\x1b") {
		t.Error("the output shows a failure or colours")
	}
	left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
}

// TestFailureShows: a peer that refuses the new entry makes the story fail, and it is said where.
func TestFailureShows(t *testing.T) {
	var out bytes.Buffer
	said := &tail{}
	s, err := build(t.Context(), t.TempDir(), Options{Out: &out, Log: slog.New(slog.NewTextHandler(said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	s.said = said
	s.peers[1].Fail("/inbox", 400, 1)
	err = s.run(t.Context(), true)
	if err == nil || !strings.Contains(err.Error(), "7 of 30 steps held") {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{
		"  ✗ each server got exactly one Create", "refused as scripted", "  – heron got nothing (not reached)", "7 of 30.",
		"What crier logged last", "msg=published",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
}

// TestStopped: who interrupts the story gets no error, unless the story was what they wanted.
func TestStopped(t *testing.T) {
	for _, once := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &stopper{stop: cancel}
		if err := Run(ctx, Options{Out: out, Once: once}); (err != nil) != once {
			t.Errorf("once %t: %v", once, err)
		}
	}
}

// stopper ends the context at the first thing that is printed.
type stopper struct{ stop func() }

func (s *stopper) Write(b []byte) (int, error) {
	s.stop()
	return len(b), nil
}

// TestStaysUp plays without Once until the addresses are printed, then presses the button on the blog and
// waits for the next line of the log.
func TestStaysUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &watcher{want: []string{"Ctrl-C", "Create(Note “Notes on a bo"}, at: make(chan string, 2)}
	done := make(chan error, 1)
	go func() { done <- Run(ctx, Options{Out: out, Color: true}) }()
	select {
	case <-out.at:
	case err := <-done:
		t.Fatalf("it ended: %v\n%s", err, out.all.String())
	}
	text := out.text()
	_, rest, _ := strings.Cut(text, "blog    http://")
	host, _, _ := strings.Cut(rest, "\n")
	press(t, "http://"+host+"/publish")
	select {
	case <-out.at:
	case err := <-done:
		t.Fatalf("it ended: %v\n%s", err, out.text())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
