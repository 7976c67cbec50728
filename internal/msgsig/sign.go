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

// application is label and tag of our signatures. Label, tag, nonce and the order of what is covered are those of
// the strictest reader known, a fork of Activity-Relay that NodeBB 4 has taken as its own pattern; Mastodon 4.5,
// Fedify and WordPress ask for less and mind none of it.
const application = "activitypub"

// Sign returns the fields that make a message signed: Signature-Input, Signature and, with a body,
// Content-Digest. It covers @method, @authority, @target-uri and, where they are there, content-digest,
// content-type and date. The nonce must be another one each time, and not be a number: WordPress would
// write it without quotes.
func (s Signer) Sign(m Message, nonce string, now time.Time) (http.Header, error) {
	fields := http.Header{}
	m.Header = m.Header.Clone()
	if m.Body != nil {
		fields.Set("Content-Digest", Digest(m.Body))
		m.Header.Set("Content-Digest", fields.Get("Content-Digest"))
	}
	covered := m.toCover()
	covered.Params.Add("created", now.Unix())
	covered.Params.Add("keyid", s.KeyID)
	covered.Params.Add("alg", algRSA)
	covered.Params.Add("nonce", nonce)
	covered.Params.Add("tag", application)
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
	fields.Set("Signature-Input", application+"="+input)
	fields.Set("Signature", application+"=:"+base64.StdEncoding.EncodeToString(value)+":")
	return fields, nil
}

// toCover lists what we sign of a message.
func (m Message) toCover() httpsfv.InnerList {
	list := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range []string{"@method", "@authority", "@target-uri", "content-digest", "content-type", "date"} {
		if name[0] == '@' || len(m.Header.Values(name)) > 0 {
			list.Items = append(list.Items, httpsfv.NewItem(name))
		}
	}
	return list
}
