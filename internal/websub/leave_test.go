package websub

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

// TestLeave ends subscriptions that are not wanted any more.
func TestLeave(t *testing.T) {
	tests := []struct {
		name  string
		leave func(*world)
	}{
		{"not configured any more", func(w *world) {
			w.stop()
			w.cfg.Feeds = []string{"https://else.example/feed"}
			w.make()
			w.start()
		}},
		{"names no hub any more", func(w *world) { w.names(blog, "", "") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, blog)
				w.start()
				pass(2 * time.Second)
				callback := w.callback()
				w.hub.set(func() { w.hub.fails = true })
				tt.leave(w)
				pass(0)
				if got := post(w.s.Handler(), callback, "x", ""); got != http.StatusGone {
					t.Errorf("a push to the subscription that is left is answered %d, want 410", got)
				}
				if w.sub().Path == "" {
					t.Error("the record is gone before the hub was told")
				}
				w.hub.verification(url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {callback}})()
				w.hub.set(func() { w.hub.fails = false })
				pass(7 * time.Minute)
				if w.sub().Path != "" {
					t.Errorf("the record stays: %+v", w.sub())
				}
				if got := modes(w.hub.requests()); !slices.Equal(got, []string{"subscribe", "unsubscribe", "unsubscribe"}) {
					t.Errorf("the hub was asked to %v", got)
				}
				if want := []int{200, 404, 200}; !slices.Equal(w.hub.verdicts, want) {
					t.Errorf("the hub's verifications were answered %v, want %v", w.hub.verdicts, want)
				}
				if got := post(w.s.Handler(), callback, "x", ""); got != http.StatusNotFound {
					t.Errorf("a push to a forgotten subscription is answered %d", got)
				}
				w.wantLog("Subscribed")
			})
		})
	}
}

// TestLeaveInVain gives up on a hub that does not answer, and on one that says no.
func TestLeaveInVain(t *testing.T) {
	for name, tt := range map[string]struct {
		set   func(*hub)
		asked int
	}{
		"away":   {func(h *hub) { h.fails = true }, 3},
		"no":     {func(h *hub) { h.status = 404 }, 1},
		"silent": {func(h *hub) { h.silent = true }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, blog)
				w.active()
				tt.set(w.hub)
				w.names(blog, "", "")
				w.start()
				pass(day)
				if n := len(w.hub.requests()); n != tt.asked || w.sub().Path != "" {
					t.Errorf("asked %d times, want %d; record %+v", n, tt.asked, w.sub())
				}
			})
		})
	}
}

// TestNeverHeld forgets a subscription that the hub never had without a word.
func TestNeverHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.hub.status = 403
		w.start()
		w.names(blog, "", "")
		pass(time.Minute)
		if n := len(w.hub.requests()); n != 1 || w.sub().Path != "" {
			t.Errorf("%d requests, record %+v", n, w.sub())
		}
	})
}

// TestComeBack has a feed that names its hub again while the old subscription is being left: the new record must
// not be deleted with the old one.
func TestComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.start()
		pass(2 * time.Second)
		old := w.sub()
		w.hub.set(func() { w.hub.silent = true })
		w.names(blog, "", "")
		pass(0)
		w.hub.set(func() { w.hub.silent = false })
		w.names(blog, hubURL, topic)
		pass(2 * time.Second)
		again := w.sub()
		pass(day)
		if sub := w.sub(); sub.Path == old.Path || sub.Path != again.Path || sub.State != store.SubscriptionActive || !w.s.Healthy(blog) {
			t.Errorf("the new subscription is %+v", sub)
		}
	})
}
