package federation

import (
	"net/http"
	"strings"
	"testing"
)

// TestMicroBlogAtItsOwnDomain: a blog that micro.blog serves at a domain of its own (manton.org, 2023) has its actor
// there and all else at micro.blog: the inbox, and the ids of its activities. That is what an activity of somebody
// else and an inbox of a third party look like, and it is refused as these are; FEDERATION.md says so.
func TestMicroBlogAtItsOwnDomain(t *testing.T) {
	d := newDaemon(t)
	x := newStranger(t, d, "blog.example", "manton")
	x.bend(func(doc map[string]any) {
		doc["inbox"] = "https://micro.example/activitypub/manton/inbox"
		doc["endpoints"] = map[string]any{"sharedInbox": "https://micro.example/activitypub/shared/inbox"}
	})
	if code := x.post(t, d, strings.Replace(x.follow(), "https://blog.example/1", "https://micro.example/4533FDCDF869351762C5", 1)); code != http.StatusUnauthorized {
		t.Errorf("a Follow with an id of micro.blog's: %d", code)
	}
	if code := x.post(t, d, x.follow()); code != http.StatusBadRequest {
		t.Errorf("a Follow with an inbox at micro.blog: %d", code)
	}
	if got := d.followers(); got != "" {
		t.Errorf("followers: %s", got)
	}
}
