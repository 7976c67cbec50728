//go:build interop

package interop

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// target is the path of an inbox or object on which signers and verifiers tend to disagree.
type target struct {
	path string
	wire string // what has to come over the wire; empty: the path, escaped or not just as its owner wrote it
}

func targets() []target {
	return []target{
		{path: "/plain/inbox"},
		{path: "/a%20b/inbox"},
		{path: "/%40alice/inbox"},
		{path: "/@alice/inbox"},
		{path: "/al%C3%AFce/inbox"},
		{path: "/al%c3%afce/inbox"},
		{path: "/a%2Fb/inbox"},
		{path: "/a%25b/inbox"},
		{path: "/a%2e%2e/inbox"},
		{path: "/a+b;c=1,2/~d!/inbox"},
		{path: "/a[1]/inbox"},
		{path: "/a//b/../inbox/"},
		{path: "//inbox"},
		{path: "/inbox?user=alice"},
		{path: "/inbox?b=2&a=%2F%20+&b="},
		{path: "/a%20b?url=http://c/?d"},
		{path: "/empty/inbox?"},
		{path: "/fragment/inbox#x", wire: "/fragment/inbox"},
		{path: "/ol\u00efve/inbox", wire: "/ol%C3%AFve/inbox"},
		{path: "/inbox?q=\u00ef", wire: "/inbox?q=%C3%AF"},
		{path: "/a|b^c/inbox", wire: "/a%7Cb%5Ec/inbox"},
	}
}

// TestSignatures lets the libraries of Misskey and PeerTube judge the signatures of crier's posts (an Accept
// into an inbox) and requests (a lookup), on paths of every kind. The followers sign with Misskey's library.
func TestSignatures(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	crier := startCrier(t, newBlog(t).base)
	peer := startPeer(ctx, t, "verify.mjs")

	var want []string
	for _, target := range targets() {
		path, wire := target.path, cmp.Or(target.wire, target.path)
		// What calls itself something else than it was asked for by would be fetched again: hence not the path.
		if doc, err := crier.app.Ops().Lookup(ctx, peer.origin+wire); err != nil || doc.URL != peer.origin+wire {
			t.Errorf("look up %s: %s %v", wire, doc.URL, err)
		}
		var answer struct{ Status int }
		peer.call(ctx, t, "follow", map[string]any{"actor": crier.actor(), "inbox": path}, &answer)
		if answer.Status != http.StatusAccepted {
			t.Fatalf("a Follow signed by Misskey's library is answered with %d", answer.Status)
		}
		want = append(want, "GET "+wire, "POST "+wire+" Accept")
	}
	var verdicts []verdict
	peer.call(ctx, t, "arrived", map[string]any{"count": len(want)}, &verdicts)
	var got []string
	for _, v := range verdicts {
		got = append(got, strings.TrimSpace(v.Method+" "+v.Target+" "+v.Type))
		if len(v.Verdicts) != 2 || v.Verdicts["misskey"] != "yes" || v.Verdicts["peertube"] != "yes" {
			t.Errorf("%s %s verifies: %v", v.Method, v.Target, v.Verdicts)
		}
		if len(v.Fooled) > 0 {
			t.Errorf("%s %s also verifies when falsified: %q", v.Method, v.Target, v.Fooled)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there came\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// verdict is what the libraries make of one request, see peer/judges.mjs.
type verdict struct {
	Method, Target, Type string
	Verdicts             map[string]string // by library: "yes", or why not
	Fooled               []string          // falsified parts that went unnoticed
}
