package fedtest

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// TestMessageText is RFC 9421 appendix B.2.6, with its key, text and signature.
func TestMessageText(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/foo?param=Value&Pet=dog", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Date", "Tue, 20 Apr 2021 02:07:55 GMT")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", "18")
	m, err := parseMessage(
		`b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
		"b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:")
	if err != nil {
		t.Fatal(err)
	}
	text, err := messageText(r, "https://example.com", m.Headers, m.params)
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
	if err != nil {
		t.Fatal(err)
	}
	if m.KeyID != "test-key-ed25519" || m.created.Unix() != 1618884473 || !fits(ed25519.PublicKey(key), text, m.Bytes) {
		t.Errorf("%+v\n%s", m, text)
	}
}

func TestMultikeyReadsBack(t *testing.T) {
	k := edKey("alice")
	got, err := parseMultikey(multikeyOf(k))
	if err != nil || !got.Equal(k.Public()) {
		t.Errorf("%s: %v", multikeyOf(k), err)
	}
	// The did:key specification's own example.
	if _, err := parseMultikey("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "z6Mk", "m" + multikeyOf(k)[1:], strings.Repeat("z", 48), strings.Replace(multikeyOf(k), "6", "0", 1)} {
		if _, err := parseMultikey(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestSchemes has two servers speak in every way, and not at all where one does not take what the other sends.
func TestSchemes(t *testing.T) {
	for _, c := range []struct {
		name       string
		send, only Scheme
		ed         bool
		want       int
	}{
		{"draft", Cavage, Cavage, false, http.StatusAccepted},
		{"draft with Ed25519", Cavage, Cavage, true, http.StatusAccepted},
		{"RFC 9421", RFC9421, RFC9421, false, http.StatusAccepted},
		{"RFC 9421 with Ed25519", RFC9421, RFC9421, true, http.StatusAccepted},
		{"draft to who wants RFC 9421", Cavage, RFC9421, false, http.StatusUnauthorized},
		{"RFC 9421 to who wants the draft", RFC9421, Cavage, false, http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			var net Network
			a, b := New(Config{BaseURL: "https://a.example", HTTP: &net}), New(Config{BaseURL: "https://b.example", HTTP: &net})
			t.Cleanup(a.Close)
			t.Cleanup(b.Close)
			net.Handle("a.example", a)
			net.Handle("b.example", b)
			a.AddActorWith("alice", ActorOptions{Ed25519: c.ed})
			b.AddActor("bob")
			a.SetSignatures(Signatures{Send: c.send, Ed25519: c.ed})
			b.SetSignatures(Signatures{Only: true, Accept: c.only, Send: c.send})
			status, text := like(t, a)
			if status != c.want {
				t.Errorf("status %d: %s", status, text)
			}
			arrivals := b.Arrivals()
			if len(arrivals) != 1 || arrivals[0].Verified != (c.want == http.StatusAccepted) {
				t.Errorf("%+v", arrivals)
			}
		})
	}
}

func like(t *testing.T, a *Server) (int, string) {
	t.Helper()
	status, text, err := a.Send(context.WithoutCancel(t.Context()), "alice", "https://b.example/users/bob/inbox", map[string]any{
		"id": "https://a.example/likes/1", "type": "Like", "actor": "https://a.example/users/alice", "object": "https://b.example/users/bob",
	})
	if err != nil {
		t.Fatal(err)
	}
	return status, text
}
