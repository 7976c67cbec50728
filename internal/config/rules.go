package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"crier/internal/netguard"
)

const (
	minToken   = 16    // characters; "openssl rand -hex 16" gives twice as many
	maxName    = 128   // characters of a display name; Misskey keeps no more
	maxField   = 2047  // characters of a field's name or value; Mastodon keeps no more
	maxSummary = 10000 // characters; Mastodon keeps 20 kB of the HTML made from it, Misskey 2048 characters
)

// ParseBaseURL returns a base address in its one form: https (or http, for tests), canonical host, no default
// port, no trailing slash. It becomes part of every public id, so it has no path, query, fragment or userinfo.
func ParseBaseURL(s string) (string, error) {
	const example = `write for example "https://fedi.example.com"`
	u, err := parseURL(s)
	if err != nil {
		return "", fmt.Errorf("%w; %s", err, example)
	}
	if path := strings.TrimRight(u.Path, "/"); path != "" {
		return "", fmt.Errorf("%s has a path; crier answers for a whole host, so %s", quote(s), example)
	}
	if u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return "", fmt.Errorf("%s has a query or a fragment; %s", quote(s), example)
	}
	return u.Scheme + "://" + u.Host, nil
}

// parseURL reads an absolute http(s) URL without userinfo and gives its host the canonical form, without a
// default port. Its errors begin with the value.
func parseURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("is empty")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, fmt.Errorf("%s has spaces in it", quote(s))
	}
	u, err := url.Parse(s)
	if err != nil { // its text may repeat a password
		return nil, fmt.Errorf("%s is not a URL", quote(s))
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%s is not an absolute http or https URL", quote(s))
	}
	if u.User != nil {
		return nil, fmt.Errorf("%s has a user name or password in it", quote(s))
	}
	host, err := netguard.CanonicalHost(u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reached: %w", quote(s), err)
	}
	port := u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return nil, fmt.Errorf("%s has a port that is none; ports go from 1 to 65535", quote(s))
	}
	if port == defaultPort(u.Scheme) {
		port = ""
	}
	u.Host = joinHost(host, port)
	return u, nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// joinHost is net.JoinHostPort for a port that may be missing.
func joinHost(host, port string) string {
	switch {
	case port != "":
		return net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}

// withPort is the host:port of a URL, the default port written out.
func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func parseListen(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf(`%s is not host:port; write for example "127.0.0.1:8080", or ":8080" for every interface`, quote(s))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%s has a port that is none; ports go from 0 (one is picked) to 65535", quote(s))
	}
	if _, err := netip.ParseAddr(host); host != "" && err != nil {
		if _, err := netguard.CanonicalHost(host); err != nil {
			return "", fmt.Errorf("%s cannot be listened at: %w", quote(s), err)
		}
	}
	return s, nil
}

// parseToken checks a bearer token (RFC 6750 section 2.1). Its errors do not repeat it.
func parseToken(s string) (Secret, error) {
	for _, r := range s {
		if r <= ' ' || r > '~' || r == '"' || r == ',' {
			return "", errors.New(`has characters that cannot stand in "Authorization: Bearer TOKEN"; use letters and digits`)
		}
	}
	return Secret(s), nil
}

// parsePrefix reads a block of addresses, or one address.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf(`%s is neither an address nor a block of addresses; write for example "10.0.0.0/8"`, quote(s))
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%s is IPv4 written as IPv6; write it as IPv4", quote(s))
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has bits beyond its length; write %q", quote(s), p.Masked())
	}
	return p, nil
}

func parseName(s string) (string, error) {
	return s, checkLine(s, maxName)
}

func fieldText(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("is empty; leave the whole field out instead")
	}
	return s, checkLine(s, maxField)
}

func checkLine(s string, longest int) error {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%s has more than one line", quote(s))
	}
	if n := utf8.RuneCountInString(s); n > longest {
		return fmt.Errorf("has %d characters; at most %d are allowed", n, longest)
	}
	return nil
}

func parseSummary(s string) (string, error) {
	if n := utf8.RuneCountInString(s); n > maxSummary {
		return "", fmt.Errorf("has %d characters; at most %d are allowed", n, maxSummary)
	}
	return s, nil
}

// path makes a path absolute; a relative one starts at the configuration file's folder.
func (l *loader) path(s string) (string, error) {
	if s == "" {
		return "", errors.New("is empty; write the path of a folder or file")
	}
	if strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("%s is not a path", quote(s))
	}
	if filepath.IsAbs(s) {
		return filepath.Clean(s), nil
	}
	return filepath.Join(l.dir, s), nil
}

// formerDir reads the path of a former data directory; "" is none.
func (l *loader) formerDir(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return l.path(s)
}

// picture reads a picture's address or path; "" is no picture.
func (l *loader) picture(s string) (Picture, error) {
	if s == "" {
		return Picture{}, nil
	}
	if strings.Contains(s, "://") {
		u, err := parseURL(s)
		if err != nil {
			return Picture{}, fmt.Errorf("%w; write an https URL or the path of a local file", err)
		}
		return Picture{URL: u.String(), Type: imageType(u.Path)}, nil
	}
	file, err := l.path(s)
	if err != nil {
		return Picture{}, err
	}
	kind := imageType(file)
	if kind == "" {
		return Picture{}, fmt.Errorf("%s is no picture by its name; other servers take .png, .jpg, .gif and .webp", quote(s))
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return Picture{}, fmt.Errorf("there is no file %s; paths are relative to the configuration file", quote(s))
	}
	return Picture{File: file, Type: kind}, nil
}

// imageType is the media type of a picture by its name's extension, or "".
func imageType(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	}
	return ""
}

// feedURL reads a feed's address. The store knows a feed by it, so two spellings of one address become one.
func (l *loader) feedURL(s string) (string, error) {
	if !strings.Contains(s, "://") {
		return l.feedFile(s)
	}
	u, err := parseURL(s)
	if err != nil {
		return "", fmt.Errorf(`%w; write for example "https://example.com/index.xml", or the path of a local file`, err)
	}
	if strings.Contains(s, "#") {
		return "", fmt.Errorf("%s has a fragment; leave out # and what follows", quote(s))
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}

// feedFile reads the path of a feed. The file may come later, with the site's next build; a missing one that
// looks like an address without its scheme is refused, since it would be waited for in vain.
func (l *loader) feedFile(s string) (string, error) {
	if s == "" {
		return "", errors.New(`is empty; write for example "https://example.com/index.xml", or the path of a local file`)
	}
	file, err := l.path(s)
	if err != nil {
		return "", err
	}
	first, _, folder := strings.Cut(s, "/")
	if folder && strings.Contains(strings.Trim(first, "."), ".") {
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("there is no file %s; begin it with https:// if it is on the web, with ./ if it is a file to come", quote(s))
		}
	}
	return file, nil
}
