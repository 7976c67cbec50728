package federation

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"crier/store"
)

// documents is what is prepared once, so that reading it costs next to nothing.
type documents struct {
	hostMeta      document
	nodeInfoLinks document
	pages         *pages
	listing       listing
	prepared      prepared
	firstPolls    atomic.Bool // once true, for good
}

func (s *Server) makeDocuments() *documents {
	d := &documents{
		hostMeta:      s.makeHostMeta(),
		nodeInfoLinks: s.makeNodeInfoLinks(),
	}
	d.pages = s.makePages()
	return d
}

// Handler returns all public routes of the account, as the contract lists them. Each path has one route
// that knows its methods, and no path is cleaned or redirected: a peer that meets a redirect loses the
// body it posts, or refuses the object it gets.
func (s *Server) Handler() http.Handler {
	r := newRoutes(s.serveNotFound)

	r.HandleFunc("/.well-known/webfinger", s.keeping(read(s.serveWebFinger)))
	r.HandleFunc("/.well-known/host-meta", read(func(w http.ResponseWriter, r *http.Request) { s.docs.hostMeta.serve(w, r) }))
	r.HandleFunc("/.well-known/nodeinfo", read(func(w http.ResponseWriter, r *http.Request) { s.docs.nodeInfoLinks.serve(w, r) }))
	r.HandleFunc("/nodeinfo/2.1", read(s.serveNodeInfo("2.1")))
	r.HandleFunc("/nodeinfo/2.0", read(s.serveNodeInfo("2.0")))

	actor := "/users/" + s.user
	r.HandleFunc("/", s.keeping(read(s.serveRoot)))
	r.HandleFunc(actor, s.keeping(read(s.serveActor)))
	for _, inbox := range []string{actor + "/inbox", "/inbox"} {
		r.HandleFunc(inbox, post(s.serveInbox))
		r.HandleFunc(inbox+"/", post(s.serveInbox)) // as some software writes it; a redirect would lose the body
	}
	r.HandleFunc(actor+"/outbox", s.keeping(read(s.guarded(s.serveOutbox))))
	r.HandleFunc(actor+"/followers", s.keeping(read(s.guarded(s.serveFollowers))))
	r.HandleFunc(actor+"/followers_synchronization", read(s.serveFollowersSync))
	r.HandleFunc(actor+"/following", s.keeping(read(s.guarded(s.serveFollowing))))
	r.HandleFunc(actor+"/collections/featured", s.keeping(read(s.guarded(s.serveFeatured))))

	r.HandleFunc("/posts", read(s.serveFindPost))
	r.HandleFunc("/posts/", read(s.serveFindPost))
	r.HandleFunc("/posts/{path:.+}", s.keeping(read(s.guardedBesidePage(s.servePost))))
	r.HandleFunc("/replies/{path:.+}", s.keeping(read(s.guarded(s.serveReplies))))
	r.HandleFunc("/likes/{path:.+}", s.keeping(read(s.guarded(s.serveCount(s.ids.Likes, likesOf)))))
	r.HandleFunc("/shares/{path:.+}", s.keeping(read(s.guarded(s.serveCount(s.ids.Shares, boostsOf)))))
	r.HandleFunc("/activities/{hash}", s.keeping(read(s.guarded(s.serveActivity))))
	r.HandleFunc("/quotes/{hash}", s.keeping(read(s.guarded(s.serveQuote))))
	r.HandleFunc("/tags/{name}", read(s.guardedBesidePage(s.serveTag)))
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !s.servePrepared(w, q) {
			r.ServeHTTP(w, q)
		}
	})
}

// read lets GET and HEAD through, answers a browser's preflight, and allows scripts on every page to read
// the answer, errors too (RFC 7033 §5): nothing here depends on cookies.
func read(h http.HandlerFunc) http.HandlerFunc {
	const allow = "GET, HEAD, OPTIONS"
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			h(w, r)
		case http.MethodOptions:
			w.Header().Set("Allow", allow)
			w.Header().Set("Access-Control-Allow-Methods", allow)
			w.Header().Set("Access-Control-Allow-Headers", "Accept")
			w.WriteHeader(http.StatusNoContent)
		default:
			refuseMethod(w, r, allow)
		}
	}
}

// post lets POST through.
func post(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			refuseMethod(w, r, http.MethodPost)
			return
		}
		h(w, r)
	}
}

func refuseMethod(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	w.Header().Set("Cache-Control", "no-store") // else a cache may keep this one, too (RFC 9110 §15.5.6)
	newText("only "+allow+" here").write(w, r, http.StatusMethodNotAllowed)
}

// fail answers with an error in a few words, as a page where a browser asks. Errors are never cached: a
// post that is published a moment later must not be hidden by an old 404.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	varyAccept(w)
	w.Header().Set("Cache-Control", "no-store")
	if wantsHTML(r) {
		s.docs.pages.writeError(w, r, status, text)
		return
	}
	newText(text).write(w, r, status)
}

// unavailable answers 503 and when to come back, in seconds.
func (s *Server) unavailable(w http.ResponseWriter, r *http.Request, seconds int, text string) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	s.fail(w, r, http.StatusServiceUnavailable, text)
}

// fault answers for a failure of our own. It is always a passing 503: other servers take a 404 or 410
// for the end of what they asked for.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, err error) {
	s.log.Error("cannot answer a request", "path", r.URL.Path, "err", err)
	s.unavailable(w, r, 60, "this cannot be answered at the moment")
}

func (s *Server) serveNotFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, "there is nothing at this address")
}

// serveActor answers with the actor, or with the profile page to a browser. It looks at no signature:
// who cannot read the key of an account cannot verify what it signs.
func (s *Server) serveActor(w http.ResponseWriter, r *http.Request) {
	varyAccept(w)
	if wantsHTML(r) {
		s.serveProfile(w, r)
		return
	}
	s.person().actor.serve(w, r)
}

func (s *Server) serveRoot(w http.ResponseWriter, r *http.Request) {
	redirect(w, r, s.ids.Actor())
}

// redirect sends to an address that may be another one tomorrow.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Location", to)
	cacheFor(w, agePage)
	newText("see "+to).write(w, r, http.StatusFound)
}

// varyAccept tells caches that the answer depends on the Accept header; it belongs to every answer of a
// negotiated address, errors and redirects too.
func varyAccept(w http.ResponseWriter) {
	if w.Header().Get("Vary") == "" { // else it depends on more
		w.Header().Set("Vary", "Accept")
	}
}

// Ready reports whether the store answers.
func (s *Server) Ready() bool {
	_, err := s.db.Account()
	return err == nil
}

// FirstPollsDone reports whether every configured feed was read once and all entries of those first
// documents have their posts, so that an unknown id is truly unknown. It does not change back. A store
// that does not answer is a no.
func (s *Server) FirstPollsDone() bool {
	if s.docs.firstPolls.Load() {
		return true
	}
	done, err := s.firstPollsDone()
	if err != nil {
		s.log.Error("cannot tell whether all feeds were read once", "err", err)
		return false
	}
	if done {
		s.docs.firstPolls.Store(true)
	}
	return done
}

func (s *Server) firstPollsDone() (bool, error) {
	feeds, err := s.db.Feeds()
	if err != nil {
		return false, fmt.Errorf("read the feeds: %w", err)
	}
	read := map[string]bool{}
	for _, f := range feeds {
		read[f.URL] = !f.FirstRead.IsZero()
	}
	for url := range s.cfg.Feeds {
		if !read[url] {
			return false, nil
		}
	}
	if s.hasMoved() {
		return true, nil // no post is made of what is due
	}
	return s.nothingSilentIsDue()
}

// nothingSilentIsDue looks at the entries that are due longest, as those of a first poll are. An entry
// that can never become a post does not count. A publisher at work may have some in hand: that is a no.
func (s *Server) nothingSilentIsDue() (bool, error) {
	const enough = 500
	p := s.publishing
	if !p.mu.TryLock() {
		return false, nil
	}
	defer p.mu.Unlock()
	due, _, err := s.db.DueEntries(time.Now(), enough)
	if err != nil {
		return false, fmt.Errorf("read the entries that are due: %w", err)
	}
	for _, e := range due {
		if e.Todo == store.TodoCreate && !e.Deliver && p.stuck[e.Key] != e.Version {
			return false, nil
		}
	}
	return len(due) < enough, nil
}
