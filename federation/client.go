package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxDocument    = 1 << 20          // bytes of a fetched document; Mastodon's own bound
	maxSnippet     = 1 << 10          // bytes of an inbox's answer that are kept
	maxRedirects   = 3                // as Mastodon follows
	getTimeout     = 10 * time.Second // for one document with all its redirects
	attemptTimeout = 15 * time.Second // slow receivers fetch our key before they answer
	maxWait        = 24 * time.Hour   // longest Retry-After that is believed
)

// errSelf says that a request would have gone to ourselves.
var errSelf = errors.New("the address is our own")

// errForeign says that a document or a key is not whose it claims to be. Asking again changes nothing.
var errForeign = errors.New("it is not what it claims to be")

// statusError is an answer other than the one hoped for.
type statusError struct {
	URL    string
	Status int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

// isGone reports whether an error is an answer that says that there is no such thing (any more).
func isGone(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.Status == http.StatusNotFound || s.Status == http.StatusGone)
}

// isFinal reports whether an error is one that asking again would not change: an answer that says so, a
// document that is not what it should be, or an address that must not be contacted.
func isFinal(err error) bool {
	var refused interface{ Permanent() bool } // of the guarded transport
	if errors.Is(err, errForeign) || errors.Is(err, errSelf) || errors.As(err, &refused) && refused.Permanent() {
		return true
	}
	var s *statusError
	return errors.As(err, &s) && s.Status >= 400 && s.Status < 500 &&
		s.Status != http.StatusRequestTimeout && s.Status != http.StatusTooManyRequests
}

// client makes all outbound requests of the package: signed, bounded in time and size, never to ourselves.
// It is safe for concurrent use.
type client struct {
	self      string // our own host, as hostOf has it
	signer    signer
	knocks    *knocker
	http      *http.Client
	agent     string
	allowHTTP bool
	toSelf    bool // requests to ourselves are no mistake

	sync func(inbox string, body []byte) string // the header of that name for a delivery; nil, or empty: none
}

func newClient(ids IDs, c Config) *client {
	return &client{
		self:      hostOf(ids.Base()),
		signer:    signer{id: ids.Key(), key: c.Key},
		knocks:    newKnocker(c.Store, c.Log),
		agent:     "crier/" + c.Version + " (+" + ids.Base() + ")",
		allowHTTP: c.AllowHTTP,
		http: &http.Client{
			Transport: c.Transport,
			// A followed redirect would carry the signature of another address, and a POST might become a GET.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// answer is what an inbox said to a delivery.
type answer struct {
	Status     int
	RetryAfter time.Duration // as asked for, at most a day; 0 where nothing was asked for
	Snippet    string        // the beginning of the body, on one line
	Unsure     bool          // it is a 400 that may be for how the request was signed, as it was not given to both ways
}

// post delivers an activity to an inbox: one signed attempt (see knock), no redirects. An error means that
// there was no answer; errSelf that none was sought.
func (c *client) post(ctx context.Context, inbox string, body []byte) (answer, error) {
	u, err := c.check(inbox)
	if err != nil {
		return answer{}, err
	}
	if body == nil {
		body = []byte{} // has a digest as well
	}
	var said []int
	a, err := knock(c.knocks, lookedUp(u), func(by scheme) (answer, int, error) {
		a, err := c.postOnce(ctx, u.String(), body, by)
		said = append(said, a.Status)
		return a, a.Status, err
	})
	bothWays := len(said) == 2 && said[1] == http.StatusBadRequest
	a.Unsure = a.Status == http.StatusBadRequest && !bothWays
	return a, err
}

// postOnce makes one request.
func (c *client) postOnce(ctx context.Context, inbox string, body []byte, by scheme) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("deliver to %s: %w", inbox, err)
	}
	r.Header.Set("Content-Type", typeActivity)
	r.Header.Set("User-Agent", c.agent)
	if c.sync != nil {
		if told := c.sync(inbox, body); told != "" {
			r.Header.Set(headerSync, told)
		}
	}
	now := time.Now()
	if err := c.signer.signBy(by, r, body, now); err != nil {
		return answer{}, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("deliver to %s: %w", inbox, err)
	}
	defer resp.Body.Close()
	// What cannot be read of the body is no failure: the status has come.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxSnippet))
	return answer{
		Status:     resp.StatusCode,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now),
		Snippet:    clean(string(text), maxSnippet),
	}, nil
}

// retryAfter reads the header of that name (RFC 9110 §10.2.3), as seconds or date.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxWait)
}

// check returns the address as a URL that may be contacted. The transport still has its own word.
func (c *client) check(address string) (*url.URL, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !c.allowHTTP {
		return nil, fmt.Errorf("contact %s: only https is allowed (see network.allow_http)", address)
	}
	if !c.toSelf && lookedUp(u) == c.self {
		return nil, fmt.Errorf("contact %s: %w", address, errSelf)
	}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = escapeQuery(u.RawQuery)
	return u, nil
}

// escapeQuery escapes what is not ASCII in a query. The URL type leaves it as it is, and Node.js answers such
// a request with 400 (RFC 3986 §2.1).
func escapeQuery(query string) string {
	var b strings.Builder
	for _, c := range []byte(query) {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// wanted says what a fetched document has to be.
type wanted struct {
	accept   string
	is       func(contentType string) bool
	sameHost bool // as the address asked for, through all redirects
	anyBody  bool // not JSON, so whoever asked looks at the body
	fresh    bool // past all caches on the way
}

// wantObject is a document of ActivityPub, wantActor one that must not come from another host, and
// wantJRD an answer of WebFinger (RFC 7033).
func wantObject() wanted { return wanted{accept: typeLD + ", " + typeActivity, is: isActivityType} }
func wantActor() wanted {
	w := wantObject()
	w.sameHost = true
	return w
}
func wantJRD() wanted {
	return wanted{accept: typeJRD + ", application/json", is: func(string) bool { return true }}
}

// wantXRD is a host-meta document (RFC 6415), in the types that GoToSocial takes.
func wantXRD() wanted {
	return wanted{accept: typeXRD + ", application/xml, text/xml", is: isXMLType, anyBody: true}
}

// fetched is a document from elsewhere: one JSON value, and the address it came from in the end.
type fetched struct {
	URL  string
	Body json.RawMessage
}

// get fetches a document with signed requests. A status other than 200 is a *statusError.
func (c *client) get(ctx context.Context, address string, want wanted) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	at := withoutFragment(address)
	for range maxRedirects + 1 {
		doc, next, err := c.getSigned(ctx, at, want)
		if err != nil {
			return fetched{}, &fetchError{address, err}
		}
		if next == "" {
			return doc, nil
		}
		if want.sameHost && !sameHost(next, address) {
			return fetched{}, fmt.Errorf("fetch %s: %w: it redirects to another host (%s)", address, errForeign, next)
		}
		at = next
	}
	return fetched{}, fmt.Errorf("fetch %s: %w: more than %d redirects", address, errForeign, maxRedirects)
}

// getSigned fetches from one address, as knock does; next is where it was redirected to.
func (c *client) getSigned(ctx context.Context, at string, want wanted) (doc fetched, next string, err error) {
	next, err = knock(c.knocks, hostOf(at), func(by scheme) (to string, status int, err error) {
		doc, to, err = c.getOnce(ctx, at, want, by)
		return to, statusOf(err), err
	})
	return doc, next, err
}

// statusOf is the status of an answer that was an error, or 200.
func statusOf(err error) int {
	var s *statusError
	switch {
	case errors.As(err, &s):
		return s.Status
	case err == nil || errors.Is(err, errForeign):
		return http.StatusOK
	}
	return 0
}

// getOnce makes one request; next is where it was redirected to.
func (c *client) getOnce(ctx context.Context, at string, want wanted, by scheme) (doc fetched, next string, err error) {
	u, err := c.check(at)
	if err != nil {
		return fetched{}, "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fetched{}, "", err
	}
	r.Header.Set("Accept", want.accept)
	if want.fresh {
		r.Header.Set("Cache-Control", "no-cache")
	}
	r.Header.Set("User-Agent", c.agent) // GoToSocial answers 418 to a request without one
	if err := c.signer.signBy(by, r, nil, time.Now()); err != nil {
		return fetched{}, "", err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return fetched{}, "", err
	}
	defer resp.Body.Close()
	if next, err := redirected(resp, u); next != "" || err != nil {
		return fetched{}, next, err
	}
	if resp.StatusCode != http.StatusOK {
		return fetched{}, "", &statusError{URL: at, Status: resp.StatusCode}
	}
	if kind := resp.Header.Get("Content-Type"); !want.is(kind) {
		return fetched{}, "", fmt.Errorf("%w: %s answered with the type %q", errForeign, at, clean(kind, 80))
	}
	body, err := readCapped(resp.Body, maxDocument)
	if err != nil {
		return fetched{}, "", fmt.Errorf("read %s: %w", at, err)
	}
	if want.anyBody {
		return fetched{URL: at, Body: body}, "", nil
	}
	if err := checkJSON(body); err != nil {
		return fetched{}, "", fmt.Errorf("read %s: %w: %w", at, errForeign, err)
	}
	return fetched{URL: at, Body: body}, "", nil
}

// redirected returns where an answer sends us, or nothing where it is no redirect.
func redirected(resp *http.Response, from *url.URL) (string, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return "", nil
	}
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return "", fmt.Errorf("%s redirects to nowhere", from)
	}
	to.Fragment, to.RawFragment = "", ""
	return to.String(), nil
}

// object fetches the thing with that id, or the thing that an address leads to, and makes sure that it
// comes from where its id says: its id is the final address, or on the same host and, fetched again,
// the address of the answer. It returns the JSON and the id.
func (c *client) object(ctx context.Context, address string, want wanted) (fetched, error) {
	doc, err := c.get(ctx, address, want)
	if err != nil {
		return fetched{}, err
	}
	id := idOf(doc.Body)
	if sameAddress(id, doc.URL) {
		return fetched{URL: id, Body: doc.Body}, nil
	}
	if !sameHost(id, doc.URL) {
		return fetched{}, fmt.Errorf("fetch %s: %w: its id %q is on another host", address, errForeign, clean(id, 200))
	}
	doc, err = c.get(ctx, id, want)
	if err != nil {
		return fetched{}, err
	}
	if idOf(doc.Body) != id || !sameAddress(id, doc.URL) {
		return fetched{}, fmt.Errorf("fetch %s: %w: its id %q leads elsewhere", address, errForeign, clean(id, 200))
	}
	return fetched{URL: id, Body: doc.Body}, nil
}

// readCapped reads all of r, or fails where it is longer than limit bytes.
func readCapped(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: longer than %d bytes", errForeign, limit)
	}
	return b, nil
}

// isActivityType reports whether a Content-Type is ActivityPub's (ActivityPub §3.2). Without the profile,
// ld+json is not: it may be anything, and an upload on somebody's media host could pose as an actor.
func isActivityType(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if kind == typeActivity {
		return true
	}
	return kind == "application/ld+json" &&
		refs(strings.Fields(params["profile"])).Has("https://www.w3.org/ns/activitystreams")
}

func isXMLType(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == typeXRD || kind == "application/xml" || kind == "text/xml")
}
