package federation

import (
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Limits of what is kept: the posts that are being read at the moment fit in many times, and whoever makes up
// addresses only drives out what is quickly made again.
const (
	preparedMost      = 1 << 10 // answers
	preparedMostBytes = 4 << 20
	preparedMostOne   = 256 << 10
	preparedMostKey   = 512 // bytes of an address
)

// prepared keeps whole answers to requests that everybody may make, so that a GET neither reads the store nor writes
// JSON nor fills a template.
//
// Whether one is still true is not known thing by thing: every answer has its basis, what it was made from, and is
// made anew where that is not the same any more. Nothing that changes a post, a follower or a reaction has to think of
// the answers that show it. It is safe for concurrent use.
type prepared struct {
	mu    sync.Mutex
	kept  *simplelru.LRU[asked, *reply] // made at the first use
	bytes int                           // of the bodies
}

// asked is what an answer depends on beside its basis.
type asked struct {
	target string // path and query as they were sent
	html   bool   // whether a page is preferred
}

// basis is what an answer was made from: the store with as many changes, and the actor as it was then, which is
// served a moment after the store has it.
type basis struct {
	changes uint64
	person  *person
}

func (s *Server) basis() basis { return basis{s.db.Changes(), s.person()} }

// reply is a whole response.
type reply struct {
	at     basis
	status int
	header []headerLine
	etag   string
	body   []byte
}

// headerLine has its values in a list that is shared by all responses and never written to.
type headerLine struct {
	name   string // in canonical form
	values []string
}

// servePrepared answers a request if the answer is kept and still true.
func (s *Server) servePrepared(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	a := s.docs.prepared.get(asked{r.RequestURI, wantsHTML(r)})
	if a == nil || a.at != s.basis() {
		return false
	}
	a.serve(w, r)
	return true
}

// keeping keeps what h answers where everybody gets the same. What depends on who asks, and every error, says so in
// its own Cache-Control; that alone decides. h must answer by the address, by the Accept header, and by what a basis
// stands for: not by the clock.
func (s *Server) keeping(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		full, ok := unconditional(r)
		if !ok {
			h(w, r)
			return
		}
		rec := recorder{reply: reply{at: s.basis()}, lines: http.Header{}} // before h reads anything
		h(&rec, full)
		a := rec.finish()
		if rec.forEverybody() {
			s.docs.prepared.put(asked{strings.Clone(r.RequestURI), wantsHTML(r)}, a)
		}
		a.serve(w, r)
	}
}

// unconditional is a GET as if its client had nothing yet; false where it cannot be asked for the whole. A signature
// may cover any line of the header, so one that is signed stays as it is.
func unconditional(r *http.Request) (*http.Request, bool) {
	if r.Method != http.MethodGet || r.RequestURI == "" || len(r.RequestURI) > preparedMostKey {
		return nil, false
	}
	if len(r.Header["If-None-Match"]) == 0 {
		return r, true
	}
	if len(r.Header["Signature"])+len(r.Header["Signature-Input"])+len(r.Header["Authorization"]) > 0 {
		return nil, false
	}
	full := r.Clone(r.Context())
	full.Header.Del("If-None-Match")
	return full, true
}

// serve answers a GET or HEAD, with 304 where the client has it already (RFC 9110 §13.1.2).
func (a *reply) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	unchanged := a.etag != "" && a.status == http.StatusOK && hasETag(r.Header["If-None-Match"], a.etag)
	for _, l := range a.header {
		if unchanged && (strings.HasPrefix(l.name, "Content-") || strings.HasPrefix(l.name, "X-Content-")) {
			continue
		}
		h[l.name] = l.values
	}
	if unchanged {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the client went away: nobody is left to be told
	}
}

func (p *prepared) get(key asked) *reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		return nil
	}
	a, _ := p.kept.Get(key)
	return a
}

func (p *prepared) put(key asked, a *reply) {
	if len(a.body) > preparedMostOne {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		kept, err := simplelru.NewLRU(preparedMost, func(_ asked, a *reply) { p.bytes -= len(a.body) })
		if err != nil {
			panic(err) // only a size below one can fail
		}
		p.kept = kept
	}
	p.kept.Remove(key)
	p.kept.Add(key, a)
	for p.bytes += len(a.body); p.bytes > preparedMostBytes; {
		p.kept.RemoveOldest()
	}
}

// recorder takes down an answer. It keeps the body it is given, which therefore must not change afterwards: that of a
// document never does.
type recorder struct {
	reply
	lines http.Header
}

func (c *recorder) Header() http.Header { return c.lines }

func (c *recorder) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *recorder) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.body == nil {
		c.body = b[:len(b):len(b)]
	} else {
		c.body = append(c.body, b...)
	}
	return len(b), nil
}

// finish is what was taken down.
func (c *recorder) finish() *reply {
	c.WriteHeader(http.StatusOK)
	c.etag = c.lines.Get("ETag")
	for name, values := range c.lines {
		c.header = append(c.header, headerLine{name, values[:len(values):len(values)]})
	}
	return &c.reply
}

// forEverybody reports whether the answer is the same for everybody, whatever else their requests say.
func (c *recorder) forEverybody() bool {
	vary := c.lines.Get("Vary")
	return strings.HasPrefix(c.lines.Get("Cache-Control"), "public,") && (vary == "" || vary == "Accept")
}
