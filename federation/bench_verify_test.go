package federation

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"crier/internal/fedtest"
	"crier/store"
)

// BenchmarkVerifyInbox takes a signed POST to the inbox to the point where its sender is proved: reading the
// activity and the signature, finding the key, verifying. It prints the processor time of that beside that of
// one bare RSA verification with the same key, which is its floor, measured in the same run.
func BenchmarkVerifyInbox(b *testing.B) {
	for _, scheme := range []struct {
		name string
		as   fedtest.Scheme
	}{{"cavage", fedtest.Cavage}, {"rfc9421", fedtest.RFC9421}} {
		for _, from := range []string{"memory", "store"} {
			b.Run(scheme.name+"/"+from, func(b *testing.B) { benchVerify(b, scheme.as, from == "store") })
		}
	}
}

func benchVerify(b *testing.B, scheme fedtest.Scheme, stored bool) {
	const actorID, keyID = "https://a.example/users/alice", "https://a.example/users/alice#main-key"
	db, err := store.Open(filepath.Join(b.TempDir(), "crier.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	key := keyPair(b, 1)
	s := New(testConfig(db, newNetwork(), slog.New(slog.DiscardHandler)))
	f := store.Follower{
		Actor: actorID, Inbox: actorID + "/inbox", KeyID: keyID, Key: publicPEM(key), Since: time.Now(), State: store.FollowerAccepted,
	}
	if stored {
		if _, err := db.AddFollower(time.Now(), store.Follow{Follower: f}); err != nil {
			b.Fatal(err)
		}
	} else {
		s.resolver.remember(actorID, s.resolver.follower(f), nil, time.Now())
	}
	body := []byte(aboutUs)
	r := postTo(b, testInbox, aboutUs, time.Now())
	if err := (fedtest.Signing{KeyID: keyID, Key: key, Now: time.Now(), Scheme: scheme}).Sign(r, body); err != nil {
		b.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()

	bare := bareVerification(b, key)
	begin := processorTime(b)
	for b.Loop() {
		proveSender(b, s, r, body)
	}
	each := float64((processorTime(b) - begin).Nanoseconds()) / float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each/1000, "µs-cpu/request")
	b.ReportMetric(bare/1000, "µs-cpu/verification")
	b.ReportMetric(each/bare, "verifications/request")
}

func proveSender(b *testing.B, s *Server, r *http.Request, body []byte) {
	a, err := parseActivity(body)
	if err != nil {
		b.Fatal(err)
	}
	signed, err := readSignature(r, body, testBase, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	if err := s.checkOrigin(a, signed.keyID); err != nil {
		b.Fatal(err)
	}
	if _, _, err := s.authenticate(b.Context(), a, signed); err != nil {
		b.Fatal(err)
	}
}

// bareVerification is the processor time of one RSA verification, in nanoseconds.
func bareVerification(b *testing.B, key *rsa.PrivateKey) float64 {
	b.Helper()
	const n = 2000
	sum := sha256.Sum256([]byte("text"))
	value, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	begin := processorTime(b)
	for range n {
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], value); err != nil {
			b.Fatal(err)
		}
	}
	return float64((processorTime(b) - begin).Nanoseconds()) / n
}
