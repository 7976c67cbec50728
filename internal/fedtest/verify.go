package fedtest

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// dateWindow is how far a Date may be off: Misskey's 300 s, the smallest known.
const dateWindow = 5 * time.Minute

// keyTimeout bounds the fetch of a key while an inbox request waits: peers give up after 5 s and more.
const keyTimeout = 4 * time.Second

// Signature is a parsed Signature field.
type Signature struct {
	KeyID     string
	Algorithm string
	Headers   []string // lower case, in order
	Bytes     []byte
	Scheme    Scheme
}

type remoteKey struct {
	owner string
	key   crypto.PublicKey
}

// errKeyFetch marks a key that could not be had, as opposed to a signature that is wrong.
var errKeyFetch = errors.New("key not to be had")

// parseSignature reads a Signature field. Repeated parameters and whatever is no quoted parameter are
// refused: a reader that takes the first and one that takes the last would see different signatures.
func parseSignature(field string) (Signature, error) {
	params := map[string]string{}
	for rest := strings.TrimSpace(field); rest != ""; {
		name, after, ok := strings.Cut(rest, "=")
		if !ok || !strings.HasPrefix(after, `"`) {
			return Signature{}, fmt.Errorf("signature parameter %.40q has no quoted value", rest)
		}
		value, tail, ok := strings.Cut(after[1:], `"`)
		if !ok {
			return Signature{}, fmt.Errorf("signature parameter %.40q has no end", rest)
		}
		name = strings.TrimSpace(name)
		if _, twice := params[name]; twice {
			return Signature{}, fmt.Errorf("signature parameter %q stands twice", name)
		}
		params[name] = value
		tail = strings.TrimSpace(tail)
		if tail != "" && !strings.HasPrefix(tail, ",") {
			return Signature{}, fmt.Errorf("signature goes on with %.20q, want a comma", tail)
		}
		rest = strings.TrimSpace(strings.TrimPrefix(tail, ","))
	}
	s := Signature{KeyID: params["keyId"], Algorithm: params["algorithm"], Headers: strings.Fields(strings.ToLower(params["headers"]))}
	if s.KeyID == "" || params["signature"] == "" {
		return s, errors.New("signature without keyId or signature")
	}
	var err error
	if s.Bytes, err = base64.StdEncoding.DecodeString(params["signature"]); err != nil {
		return s, fmt.Errorf("signature is not base64: %w", err)
	}
	return s, s.checkLists()
}

func (s Signature) checkLists() error {
	// PeerTube's and Joyent's libraries refuse a signature without a named algorithm, Joyent's hs2019 too.
	if s.Scheme == Cavage && s.Algorithm != "rsa-sha256" && s.Algorithm != "hs2019" {
		return fmt.Errorf("algorithm %q, want rsa-sha256", s.Algorithm)
	}
	sorted := slices.Sorted(slices.Values(s.Headers))
	if len(slices.Compact(sorted)) != len(s.Headers) {
		return fmt.Errorf("a field is signed twice: %q", s.Headers)
	}
	return nil
}

// verify checks the signature of an incoming request. body is nil for a GET. owner is the actor that must
// own the key; empty: anybody.
func (s *Server) verify(r *http.Request, body []byte, owner string) (Signature, error) {
	sig, text, err := s.readSignature(r, body)
	if err != nil {
		return sig, err
	}
	for _, fresh := range []bool{false, true} { // a second time with the key as it is now: it may have been changed
		key, cached, err := s.remoteKey(r.Context(), sig.KeyID, fresh)
		if err != nil {
			return sig, err
		}
		if owner != "" && key.owner != owner {
			return sig, fmt.Errorf("key %s belongs to %s, not to %s", sig.KeyID, key.owner, owner)
		}
		if fits(key.key, text, sig.Bytes) {
			return sig, nil
		}
		if !cached {
			break
		}
	}
	return sig, fmt.Errorf("signature by %s does not match the request", sig.KeyID)
}

// readSignature checks all of a signature that needs no key, and returns the text that was signed.
func (s *Server) readSignature(r *http.Request, body []byte) (sig Signature, text string, err error) {
	scheme := Cavage
	if r.Header.Get("Signature-Input") != "" {
		scheme = RFC9421
	}
	if o := s.signaturePolicy(); o.Only && o.Accept != scheme {
		return sig, "", errors.New("signatures of this kind are not taken")
	}
	if scheme == RFC9421 {
		return s.readMessage(r, body)
	}
	fields := r.Header.Values("Signature")
	if len(fields) != 1 {
		return sig, "", fmt.Errorf("%d Signature fields, want one", len(fields))
	}
	if sig, err = parseSignature(fields[0]); err != nil {
		return sig, "", err
	}
	if err := s.checkCovered(r, sig, body); err != nil {
		return sig, "", err
	}
	text, err = signedText(r, sig.Headers)
	return sig, text, err
}

// checkCovered checks that what matters is signed and true: target, host, date, and the digest of a body.
func (s *Server) checkCovered(r *http.Request, sig Signature, body []byte) error {
	want := []string{"(request-target)", "host", "date"}
	if body != nil {
		want = append(want, "digest")
	}
	for _, name := range want {
		if !slices.Contains(sig.Headers, name) {
			return fmt.Errorf("%s is not signed (signed are %s)", name, strings.Join(sig.Headers, " "))
		}
	}
	if !strings.EqualFold(r.Host, s.bind) {
		return fmt.Errorf("request is for host %q, this is %q", r.Host, s.bind)
	}
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return fmt.Errorf("field Date is not a date: %w", err)
	}
	if off := s.now().Sub(date); off.Abs() > dateWindow {
		return fmt.Errorf("date is off by %s, at most %s will do", off.Round(time.Second), dateWindow)
	}
	if body != nil && r.Header.Get("Digest") != digestOf(body) {
		return fmt.Errorf("digest is not that of the body")
	}
	return nil
}

// remoteKey returns the key with that id, from memory unless fresh.
func (s *Server) remoteKey(ctx context.Context, keyID string, fresh bool) (k remoteKey, cached bool, err error) {
	if !fresh {
		s.mu.Lock()
		k, cached = s.keyCache[keyID]
		s.mu.Unlock()
		if cached {
			return k, true, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	if k, err = s.fetchKey(ctx, keyID); err != nil {
		return k, false, fmt.Errorf("%w: %w", errKeyFetch, err)
	}
	s.mu.Lock()
	s.keyCache[keyID] = k
	s.mu.Unlock()
	return k, false, nil
}

// fetchKey reads the document at the key id without its fragment, and takes the owner's actor document as
// the authority: a key document proves nothing about its owner (FEP-fe34).
func (s *Server) fetchKey(ctx context.Context, keyID string) (remoteKey, error) {
	at, _, _ := strings.Cut(keyID, "#")
	f, err := s.Get(ctx, at, typeActivity+", "+typeLD)
	if err != nil {
		return remoteKey{}, fmt.Errorf("fetch key %s: %w", keyID, err)
	}
	doc, err := decodeObject(f) // its id is not compared: GoToSocial's key document bears the actor's
	if err != nil {
		return remoteKey{}, fmt.Errorf("fetch key %s: %w", keyID, err)
	}
	pk, _ := doc["publicKey"].(map[string]any)
	if pk == nil {
		pk = doc // a key document in the strict sense
	}
	owner, _ := pk["owner"].(string)
	if !sameHost(owner, keyID) {
		return remoteKey{}, fmt.Errorf("key %s names %q as its owner, on another host", keyID, owner)
	}
	if id, _ := doc["id"].(string); owner != at || id != at {
		if doc, err = s.getObject(ctx, owner); err != nil {
			return remoteKey{}, fmt.Errorf("fetch owner of key %s: %w", keyID, err)
		}
	}
	a, err := actorOf(doc)
	if err != nil {
		return remoteKey{}, fmt.Errorf("owner of key %s: %w", keyID, err)
	}
	key, err := keyIn(a, keyID)
	if err != nil {
		return remoteKey{}, err
	}
	return remoteKey{owner: a.ID, key: key}, nil
}

func sameHost(a, b string) bool {
	ua, errA := url.Parse(a)
	ub, errB := url.Parse(b)
	return errA == nil && errB == nil && ua.Host != "" && ua.Host == ub.Host && ua.Scheme == ub.Scheme
}
