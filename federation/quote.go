package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"crier/store"
)

// quoteRequest asks for the leave to quote a post (FEP-044f).
type quoteRequest struct {
	ID         string `json:"id,omitempty"`
	Type       string `json:"type"`
	Actor      string `json:"actor"`
	Object     string `json:"object"`     // our post
	Instrument string `json:"instrument"` // the post that quotes it
}

// quoteAnswer is our Accept or Reject of one. Mastodon (4.5) finds its request by the embedded id and takes the
// authorization from result.
type quoteAnswer struct {
	Context []any        `json:"@context"`
	ID      string       `json:"id"`
	Type    string       `json:"type"`
	Actor   string       `json:"actor"`
	To      []string     `json:"to"`
	Object  quoteRequest `json:"object"`
	Result  string       `json:"result,omitempty"`
}

// quoteAuthorization is the proof that a quote was allowed; other servers fetch it before they show the quote.
type quoteAuthorization struct {
	Context           []any  `json:"@context"`
	ID                string `json:"id"`
	Type              string `json:"type"`
	AttributedTo      string `json:"attributedTo"`
	InteractingObject string `json:"interactingObject"` // the post that quotes
	InteractionTarget string `json:"interactionTarget"` // our post
}

// quotesOurs reports whether a post of ours is to be quoted.
func (s *Server) quotesOurs(a *activity) (bool, error) {
	_, ours := s.ids.PostPath(a.objectID())
	return ours, nil
}

// takeQuote answers the wish to quote a post as the post itself promises: by the policy that it was published with.
func (s *Server) takeQuote(_ context.Context, a arrival) error {
	if !s.noted.spend(hostOf(a.actor), a.now) {
		return errTooMany
	}
	request := quoteRequest{ID: a.id, Type: "QuoteRequest", Actor: a.actor, Object: a.objectID(), Instrument: a.instrument()}
	if !sameHost(request.Instrument, a.actor) || !sameHost(a.by.Inbox, a.actor) {
		return &refusal{status: http.StatusBadRequest, reason: "the post that quotes, its author and the inbox must be on one host"}
	}
	allowed, err := s.mayQuote(request.Object, a.actor)
	if err != nil {
		return err
	}
	// Before the answer, so that a request which is cut off here is sent again.
	if quoting := a.doc.one("instrument"); allowed && quoting.embedded() && notItsOwn(a.activity, quoting) == "" {
		if err := s.takeWritten(a, quoting); err != nil {
			return err
		}
	}
	result := "202 Accepted, quote refused"
	if allowed {
		result = "202 Accepted, quote allowed"
	}
	err = s.answerQuote(a, request, allowed, result)
	if errors.Is(err, store.ErrFull) {
		err = s.answerQuote(a, request, false, "202 Accepted, quote refused: there is no room for more")
	}
	if errors.Is(err, store.ErrBlocked) {
		return nil // just now
	}
	return err
}

// answerQuote stores the answer to the wish to quote, with the authorization where it is allowed.
func (s *Server) answerQuote(a arrival, request quoteRequest, allowed bool, result string) error {
	answer := store.QuoteAnswer{Seen: a.seenAs(), Inbox: a.by.Inbox}
	body := quoteAnswer{
		Context: quoteContext(), Type: "Reject", Actor: s.ids.Actor(), To: []string{a.actor}, Object: request,
	}
	if allowed {
		body.Type, body.Result = "Accept", s.ids.Quote(request.Instrument, request.Object)
		answer.Quote = &store.Quote{
			ID: body.Result, Post: request.Object, Quoting: request.Instrument, Actor: a.actor, Allowed: a.now,
		}
	}
	body.ID = s.ids.Activity(body.Type, request.Object, request.Instrument+" "+request.ID)
	encoded, err := encode(body)
	if err != nil {
		return fmt.Errorf("write the answer to the quote request of %s: %w", a.actor, err)
	}
	answer.Answer = store.Activity{ID: body.ID, Type: body.Type, Object: request.Instrument, Body: encoded}
	answer.Log = []store.LogEntry{s.line(a.activity, result, a.now)}
	if err := s.db.AnswerQuote(a.now, answer); err != nil {
		return fmt.Errorf("store the answer to the quote request of %s: %w", a.actor, err)
	}
	s.WakeDeliverer()
	return nil
}

// mayQuote reports whether an actor may quote a post of ours: what the stored post itself says counts, since that is
// what people saw.
func (s *Server) mayQuote(id, actor string) (bool, error) {
	path, _ := s.ids.PostPath(id)
	post, err := s.db.Post(canonicalPath(path))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the post that is to be quoted: %w", err)
	}
	var object struct {
		Policy quotePolicy `json:"interactionPolicy"`
	}
	if post.State != store.PostLive || json.Unmarshal(post.Object, &object) != nil {
		return false, nil
	}
	approved := object.Policy.CanQuote.AutomaticApproval
	if slices.Contains(approved, Public) {
		return true, nil
	}
	if !slices.Contains(approved, s.ids.Followers()) {
		return false, nil
	}
	return s.follows(actor)
}

// serveQuote answers for the authorization of a quote, which ends with the post that is quoted.
func (s *Server) serveQuote(w http.ResponseWriter, r *http.Request) {
	q, err := s.db.Quote(s.ids.Base() + r.URL.Path)
	if errors.Is(err, store.ErrNotFound) {
		s.fail(w, r, http.StatusNotFound, "no such quote was allowed")
		return
	}
	if err != nil {
		s.fault(w, r, fmt.Errorf("read the authorization of a quote: %w", err))
		return
	}
	path, _ := s.ids.PostPath(q.Post)
	post, err := s.db.Post(canonicalPath(path))
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		s.fault(w, r, fmt.Errorf("read the post that is quoted: %w", err))
		return
	case err != nil || post.State != store.PostLive:
		s.fail(w, r, http.StatusGone, "the post that is quoted was deleted")
		return
	}
	body, err := encode(quoteAuthorization{
		Context: quoteContext(), ID: q.ID, Type: "QuoteAuthorization", AttributedTo: s.ids.Actor(),
		InteractingObject: q.Quoting, InteractionTarget: q.Post,
	})
	if err != nil {
		s.fault(w, r, fmt.Errorf("write the authorization of a quote: %w", err))
		return
	}
	newDocument(body, agePost).serve(w, r)
}
