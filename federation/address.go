package federation

import (
	"fmt"
	"net/url"
	"strings"
)

// maxAddress bounds ids and addresses from strangers: they become keys of the store.
const maxAddress = 2048

// parseAddress takes an absolute http(s) address of a stranger: with a host, without credentials.
func parseAddress(address string) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("an address of %d bytes is too long", len(address))
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%q is no address", clean(address, 200))
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, fmt.Errorf("%q is no http address of another server", clean(address, 200))
	}
	return u, nil
}

// hostOf is the host of an address in lower case, with its port unless that is the default one, or nothing.
func hostOf(address string) string {
	u, err := parseAddress(address)
	if err != nil {
		return ""
	}
	return plainHost(u.Host, u.Scheme)
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
