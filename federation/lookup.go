package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

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
	asked := user + "@" + host
	j, err := c.fingerOnce(ctx, user, host)
	if err != nil {
		return "", err
	}
	id := j.actor()
	if id == "" {
		return "", fmt.Errorf("webfinger %s: the answer has no link to an actor", asked)
	}
	subject := strings.TrimPrefix(string(j.Subject), "acct:")
	if strings.EqualFold(subject, asked) {
		return id, nil
	}
	user, host, err = parseHandle(subject)
	if err != nil {
		return "", fmt.Errorf("webfinger %s: the subject: %w", asked, err)
	}
	again, err := c.fingerOnce(ctx, user, host)
	if err != nil {
		return "", err
	}
	confirmed := strings.TrimPrefix(string(again.Subject), "acct:")
	if !strings.EqualFold(confirmed, user+"@"+host) || again.actor() != id {
		return "", fmt.Errorf("webfinger %s: the answer says %s, but %s does not agree", asked, user+"@"+host, host)
	}
	return id, nil
}

func (c *client) fingerOnce(ctx context.Context, user, host string) (jrd, error) {
	schemes := []string{"https"}
	if c.allowHTTP {
		schemes = append(schemes, "http")
	}
	var failures []error
	for _, scheme := range schemes {
		// Neither colon nor @ is escaped, as Mastodon asks: some static hosts compare the query literally.
		query := "resource=acct:" + url.PathEscape(user) + "@" + host
		address := scheme + "://" + host + "/.well-known/webfinger?" + query
		doc, err := c.get(ctx, address, wantJRD())
		if err != nil {
			failures = append(failures, err)
			continue
		}
		var j jrd
		if err := json.Unmarshal(doc.Body, &j); err != nil {
			return jrd{}, fmt.Errorf("webfinger %s@%s: %w", user, host, err)
		}
		return j, nil
	}
	return jrd{}, errors.Join(failures...)
}
