package extras

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crier/content"
)

const (
	maxPage    = 512 << 10 // bytes that are read of a page
	headBytes  = 1 << 20   // of a picture that are read before it is judged
	maxPicture = 16 << 20  // Mastodon (4.3, IMAGE_LIMIT) refuses larger ones
	maxHashed  = 8 << 20   // larger ones get no blurhash, since they would have to be kept in memory
)

var errResting = errors.New("the host has not answered lately and is left alone for a while")

// get asks for an address. Status and body are the caller's to judge.
func (w *Worker) get(ctx context.Context, client *http.Client, address, accept string) (*http.Response, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if w.hosts.resting(u.Host, start) {
		return nil, errResting
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", w.cfg.UserAgent)
	req.Header.Set("Accept", accept)
	resp, err := client.Do(req)
	if refused(err) { // which says nothing of the host
		return nil, err
	}
	if err != nil {
		w.hosts.count(u.Host, true, start, time.Now())
		return nil, err
	}
	resp.Body = &watched{ReadCloser: resp.Body, over: func(failed bool) { w.hosts.count(u.Host, failed, start, time.Now()) }}
	return resp, nil
}

// refused reports whether a request was not made because its address is none that any other server could reach: one
// of a private network, or of this crier itself.
func refused(err error) bool {
	var guarded interface{ OthersToo() bool } // of the guarded transport
	return errors.As(err, &guarded) && guarded.OthersToo()
}

// watched is a body that tells how reading it went.
type watched struct {
	io.ReadCloser
	failed bool
	over   func(failed bool)
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.failed = b.failed || err != nil && err != io.EOF
	return n, err
}

func (b *watched) Close() error {
	b.over(b.failed)
	return b.ReadCloser.Close()
}

// page reads what a page says of itself; false says that it could not be read.
func (w *Worker) page(ctx context.Context, client *http.Client, address string) (page, bool) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	resp, err := w.get(ctx, client, address, "text/html, application/xhtml+xml;q=0.9")
	if err != nil {
		w.log.Debug("page cannot be fetched", "page", address, "err", err)
		return page{}, false
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "text/html" && kind != "application/xhtml+xml" {
		w.log.Debug("page is not one", "page", address, "status", resp.StatusCode, "type", kind)
		return page{}, false
	}
	p := readPage(io.LimitReader(resp.Body, maxPage), resp.Header.Get("Content-Type"), resp.Request.URL)
	if p.Language == "" {
		p.Language = languageTag(strings.Join(resp.Header.Values("Content-Language"), ","))
	}
	return p, ctx.Err() == nil || p != (page{})
}

// picture learns what a picture is; nil says that nothing was learnt of it. One that is not there is asked for
// twice: a feed is often put up before the pictures, and a hook or hub brings us within the same second.
func (w *Worker) picture(ctx context.Context, client *http.Client, address string) *content.Picture {
	ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	p, missing := w.ask(ctx, client, address)
	if !missing {
		return p
	}
	select {
	case <-ctx.Done():
		return p
	case <-time.After(again):
	}
	if later, _ := w.ask(ctx, client, address); later != nil {
		return later
	}
	return p
}

// ask asks for a picture; missing says that the server has none for us.
func (w *Worker) ask(ctx context.Context, client *http.Client, address string) (p *content.Picture, missing bool) {
	if w.cfg.Media != "" && strings.HasPrefix(address, w.cfg.Media) {
		return nil, false // it is there, but we do not ask ourselves
	}
	resp, err := w.get(ctx, client, address, "image/*")
	if refused(err) {
		w.log.Debug("picture is where nobody can fetch it", "picture", address, "err", err)
		return &content.Picture{Unfit: true}, false
	}
	if err != nil {
		w.log.Debug("picture cannot be fetched", "picture", address, "err", err)
		return nil, false
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		w.log.Debug("picture is not there", "picture", address, "status", resp.StatusCode)
		return &content.Picture{Unfit: true}, true
	default:
		w.log.Debug("picture cannot be fetched", "picture", address, "status", resp.StatusCode)
		return nil, false
	}
	if resp.ContentLength > maxPicture {
		w.log.Debug("picture is too large", "picture", address, "bytes", resp.ContentLength)
		return &content.Picture{Unfit: true}, false
	}
	p = w.readPicture(ctx, resp)
	if p != nil && p.Unfit {
		w.log.Debug("picture is unfit", "picture", address, "type", p.Type, "width", p.Width, "height", p.Height)
	}
	return p, false
}

// readPicture judges an answer by as much of its body as that takes.
func (w *Worker) readPicture(ctx context.Context, resp *http.Response) *content.Picture {
	var buf bytes.Buffer
	broken := fill(&buf, resp, headBytes)
	if broken && buf.Len() < enough {
		return nil
	}
	f := probe(buf.Bytes())
	p := &content.Picture{Type: f.kind, Width: f.width, Height: f.height}
	switch {
	case f.unfit():
		p.Unfit = true
	case broken: // a slow or broken answer, but what it is was seen
	case buf.Len() < headBytes:
		p.Blurhash = w.blurhash(ctx, buf.Bytes(), f)
	case f.cost == 0 || resp.ContentLength > maxHashed:
		p.Unfit = endless(resp, int64(buf.Len()))
	default:
		w.readLarge(ctx, resp, &buf, p, f)
	}
	return p
}

// readLarge reads a picture of which only the head was read, up to the size of those that get a blurhash.
func (w *Worker) readLarge(ctx context.Context, resp *http.Response, buf *bytes.Buffer, p *content.Picture, f found) {
	select {
	case <-ctx.Done():
		return
	case w.large <- struct{}{}:
	}
	defer func() { <-w.large }()
	broken := fill(buf, resp, maxHashed+1)
	switch {
	case broken:
	case buf.Len() > maxHashed:
		p.Unfit = endless(resp, int64(buf.Len()))
	default:
		p.Blurhash = w.blurhash(ctx, buf.Bytes(), f)
	}
}

// fill reads on until there are limit bytes; true says that the answer broke off before. The buffer grows once,
// to what is told or else to the limit, except for the head of a picture of unknown length, which is often short.
func fill(buf *bytes.Buffer, resp *http.Response, limit int) (broken bool) {
	want := limit
	if resp.ContentLength >= 0 {
		want = int(min(resp.ContentLength, int64(limit)))
	}
	if more := want - buf.Len(); more > 0 && (resp.ContentLength >= 0 || buf.Len() > 0) {
		buf.Grow(more + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, int64(limit-buf.Len())))
	return err != nil
}

// endless tells whether a picture of which read bytes are known is larger than any server takes.
func endless(resp *http.Response, read int64) bool {
	if resp.ContentLength >= 0 {
		return resp.ContentLength > maxPicture
	}
	more, _ := io.CopyN(io.Discard, resp.Body, maxPicture-read+1)
	return read+more > maxPicture
}
