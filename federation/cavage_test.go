package federation

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"
)

// vectorCavage is the public key of draft-cavage-12 appendix C. It has 1024 bits: parseKey would refuse it.
const vectorCavage = `-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCFENGw33yGihy92pDjZQhl0C3
6rPJj+CvfSC8+q28hxA161QFNUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6
Z4UMR7EOcpfdUE9Hf3m/hs+FUR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJw
oYi+1hqp1fIekaxsyQIDAQAB
-----END PUBLIC KEY-----`

// TestVectorsOfTheDraft has the examples of appendix C. Their signatures are those of revision 10: the later
// ones print (created) and (expires) in the list of C.3, but its signature is of the text without them.
func TestVectorsOfTheDraft(t *testing.T) {
	block, _ := pem.Decode([]byte(vectorCavage))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseKey(vectorCavage); err == nil {
		t.Error("a key of 1024 bits was taken")
	}
	tests := map[string][2]string{
		"C.1 default": {"date", "SjWJWbWN7i0wzBvtPl8rbASWz5xQW6mcJmn+ibttBqtifLN7Sazz6m79cNfwwb8DMJ5cou1s7uEGKKCs+FLEEaDV5lp7q25WqS+" +
			"lavg7T8hc0GppauB6hbgEKTwblDHYGEtbGmtdHgVCk9SuS13F0hZ8FD0k/5OxEPXe5WozsbM="},
		"C.2 basic": {"(request-target) host date", "qdx+H7PHHDZgy4y/Ahn9Tny9V3GP6YgBPyUXMmoxWtLbHpUnXS2mg2+SbrQDMCJypxBLSPQR2aAjn7ndmw2" +
			"iicw3HMbe8VfEdKFYRqzic+efkb3nndiv/x1xSHDJWeSWkx3ButlYSuBskLu6kd9Fswtemr3lgdDEmn04swr2Os0="},
		"C.3 all": {"(request-target) host date content-type digest content-length", "vSdrb+dS3EceC9bcwHSo4MlyKS59iFIrhgYkz8+oVLEEzmYZZvRs" +
			"8rgOp+63LEM3v+MFHB32NfpB2bEKBIvB1q52LaEUHFv120V01IL+TAD48XaERZFukWgHoBTLMhYS2Gb51gWxpeIq8knRmPnYePbF5MOkR0Zkly4zKH7s1dE="},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := postTo(t, "https://example.com/foo?param=value&pet=dog", `{"hello": "world"}`, time.Date(2014, 1, 5, 21, 31, 40, 0, time.UTC))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Content-Length", "18")
			s, err := parseSignature(`keyId="Test",algorithm="rsa-sha256",headers="` + test[0] + `",signature="` + test[1] + `"`)
			if err != nil {
				t.Fatal(err)
			}
			text, err := cavageText(r, s)
			if err != nil {
				t.Fatal(err)
			}
			if err := verifyCavage(text, s, "/foo?param=value&pet=dog", key); err != nil {
				t.Error(err)
			}
			text.Header.Set("Date", "Sun, 05 Jan 2014 21:31:41 GMT")
			if verifyCavage(text, s, "/foo?param=value&pet=dog", key) == nil {
				t.Error("another Date verifies as well")
			}
		})
	}
}

// signEdCavage signs as the library of Misskey does with Ed25519.
func signEdCavage(t testing.TB, r *http.Request, c cavage, key ed25519.PrivateKey) {
	t.Helper()
	c.key = keyPair(t, 1)
	c.sign(t, r) // the right headers, another key
	value := base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(c.text(r))))
	before, _, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
	r.Header.Set("Signature", before+`signature="`+value+`"`)
}

func TestCavageWithEd25519(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, ed25519.SeedSize))
	now := time.Now()
	for name, c := range map[string]cavage{
		"hs2019":      {headers: allFour, label: "hs2019"},
		"ed25519":     {headers: allFour, label: "ed25519"},
		"no label":    {headers: allFour},
		"wrong label": {headers: allFour, label: "rsa-sha256"}, // never looked at: the key decides
		"created":     {headers: "(request-target) (created) (expires) host digest", label: "hs2019", created: now.Unix(), expires: now.Unix() + 300},
	} {
		t.Run(name, func(t *testing.T) {
			r := postTo(t, testInbox+"?a=b", "{}", now)
			c.keyID = "https://a.example/users/alice#ed25519-key"
			signEdCavage(t, r, c, key)
			r.RequestURI = r.URL.RequestURI()
			s, err := readSignature(r, []byte("{}"), testBase, now)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.verify(key.Public()); err != nil {
				t.Error(err)
			}
			for name, other := range map[string]crypto.PublicKey{
				"another Ed25519 key": ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public(),
				"an RSA key":          &keyPair(t, 1).PublicKey, "no key": nil,
			} {
				if s.verify(other) == nil {
					t.Errorf("%s verifies it", name)
				}
			}
		})
	}
}

func TestDigests(t *testing.T) {
	body := []byte("{}")
	sum := sha512.Sum512(body)
	short, long := digestOf(body), "SHA-512="+base64.StdEncoding.EncodeToString(sum[:])
	for header, want := range map[string]bool{
		short: true, strings.ToLower(short[:7]) + short[7:]: true, long: true, strings.ToLower(long[:7]) + long[7:]: true,
		short + "," + long: true, long + ", " + short: true, "MD5=AAAA, " + short: true,
		"SHA-512=AAAA," + short: true, // the one that all know decides
		short + ",SHA-512=AAAA": true,
		"":                      false, "SHA-256": false, "SHA-256=": false, short + "," + short: false, long + "," + long: false,
		"SHA-256=AAAA," + long: false, "sha-256=:" + short[8:] + ":": false, "SHA-256=" + long[8:]: false, short + "x": false,
		"SHA=" + short[8:]: false, digestOf([]byte("{ }")): false,
	} {
		if err := checkDigest(header, body); (err == nil) != want {
			t.Errorf("%q: %v", header, err)
		}
	}
}

// TestQueryIsWholeOrAbsent: the query may be left out by draft-cavage only as a whole.
func TestQueryIsWholeOrAbsent(t *testing.T) {
	key := keyPair(t, 1)
	now := time.Now()
	for signed, want := range map[string]bool{
		"/users/user/inbox?a=b%20c&d": true, "/users/user/inbox": true,
		"/users/user/inbox?": false, "/users/user/inbox?a=b%20c": false, "/users/user/inbox?a=b c&d": false, "/users/user/%69nbox": false,
	} {
		r := postTo(t, testInbox+"?a=b%20c&d", "{}", now)
		cavage{key: key, keyID: "k", headers: allFour, target: signed}.sign(t, r)
		r.RequestURI = r.URL.RequestURI()
		if err := (incoming{r, []byte("{}")}).check(&key.PublicKey, now); (err == nil) != want {
			t.Errorf("%s: %v", signed, err)
		}
	}
}

// TestLabelIsNotRead: what a signature calls itself is signed by nobody. The key decides, and an HMAC whose secret is
// the public key, which every reader of the label has to refuse by a rule of its own, is no signature at all.
func TestLabelIsNotRead(t *testing.T) {
	d := newDaemon(t)
	x := newStranger(t, d, "a.example", "alice")
	signed := cavage{key: x.pair, keyID: x.keyID(), headers: allFour, label: "hmac-sha256"}
	r := postTo(t, testInbox, x.follow(), time.Now())
	signed.sign(t, r)
	if got := d.receive(r).Code; got != 202 {
		t.Errorf("a good signature with another label: status %d", got)
	}
	for _, secret := range []string{publicPEM(x.pair), strings.TrimSpace(publicPEM(x.pair)), ""} {
		r := postTo(t, testInbox, undo(x, x.follow()), time.Now())
		signed.sign(t, r)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed.text(r)))
		before, _, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
		r.Header.Set("Signature", before+`signature="`+base64.StdEncoding.EncodeToString(mac.Sum(nil))+`"`)
		if got := d.receive(r).Code; got != 401 {
			t.Errorf("an HMAC: status %d", got)
		}
	}
}
