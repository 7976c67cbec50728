package fedtest

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Lookup resolves "user@host" to an actor the way Mastodon 4.5 does (ResolveAccountService, then
// FetchRemoteActorService): the handle is asked for, its subject confirmed where it is another, the actor
// fetched, and then preferredUsername@host-of-id asked for in turn, which must lead back to the very same
// id, byte for byte. The handle of the result is the subject that came last, which may be another than the
// one asked for: a name may point to an actor that lives elsewhere under a name of its own.
func (s *Server) Lookup(ctx context.Context, handle string) (RemoteActor, error) {
	user, host, ok := splitHandle(handle)
	if !ok {
		return RemoteActor{}, fmt.Errorf("look up %q: not a handle, want user@host", handle)
	}
	_, self, err := s.confirm(ctx, user+"@"+host)
	if err != nil {
		return RemoteActor{}, fmt.Errorf("look up %s: %w", handle, err)
	}
	a, err := s.FetchActor(ctx, self)
	if err != nil {
		return RemoteActor{}, fmt.Errorf("look up %s: %w", handle, err)
	}
	id, err := url.Parse(a.ID)
	if err != nil {
		return RemoteActor{}, fmt.Errorf("look up %s: actor id: %w", handle, err)
	}
	back, self, err := s.confirm(ctx, a.PreferredUsername+"@"+id.Host)
	if err != nil {
		return RemoteActor{}, fmt.Errorf("look up %s: on the way back from %s: %w", handle, a.ID, err)
	}
	if self != a.ID {
		return RemoteActor{}, fmt.Errorf("look up %s: WebFinger of %s leads to %s, not to the actor's id %s", handle, back, self, a.ID)
	}
	a.Handle = back
	s.mu.Lock()
	s.remotes[a.ID] = a
	s.mu.Unlock()
	return a, nil
}

// confirm asks for a handle and, where the answer's subject is another, asks for that one, which must then
// confirm itself; there is no second detour.
func (s *Server) confirm(ctx context.Context, handle string) (subject, self string, err error) {
	subject, self, err = s.finger(ctx, handle)
	if err != nil || strings.EqualFold(subject, handle) {
		return subject, self, err
	}
	again, self, err := s.finger(ctx, subject)
	if err != nil {
		return "", "", err
	}
	if !strings.EqualFold(again, subject) {
		return "", "", fmt.Errorf("webfinger: %s says it is %s, which says it is %s", handle, subject, again)
	}
	return again, self, nil
}

type jrd struct {
	Subject string `json:"subject"`
	Links   []struct{ Rel, Type, Href string }
}

// finger is one WebFinger query (RFC 7033), with host-meta as the way out after a 404.
func (s *Server) finger(ctx context.Context, handle string) (subject, self string, err error) {
	_, host, ok := splitHandle(handle)
	if !ok {
		return "", "", fmt.Errorf("webfinger: %q is not a handle", handle)
	}
	at := s.scheme + "://" + host + "/.well-known/webfinger?resource=acct:" + handle
	f, err := s.Get(ctx, at, "application/jrd+json, application/json")
	if err == nil && f.Status == http.StatusNotFound {
		if at, err = s.hostMeta(ctx, host, handle); err == nil {
			f, err = s.Get(ctx, at, "application/jrd+json, application/json")
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("webfinger: %w", err)
	}
	if f.Status != http.StatusOK {
		return "", "", fmt.Errorf("webfinger: %w", &statusError{URL: at, Status: f.Status})
	}
	var doc jrd
	if err := json.Unmarshal(f.Body, &doc); err != nil {
		return "", "", fmt.Errorf("webfinger: %s: %w", at, err)
	}
	subject, ok = strings.CutPrefix(doc.Subject, "acct:")
	if _, _, isHandle := splitHandle(subject); !ok || !isHandle {
		return "", "", fmt.Errorf("webfinger: %s: subject %q is no acct: address", at, doc.Subject)
	}
	for _, l := range doc.Links {
		if l.Rel == "self" && (l.Type == typeActivity || l.Type == typeLD) {
			return subject, l.Href, nil
		}
	}
	return "", "", fmt.Errorf("webfinger: %s: no link with rel self and an ActivityPub type", at)
}

// hostMeta finds the WebFinger address in host-meta (RFC 6415).
func (s *Server) hostMeta(ctx context.Context, host, handle string) (string, error) {
	f, err := s.Get(ctx, s.scheme+"://"+host+"/.well-known/host-meta", "application/xrd+xml, application/xml, text/xml")
	if err != nil {
		return "", err
	}
	if f.Status != http.StatusOK {
		return "", &statusError{URL: f.URL, Status: f.Status}
	}
	var doc struct {
		Link []struct {
			Rel      string `xml:"rel,attr"`
			Template string `xml:"template,attr"`
		}
	}
	if err := xml.Unmarshal(f.Body, &doc); err != nil {
		return "", fmt.Errorf("host-meta of %s: %w", host, err)
	}
	for _, l := range doc.Link {
		if l.Rel == "lrdd" && strings.Contains(l.Template, "{uri}") {
			return strings.Replace(l.Template, "{uri}", "acct:"+handle, 1), nil
		}
	}
	return "", errors.New("host-meta of " + host + " has no lrdd template")
}
