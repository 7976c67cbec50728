//go:build interop

package federation

import (
	"crypto/ed25519"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCrossCheckOursRFC9421: what we sign by RFC 9421 verifies with the library http-message-signatures, and nothing
// falsified does.
func TestCrossCheckOursRFC9421(t *testing.T) {
	crossCheckOurs(t, func(s signer, r *http.Request, body []byte, now time.Time) error {
		return s.signBy(schemeRFC9421, r, body, now)
	}, "hms")
}

// TestCrossCheckTheirsRFC9421: what that library signs verifies with us, in every profile that peers have, with RSA
// and Ed25519, and nothing falsified does.
func TestCrossCheckTheirsRFC9421(t *testing.T) {
	ed := ed25519.NewKeyFromSeed([]byte("a seed for tests, 32 bytes of it"))
	crossCheckTheirs(t, func(s crossSource, r *crossRequest) {
		r.Headers["date"] = time.UnixMilli(r.Now).UTC().Format(http.TimeFormat)
		covered := []string{"@method", "@target-uri"}
		// Fedify takes this one for as good. The library would write an apostrophe in a query as URLs of browsers have it.
		if _, query, _ := strings.Cut(r.Target, "?"); s.IntN(3) == 0 && !strings.Contains(query, "'") {
			covered = []string{"@method", "@authority", "@path", "@query"}
		}
		if s.IntN(3) == 0 { // Fedify signs so
			covered = append(covered, "host", "@scheme")
		}
		if r.Body != nil {
			covered = append(covered, "content-digest")
		}
		params := []string{"keyid", "created"}
		for _, more := range []string{"alg", "expires", "nonce", "tag"} {
			if s.IntN(2) == 0 {
				params = append(params, more)
			}
		}
		s.Shuffle(len(params), func(i, j int) { params[i], params[j] = params[j], params[i] })
		r.Sign = &crossSign{Library: "hms", Alg: "rsa-v1_5-sha256", Covered: s.withMore(covered, r.Headers), Params: params}
		if s.IntN(3) == 0 {
			r.Sign.Alg, r.Sign.Key = "ed25519", privatePEM(t, ed)
			r.check = func(signed *signedRequest) error { return signed.verify(ed.Public()) }
		}
	})
}

// TestCrossCheckTheirsEd25519: so does what Misskey's library signs by draft-cavage with Ed25519.
func TestCrossCheckTheirsEd25519(t *testing.T) {
	ed := ed25519.NewKeyFromSeed([]byte("a seed for tests, 32 bytes of it"))
	crossCheckTheirs(t, func(s crossSource, r *crossRequest) {
		r.Headers["date"] = time.UnixMilli(r.Now).UTC().Format(http.TimeFormat)
		covered := []string{"(request-target)", "host", "date"}
		if r.Body != nil {
			covered = append(covered, "digest")
		}
		r.Sign = &crossSign{Library: "misskey", Covered: s.withMore(covered, r.Headers), Key: privatePEM(t, ed)}
		r.check = func(signed *signedRequest) error { return signed.verify(ed.Public()) }
	})
}
