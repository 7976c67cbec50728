package federation

import (
	"encoding/xml"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	relProfile = "http://webfinger.net/rel/profile-page"
	relAvatar  = "http://webfinger.net/rel/avatar"
)

// descriptor is a JSON Resource Descriptor (RFC 7033 §4.4).
type descriptor struct {
	Subject string           `json:"subject"`
	Aliases []string         `json:"aliases,omitempty"`
	Links   []descriptorLink `json:"links"`
}

// descriptorLink is one link of a descriptor. Of those with rel "self" there is exactly one, and no feed or other
// application type stands beside it: Lemmy tries every link of an application type, the last one first.
type descriptorLink struct {
	Rel  string `json:"rel"`
	Type string `json:"type,omitempty"`
	Href string `json:"href"`
}

var errResource = errors.New("the resource is neither a name (acct:user@host) nor an address")

// finger is the answer for one name or address.
type finger struct {
	descriptor descriptor
	all        document // with all links
}

// makeFingers prepares the answers for every name and address that belongs to the account, by the key
// that resourceKey makes of them. An alias that is no name is left out, with a word in the log.
func (s *Server) makeFingers(p Profile) map[string]finger {
	fingers := map[string]finger{}
	add := func(key string, d descriptor) {
		if _, taken := fingers[key]; !taken { // the account's own names come first
			fingers[key] = finger{d, newJRD(mustEncode(d))}
		}
	}
	handle, own := s.nameHere(s.domain), s.nameHere(s.ids.Host())
	subject := "acct:" + handle
	add(handle, s.ownJRD(p, subject, subject))
	add(own, s.ownJRD(p, subject, "acct:"+own))
	// The account can be asked for by its actor, by the blog's address, and by this host's (FEP-d556).
	scheme := s.blogScheme()
	blog, www := scheme+s.domain+"/", scheme+otherWWW(s.domain)+"/"
	for address, asked := range map[string]string{s.ids.Actor(): subject, s.ids.Base(): subject, blog: blog, www: www} {
		if key, err := resourceKey(address); err == nil {
			add(key, s.ownJRD(p, subject, asked))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Aliases)) {
		key, err := resourceKey(name)
		if err != nil {
			s.log.Error("a webfinger alias is left out: write it as user@host", "alias", name)
			continue
		}
		if target := s.cfg.Aliases[name]; target != "self" {
			add(key, elsewhereJRD(asWritten(name, key), target))
			continue
		}
		add(key, s.ownJRD(p, subject, "acct:"+key))
	}
	// So people write it as well, unless the owner has given these names away: with or without www, and a whole
	// site by its own name, as WordPress and Bridgy Fed have it.
	for _, name := range []string{s.nameHere(otherWWW(s.domain)), hostKey(s.domain) + "@" + hostKey(s.domain)} {
		add(name, s.ownJRD(p, subject, "acct:"+name))
	}
	if p.handleMoved {
		s.leadAway(fingers, p)
	}
	return fingers
}

// blogScheme is how the pages at the handle's domain are reached: by plain http where all feeds from there are.
func (s *Server) blogScheme() string {
	plain := false
	for feed := range s.cfg.Feeds {
		if host := hostOf(feed); host != s.domain && host != otherWWW(s.domain) {
			continue
		}
		if !strings.HasPrefix(feed, "http://") {
			return "https://"
		}
		plain = true
	}
	if plain {
		return "http://"
	}
	return "https://"
}

// otherWWW is a domain with "www." in front, or without it where it has it.
func otherWWW(domain string) string {
	if bare, has := strings.CutPrefix(domain, "www."); has {
		return bare
	}
	return "www." + domain
}

// asWritten is the subject for an alias: the user part keeps its capitals, since GoToSocial compares it
// with the one that it asked for.
func asWritten(name, key string) string {
	user, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, "acct:"), "@"), "@")
	if lower, host, ok := strings.Cut(key, "@"); ok && strings.EqualFold(user, lower) {
		return "acct:" + user + "@" + host
	}
	return "acct:" + key
}

// nameHere is the account's user name at a host, with the host as it is compared.
func (s *Server) nameHere(host string) string {
	return strings.ToLower(s.user) + "@" + hostKey(host, "443", "80")
}

func newJRD(b []byte) document {
	return document{body: b, etag: etagOf(b), typ: typeJRD, maxAge: ageDiscovery}
}

// ownJRD describes the account: the subject is its one canonical name whatever was asked for, since
// Mastodon and Akkoma take the handle from there; another name that was asked is among the aliases.
func (s *Server) ownJRD(p Profile, subject, asked string) descriptor {
	d := descriptor{Subject: subject, Aliases: []string{s.ids.Actor()}, Links: []descriptorLink{
		{Rel: relProfile, Type: "text/html", Href: s.ids.Actor()},
		{Rel: "self", Type: typeActivity, Href: s.ids.Actor()},
	}}
	if asked != subject {
		d.Aliases = append(d.Aliases, asked)
	}
	if avatar := p.Avatar; avatar.URL != "" {
		d.Links = append(d.Links, descriptorLink{Rel: relAvatar, Type: avatar.Type, Href: avatar.URL})
	}
	return d
}

// elsewhereJRD describes an actor on another server under a name of this host: subject is the name that
// was asked for, so that Mastodon needs no confirmation and GoToSocial finds the user part it asked for.
func elsewhereJRD(asked, actor string) descriptor {
	return descriptor{Subject: asked, Aliases: []string{actor}, Links: []descriptorLink{
		{Rel: relProfile, Type: "text/html", Href: actor},
		{Rel: "self", Type: typeActivity, Href: actor},
	}}
}

// serveWebFinger answers RFC 7033 queries: 400 for a resource that is missing or cannot be read, 404 for
// one that is not known, never 410 (Mastodon suspends the account).
func (s *Server) serveWebFinger(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	resources := query["resource"]
	if err != nil || len(resources) != 1 {
		s.fail(w, r, http.StatusBadRequest, "ask for one resource, as in ?resource=acct:"+s.cfg.Handle)
		return
	}
	key, err := resourceKey(resources[0])
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	f, ok := s.person().fingers[key]
	if !ok {
		s.fail(w, r, http.StatusNotFound, "nobody of that name is known here")
		return
	}
	serveFinger(w, r, f, query["rel"])
}

// serveFinger answers with the links of the wanted relations, or with all where none is named. The filter
// never touches subject and aliases (RFC 7033 §4.3).
func serveFinger(w http.ResponseWriter, r *http.Request, f finger, rels []string) {
	if len(rels) == 0 {
		f.all.serve(w, r)
		return
	}
	d := f.descriptor
	d.Links = []descriptorLink{}
	for _, l := range f.descriptor.Links {
		if slices.Contains(rels, l.Rel) {
			d.Links = append(d.Links, l)
		}
	}
	newJRD(mustEncode(d)).serve(w, r)
}

// resourceKey brings the resource of a WebFinger query into the one form in which names and addresses
// are compared: "user@host" for a name, "//host/path" for an address, all in lower case, hosts as
// A-labels without default port and final dot. It accepts a missing "acct:", a leading "@", and one
// percent-encoding too many. An unknown kind of address has its own key, which nobody has.
func resourceKey(resource string) (string, error) {
	resource = strings.TrimSpace(resource)
	if plain, err := url.PathUnescape(resource); err == nil {
		resource = plain
	}
	lower := strings.ToLower(resource)
	name, isName := strings.CutPrefix(lower, "acct:")
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") { // Pleroma asks for ids with acct:, too
		return addressKey(name)
	}
	if isName {
		return nameKey(name)
	}
	if scheme, _, ok := strings.Cut(lower, ":"); ok && isScheme(scheme) {
		return lower, nil
	}
	return nameKey(lower)
}

func nameKey(name string) (string, error) {
	user, host, ok := strings.Cut(strings.TrimPrefix(name, "@"), "@")
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	if !ok || user == "" || strings.ContainsFunc(name, odd) || strings.Contains(user, "/") || strings.ContainsAny(host, "@/?#") {
		return "", errResource
	}
	host = hostKey(host, "443", "80")
	if host == "" {
		return "", errResource
	}
	if hostKey(user, "443", "80") == host { // a site by its own name: both are the same domain, however it is spelled
		user = host
	}
	return user + "@" + host, nil
}

func addressKey(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", errResource
	}
	port := "443"
	if u.Scheme == "http" {
		port = "80"
	}
	key := "//" + hostKey(u.Host, port) + strings.TrimRight(u.Path, "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	return key, nil
}

// hostKey is a host in lower case, as A-labels, without final dot and without the named ports; "" if
// there is none.
func hostKey(host string, defaults ...string) string {
	port := ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
	}
	if host == "" || port == "" || slices.Contains(defaults, port) {
		return host
	}
	return net.JoinHostPort(host, port)
}

// isScheme reports whether s could be the scheme of an address (RFC 3986 §3.1). A dot is left out:
// "user@host.example:8080" has none.
func isScheme(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-')) {
			return false
		}
	}
	return s != ""
}

// xrd is the host-meta document (RFC 6415): where WebFinger answers are to be had. Akkoma believes a
// handle on another domain only by it, and it is the second try of Mastodon and GoToSocial.
type xrd struct {
	XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
	Link    xrdLink  `xml:"Link"`
}

type xrdLink struct {
	Rel      string `xml:"rel,attr"`
	Template string `xml:"template,attr"`
}

func (s *Server) makeHostMeta() document {
	b, err := xml.Marshal(xrd{Link: xrdLink{
		Rel: "lrdd", Template: s.ids.Base() + "/.well-known/webfinger?resource={uri}",
	}})
	if err != nil {
		panic(err) // two strings can always be written
	}
	b = append([]byte(xml.Header), b...)
	return document{body: b, etag: etagOf(b), typ: typeXRD, maxAge: ageDiscovery}
}
