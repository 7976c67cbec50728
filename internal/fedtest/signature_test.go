package fedtest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSignedText compares with what draft-cavage-12 §2.3 writes down for such a request.
func TestSignedText(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/foo%20b?param=value&pet=dog", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Date", "Sun, 05 Jan 2014 21:31:40 GMT")
	r.Header.Set("Digest", digestOf([]byte(`{"hello": "world"}`)))
	got, err := signedText(r, []string{"(request-target)", "host", "date", "digest"})
	want := "(request-target): post /foo%20b?param=value&pet=dog\nhost: example.com\ndate: Sun, 05 Jan 2014 21:31:40 GMT\n" +
		"digest: SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=" // the draft's own digest
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := signedText(r, []string{"cookie"}); err == nil {
		t.Error("a field that is not there was signed")
	}
}

func TestSignReadsBack(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/inbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := (Signing{KeyID: "https://a.example/users/x#main-key", Key: Key("x"), Now: time.Now()}).Sign(r, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	sig, err := parseSignature(r.Header.Get("Signature"))
	if err != nil || sig.KeyID != "https://a.example/users/x#main-key" || strings.Join(sig.Headers, " ") != "host date digest (request-target)" {
		t.Errorf("got %+v, %v", sig, err)
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add(`keyId="k",algorithm="rsa-sha256",headers="(request-target) host date",signature="AAAA"`)
	f.Add(`keyId="k", algorithm="hs2019" ,headers="",signature="AAAA",keyId="l"`)
	f.Add(`keyId="k,signature="AAAA"`)
	f.Fuzz(func(t *testing.T, field string) {
		s, err := parseSignature(field)
		if err != nil {
			return
		}
		again := `keyId="` + s.KeyID + `",algorithm="` + s.Algorithm + `",headers="` + strings.Join(s.Headers, " ") +
			`",signature="` + base64.StdEncoding.EncodeToString(s.Bytes) + `"`
		if back, err := parseSignature(again); err != nil || back.KeyID != s.KeyID || string(back.Bytes) != string(s.Bytes) {
			t.Errorf("%q reads as %+v, which reads as %+v, %v", field, s, back, err)
		}
	})
}

func TestKeyPool(t *testing.T) {
	var p KeyPool
	a := p.Key("a")
	if again, b := p.Key("a"), p.Key("b"); a != again || a == b {
		t.Error("a name has not one key of its own")
	}
	if _, err := parsePublicPEM(publicPEM(p.Key("a"))); err != nil {
		t.Error(err)
	}
	if _, err := parsePublicPEM("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"); err == nil {
		t.Error("a PKCS #1 block was taken")
	}
}
