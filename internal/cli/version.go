package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is the version of this source.
const Version = "0.1.0"

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"` // empty where the build does not know
	Go      string `json:"go"`
}

func versionCommand() command {
	return command{
		use: "version", short: "Version, commit and Go version", flags: jsonFlag,
		run: func(_ context.Context, e *env, _ []string) error {
			v := readVersion()
			if e.json {
				return e.printJSON(v)
			}
			commit := v.Commit
			if commit == "" {
				commit = "unknown"
			}
			fmt.Fprintf(e.Out, "crier %s (commit %s, %s)\n", v.Version, commit, v.Go)
			return nil
		},
	}
}

// readVersion asks what the go command wrote into the binary, so that a plain "go build" is enough.
func readVersion() versionInfo {
	v := versionInfo{Version: Version, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if v.Commit != "" && modified {
		v.Commit += ", changed"
	}
	return v
}
