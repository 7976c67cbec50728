package federation

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSignIsUnderstoodByOthers(t *testing.T) {
	key := keyPair(t, 0)
	targets := []string{
		"https://a.example/inbox",
		"https://a.example",
		"https://a.example/",
		"https://a.example/users/alice%40home/inbox",
		"https://a.example/a%2Fb/inbox",
		"https://a.example/a%20b/inbox",
		"https://a.example/%C3%BC/inbox",
		"https://a.example/ü/inbox",
		"https://a.example/inbox?",
		"https://a.example/inbox?a=b&c=%20d",
		"https://a.example:8443/inbox",
		"https://a.example/a;b,c(d)/inbox",
		"https://a.example//inbox",
	}
	for _, target := range targets {
		for _, body := range []string{"", `{"id":"https://fedi.example.com/x"}`} {
			t.Run(target, func(t *testing.T) {
				method, signedBody := http.MethodGet, []byte(nil)
				if body != "" {
					method, signedBody = http.MethodPost, []byte(body)
				}
				r, err := http.NewRequest(method, target, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if err := (signer{"https://fedi.example.com/users/user#main-key", key}).sign(r, signedBody, time.Now()); err != nil {
					t.Fatal(err)
				}
				got, gotBody := overTheWire(t, r)
				if signedBody == nil {
					gotBody = nil
				}
				if err := plainVerify(got, gotBody, &key.PublicKey); err != nil {
					t.Fatalf("%s: %v", got.Header.Get("Signature"), err)
				}
				signed, err := readSignature(got, gotBody, "https://"+got.Host, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				if err := signed.verify(&key.PublicKey); err != nil {
					t.Fatal(err)
				}
				signedAnew(t, method, target, signedBody)
			})
		}
	}
}

// signedAnew signs a request by RFC 9421 and compares what came over the wire with the text that its readers
// write by what they see: the request line and the Host header.
func signedAnew(t *testing.T, method, target string, body []byte) {
	t.Helper()
	key := keyPair(t, 0)
	r, err := http.NewRequest(method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := (signer{"https://fedi.example.com/users/user#main-key", key}).signBy(schemeRFC9421, r, body, now); err != nil {
		t.Fatal(err)
	}
	got, gotBody := overTheWire(t, r)
	covered := `("@method" "@authority" "@target-uri" "date")`
	text := "\"@method\": " + method + "\n\"@authority\": " + got.Host + "\n\"@target-uri\": https://" + got.Host + got.RequestURI + "\n"
	if body == nil {
		gotBody = nil
	} else {
		covered = `("@method" "@authority" "@target-uri" "content-digest" "date")`
		text += "\"content-digest\": sha-256=:" + strings.TrimPrefix(digestOf(body), "SHA-256=") + ":\n"
	}
	text += "\"date\": " + now.UTC().Format(http.TimeFormat) + "\n"
	params, found := strings.CutPrefix(got.Header.Get("Signature-Input"), "activitypub=")
	want := fmt.Sprintf(`%s;created=%d;keyid="https://fedi.example.com/users/user#main-key";alg="rsa-v1_5-sha256";nonce="`, covered, now.Unix())
	if !found || !strings.HasPrefix(params, want) || !strings.HasSuffix(params, `";tag="activitypub"`) {
		t.Errorf("Signature-Input %s, want %s…", got.Header.Get("Signature-Input"), want)
	}
	value := strings.TrimSuffix(strings.TrimPrefix(got.Header.Get("Signature"), "activitypub=:"), ":")
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text + `"@signature-params": ` + params))
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], raw); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	if got.Header.Get("Date") == "" || got.Header.Get("Digest") != "" {
		t.Errorf("Date %q, Digest %q", got.Header.Get("Date"), got.Header.Get("Digest"))
	}
	signed, err := readSignature(got, gotBody, "https://"+got.Host, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.verify(&key.PublicKey); err != nil {
		t.Error(err)
	}
}

func TestSignWritesWhatPeersAskFor(t *testing.T) {
	r := postTo(t, "https://a.example/inbox", "{}", time.Unix(0, 0))
	r.Header.Del("Digest")
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	if err := (signer{"https://fedi.example.com/users/user#main-key", keyPair(t, 0)}).sign(r, []byte("{}"), now); err != nil {
		t.Fatal(err)
	}
	s := r.Header.Get("Signature")
	for _, want := range []string{
		`keyId="https://fedi.example.com/users/user#main-key"`, `algorithm="rsa-sha256"`,
		`headers="(request-target) host date digest"`,
	} {
		if !strings.Contains(s, want) {
			t.Errorf("%s lacks %s", s, want)
		}
	}
	if got, want := r.Header.Get("Date"), "Wed, 04 Mar 2026 04:06:07 GMT"; got != want {
		t.Errorf("Date %q, want %q", got, want)
	}
	if _, has := r.Header["Host"]; has {
		t.Error("Host was left in the header map")
	}
	// A second attempt replaces what the first one set.
	if err := (signer{"k", keyPair(t, 0)}).sign(r, []byte("{}"), now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Header.Values("Signature")) + len(r.Header.Values("Digest")) + len(r.Header.Values("Date")); n != 3 {
		t.Errorf("%d headers after the second signing", n)
	}
}

func TestSignGetLeavesDigestOut(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://a.example/users/alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := (signer{"k", keyPair(t, 0)}).sign(r, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Header.Get("Signature"), `headers="(request-target) host date"`) || r.Header.Get("Digest") != "" {
		t.Error(r.Header)
	}
}

func TestSignConcurrently(t *testing.T) {
	key := keyPair(t, 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				r := postTo(t, "https://a.example/inbox", "{}", time.Now())
				if err := (signer{"k", key}).sign(r, []byte("{}"), time.Now()); err != nil {
					t.Error(err)
				}
				if err := plainVerify(r, []byte("{}"), &key.PublicKey); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
