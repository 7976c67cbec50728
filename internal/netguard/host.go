package netguard

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxHost is the longest name that DNS knows (RFC 1035 section 2.3.4, less the root label).
const maxHost = 253

// CanonicalHost returns a host (no port, an IPv6 address without brackets) as it will be looked up: an address
// in its usual form, or a lower-case name with A-labels. IDNA mapping comes first, since it turns full-width
// and other digits into an address. It refuses whatever a resolver might read as an address that we do not
// ("0x7f.1", "2130706433"). Error texts begin with "it" or "its host" and repeat nothing of the input.
func CanonicalHost(host string) (string, error) {
	if host == "" {
		return "", errors.New("it has no host")
	}
	name, err := mapName(host)
	if err != nil {
		return "", err
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		if addr.Zone() != "" {
			return "", errors.New("its host is an address with a zone, which means something on one computer only")
		}
		return addr.Unmap().String(), nil // one place has one spelling, or it would not be known as our own
	}
	if err := checkName(name); err != nil {
		return "", err
	}
	return name, nil
}

// mapName applies the IDNA lookup mapping (UTS 46). Names in ASCII are only lowered: the mapping would refuse
// the underscores and hyphens that real hosts have.
func mapName(host string) (string, error) {
	if isASCII(host) {
		return strings.ToLower(host), nil
	}
	if !utf8.ValidString(host) {
		return "", errors.New("its host is not valid UTF-8")
	}
	name, err := idna.Lookup.ToASCII(host)
	if err != nil || !isASCII(name) {
		return "", errors.New("its host is not a valid international name")
	}
	return strings.ToLower(name), nil
}

// checkName refuses names that mean different things to different readers.
func checkName(name string) error {
	if len(name) > maxHost {
		return errors.New("its host is too long")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return errors.New("its host has an empty label")
		case len(label) > 63:
			return errors.New("its host has a label of more than 63 characters")
		case strings.ContainsFunc(label, func(r rune) bool { return !nameRune(r) }):
			return errors.New("its host has characters that no host name has")
		}
	}
	// A name whose last label is a number is an address to many resolvers (inet_aton; WHATWG URL, "ends in a
	// number"); only the usual form of four decimal numbers got past the address parser above.
	if numeric(labels[len(labels)-1]) {
		return errors.New("its host is an address in an unusual form, not four decimal numbers")
	}
	return nil
}

func nameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}

// numeric tells whether inet_aton would take the label for a number: decimal, octal or hexadecimal.
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
