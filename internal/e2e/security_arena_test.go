package e2e

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/internal/admin"
	"crier/internal/app"
	"crier/internal/config"
	"crier/internal/fedtest"
)

// The security suite sends the daemon what real servers of the fediverse were harmed by, and looks at three
// things each time: the answer, what the daemon asked of others, and whether anything was lost or came to be that
// should not. It speaks HTTP only, so that it holds whatever is behind it. Time is never measured: what costs too
// much is seen by counting requests and bytes.

const (
	us       = "http://fedi.example/users/user"
	activity = "application/activity+json"
)

// outside is everybody but the daemon: all names of the world, on one listener that writes down who is asked.
type outside struct {
	mu    sync.Mutex
	hosts map[string]http.HandlerFunc
	asked []string // "GET host/path"
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, r.Method+" "+r.Host+r.URL.RequestURI())
	h := o.hosts[r.Host]
	o.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

func (o *outside) handle(host string, h http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hosts[host] = h
}

// since returns what was asked after the first n requests.
func (o *outside) since(n int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked[n:])
}

// arena is a daemon with one follower and some posts, and the world outside.
type arena struct {
	t      *testing.T
	out    *outside
	cfg    config.Config
	app    *app.App
	client *http.Client
	friend *person // who follows
	post   string  // id of a post
	feed   []byte  // what the blog's feed says now
	serial int
}

func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{t: t, out: &outside{hosts: map[string]http.HandlerFunc{}}, feed: feedOf(3)}
	a.out.handle("blog.example", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/feed" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/rss+xml")
		_, _ = w.Write(a.feed)
	})
	world := httptest.NewServer(a.out)
	t.Cleanup(world.Close)
	listener := listen(t)
	a.cfg = arenaConfig(t, host(world.URL), listener.Addr().String())
	a.client = &http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.start(listener)
	a.settleIn()
	return a
}

func arenaConfig(t *testing.T, world, listening string) config.Config {
	c := config.Default()
	c.BaseURL, c.Listen, c.DataDir = "http://fedi.example", listening, t.TempDir()
	c.Account.Handle = config.Handle{User: "user", Host: "blog.example"}
	c.Account.Name = "User"
	feed := config.DefaultFeed()
	feed.URL = "http://blog.example/feed"
	feed.Interval, feed.IntervalSet = 24*time.Hour, true // the tests poll by hand
	feed.Deletions = config.DeletionsFeed
	c.Feeds = []config.Feed{feed}
	c.Network.AllowHTTP = true
	// This one address is the world; every other private one is as closed as it is for everybody.
	c.Network.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	c.Network.Resolve = map[string]string{
		"*": world, "fedi.example": listening,
		"inside.example": "10.0.0.1:80", "metadata.example": "169.254.169.254:80", "zero.example": "0.0.0.0:80", "six.example": "[::1]:80",
	}
	return c
}

func (a *arena) start(listener net.Listener) {
	a.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d, err := app.New(ctx, &a.cfg, app.Options{
		Log: slog.New(slog.DiscardHandler), Listener: listener, Version: "test", Spacing: time.Millisecond,
	})
	if err != nil {
		cancel()
		a.t.Fatal(err)
	}
	a.app = d
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	a.t.Cleanup(func() {
		if found, err := d.Ops().Store.Check(); err != nil || len(found) > 0 {
			a.t.Errorf("the store is not sound: %v %v", found, err)
		}
		cancel()
		if err := <-done; err != nil {
			a.t.Error("stop:", err)
		}
	})
}

// settleIn waits for the first posts and lets the friend follow.
func (a *arena) settleIn() {
	a.t.Helper()
	must(a.t, a.poll())
	posts, err := a.app.Ops().Store.Posts()
	if err != nil || len(posts) == 0 {
		a.t.Fatalf("no posts: %v", err)
	}
	a.post = posts[0].ID
	a.friend = a.person("friend.example", "friend", nil)
	if got := a.friend.say(a, `{"id":"$me/follows/1","type":"Follow","actor":"$me","object":"$us"}`); got != http.StatusAccepted {
		a.t.Fatalf("the friend's Follow: %d", got)
	}
	a.rest()
}

// poll polls the feed and waits until all that follows from it is done.
func (a *arena) poll() error {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := a.app.Ops().PollNow(ctx, admin.PollRequest{})
	must(a.t, err)
	a.rest()
	if text := result.Feeds[0].Error; text != "" {
		return errors.New(text)
	}
	return nil
}

// rest waits until nothing is due and nothing waits in the queue.
func (a *arena) rest() {
	a.t.Helper()
	late := time.After(patience)
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !idle(a.t, a.app.Ops().Store) {
		select {
		case <-late:
			a.t.Fatal("the daemon does not come to rest")
		case <-look.C:
		}
	}
}

// state is all that must not be lost or come to be: followers with their keys and inboxes, posts, the queue.
func (a *arena) state() string {
	a.t.Helper()
	db := a.app.Ops().Store
	followers, err := db.Followers(0, 0)
	must(a.t, err)
	for i := range followers {
		followers[i].Fetched = time.Time{} // to read a document again changes nothing
	}
	posts, err := db.Posts()
	must(a.t, err)
	queue, err := db.Deliveries()
	must(a.t, err)
	b, err := json.Marshal([]any{followers, posts, queue})
	must(a.t, err)
	return string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person is somebody on another server, with a key.
type person struct {
	host, name string
	key        *rsa.PrivateKey
}

func (p *person) id() string    { return "http://" + p.host + "/users/" + p.name }
func (p *person) keyID() string { return p.id() + "#main-key" }

// stranger is a person on a server that nobody has heard of.
func (a *arena) stranger(bend func(doc map[string]any)) *person {
	a.serial++
	return a.person(fmt.Sprintf("s%d.example", a.serial), "mallory", bend)
}

// person puts somebody on a host; bend changes the actor's document.
func (a *arena) person(host, name string, bend func(doc map[string]any)) *person {
	p := &person{host: host, name: name, key: fedtest.Key(name)}
	doc := p.document()
	if bend != nil {
		bend(doc)
	}
	a.out.handle(host, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
		case r.URL.Path == "/users/"+name:
			writeJSON(w, activity, doc)
		default:
			http.NotFound(w, r)
		}
	})
	return p
}

func (p *person) document() map[string]any {
	return map[string]any{
		"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       p.id(), "type": "Person", "preferredUsername": p.name, "name": p.name,
		"inbox": p.id() + "/inbox", "outbox": p.id() + "/outbox",
		"publicKey": map[string]any{"id": p.keyID(), "owner": p.id(), "publicKeyPem": pemOf(&p.key.PublicKey)},
	}
}

func writeJSON(w http.ResponseWriter, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	_ = json.NewEncoder(w).Encode(v)
}

func pemOf(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // cannot be: the keys are of known types
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// fill puts names into a text.
func (a *arena) fill(p *person, text string) string {
	a.serial++
	_, port, err := net.SplitHostPort(a.cfg.Listen)
	must(a.t, err)
	r := []string{
		"$me", p.id(), "$host", p.host, "$us", us, "$base", a.cfg.BaseURL, "$post", a.post,
		"$listening", a.cfg.Listen, "$port", port, "$n", fmt.Sprint(a.serial),
	}
	if a.friend != nil {
		r = append(r, "$friend", a.friend.id())
	}
	return strings.NewReplacer(r...).Replace(text)
}

// message is a POST that is to be sent; the fields can be bent before it is signed, and the request after it.
type message struct {
	target, kind, host string
	body               string
	signed             string // the body that the digest is of
	key                *rsa.PrivateKey
	keyID, algorithm   string
	covers             []string
	date               time.Time
	header             http.Header
	unsigned           bool
	then               func(*http.Request)
}

func (a *arena) message(p *person, body string) *message {
	body = a.fill(p, body)
	return &message{
		target: "/users/user/inbox", kind: activity, host: "fedi.example", body: body, signed: body,
		key: p.key, keyID: p.keyID(), algorithm: "rsa-sha256", covers: []string{"(request-target)", "host", "date", "digest"},
		date: time.Now(), header: http.Header{},
	}
}

func (m *message) request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://fedi.example"+m.target, strings.NewReader(m.body))
	must(t, err)
	r.Host = m.host
	r.Header = m.header.Clone()
	r.Header.Set("Content-Type", m.kind)
	r.Header.Set("Date", m.date.UTC().Format(http.TimeFormat))
	sum := sha256.Sum256([]byte(m.signed))
	if r.Header.Get("Digest") == "" {
		r.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	}
	if !m.unsigned {
		r.Header.Set("Signature", m.signature(t, r))
	}
	if m.then != nil {
		m.then(r)
	}
	return r
}

func (m *message) signature(t *testing.T, r *http.Request) string {
	t.Helper()
	sum := sha256.Sum256([]byte(signedText(r, m.covers)))
	sig, err := rsa.SignPKCS1v15(nil, m.key, crypto.SHA256, sum[:])
	must(t, err)
	return fmt.Sprintf(`keyId="%s",algorithm="%s",headers="%s",signature="%s"`,
		m.keyID, m.algorithm, strings.Join(m.covers, " "), base64.StdEncoding.EncodeToString(sig))
}

func signedText(r *http.Request, covers []string) string {
	var lines []string
	for _, name := range covers {
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = "post " + r.URL.RequestURI()
		case "host":
			value = r.Host
		}
		lines = append(lines, name+": "+value)
	}
	return strings.Join(lines, "\n")
}

// answer is what the daemon said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a *arena) do(r *http.Request) answer {
	a.t.Helper()
	resp, err := a.client.Do(r)
	must(a.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(a.t, err)
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// say sends an activity as a server would, and returns the status.
func (p *person) say(a *arena, body string) int {
	a.t.Helper()
	return a.do(a.message(p, body).request(a.t)).status
}
