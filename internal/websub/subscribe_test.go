package websub

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// TestSubscribe is the whole way: a feed names a hub, the hub is asked, verifies, and the feed is healthy; for
// weeks the lease never runs out.
func TestSubscribe(t *testing.T) {
	for _, first := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, blog, "/srv/local.xml")
			w.hub.first = first
			w.start()
			pass(2 * time.Second)
			asked := w.hub.requests()
			if len(asked) != 1 || asked[0].url != hubURL {
				t.Fatalf("the hub was asked %v", asked)
			}
			form := asked[0].form
			path, ok := strings.CutPrefix(form.Get("hub.callback"), base+"/websub/")
			if !ok || !isPath(path) || form.Get("hub.mode") != "subscribe" || form.Get("hub.topic") != topic ||
				form.Get("hub.lease_seconds") != "864000" || len(form.Get("hub.secret")) != 64 {
				t.Errorf("odd request %v", form)
			}
			if sub := w.sub(); sub.State != store.SubscriptionActive || sub.Failures != 0 || sub.LastError != "" {
				t.Errorf("odd record %+v", sub)
			}
			for range 45 * 4 {
				if !w.s.Healthy(blog) {
					t.Fatalf("not healthy at %v: %+v", time.Now(), w.sub())
				}
				pass(6 * oneHour)
			}
			asked = w.hub.requests()
			if n := len(asked); n < 7 || n > 9 {
				t.Errorf("%d requests in 45 days of leases of 10 days", n)
			}
			for i := 1; i < len(asked); i++ {
				if gap := asked[i].at.Sub(asked[i-1].at); gap < 6*day || gap > 7*day {
					t.Errorf("renewed after %v", gap)
				}
			}
			if slices.ContainsFunc(w.hub.verdicts, func(s int) bool { return s != http.StatusOK }) {
				t.Errorf("verifications were answered %v", w.hub.verdicts)
			}
			w.wantLog("Subscribed")
		})
	}
}

// TestNothingToSubscribe has feeds without a hub that can be used.
func TestNothingToSubscribe(t *testing.T) {
	for _, f := range []struct{ hub, topic string }{
		{"", ""}, {"", topic}, {hubURL, ""}, {"ftp://hub.example/", topic}, {"/hub", topic}, {hubURL, "index.xml"},
		{"https://user:word@hub.example/", topic}, {"https://hub.example/" + strings.Repeat("x", 3000), topic}, {"https://%zz/", topic},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, blog)
			w.names(blog, f.hub, f.topic)
			w.start()
			pass(oneHour)
			if n := len(w.hub.requests()); n != 0 || w.sub().Path != "" || w.s.Healthy(blog) {
				t.Errorf("%q, %q: %d requests, record %+v", f.hub, f.topic, n, w.sub())
			}
		})
	}
}

// TestFailures shows how a hub that fails is asked again: after minutes, then after hours, at least daily, and a
// word of it stands in the record.
func TestFailures(t *testing.T) {
	tests := []struct {
		name string
		set  func(*hub)
		want string
	}{
		{"5xx", func(h *hub) { h.status, h.body = 503, "over\n quota\x00!" }, "the hub answers 503 Service Unavailable: over quota !"},
		{"429", func(h *hub) { h.status = 429 }, "the hub answers 429 Too Many Requests"},
		{"no answer", func(h *hub) { h.fails = true }, "the hub cannot be asked: connection refused"},
		{"hangs", func(h *hub) { h.hangs = true }, "the hub did not answer within 20s"},
		{"301", func(h *hub) { h.status = 301 }, "the hub answers 301 Moved Permanently"},
		{"silent", func(h *hub) { h.silent = true }, "can it reach https://fedi.example?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, blog)
				tt.set(w.hub)
				w.start()
				pass(4 * day)
				asked := w.hub.requests()
				for i, step := range []time.Duration{5 * time.Minute, 15 * time.Minute, oneHour, 4 * oneHour, 12 * oneHour, day, day} {
					if i+1 == len(asked) {
						break
					}
					if gap := asked[i+1].at.Sub(asked[i].at); gap < step*8/10 || gap > step*12/10 {
						t.Errorf("request %d came after %v, want about %v", i+2, gap, step)
					}
				}
				if len(asked) < 8 || w.s.Healthy(blog) {
					t.Errorf("%d requests, healthy: %v", len(asked), w.s.Healthy(blog))
				}
				if sub := w.sub(); sub.State != store.SubscriptionPending || !strings.Contains(sub.LastError, tt.want) {
					t.Errorf("record says %s, %q", sub.State, sub.LastError)
				}
				w.wantLog()
				good := newHub()
				w.hub.set(func() {
					w.hub.status, w.hub.fails, w.hub.hangs, w.hub.silent = good.status, false, false, false
				})
				pass(2 * day)
				if sub := w.sub(); !w.s.Healthy(blog) || sub.LastError != "" || sub.Failures != 0 {
					t.Errorf("mended hub: %+v", sub)
				}
				if a, b := asked[0].form, w.hub.requests()[len(asked)].form; a.Encode() != b.Encode() {
					t.Errorf("the subscription changed between two requests: %v, %v", a, b)
				}
				w.wantLog("Subscribed")
			})
		})
	}
}

// TestRefused shows that a no that is said three times is taken for a week, unless the feed names another hub or topic.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.hub.status, w.hub.body = 403, "not here"
		w.start()
		pass(6 * day)
		if n := len(w.hub.requests()); n != 3 {
			t.Errorf("asked %d times in a week", n)
		}
		sub := w.sub()
		if sub.State != store.SubscriptionDenied || sub.LastError != "the hub answers 403 Forbidden: not here" {
			t.Errorf("odd record %+v", sub)
		}
		w.wantLog("Subscription refused")
		pass(2*day + oneHour)
		if n := len(w.hub.requests()); n != 4 {
			t.Errorf("asked %d times in eight days", n)
		}
		w.hub.set(func() { w.hub.status = 202 })
		w.names(blog, "https://other.example/hub#x", topic)
		pass(2 * time.Second)
		asked := w.hub.requests()
		if last := asked[len(asked)-1]; len(asked) != 5 || last.url != "https://other.example/hub" ||
			last.form.Get("hub.callback") == asked[0].form.Get("hub.callback") || last.form.Get("hub.secret") == asked[0].form.Get("hub.secret") {
			t.Errorf("another hub was asked %+v", asked)
		}
		if !w.s.Healthy(blog) {
			t.Errorf("not healthy with the other hub: %+v", w.sub())
		}
	})
}

// TestRenewalRefused shows that what the hub granted stays good to its end, whatever stands before the hub meanwhile.
func TestRenewalRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.start()
		pass(2 * time.Second)
		w.hub.set(func() { w.hub.status = 403 })
		pass(9 * day)
		if n := len(w.hub.requests()); n < 4 || !w.s.Healthy(blog) {
			t.Errorf("asked %d times, and the subscription is %+v", n, w.sub())
		}
		w.hub.set(func() { w.hub.status = 202 })
		pass(2 * day)
		if sub := w.sub(); !w.s.Healthy(blog) || sub.Failures != 0 {
			t.Errorf("once the hub takes it again: %+v", sub)
		}
	})
}

// TestLost lets a lease run out while the hub is away.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.start()
		pass(2 * time.Second)
		w.hub.set(func() { w.hub.fails = true })
		pass(10*day - oneHour)
		if !w.s.Healthy(blog) || len(w.hub.requests()) < 4 {
			t.Errorf("within the lease: healthy %v, %d requests", w.s.Healthy(blog), len(w.hub.requests()))
		}
		pass(2 * oneHour)
		if w.s.Healthy(blog) || w.sub().State != store.SubscriptionPending {
			t.Errorf("after the lease: %+v", w.sub())
		}
		w.wantLog("Subscribed", "Subscription lost")
		w.hub.set(func() { w.hub.fails = false })
		pass(2 * day)
		if !w.s.Healthy(blog) {
			t.Errorf("the hub is back: %+v", w.sub())
		}
		w.wantLog("Subscribed", "Subscription lost", "Subscribed")
	})
}

// TestAnswerLost has a hub that verifies and whose answer never arrives.
func TestAnswerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.start()
		pass(2 * time.Second)
		before := w.sub()
		w.stop()
		if got, err := w.s.failed(before.Path, &refusal{"too late"}); err != nil || got.State != store.SubscriptionActive {
			t.Errorf("a verified subscription became %+v, %v", got, err)
		}
		w.wantLog("Subscribed")
	})
}

// TestLeases shows what becomes of leases that cannot be meant.
func TestLeases(t *testing.T) {
	for given, want := range map[string]time.Duration{
		"864000": askedLease, "": askedLease, "soon": askedLease, "0": askedLease, "-5": askedLease, "1": minLease,
		"3600": oneHour, "31536000": maxLease, "9223372036854775807": maxLease, "99999999999999999999": askedLease,
	} {
		if got := leaseOf(given); got != want {
			t.Errorf("lease %q: %v, want %v", given, got, want)
		}
	}
}

// TestClock shows that records from a clock that was wrong do neither stop nor hurry anything.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.hub.silent = true
		sub := w.active()
		sub.Requested, sub.Expires = time.Now().Add(20*365*day), time.Now().Add(21*365*day)
		w.put(sub)
		w.start()
		pass(time.Minute)
		if n := len(w.hub.requests()); n != 1 {
			t.Errorf("asked %d times in a minute, want once", n)
		}
	})
}

// TestRedirects follows a hub that sends us to another one, and no other redirects.
func TestRedirects(t *testing.T) {
	tests := []struct {
		status   int
		location string
		asked    int
		want     string
	}{
		{307, "https://second.example/hub", 2, ""},
		{308, "/v2", 2, ""},
		{302, "https://second.example/hub", 1, "302 Found"},
		{307, "http://second.example/hub", 1, "it redirects from https to plain http"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, blog)
			w.hub.status, w.hub.location = tt.status, tt.location
			w.start()
			pass(2 * time.Second)
			asked := w.hub.requests()
			if len(asked) != tt.asked || !strings.Contains(w.sub().LastError, tt.want) || w.s.Healthy(blog) != (tt.want == "") {
				t.Errorf("%d to %s: asked %v, record %+v", tt.status, tt.location, asked, w.sub())
			}
			if last := asked[len(asked)-1]; last.form.Get("hub.secret") == "" {
				t.Errorf("the form got lost: %v", last)
			}
		})
	}
}

// TestPlainHTTP keeps the secret from a hub without TLS; such a hub is heard, not trusted.
func TestPlainHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.names(blog, "http://hub.example/", topic)
		w.start()
		pass(2 * time.Second)
		if form := w.hub.requests()[0].form; form.Has("hub.secret") {
			t.Errorf("a secret went over plain http: %v", form)
		}
		if sub := w.sub(); sub.State != store.SubscriptionActive || w.s.Healthy(blog) {
			t.Errorf("healthy %v, record %+v", w.s.Healthy(blog), sub)
		}
		for range 50 {
			if got := post(w.s.Handler(), w.callback(), "x", ""); got != http.StatusAccepted {
				t.Fatalf("an unsigned push was answered %d", got)
			}
			pass(10 * time.Second)
		}
		if n := w.polled(); n < 7 || n > 9 {
			t.Errorf("%d polls in 500 s of unsigned pushes, want one a minute", n)
		}
		if !w.sub().LastPush.IsZero() {
			t.Error("an unsigned push counts as one")
		}
	})
}

// TestOwnCallback shows that another base_url makes a new subscription.
func TestOwnCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.start()
		pass(2 * time.Second)
		old := w.sub()
		w.cfg.BaseURL = "https://new.example"
		w.stop()
		w.make()
		if w.s.Healthy(blog) {
			t.Error("healthy with a callback that leads elsewhere")
		}
		w.start()
		pass(2 * time.Second)
		if sub := w.sub(); sub.Path == old.Path || !w.s.Healthy(blog) || sub.Base != "https://new.example" {
			t.Errorf("the new subscription is %+v", sub)
		}
		asked := w.hub.requests()
		if got := modes(asked); !slices.Equal(got, []string{"subscribe", "subscribe", "unsubscribe"}) {
			t.Errorf("the hub was asked to %v", got)
		}
		if cb := asked[2].form.Get("hub.callback"); cb != base+callbackPath+old.Path {
			t.Errorf("unsubscribed %s", cb)
		}
	})
}

func modes(asked []request) (m []string) {
	for _, r := range asked {
		m = append(m, r.form.Get("hub.mode"))
	}
	return m
}

// TestRestart shows that everything goes on after a crash, wherever it came.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, blog)
		w.hub.silent = true
		w.start()
		w.restart() // between the request and its verification
		if n := len(w.hub.requests()); n != 1 {
			t.Errorf("asked %d times", n)
		}
		form := w.hub.requests()[0].form
		get(w.s.Handler(), form.Get("hub.callback"), url.Values{
			"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.challenge": {"x"}, "hub.lease_seconds": {"864000"},
		})
		if !w.s.Healthy(blog) || w.polled() != 0 {
			t.Errorf("verified after a restart: %+v; %d polls", w.sub(), w.polled())
		}
		w.restart()
		pass(oneHour)
		if n := w.polled(); n != 1 || len(w.hub.requests()) != 1 {
			t.Errorf("after a restart with an active subscription: %d polls, want 1; %d requests", n, len(w.hub.requests()))
		}
		w.finds(false)
		w.push()
		w.restart() // in the middle of the polls that a push causes
		pass(oneHour)
		if n := w.polled(); n != 2+4 {
			t.Errorf("%d polls, want all of the push's again", n)
		}
	})
}
