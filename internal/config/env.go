package config

import (
	"slices"
	"strings"
)

const envPrefix = "CRIER_"

// EnvNames lists the variables that configure crier, in the order of config.example.toml.
func EnvNames() []string {
	l := &loader{cfg: &Config{}}
	var feed Feed
	var names []string
	for _, s := range append(l.settings(), l.feedSettings(&feed)...) {
		if !s.fileOnly {
			names = append(names, s.env)
		}
	}
	return names
}

// fromEnviron applies CRIER_… variables. The feed's belong to the first feed, which they create if need be.
func (l *loader) fromEnviron(environ []string) {
	vars := crierVars(environ)
	l.fromVars(vars, "", l.settings())

	feed := DefaultFeed()
	first := &feed
	if len(l.cfg.Feeds) > 0 {
		first = &l.cfg.Feeds[0]
	}
	if l.fromVars(vars, indexed("feed", 0)+".", l.feedSettings(first)) && len(l.cfg.Feeds) == 0 {
		l.cfg.Feeds = []Feed{feed}
	}
	for _, name := range sortedNames(vars) {
		l.warnings = append(l.warnings, Warning{Name: name, Text: "crier knows no such variable; ignored" + suggestName(EnvNames(), name)})
	}
}

// fromVars applies the variables of some settings, takes them out of vars, and tells whether there were any.
func (l *loader) fromVars(vars map[string]string, prefix string, list []setting) bool {
	found := false
	for _, s := range list {
		value, ok := vars[s.env]
		if !ok {
			continue
		}
		delete(vars, s.env)
		found = true
		in := input{l: l, path: prefix + s.key, value: value, from: origin{env: s.env}, example: s.example}
		if s.fileOnly {
			in.fail("tables can be written in the file only, as %s", s.example)
			continue
		}
		l.apply(in, s)
	}
	return found
}

// crierVars picks the non-empty variables that begin with CRIER_. Of a name that stands twice the last counts,
// as in a process that inherits such an environment.
func crierVars(environ []string) map[string]string {
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		delete(vars, name)
		if value != "" {
			vars[name] = value
		}
	}
	return vars
}

func sortedNames(vars map[string]string) []string {
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
