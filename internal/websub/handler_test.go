package websub

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// TestIntent shows which verifications are answered with their challenge.
func TestIntent(t *testing.T) {
	now := time.Now().UTC()
	asked := func(state store.SubscriptionState, age time.Duration) func(*store.Subscription) {
		return func(s *store.Subscription) { s.State, s.Requested = state, now.Add(-age) }
	}
	pending, active, denied := store.SubscriptionPending, store.SubscriptionActive, store.SubscriptionDenied
	tests := []struct {
		name   string
		record func(*store.Subscription)
		query  map[string]string // over those of a good verification
		want   int
	}{
		{"pending", asked(pending, time.Minute), nil, 200},
		{"active, being renewed", asked(active, time.Minute), nil, 200},
		{"active, the hub asks again by itself", asked(active, 5*day), nil, 200},
		{"asked for too long ago", asked(pending, 25*oneHour), nil, 404},
		{"asked for in the future", asked(pending, -2*oneHour), nil, 404},
		{"never asked for", func(s *store.Subscription) { s.State = pending }, nil, 404},
		{"denied before", asked(denied, time.Minute), nil, 404},
		{"another callback's base", func(s *store.Subscription) { asked(pending, 0)(s); s.Base = "https://old.example" }, nil, 404},
		{"another topic", asked(pending, 0), map[string]string{"hub.topic": topic + "?"}, 404},
		{"no topic", asked(pending, 0), map[string]string{"hub.topic": ""}, 404},
		{"no challenge", asked(pending, 0), map[string]string{"hub.challenge": ""}, 404},
		{"long challenge", asked(pending, 0), map[string]string{"hub.challenge": strings.Repeat("x", 1024)}, 200},
		{"too long a challenge", asked(pending, 0), map[string]string{"hub.challenge": strings.Repeat("x", 1025)}, 404},
		{"no lease", asked(pending, 0), map[string]string{"hub.lease_seconds": ""}, 200},
		{"unsubscribe", asked(active, 0), map[string]string{"hub.mode": "unsubscribe"}, 404},
		{"no mode", asked(active, 0), map[string]string{"hub.mode": ""}, 404},
		{"script as challenge", asked(active, 0), map[string]string{"hub.challenge": "<script>alert(1)</script>"}, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blog)
			sub := w.active()
			sub.Requested = time.Time{}
			tt.record(&sub)
			w.put(sub)
			q := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.challenge": {"c"}, "hub.lease_seconds": {"3600"}}
			for k, v := range tt.query {
				q.Set(k, v)
			}
			got := get(w.s.Handler(), w.callback(), q)
			if got.Code != tt.want {
				t.Errorf("answered %d, want %d", got.Code, tt.want)
			}
			if got.Code == 200 && got.Body.String() != q.Get("hub.challenge") {
				t.Errorf("echoed %q", got.Body)
			}
			if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("the answer's header is %v", got.Header())
			}
			if after := w.sub(); (after.State == active) != (tt.want == 200 || sub.State == active) {
				t.Errorf("the record became %+v", after)
			}
		})
	}
}

// TestDenied takes a hub's no at any time, and only for its own topic.
func TestDenied(t *testing.T) {
	w := newWorld(t, blog)
	sub := w.active()
	q := url.Values{"hub.mode": {"denied"}, "hub.topic": {"https://else.example/"}}
	if got := get(w.s.Handler(), w.callback(), q); got.Code != 404 || !w.s.Healthy(blog) {
		t.Errorf("a no for another topic was answered %d", got.Code)
	}
	q = url.Values{"hub.mode": {"denied"}, "hub.topic": {topic}, "hub.reason": {"no\nmore\x1b[2J" + strings.Repeat("é", 200)}}
	for range 2 { // hubs repeat themselves
		if got := get(w.s.Handler(), w.callback(), q); got.Code != 200 || got.Body.Len() != 0 {
			t.Errorf("a no was answered %d %q", got.Code, got.Body)
		}
	}
	after := w.sub()
	if after.State != store.SubscriptionDenied || !after.Expires.Before(sub.Expires) || w.s.Healthy(blog) {
		t.Errorf("the record became %+v", after)
	}
	if text := after.LastError; !strings.HasPrefix(text, "the hub refuses it: no more [2Jééé") || len(text) > 250 || strings.ContainsAny(text, "\n\x1b") {
		t.Errorf("the reason became %q", text)
	}
	w.wantLog("Subscription refused")
}

// TestStrangers shows that what nobody was told of does not exist.
func TestStrangers(t *testing.T) {
	w := newWorld(t, blog)
	sub := w.active()
	for _, path := range []string{
		"/websub/", "/websub/x", "/websub/" + strings.Repeat("0", 32), "/websub/" + strings.ToUpper(sub.Path),
		"/websub/" + sub.Path + "/", "/websub//" + sub.Path, "/" + sub.Path, "/websub/" + sub.Path[:31],
	} {
		for _, method := range []string{"GET", "POST", "HEAD", "PUT"} {
			rec := httptest.NewRecorder()
			w.s.Handler().ServeHTTP(rec, httptest.NewRequest(method, base+path, strings.NewReader("x")))
			if rec.Code != http.StatusNotFound && path != "/websub/"+strings.ToUpper(sub.Path) || rec.Code == 200 {
				t.Errorf("%s %s answered %d", method, path, rec.Code)
			}
		}
	}
	rec := httptest.NewRecorder()
	w.s.Handler().ServeHTTP(rec, httptest.NewRequest("PUT", w.callback(), nil))
	if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "GET, POST" {
		t.Errorf("PUT answered %d", rec.Code)
	}
	if got := get(w.s.Handler(), w.callback(), nil); got.Code != http.StatusNotFound {
		t.Errorf("a browser got %d", got.Code)
	}
}

// TestConfirmWrites shows that a hub that verifies over and over does not keep the disk busy.
func TestConfirmWrites(t *testing.T) {
	sub := store.Subscription{State: store.SubscriptionPending, Failures: 3, LastError: "x", Missed: time.Now()}
	at := time.Now().Add(askedLease)
	if !activate(&sub, at) || sub.Failures != 0 || sub.LastError != "" || !sub.Missed.IsZero() || sub.Expires != at {
		t.Errorf("activated to %+v", sub)
	}
	if activate(&sub, at.Add(30*time.Second)) {
		t.Error("half a minute is worth a write")
	}
	if !activate(&sub, at.Add(oneHour)) {
		t.Error("an hour is not worth a write")
	}
}

func TestSignatureMethods(t *testing.T) {
	for name, h := range map[string]func() hash.Hash{
		"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New, "SHA256": sha256.New,
	} {
		mac := hmac.New(h, []byte("secret"))
		mac.Write([]byte("body"))
		sig, ok := parseSignature(" " + name + "=" + strings.ToUpper(hex.EncodeToString(mac.Sum(nil))) + " ")
		if !ok {
			t.Errorf("%s: not read", name)
			continue
		}
		if good, err := sig.matches("secret", strings.NewReader("body")); !good || err != nil {
			t.Errorf("%s: %v, %v", name, good, err)
		}
		if good, _ := sig.matches("secret", strings.NewReader("bodY")); good {
			t.Errorf("%s: matches another body", name)
		}
		if good, _ := sig.matches("", strings.NewReader("body")); good {
			t.Errorf("%s: matches another secret", name)
		}
	}
	// Made with openssl: printf '<feed/>' | openssl dgst -sha1 -hmac secret
	sig, ok := parseSignature("sha1=f38e73e7d772790d36ded9be19b36748b2a27335")
	if good, _ := sig.matches("secret", strings.NewReader("<feed/>")); !ok || !good {
		t.Error("a signature made elsewhere does not match")
	}
}

func FuzzSignature(f *testing.F) {
	for _, s := range []string{
		"", "sha1", "sha1=", "sha256=00", "=00", "sha1=" + strings.Repeat("0", 40), "sha512=" + strings.Repeat("g", 128),
		sign("secret", "body"), strings.ToUpper(sign("secret", "body")),
	} {
		f.Add(s)
	}
	right := strings.TrimPrefix(sign("secret", "body"), "sha256=")
	f.Fuzz(func(t *testing.T, header string) {
		sig, ok := parseSignature(header)
		if !ok {
			return
		}
		good, err := sig.matches("secret", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if method, digits, _ := strings.Cut(strings.TrimSpace(header), "="); strings.EqualFold(method, "sha256") && good != strings.EqualFold(digits, right) {
			t.Errorf("%q: %v", header, good)
		}
		if again := len(sig.sum); again != sig.hash().Size() {
			t.Errorf("%q: %d bytes", header, again)
		}
	})
}

func FuzzIntent(f *testing.F) {
	for _, s := range []string{
		"", "hub.mode=subscribe&hub.topic=" + url.QueryEscape(topic) + "&hub.challenge=x&hub.lease_seconds=10",
		"hub.mode=denied&hub.topic=" + url.QueryEscape(topic) + "&hub.reason=%1b%ff", "hub.mode=%zz;&&=&hub.mode=unsubscribe",
	} {
		f.Add(s)
	}
	s := New(Config{BaseURL: base, Feeds: []string{blog}})
	f.Fuzz(func(t *testing.T, query string) {
		in := parseIntent(query)
		if len(in.reason) > maxReason+len("…") || strings.ContainsFunc(in.reason, func(r rune) bool { return r < ' ' }) {
			t.Errorf("reason %q", in.reason)
		}
		if lease := leaseOf(in.lease); lease < minLease || lease > maxLease {
			t.Errorf("lease %q: %v", in.lease, lease)
		}
		sub := s.fresh(blog, hubURL, topic)
		sub.Requested = time.Now()
		if !s.expected(sub, time.Now()) {
			t.Fatal("a subscription that was asked for is not expected")
		}
	})
}
