package extras

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

const blog = "https://blog.example/feed.xml"

// answer is what a server of the test sends.
type answer struct {
	status int // 0: 200
	header http.Header
	body   []byte
	wait   time.Duration                   // before the header
	stream func(context.Context) io.Reader // in place of body; no length is told
}

func htmlPage(s string) answer {
	return answer{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: []byte(s)}
}

func rawAnswer(b []byte) answer { return answer{body: b} }

// web is a network within the process, for bubbles of synctest.
type web struct {
	mu      sync.Mutex
	answers map[string]answer // by address
	asked   []string          // addresses, in order
	running int
	most    int // requests that ran at the same time
	read    int // bytes of bodies that were read
	last    http.Header
}

func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked = append(w.asked, req.URL.String())
	w.last = req.Header
	w.running++
	w.most = max(w.most, w.running)
	a, ok := w.answers[req.URL.String()]
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.running--
		w.mu.Unlock()
	}()
	if a.wait > 0 {
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-time.After(a.wait):
		}
	}
	if !ok {
		a.status = http.StatusNotFound
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	resp := &http.Response{StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header, Request: req, ContentLength: int64(len(a.body))}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	var body io.Reader = bytes.NewReader(a.body)
	if a.stream != nil {
		resp.ContentLength, body = -1, a.stream(req.Context())
	}
	resp.Body = &counted{w: w, ctx: req.Context(), r: body}
	return resp, nil
}

// counted is a body that ends with its request.
type counted struct {
	w   *web
	ctx context.Context
	r   io.Reader
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.w.mu.Lock()
	c.w.read += n
	c.w.mu.Unlock()
	return n, err
}

func (c *counted) Close() error { return nil }

func (w *web) times(address string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asked {
		if a == address {
			n++
		}
	}
	return n
}

// endlessly repeats a byte after what it begins with, a portion for each pause.
func endlessly(start []byte, portion int, pause time.Duration) func(context.Context) io.Reader {
	return func(ctx context.Context) io.Reader {
		return io.MultiReader(bytes.NewReader(start), &dripping{ctx: ctx, portion: portion, pause: pause})
	}
}

type dripping struct {
	ctx     context.Context
	portion int
	pause   time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	if d.pause > 0 {
		select {
		case <-d.ctx.Done():
			return 0, d.ctx.Err()
		case <-time.After(d.pause):
		}
	}
	n := min(d.portion, len(p))
	clear(p[:n])
	return n, nil
}

// world is a worker with a store and a web of its own.
type world struct {
	t       testing.TB
	web     *web
	db      *store.DB
	w       *Worker
	log     *bytes.Buffer // Info and above
	told    chan struct{}
	version map[string]uint64
}

func newWorld(t testing.TB, options content.Options) *world {
	t.Helper()
	wd := &world{t: t, web: &web{answers: map[string]answer{}}, log: &bytes.Buffer{}, told: make(chan struct{}, 1000), version: map[string]uint64{}}
	db, err := store.Open(filepath.Join(t.TempDir(), "crier.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wd.db = db
	t.Cleanup(func() { _ = db.Close() })
	wd.w = New(Config{
		Store: db, Log: slog.New(slog.NewTextHandler(wd.log, nil)), Transport: wd.web, UserAgent: "crier/test",
		Styles: map[string]content.Style{blog: {Options: options}}, Notify: func() { wd.told <- struct{}{} },
	})
	return wd
}

// put stores an entry as a poll does: due at once, unless change says otherwise.
func (wd *world) put(key string, e content.Entry, change func(*store.Entry)) {
	wd.t.Helper()
	fields, err := json.Marshal(e)
	if err != nil {
		wd.t.Fatal(err)
	}
	now := time.Now()
	s := store.Entry{
		Key: key, Version: wd.version[key], Feed: blog, URL: e.URL, HasPage: true, FieldsHash: fmt.Sprintf("%x", fields),
		Date: now, Seen: now, State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: now, Deliver: true,
	}
	if change != nil {
		change(&s)
	}
	if err := wd.db.RecordPoll(store.Poll{Feed: store.Feed{URL: blog, LastPoll: now}, Put: []store.EntryPut{{Entry: s, Fields: fields}}}); err != nil {
		wd.t.Fatal(err)
	}
	wd.version[key]++
}

// run runs the worker until the function that it returns is called.
func (wd *world) run() (stop func()) {
	wd.t.Helper()
	ctx, cancel := context.WithCancel(wd.t.Context())
	done := make(chan error)
	go func() { done <- wd.w.Run(ctx) }()
	return func() {
		wd.t.Helper()
		cancel()
		if err := <-done; err != nil {
			wd.t.Error(err)
		}
	}
}

// learnt returns the record of an entry; false says that there is none.
func (wd *world) learnt(key string) (x content.Extras, ok bool) {
	wd.t.Helper()
	raw, err := wd.db.Extras(key)
	if err != nil {
		return x, false
	}
	if err := json.Unmarshal(raw, &x); err != nil {
		wd.t.Fatal(err)
	}
	return x, true
}

func inText(addresses ...string) content.Entry {
	e := content.Entry{URL: "https://blog.example/post", Title: "A post", Language: "en", Content: "<p>Some text.</p>"}
	for _, a := range addresses {
		e.Content += `<p><img src="` + a + `" alt="A picture"></p>`
	}
	return e
}

func full() content.Options { return content.Options{Mode: content.ModeFull} }

func picturesOf(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("https://pics.example/%d.png", i))
	}
	return list
}

func logged(log, text string) int { return strings.Count(log, text) }
