package extras

import (
	"net/url"
	"strings"
)

// OwnPage tells whether the page at an entry's address is the blog's own, so that its language and picture are those
// of the entry: a link post leads to somebody else's. key is the entry's key in the store, which begins with the
// blog's host.
func OwnPage(address, key string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host, _, _ := strings.Cut(key, "/")
	own := strings.ToLower(u.Host)
	switch u.Scheme {
	case "http":
		own = strings.TrimSuffix(own, ":80")
	default:
		own = strings.TrimSuffix(own, ":443")
	}
	return host != "" && strings.TrimPrefix(own, "www.") == strings.TrimPrefix(host, "www.")
}
