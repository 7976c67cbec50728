package fedtest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// Network joins handlers in one process: an http.RoundTripper that gives each request to the handler of
// its host. There are no sockets, so it works inside a testing/synctest bubble. The zero network is ready.
type Network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
}

// Handle lets h answer for host ("social.example", "social.example:8080"); nil takes the host off the net.
func (n *Network) Handle(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]http.Handler{}
	}
	n.hosts[strings.ToLower(host)] = h
	if h == nil {
		delete(n.hosts, strings.ToLower(host))
	}
}

// RoundTrip runs the handler of the request's host and returns its whole answer. Where the request's
// context ends first, it returns that context's error itself: http.Client takes its own timeout from it.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	h := n.hosts[hostKey(r)]
	n.mu.Unlock()
	if h == nil {
		closeBody(r)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("no host %s on this network", r.URL.Host)}
	}
	in, err := serverRequest(r)
	if err != nil {
		return nil, err
	}
	rec := &recorder{header: http.Header{}}
	done := make(chan error, 1)
	go func() { done <- rec.run(h, in) }()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return rec.response(r), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func hostKey(r *http.Request) string {
	host := strings.ToLower(r.URL.Host)
	if r.URL.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// serverRequest turns an outgoing request into the one that a server would read from the wire.
func serverRequest(r *http.Request) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}

	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.Header.Del("Host") // net/http sends the field Host only, and servers do not see it among the rest
	in.URL.Scheme, in.URL.Host, in.URL.Fragment = "", "", ""
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	in.RemoteAddr = "192.0.2.1:1234"
	return in, nil
}

// recorder takes a handler's answer. Only the goroutine of run writes to it; response reads it after run
// has returned.
type recorder struct {
	header http.Header
	status int
	sent   http.Header // as it was when the status was written
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// run serves and turns a panic into what a client sees of one: a broken connection.
func (w *recorder) run(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &net.OpError{Op: "read", Net: "tcp", Err: fmt.Errorf("connection reset (handler: %v)", p)}
		}
	}()
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (w *recorder) response(r *http.Request) *http.Response {
	body := w.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	if w.sent.Get("Content-Type") == "" && len(body) > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(body))
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}
