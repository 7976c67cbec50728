package fedtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody is what is read of a body at most, in bytes; Mastodon answers 413 above 1 MB.
const maxBody = 1 << 20

// requestTimeout bounds each outgoing request whose context has no earlier end.
const requestTimeout = 10 * time.Second

// Config says who a server is and how it reaches the others.
type Config struct {
	BaseURL string            // "https://social.example" or "http://name:port", without a slash at the end
	Host    string            // host of the handles; empty: that of BaseURL
	HTTP    http.RoundTripper // for all that is sent and fetched; nil: http.DefaultTransport
	Now     func() time.Time  // nil: time.Now
	Keys    *KeyPool          // nil: the pool of the process
	Secure  bool              // as RequireSignedGET(true)
}

// Server is one instance of the little fediverse. It is an http.Handler and safe for concurrent use.
type Server struct {
	// What others did, under the lock mu.
	moves     map[string]moved    // by the id of who moved
	reactions map[string]Reaction // by their ids
	pins      map[string][]string // ids of notes, by the id of who pinned them

	base   string
	host   string // of the handles
	scheme string
	bind   string // host[:port] of base
	client *http.Client
	now    func() time.Time
	keys   *KeyPool
	router *http.ServeMux

	life context.Context // ends with Close; for answers that are sent on our own account
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex // guards all below; never held over a request
	actors   map[string]*actor
	remotes  map[string]RemoteActor // by id
	keyCache map[string]remoteKey   // by key id
	notes    map[string]*Note       // by id
	tombs    map[string]bool        // ids that were deleted
	seen     map[string]bool        // ids of activities that took effect
	arrivals []Arrival
	changed  chan struct{} // closed and replaced at every change
	faults   []*Fault
	hook     func(*http.Request)
	secure   bool
	closed   bool
	serial   int

	signatures Signatures
}

// New makes a server without actors, except the one that signs its fetches (BASE/actor). It panics if
// BaseURL is not an absolute http(s) address, for that is a mistake in the test.
func New(c Config) *Server {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		panic(fmt.Sprintf("fedtest: BaseURL %q is not an absolute http(s) address", c.BaseURL))
	}
	s := &Server{
		base: strings.TrimSuffix(c.BaseURL, "/"), host: c.Host, scheme: u.Scheme, bind: u.Host,
		now: c.Now, keys: c.Keys, secure: c.Secure, changed: make(chan struct{}),
		actors: map[string]*actor{}, remotes: map[string]RemoteActor{}, keyCache: map[string]remoteKey{},
		notes: map[string]*Note{}, tombs: map[string]bool{}, seen: map[string]bool{}, moves: map[string]moved{},
		reactions: map[string]Reaction{}, pins: map[string][]string{},
	}
	if s.host == "" {
		s.host = s.bind
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.keys == nil {
		s.keys = &processKeys
	}
	s.client = &http.Client{Transport: c.HTTP, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a signature names one path: each hop is signed anew, see get
	}}
	s.life, s.stop = context.WithCancel(context.Background())
	s.actors[instanceName] = s.newActor(instanceName, ActorOptions{})
	s.router = s.routes()
	return s
}

// Close ends what the server does on its own account and waits for it.
func (s *Server) Close() {
	s.stop()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.work.Wait()
}

// begin does something on the server's own account, unless it is closed: then somebody waits for the last of it.
func (s *Server) begin(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Go(f)
	}
}

// BaseURL returns the address below which everything of the server lies.
func (s *Server) BaseURL() string { return s.base }

// SharedInbox returns the address of the shared inbox.
func (s *Server) SharedInbox() string { return s.base + "/inbox" }

// RequireSignedGET turns "secure mode" on or off: all but WebFinger and the instance actor then asks for a
// valid signature.
func (s *Server) RequireSignedGET(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secure = on
}

func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /.well-known/webfinger", s.serveWebFinger)
	m.HandleFunc("GET /actor", s.serveInstance)
	m.HandleFunc("GET /users/{name}", s.guarded(s.serveActor))
	m.HandleFunc("GET /users/{name}/main-key", s.serveKey)
	m.HandleFunc("GET /users/{name}/followers", s.guarded(s.serveCollection))
	m.HandleFunc("GET /users/{name}/following", s.guarded(s.serveCollection))
	m.HandleFunc("GET /users/{name}/outbox", s.guarded(s.serveCollection))
	m.HandleFunc("GET /users/{name}/statuses/{id}", s.guarded(s.serveNote))
	m.HandleFunc("POST /users/{name}/inbox", s.serveInbox)
	m.HandleFunc("POST /inbox", s.serveInbox)
	return m
}

// ServeHTTP answers a request, after the hook and the faults had their turn.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		hook(r)
	}
	if f, ok := s.takeFault(r); ok {
		s.serveFault(w, r, f)
		return
	}
	s.router.ServeHTTP(w, r)
}

// guarded asks for a signature in secure mode.
func (s *Server) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		secure := s.secure
		s.mu.Unlock()
		if secure {
			if _, err := s.verify(r, nil, ""); err != nil {
				http.Error(w, "this server wants signed requests: "+err.Error(), http.StatusUnauthorized)
				return
			}
		}
		next(w, r)
	}
}

// nextID returns a new address below the actor's: ACTOR/kind/N. The lock must be held.
func (s *Server) nextID(actor, kind string) string {
	s.serial++
	return fmt.Sprintf("%s/%s/%d", actor, kind, s.serial)
}

// touch wakes all who wait for a change. The lock must be held.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Wait waits until cond holds; it is asked now and after every change. The error is that of ctx.
func (s *Server) Wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(b)
}

// statusError is an answer with a status that is not the one hoped for.
type statusError struct {
	URL    string
	Status int
	Body   string
}

func (e *statusError) Error() string {
	if e.Body == "" {
		return fmt.Sprintf("%s answers %d", e.URL, e.Status)
	}
	return fmt.Sprintf("%s answers %d (%s)", e.URL, e.Status, e.Body)
}

// hasStatus reports whether err is an answer with one of the statuses.
func hasStatus(err error, statuses ...int) bool {
	var se *statusError
	if !errors.As(err, &se) {
		return false
	}
	for _, st := range statuses {
		if se.Status == st {
			return true
		}
	}
	return false
}
