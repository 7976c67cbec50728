package msgsig

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"
)

const (
	maxLabels     = 8  // signatures of one request
	maxComponents = 40 // of one signature
	maxKeyID      = 2048
)

// Window says how far from now a signature may be.
type Window struct {
	Past, Future time.Duration // since it was created, until it is
	Expired      time.Duration // since it expired, for clocks that differ
}

// Signature is one signature of a message that fulfils all rules which need no key.
type Signature struct {
	Label string
	KeyID string
	Alg   string // as stated; empty: not stated

	base  string // what is signed
	value []byte
}

// Value is the signature itself.
func (s Signature) Value() []byte { return s.value }

// Read returns the signatures of a message that fulfil the rules, in the order in which they stand there. The
// rules: it names its key and when it was created; that is within the window, and a stated expiry has not
// passed; it covers @method, the whole address (@target-uri, or @authority with the target) and, where there is a
// body, content-digest, which then is right; what it covers is all there and covered once. Where none
// does, the error says why the first does not. The algorithm is not judged: the key decides.
func Read(m Message, now time.Time, w Window) ([]Signature, error) {
	inputs, err := dictionary(m.Header.Values("Signature-Input"))
	if err != nil {
		return nil, fmt.Errorf("the Signature-Input: %w", err)
	}
	values, err := dictionary(m.Header.Values("Signature"))
	if err != nil {
		return nil, fmt.Errorf("the Signature: %w", err)
	}
	labels := inputs.Names()
	if len(labels) == 0 || len(labels) > maxLabels {
		return nil, fmt.Errorf("there are %d signatures; 1 to %d are read", len(labels), maxLabels)
	}
	r := reader{m: m, now: now, window: w, inputs: inputs, values: values}
	var good []Signature
	var first error
	for _, label := range labels {
		s, err := r.read(label)
		if err == nil {
			good = append(good, s)
		} else if first == nil {
			first = err
		}
	}
	if len(good) == 0 {
		return nil, first
	}
	if m.Body != nil {
		if err := CheckDigest(m.Header.Values("Content-Digest"), m.Body); err != nil {
			return nil, err
		}
	}
	return good, nil
}

// reader is the state of one Read.
type reader struct {
	m              Message
	now            time.Time
	window         Window
	inputs, values *httpsfv.Dictionary
}

// read judges one signature.
func (r reader) read(label string) (Signature, error) {
	member, _ := r.inputs.Get(label)
	covered, ok := member.(httpsfv.InnerList)
	if !ok {
		return Signature{}, errors.New("the Signature-Input has no list of what is covered")
	}
	member, _ = r.values.Get(label)
	item, _ := member.(httpsfv.Item)
	value, _ := item.Value.([]byte)
	if len(value) == 0 {
		return Signature{}, errors.New("the Signature-Input belongs to no signature")
	}
	if err := checkCovered(covered, r.m); err != nil {
		return Signature{}, err
	}
	if err := r.checkTimes(covered.Params); err != nil {
		return Signature{}, err
	}
	s := Signature{Label: label, value: value}
	if s.KeyID, ok = textParam(covered.Params, "keyid"); !ok || s.KeyID == "" || len(s.KeyID) > maxKeyID {
		return Signature{}, errors.New("the signature names no key")
	}
	if s.Alg, ok = textParam(covered.Params, "alg"); !ok {
		return Signature{}, errors.New("the signature's algorithm is no text")
	}
	var err error
	s.base, err = r.m.base(covered)
	return s, err
}

// checkCovered makes sure that nothing which decides about the request is left unsigned.
func checkCovered(covered httpsfv.InnerList, m Message) error {
	if len(covered.Items) > maxComponents {
		return errors.New("the signature covers too much")
	}
	seen := map[string]bool{}
	for _, item := range covered.Items {
		name, ok := item.Value.(string)
		if !ok || len(item.Params.Names()) > 0 {
			return errors.New("the signature covers something that is not known")
		}
		if seen[name] {
			return fmt.Errorf("the signature covers %.40q twice", name)
		}
		seen[name] = true
	}
	whole := seen["@target-uri"] || seen["@authority"] && coversTarget(seen, m.Target)
	switch {
	case !seen["@method"]:
		return errors.New("the signature does not cover @method")
	case !whole:
		return errors.New("the signature does not cover @target-uri")
	case m.Body != nil && !seen["content-digest"]:
		return errors.New("the signature does not cover content-digest")
	}
	return nil
}

// coversTarget reports whether path and query are covered, without the address in front of them.
func coversTarget(covers map[string]bool, target string) bool {
	return covers["@request-target"] || covers["@path"] && (covers["@query"] || !slices.Contains([]byte(target), '?'))
}

// checkTimes makes sure that the signature is of now. It has to say when it was made: else it could be used
// again for ever.
func (r reader) checkTimes(params *httpsfv.Params) error {
	value, _ := params.Get("created")
	seconds, ok := value.(int64)
	if !ok {
		return errors.New("the signature does not say when it was created")
	}
	created := time.Unix(seconds, 0)
	if created.After(r.now.Add(r.window.Future)) || created.Before(r.now.Add(-r.window.Past)) {
		return fmt.Errorf("the signature is of %s, too far from now", created.UTC().Format(time.RFC3339))
	}
	value, stated := params.Get("expires")
	if !stated {
		return nil
	}
	if seconds, ok = value.(int64); !ok {
		return errors.New("the signature's expiry is no time")
	}
	if r.now.After(time.Unix(seconds, 0).Add(r.window.Expired)) {
		return errors.New("the signature has expired")
	}
	return nil
}

// textParam reads a parameter that is a string; one that is missing is an empty one.
func textParam(params *httpsfv.Params, name string) (value string, ok bool) {
	any, stated := params.Get(name)
	if !stated {
		return "", true
	}
	value, ok = any.(string)
	return value, ok
}
