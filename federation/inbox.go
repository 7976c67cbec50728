package federation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"crier/store"
)

const (
	maxInbox   = 1 << 20          // bytes of an activity; Mastodon's and tootik's bound
	maxSource  = 8 << 10          // bytes of an activity that are kept with its line in the log
	notedMost  = 60               // activities that change nothing here, by one host in a minute
	busyWait   = 30 * time.Second // Retry-After of 429 and 503
	signNeeded = `Signature realm="crier",headers="(request-target) host date digest"`

	// signAccepted asks for a signature by RFC 9421 (§5.1); Fedify 2.1 does as it says.
	signAccepted = `sig1=("@method" "@target-uri" "content-digest");created`
)

// refusal is why a request to the inbox is not accepted.
type refusal struct {
	status int
	reason string // told to the sender
	cause  error  // not told: how a look-up failed would make us a scanner of other people's networks
}

func (e *refusal) Error() string {
	if e.cause != nil && e.cause.Error() != e.reason {
		return e.reason + ": " + e.cause.Error()
	}
	return e.reason
}

func (e *refusal) Unwrap() error { return e.cause }

// unauthorized refuses a request whose sender is not proved. The reason is about the request alone.
func unauthorized(err error) error {
	return &refusal{status: http.StatusUnauthorized, reason: err.Error(), cause: err}
}

// serveInbox takes what other servers send, at the actor's inbox and the shared one. The answers are
// 202 for all that was stored or is of no interest, and those of refusal; nothing is answered with 202
// that ought to be stored and is not.
func (s *Server) serveInbox(w http.ResponseWriter, r *http.Request) {
	err := s.takeActivity(w, r)
	var refused *refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
		return
	case !errors.As(err, &refused):
		// The only other errors are those of our own store. Senders try again after a 503.
		level := slog.LevelError
		if s.db.Trouble() != nil {
			level = slog.LevelDebug // said once by who watches the store; strangers would fill the log, and the disk
		}
		s.log.Log(r.Context(), level, "activity not stored", "err", err)
		refused = &refusal{status: http.StatusServiceUnavailable, reason: "not now"}
	default:
		s.warnOfProxy(err)
		s.log.Debug("activity refused", "status", refused.status, "err", err, "from", r.RemoteAddr)
	}
	switch refused.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", signNeeded)
		w.Header().Set("Accept-Signature", signAccepted)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110 §12.5.3
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(busyWait.Seconds())))
	}
	http.Error(w, refused.reason, refused.status)
}

// takeActivity does all checks in the order of their cost, so that what is of no interest (and most of
// what a server on the fediverse gets is) costs next to nothing, and nobody's word makes us fetch
// anything unless it may concern us.
func (s *Server) takeActivity(w http.ResponseWriter, r *http.Request) error {
	if s.work.full() {
		return errOverloaded
	}
	body, err := readActivity(w, r)
	if err != nil {
		return err
	}
	defer s.work.begin()()
	a, err := parseActivity(body)
	if err != nil {
		return &refusal{status: http.StatusBadRequest, reason: err.Error()}
	}
	if s.blocked(a.actor) {
		return nil
	}
	a.inbox = s.ids.Base() + r.URL.Path
	if ignore, err := s.aboutStranger(a); ignore || err != nil {
		return err
	}
	err = s.takeSigned(r, a)
	var refused *refusal
	if s.cfg.Profile.HideFollowers && a.ofItself() && errors.As(err, &refused) && refused.status == http.StatusUnauthorized {
		return nil // the answer to an unproved Delete must not tell who follows
	}
	return err
}

// takeSigned goes on with an activity that may be of interest: only what is signed by its actor counts.
func (s *Server) takeSigned(r *http.Request, a *activity) error {
	signed, err := readSignature(r, a.body, s.ids.Base(), time.Now())
	if err != nil {
		return unauthorized(err)
	}
	a.signature = signed.by(a.actor).fingerprint()
	if a.forwarded && !sameHost(signed.keyID, a.actor) {
		return nil
	}
	if err := s.checkOrigin(a, signed.keyID); err != nil {
		return unauthorized(err)
	}
	kind := s.severally(a, s.kindOf(a.typ))
	if dropped, err := s.isDropped(a, kind); dropped || err != nil {
		return err
	}
	by, key, err := s.authenticate(r.Context(), a, signed)
	if errors.Is(err, errActorGone) && a.typ == "Delete" {
		return s.removeGone(r.Context(), a, signed.keyID)
	}
	if err != nil {
		return err
	}
	arrived := arrival{activity: a, by: by, key: key, now: time.Now()}
	if !s.proved.spend(hostOf(a.actor), arrived.now) {
		return &refusal{status: http.StatusTooManyRequests, reason: "too many activities, try later"}
	}
	if err := s.noteLife(arrived); err != nil {
		return err
	}
	return kind.act(r.Context(), arrived)
}

// isDropped reports whether an activity is answered with 202 and forgotten, by what is known here, the cheapest
// question first. Nobody is asked for it, and its signature is not looked at.
func (s *Server) isDropped(a *activity, kind kind) (bool, error) {
	if kind.act == nil {
		return true, nil
	}
	if known, err := s.alreadyTaken(a); known || err != nil {
		return true, err
	}
	concerned, err := kind.concerns(a)
	return !concerned, err
}

// noteLife has a server that was given up hear from us again: whoever speaks is there. It speaks for its own host
// alone.
func (s *Server) noteLife(a arrival) error {
	inboxes := slices.DeleteFunc([]string{a.by.Inbox, a.by.SharedInbox}, func(inbox string) bool { return !sameHost(inbox, a.actor) })
	revived, err := s.db.SignOfLife(a.now, a.actor, inboxes...)
	if err != nil {
		return fmt.Errorf("note that %s is there: %w", hostOf(a.actor), err)
	}
	if revived {
		s.WakeDeliverer()
	}
	return nil
}

// warnOfProxy tells the owner, once an hour, of what else would go unnoticed: a reverse proxy that does not
// pass on the Host that was asked for makes every signature wrong, and nobody can follow.
func (s *Server) warnOfProxy(err error) {
	var other *hostError
	if !errors.As(err, &other) {
		return
	}
	now := time.Now().Unix()
	if last := s.warned.Load(); now-last >= 3600 && s.warned.CompareAndSwap(last, now) {
		s.log.Warn("a request came for another host and was refused; a reverse proxy in front must pass on the Host header",
			"host", other.host, "ours", s.ids.Host())
	}
}

// arrival is an activity whose actor is proved.
type arrival struct {
	*activity
	by  *actor
	key publicKey
	now time.Time
}

// kind is what is done with one type of activity.
type kind struct {
	// concerns tells, before anything is verified or fetched, whether the activity could matter to us.
	concerns func(*activity) (bool, error)
	// act stores what follows from the activity. nil: activities of this type are dropped.
	act func(context.Context, arrival) error
}

// kindOf is the table of all that is understood.
func (s *Server) kindOf(typ string) kind {
	switch typ {
	case "Follow":
		return kind{s.isForUs, s.takeFollow}
	case "Undo":
		return kind{s.undoConcerns, s.takeUndo}
	case "Delete":
		return kind{s.deleteConcerns, s.takeDelete}
	case "Update":
		return kind{s.updateConcerns, s.takeUpdate}
	case "Block":
		return kind{s.isForUs, s.takeBlock}
	case "QuoteRequest":
		return kind{s.quotesOurs, s.takeQuote}
	case "Create":
		return kind{s.mentionsUs, s.takeCreate}
	case "Like", "EmojiReact":
		return kind{s.mentionsUs, s.takeLike}
	case "Announce":
		return kind{s.mentionsUs, s.takeBoost}
	case "Flag":
		return kind{s.mentionsUs, s.takeReport}
	case "Move":
		return kind{s.mentionsUs, s.takeMove}
	case "Accept", "Reject", "Add", "Remove", "Dislike":
		return kind{s.mentionsUs, s.takeNote}
	}
	return kind{}
}

// readActivity reads the body of a request that may be an activity.
func readActivity(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, &refusal{status: http.StatusMethodNotAllowed, reason: "an inbox takes POST"}
	}
	if !isSentType(r.Header.Get("Content-Type")) {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, reason: "send " + typeActivity}
	}
	if err := refusePacked(r.Header); err != nil {
		return nil, err
	}
	tooLong := &refusal{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("more than %d bytes", maxInbox)}
	if r.ContentLength > maxInbox {
		return nil, tooLong
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInbox))
	var exceeded *http.MaxBytesError
	if errors.As(err, &exceeded) {
		return nil, tooLong
	}
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, reason: "the body could not be read", cause: err}
	}
	return body, nil
}

// isSentType reports whether a Content-Type is one that activities are sent with. The profile is not
// asked for: here it guards against nothing.
func isSentType(contentType string) bool {
	typ, _, err := mime.ParseMediaType(contentType)
	return err == nil && (typ == typeActivity || typ == "application/ld+json")
}

// aboutStranger tells of a Delete or Update of itself by an actor that is unknown here. A server tells
// the deletion of an account to every server it ever heard of; there is no key left to verify it with,
// and nothing to do.
func (s *Server) aboutStranger(a *activity) (bool, error) {
	if !a.ofItself() {
		return false, nil
	}
	known, err := s.knows(a.actor)
	return !known, err
}

// knows reports whether anything is stored of an actor.
func (s *Server) knows(actor string) (bool, error) {
	known, err := s.db.KnowsActor(actor)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", actor, err)
	}
	return known, nil
}

// checkOrigin makes sure that activity, actor and key are of one server, and not of this one: only that
// server is then asked for the key.
func (s *Server) checkOrigin(a *activity, keyID string) error {
	for _, address := range []string{a.actor, keyID} {
		if _, err := s.client.check(address); err != nil {
			return err
		}
	}
	if !sameHost(keyID, a.actor) {
		return errors.New("the key and the actor are on different hosts")
	}
	if a.id != "" && !sameHost(a.id, a.actor) {
		return errors.New("the activity and its actor are on different hosts")
	}
	return nil
}

// errActorGone says that the key of an actor is not there any more.
var errActorGone = errors.New("the actor is gone")

// authenticate finds the key and verifies the signature with it, with the key fetched anew where the
// known one does not fit.
func (s *Server) authenticate(ctx context.Context, a *activity, signed *signedRequest) (*actor, publicKey, error) {
	by, key, err := s.findSigner(ctx, a, signed)
	if err != nil && !errors.Is(err, errBusy) {
		s.resolver.failed.spend(hostOf(a.actor), time.Now())
	}
	return by, key, err
}

func (s *Server) findSigner(ctx context.Context, a *activity, signed *signedRequest) (*actor, publicKey, error) {
	by, key, err := s.resolver.signer(ctx, a.actor, signed.keyID)
	if err != nil {
		return nil, publicKey{}, keyRefusal(err)
	}
	if signed.verify(key.Public) == nil {
		return by, key, s.keepKey(by, key)
	}
	by, key, fresh, err := s.resolver.signerAnew(ctx, a.actor, signed.keyID)
	if err != nil {
		return nil, publicKey{}, keyRefusal(err)
	}
	if !fresh || signed.verify(key.Public) != nil {
		return nil, publicKey{}, unauthorized(errBadSignature)
	}
	return by, key, s.keepKey(by, key)
}

// keyRefusal is the answer where there is no key to verify with.
func keyRefusal(err error) error {
	var ours *storeError
	switch {
	case errors.As(err, &ours):
		return err
	case errors.Is(err, errBusy):
		return &refusal{status: http.StatusTooManyRequests, reason: "too many look-ups, try later", cause: err}
	case isGone(err):
		return &refusal{
			status: http.StatusUnauthorized, reason: "the key of the signature is gone",
			cause: fmt.Errorf("%w: %w", errActorGone, err),
		}
	case isFinal(err):
		return &refusal{status: http.StatusUnauthorized, reason: "the key of the signature is not to be had", cause: err}
	}
	return &refusal{status: http.StatusServiceUnavailable, reason: "the key could not be fetched, try later", cause: err}
}

// line is the log's line about an activity that came in.
func (s *Server) line(a *activity, result string, now time.Time) store.LogEntry {
	typ, object := s.describer().document(a.doc)
	e := store.LogEntry{
		Time: now, Direction: "in", Type: typ, Object: object,
		From: clean(a.actor, maxAddress), To: a.inbox, Result: result,
	}
	if len(a.body) <= maxSource {
		e.Source = a.body
	}
	return e
}

// log202 marks an activity as taken that changed nothing else.
func (s *Server) log202(a arrival, result string) error {
	line := s.line(a.activity, result, a.now)
	if a.seenAs() == "" {
		if err := s.db.AppendLog(line); err != nil {
			return fmt.Errorf("log %s by %s: %w", a.typ, a.actor, err)
		}
		return nil
	}
	if err := s.db.MarkSeen(a.now, a.seenAs(), line); err != nil {
		return fmt.Errorf("store activity %s: %w", a.id, err)
	}
	return nil
}
