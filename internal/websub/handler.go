package websub

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crier/store"
)

const (
	callbackPath = "/websub/"
	maxPush      = 16 << 20 // bytes of a push that are read, and not kept: some hubs send the whole feed
	maxChallenge = 1 << 10  // bytes; hubs send some dozens
)

// errTooLong says that a push is longer than is read, so that its signature cannot be checked.
var errTooLong = errors.New("the body is too long")

// Handler answers hubs below /websub/: GET is a hub that verifies or denies, POST is a push. Addresses that nobody
// was given do not exist.
func (s *Subscriber) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Subscriber) serve(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, callbackPath)
	if !ok || !isPath(path) {
		answer(w, http.StatusNotFound, "not found")
		return
	}
	sub, leaving, err := s.lookUp(path)
	switch {
	case err != nil:
		s.unready(w, err)
	case sub.Path == "":
		answer(w, http.StatusNotFound, "not found")
	case r.Method == http.MethodGet:
		s.serveIntent(w, r, path)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		answer(w, http.StatusMethodNotAllowed, "GET or POST it")
	case leaving:
		// A hub may take that for the end of the subscription (§7), which is what we want.
		answer(w, http.StatusGone, "this subscription has ended")
	default:
		s.servePush(w, r, sub)
	}
}

// lookUp returns the subscription of a path, the zero one where there is none, and whether it is being left.
func (s *Subscriber) lookUp(path string) (store.Subscription, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.leaving[path]; f != nil {
		return f.sub, true, nil
	}
	sub, _, err := s.find(path)
	return sub, s.targets[sub.Feed] == nil, err
}

func (s *Subscriber) unready(w http.ResponseWriter, err error) {
	s.cfg.Log.Debug("a hub could not be answered", "err", err)
	answer(w, http.StatusServiceUnavailable, "the store does not answer")
}

// intent is what a hub says of a subscription (§5.2, §5.3).
type intent struct {
	mode, topic, challenge, lease, reason string
}

// parseIntent reads the query of a hub's GET. What cannot be read of it is not there.
func parseIntent(rawQuery string) intent {
	q, _ := url.ParseQuery(rawQuery)
	return intent{
		mode:      q.Get("hub.mode"),
		topic:     q.Get("hub.topic"),
		challenge: q.Get("hub.challenge"),
		lease:     q.Get("hub.lease_seconds"),
		reason:    oneLine(q.Get("hub.reason"), maxReason),
	}
}

func (in intent) challenges() bool { return in.challenge != "" && len(in.challenge) <= maxChallenge }

// serveIntent answers a hub that verifies what we asked for, or says no. Whatever we did not ask for gets 404, as
// §5.3.1 demands.
func (s *Subscriber) serveIntent(w http.ResponseWriter, r *http.Request, path string) {
	in, now := parseIntent(r.URL.RawQuery), time.Now().UTC()
	var ok bool
	var err error
	switch in.mode {
	case "subscribe":
		ok, err = s.confirm(path, in, now)
	case "unsubscribe":
		ok = s.confirmEnd(path, in)
	case "denied":
		ok, err = s.denied(path, in, now)
		in.challenge = ""
	}
	switch {
	case err != nil:
		s.unready(w, err)
	case !ok:
		answer(w, http.StatusNotFound, "not found")
	default:
		s.Wake()
		header(w)
		_, _ = io.WriteString(w, in.challenge)
	}
}

// confirm activates a subscription if it is wanted. A hub may ask again at any time whether an active one still is
// (§5), so that only a pending one must have been asked for lately.
func (s *Subscriber) confirm(path string, in intent, now time.Time) (bool, error) {
	var ok, first bool
	s.mu.Lock()
	if s.leaving[path] != nil {
		s.mu.Unlock()
		return false, nil
	}
	sub, err := s.changeLocked(path, func(sub *store.Subscription) bool {
		ok = in.challenges() && in.topic == sub.Topic && s.expected(*sub, now)
		if !ok {
			return false
		}
		first = sub.State != store.SubscriptionActive
		return activate(sub, now.Add(leaseOf(in.lease)))
	})
	s.mu.Unlock()
	if err == nil && ok && first {
		s.note(sub.Feed, "Subscribed", hostOf(sub.Hub)+" tells of changes, at first until "+sub.Expires.Format(time.DateOnly))
	}
	return ok, err
}

// expected tells whether the verification of a subscription is no surprise.
func (s *Subscriber) expected(sub store.Subscription, now time.Time) bool {
	switch sub.State {
	case store.SubscriptionActive:
		return s.targets[sub.Feed] != nil && sub.Base == s.cfg.BaseURL
	case store.SubscriptionPending:
		age := now.Sub(sub.Requested)
		return s.targets[sub.Feed] != nil && sub.Base == s.cfg.BaseURL && age < intentAge && age > -skew
	}
	return false
}

// activate gives a subscription its lease and reports whether that is worth a write: a hub that asks the same over
// and over must not keep the disk busy.
func activate(sub *store.Subscription, expires time.Time) bool {
	if sub.State == store.SubscriptionActive && sub.Failures == 0 && expires.Sub(sub.Expires).Abs() < time.Minute {
		return false
	}
	if sub.State != store.SubscriptionActive {
		sub.Missed = time.Time{} // what an earlier subscription missed says nothing of this one
	}
	sub.State, sub.Expires, sub.Failures, sub.LastError = store.SubscriptionActive, expires, 0, ""
	return true
}

// confirmEnd agrees to the end of a subscription that is not wanted any more.
func (s *Subscriber) confirmEnd(path string, in intent) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.leaving[path]
	if f == nil || f.sub.Topic != in.topic || !in.challenges() {
		return false
	}
	f.over = true
	return true
}

// denied takes a hub's no, which may come at any time (§5.2).
func (s *Subscriber) denied(path string, in intent, now time.Time) (bool, error) {
	s.mu.Lock()
	if f := s.leaving[path]; f != nil {
		defer s.mu.Unlock()
		f.over = f.over || f.sub.Topic == in.topic
		return f.over, nil
	}
	reason := "the hub refuses it"
	if in.reason != "" {
		reason += ": " + in.reason
	}
	var ok, news bool
	sub, err := s.changeLocked(path, func(sub *store.Subscription) bool {
		ok = in.topic == sub.Topic
		news = ok && sub.State != store.SubscriptionDenied
		if news {
			deny(sub, now, reason)
		}
		return news
	})
	s.mu.Unlock()
	if err == nil && news {
		s.note(sub.Feed, "Subscription refused", reason)
	}
	return ok, err
}

// servePush takes a push. The answer is the same whether its signature is right or not, so that nobody learns
// anything by trying (§7.1.2 allows that); a push with a wrong one does nothing.
func (s *Subscriber) servePush(w http.ResponseWriter, r *http.Request, sub store.Subscription) {
	signed, err := authentic(r, sub.Secret)
	switch {
	case errors.Is(err, errTooLong):
		answer(w, http.StatusRequestEntityTooLarge, "this is too long")
		return
	case err != nil:
		answer(w, http.StatusBadRequest, "the body could not be read")
		return
	case sub.Secret != "" && !signed:
		s.cfg.Log.Debug("a push without a right signature is ignored", "feed", sub.Feed)
	default:
		s.pushed(sub, signed, time.Now().UTC())
	}
	answer(w, http.StatusAccepted, "accepted")
}

// authentic reads a push and tells whether it was signed with the secret.
func authentic(r *http.Request, secret string) (bool, error) {
	body := &io.LimitedReader{R: r.Body, N: maxPush + 1}
	sig, ok := parseSignature(r.Header.Get("X-Hub-Signature"))
	if secret == "" || !ok {
		return false, nil
	}
	ok, err := sig.matches(secret, body)
	if _, long := errors.AsType[*http.MaxBytesError](err); long || body.N == 0 {
		return false, errTooLong
	}
	return ok, err
}

// header sets what every answer has. Plain text that is never sniffed keeps an echoed challenge from becoming a
// page (§8.2).
func header(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
}

func answer(w http.ResponseWriter, status int, text string) {
	header(w)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
