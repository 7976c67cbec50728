package fedtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errScripted is the Err of an arrival that a Fault answered.
var errScripted = errors.New("refused as scripted")

// Arrival is one request to an inbox, accepted or not.
type Arrival struct {
	Time      time.Time
	Inbox     string // path: "/inbox" or "/users/NAME/inbox"
	Actor     string // id, as the activity says
	Type      string
	ID        string
	Object    string // id of the object, or of the object's object where that is embedded without an id
	Body      []byte
	Header    http.Header
	Signature Signature // as parsed; empty where there was none
	Verified  bool      // signature and key owner were checked and right
	Duplicate bool      // the id had taken effect before: this one did nothing
	Effect    string    // what it did: "note stored for alice, anna"; or why it did nothing
	Status    int       // of the answer
	Err       error     // why it was refused; nil where it was not
}

// activity is what is read of an activity before its object is looked into.
type activity struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Actor  string          `json:"actor"`
	Object json.RawMessage `json:"object"`
	To     oneOrMany       `json:"to"`
	CC     oneOrMany       `json:"cc"`
	Target string          `json:"target"`
}

// oneOrMany reads a string or a list of strings.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// objectID returns the id of an object that stands as a string or as itself.
func objectID(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	var o struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return ""
	}
	return o.ID
}

// refusal is an error with the status to answer.
type refusal struct {
	status int
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, err: fmt.Errorf(format, args...)}
}

func (s *Server) serveInbox(w http.ResponseWriter, r *http.Request) {
	in, act, err := s.readArrival(r)
	if err == nil {
		err = s.receive(r, &in, act)
	}
	in.Status, in.Err = http.StatusAccepted, err
	var no *refusal
	if errors.As(err, &no) {
		in.Status = no.status
	}
	s.record(in)
	if err != nil {
		http.Error(w, err.Error(), in.Status)
		return
	}
	w.WriteHeader(in.Status)
}

// readArrival reads a request and what its activity says of itself; nothing of it is believed yet.
func (s *Server) readArrival(r *http.Request) (Arrival, activity, error) {
	in := Arrival{Time: s.now(), Inbox: r.URL.Path, Header: r.Header.Clone()}
	var act activity
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return in, act, refuse(http.StatusBadRequest, "read body: %w", err)
	}
	in.Body = body
	if len(body) > maxBody {
		return in, act, refuse(http.StatusRequestEntityTooLarge, "activity is larger than %d bytes", maxBody)
	}
	if ct := r.Header.Get("Content-Type"); !isActivityType(ct) {
		return in, act, refuse(http.StatusUnsupportedMediaType, "content type %q is none of ActivityPub", ct)
	}
	if err := json.Unmarshal(body, &act); err != nil {
		return in, act, refuse(http.StatusBadRequest, "activity is not readable: %w", err)
	}
	in.Actor, in.Type, in.ID, in.Object = act.Actor, act.Type, act.ID, objectID(act.Object)
	return in, act, nil
}

// receive verifies an activity and lets it take effect.
func (s *Server) receive(r *http.Request, in *Arrival, act activity) error {
	if name := r.PathValue("name"); name != "" {
		if _, ok := s.Actor(name); !ok {
			return refuse(http.StatusNotFound, "no actor %q here", name)
		}
	}
	if act.Type == "Delete" && act.Actor == in.Object && !s.knows(act.Actor) {
		in.Effect = "ignored: a Delete of an actor unknown here" // Mastodon asks for no signature then
		return nil
	}
	sig, err := s.verify(r, in.Body, act.Actor)
	in.Signature = sig
	switch {
	case errors.Is(err, errKeyFetch) && !hasStatus(err, http.StatusGone, http.StatusNotFound):
		return refuse(http.StatusServiceUnavailable, "%w", err)
	case err != nil:
		return refuse(http.StatusUnauthorized, "%w", err)
	}
	in.Verified = true
	if act.ID == "" || !sameHost(act.ID, act.Actor) {
		return refuse(http.StatusBadRequest, "activity id %q is not on the host of its actor %s", act.ID, act.Actor)
	}
	s.mu.Lock()
	in.Duplicate = s.seen[act.ID] && act.Type != "Follow" // a repeated Follow is accepted again, as Mastodon does
	s.seen[act.ID] = true
	s.mu.Unlock()
	if in.Duplicate {
		in.Effect = "ignored: arrived before"
		return nil
	}
	in.Effect, err = s.apply(r.Context(), act)
	return err
}

// knows reports whether the actor was met before.
func (s *Server) knows(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.remotes[id]
	return ok
}

// apply lets a verified activity take effect and says which. Like Mastodon it answers 202 to what it has
// no use for; only what breaks a rule that some server enforces is an error.
func (s *Server) apply(ctx context.Context, act activity) (string, error) {
	switch act.Type {
	case "Create":
		return s.applyNote(ctx, act, false)
	case "Update":
		return s.applyUpdate(ctx, act)
	case "Delete":
		return s.applyDelete(act)
	case "Follow":
		return s.applyFollow(ctx, act)
	case "Accept", "Reject":
		return s.applyAnswer(act)
	case "Undo":
		return s.applyUndo(act)
	case "Move":
		return s.applyMove(ctx, act)
	}
	return "ignored: a " + act.Type + " means nothing here", nil
}

func (s *Server) record(in Arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = append(s.arrivals, in)
	s.touch()
}

// Arrivals returns all that came to the inboxes so far, in the order in which it was done with.
func (s *Server) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Arrival(nil), s.arrivals...)
}

// WaitFor waits for the first arrival, past ones included, that match takes. The error is that of ctx.
func (s *Server) WaitFor(ctx context.Context, match func(Arrival) bool) (Arrival, error) {
	var found Arrival
	next := 0
	err := s.Wait(ctx, func() bool {
		all := s.Arrivals()
		for ; next < len(all); next++ {
			if match(all[next]) {
				found = all[next]
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("wait for an arrival at %s: %w", s.base, err)
	}
	return found, nil
}
