package e2e

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"crier/internal/fedtest"
)

func hmacSignature(r *http.Request, m *message, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signedText(r, m.covers)))
	return fmt.Sprintf(`keyId="%s",algorithm="%s",headers="%s",signature="%s"`,
		m.keyID, m.algorithm, strings.Join(m.covers, " "), base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// trap is a follow by a stranger whose server answers something hostile.
type trap struct {
	name, seen string
	document   func(a *arena, p *person, doc map[string]any) // bends the actor's document
	answer     func(a *arena, p *person) http.HandlerFunc    // instead of the document
	bend       func(a *arena, p *person, m *message)
	want       string
	most       int
}

func (k trap) run(a *arena) {
	a.t.Helper()
	p := a.stranger(nil)
	if k.document != nil {
		doc := p.document()
		k.document(a, p, doc)
		p = a.person(p.host, p.name, func(d map[string]any) {
			clear(d)
			for name, v := range doc {
				d[name] = v
			}
		})
	}
	if k.answer != nil {
		a.out.handle(p.host, k.answer(a, p))
	}
	attack{name: k.name, seen: k.seen, body: follow, want: k.want, most: k.most}.sendAs(a, p, k.bend)
}

// sendAs is run for somebody who is there already.
func (k attack) sendAs(a *arena, p *person, bend func(*arena, *person, *message)) {
	a.t.Helper()
	m := a.message(p, k.body)
	if bend != nil {
		bend(a, p, m)
	}
	before, asked := a.state(), len(a.out.since(0))
	a.judge(k, before, asked, a.do(m.request(a.t)))
}

func TestSecurityKeys(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, k := range keys(t) {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			k.want = "401"
			k.run(&b)
			a.serial = b.serial
		})
	}
}

// keys are what a stranger's actor shows as its key; with none of them the follow may count.
func keys(t *testing.T) []trap {
	key := func(change func(p *person, key map[string]any)) func(*arena, *person, map[string]any) {
		return func(_ *arena, p *person, doc map[string]any) { change(p, doc["publicKey"].(map[string]any)) }
	}
	text := func(s string) func(*arena, *person, map[string]any) {
		return key(func(_ *person, key map[string]any) { key["publicKeyPem"] = s })
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	one := &rsa.PublicKey{N: new(big.Int).Lsh(fedtest.Key("mallory").N, 1), E: 1}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16_383, 1), E: 65_537}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(fedtest.Key("mallory"))}))
	return []trap{
		{name: "none", seen: "scanners", most: 2, document: func(_ *arena, _ *person, doc map[string]any) { delete(doc, "publicKey") }},
		{name: "another owner", seen: "fedify GHSA-q9f8-5hc7-898f", most: 2, document: key(func(_ *person, key map[string]any) { key["owner"] = "http://friend.example/users/friend" })},
		{name: "no owner", seen: "FEP-fe34", most: 2, document: key(func(_ *person, key map[string]any) { delete(key, "owner") })},
		{name: "an id on another server", seen: "discourse-activity-pub #325", most: 2, document: key(func(_ *person, key map[string]any) { key["id"] = "http://friend.example/users/friend#main-key" })},
		{name: "another id", seen: "misskey CVE-2023-49079", most: 2, document: key(func(p *person, key map[string]any) { key["id"] = p.id() + "#other" })},
		{name: "of 1024 bits", seen: "CVE-2015-4000's lesson: 1024 bits can be broken", most: 2, document: text(pemOf(&short.PublicKey)),
			bend: func(_ *arena, _ *person, m *message) { m.key = short }},
		{name: "of 16384 bits", seen: "go CVE-2023-29409 (large keys cost time)", most: 2, document: text(pemOf(huge))},
		{name: "with the exponent 1", seen: "forged signatures: CVE-2006-4339's kin", most: 2, document: text(pemOf(one)),
			bend: func(_ *arena, _ *person, m *message) {
				m.then = func(r *http.Request) { r.Header.Set("Signature", rawSignature(r, m, one.Size())) }
			}},
		{name: "of an elliptic curve", seen: "algorithm confusion", most: 2, document: text(pemOf(&curve.PublicKey))},
		{name: "a private key", seen: "a leaked key is no proof", most: 2, document: text(private)},
		{name: "no PEM", seen: "fuzzers", most: 2, document: text("AAAA")},
		{name: "PEM of nothing", seen: "go CVE-2022-24675 (deep PEM)", most: 2, document: text("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")},
		{name: "a hundred thousand PEM borders", seen: "go CVE-2022-24675 (deep PEM)", most: 2, document: text(strings.Repeat("-----BEGIN PUBLIC KEY-----\n", 30_000))},
		{name: "ten thousand keys before it", seen: "mastodon's limit of ten keys", most: 2, document: func(_ *arena, p *person, doc map[string]any) {
			right := doc["publicKey"]
			list := make([]any, 0, 1_001)
			for i := range 1_000 {
				list = append(list, map[string]any{"id": fmt.Sprintf("%s#%d", p.id(), i), "owner": p.id(), "publicKeyPem": pemOf(&p.key.PublicKey)})
			}
			doc["publicKey"] = append(list, right)
		}},
		{name: "in a document that names the friend as owner", seen: "fedify GHSA-q9f8-5hc7-898f; FEP-fe34", most: 2,
			answer: func(_ *arena, p *person) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					writeJSON(w, activity, map[string]any{"id": p.id(), "owner": "http://friend.example/users/friend", "publicKeyPem": pemOf(&p.key.PublicKey)})
				}
			}},
		{name: "in a document of its own that no actor lists", seen: "fedify GHSA-q9f8-5hc7-898f", most: 3,
			bend: func(_ *arena, p *person, m *message) { m.keyID = p.id() + "/my-key" },
			answer: func(_ *arena, p *person) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/my-key") {
						writeJSON(w, activity, map[string]any{"id": p.id() + "/my-key", "owner": p.id(), "publicKeyPem": pemOf(&p.key.PublicKey)})
						return
					}
					doc := p.document()
					delete(doc, "publicKey")
					writeJSON(w, activity, doc)
				}
			}},
	}
}

// rawSignature is what verifies with an exponent of 1: the padded hash itself.
func rawSignature(r *http.Request, m *message, size int) string {
	sum := sha256.Sum256([]byte(signedText(r, m.covers)))
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	tail := append(prefix, sum[:crypto.SHA256.Size()]...)
	padded := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-len(tail)-3)...)
	padded = append(append(padded, 0), tail...)
	return fmt.Sprintf(`keyId="%s",algorithm="rsa-sha256",headers="%s",signature="%s"`,
		m.keyID, strings.Join(m.covers, " "), base64.StdEncoding.EncodeToString(padded))
}
