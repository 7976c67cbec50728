package federation

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"crier/store"
)

// What a request for a document has to be signed with: by the draft, and by RFC 9421 (§5.1; see signAccepted). It has
// no body, so no digest is asked for.
const (
	signToRead   = `Signature realm="crier",headers="(request-target) host date"`
	readAccepted = `sig1=("@method" "@target-uri");created`
)

// errAskerBlocked says that the owner wants nothing to do with who asks.
var errAskerBlocked = &refusal{status: http.StatusForbidden, reason: "this is not for you"}

// asker is the actor whose key signed a request for a document. An error is a *refusal, or one of our own store.
//
// It may fetch the key, signed by us. That server may fetch ours meanwhile; as nobody asks for a signature where
// a key is read (see serveActor), two servers that want everything signed do not wait for each other.
//
// Whoever is blocked is turned away with 403, a whole domain before anything is fetched.
func (s *Server) asker(r *http.Request) (*actor, error) {
	signed, err := readSignature(r, nil, s.ids.Base(), time.Now())
	if err != nil {
		return nil, unauthorized(err)
	}
	if _, err := s.client.check(signed.keyID); err != nil {
		return nil, unauthorized(err)
	}
	id := withoutFragment(signed.keyID)
	if s.blocked(id) {
		return nil, errAskerBlocked
	}
	if id == signed.keyID { // the key has a document of its own, which names its owner (GoToSocial)
		owner, err := s.resolver.lookUp(r.Context(), id)
		if err != nil && !errors.Is(err, errBusy) {
			s.resolver.failed.spend(hostOf(id), time.Now())
		}
		if err != nil {
			return nil, keyRefusal(err)
		}
		id = owner.ID
	}
	if s.blocked(id) {
		return nil, errAskerBlocked
	}
	by, _, err := s.authenticate(r.Context(), &activity{actor: id}, signed)
	return by, err
}

// guarded asks for a signature in secure mode, whatever form of the document is wanted.
func (s *Server) guarded(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.cfg.SecureMode {
			h(w, r)
			return
		}
		varySignature(w)
		if _, err := s.asker(r); err != nil {
			s.refuseAsker(w, r, err)
			return
		}
		h(w, r)
	}
}

// guardedBesidePage is guarded for an address that has a page, too: who prefers that is shown it as ever, since it is
// made for everybody (as Mastodon does).
func (s *Server) guardedBesidePage(h http.HandlerFunc) http.HandlerFunc {
	document := s.guarded(h)
	return func(w http.ResponseWriter, r *http.Request) {
		if wantsHTML(r) {
			h(w, r)
			return
		}
		document(w, r)
	}
}

// mayRead reports whether a request may be answered with a post or with what is said about it; if not it has
// answered. What is not for everybody is for whom it is addressed to and, if those are the followers, for each
// of them, as on Mastodon and GoToSocial. An instance's own actor is no follower, whoever lives there.
func (s *Server) mayRead(w http.ResponseWriter, r *http.Request, post store.Post) bool {
	if forEverybody(post.Visibility) {
		return true
	}
	varySignature(w)
	by, err := s.asker(r)
	if err != nil {
		s.refuseAsker(w, r, err)
		return false
	}
	addressed, err := s.isAddressed(post, by.ID)
	switch {
	case err != nil:
		s.fault(w, r, err)
	case !addressed:
		s.fail(w, r, http.StatusForbidden, "this post is not for everybody")
	}
	return err == nil && addressed
}

// isAddressed reports whether a post is for an actor, by its own to and cc.
func (s *Server) isAddressed(post store.Post, id string) (bool, error) {
	n, err := noteOf(post)
	if err != nil {
		return false, err
	}
	audience := slices.Concat(n.To, n.CC)
	if slices.Contains(audience, id) {
		return true, nil
	}
	if !slices.Contains(audience, s.ids.Followers()) {
		return false, nil
	}
	f, err := s.db.Follower(id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for follower %s: %w", id, err)
	}
	return f.State == store.FollowerAccepted, nil
}

// refuseAsker answers where asker failed.
func (s *Server) refuseAsker(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		s.fault(w, r, err)
		return
	}
	s.log.Debug("a document was not shown", "status", refused.status, "err", err, "path", r.URL.Path, "from", r.RemoteAddr)
	switch refused.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", signToRead)
		w.Header().Set("Accept-Signature", readAccepted)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(busyWait.Seconds())))
	}
	reason := refused.reason
	if wantsHTML(r) {
		reason = "this is not for everybody" // what is wrong with a signature is nothing to people
	}
	s.fail(w, r, refused.status, reason)
}

// varySignature tells caches that the answer is for one reader alone; document.serve then says so, too. It belongs
// only where access depends on who asks: elsewhere it would make every cache useless.
func varySignature(w http.ResponseWriter) { w.Header().Set("Vary", varyOnSignature) }

const varyOnSignature = "Accept, Signature, Signature-Input"
