package fedtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxRedirects is what Mastodon follows on a GET.
const maxRedirects = 3

// RemoteActor is an actor of another server, as its document says.
type RemoteActor struct {
	ID, Type, PreferredUsername, Name, URL string
	Inbox, SharedInbox, Outbox, Followers  string
	KeyID, KeyPEM                          string
	Handle                                 string // user@host, confirmed by WebFinger; empty where not looked up
	Raw                                    map[string]any
}

// Fetched is an answer to a GET.
type Fetched struct {
	URL    string // the last address, after redirects
	Status int
	Header http.Header
	Body   []byte
}

// Get fetches with a signature of the instance actor and follows up to three redirects, each signed anew.
// Any status is an answer, not an error.
func (s *Server) Get(ctx context.Context, rawURL, accept string) (Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for range maxRedirects + 1 {
		f, err := s.getOnce(ctx, rawURL, accept)
		if err != nil {
			return f, fmt.Errorf("get %s: %w", rawURL, err)
		}
		location := f.Header.Get("Location")
		if f.Status < 300 || f.Status > 399 || location == "" {
			return f, nil
		}
		base, err := url.Parse(rawURL)
		if err != nil {
			return f, fmt.Errorf("get %s: %w", rawURL, err)
		}
		next, err := base.Parse(location)
		if err != nil {
			return f, fmt.Errorf("get %s: redirect to %q: %w", rawURL, location, err)
		}
		rawURL = next.String()
	}
	return Fetched{}, fmt.Errorf("get %s: more than %d redirects", rawURL, maxRedirects)
}

func (s *Server) getOnce(ctx context.Context, rawURL, accept string) (Fetched, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return Fetched{}, err
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("User-Agent", "fedtest (+"+s.base+")")
	me, err := s.local(instanceName)
	if err != nil {
		return Fetched{}, err
	}
	if err := s.signing(me, s.now()).Sign(r, nil); err != nil {
		return Fetched{}, err
	}
	f, err := s.do(r)
	f.URL = rawURL // as written: ids are compared byte for byte
	return f, err
}

func (s *Server) do(r *http.Request) (Fetched, error) {
	resp, err := s.client.Do(r)
	if err != nil {
		return Fetched{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return Fetched{}, err
	}
	if len(body) > maxBody {
		return Fetched{}, fmt.Errorf("answer is larger than %d bytes", maxBody)
	}
	return Fetched{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// GetObject fetches an ActivityStreams document and checks it as the strictest servers do: status 200, an
// ActivityPub media type, one JSON value, an id that equals the address it came from.
func (s *Server) GetObject(ctx context.Context, id string) (map[string]any, error) {
	return s.getObject(ctx, id)
}

func (s *Server) getObject(ctx context.Context, id string) (map[string]any, error) {
	if strings.Contains(id, "#") {
		return nil, fmt.Errorf("get %s: an id with a fragment cannot be fetched", id)
	}
	f, err := s.Get(ctx, id, typeActivity+", "+typeLD)
	if err != nil {
		return nil, err
	}
	doc, err := decodeObject(f)
	if err != nil {
		return nil, err
	}
	if got, _ := doc["id"].(string); got != f.URL {
		return nil, fmt.Errorf("get %s: the document has the id %q", f.URL, got)
	}
	if f.URL != id {
		return nil, fmt.Errorf("get %s: an id must answer by itself, not by a redirect to %s", id, f.URL)
	}
	return doc, nil
}

func decodeObject(f Fetched) (map[string]any, error) {
	if f.Status != http.StatusOK {
		return nil, &statusError{URL: f.URL, Status: f.Status, Body: excerpt(f.Body)}
	}
	if ct := f.Header.Get("Content-Type"); !isActivityType(ct) {
		return nil, fmt.Errorf("get %s: answer is of type %q, not an ActivityPub type", f.URL, ct)
	}
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(f.Body))
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("get %s: %w", f.URL, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("get %s: something follows the JSON value", f.URL)
	}
	return doc, nil
}

// isActivityType knows the three spellings that Lemmy takes, the strictest reader of all.
func isActivityType(ct string) bool {
	return ct == typeActivity || ct == typeActivity+"; charset=utf-8" || ct == typeLD
}

func excerpt(b []byte) string {
	return string(bytes.TrimSpace(b[:min(len(b), 200)]))
}

// FetchActor fetches an actor's document and checks what all servers need of it.
func (s *Server) FetchActor(ctx context.Context, id string) (RemoteActor, error) {
	doc, err := s.getObject(ctx, id)
	if err != nil {
		return RemoteActor{}, err
	}
	a, err := actorOf(doc)
	if err != nil {
		return a, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Handle = s.remotes[id].Handle
	s.remotes[id] = a
	return a, nil
}

// Remote returns what is known of an actor of another server, without asking there.
func (s *Server) Remote(id string) (RemoteActor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.remotes[id]
	return a, ok
}

// actorOf reads an actor and refuses what some server known would refuse.
func actorOf(doc map[string]any) (RemoteActor, error) {
	str := func(m map[string]any, key string) string { v, _ := m[key].(string); return v }
	key, _ := doc["publicKey"].(map[string]any)
	endpoints, _ := doc["endpoints"].(map[string]any)
	a := RemoteActor{
		ID: str(doc, "id"), Type: str(doc, "type"), PreferredUsername: str(doc, "preferredUsername"),
		Name: str(doc, "name"), URL: str(doc, "url"), Inbox: str(doc, "inbox"), Outbox: str(doc, "outbox"),
		Followers: str(doc, "followers"), SharedInbox: str(endpoints, "sharedInbox"),
		KeyID: str(key, "id"), KeyPEM: str(key, "publicKeyPem"), Raw: doc,
	}
	switch {
	case !slices.Contains([]string{"Person", "Service", "Application", "Group", "Organization"}, a.Type):
		return a, fmt.Errorf("%s is of type %q, not an actor", a.ID, a.Type)
	case a.PreferredUsername == "" || a.Inbox == "":
		return a, fmt.Errorf("actor %s lacks preferredUsername or inbox", a.ID)
	case key == nil:
		return a, fmt.Errorf("actor %s lacks publicKey, as one object", a.ID)
	case str(key, "owner") != a.ID:
		return a, fmt.Errorf("actor %s: the key's owner is %q", a.ID, str(key, "owner"))
	}
	for _, part := range []string{a.Inbox, a.KeyID, a.SharedInbox, a.Followers, a.Outbox, a.URL} {
		if part != "" && !sameHost(part, a.ID) {
			return a, fmt.Errorf("actor %s: %s lies on another host", a.ID, part)
		}
	}
	return a, nil
}

// SendOptions change a request that Send makes, for the tests of refusals. Fields, Date and Host are signed
// as they stand: the signature is right, what it says is not. Alter and AlterBody come after signing.
type SendOptions struct {
	Activity    map[string]any
	Body        []byte    // instead of the activity's JSON
	ContentType string    // instead of application/activity+json
	Unsigned    bool      // no Signature
	KeyID       string    // instead of the actor's
	Fields      []string  // what the signature covers, instead of all
	Date        time.Time // instead of now
	Host        string    // instead of the inbox's
	Alter       func(*http.Request)
	AlterBody   func([]byte) []byte
}

// Send posts any activity to an inbox, signed by the local actor, and returns status and body of the
// answer. It is not queued and not repeated.
func (s *Server) Send(ctx context.Context, user, inbox string, activity map[string]any) (int, string, error) {
	return s.SendWith(ctx, user, inbox, SendOptions{Activity: activity})
}

// SendWith is Send with changes.
func (s *Server) SendWith(ctx context.Context, user, inbox string, o SendOptions) (int, string, error) {
	me, err := s.local(user)
	if err != nil {
		return 0, "", err
	}
	if o.Body == nil {
		if o.Body, err = json.Marshal(o.Activity); err != nil {
			return 0, "", fmt.Errorf("encode activity: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := s.postRequest(ctx, me, inbox, o)
	if err != nil {
		return 0, "", fmt.Errorf("post to %s: %w", inbox, err)
	}
	f, err := s.do(r)
	if err != nil {
		return 0, "", fmt.Errorf("post to %s: %w", inbox, err)
	}
	return f.Status, string(f.Body), nil
}

func (s *Server) postRequest(ctx context.Context, me Actor, inbox string, o SendOptions) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", typeActivity)
	if o.ContentType != "" {
		r.Header.Set("Content-Type", o.ContentType)
	}
	r.Header.Set("User-Agent", "fedtest (+"+s.base+")")
	r.Host = o.Host // empty: that of the address
	sign := s.signing(me, o.Date)
	sign.Fields = o.Fields
	if o.KeyID != "" {
		sign.KeyID = o.KeyID
	}
	if sign.Now.IsZero() {
		sign.Now = s.now()
	}
	if !o.Unsigned {
		if err := sign.Sign(r, o.Body); err != nil {
			return nil, err
		}
	}
	body := o.Body
	if o.AlterBody != nil {
		body = o.AlterBody(body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if o.Alter != nil {
		o.Alter(r)
	}
	return r, nil
}
