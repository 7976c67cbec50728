package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// finish applies the rules between keys and the defaults that follow from other keys. A key that has a
// problem of its own is not judged again.
func (l *loader) finish() {
	c := l.cfg
	if _, set := l.origins["data_dir"]; !set {
		c.DataDir, _ = l.path(c.DataDir) // the default is a good path
	}
	if c.Former != "" && c.Former == c.DataDir {
		l.at("former", "is data_dir itself; the new account needs a folder of its own: set data_dir to another one")
	}
	if c.Account.Name == "" {
		c.Account.Name = c.Account.Handle.User
	}
	if n := len(c.HookToken); n > 0 && n < minToken {
		l.warnings = append(l.warnings, Warning{Name: "hook_token",
			Text: fmt.Sprintf("is shorter than %d characters, so it could be guessed; make one with: openssl rand -hex 16", minToken)})
	}
	l.required("base_url", `it is how the world reaches crier; write base_url = "https://fedi.example.com"`, "CRIER_BASE_URL")
	l.required("account.handle", `write handle = "user@example.com" below [account]`, "CRIER_ACCOUNT_HANDLE")
	l.finishFeeds()
	l.finishAliases()
	if !c.Network.AllowHTTP {
		l.httpsOnly()
	}
}

// required reports a key that nothing wrote.
func (l *loader) required(path, write, env string) {
	if _, set := l.origins[path]; set || l.broken(path) {
		return
	}
	if l.file == "" {
		l.report(path, origin{}, fmt.Sprintf("is missing, and there is no configuration file; copy config.example.toml to config.toml and edit it, or set %s", env))
		return
	}
	l.report(path, origin{}, fmt.Sprintf("is missing; %s, or set %s", write, env))
}

func (l *loader) finishFeeds() {
	if len(l.cfg.Feeds) == 0 {
		l.required("feed", `write [[feed]] and below it url = "https://example.com/index.xml"`, "CRIER_FEED_URL")
		return
	}
	first := map[string]int{}
	for i := range l.cfg.Feeds {
		f := &l.cfg.Feeds[i]
		path := indexed("feed", i)
		_, f.IntervalSet = l.origins[path+".interval"]
		from, set := l.origins[path+".url"]
		if !set && l.broken(path) {
			continue
		}
		if !set {
			l.report(path+".url", l.origins[path], `is missing; write url = "https://example.com/index.xml" below [[feed]], or set CRIER_FEED_URL for the first feed`)
			continue
		}
		if f.URL == "" {
			continue
		}
		if other, twice := first[f.URL]; twice {
			l.report(path+".url", from, fmt.Sprintf("is the same address as that of feed[%d]; every feed is named once", other))
			continue
		}
		first[f.URL] = i
	}
}

// finishAliases refuses aliases that would contradict the account itself.
func (l *loader) finishAliases() {
	own := l.cfg.Account.Handle
	if own == (Handle{}) {
		return
	}
	atBase := Handle{User: own.User, Host: l.cfg.BaseHost()}
	for _, name := range sortedNames(l.cfg.Webfinger.Aliases) {
		if l.cfg.Webfinger.Aliases[name] == AliasSelf || (name != own.String() && name != atBase.String()) {
			continue
		}
		l.at(joinKey("webfinger.aliases", name), "is this account's own name, so it cannot point elsewhere; leave it out")
	}
}

// httpsOnly reports what only tests may have, where network.allow_http does not say that this is one.
func (l *loader) httpsOnly() {
	const hint = "network.allow_http = true would allow it, for tests"
	c := l.cfg
	if strings.HasPrefix(c.BaseURL, "http://") {
		l.at("base_url", "%s is plain http, which other servers do not talk to; put crier behind a proxy with https (%s)", quote(c.BaseURL), hint)
	}
	if h := c.Account.Handle.Host; strings.Contains(h, ":") || isAddr(h) {
		l.at("account.handle", "its domain is an address or has a port, which other servers refuse (%s)", hint)
	}
	for i, a := range c.Account.AlsoKnownAs {
		if strings.HasPrefix(a, "http://") {
			l.at(indexed("account.also_known_as", i), "%s is plain http; actors have https ids (%s)", quote(a), hint)
		}
	}
	for _, name := range sortedNames(c.Webfinger.Aliases) {
		if target := c.Webfinger.Aliases[name]; strings.HasPrefix(target, "http://") {
			l.at(joinKey("webfinger.aliases", name), "%s is plain http; actors have https ids (%s)", quote(target), hint)
		}
	}
}

// at reports a problem with a value that was read without one, where it was written.
func (l *loader) at(path, format string, args ...any) {
	l.report(path, l.origins[path], fmt.Sprintf(format, args...))
}

// broken tells that a table on the way to path is none, so that what is missing in it is not news.
func (l *loader) broken(path string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		rest, below := strings.CutPrefix(path, p.Key)
		return below && p.Key != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func isAddr(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
