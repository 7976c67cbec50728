package federation

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// testKey is the account's key in all tests of one run; making one takes longer than most tests.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// network is the internet of one test: handlers by host, called in process, so that it works inside a
// synctest bubble, where real sockets do not.
type network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
}

func newNetwork() *network { return &network{hosts: map[string]http.Handler{}} }

// handle puts a server on the network; nil takes it away.
func (n *network) handle(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

// RoundTrip calls the handler of the request's host. It returns the context's own error when that ends
// first, as a real transport does; the client would lose its time-out otherwise.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	h := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if h == nil {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	in.Host, in.RemoteAddr = r.URL.Host, "192.0.2.1:1234"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, in)
		done <- w.Result()
	}()
	select {
	case resp := <-done:
		resp.Request = r
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// peer is another server of the network. It takes everything without looking at signatures and remembers
// it; what it answers can be changed.
type peer struct {
	host string

	mu    sync.Mutex
	got   []received
	reply func(w http.ResponseWriter, r *http.Request, nth int) // instead of 202; nth counts posts from 1
	gone  map[string]bool                                       // actors that answer 410, by name
}

// received is one post that reached a peer.
type received struct {
	At     time.Time
	Path   string
	ID     string // of the activity
	Type   string
	Object string // its id
	Body   []byte
}

func newPeer(n *network, host string) *peer {
	p := &peer{host: host, gone: map[string]bool{}}
	n.handle(host, p)
	return p
}

// answer makes the peer answer posts with reply.
func (p *peer) answer(reply func(w http.ResponseWriter, r *http.Request, nth int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reply = reply
}

// statuses answers the first posts with the given statuses, and all others with the last one.
func statuses(codes ...int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, nth int) {
		w.WriteHeader(codes[min(nth, len(codes))-1])
	}
}

// hangs answers nothing until the other side gives up.
func hangs(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }

func (p *peer) actor(name string) string { return "https://" + p.host + "/users/" + name }

func (p *peer) inbox(name string) string { return p.actor(name) + "/inbox" }

func (p *peer) shared() string { return "https://" + p.host + "/inbox" }

// setGone makes an actor answer 410, or come back.
func (p *peer) setGone(name string, gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[name] = gone
}

// posts returns what the peer received so far.
func (p *peer) posts() []received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		p.serveActor(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var a struct {
		ID     string
		Type   string
		Object refs
	}
	if err := json.Unmarshal(body, &a); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.got = append(p.got, received{
		At: time.Now(), Path: r.URL.Path, ID: a.ID, Type: a.Type, Object: a.Object.First(), Body: body,
	})
	nth, reply := len(p.got), p.reply
	p.mu.Unlock()
	if reply != nil {
		reply(w, r, nth)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (p *peer) serveActor(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/users/")
	p.mu.Lock()
	gone := p.gone[name]
	p.mu.Unlock()
	if gone {
		w.WriteHeader(http.StatusGone)
		return
	}
	id := p.actor(name)
	w.Header().Set("Content-Type", typeActivity)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Person",
		"preferredUsername": name, "inbox": p.inbox(name), "endpoints": map[string]any{"sharedInbox": p.shared()},
		"publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": publicPEM(testKey())},
	})
}

func publicPEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
