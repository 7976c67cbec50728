package federation

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/internal/fedtest"
)

// signMessage signs a request by RFC 9421 with code that shares nothing with the package's.
func signMessage(t testing.TB, r *http.Request, body []byte, g fedtest.Signing) {
	t.Helper()
	g.Scheme = fedtest.RFC9421
	if err := g.Sign(r, body); err != nil {
		t.Fatal(err)
	}
}

// TestHostileMessages has requests by RFC 9421 that must not make a follower. The actor is real and its key is
// found; what is wrong is the signature.
func TestHostileMessages(t *testing.T) {
	alter := func(name, old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			value := r.Header.Get(name)
			if !strings.Contains(value, old) {
				panic(value + " lacks " + old)
			}
			r.Header.Set(name, strings.Replace(value, old, replacement, 1))
		}
	}
	bob := "https://a.example/users/bob#main-key"
	tests := []struct {
		name   string
		g      func(*fedtest.Signing) // before signing
		before func(*http.Request)
		after  func(*http.Request)
	}{
		{name: "no Signature beside Signature-Input", after: func(r *http.Request) { r.Header.Del("Signature") }},
		{name: "draft signature beside an empty Signature-Input", after: func(r *http.Request) {
			cavage{key: keyPair(t, 1), keyID: "https://a.example/users/alice#main-key", headers: allFour}.sign(t, r)
		}},
		{name: "body swapped (go-fed/httpsig #6)", after: func(r *http.Request) {
			r.Body = http.NoBody
		}},
		{name: "content-digest not covered", g: func(g *fedtest.Signing) { g.Fields = []string{"@method", "@target-uri"} }},
		{name: "method not covered", g: func(g *fedtest.Signing) { g.Fields = []string{"@target-uri", "content-digest"} }},
		{name: "target not covered", g: func(g *fedtest.Signing) { g.Fields = []string{"@method", "content-digest"} }},
		{name: "Host covered, target not", g: func(g *fedtest.Signing) { g.Fields = []string{"@method", "host", "@path", "content-digest"} }},
		{name: "another server's message (relayed)", before: func(r *http.Request) { r.Host = "victim.example" }},
		{name: "a GET made a POST", before: func(r *http.Request) { r.Method = "GET" }, after: func(r *http.Request) { r.Method = "POST" }},
		{name: "other inbox", before: func(r *http.Request) { r.URL.Path = "/inbox" }, after: func(r *http.Request) { r.URL.Path = "/users/user/inbox" }},
		{name: "query added", after: func(r *http.Request) { r.URL.RawQuery = "a=b" }},
		{name: "created yesterday", g: func(g *fedtest.Signing) { g.Now = g.Now.Add(-24 * time.Hour) }},
		{name: "created tomorrow", g: func(g *fedtest.Signing) { g.Now = g.Now.Add(24 * time.Hour) }},
		{name: "created made newer", g: func(g *fedtest.Signing) { g.Now = time.Unix(1000000000, 0) },
			after: func(r *http.Request) {
				alter("Signature-Input", "created=1000000000", fmt.Sprintf("created=%d", time.Now().Unix()))(r)
			}},
		{name: "key of another actor of the server", g: func(g *fedtest.Signing) { g.KeyID = bob }},
		{name: "key on another server", g: func(g *fedtest.Signing) { g.KeyID = "https://b.example/users/alice#main-key" }},
		{name: "key of ours", g: func(g *fedtest.Signing) { g.KeyID = testBase + "/users/user#main-key" }},
		{name: "key in plain http", g: func(g *fedtest.Signing) { g.KeyID = "http://a.example/users/alice#main-key" }},
		{name: "key id is no address", g: func(g *fedtest.Signing) { g.KeyID = "acct:alice@a.example" }},
		{name: "key id swapped after signing", after: alter("Signature-Input", "alice#main-key", "alice#other-key")},
		{name: "somebody else's key", g: func(g *fedtest.Signing) { g.Key = keyPair(t, 2) }},
		{name: "Ed25519 under an RSA key's name", g: func(g *fedtest.Signing) {
			g.Ed25519 = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		}},
		{name: "says HMAC (key confusion)", after: alter("Signature-Input", ";created", `;alg="hmac-sha256";created`)},
		{name: "says none", after: alter("Signature-Input", ";created", `;alg="none";created`)},
		{name: "says Ed25519", after: alter("Signature-Input", ";created", `;alg="ed25519";created`)},
		{name: "keyid twice", after: alter("Signature-Input", ";keyid=", `;keyid="`+bob+`";keyid=`)},
		{name: "label twice", after: alter("Signature-Input", "sig1=", `sig1=("@method");created=1;keyid="`+bob+`", sig1=`)},
		{name: "component for a whole list", after: alter("Signature-Input", `"@method" `, `"@method" "@method" `)},
		{name: "a component's parameter", after: alter("Signature-Input", `"@target-uri"`, `"@target-uri";req`)},
		{name: "nine labels", after: func(r *http.Request) {
			for i := range 8 {
				r.Header.Add("Signature-Input", fmt.Sprintf(`x%d=("@method");created=1;keyid="k"`, i))
			}
		}},
		{name: "a megabyte of labels", after: func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Repeat(`x=("@method");created=1;keyid="k", `, 30_000)+r.Header.Get("Signature-Input"))
		}},
		{name: "two digests, one wrong", after: alter("Content-Digest", "sha-256", "sha-512=:AAAA:, sha-256")},
		{name: "digest by nothing known", after: alter("Content-Digest", "sha-256", "md5")},
		{name: "unsigned second Content-Digest", after: func(r *http.Request) { r.Header.Add("Content-Digest", "md5=:AAAA:") }},
		{name: "zero signature", after: func(r *http.Request) {
			r.Header.Set("Signature", "sig1=:"+strings.Repeat("A", 342)+"==:")
		}},
		{name: "empty signature", after: func(r *http.Request) { r.Header.Set("Signature", "sig1=::") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			body := []byte(alice.follow())
			r := postTo(t, testInbox, string(body), time.Now())
			g := fedtest.Signing{KeyID: alice.keyID(), Key: alice.pair, Now: time.Now()}
			if test.g != nil {
				test.g(&g)
			}
			if test.before != nil {
				test.before(r)
			}
			signMessage(t, r, body, g)
			if test.after != nil {
				test.after(r)
			}
			w := d.receive(r)
			if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if d.followers() != "" || len(d.queue()) != 0 || len(d.told()) != 0 {
				t.Error("something was stored")
			}
			if n := alice.reads(); n > 2 {
				t.Errorf("%d requests went out", n)
			}
		})
	}
}

// TestMessageThroughProxies has what a proxy may do without making a good signature wrong.
func TestMessageThroughProxies(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"nothing":             func(*http.Request) {},
		"another Host":        func(r *http.Request) { r.Host = "127.0.0.1:8080" },
		"more fields":         func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
		"its own signature":   func(r *http.Request) { prepend(r, `proxy=("@method");created=1;keyid="cdn"`, "proxy=:AAAA:") },
		"whole address":       func(r *http.Request) { r.RequestURI = testInbox },
		"fields it takes out": func(r *http.Request) { r.Header.Del("Date") },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			r := postTo(t, testInbox, alice.follow(), time.Now())
			signMessage(t, r, []byte(alice.follow()), fedtest.Signing{
				KeyID: alice.keyID(), Key: alice.pair, Now: time.Now(),
				Fields: []string{"@method", "@target-uri", "@authority", "host", "content-digest"}, // as Fedify, less date
			})
			change(r)
			if w := d.receive(r); w.Code != 202 || d.followers() != "alice@a.example accepted" {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

// prepend puts a signature in front of the one that is there.
func prepend(r *http.Request, input, signature string) {
	r.Header.Set("Signature-Input", input+", "+r.Header.Get("Signature-Input"))
	r.Header.Set("Signature", signature+", "+r.Header.Get("Signature"))
}

// TestProxySignsAsWell: of two good signatures the one by the actor's server counts.
func TestProxySignsAsWell(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	body := []byte(alice.follow())
	r := postTo(t, testInbox, string(body), time.Now())
	signMessage(t, r, body, fedtest.Signing{KeyID: "https://cdn.example/keys#1", Key: keyPair(t, 2), Now: time.Now()})
	input := strings.Replace(r.Header.Get("Signature-Input"), "sig1", "cdn", 1)
	value := strings.Replace(r.Header.Get("Signature"), "sig1", "cdn", 1)
	signMessage(t, r, body, fedtest.Signing{KeyID: alice.keyID(), Key: alice.pair, Now: time.Now()})
	prepend(r, input, value)
	if w := d.receive(r); w.Code != 202 || d.followers() != "alice@a.example accepted" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// TestRefusalSaysHow: a 401 names both ways to sign, for those that listen.
func TestRefusalSaysHow(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	w := d.receive(postTo(t, testInbox, alice.follow(), time.Now()))
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" ||
		w.Header().Get("Accept-Signature") != `sig1=("@method" "@target-uri" "content-digest");created` {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestHostileMultikeys has actors whose Multikey must not count, each for a reason of its own. The message is
// rightly signed with the key.
func TestHostileMultikeys(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	good := func() map[string]any {
		return map[string]any{
			"id": "https://a.example/users/alice#ed25519-key", "type": "Multikey",
			"controller": "https://a.example/users/alice", "publicKeyMultibase": multikey(key.Public().(ed25519.PublicKey)),
		}
	}
	with := func(name string, value any) func(map[string]any) {
		return func(doc map[string]any) {
			m := good()
			m[name] = value
			if value == nil {
				delete(m, name)
			}
			doc["assertionMethod"] = []any{m}
		}
	}
	other := multikey(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey))
	tests := []struct {
		name   string
		change func(map[string]any)
		want   int
	}{
		{"good", func(doc map[string]any) { doc["assertionMethod"] = []any{good()} }, 202},
		{"one, not a list", func(doc map[string]any) { doc["assertionMethod"] = good() }, 202},
		{"the only key", func(doc map[string]any) {
			delete(doc, "publicKey")
			doc["assertionMethod"] = []any{good()}
		}, 202},
		{"not listed", func(map[string]any) {}, 401},
		{"no controller", with("controller", nil), 401},
		{"controller is another actor", with("controller", "https://a.example/users/bob"), 401},
		{"controller on another host", with("controller", "https://b.example/users/alice"), 401},
		{"id on another host", with("id", "https://b.example/users/alice#ed25519-key"), 401},
		{"id of another key", with("id", "https://a.example/users/alice#other"), 401},
		{"somebody else's key", with("publicKeyMultibase", other), 401},
		{"no key", with("publicKeyMultibase", nil), 401},
		{"a number for a key", with("publicKeyMultibase", 7), 401},
		{"a key in hex", with("publicKeyMultibase", "fed01"), 401},
		{"a very long key", with("publicKeyMultibase", "z"+strings.Repeat("z", 500_000)), 401},
		{"a reference", func(doc map[string]any) { doc["assertionMethod"] = []any{"https://a.example/users/alice#ed25519-key"} }, 401},
		{"a text", func(doc map[string]any) { doc["assertionMethod"] = "x" }, 401},
		{"the same id twice, the other first", func(doc map[string]any) {
			m := good()
			m["publicKeyMultibase"] = other
			doc["assertionMethod"] = []any{m, good()}
		}, 401},
		{"eleventh key", func(doc map[string]any) {
			var all []any
			for i := range 10 {
				m := good()
				m["id"] = fmt.Sprintf("https://a.example/users/alice#%d", i)
				all = append(all, m)
			}
			doc["assertionMethod"] = append(all, good())
		}, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			alice.bend(test.change)
			r := postTo(t, testInbox, alice.follow(), time.Now())
			signMessage(t, r, []byte(alice.follow()), fedtest.Signing{
				KeyID: "https://a.example/users/alice#ed25519-key", Ed25519: key, Now: time.Now(),
			})
			if w := d.receive(r); w.Code != test.want {
				t.Errorf("status %d, want %d: %s", w.Code, test.want, w.Body)
			}
			if got := d.followers(); (got != "") != (test.want == 202) {
				t.Errorf("followers %q", got)
			}
		})
	}
}

// TestKeyIDWithoutFragment: an actor with one key may be named by its own id.
func TestKeyIDWithoutFragment(t *testing.T) {
	key := func(doc map[string]any, id string, pair int) map[string]any {
		return map[string]any{"id": id, "owner": doc["id"], "publicKeyPem": publicPEM(keyPair(t, pair))}
	}
	for name, c := range map[string]struct {
		keys func(doc map[string]any) any // alice signs with pair 1
		want int
	}{
		"one key": {func(doc map[string]any) any { return doc["publicKey"] }, 202},
		"two keys": {func(doc map[string]any) any {
			return []any{doc["publicKey"], key(doc, "https://a.example/users/alice#2", 2)}
		}, 401},
		"named so": {func(doc map[string]any) any { return key(doc, "https://a.example/users/alice", 1) }, 202},
		"the second so": {func(doc map[string]any) any {
			return []any{key(doc, "https://a.example/users/alice#2", 2), key(doc, "https://a.example/users/alice", 1)}
		}, 202},
		"another named so": {func(doc map[string]any) any {
			return []any{doc["publicKey"], key(doc, "https://a.example/users/alice", 2)}
		}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			alice.bend(func(doc map[string]any) { doc["publicKey"] = c.keys(doc) })
			r := postTo(t, testInbox, alice.follow(), time.Now())
			cavage{key: alice.pair, keyID: alice.id(), headers: allFour, label: "rsa-sha256"}.sign(t, r)
			if got := d.receive(r).Code; got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
		})
	}
}

// TestSignedReads: a request without a body is read by the same rules, in both ways.
func TestSignedReads(t *testing.T) {
	now := time.Now()
	for _, scheme := range []fedtest.Scheme{fedtest.Cavage, fedtest.RFC9421} {
		for _, key := range []fedtest.Signing{{Key: keyPair(t, 1)}, {Ed25519: ed25519.NewKeyFromSeed(make([]byte, 32))}} {
			for _, target := range []string{"/users/user", "/users/user/outbox?page=1&x=%20", "/posts/example.com/%C3%BC/"} {
				read := func(change func(*http.Request)) error {
					r, err := http.NewRequest(http.MethodGet, testBase+target, nil)
					if err != nil {
						t.Fatal(err)
					}
					key.KeyID, key.Now, key.Scheme = "https://a.example/actor#main-key", now, scheme
					if err := key.Sign(r, nil); err != nil {
						t.Fatal(err)
					}
					r.RequestURI = r.URL.RequestURI()
					if change != nil {
						change(r)
					}
					s, err := readSignature(r, nil, testBase, now)
					if err != nil {
						return err
					}
					if key.Ed25519 != nil {
						return s.verify(key.Ed25519.Public())
					}
					return s.verify(&key.Key.PublicKey)
				}
				if err := read(nil); err != nil {
					t.Errorf("%q %s: %v", scheme, target, err)
				}
				for name, change := range map[string]func(*http.Request){
					"another target": func(r *http.Request) { r.RequestURI += "/" },
					"another method": func(r *http.Request) { r.Method = "HEAD" },
					"no signature":   func(r *http.Request) { r.Header.Del("Signature") },
				} {
					if err := read(change); err == nil {
						t.Errorf("%q %s with %s: taken", scheme, target, name)
					}
				}
			}
		}
	}
}
