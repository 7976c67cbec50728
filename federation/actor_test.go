package federation

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
)

func fullProfile(c *Config) {
	c.Profile.Name = "Ünal & <Co>"
	c.Profile.Summary = `<p>I write <em>things</em>.</p>`
	c.Profile.Avatar = Picture{URL: "https://example.com/avatar.png", Type: "image/png"}
	c.Profile.Header = Picture{URL: "https://example.com/header.jpg", Type: "image/jpeg"}
	c.Profile.Fields = []Field{{Name: "Blog", Value: `<a href="https://example.com" rel="me">https://example.com</a>`}}
	c.Profile.AlsoKnownAs = []string{"https://social.example/users/old"}
	c.Profile.AttributionDomains = []string{"example.com"}
	c.Profile.ManuallyApproves = true
	c.Ed25519 = ed25519.PublicKey("a key of thirty-two bytes in all") // a test of looks: nobody has its other half
}

// withoutKey replaces the key, which is another in each run.
func withoutKey(t *testing.T, s *Server) []byte {
	t.Helper()
	quoted, err := json.Marshal(publicKeyPEM(&testKey().PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(s.Actor(), quoted, []byte(`"KEY"`), 1)
}

func TestActor(t *testing.T) {
	golden(t, "actor.json", withoutKey(t, bareServer()))
	golden(t, "actor_full.json", withoutKey(t, bareServer(fullProfile)))
}

func TestActorKey(t *testing.T) {
	var a struct {
		PublicKey struct{ ID, Owner, PublicKeyPem string }
	}
	if err := json.Unmarshal(bareServer().Actor(), &a); err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode([]byte(a.PublicKey.PublicKeyPem))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		t.Fatalf("the key is no PEM of a public key: %q", a.PublicKey.PublicKeyPem)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := key.(*rsa.PublicKey); !ok || !k.Equal(&testKey().PublicKey) {
		t.Error("it is another key")
	}
}

// TestActorIsOnOneHost: Misskey refuses an actor with any address of these on another host than its id,
// and Mastodon drops such a url.
func TestActorIsOnOneHost(t *testing.T) {
	var a map[string]any
	if err := json.Unmarshal(bareServer(fullProfile).Actor(), &a); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "url", "inbox", "outbox", "followers", "following", "featured"} {
		if v, ok := a[name].(string); !ok || !strings.HasPrefix(v, testBase+"/") {
			t.Errorf("%s is %v", name, a[name])
		}
	}
	for _, name := range []string{"alsoKnownAs", "attachment", "attributionDomains"} {
		if _, ok := a[name].([]any); !ok {
			t.Errorf("%s is no list: %v", name, a[name])
		}
	}
	if a["webfinger"] != "user@example.com" || a["preferredUsername"] != "user" {
		t.Errorf("webfinger %v, preferredUsername %v", a["webfinger"], a["preferredUsername"])
	}
}

// TestContextsNameEveryTerm: what a context does not name is lost to a peer that expands the document.
func TestContextsNameEveryTerm(t *testing.T) {
	as := strings.Fields(`id type attributedTo to cc published updated url content contentMap attachment tag
		replies likes shares totalItems mediaType name width height href first partOf next items preferredUsername summary
		inbox outbox followers following endpoints sharedInbox icon image publicKey owner publicKeyPem`)
	known := map[string]bool{}
	for _, name := range as {
		known[name] = true
	}
	post, err := bareServer().note(noteCases()[1].entry, noteCases()[1].fields, noteCases()[1].info)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range [][]byte{bareServer(fullProfile).Actor(), post.Object} {
		var d map[string]any
		if err := json.Unmarshal(document, &d); err != nil {
			t.Fatal(err)
		}
		terms := map[string]any{}
		for _, c := range d["@context"].([]any) {
			if m, ok := c.(map[string]any); ok {
				terms = m
			}
		}
		delete(d, "@context")
		delete(d, "contentMap") // its keys are languages
		checkTerms(t, d, known, terms)
	}
}

func checkTerms(t *testing.T, v any, known map[string]bool, terms map[string]any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			checkTerms(t, item, known, terms)
		}
	case map[string]any:
		for name, value := range v {
			if _, ok := terms[name]; !ok && !known[name] {
				t.Errorf("%q is named in no context", name)
			}
			checkTerms(t, value, known, terms)
		}
	}
}
