package federation

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// jrd is an answer of WebFinger (RFC 7033 §4.4), as far as it is needed here.
type jrd struct {
	Subject text `json:"subject"`
	Links   []struct {
		Rel  text `json:"rel"`
		Type text `json:"type"`
		Href text `json:"href"`
	} `json:"links"`
}

// actor is the id of the actor that a WebFinger answer names, or nothing.
func (j jrd) actor() string {
	for _, l := range j.Links {
		if l.Rel == "self" && isActivityType(string(l.Type)) {
			return string(l.Href)
		}
	}
	return ""
}

// Lookup finds what a handle ("user@host", "@user@host", "acct:user@host") or the address of an actor or
// object leads to, by signed requests and with the checks that the daemon makes. It returns the JSON as
// it was served and its id.
func (s *Server) Lookup(ctx context.Context, what string) (json.RawMessage, string, error) {
	what = strings.TrimSpace(what)
	if strings.HasPrefix(what, "https://") || strings.HasPrefix(what, "http://") {
		doc, err := s.asking.object(ctx, what, wantObject())
		return doc.Body, doc.URL, err
	}
	user, host, err := parseHandle(what)
	if err != nil {
		return nil, "", err
	}
	id, err := s.asking.finger(ctx, user, host)
	if err != nil {
		return nil, "", err
	}
	doc, err := s.asking.object(ctx, id, wantActor())
	if err != nil {
		return nil, "", err
	}
	if _, err := parseActor(doc.Body); err != nil {
		return nil, "", fmt.Errorf("fetch %s: %w", id, err)
	}
	if doc.URL != id {
		return nil, "", fmt.Errorf("%s names %s, which calls itself %s", what, id, clean(doc.URL, 200))
	}
	return doc.Body, doc.URL, nil
}

// parseHandle splits a handle; the host comes back as it stands in addresses.
func parseHandle(handle string) (user, host string, err error) {
	plain := strings.TrimPrefix(strings.TrimPrefix(handle, "acct:"), "@")
	user, host, ok := strings.Cut(plain, "@")
	if !ok || user == "" || host == "" || strings.ContainsAny(plain, "/?#% \t\r\n") || strings.Contains(host, "@") {
		return "", "", fmt.Errorf("%q is neither a handle (user@host) nor an address (https://…)", clean(handle, 200))
	}
	name, port, hasPort := strings.Cut(host, ":")
	if name, err = idna.Lookup.ToASCII(name); err != nil {
		return "", "", fmt.Errorf("the host of %q: %w", clean(handle, 200), err)
	}
	if hasPort {
		name += ":" + port
	}
	return user, name, nil
}

// finger returns the id of the actor behind a handle. Where the host calls the account by another handle,
// that one's own host has to agree, once: otherwise any host could hand out names of any other.
func (c *client) finger(ctx context.Context, user, host string) (string, error) {
	_, id, err := c.fingerConfirmed(ctx, user, host)
	return id, err
}

// fingerConfirmed is finger with the handle that was confirmed.
func (c *client) fingerConfirmed(ctx context.Context, user, host string) (handle, id string, err error) {
	asked := user + "@" + host
	j, err := c.fingerOnce(ctx, user, host)
	if err != nil {
		return "", "", err
	}
	if id = j.actor(); id == "" {
		return "", "", fmt.Errorf("webfinger %s: the answer has no link to an actor", asked)
	}
	if user, host, err = parseHandle(strings.TrimSpace(string(j.Subject))); err != nil {
		return "", "", fmt.Errorf("webfinger %s: the subject: %w", asked, err)
	}
	handle = user + "@" + host
	if strings.EqualFold(handle, asked) {
		return handle, id, nil
	}
	again, err := c.fingerOnce(ctx, user, host)
	if err != nil {
		return "", "", fmt.Errorf("webfinger %s: the answer says %s, whose host does not agree: %w", asked, clean(handle, 200), err)
	}
	user, host, err = parseHandle(strings.TrimSpace(string(again.Subject)))
	if err != nil || !strings.EqualFold(user+"@"+host, handle) || again.actor() != id {
		return "", "", fmt.Errorf("webfinger %s: the answer says %s, but that one's host does not agree", asked, clean(handle, 200))
	}
	return handle, id, nil
}

// Handle is the handle of the actor whose document that is, as its own host and that of the handle agree on it: the
// one that the document names (FEP-2c59), or preferredUsername at the host of the id, which may lead on to another.
// It must lead back to the very same id; otherwise anybody could go by anybody's name.
func (s *Server) Handle(ctx context.Context, document json.RawMessage) (string, error) {
	var v struct {
		envelope
		Username  text `json:"preferredUsername"`
		WebFinger text `json:"webfinger"`
	}
	if err := json.Unmarshal(document, &v); err != nil {
		return "", fmt.Errorf("read the actor: %w", err)
	}
	return s.asking.handleOf(ctx, v.id(), string(v.WebFinger), string(v.Username)+"@"+hostOf(v.id()))
}

// handleOf is the first of some names of an actor, or what that stands for, that leads back to its id.
func (c *client) handleOf(ctx context.Context, id string, names ...string) (string, error) {
	var failures []error
	for _, name := range names {
		if name == "" {
			continue
		}
		handle, err := c.confirm(ctx, name, id)
		if err == nil {
			return handle, nil
		}
		failures = append(failures, err)
	}
	return "", errors.Join(failures...)
}

// calledTime bounds how long it may take to find out how an actor is called, where that is not what was asked for.
const calledTime = 10 * time.Second

// called is the handle of an actor to show and to remember for something that the owner does: the one that Handle
// finds, or else another that needs no more proof.
func (s *Server) called(ctx context.Context, document json.RawMessage, otherwise string) string {
	ctx, cancel := context.WithTimeout(ctx, calledTime)
	defer cancel()
	handle, err := s.Handle(ctx, document)
	if err != nil {
		s.log.Debug("the handle of an actor is not confirmed", "instead", otherwise, "err", err)
		return otherwise
	}
	return clean(handle, 320)
}

// confirm returns the handle that a name stands for, if it leads to the actor with that id.
func (c *client) confirm(ctx context.Context, name, id string) (string, error) {
	user, host, err := parseHandle(name)
	if err != nil {
		return "", err
	}
	handle, leads, err := c.fingerConfirmed(ctx, user, host)
	if err != nil {
		return "", err
	}
	if leads != id {
		return "", fmt.Errorf("webfinger %s: it leads to %s, not to %s", name, clean(leads, 200), clean(id, 200))
	}
	return handle, nil
}

// fingerOnce asks a host for a name: at the usual address and, where nothing is known there, at the one that its
// host-meta names (RFC 6415; Mastodon and GoToSocial do the same).
func (c *client) fingerOnce(ctx context.Context, user, host string) (jrd, error) {
	schemes := []string{"https"}
	if c.allowHTTP {
		schemes = append(schemes, "http")
	}
	// Neither colon nor @ is escaped, as Mastodon asks: some static hosts compare the query literally.
	resource := "acct:" + url.PathEscape(user) + "@" + host
	var failures []error
	for _, scheme := range schemes {
		j, err := c.fingerAt(ctx, scheme+"://"+host+"/.well-known/webfinger?resource="+resource)
		if isMissing(err) {
			var template string
			if template, err = c.hostMeta(ctx, scheme+"://"+host+"/.well-known/host-meta"); err == nil {
				j, err = c.fingerAt(ctx, strings.ReplaceAll(template, "{uri}", resource))
			}
		}
		if err == nil {
			return j, nil
		}
		failures = append(failures, err)
	}
	return jrd{}, &fingerError{failures}
}

// fingerAt reads one answer. Its type does not count, as for Mastodon: static hosts know none for a file of that
// name, and nothing else is to be had at such an address.
func (c *client) fingerAt(ctx context.Context, address string) (j jrd, err error) {
	doc, err := c.get(ctx, address, wantJRD())
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(doc.Body, &j); err != nil {
		return j, fmt.Errorf("read %s: %w", address, err)
	}
	return j, nil
}

// isMissing reports whether a host has no WebFinger at the usual address: it says so, or has a page for everything.
func isMissing(err error) bool {
	var s *statusError
	if errors.As(err, &s) {
		return s.Status == http.StatusNotFound
	}
	return errors.Is(err, errForeign)
}

// hostMeta reads a host-meta document and returns the address of WebFinger in it, with {uri} for the resource.
func (c *client) hostMeta(ctx context.Context, address string) (string, error) {
	doc, err := c.get(ctx, address, wantXRD())
	if err != nil {
		return "", err
	}
	var v struct {
		Links []xrdLink `xml:"Link"`
	}
	if err := xml.Unmarshal(doc.Body, &v); err != nil {
		return "", fmt.Errorf("read %s: %w", address, err)
	}
	for _, l := range v.Links {
		if _, err := parseAddress(l.Template); l.Rel == "lrdd" && err == nil && strings.Contains(l.Template, "{uri}") {
			return l.Template, nil
		}
	}
	return "", fmt.Errorf("read %s: it names no address for webfinger", address)
}
