package federation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	testInbox = testBase + "/users/user/inbox"
	allFour   = "(request-target) host date digest"
)

// incoming is a request as the inbox gets it.
type incoming struct {
	r    *http.Request
	body []byte
}

// check is the whole judgement over a signature, with the one key there is.
func (x incoming) check(key *rsa.PublicKey, now time.Time) error {
	s, err := readSignature(x.r, x.body, testBase, now)
	if err != nil {
		return err
	}
	return s.verify(key)
}

func TestVerifyTakesWhatPeersSend(t *testing.T) {
	key := keyPair(t, 1)
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	at := now.Unix()
	tests := []struct {
		name   string
		c      cavage
		change func(*http.Request)
	}{
		{"plain", cavage{headers: allFour}, nil},
		{"Mastodon", cavage{headers: "host date digest content-type (request-target)", label: "rsa-sha256"}, nil},
		{"GoToSocial", cavage{headers: allFour, label: "hs2019"}, nil},
		{"Misskey", cavage{headers: "(request-target) date host digest", label: "rsa-sha256"}, nil},
		{"Pleroma", cavage{headers: "(request-target) content-length date digest host", label: "rsa-sha256"},
			func(r *http.Request) { r.Header.Set("Content-Length", "2") }},
		{"created instead of date", cavage{headers: "(request-target) (created) host digest", label: "hs2019", created: at}, nil},
		{"created and date", cavage{headers: "(request-target) (created) host date digest", created: at}, nil},
		{"created ahead", cavage{headers: "(request-target) (created) host digest", created: at + 3500}, nil},
		{"created late", cavage{headers: "(request-target) (created) host digest", created: at - 3500}, nil},
		{"created and expires", cavage{headers: "(request-target) (created) (expires) host digest", created: at, expires: at + 60}, nil},
		{"created that is not signed", cavage{headers: allFour, created: at + 40*24*3600}, nil},
		{"date ahead", cavage{headers: allFour}, func(r *http.Request) {
			r.Header.Set("Date", now.Add(59*time.Minute).Format(http.TimeFormat))
		}},
		{"date late", cavage{headers: allFour}, func(r *http.Request) {
			r.Header.Set("Date", now.Add(-64*time.Minute).Format(http.TimeFormat))
		}},
		{"default port", cavage{headers: allFour}, func(r *http.Request) { r.Host = "fedi.example.com:443" }},
		{"capital host", cavage{headers: allFour}, func(r *http.Request) { r.Host = "Fedi.Example.com" }},
		{"several digests", cavage{headers: allFour}, func(r *http.Request) {
			r.Header.Set("Digest", "SHA-512=AAAA, "+r.Header.Get("Digest"))
		}},
		{"small digest name", cavage{headers: allFour}, func(r *http.Request) {
			r.Header.Set("Digest", strings.Replace(r.Header.Get("Digest"), "SHA-256", "sha-256", 1))
		}},
		{"query", cavage{headers: allFour}, func(r *http.Request) { r.URL.RawQuery = "a=b%20c" }},
		{"query that is not signed", cavage{headers: allFour, target: "/users/user/inbox"},
			func(r *http.Request) { r.URL.RawQuery = "a=b" }},
		{"an Authorization header", cavage{headers: allFour}, func(r *http.Request) {
			r.Header.Set("Authorization", `Signature keyId="x",headers="host",signature="AAAA"`)
		}},
		{"keyId with a comma", cavage{headers: allFour, keyID: "https://a.example/users/a,b#main-key"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := postTo(t, testInbox, "{}", now)
			if test.change != nil {
				test.change(r)
			}
			test.c.key = key
			if test.c.keyID == "" {
				test.c.keyID = "https://a.example/users/alice#main-key"
			}
			test.c.sign(t, r)
			r.RequestURI = r.URL.RequestURI()
			s, err := readSignature(r, []byte("{}"), testBase, now)
			if err != nil {
				t.Fatal(err)
			}
			if s.keyID != test.c.keyID {
				t.Errorf("keyId %q", s.keyID)
			}
			// The clock of the library cannot be set, so what expires is judged by readSignature alone.
			if err := s.verify(&key.PublicKey); err != nil {
				t.Fatal(err)
			}
			if err := s.verify(&keyPair(t, 2).PublicKey); err == nil {
				t.Error("another key verifies it as well")
			}
			if _, has := r.Header["Host"]; has {
				t.Error("Host was written into the header map of the request")
			}
		})
	}
}

func TestVerifySpellings(t *testing.T) {
	key := keyPair(t, 1)
	now := time.Now()
	spell := map[string]func(string) string{
		"blanks":          func(s string) string { return strings.ReplaceAll(s, `",`, `" , `) },
		"one blank":       func(s string) string { return strings.ReplaceAll(s, `",`, `", `) },
		"small keyid":     func(s string) string { return strings.Replace(s, "keyId=", "keyid=", 1) },
		"trailing comma":  func(s string) string { return s + "," },
		"unknown":         func(s string) string { return s + `,opaque="x,y=z"` },
		"capital headers": func(s string) string { return strings.Replace(s, "host date", "Host Date", 1) },
		"blanks in list":  func(s string) string { return strings.Replace(s, "host date", "host  date", 1) },
		"blank at equals": func(s string) string { return strings.Replace(s, `headers="`, `headers = "`, 1) },
	}
	for name, change := range spell {
		t.Run(name, func(t *testing.T) {
			r := postTo(t, testInbox, "{}", now)
			cavage{key: key, keyID: "https://a.example/k", headers: allFour, label: "rsa-sha256"}.sign(t, r)
			r.Header.Set("Signature", change(r.Header.Get("Signature")))
			if err := (incoming{r, []byte("{}")}).check(&key.PublicKey, now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	key := keyPair(t, 1)
	now := time.Now()
	at := now.Unix()
	resign := func(change func(*http.Request), headers string) func(*testing.T, *http.Request) {
		return func(t *testing.T, r *http.Request) {
			if change != nil {
				change(r)
			}
			cavage{key: key, keyID: "https://a.example/k", headers: headers}.sign(t, r)
		}
	}
	date := func(d time.Duration) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Date", now.Add(d).UTC().Format(http.TimeFormat)) }
	}
	swap := func(old, new string) func(*testing.T, *http.Request) {
		return func(t *testing.T, r *http.Request) {
			resign(nil, allFour)(t, r)
			s := r.Header.Get("Signature")
			if !strings.Contains(s, old) {
				t.Fatalf("%s lacks %s", s, old)
			}
			r.Header.Set("Signature", strings.Replace(s, old, new, 1))
		}
	}
	tests := map[string]func(*testing.T, *http.Request){
		"unsigned":                    func(*testing.T, *http.Request) {},
		"empty":                       func(_ *testing.T, r *http.Request) { r.Header.Set("Signature", "") },
		"Authorization instead":       authorizationOnly(key),
		"RFC 9421 by half":            resign(func(r *http.Request) { r.Header.Set("Signature-Input", `sig1=("@method");created=1`) }, allFour),
		"host alone":                  resign(nil, "host"),
		"without (request-target)":    resign(nil, "host date digest"),
		"without host":                resign(nil, "(request-target) date digest"),
		"without date":                resign(nil, "(request-target) host digest"),
		"without digest":              resign(nil, "(request-target) host date"),
		"no headers parameter":        swap(`headers="`+allFour+`",`, ""),
		"empty headers parameter":     swap(allFour, ""),
		"date of 2001":                resign(func(r *http.Request) { r.Header.Set("Date", "Mon, 01 Jan 2001 00:00:00 GMT") }, allFour),
		"date an hour ahead":          resign(date(61*time.Minute), allFour),
		"date an hour late":           resign(date(-66*time.Minute), allFour),
		"no date to read":             resign(func(r *http.Request) { r.Header.Set("Date", "now") }, allFour),
		"created without its value":   resign(nil, "(request-target) (created) host digest"),
		"two Signature lines":         func(t *testing.T, r *http.Request) { resign(nil, allFour)(t, r); r.Header.Add("Signature", "x") },
		"two Date lines":              resign(func(r *http.Request) { r.Header.Add("Date", r.Header.Get("Date")) }, allFour),
		"two Digest lines":            resign(func(r *http.Request) { r.Header.Add("Digest", r.Header.Get("Digest")) }, allFour),
		"a signed header that is not": resign(nil, allFour+" x-missing"),
		"header twice in the list":    resign(nil, allFour+" host"),
		"keyId twice":                 swap(`keyId="https://a.example/k"`, `keyId="https://a.example/k",keyid="https://b.example/k"`),
		"signature twice":             swap(`signature="`, `signature="AAAA",signature="`),
		"headers twice":               swap(`headers="`, `headers="host",headers="`),
		"no keyId":                    swap(`keyId="https://a.example/k",`, ""),
		"unknown pseudo-header":       swap(allFour, allFour+" (query)"),
		"quotation that does not end": swap(`headers="`+allFour+`"`, `headers="`+allFour),
		"escape in a quotation":       swap("a.example/k", `a.example\/k`),
		"text behind a value":         swap(`/k"`, `/k"x`),
		"no base64":                   swap(`signature="`, `signature="*`),
		"foreign host":                resign(func(r *http.Request) { r.Host = "evil.example" }, allFour),
		"foreign port":                resign(func(r *http.Request) { r.Host = "fedi.example.com:8443" }, allFour),
		"no digest by SHA-256":        resign(func(r *http.Request) { r.Header.Set("Digest", "SHA-512=AAAA") }, allFour),
		"two digests by SHA-256":      resign(func(r *http.Request) { d := r.Header.Get("Digest"); r.Header.Set("Digest", d+","+d) }, allFour),
		"digest of another body":      resign(func(r *http.Request) { r.Header.Set("Digest", digestOf([]byte("{ }"))) }, allFour),
		"too long": func(_ *testing.T, r *http.Request) {
			r.Header.Set("Signature", `keyId="`+strings.Repeat("a", 9000)+`"`)
		},
		"created too far ahead":       created(key, at+3700, 0),
		"created too long ago":        created(key, at-4000, 0),
		"expired":                     created(key, at-120, at-60),
		"created that is no number":   swap(`keyId=`, `created=soon,keyId=`),
		"created with a sign":         swap(`keyId=`, `created=+1,keyId=`),
		"signature of other capitals": otherCase,
		"the key of somebody else": func(t *testing.T, r *http.Request) {
			cavage{key: keyPair(t, 2), keyID: "https://a.example/k", headers: allFour}.sign(t, r)
		},
		"another method in the text": func(t *testing.T, r *http.Request) { r.Method = "PUT"; resign(nil, allFour)(t, r); r.Method = "POST" },
		"another target in the text": func(t *testing.T, r *http.Request) {
			cavage{key: key, keyID: "k", headers: allFour, target: "/inbox"}.sign(t, r)
		},
		"a query that was not there": func(t *testing.T, r *http.Request) {
			cavage{key: key, keyID: "k", headers: allFour, target: "/users/user/inbox?a=b"}.sign(t, r)
		},
		"line break in a signed target": func(t *testing.T, r *http.Request) {
			cavage{key: key, keyID: "k", headers: "(request-target) host date", target: "/inbox\nhost: x"}.sign(t, r)
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			r := postTo(t, testInbox, "{}", now)
			prepare(t, r)
			if err := (incoming{r, []byte("{}")}).check(&key.PublicKey, now); err == nil {
				t.Errorf("accepted: %s", r.Header.Get("Signature"))
			}
		})
	}
}

func authorizationOnly(key *rsa.PrivateKey) func(*testing.T, *http.Request) {
	return func(t *testing.T, r *http.Request) {
		cavage{key: key, keyID: "https://a.example/k", headers: allFour}.sign(t, r)
		r.Header.Set("Authorization", "Signature "+r.Header.Get("Signature"))
		r.Header.Del("Signature")
	}
}

func created(key *rsa.PrivateKey, created, expires int64) func(*testing.T, *http.Request) {
	headers := "(request-target) (created) host digest"
	if expires != 0 {
		headers += " (expires)"
	}
	return func(t *testing.T, r *http.Request) {
		cavage{key: key, keyID: "k", headers: headers, created: created, expires: expires}.sign(t, r)
	}
}

func otherCase(t *testing.T, r *http.Request) {
	cavage{key: keyPair(t, 1), keyID: "k", headers: allFour}.sign(t, r)
	s := r.Header.Get("Signature")
	i := strings.Index(s, `signature="`) + len(`signature="`)
	r.Header.Set("Signature", s[:i]+strings.ToUpper(s[i:]))
}

// TestOneByteOff changes every byte of everything that goes into a signature, one at a time, and expects
// refusal each time, from the package and from a verifier that shares no code with it.
func TestOneByteOff(t *testing.T) {
	key := keyPair(t, 1)
	now := time.Now()
	const body = `{"id":"https://a.example/1","type":"Follow"}`
	fresh := func() incoming {
		r := postTo(t, testInbox+"?q=1", body, now)
		cavage{key: key, keyID: "https://a.example/users/alice#main-key", headers: allFour, label: "rsa-sha256"}.sign(t, r)
		r.RequestURI = r.URL.RequestURI()
		return incoming{r, []byte(body)}
	}
	header := func(name string) (func(incoming) string, func(*incoming, string)) {
		return func(x incoming) string { return x.r.Header.Get(name) },
			func(x *incoming, s string) { x.r.Header.Set(name, s) }
	}
	lines := []struct {
		name string
		get  func(incoming) string
		set  func(*incoming, string)
	}{
		{name: "request-target", get: func(x incoming) string { return x.r.RequestURI }, set: func(x *incoming, s string) { x.r.RequestURI = s }},
		{name: "method", get: func(x incoming) string { return x.r.Method }, set: func(x *incoming, s string) { x.r.Method = s }},
		{name: "host", get: func(x incoming) string { return x.r.Host }, set: func(x *incoming, s string) { x.r.Host = s }},
		{name: "body", get: func(x incoming) string { return string(x.body) }, set: func(x *incoming, s string) { x.body = []byte(s) }},
		{name: "Date"}, {name: "Digest"},
	}
	for i := range lines {
		if lines[i].get == nil {
			lines[i].get, lines[i].set = header(lines[i].name)
		}
	}
	good := fresh()
	if err := good.check(&key.PublicKey, now); err != nil {
		t.Fatal(err)
	}
	if err := plainVerify(good.r, good.body, &key.PublicKey); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		t.Run(line.name, func(t *testing.T) {
			for i := range len(line.get(good)) {
				x := fresh()
				changed := []byte(line.get(x))
				changed[i] ^= 1
				line.set(&x, string(changed))
				if line.name == "Digest" && strings.EqualFold(string(changed), line.get(good)) {
					continue
				}
				if err := x.check(&key.PublicKey, now); err == nil {
					t.Errorf("byte %d changed to %q: accepted", i, changed)
				}
				if err := plainVerify(x.r, x.body, &key.PublicKey); err == nil {
					t.Errorf("byte %d changed to %q: accepted by the other verifier", i, changed)
				}
			}
		})
	}
	t.Run("Signature", func(t *testing.T) {
		whole := good.r.Header.Get("Signature")
		for i := range len(whole) {
			x := fresh()
			changed := []byte(x.r.Header.Get("Signature"))
			changed[i] ^= 1
			x.r.Header.Set("Signature", string(changed))
			s, err := readSignature(x.r, x.body, testBase, now)
			if err != nil || s.verify(&key.PublicKey) != nil {
				continue
			}
			// The key's id and the label are no part of the signed text. The id is bound in another
			// way: it names another key, or none. The label is never looked at.
			if strings.HasPrefix(whole[i:], `",headers`) || s.keyID != "https://a.example/users/alice#main-key" {
				continue
			}
			if label := strings.Index(whole, "algorithm="); i >= label && i < label+len(`algorithm="rsa-sha256"`) {
				continue
			}
			t.Errorf("byte %d changed: %s accepted", i, changed)
		}
	})
}

func TestParseKey(t *testing.T) {
	spki := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	good := &keyPair(t, 0).PublicKey
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(good)}))
	for name, text := range map[string]string{
		"SPKI": spki(good), "PKCS #1": pkcs1, "blanks": "\n  " + strings.TrimSpace(spki(good)),
	} {
		if got, err := parseKey(text); err != nil || !good.Equal(got) {
			t.Errorf("%s: %v", name, err)
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseKey(spki(ed)); err != nil || !ed.Equal(got) {
		t.Errorf("Ed25519: %v", err)
	}
	huge := *good
	huge.N = new(big.Int).Lsh(good.N, 8192)
	for name, text := range map[string]string{
		"nothing": "", "no PEM": "hello", "1024 bits": spki(&small.PublicKey), "ECDSA": spki(&ec.PublicKey),
		"10240 bits": spki(&huge), "certificate": strings.ReplaceAll(spki(good), "PUBLIC KEY", "CERTIFICATE"),
		"cut": spki(good)[:100],
	} {
		if _, err := parseKey(text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUnsignedIsTold(t *testing.T) {
	_, err := readSignature(postTo(t, testInbox, "{}", time.Now()), []byte("{}"), testBase, time.Now())
	if !errors.Is(err, errUnsigned) {
		t.Error(err)
	}
}

func TestHostOfABaseWithPort(t *testing.T) {
	for host, want := range map[string]bool{
		"fedi.example.com:8443": true, "fedi.example.com": true, "fedi.example.com:443": false, "fedi.example.com:8444": false, "": false,
	} {
		if got := isOurHost(host, "https://fedi.example.com:8443"); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func FuzzSignatureHeader(f *testing.F) {
	f.Add(`keyId="https://a.example/users/alice#main-key",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="AAAA"`)
	f.Add(`keyid="a",created=1,expires=2,headers="(created) (expires)",signature="AA=="`)
	f.Add(`signature="AAAA", keyId="x" , headers = "HOST"`)
	f.Add(`keyId="\"",signature=AAAA`)
	f.Fuzz(func(t *testing.T, header string) {
		s, err := parseSignature(header)
		if err != nil {
			return
		}
		if s.keyID == "" || s.value == "" || strings.ContainsAny(s.keyID+s.value, "\"\n\r") {
			t.Errorf("%q gave %+v", header, s)
		}
		if slices.ContainsFunc(s.headers, func(h string) bool { return h != strings.ToLower(h) || strings.ContainsAny(h, "\" \n,") }) {
			t.Errorf("%q signs %q", header, s.headers)
		}
		again, err := parseSignature(`keyId="` + s.keyID + `",headers="` + strings.Join(s.headers, " ") + `",signature="` + s.value + `"`)
		if err != nil {
			t.Fatalf("%q: what was read cannot be read again: %v", header, err)
		}
		s.created, s.expires, s.hasCreated, s.hasExpires = 0, 0, false, false
		if d := cmp.Diff(s, again, cmp.AllowUnexported(signature{})); d != "" {
			t.Error(d)
		}
		r := postTo(t, testInbox, "{}", time.Now())
		r.Header.Set("Signature", header)
		r.Body = io.NopCloser(bytes.NewReader([]byte("{}")))
		if err := (incoming{r, []byte("{}")}).check(&keyPair(t, 0).PublicKey, time.Now()); err == nil {
			t.Errorf("%q verifies", header)
		}
	})
}
