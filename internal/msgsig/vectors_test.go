package msgsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
)

// The keys of RFC 9421 appendix B.1.1, B.1.2 and B.1.4.
const (
	vectorRSA = `-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAhAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp7Pv6Q2jdsPBRrw
WEBnez6d0UDKDwGbc6nxfEXAy5mbhgajzrw3MOEt8uA5txSKobBpKDeBLOsdJKFq
MGmXCQvEG7YemcxDTRPxAleIAgYYRjTSd/QBwVW9OwNFhekro3RtlinV0a75jfZg
kne/YiktSvLG34lw2zqXBDTC5NHROUqGTlML4PlNZS5Ri2U4aCNx2rUPRcKIlE0P
uKxI4T+HIaFpv8+rdV6eUgOrB2xeI1dSFFn/nnv5OoZJEIB+VmuKn3DCUcCZSFlQ
PSXSfBDiUGhwOw76WuSSsf1D4b/vLoJ10wIDAQAB
-----END RSA PUBLIC KEY-----`
	vectorPSS = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`
	vectorEd25519 = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`

	vectorBody   = `{"hello": "world"}`
	vectorDigest = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
)

func publicKey(t testing.TB, text string) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	if block.Type == "RSA PUBLIC KEY" {
		key, err := x509.ParsePKCS1PublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// vectorMessage is the request of appendix B.2.
func vectorMessage() Message {
	return Message{
		Method: "POST", Base: "https://example.com", Host: "example.com", Target: "/foo?param=Value&Pet=dog",
		Header: http.Header{
			"Date":           {"Tue, 20 Apr 2021 02:07:55 GMT"},
			"Content-Type":   {"application/json"},
			"Content-Digest": {vectorDigest},
			"Content-Length": {"18"},
		},
		Body: []byte(vectorBody),
	}
}

// covered reads what a signature of a vector covers.
func covered(t testing.TB, m Message, label string) httpsfv.InnerList {
	t.Helper()
	d, err := dictionary(m.Header.Values("Signature-Input"))
	if err != nil {
		t.Fatal(err)
	}
	member, _ := d.Get(label)
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		t.Fatalf("no %s", label)
	}
	return list
}

// signed puts a vector's signature together without the rules of this package: the examples of the RFC leave
// unsigned what must be signed here.
func signed(t testing.TB, m Message, label string) Signature {
	t.Helper()
	list := covered(t, m, label)
	values, err := dictionary(m.Header.Values("Signature"))
	if err != nil {
		t.Fatal(err)
	}
	member, _ := values.Get(label)
	base, err := m.base(list)
	if err != nil {
		t.Fatal(err)
	}
	alg, _ := textParam(list.Params, "alg")
	return Signature{Alg: alg, base: base, value: member.(httpsfv.Item).Value.([]byte)}
}

// TestVectorEd25519 is appendix B.2.6.
func TestVectorEd25519(t *testing.T) {
	m := vectorMessage()
	m.Header.Set("Signature-Input", `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")`+
		`;created=1618884473;keyid="test-key-ed25519"`)
	m.Header.Set("Signature", "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:")
	s := signed(t, m, "sig-b26")
	const want = `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
	if s.base != want {
		t.Errorf("signed text:\n%s\nwant:\n%s", s.base, want)
	}
	key := publicKey(t, vectorEd25519)
	if err := s.Verify(key); err != nil {
		t.Error(err)
	}
	s.value[3] ^= 1
	if err := s.Verify(key); !errors.Is(err, ErrMismatch) {
		t.Errorf("a changed signature: %v", err)
	}
	// It leaves the body unsigned: nobody may take it here.
	now := time.Unix(1618884473, 0)
	if got, err := Read(m, now, Window{Past: time.Hour, Future: time.Hour}); err == nil {
		t.Errorf("taken: %+v", got)
	}
}

// TestVectorRSA is the proxy's signature of section 4.3, beside that of the client by ECDSA.
func TestVectorRSA(t *testing.T) {
	m := vectorMessage()
	m.Base, m.Host = "https://origin.host.internal.example", "origin.host.internal.example"
	m.Header.Set("Date", "Tue, 20 Apr 2021 02:07:56 GMT")
	m.Header.Set("Forwarded", "for=192.0.2.123;host=example.com;proto=https")
	m.Header.Set("Signature-Input", `sig1=("@method" "@authority" "@path" "content-digest" "content-type" "content-length")`+
		`;created=1618884475;keyid="test-key-ecc-p256", `+
		`proxy_sig=("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded")`+
		`;created=1618884480;keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540`)
	m.Header.Set("Signature", `sig1=:X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A==:, `+
		`proxy_sig=:S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaYmdkDcnL9cC`+
		`pXJleXsOckpURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQ`+
		`fi8NMaZaA8i2ZHwpBdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9d`+
		`dzirrswsE1w5o0LV/g==:`)
	key := publicKey(t, vectorRSA)
	s := signed(t, m, "proxy_sig")
	if err := s.Verify(key); err != nil {
		t.Errorf("%v; signed text:\n%s", err, s.base)
	}
	if err := signed(t, m, "sig1").Verify(key); !errors.Is(err, ErrMismatch) {
		t.Errorf("the client's signature with the proxy's key: %v", err)
	}
	if err := s.Verify(publicKey(t, vectorEd25519)); err == nil || errors.Is(err, ErrMismatch) {
		t.Errorf("a signature that says RSA, with a key of Ed25519: %v", err)
	}
}

// TestVectorFullCoverage is appendix B.2.3, by RSA-PSS: not an algorithm of ours, but the signature proves the text.
func TestVectorFullCoverage(t *testing.T) {
	m := vectorMessage()
	m.Header.Set("Signature-Input", `sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" `+
		`"content-length");created=1618884473;keyid="test-key-rsa-pss"`)
	m.Header.Set("Signature", "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2vo"+
		"Tp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCo"+
		"C1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKE"+
		"gM4cUA==:")
	key, _ := publicKey(t, vectorPSS).(*rsa.PublicKey)
	s := signed(t, m, "sig-b23")
	sum := sha512.Sum512([]byte(s.base))
	if err := rsa.VerifyPSS(key, crypto.SHA512, sum[:], s.value, nil); err != nil {
		t.Errorf("%v; signed text:\n%s", err, s.base)
	}
	// It covers all that is asked for, and its digest is right: it is read, and fails by its algorithm alone.
	got, err := Read(m, time.Unix(1618884473, 0), Window{})
	if err != nil || len(got) != 1 || got[0].KeyID != "test-key-rsa-pss" {
		t.Fatalf("%+v %v", got, err)
	}
	if err := got[0].Verify(key); !errors.Is(err, ErrMismatch) {
		t.Errorf("PSS was taken for PKCS #1 v1.5: %v", err)
	}
}

// TestVectorComponents has the values of sections 2.1 and 2.2.
func TestVectorComponents(t *testing.T) {
	m := Message{
		Method: "POST", Base: "https://www.example.com", Host: "www.example.com", Target: "/path?param=value",
		Header: http.Header{
			"Date":          {"Tue, 20 Apr 2021 02:07:56 GMT"},
			"X-Ows-Header":  {"  Leading and trailing whitespace.   "},
			"Cache-Control": {"max-age=60", "   must-revalidate"},
			"X-Empty":       {""},
		},
	}
	for name, want := range map[string]string{
		"@method": "POST", "@target-uri": "https://www.example.com/path?param=value", "@authority": "www.example.com",
		"@scheme": "https", "@request-target": "/path?param=value", "@path": "/path", "@query": "?param=value",
		"host": "www.example.com", "date": "Tue, 20 Apr 2021 02:07:56 GMT",
		"x-ows-header": "Leading and trailing whitespace.", "cache-control": "max-age=60, must-revalidate", "x-empty": "",
	} {
		if got, err := m.component(name); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", name, got, want, err)
		}
	}
	for _, name := range []string{"@status", "@query-param", "@nothing", "x-missing", "Date", "", "da te", "date\n"} {
		if got, err := m.component(name); err == nil {
			t.Errorf("%q: %q, want an error", name, got)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct{ base, target, component, want string }{
		{"https://EXAMPLE.com:443", "/a%2Fb?x=%20y", "@target-uri", "https://example.com/a%2Fb?x=%20y"},
		{"https://example.com:8443", "/a%2Fb", "@target-uri", "https://example.com:8443/a%2Fb"},
		{"http://example.com:80", "/", "@authority", "example.com"},
		{"http://example.com:443", "/", "@authority", "example.com:443"},
		{"https://example.com", "/a%2Fb%c3%BC", "@path", "/a%2Fb%c3%BC"},
		{"https://example.com", "?", "@path", "/"},
		{"https://example.com", "/a?", "@query", "?"},
		{"https://example.com", "/a", "@query", "?"},
		{"https://example.com", "/a?b?c", "@query", "?b?c"},
		{"https://example.com", "/a?", "@target-uri", "https://example.com/a?"},
	} {
		m := Message{Base: c.base, Target: c.target}
		if got, err := m.component(c.component); err != nil || got != c.want {
			t.Errorf("%s of %s%s: %q, want %q (%v)", c.component, c.base, c.target, got, c.want, err)
		}
	}
}

// TestVectorDigest has the digests of RFC 9421 appendix B.2 and RFC 9530.
func TestVectorDigest(t *testing.T) {
	body := []byte(vectorBody)
	const short = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
	if got := Digest(body); got != short {
		t.Errorf("%s, want %s", got, short)
	}
	good := map[string][]string{
		"SHA-256": {short}, "SHA-512": {vectorDigest}, "both": {short + ", " + vectorDigest}, "in two lines": {short, vectorDigest},
		"beside others": {"unixsum=:AAA=:, md5=:AAAA:, " + short}, "with a parameter": {short + ";x=1"},
	}
	for name, lines := range good {
		if err := CheckDigest(lines, body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := map[string][]string{
		"nothing": nil, "empty": {""}, "another body": {Digest([]byte("{}"))}, "unknown alone": {"md5=:AAAA:"},
		"one of two wrong": {short + ", sha-512=:AAAA:"}, "twice": {short + ", " + short}, "twice in two lines": {short, short},
		"a text": {`sha-256="X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="`}, "a list": {"sha-256=(:AAAA:)"}, "cut": {"sha-256=:X48E"},
		"the old form": {"SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="}, "a flag": {"sha-256"},
	}
	for name, lines := range bad {
		if err := CheckDigest(lines, body); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := CheckDigest([]string{Digest(nil)}, []byte{}); err != nil {
		t.Errorf("an empty body: %v", err)
	}
}
