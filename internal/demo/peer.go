package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"crier/internal/fedtest"
)

// loopbackSuffix marks names that are this computer by definition (RFC 6761 §6.3); browsers open them.
const loopbackSuffix = ".localhost"

// peer is one of the two servers of other people.
type peer struct {
	*fedtest.Server
	name  string // "birch"
	host  string // "birch.localhost:4001"
	users []string
	page  *template.Template
	trace *tracer
}

func newPeer(name, host string, users ...string) (*peer, error) {
	page, err := template.ParseFS(siteFiles, "site/peer.html")
	if err != nil {
		return nil, fmt.Errorf("parse the timeline page: %w", err)
	}
	trace := &tracer{next: &http.Transport{DialContext: dialLoopback}}
	p := &peer{name: name, host: host, users: users, page: page, trace: trace}
	p.Server = fedtest.New(fedtest.Config{BaseURL: "http://" + host, HTTP: trace})
	for _, u := range users {
		p.AddActor(u)
	}
	return p, nil
}

func (p *peer) close() {
	p.Server.Close()
	p.trace.next.CloseIdleConnections()
}

// dialLoopback connects names below .localhost, and nothing else, without asking anybody for an address:
// not every resolver knows these names.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(host, loopbackSuffix) {
		return nil, fmt.Errorf("dial %s: the demo stays on this computer", addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// tracer notes the requests that a peer makes.
type tracer struct {
	next *http.Transport

	mu   sync.Mutex
	seen []traced
}

type traced struct {
	when       time.Time
	host, path string
	status     int
}

func (t *tracer) RoundTrip(r *http.Request) (*http.Response, error) {
	when := time.Now()
	resp, err := t.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet {
		return resp, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, traced{when: when, host: r.URL.Host, path: r.URL.Path, status: resp.StatusCode})
	return resp, nil
}

// take returns the requests since the last call.
func (t *tracer) take() []traced {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := t.seen
	t.seen = nil
	return seen
}

// routes is the server as other servers see it, and a page with a timeline for people.
func (p *peer) routes() http.Handler {
	m := http.NewServeMux()
	m.Handle("/", p.Server)
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/@"+p.users[0], http.StatusFound)
	})
	m.HandleFunc("GET /{user}", p.serveTimeline)
	return m
}

type timelinePage struct {
	User, Name, Host string
	Others           []string
	Notes            []timelineNote
}

type timelineNote struct {
	fedtest.Note
	HTML     template.HTML
	By       string
	Pictures []struct{ URL, Name string }
}

// serveTimeline shows what arrived. The HTML in it is a foreign server's: the policy keeps it from running
// anything, whatever it contains.
func (p *peer) serveTimeline(w http.ResponseWriter, r *http.Request) {
	user, ok := strings.CutPrefix(r.PathValue("user"), "@")
	if _, here := p.Actor(user); !ok || !here {
		p.Server.ServeHTTP(w, r)
		return
	}
	data := timelinePage{User: user, Name: p.name, Host: p.host, Others: p.users}
	for _, n := range p.Timeline(user) {
		one := timelineNote{Note: n, HTML: template.HTML(n.Content), By: n.Author}
		if a, ok := p.Remote(n.Author); ok && a.Handle != "" {
			one.By = a.Name + " · @" + a.Handle
		}
		var raw struct {
			Attachment []struct{ URL, Name string }
		}
		if json.Unmarshal(n.Raw, &raw) == nil {
			one.Pictures = append(one.Pictures, raw.Attachment...)
		}
		data.Notes = append(data.Notes, one)
	}
	var b bytes.Buffer
	if err := p.page.Execute(&b, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src http: https:")
	_, _ = w.Write(b.Bytes())
}
