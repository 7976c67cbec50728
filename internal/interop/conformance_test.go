//go:build interop

package interop

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
)

// outcomes are those of the tests of activitypub-testing 0.16.1, by what they are about and by their names there.
//
// Those that pass assert, by the package's source: the actor answers a GET that accepts
// application/ld+json; profile="https://www.w3.org/ns/activitystreams" with JSON, and so does a post
// (actor-must-serve-as2-object-to-get); the actor has inbox and outbox; what outbox names answers 2xx with JSON of
// the type OrderedCollection; what followers and following name, and likes and shares of a post, answer with JSON
// of the type Collection or OrderedCollection, asked without an Accept header.
//
// The rest does not apply, and each is named here, so that one that begins to apply, or to fail, is noticed.
func outcomes() map[string]string {
	const passed, inapplicable = "passed", "inapplicable"
	return map[string]string{
		"actor: actor-must-serve-as2-object-to-get":              passed,
		"actor: actor-objects-must-have-inbox-outbox-properties": passed,
		"actor: followers-collection-must-be-a-collection":       passed,
		"actor: following-collection-must-be-a-collection":       passed,
		"actor: outbox-must-be-an-orderedcollection":             passed,
		"post: actor-must-serve-as2-object-to-get":               passed,
		"post: likes-collection-must-be-a-collection":            passed,
		"post: shares-collection-must-be-a-collection":           passed,

		// The inbox is nobody's to read: a GET is answered with 405.
		"actor: inbox-must-be-an-orderedcollection": inapplicable,
		// An actor has none of these: liked is optional (AP §5.5), likes and shares belong to posts.
		"actor: liked-collection-must-be-a-collection":  inapplicable,
		"actor: likes-collection-must-be-a-collection":  inapplicable,
		"actor: shares-collection-must-be-a-collection": inapplicable,
		// There is no client-to-server protocol here: a POST to the outbox is answered with 405 (AP §6).
		"actor: create-then-update-modifies-object-checked-by-get":                  inapplicable,
		"actor: outbox-post-must-accept-non-activity-object":                        inapplicable,
		"actor: outbox-post-server-adds-to-outbox-collection-checked-by-outbox-get": inapplicable,
		"actor: outbox-post-servers-must-return-a-201-created-http-code":            inapplicable,
		"actor: outbox-wraps-object-with-create-checked-using-get-location":         inapplicable,
		"actor: post-outbox-server-overwrites-id-property":                          inapplicable,
	}
}

// TestConformance runs the package activitypub-testing against crier's actor and a post.
func TestConformance(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	blog := newBlog(t)
	crier := startCrier(t, blog.base)
	crier.poll(ctx, t)
	post := crier.base + "/posts/" + strings.TrimPrefix(blog.base, "http://") + "/old/"

	var results []struct{ Of, Slug, Outcome, Info string }
	runPeer(ctx, t, &results, "conformance.mjs", crier.actor(), post)
	want, got := outcomes(), map[string]string{}
	for _, r := range results {
		name := r.Of + ": " + r.Slug
		got[name] = r.Outcome
		if r.Outcome != want[name] {
			t.Errorf("%s: %s, want %q (%s)", name, r.Outcome, want[name], r.Info)
		}
	}
	if missing := slices.DeleteFunc(slices.Sorted(maps.Keys(want)), func(name string) bool { return got[name] != "" }); len(missing) > 0 {
		t.Errorf("not run: %q", missing)
	}
}
