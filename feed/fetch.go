package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"crier/store"
)

const (
	fetchTimeout   = 30 * time.Second // for the whole answer
	fetchRedirects = 5
	maxBody        = 10 << 20       // bytes, unpacked
	maxRetryAfter  = 24 * time.Hour // a longer one is taken for a mistake
	accept         = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, " +
		"application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)

// fetched is what came of asking for a feed.
type fetched struct {
	notModified  bool
	body         []byte
	contentType  string
	etag         string
	lastModified string
	hash         string        // of the body, but for when it was built
	maxAge       time.Duration // how long the answer says it is fresh
	links        []pageLink    // of the answer's Link headers
	url          string        // where the answer came from in the end; empty for a file
}

// source says where the document that was fetched for a feed came from.
func (f fetched) source(feedURL string) Source {
	src := Source{URL: feedURL, ContentType: f.contentType}
	src.Hub, src.Topic = webSubLinks(f.links, parsedBase(f.url))
	return src
}

// fetchError is a fetch that failed, in the owner's words.
type fetchError struct {
	text   string
	status int           // of the answer; 0 if that was not the trouble
	retry  time.Duration // how long the server asks us to stay away; 0 if it does not
	err    error         // the cause, if there is one
}

func (e *fetchError) Error() string { return e.text }
func (e *fetchError) Unwrap() error { return e.err }

// fetch gets a feed unless it is the same as at the last good poll.
func fetch(ctx context.Context, client *http.Client, cfg Config, rec store.Feed, userAgent string) (fetched, error) {
	var f fetched
	var err error
	if strings.HasPrefix(cfg.URL, "http://") || strings.HasPrefix(cfg.URL, "https://") {
		f, err = fetchHTTP(ctx, client, rec, userAgent)
	} else {
		f, err = fetchFile(cfg.URL, rec, time.Now())
	}
	if err != nil || f.notModified {
		return f, err
	}
	f.hash = bodyHash(f.body)
	f.notModified = f.hash == rec.BodyHash
	return f, nil
}

// bodyHash returns a hash of a feed that stays the same where only the date differs at which the feed was built: many
// a generator writes a new one every time, and a document with that alone in it need not be read again.
func bodyHash(body []byte) string {
	h := sha256.New()
	rest := body
	if first := firstEntry(body); first > 0 {
		h.Write(withoutBuildDate(body[:first]))
		rest = body[first:]
	}
	h.Write(rest)
	return hex.EncodeToString(h.Sum(nil))
}

// withoutBuildDate drops the elements that say when a feed was built. text stands outside of entries, so that they are
// the feed's own.
func withoutBuildDate(text []byte) []byte {
	return buildDate().ReplaceAll(text, nil)
}

func buildDate() *regexp.Regexp {
	return regexp.MustCompile(`<(?:lastBuildDate|pubDate|updated|modified|dc:date)>[^<>]{0,100}</(?:lastBuildDate|pubDate|updated|modified|dc:date)>`)
}

// firstEntry returns where the first item or entry of an XML feed begins, if that is not far from the start; else 0.
func firstEntry(body []byte) int {
	head := body[:min(len(body), 64<<10)]
	at := 0
	for _, name := range []string{"<item>", "<item ", "<entry>", "<entry "} {
		if i := bytes.Index(head, []byte(name)); i > 0 && (at == 0 || i < at) {
			at = i
		}
	}
	return at
}

func fetchHTTP(ctx context.Context, client *http.Client, rec store.Feed, userAgent string) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rec.URL, nil)
	if err != nil {
		return fetched{}, fmt.Errorf("the feed's address is not usable: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", accept)
	if rec.ETag != "" {
		req.Header.Set("If-None-Match", rec.ETag)
	}
	if rec.LastModified != "" {
		req.Header.Set("If-Modified-Since", rec.LastModified)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fetched{}, explain(err)
	}
	defer resp.Body.Close()
	f := fetched{
		etag:         resp.Header.Get("ETag"),
		lastModified: lastModified(resp.Header),
		contentType:  resp.Header.Get("Content-Type"),
		maxAge:       maxAge(resp.Header.Get("Cache-Control")),
	}
	at := req.URL
	if resp.Request != nil { // after redirects
		at = resp.Request.URL
	}
	f.url = at.String()
	f.links = headerLinks(resp.Header)
	switch {
	case resp.StatusCode == http.StatusNotModified && (rec.ETag != "" || rec.LastModified != ""):
		f.notModified = true
		return f, nil
	case resp.StatusCode != http.StatusOK:
		return fetched{}, statusError(resp, time.Now())
	}
	f.body, err = readBody(resp)
	return f, err
}

// lastModified returns the header of that name, unless the document may have changed once more within the
// second that it names: then the date tells the two apart no better than no date (RFC 9110 §8.8.2.2).
func lastModified(h http.Header) string {
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return h.Get("Last-Modified")
	}
	answered, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		answered = time.Now()
	}
	if answered.Sub(changed) < 2*time.Second {
		return ""
	}
	return h.Get("Last-Modified")
}

// readBody reads an answer up to the limit, which counts unpacked bytes: a small archive may hold gigabytes.
func readBody(resp *http.Response) ([]byte, error) {
	body, err := readLimited(resp.Body, resp.ContentLength)
	if err != nil {
		return nil, err
	}
	// The transport unpacks what it asked for; this is a feed.xml.gz, or a server that packs unasked.
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, &fetchError{text: "the feed came packed and cannot be unpacked: " + err.Error(), err: err}
		}
		return readLimited(z, 0)
	}
	return body, nil
}

// readLimited reads everything, up to the limit. size is how much it will probably be, 0 or less where nobody knows.
func readLimited(r io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(size, 0), maxBody)) + bytes.MinRead)
	_, err := b.ReadFrom(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, explain(err)
	}
	body := b.Bytes()
	if len(body) > maxBody {
		return nil, &fetchError{text: fmt.Sprintf("the feed is larger than %d MB; let it hold fewer entries", maxBody>>20)}
	}
	return body, nil
}

// explain says why an exchange failed, without the address, which stands beside it anyway.
func explain(err error) error {
	cause := err
	if u := (*url.Error)(nil); errors.As(err, &u) {
		cause = u.Err
	}
	text := "the feed cannot be fetched: " + cause.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("the feed did not arrive within %v", fetchTimeout)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		text = "the connection broke off in the middle of the feed"
	}
	return &fetchError{text: text, err: err}
}

// statusError says what a status other than 200 means for the owner.
func statusError(resp *http.Response, now time.Time) error {
	e := &fetchError{status: resp.StatusCode}
	switch code := resp.StatusCode; code {
	case http.StatusNotFound, http.StatusGone:
		e.text = fmt.Sprintf("there is no feed at this address (%d); posts stay as they are", code)
	case http.StatusUnauthorized, http.StatusForbidden:
		e.text = fmt.Sprintf("the server does not let crier read the feed (%d)", code)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.text = fmt.Sprintf("the server asks to be left alone for a while (%d)", code)
		e.retry = retryAfter(resp.Header.Get("Retry-After"), now)
	default:
		e.text = fmt.Sprintf("the server answers %d %s", code, http.StatusText(code))
	}
	return e
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3), at most a day.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if s, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		wait = time.Duration(min(max(s, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// maxAge reads max-age of a Cache-Control header (RFC 9111, 5.2.2.1); 0 where there is none.
func maxAge(value string) time.Duration {
	for part := range strings.SplitSeq(value, ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		if s, err := strconv.Atoi(strings.Trim(number, `"`)); err == nil && s > 0 {
			return time.Duration(min(s, 365*24*3600)) * time.Second
		}
	}
	return 0
}
