package federation

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxAddress bounds ids and addresses from strangers: they become keys of the store.
const maxAddress = 2048

// parseAddress takes an absolute http(s) address of a stranger: with a host, without credentials, and without
// what could look like another address to a person.
func parseAddress(address string) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("an address of %d bytes is too long", len(address))
	}
	if !utf8.ValidString(address) || strings.ContainsFunc(address, unfit) {
		return nil, fmt.Errorf("%q has characters that no address has", clean(address, 200))
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%q is no address", clean(address, 200))
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Opaque != "" || lookedUp(u) == "" {
		return nil, fmt.Errorf("%q is no http address of another server", clean(address, 200))
	}
	return u, nil
}

// unfit reports whether a character has no place in an address: control characters, and those that break a line
// or turn the direction of writing.
func unfit(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// hostOf is the host of an address as it is looked up, with its port unless that is the default one, or nothing:
// whoever writes a host in capitals, as an international name or with a dot at its end means the same host, and
// must neither pass for another one nor get past a rule about it.
func hostOf(address string) string {
	u, err := parseAddress(address)
	if err != nil {
		return ""
	}
	return lookedUp(u)
}

// lookedUp is hostOf of an address that was read already; empty where the host is none.
func lookedUp(u *url.URL) string {
	host := u.Hostname()
	if name, err := idna.Lookup.ToASCII(host); err == nil && !isASCII(host) {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.Contains("."+host+".", "..") {
		return "" // an empty label: no resolver takes it
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String()
	}
	port := u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// plainHost brings a host (with or without port) into the form in which hosts are compared.
func plainHost(host, scheme string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	}
	return host
}

// sameHost reports whether two addresses have one origin. The scheme counts only by its default port:
// ids of http are refused elsewhere.
func sameHost(a, b string) bool {
	host := hostOf(a)
	return host != "" && host == hostOf(b)
}

// sameAddress reports whether an id is the address a document came from.
func sameAddress(id, address string) bool {
	if id == address {
		return id != ""
	}
	// An id with characters that a URL has to escape is fetched from the escaped form.
	u, err := parseAddress(id)
	return err == nil && u.String() == address
}

// withoutFragment is the address of the document that a key id with a fragment stands in.
func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}
