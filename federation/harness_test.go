package federation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

const (
	testBase = "https://fedi.example.com"
	testFeed = "https://example.com/index.xml"
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
func (p *peer) shared() string           { return "https://" + p.host + "/inbox" }

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

// daemon is a whole Server with its store on a network of its own.
type daemon struct {
	t   testing.TB
	net *network
	db  *store.DB
	s   *Server
	log *bytes.Buffer // what the program's log says at Info and above; read it after stop

	path   string
	stop   func() error
	edited int
}

// newDaemon makes a Server on a new store. The store is checked and closed at the end of the test.
func newDaemon(t testing.TB) *daemon {
	t.Helper()
	d := &daemon{t: t, net: newNetwork(), log: &bytes.Buffer{}, path: filepath.Join(t.TempDir(), "crier.db")}
	d.open()
	t.Cleanup(d.close)
	return d
}

func (d *daemon) open() {
	d.t.Helper()
	db, err := store.Open(d.path, store.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	d.db = db
	d.s = New(testConfig(db, d.net, slog.New(slog.NewTextHandler(d.log, nil))))
}

func testConfig(db *store.DB, transport http.RoundTripper, log *slog.Logger) Config {
	return Config{
		Store: db, Key: testKey(), Log: log, Transport: transport,
		BaseURL: testBase, Handle: "user@example.com", Version: "test",
		Profile: Profile{Name: "User", Published: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)},
		Feeds: map[string]FeedConfig{testFeed: {
			Render:     content.Options{Mode: content.ModeFull, Pictures: content.PicturesAttach},
			Visibility: visibilityPublic,
		}},
	}
}

func (d *daemon) close() {
	d.t.Helper()
	if d.stop != nil {
		d.halt()
	}
	d.sound()
	if err := d.db.Close(); err != nil {
		d.t.Error(err)
	}
}

// sound fails the test if the store breaks an invariant.
func (d *daemon) sound() {
	d.t.Helper()
	wrong, err := d.db.Check()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, w := range wrong {
		d.t.Errorf("store: %s", w)
	}
}

// run starts publisher and deliverer.
func (d *daemon) run() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, 2)
	go func() { errs <- d.s.RunPublisher(ctx) }()
	go func() { errs <- d.s.RunDeliverer(ctx) }()
	d.stop = func() error {
		cancel()
		first, second := <-errs, <-errs
		if first != nil {
			return first
		}
		return second
	}
}

// halt stops them and waits.
func (d *daemon) halt() {
	d.t.Helper()
	if err := d.stop(); err != nil {
		d.t.Error(err)
	}
	d.stop = nil
}

// restart stops everything and starts a new Server on the same store file.
func (d *daemon) restart() {
	d.t.Helper()
	d.halt()
	d.sound()
	if err := d.db.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.open()
	d.run()
}

// follow stores an accepted follower of that name on a peer, reached through the peer's shared inbox or
// through its own.
func (d *daemon) follow(p *peer, name string, shared bool) {
	d.t.Helper()
	f := store.Follower{
		Actor: p.actor(name), Inbox: p.inbox(name), Handle: name + "@" + p.host,
		KeyID: p.actor(name) + "#main-key", Key: publicPEM(testKey()),
		FollowID: p.actor(name) + "/follows/1", Since: time.Now(), State: store.FollowerAccepted,
	}
	if shared {
		f.SharedInbox = p.shared()
	}
	if _, err := d.db.AddFollower(time.Now(), store.Follow{Follower: f}); err != nil {
		d.t.Fatal(err)
	}
}

// entryURL is the page of an entry with that key.
func entryURL(key string) string { return "https://" + key }

// announce stores a new entry that goes to the followers now, as a poll would, and wakes the publisher.
func (d *daemon) announce(key string) { d.t.Helper(); d.add(key, true, time.Now()) }

// add stores a new entry; deliver says whether the followers get it.
func (d *daemon) add(key string, deliver bool, date time.Time) {
	d.t.Helper()
	d.put(store.Entry{
		Key: key, Feed: testFeed, GUID: key, Link: entryURL(key), URL: entryURL(key), HasPage: true,
		Title: "About " + key, Date: date, Dated: true, Seen: time.Now(),
		State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: time.Now(), Deliver: deliver, Listed: true,
	}, "Text of "+key)
}

// edit changes an entry's text.
func (d *daemon) edit(key, text string) {
	d.t.Helper()
	e := d.entry(key)
	e.Todo, e.Due = store.TodoUpdate, time.Now()
	d.put(e, text)
}

// remove takes an entry down.
func (d *daemon) remove(key string) {
	d.t.Helper()
	e := d.entry(key)
	e.Todo, e.Due = store.TodoDelete, time.Now()
	d.put(e, "")
}

func (d *daemon) entry(key string) store.Entry {
	d.t.Helper()
	e, err := d.db.Entry(key)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// put records a poll that brought one entry; an empty text leaves the stored fields as they are.
func (d *daemon) put(e store.Entry, text string) {
	d.t.Helper()
	var fields []byte
	if text != "" {
		var err error
		fields, err = json.Marshal(content.Entry{URL: e.URL, Title: e.Title, Content: "<p>" + text + "</p>", Language: "en"})
		if err != nil {
			d.t.Fatal(err)
		}
		d.edited++
		e.FieldsHash = fmt.Sprint(d.edited)
	}
	d.putFields(e, fields)
}

func (d *daemon) putFields(e store.Entry, fields []byte) {
	d.t.Helper()
	err := d.db.RecordPoll(store.Poll{
		Feed: store.Feed{URL: testFeed, LastPoll: time.Now(), FirstRead: time.Now()},
		Put:  []store.EntryPut{{Entry: e, Fields: fields}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.s.WakePublisher()
}

// post returns the post of an entry's first generation.
func (d *daemon) post(key string) store.Post {
	d.t.Helper()
	p, err := d.db.Post(key)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// queue returns what waits for delivery.
func (d *daemon) queue() []store.Delivery {
	d.t.Helper()
	q, err := d.db.Deliveries()
	if err != nil {
		d.t.Fatal(err)
	}
	return q
}

// lines returns the activity log as text, without times and JSON.
func (d *daemon) lines() []string {
	d.t.Helper()
	entries, err := d.db.Log(0, 0, false)
	if err != nil {
		d.t.Fatal(err)
	}
	var lines []string
	for _, l := range entries {
		lines = append(lines, strings.Join([]string{l.Direction, l.Type, l.Object, l.To, l.Result}, " | "))
	}
	return lines
}
