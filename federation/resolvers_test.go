package federation

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// The rules by which other software finds an account, told in our own words: each names its source, and none
// shares code with the package.
type resolverRule struct {
	name   string
	find   func(w web, handle string) (id string, err error) // the id of the account behind a handle
	nameOf func(w web, a foundActor) (string, error)         // the handle that is shown for an account
}

func resolverRules() []resolverRule {
	return []resolverRule{
		{"Mastodon 4.5", web.mastodonFind, mastodon45},
		{"Mastodon 4.6", web.mastodonFind, mastodon46},
		{"GoToSocial 0.20", web.goToSocialFind, goToSocial},
		{"Misskey 2025.11", web.misskeyFind, atHome},
		{"Sharkey 2025.4", web.sharkeyFind, atHome},
		{"Akkoma 2025.10", web.akkomaFind, akkoma},
		{"Lemmy 0.19", web.lemmyFind, atHome},
		{"Fedify 2.3", web.fedifyFind, fedify},
		{"Pixelfed", web.pixelfedFind, atHome},
		{"PeerTube", web.peerTubeFind, atHome},
		{"WordPress", web.wordPressFind, wordPress},
	}
}

// show is what somebody sees who types a handle into such a server's search.
func (r resolverRule) show(w web, handle string) (shown, id string, err error) {
	if id, err = r.find(w, handle); err != nil {
		return "", "", err
	}
	shown, err = r.showID(w, id)
	return shown, id, err
}

// showID is the same for an id.
func (r resolverRule) showID(w web, id string) (string, error) {
	a, err := w.actor(id)
	if err != nil {
		return "", err
	}
	return r.nameOf(w, a)
}

// atHome is the name of those that know no other than the one at the id's host.
func atHome(_ web, a foundActor) (string, error) { return a.atHome(), nil }

// web is a client of the test's network.
type web struct{ net http.RoundTripper }

// got is an answer, and the address that it came from in the end.
type got struct {
	url    string
	status int
	typ    string // without parameters
	params map[string]string
	body   []byte
}

var errRedirects = errors.New("too many redirects")

// get follows up to redirects redirects.
func (w web) get(address, accept string, redirects int) (got, error) {
	for range redirects + 1 {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return got{}, err
		}
		r.Header.Set("Accept", accept)
		resp, err := w.net.RoundTrip(r)
		if err != nil {
			return got{}, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return got{}, err
		}
		if to, err := resp.Location(); err == nil && resp.StatusCode < 400 {
			address = to.String()
			continue
		}
		g := got{url: address, status: resp.StatusCode, body: body}
		g.typ, g.params, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
		return g, nil
	}
	return got{}, errRedirects
}

type foundJRD struct {
	Subject string
	Aliases []string
	Links   []struct{ Rel, Type, Href string }
}

func (g got) jrd() (j foundJRD, err error) {
	if g.status != http.StatusOK {
		return j, fmt.Errorf("%s: %d", g.url, g.status)
	}
	err = json.Unmarshal(g.body, &j)
	return j, err
}

// self is the first link of that relation which takes a type.
func (j foundJRD) self(takes func(string) bool) (string, error) {
	for _, l := range j.Links {
		if l.Rel == "self" && takes(l.Type) {
			return l.Href, nil
		}
	}
	return "", errors.New("no link to an actor")
}

func anyType(string) bool { return true }

// twoTypes are the spellings that Mastodon, GoToSocial, Akkoma, Fedify and WordPress know.
func twoTypes(s string) bool { return s == typeActivity || s == typeLD }

type foundActor struct{ ID, PreferredUsername, WebFinger string }

// actor fetches an actor by exactly its id.
func (w web) actor(id string) (a foundActor, err error) {
	g, err := w.get(id, typeActivity+", "+typeLD, 0)
	if err != nil {
		return a, err
	}
	if g.status != http.StatusOK || g.typ != typeActivity {
		return a, fmt.Errorf("%s: %d %s", id, g.status, g.typ)
	}
	if err := json.Unmarshal(g.body, &a); err != nil {
		return a, err
	}
	if a.ID != id {
		return a, fmt.Errorf("%s calls itself %s", id, a.ID)
	}
	return a, nil
}

func (a foundActor) atHome() string { return a.PreferredUsername + "@" + hostname(a.ID) }

func hostname(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func parts(handle string) (user, host string) {
	user, host, _ = strings.Cut(strings.TrimPrefix(handle, "@"), "@")
	return user, host
}

// lrdd is the template of a host-meta document (RFC 6415).
func lrdd(body []byte) (string, error) {
	var v struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
		Link    []struct {
			Rel      string `xml:"rel,attr"`
			Template string `xml:"template,attr"`
		}
	}
	if err := xml.Unmarshal(body, &v); err != nil {
		return "", err
	}
	for _, l := range v.Link {
		if l.Rel == "lrdd" && strings.Contains(l.Template, "{uri}") {
			return l.Template, nil
		}
	}
	return "", errors.New("no lrdd template")
}

// mastodonFinger: app/lib/webfinger.rb. Three redirects; 200 of any type; after a 404 the address that host-meta
// names; a subject, and a link of one of two types.
func (w web) mastodonFinger(handle string) (subject, self string, err error) {
	_, host := parts(handle)
	g, err := w.get("https://"+host+"/.well-known/webfinger?resource=acct:"+handle, "application/jrd+json, application/json", 3)
	if err == nil && g.status == http.StatusNotFound {
		var m got
		if m, err = w.get("https://"+host+"/.well-known/host-meta", "application/xrd+xml, application/xml, text/xml", 3); err != nil {
			return "", "", err
		}
		template, err := lrdd(m.body)
		if err != nil || m.status != http.StatusOK {
			return "", "", fmt.Errorf("host-meta: %d %w", m.status, err)
		}
		if g, err = w.get(strings.ReplaceAll(template, "{uri}", "acct:"+handle), "application/jrd+json, application/json", 3); err != nil {
			return "", "", err
		}
	}
	if err != nil {
		return "", "", err
	}
	j, err := g.jrd()
	if err != nil {
		return "", "", err
	}
	subject, ok := strings.CutPrefix(j.Subject, "acct:")
	if !ok {
		return "", "", fmt.Errorf("subject %q", j.Subject)
	}
	self, err = j.self(twoTypes)
	return subject, self, err
}

// mastodonConfirm: app/services/resolve_account_service.rb. Another subject is asked once, and has to agree.
func (w web) mastodonConfirm(handle string) (subject, self string, err error) {
	subject, self, err = w.mastodonFinger(handle)
	if err != nil || strings.EqualFold(subject, handle) {
		return subject, self, err
	}
	again, self, err := w.mastodonFinger(subject)
	if err != nil {
		return "", "", err
	}
	if !strings.EqualFold(again, subject) {
		return "", "", fmt.Errorf("%s is %s is %s", handle, subject, again)
	}
	return again, self, nil
}

var mastodonName = regexp.MustCompile(`(?i)^[a-z0-9_]+([.-]+[a-z0-9_]+)*$`)

func (w web) mastodonFind(handle string) (string, error) {
	_, self, err := w.mastodonConfirm(handle)
	return self, err
}

// mastodonBack: the name leads back to the id, byte for byte.
func mastodonBack(w web, a foundActor, name string) (string, error) {
	if user, _ := parts(name); !mastodonName.MatchString(user) {
		return "", fmt.Errorf("user name %q", user)
	}
	shown, back, err := w.mastodonConfirm(name)
	if err != nil || back != a.ID {
		return "", fmt.Errorf("on the way back from %s: %s, %w", a.ID, back, err)
	}
	return shown, nil
}

// mastodon45: app/services/activitypub/process_account_service.rb up to 4.5.
func mastodon45(w web, a foundActor) (string, error) { return mastodonBack(w, a, a.atHome()) }

// mastodon46: the same from 4.6 on, with FEP-2c59 where the actor has it.
func mastodon46(w web, a foundActor) (string, error) {
	return mastodonBack(w, a, firstOf(a.WebFinger, a.atHome()))
}

// goToSocialFinger: internal/transport/finger.go, internal/federation/dereferencing/finger.go. Host as A-label; types
// jrd+json or json, in UTF-8; 410 is the end; after any other answer below 500 host-meta; the subject's user is the
// one asked for, capitals counted.
func (w web) goToSocialFinger(user, host string) (domain, self string, err error) {
	host, err = idna.ToASCII(host)
	if err != nil {
		return "", "", err
	}
	takes := func(g got, types ...string) bool {
		charset := g.params["charset"]
		return g.status == http.StatusOK && slices.Contains(types, g.typ) && (charset == "" || strings.EqualFold(charset, "utf-8"))
	}
	resource := "acct:" + user + "@" + host
	g, err := w.get("https://"+host+"/.well-known/webfinger?resource="+resource, "application/jrd+json,application/json", 10)
	switch {
	case err != nil:
		return "", "", err
	case g.status == http.StatusGone || g.status >= 500:
		return "", "", fmt.Errorf("%d", g.status)
	case !takes(g, "application/jrd+json", "application/json"):
		m, err := w.get("https://"+host+"/.well-known/host-meta", "application/xrd+xml,application/xml,text/xml", 10)
		if err != nil || !takes(m, "application/xml", "text/xml", "application/xrd+xml") {
			return "", "", fmt.Errorf("host-meta: %d %s %w", m.status, m.typ, err)
		}
		template, err := lrdd(m.body)
		if err != nil {
			return "", "", err
		}
		g, err = w.get(strings.ReplaceAll(template, "{uri}", resource), "application/jrd+json,application/json", 10)
		if err != nil || !takes(g, "application/jrd+json", "application/json") {
			return "", "", fmt.Errorf("by host-meta: %d %s %w", g.status, g.typ, err)
		}
	}
	j, err := g.jrd()
	if err != nil {
		return "", "", err
	}
	name, domain := parts(strings.TrimPrefix(j.Subject, "acct:"))
	if name != user {
		return "", "", fmt.Errorf("asked for %q, got %q", user, name)
	}
	self, err = j.self(twoTypes)
	return domain, self, err
}

func (w web) goToSocialFind(handle string) (string, error) {
	user, host := parts(handle)
	_, self, err := w.goToSocialFinger(user, host)
	return self, err
}

// goToSocial: internal/federation/dereferencing/account.go. The account's domain is that of the subject that
// preferredUsername at the id's host has.
func goToSocial(w web, a foundActor) (string, error) {
	user, host := parts(a.atHome())
	domain, back, err := w.goToSocialFinger(user, host)
	if err != nil || back != a.ID {
		return "", fmt.Errorf("from the id %s: %s, %w", a.ID, back, err)
	}
	return user + "@" + domain, nil
}

// akkomaAddress: lib/pleroma/web/web_finger.ex. Host-meta comes first, whatever its type; then the usual address.
func (w web) akkomaAddress(host, resource string) string {
	if m, err := w.get("https://"+host+"/.well-known/host-meta", "*/*", 5); err == nil && m.status/100 == 2 {
		if template, err := lrdd(m.body); err == nil && strings.HasPrefix(template, "https://") {
			return strings.ReplaceAll(template, "{uri}", resource)
		}
	}
	return "https://" + host + "/.well-known/webfinger?resource=" + resource
}

// akkomaFinger: the address by which the subject would be asked for has the host of the one that was asked.
func (w web) akkomaFinger(handle string) (subject, self string, err error) {
	_, host := parts(handle)
	address := w.akkomaAddress(host, "acct:"+handle)
	g, err := w.get(address, "application/xrd+xml,application/jrd+json", 5)
	if err != nil {
		return "", "", err
	}
	if !slices.Contains([]string{"application/jrd+json", "application/json"}, g.typ) {
		return "", "", fmt.Errorf("type %q", g.typ)
	}
	j, err := g.jrd()
	if err != nil {
		return "", "", err
	}
	subject, ok := strings.CutPrefix(j.Subject, "acct:")
	_, domain := parts(subject)
	if !ok || hostname(w.akkomaAddress(domain, j.Subject)) != hostname(address) {
		return "", "", fmt.Errorf("subject %q at %s", j.Subject, address)
	}
	self, err = j.self(twoTypes)
	return subject, self, err
}

func (w web) akkomaFind(handle string) (string, error) {
	_, self, err := w.akkomaFinger(handle)
	return self, err
}

// akkoma: lib/pleroma/web/activity_pub/activity_pub.ex. The nickname comes from asking for preferredUsername at the
// id's host, or is that.
func akkoma(w web, a foundActor) (string, error) {
	if subject, back, err := w.akkomaFinger(a.atHome()); err == nil && back == a.ID {
		return subject, nil
	}
	return a.atHome(), nil
}
