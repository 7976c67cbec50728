package federation

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// keyPair returns one of a few keys that are made once, since making them takes most of a test's time.
func keyPair(t testing.TB, n int) *rsa.PrivateKey {
	t.Helper()
	return keyPairs[n]()
}

var keyPairs = func() (keys [3]func() *rsa.PrivateKey) {
	for i := range keys {
		keys[i] = sync.OnceValue(func() *rsa.PrivateKey {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err)
			}
			return key
		})
	}
	return keys
}()

// cavage signs requests as other servers do, with code that shares nothing with the package's.
type cavage struct {
	key     *rsa.PrivateKey
	keyID   string
	headers string // what is signed, in order
	label   string // value of algorithm; empty: left out
	created int64
	expires int64
	// target replaces the request target in what is signed; empty: the real one.
	target string
}

// text is what is signed (draft-cavage-12 §2.3).
func (c cavage) text(r *http.Request) string {
	target := c.target
	if target == "" {
		target = r.URL.RequestURI()
	}
	var lines []string
	for _, name := range strings.Fields(c.headers) {
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = strings.ToLower(r.Method) + " " + target
		case "(created)":
			value = fmt.Sprint(c.created)
		case "(expires)":
			value = fmt.Sprint(c.expires)
		case "host":
			value = r.Host
		}
		lines = append(lines, name+": "+value)
	}
	return strings.Join(lines, "\n")
}

// sign sets the Signature header; Date and Digest must be set before.
func (c cavage) sign(t testing.TB, r *http.Request) {
	t.Helper()
	sum := sha256.Sum256([]byte(c.text(r)))
	raw, err := rsa.SignPKCS1v15(rand.Reader, c.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	params := []string{`keyId="` + c.keyID + `"`}
	if c.label != "" {
		params = append(params, `algorithm="`+c.label+`"`)
	}
	if c.created != 0 {
		params = append(params, fmt.Sprintf("created=%d", c.created))
	}
	if c.expires != 0 {
		params = append(params, fmt.Sprintf("expires=%d", c.expires))
	}
	params = append(params, `headers="`+c.headers+`"`, `signature="`+base64.StdEncoding.EncodeToString(raw)+`"`)
	r.Header.Set("Signature", strings.Join(params, ","))
}

// digestOf is the Digest header of a body.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
}

// plainVerify verifies a draft-cavage signature with nothing but the standard library.
func plainVerify(r *http.Request, body []byte, key *rsa.PublicKey) error {
	m := regexp.MustCompile(`headers="([^"]*)",signature="([^"]*)"`).FindStringSubmatch(r.Header.Get("Signature"))
	if m == nil {
		return errors.New("no signature")
	}
	if body != nil && r.Header.Get("Digest") != digestOf(body) {
		return errors.New("digest")
	}
	raw, err := base64.StdEncoding.DecodeString(m[2])
	if err != nil {
		return err
	}
	text := cavage{headers: m[1], target: r.RequestURI}.text(r)
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw)
}

// overTheWire writes a request as a client does and reads it as a server does.
func overTheWire(t testing.TB, r *http.Request) (*http.Request, []byte) {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, body
}

// postTo makes a POST with all headers that may be signed, as another server sends it to the inbox of
// testBase.
func postTo(t testing.TB, address, body string, date time.Time) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	r.Header.Set("Date", date.UTC().Format(http.TimeFormat))
	r.Header.Set("Digest", digestOf([]byte(body)))
	r.Header.Set("User-Agent", "test")
	return r
}
