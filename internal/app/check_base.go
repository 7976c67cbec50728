package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	typeActivity = "application/activity+json"
	typeLD       = "application/ld+json"
	typeJRD      = "application/jrd+json"
)

// base looks at our public address as other servers do. Where nobody of ours answers there, nothing else of it is
// worth asking.
func (c *checker) base(ctx context.Context) []CheckItem {
	first, reached := c.ready(ctx)
	items := []CheckItem{first}
	if strings.HasPrefix(c.cfg.BaseURL, "http://") {
		items = append(items, CheckItem{"base address", CheckWarn, c.cfg.BaseURL + " is plain http, which no server of the fediverse asks",
			"use https; network.allow_http is for tests"})
	}
	if !reached {
		return append(items, CheckItem{"actor", CheckWarn, "actor, inbox and WebFinger were not looked at, since " + c.cfg.BaseURL + " is not ours to see", ""})
	}
	return append(items, c.actor(ctx), c.inbox(ctx), c.finger(ctx, c.cfg.BaseHost(), c.ours()))
}

// proxyMend is how the way to the daemon is mended.
func (c *checker) proxyMend() string {
	return fmt.Sprintf("have the proxy for %s pass everything on to %s (README, “Start crier”)", c.cfg.BaseHost(), c.cfg.Listen)
}

// ready asks whether the daemon is there, and reports whether it is worth asking more.
func (c *checker) ready(ctx context.Context) (CheckItem, bool) {
	const subject = "base address"
	address := c.cfg.BaseURL + "/readyz"
	a, err := c.ours().get(ctx, address, "*/*")
	if err != nil {
		mend := c.proxyMend()
		if c.local.status == nil || !c.local.status.Running {
			mend = "start the daemon, and " + mend
		}
		return unasked(subject, address, err, mend), false
	}
	if to, ok := a.elsewhere(); ok {
		return CheckItem{subject, CheckWrong, fmt.Sprintf("%s sends to %s; other servers do not follow", address, to),
			"serve crier at base_url itself, without a redirect"}, false
	}
	switch a.status {
	case http.StatusOK:
		return CheckItem{subject, CheckOK, c.cfg.BaseURL + " is reached, and ready", ""}, true
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return CheckItem{subject, CheckWrong, fmt.Sprintf("%s answers %s", address, showStatus(a.status)),
			"start the daemon, or look into its log if it is running"}, false
	}
	return CheckItem{subject, CheckWrong, fmt.Sprintf("%s answers %s: somebody else is there", address, showStatus(a.status)), c.proxyMend()}, false
}

// actor looks at the account's document.
func (c *checker) actor(ctx context.Context) CheckItem {
	const subject = "actor"
	address := c.ids.Actor()
	a, err := c.ours().get(ctx, address, typeActivity)
	if err != nil {
		return unasked(subject, address, err, c.proxyMend())
	}
	wrong := func(mend, format string, args ...any) CheckItem {
		return CheckItem{subject, CheckWrong, address + " " + fmt.Sprintf(format, args...), mend}
	}
	var doc shownActor
	switch to, moved := a.elsewhere(); {
	case moved:
		return wrong("let it be answered there, without a redirect", "sends to %s", to)
	case a.status != http.StatusOK:
		return wrong(c.proxyMend(), "answers %s", showStatus(a.status))
	case a.kind() != typeActivity && a.kind() != typeLD:
		return wrong("let the proxy pass the Accept and Content-Type headers on as they are, and cache by Accept",
			"answers with the type %q in place of %s", a.kind(), typeActivity)
	case json.Unmarshal(a.body, &doc) != nil:
		return wrong(c.proxyMend(), "answers with something that is no JSON")
	case doc.ID != address || doc.User != c.cfg.Account.Handle.User || doc.Inbox != c.ids.Inbox():
		return wrong(c.proxyMend(), "shows %s (%s), not this account", doc.ID, doc.User)
	case doc.key() == nil:
		return wrong("update crier", "shows no key, so nobody can check what it sends")
	case c.local.key != nil && !bytes.Equal(doc.key(), c.local.key):
		return wrong("see whether two daemons run, or put the right data directory in place",
			"shows another key than the one in %s, so nobody will believe what is sent with that", c.cfg.DataDir)
	}
	text := address + ", with the key of this store"
	if c.local.key == nil {
		text = address
	}
	return CheckItem{subject, CheckOK, text, ""}
}

// inbox posts what is no activity: a daemon that gets it says so.
func (c *checker) inbox(ctx context.Context) CheckItem {
	const subject = "inbox"
	address := c.ids.Inbox()
	a, err := c.ours().do(ctx, http.MethodPost, address, typeActivity, "{}")
	if err != nil {
		return unasked(subject, address, err, c.proxyMend())
	}
	locked := a.status == http.StatusUnauthorized && !strings.HasPrefix(strings.ToLower(a.header.Get("WWW-Authenticate")), "signature")
	if a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized && a.status != http.StatusAccepted || locked {
		return CheckItem{subject, CheckWrong, fmt.Sprintf("a POST to %s is answered %s by somebody before crier", address, showStatus(a.status)),
			"have the proxy (or firewall, or bot protection) let POST requests to it through unchanged"}
	}
	return CheckItem{subject, CheckOK, address + " takes what is posted", ""}
}

// handle looks at how the handle's own host leads to the actor.
func (c *checker) handle(ctx context.Context) []CheckItem {
	host := c.cfg.Account.Handle.Host
	if host == c.cfg.BaseHost() {
		return nil // looked at already
	}
	items := []CheckItem{c.finger(ctx, host, c.others())}
	if items[0].State == CheckOK {
		items = append(items, c.hostMeta(ctx, host))
	}
	return items
}

// scheme is how a host is asked: with https, unless it is that of base_url or the tests have no https.
func (c *checker) schemes(host string) []string {
	if scheme, rest, _ := strings.Cut(c.cfg.BaseURL, "://"); rest == host {
		return []string{scheme}
	}
	if c.cfg.Network.AllowHTTP {
		return []string{"https", "http"}
	}
	return []string{"https"}
}

// ask asks a host for a path, with the first scheme that gives an answer.
func (c *checker) ask(ctx context.Context, q asker, host, path, accept string) (address string, a answer, err error) {
	for _, scheme := range c.schemes(host) {
		address = scheme + "://" + host + path
		if a, err = q.get(ctx, address, accept); err == nil {
			break
		}
	}
	return address, a, err
}

// finger asks a host for the handle, as a server does when somebody searches for it.
func (c *checker) finger(ctx context.Context, host string, q asker) CheckItem {
	subject := "WebFinger at " + host
	handle := c.cfg.Account.Handle.String()
	mend := c.proxyMend()
	if host != c.cfg.BaseHost() {
		mend = fmt.Sprintf("have %s pass /.well-known/webfinger on to %s (README, “Let your domain answer for the handle”)", host, c.cfg.BaseURL)
	}
	address, a, err := c.ask(ctx, q, host, "/.well-known/webfinger?resource=acct:"+handle, typeJRD)
	if err != nil {
		return unasked(subject, address, err, mend)
	}
	wrong := func(format string, args ...any) CheckItem {
		return CheckItem{subject, CheckWrong, address + " " + fmt.Sprintf(format, args...), mend}
	}
	if to, ok := a.elsewhere(); ok {
		return wrong("sends on and on, at last to %s", to)
	}
	if a.status != http.StatusOK {
		if a.hops > 0 && a.url.RawQuery == "" {
			return wrong("loses what is asked for on the way to %s; keep the query in the redirect", a.url)
		}
		return wrong("answers %s", showStatus(a.status))
	}
	var j struct {
		Subject string `json:"subject"`
		Links   []struct{ Rel, Type, Href string }
	}
	if err := json.Unmarshal(a.body, &j); err != nil {
		return wrong("answers with something that is no JSON")
	}
	if !strings.EqualFold(j.Subject, "acct:"+handle) {
		return wrong("speaks of %q, not of acct:%s", j.Subject, handle)
	}
	for _, l := range j.Links {
		if l.Rel != "self" {
			continue
		}
		if want := c.local.leadsTo(c.ids.Actor()); l.Href != want {
			return wrong("leads to %s, not to %s", l.Href, want)
		}
		if kind := a.kind(); kind != typeJRD && kind != "application/json" {
			return CheckItem{subject, CheckWarn, fmt.Sprintf("%s answers with the type %q; GoToSocial and Akkoma want %s", address, kind, typeJRD),
				"have that file served as " + typeJRD}
		}
		return CheckItem{subject, CheckOK, "@" + handle + " leads to " + l.Href, ""}
	}
	return wrong("names no actor")
}

// leadsTo is the actor that the handle has to lead to: the account's own, unless it has moved away with its handle.
func (l *local) leadsTo(own string) string {
	if l.moved.WebFinger {
		return l.moved.Target
	}
	return own
}

// hostMeta looks at the other way from the handle's host to ours: Akkoma takes a handle on another domain than the
// actor's only with it.
func (c *checker) hostMeta(ctx context.Context, host string) CheckItem {
	subject := "host-meta at " + host
	mend := fmt.Sprintf("have %s pass /.well-known/host-meta on to %s, too", host, c.cfg.BaseURL)
	address, a, err := c.ask(ctx, c.others(), host, "/.well-known/host-meta", "application/xrd+xml")
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("answers %s", showStatus(a.status))
	}
	template := c.cfg.BaseURL + "/.well-known/webfinger?resource="
	if err == nil && !bytes.Contains(a.body, []byte(template)) && !bytes.Contains(a.body, []byte(url.PathEscape(template))) {
		err = fmt.Errorf("does not name %s{uri}", template)
	}
	if err != nil {
		return CheckItem{subject, CheckWarn, fmt.Sprintf("%s %v; Akkoma will show the handle as @%s@%s",
			address, err, c.cfg.Account.Handle.User, c.cfg.BaseHost()), mend}
	}
	return CheckItem{subject, CheckOK, address, ""}
}
