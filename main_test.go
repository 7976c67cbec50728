package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program itself for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"crier": main})
}

// TestScripts runs the stories in testdata/script, each in a folder of its own. Beside what testscript
// offers they have:
//
//	ready                 waits until the daemon on data/ is ready
//	waitfor FILE [TEXT]   waits until the file is there (and has the text in it)
//	get [-s STATUS] URL   fetches; ADDR in it is what data/addr says
//	mode FILE OCTAL       compares the file's mode
//	term FILE             sends SIGTERM to the process whose number is in the file
//	exits CODE ARG...     runs crier, which must exit with that code
//	expand FILE...        replaces $NAME in files by the script's variables
//	elsewhere WHAT NAME...  plays a server that accounts move from and to, see runPeer
//	blog DIR              serves the folder's files on loopback; $BLOG is its address
//	peer NAME...          starts a server with people on it; $PEER is its address (see main_peer_test.go)
//	follow NAME...        has them follow the account
//	following NAME STATE  waits until their server has it that the follow is accepted or rejected
//	got NAME NUMBER       waits until so many posts are in the timeline
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(scriptTime),
		Setup: func(e *testscript.Env) error {
			e.Values[elsewhereKey{}] = &held{}
			e.Setenv("NO_COLOR", "1")
			e.Setenv("HOME", e.WorkDir)
			e.Values[peerKey{}] = &peerBox{}
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each program under -race takes a second to end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":   waitReady,
			"waitfor": waitFor,
			"get":     get,
			"mode":    checkMode,
			"exits":   exits,
			"term":    terminate,
			"expand":  expand,
			"blog":    serveBlog,

			"peer":      startPeer,
			"follow":    sendFollows,
			"following": followState,
			"got":       toldOf,
			"elsewhere": runPeer,
		},
	})
}

// scriptTime bounds all scripts together: a daemon that starts where it should refuse would run for ever.
const scriptTime = 3 * time.Minute

// patience bounds every wait of a script; a wait that takes as long has failed.
const patience = 20 * time.Second

func waitReady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: ready")
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	poll(ts, "ready", func() bool {
		addr, err := os.ReadFile(ts.MkAbs("data/addr"))
		if err != nil {
			return false
		}
		resp, err := client.Get("http://" + string(addr) + "/readyz")
		if err != nil {
			return false // nobody there yet, or the address is that of a killed daemon
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfor FILE [TEXT]")
	}
	path := ts.MkAbs(args[0])
	poll(ts, "waitfor "+strings.Join(args, " "), func() bool {
		if len(args) == 1 {
			_, err := os.Stat(path)
			return err == nil
		}
		b, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(b), args[1])
	})
}

func poll(ts *testscript.TestScript, what string, done func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	want := http.StatusOK
	if len(args) == 3 && args[0] == "-s" {
		_, err := fmt.Sscan(args[1], &want)
		ts.Check(err)
		args = args[2:]
	}
	if neg || len(args) != 1 {
		ts.Fatalf("usage: get [-s STATUS] URL")
	}
	url := args[0]
	if before, after, ok := strings.Cut(url, "ADDR"); ok {
		url = before + ts.ReadFile("data/addr") + after
	}
	client := &http.Client{Timeout: patience}
	resp, err := client.Get(url)
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode != want {
		ts.Fatalf("GET %s: %s, not %d", url, resp.Status, want)
	}
}

func checkMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE OCTAL")
	}
	fi, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", fi.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, not %s", args[0], got, args[1])
	}
}

func serveBlog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: blog DIR")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.FileServer(http.Dir(filepath.Clean(ts.MkAbs(args[0]))))}}
	srv.Start()
	ts.Defer(srv.Close)
	ts.Setenv("BLOG", srv.URL)
}

// exits is needed because testscript's own "! exec" takes any failure.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	code := 0
	err := ts.Exec("crier", args[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("crier %s: exit code %d, not %s", strings.Join(args[1:], " "), code, args[0])
	}
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, name := range args {
		path := ts.MkAbs(name)
		ts.Check(os.WriteFile(path, []byte(os.Expand(ts.ReadFile(name), ts.Getenv)), 0o600))
	}
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: term FILE")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, syscall.SIGTERM))
}
