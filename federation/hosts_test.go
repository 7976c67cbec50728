package federation

import (
	"slices"
	"testing"

	"crier/store"
)

// TestBlogsHostIsLearnt: the host that a feed's own link names may be claimed by its pages from the first poll on, and
// the followers hear of it, once. A feed that is not configured any more has no say.
func TestBlogsHostIsLearnt(t *testing.T) {
	d := newDaemon(t)
	d.s.cfg.Profile.AttributionDomains = []string{"example.com"}
	d.follow(newPeer(d.net, "a.example"), "ann", true)
	d.publishAll()
	read := func(url, host string) {
		t.Helper()
		if err := d.db.RecordPoll(store.Poll{Feed: store.Feed{URL: url, Host: host}}); err != nil {
			t.Fatal(err)
		}
		d.publishAll()
	}
	updates := func() (n int) {
		for _, q := range d.queue() {
			if q.Type == "Update" {
				n++
			}
		}
		return n
	}
	before := updates()
	read("https://other.example/feed", "other.example")
	if updates() != before {
		t.Error("the followers were told for nothing")
	}
	read(testFeed, "BLOG.example.net:8443")
	if got := d.s.person().profile.AttributionDomains; !slices.Equal(got, []string{"blog.example.net", "example.com"}) {
		t.Errorf("domains %q", got)
	}
	if updates() != before+1 {
		t.Errorf("%d updates, before %d", updates(), before)
	}
	read(testFeed, "blog.example.net:8443")
	if updates() != before+1 {
		t.Errorf("%d updates, before %d", updates(), before)
	}
}

func (d *daemon) publishAll() {
	d.t.Helper()
	if _, err := d.s.publishAll(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}
