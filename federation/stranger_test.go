package federation

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// stranger is an actor on another server, with all that is needed to be believed. Its server checks that
// whoever reads from it signs.
type stranger struct {
	host, name string
	pair       *rsa.PrivateKey
	keyPath    string // behind the id; "#main-key", or "/main-key" for a document of its own

	mu     sync.Mutex
	change func(doc map[string]any) // bends the actor's document
	serve  http.HandlerFunc         // instead of the documents
	gets   []string                 // what was read, in order
}

func newStranger(t *testing.T, d *daemon, host, name string) *stranger {
	t.Helper()
	x := &stranger{host: host, name: name, pair: keyPair(t, 1), keyPath: "#main-key"}
	d.net.handle(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		x.gets = append(x.gets, r.Method+" "+r.URL.RequestURI())
		serve := x.serve
		x.mu.Unlock()
		if err := plainVerify(r, nil, &testKey().PublicKey); err != nil && r.Method == http.MethodGet {
			t.Errorf("%s %s: read without a good signature: %v", r.Method, r.URL, err)
		}
		if serve == nil {
			serve = x.documents
		}
		serve(w, r)
	}))
	return x
}

func (x *stranger) id() string    { return "https://" + x.host + "/users/" + x.name }
func (x *stranger) keyID() string { return x.id() + x.keyPath }

// bend changes the actor's document from now on.
func (x *stranger) bend(change func(doc map[string]any)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.change = change
}

// instead has everything served by another handler.
func (x *stranger) instead(serve http.HandlerFunc) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.serve = serve
}

// status has everything answered with one status.
func (x *stranger) status(code int) {
	x.instead(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// reads is how many requests came in.
func (x *stranger) reads() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.gets)
}

func (x *stranger) document() map[string]any {
	doc := map[string]any{
		"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       x.id(), "type": "Person", "preferredUsername": x.name, "name": "Some " + x.name,
		"inbox": x.id() + "/inbox", "outbox": x.id() + "/outbox",
		"endpoints": map[string]any{"sharedInbox": "https://" + x.host + "/inbox"},
		"publicKey": map[string]any{"id": x.keyID(), "owner": x.id(), "publicKeyPem": publicPEM(x.pair)},
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.change != nil {
		x.change(doc)
	}
	return doc
}

// documents serves the actor, and its key where that has a document of its own: the stub that GoToSocial
// gives, which has the actor's id.
func (x *stranger) documents(w http.ResponseWriter, r *http.Request) {
	doc := x.document()
	switch r.URL.Path {
	case "/users/" + x.name:
	case "/users/" + x.name + x.keyPath:
		doc = map[string]any{"id": doc["id"], "type": "Person", "preferredUsername": x.name, "publicKey": doc["publicKey"]}
	default:
		http.NotFound(w, r)
		return
	}
	serveJSON(w, typeActivity, doc)
}

func serveJSON(w http.ResponseWriter, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(b)
}

// request makes a signed POST of an activity to our inbox.
func (x *stranger) request(t testing.TB, body string) *http.Request {
	t.Helper()
	r := postTo(t, testInbox, body, time.Now())
	x.sign(t, r)
	return r
}

func (x *stranger) sign(t testing.TB, r *http.Request) {
	t.Helper()
	cavage{key: x.pair, keyID: x.keyID(), headers: allFour, label: "rsa-sha256"}.sign(t, r)
}

// post sends an activity, signed, and returns the status.
func (x *stranger) post(t testing.TB, d *daemon, body string) int {
	t.Helper()
	return d.receive(x.request(t, body)).Code
}

// receive has the daemon answer a request, through all its routes.
func (d *daemon) receive(r *http.Request) *httptest.ResponseRecorder {
	r.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	d.s.Handler().ServeHTTP(w, r)
	return w
}

func (x *stranger) follow() string {
	return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://%s/1","type":"Follow","actor":"%s","object":"%s/users/user"}`,
		x.host, x.id(), testBase)
}

// followers are the handles of all that follow, with their state.
func (d *daemon) followers() string {
	d.t.Helper()
	list, err := d.db.Followers(0, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Handle+" "+string(f.State))
	}
	return strings.Join(names, ", ")
}

// told is the activity log as "Type(Object): Result".
func (d *daemon) told() []string {
	d.t.Helper()
	list, err := d.db.Log(0, 0, false)
	if err != nil {
		d.t.Fatal(err)
	}
	var lines []string
	for _, l := range list {
		lines = append(lines, l.Type+"("+l.Object+"): "+l.Result)
	}
	return lines
}
