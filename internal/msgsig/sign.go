package msgsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/dunglas/httpsfv"
)

// Signer is a key that messages are signed with.
type Signer struct {
	KeyID string
	Key   *rsa.PrivateKey
}

// label is what our signatures are called; the name says nothing.
const label = "sig1"

// Sign returns the fields that make a message signed: Signature-Input, Signature and, with a body,
// Content-Digest. It covers what Mastodon 4.5 and all others known ask for, and nothing that a proxy on
// the way might write anew.
func (s Signer) Sign(m Message, now time.Time) (http.Header, error) {
	fields := http.Header{}
	covers := []string{"@method", "@target-uri"}
	if m.Body != nil {
		fields.Set("Content-Digest", Digest(m.Body))
		covers = append(covers, "content-digest")
	}
	m.Header = fields
	covered := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range covers {
		covered.Items = append(covered.Items, httpsfv.NewItem(name))
	}
	covered.Params.Add("created", now.Unix())
	covered.Params.Add("keyid", s.KeyID)
	covered.Params.Add("alg", algRSA)
	base, err := m.base(covered)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(base))
	value, err := rsa.SignPKCS1v15(nil, s.Key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign %s %s%s: %w", m.Method, m.Base, m.Target, err)
	}
	input, err := httpsfv.Marshal(covered)
	if err != nil {
		return nil, fmt.Errorf("write the signature's parameters: %w", err)
	}
	fields.Set("Signature-Input", label+"="+input)
	fields.Set("Signature", label+"=:"+base64.StdEncoding.EncodeToString(value)+":")
	return fields, nil
}
