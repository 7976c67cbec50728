package federation

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkInbox has what arrives most and changes nothing: the Delete of an account that nobody here knows, and an
// Announce of something that is not ours, through the whole handler, beside a bare json.Valid of the same bytes.
func BenchmarkInbox(b *testing.B) {
	announce := strings.ReplaceAll(string(payload(b, "mastodon/announce")), testBase, "https://c.example")
	for name, body := range map[string][]byte{
		"delete of a stranger": payload(b, "mastodon/delete-actor"),
		"foreign announce":     []byte(announce),
		"foreign create":       []byte(strings.ReplaceAll(string(payload(b, "mastodon/create-reply")), testBase, "https://c.example")),
	} {
		b.Run(name+"/inbox", func(b *testing.B) {
			d := newDaemon(b)
			d.net.handle("a.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.Error("the sender's server was asked") }))
			r := postTo(b, testInbox, string(body), time.Now())
			cavage{key: keyPair(b, 1), keyID: "https://a.example/users/alice#main-key", headers: allFour, label: "rsa-sha256"}.sign(b, r)
			r.RequestURI = r.URL.RequestURI()
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				w := httptest.NewRecorder()
				d.s.serveInbox(w, r)
				if w.Code != http.StatusAccepted {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
		b.Run(name+"/json.Valid", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !json.Valid(body) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
