package config

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"crier/internal/netguard"
)

// maxUser is the longest user part: Misskey takes no longer preferredUsername.
const maxUser = 128

// Handle names an account: user@host, both lower case, the host as A-labels. A host has a port in tests only.
type Handle struct{ User, Host string }

// String is "user@host", or "" for the zero Handle.
func (h Handle) String() string {
	if h == (Handle{}) {
		return ""
	}
	return h.User + "@" + h.Host
}

// MarshalText is String.
func (h Handle) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// ParseHandle reads "user@host" or "@user@host". The user part is what Mastodon takes for one (letters,
// digits, underscores; dots and hyphens between them) and is lowered, since handles are compared without case
// everywhere.
func ParseHandle(s string) (Handle, error) {
	user, host, ok := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if !ok || user == "" || host == "" {
		return Handle{}, fmt.Errorf(`%s is not a handle; write for example "user@example.com"`, quote(s))
	}
	user = strings.ToLower(user)
	if err := checkUser(user); err != nil {
		return Handle{}, fmt.Errorf("%s is not a handle: %w", quote(s), err)
	}
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	}
	name, err := netguard.CanonicalHost(strings.Trim(name, "[]"))
	if err != nil {
		return Handle{}, fmt.Errorf("%s is not a handle: %w", quote(s), err)
	}
	if port != "" && !isPort(port) {
		return Handle{}, fmt.Errorf("%s is not a handle: its port is no port", quote(s))
	}
	return Handle{User: user, Host: joinHost(name, port)}, nil
}

// checkUser demands [a-z0-9_]+([.-]+[a-z0-9_]+)* (Mastodon, app/models/account.rb, USERNAME_RE).
func checkUser(user string) error {
	if len(user) > maxUser {
		return fmt.Errorf("the part before @ is longer than %d characters", maxUser)
	}
	for _, r := range user {
		if !wordRune(r) && r != '.' && r != '-' {
			return errors.New("the part before @ may have letters a-z, digits, _ and, between them, . and -")
		}
	}
	if !wordRune(rune(user[0])) || !wordRune(rune(user[len(user)-1])) {
		return errors.New("the part before @ begins and ends with a letter a-z, a digit or _")
	}
	return nil
}

func wordRune(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_'
}

// parseAccount reads an account elsewhere: a handle, or the URL of an actor. A URL is kept as written, since
// it is compared byte by byte with the actor's id.
func parseAccount(s string) (string, error) {
	if strings.Contains(s, "://") {
		if _, err := parseURL(s); err != nil {
			return "", fmt.Errorf(`%w; write a handle ("user@other.example") or the URL of an actor`, err)
		}
		return s, nil
	}
	h, err := ParseHandle(s)
	return h.String(), err
}

// parseAlias reads a pair of webfinger.aliases.
func parseAlias(name, target string) (string, string, error) {
	h, err := ParseHandle(name)
	if err != nil {
		return "", "", fmt.Errorf("%w as the name", err)
	}
	if target == AliasSelf {
		return h.String(), target, nil
	}
	if _, err := parseURL(target); err != nil {
		return "", "", fmt.Errorf(`%w; write "self" or the URL of an actor, for example "https://social.example/users/other"`, err)
	}
	return h.String(), target, nil
}

// parseResolve reads a pair of network.resolve.
func parseResolve(from, to string) (string, string, error) {
	name, port := from, ""
	if h, p, err := net.SplitHostPort(from); err == nil {
		name, port = h, p
	}
	host, err := netguard.CanonicalHost(strings.Trim(name, "[]"))
	if from == netguard.AnyName {
		host, err = from, nil
	}
	if err != nil || port != "" && !isPort(port) {
		return "", "", fmt.Errorf(`%s is neither a host nor host:port; write for example "example.com"`, quote(from))
	}
	toHost, toPort, err := net.SplitHostPort(to)
	if err == nil {
		toHost, err = netguard.CanonicalHost(toHost)
	}
	if err != nil || !isPort(toPort) {
		return "", "", fmt.Errorf(`%s is not host:port; write for example "127.0.0.1:8080"`, quote(to))
	}
	if port == "" {
		return host, net.JoinHostPort(toHost, toPort), nil
	}
	return net.JoinHostPort(host, port), net.JoinHostPort(toHost, toPort), nil
}
