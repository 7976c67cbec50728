package federation

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxSignature     = 8 << 10 // bytes of a Signature header; an RSA signature of 8192 bits has 1,368
	maxSignedHeaders = 40
)

// signature is a parsed Signature header (draft-cavage-http-signatures-12 §2.1).
type signature struct {
	keyID            string
	headers          []string // what is signed, in order, in lower case
	created, expires int64    // Unix seconds
	hasCreated       bool
	hasExpires       bool
	value            string // base64
}

// covers reports whether a header or pseudo-header is signed.
func (s signature) covers(name string) bool { return refs(s.headers).Has(name) }

// parseSignature reads the value of a Signature header. It is lenient about white space, order and the
// case of names, since senders differ, and strict about everything that could be read in two ways.
// The algorithm is not read: the type of the key decides, never the message.
func parseSignature(header string) (signature, error) {
	if len(header) > maxSignature {
		return signature{}, errors.New("the Signature header is too long")
	}
	params, err := parseParams(header)
	if err != nil {
		return signature{}, err
	}
	s := signature{keyID: params["keyid"], value: params["signature"]}
	if s.keyID == "" || s.value == "" {
		return signature{}, errors.New("the Signature header lacks keyId or signature")
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(s.value); err != nil {
		return signature{}, errors.New("the signature is not in base64")
	}
	if s.headers, err = signedHeaders(params["headers"]); err != nil {
		return signature{}, err
	}
	if s.created, s.hasCreated, err = moment(params, "created"); err != nil {
		return signature{}, err
	}
	if s.expires, s.hasExpires, err = moment(params, "expires"); err != nil {
		return signature{}, err
	}
	return s, nil
}

// parseParams splits name="value" pairs at their commas; names come back in lower case.
func parseParams(s string) (map[string]string, error) {
	params := map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return params, nil
		}
		name, rest, found := strings.Cut(s, "=")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		if !found || !isName(name) {
			return nil, errors.New("the Signature header is no list of name=\"value\"")
		}
		if _, again := params[name]; again {
			return nil, fmt.Errorf("the Signature header has %s twice", name)
		}
		value, rest, err := paramValue(strings.TrimLeft(rest, " \t"))
		if err != nil {
			return nil, fmt.Errorf("the Signature header's %s: %w", name, err)
		}
		params[name], s = value, strings.TrimLeft(rest, " \t")
		if s != "" && s[0] != ',' {
			return nil, fmt.Errorf("the Signature header has something behind the value of %s", name)
		}
	}
}

// paramValue cuts a quoted string or a bare word off the beginning of s.
func paramValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		if strings.Contains(s[:end], `"`) || end == 0 {
			return "", "", errors.New("the value is neither quoted nor a word")
		}
		return s[:end], s[end:], checkValue(s[:end])
	}
	value, rest, closed := strings.Cut(s[1:], `"`)
	if !closed {
		return "", "", errors.New("the quotation does not end")
	}
	return value, rest, checkValue(value)
}

// checkValue refuses what no value needs: nothing that belongs into one needs escaping, and readers disagree
// on what an escape means.
func checkValue(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return errors.New("the value has characters that do not belong there")
	}
	return nil
}

// signedHeaders splits the list of what is signed.
func signedHeaders(list string) ([]string, error) {
	names := strings.Fields(strings.ToLower(list))
	if len(names) > maxSignedHeaders {
		return nil, errors.New("the Signature header signs too many headers")
	}
	known := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "(request-target)" || name == "(created)" || name == "(expires)":
		case !isName(name):
			return nil, errors.New("the Signature header signs what is no header")
		}
		if known[name] {
			return nil, fmt.Errorf("the Signature header signs %s twice", name)
		}
		known[name] = true
	}
	return names, nil
}

// moment reads a parameter that is a time in Unix seconds.
func moment(params map[string]string, name string) (seconds int64, has bool, err error) {
	text, has := params[name]
	if !has {
		return 0, false, nil
	}
	seconds, err = strconv.ParseInt(text, 10, 64)
	// The signed text repeats the number: only its one plain spelling can be what the sender signed.
	if err != nil || seconds <= 0 || strconv.FormatInt(seconds, 10) != text {
		return 0, false, fmt.Errorf("the Signature header's %s is no time", name)
	}
	return seconds, true, nil
}

// isName reports whether s can be the name of a header or parameter, in lower case.
func isName(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
