//go:build interop

package interop

import (
	"context"
	"net/http"
	"slices"
	"testing"
)

// targets are paths on which signers and verifiers tend to disagree, and what has to come over the wire.
// Everything that is escaped, or is not, stays as its owner wrote it.
func targets() map[string]string {
	return map[string]string{
		"/plain/inbox":            "/plain/inbox",
		"/a%20b/inbox":            "/a%20b/inbox",
		"/%40alice/inbox":         "/%40alice/inbox",
		"/@alice/inbox":           "/@alice/inbox",
		"/al%C3%AFce/inbox":       "/al%C3%AFce/inbox",
		"/al%c3%afce/inbox":       "/al%c3%afce/inbox",
		"/a%2Fb/inbox":            "/a%2Fb/inbox",
		"/a%25b/inbox":            "/a%25b/inbox",
		"/a+b;c=1,2/~d!/inbox":    "/a+b;c=1,2/~d!/inbox",
		"/a//b/../inbox/":         "/a//b/../inbox/",
		"/inbox?user=alice":       "/inbox?user=alice",
		"/inbox?b=2&a=%2F%20+&b=": "/inbox?b=2&a=%2F%20+&b=",
		"/a%20b?url=http://c/?d":  "/a%20b?url=http://c/?d",
		"/empty/inbox?":           "/empty/inbox?",
	}
}

// TestSignatures lets the libraries of Misskey and PeerTube judge the signatures of crier's posts (an Accept
// into an inbox) and requests (a lookup), on paths of every kind. The followers sign with Misskey's library.
func TestSignatures(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	crier := startCrier(t, newBlog(t).URL)
	peer := startPeer(ctx, t, "verify.mjs")

	var want []string
	for path, target := range targets() {
		if doc, err := crier.app.Ops().Lookup(ctx, peer.origin+path); err != nil || doc.URL != peer.origin+target {
			t.Errorf("look up %s: %s %v", path, doc.URL, err)
		}
		var answer struct{ Status int }
		peer.call(ctx, t, "follow", map[string]any{"actor": crier.actor(), "inbox": path}, &answer)
		if answer.Status != http.StatusAccepted {
			t.Fatalf("a Follow signed by Misskey's library is answered with %d", answer.Status)
		}
		want = append(want, "GET  "+target, "POST Accept "+target)
	}
	var verdicts []verdict
	peer.call(ctx, t, "arrived", map[string]any{"count": len(want)}, &verdicts)
	var got []string
	for _, v := range verdicts {
		got = append(got, v.Method+" "+v.Type+" "+v.Target)
		if v.Misskey != "yes" || v.PeerTube != "yes" {
			t.Errorf("%s %s verifies with Misskey's library: %s, with PeerTube's: %s", v.Method, v.Target, v.Misskey, v.PeerTube)
		}
		if len(v.Fooled) > 0 {
			t.Errorf("%s %s also verifies when falsified: %q", v.Method, v.Target, v.Fooled)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there came %q, want %q", got, want)
	}
}

// verdict is what the libraries make of one request, see peer/verify.mjs.
type verdict struct {
	Method, Target, Type string
	Misskey, PeerTube    string
	Fooled               []string // falsified parts that went unnoticed
}
