package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// edge is an import that is allowed, and why.
type edge struct{ from, to, why string }

// edges are all imports between our packages. They point one way: main → cli → app → the domain → store
// and content. A package that is not named on the left imports nothing of ours.
func edges() []edge {
	return []edge{
		{"crier", "crier/internal/cli", "main only hands the process over"},

		{"crier/internal/cli", "crier/internal/app", "serve runs it, and commands without a daemon open the store with it"},
		{"crier/internal/cli", "crier/internal/admin", "commands show what it answers"},
		{"crier/internal/cli", "crier/internal/config", "commands find the data directory in it"},
		{"crier/internal/cli", "crier/internal/demo", "crier demo"},
		{"crier/internal/cli", "crier/internal/idn", "handles for people"},

		{"crier/internal/demo", "crier/internal/app", "the demo is a real daemon"},
		{"crier/internal/demo", "crier/internal/config", "a daemon has a configuration"},
		{"crier/internal/demo", "crier/internal/admin", "what the owner does in the story"},
		{"crier/internal/demo", "crier/internal/fedtest", "the demo's peers"},

		{"crier/internal/app", "crier/internal/admin", "the control socket"},
		{"crier/internal/app", "crier/internal/config", "every package gets its own part of it from here"},
		{"crier/internal/app", "crier/internal/netguard", "every outbound transport comes from it"},
		{"crier/internal/app", "crier/internal/extras", "wiring"},
		{"crier/internal/app", "crier/internal/websub", "wiring"},
		{"crier/internal/app", "crier/internal/notice", "wiring"},
		{"crier/internal/app", "crier/federation", "wiring"},
		{"crier/internal/app", "crier/feed", "wiring"},
		{"crier/internal/app", "crier/store", "wiring"},
		{"crier/internal/app", "crier/content", "the profile's Markdown, and the options of feeds"},

		{"crier/internal/config", "crier/content", "a template that cannot work is a mistake in the configuration"},
		{"crier/internal/config", "crier/internal/netguard", "hosts have one spelling, that of the guard"},
		{"crier/internal/admin", "crier/store", "it answers from the store"},
		{"crier/internal/extras", "crier/store", "entries that wait, and what was learnt of them"},
		{"crier/internal/extras", "crier/content", "which pictures a post would show"},
		{"crier/internal/websub", "crier/store", "hubs of feeds, and subscriptions"},
		{"crier/internal/notice", "crier/store", "states that need the owner"},
		{"crier/internal/preview", "crier/content", "what a post is made of"},
		{"crier/internal/cli", "crier/internal/preview", "crier preview shows posts"},
		{"crier/federation", "crier/internal/msgsig", "signatures by RFC 9421"},
		{"crier/federation", "crier/internal/idn", "handles on pages"},
		{"crier/federation", "crier/store", "posts, followers, queue"},
		{"crier/federation", "crier/content", "an entry becomes a post"},
		{"crier/feed", "crier/store", "feeds and entries"},
		{"crier/feed", "crier/content", "whether a change can be seen"},

		{"crier/internal/load", "crier/internal/admin", "tells the daemon under load what to do"},
		{"crier/internal/load", "crier/store", "fills its store beforehand"},
		{"crier/internal/load", "crier/internal/budget", "what has to be reached"},
	}
}

// testEdges are imports that only tests may have. What tests of a package may not import is the rest:
// feed and federation, above all, do not meet in tests either.
func testEdges() []edge {
	return []edge{
		{"crier", "crier/internal/fedtest", "peers for the scripts"},
		{"crier/internal/app", "crier/internal/fedtest", "peers for the whole daemon"},
		{"crier/internal/app", "crier/internal/budget", "what an idle daemon may do"},
		{"crier/federation", "crier/internal/fedtest", "peers with signatures of their own"},
		{"crier/federation", "crier/internal/netguard", "the transport that the daemon uses"},
		{"crier/federation", "crier/internal/budget", "what deliveries and activities may cost"},
		{"crier/feed", "crier/internal/netguard", "the transport that the daemon uses"},
		{"crier/feed", "crier/internal/budget", "what a poll may cost"},
		{"crier/internal/extras", "crier/internal/netguard", "the transport that the daemon uses"},
		{"crier/internal/e2e", "crier/internal/admin", "what came of a poll"},
		{"crier/internal/e2e", "crier/internal/app", "the whole daemon"},
		{"crier/internal/e2e", "crier/internal/config", "a daemon has a configuration"},
		{"crier/internal/e2e", "crier/internal/fedtest", "who follows it"},
		{"crier/internal/e2e", "crier/store", "looks at what was stored"},
		{"crier/internal/e2e", "crier/feed", "reads real feeds"},
		{"crier/internal/e2e", "crier/content", "renders real entries"},
		{"crier/internal/demo", "crier/store", "looks at what the demo left"},
		{"crier/internal/cli", "crier/store", "fills a store for its listings"},
		{"crier/federation", "crier/internal/budget", "what a read may cost"},
		{"crier/internal/app", "crier/internal/budget", "what a read may cost"},
	}
}

// owners are libraries that one subject of ours is built on: nobody else imports them, so that each can be
// replaced in one place. A name stands for everything below it.
func owners() map[string][]string {
	return map[string][]string{
		"go.etcd.io/bbolt":                {"crier/store"},
		"github.com/mmcdole/gofeed":       {"crier/feed", "crier/internal/load"}, // there as the reference of a measure
		"github.com/yuin/goldmark":        {"crier/content"},
		"github.com/microcosm-cc":         {"crier/content"},
		"github.com/go-fed/httpsig":       {"crier/federation"},
		"github.com/dunglas/httpsfv":      {"crier/internal/msgsig"},
		"github.com/buckket/go-blurhash":  {"crier/internal/extras"},
		"github.com/gorilla/mux":          {"crier/federation", "crier/internal/app"},
		"github.com/spf13/cobra":          {"crier/internal/cli"},
		"github.com/jedib0t/go-pretty/v6": {"crier/internal/cli", "crier/internal/demo", "crier/internal/preview"},
		"github.com/pelletier/go-toml":    {"crier/internal/config"},
	}
}

// goPackage is what the go command says of a package.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImports(t *testing.T) {
	allowed, inTests := index(edges()), index(append(edges(), testEdges()...))
	for _, p := range listPackages(t) {
		for _, to := range p.Imports {
			checkImport(t, p.ImportPath, to, allowed)
		}
		for _, to := range append(p.TestImports, p.XTestImports...) {
			if to != p.ImportPath {
				checkImport(t, p.ImportPath, to, inTests)
			}
		}
	}
}

func checkImport(t *testing.T, from, to string, allowed map[[2]string]bool) {
	t.Helper()
	if to == "crier" || strings.HasPrefix(to, "crier/") {
		if !allowed[[2]string{from, to}] {
			t.Errorf("%s imports %s: see edges in arch_test.go", from, to)
		}
		return
	}
	for lib, who := range owners() {
		if (to == lib || strings.HasPrefix(to, lib+"/")) && !slices.Contains(who, from) {
			t.Errorf("%s imports %s, which only %s may", from, to, strings.Join(who, " and "))
		}
	}
}

// TestEdgesAreUsed keeps the list honest: an edge that nothing needs any more must go.
func TestEdgesAreUsed(t *testing.T) {
	used := map[[2]string]bool{}
	for _, p := range listPackages(t) {
		for _, to := range p.Imports {
			used[[2]string{p.ImportPath, to}] = true
		}
	}
	for _, e := range edges() {
		if !used[[2]string{e.from, e.to}] {
			t.Errorf("the edge from %s to %s (%s) is not used: take it out", e.from, e.to, e.why)
		}
	}
}

func index(list []edge) map[[2]string]bool {
	m := map[[2]string]bool{}
	for _, e := range list {
		m[[2]string{e.from, e.to}] = true
	}
	return m
}

// listPackages asks the go command, which knows build tags, for all packages of the module.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderrOf(err))
	}
	var all []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("read go list: %v", err)
		}
		all = append(all, p)
	}
}

func stderrOf(err error) []byte {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.Stderr
	}
	return nil
}
