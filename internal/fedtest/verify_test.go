package fedtest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/internal/fedtest"
)

// tampering is one thing changed in a request that is right.
type tampering struct {
	name string
	o    fedtest.SendOptions
	want int
}

func tamperings() []tampering {
	old := time.Now().Add(-10 * time.Minute).UTC().Format(http.TimeFormat)
	sub := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), from, to, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	flip := func(i int) func(*http.Request) {
		return func(r *http.Request) {
			s := []byte(r.Header.Get("Signature"))
			at := bytes.Index(s, []byte(`signature="`)) + len(`signature="`) + i
			s[at] = map[bool]byte{true: 'A', false: 'B'}[s[at] != 'A']
			r.Header.Set("Signature", string(s))
		}
	}
	return []tampering{
		{"nothing", fedtest.SendOptions{}, 202},
		{"unsigned", fedtest.SendOptions{Unsigned: true}, 401},
		{"path", fedtest.SendOptions{Alter: func(r *http.Request) { r.URL.Path = "/users/alice/inbox" }}, 401},
		{"query", fedtest.SendOptions{Alter: func(r *http.Request) { r.URL.RawQuery = "x" }}, 401},
		{"host", fedtest.SendOptions{Alter: func(r *http.Request) { r.Host = "other.example" }}, 401},
		{"date", fedtest.SendOptions{Alter: set("Date", time.Now().Add(7*time.Second).UTC().Format(http.TimeFormat))}, 401},
		{"old date", fedtest.SendOptions{Alter: set("Date", old)}, 401},
		{"no date", fedtest.SendOptions{Alter: func(r *http.Request) { r.Header.Del("Date") }}, 401},
		{"two dates", fedtest.SendOptions{Alter: func(r *http.Request) { r.Header.Add("Date", r.Header.Get("Date")) }}, 401},
		{"digest", fedtest.SendOptions{Alter: set("Digest", "SHA-256=AAAA")}, 401},
		{"no digest", fedtest.SendOptions{Alter: func(r *http.Request) { r.Header.Del("Digest") }}, 401},
		{"body", fedtest.SendOptions{AlterBody: func(b []byte) []byte { return append(b, ' ') }}, 401},
		{"content type", fedtest.SendOptions{Alter: set("Content-Type", "application/activity+json; charset=utf-8")}, 401},
		{"bad type", fedtest.SendOptions{ContentType: "application/json"}, 415},
		{"first byte", fedtest.SendOptions{Alter: flip(0)}, 401},
		{"a later byte", fedtest.SendOptions{Alter: flip(200)}, 401},
		{"signed for another host", fedtest.SendOptions{Host: "other.example"}, 401},
		{"signed long ago", fedtest.SendOptions{Date: time.Now().Add(-6 * time.Minute)}, 401},
		{"signed ahead", fedtest.SendOptions{Date: time.Now().Add(6 * time.Minute)}, 401},
		{"signed a little off", fedtest.SendOptions{Date: time.Now().Add(-4 * time.Minute)}, 202},
		{"signed in another order", fedtest.SendOptions{Fields: strings.Fields("(request-target) host date digest")}, 202},
		{"signed without target", fedtest.SendOptions{Fields: strings.Fields("host date digest")}, 401},
		{"signed without host", fedtest.SendOptions{Fields: strings.Fields("(request-target) date digest")}, 401},
		{"signed without date", fedtest.SendOptions{Fields: strings.Fields("(request-target) host digest")}, 401},
		{"signed without digest", fedtest.SendOptions{Fields: strings.Fields("(request-target) host date")}, 401},
		{"signed a field twice", fedtest.SendOptions{Fields: strings.Fields("(request-target) host date digest date")}, 401},
		{"host not covered", fedtest.SendOptions{Alter: sub("host ", "")}, 401},
		{"date not covered", fedtest.SendOptions{Alter: sub("date ", "")}, 401},
		{"digest not covered", fedtest.SendOptions{Alter: sub("digest ", "")}, 401},
		{"target not covered", fedtest.SendOptions{Alter: sub(" (request-target)", "")}, 401},
		{"covered twice", fedtest.SendOptions{Alter: sub(`headers="`, `headers="date `)}, 401},
		{"keyId twice", fedtest.SendOptions{Alter: sub("keyId=", `keyId="x",keyId=`)}, 401},
		{"algorithm", fedtest.SendOptions{Alter: sub("rsa-sha256", "hmac-sha256")}, 401},
		{"no quotes", fedtest.SendOptions{Alter: sub(`"rsa-sha256"`, "rsa-sha256")}, 401},
		{"two signatures", fedtest.SendOptions{Alter: func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }}, 401},
		{"another's key", fedtest.SendOptions{KeyID: alice + "#main-key"}, 401},
		{"unknown key", fedtest.SendOptions{KeyID: bob + "#other"}, 503},
		{"key gone", fedtest.SendOptions{KeyID: "https://b.example/users/nobody#main-key"}, 401},
		{"not JSON", fedtest.SendOptions{Body: []byte("{")}, 400},
	}
}

// TestTampering changes one thing at a time of a request that is right and wants each refused.
func TestTampering(t *testing.T) {
	w := newWorld(t)
	follow(t, w.a, "alice", bob)
	w.a.AddActor("eve")
	for _, c := range tamperings() {
		t.Run(c.name, func(t *testing.T) {
			c.o.Activity = activityOf(bob + "/statuses/" + strings.ReplaceAll(c.name, " ", "-"))
			status, body, err := w.b.SendWith(t.Context(), "bob", w.a.SharedInbox(), c.o)
			if err != nil || status != c.want {
				t.Fatalf("answer %d %s %v, want %d", status, body, err, c.want)
			}
			if in := last(t, w.a); (in.Err == nil) != (c.want == 202) || in.Verified != (c.want == 202) {
				t.Errorf("recorded as %+v", in)
			}
		})
	}
	if n := len(w.a.Timeline("alice")); n != 3 {
		t.Errorf("alice has %d notes, want the three that were right", n)
	}
}

// TestForeignThings lets eve, on a server of her own, touch what is bob's.
func TestForeignThings(t *testing.T) {
	w := newWorld(t)
	w.b.AddActor("eve")
	eve := "https://b.example/users/eve"
	follow(t, w.a, "alice", bob)
	follow(t, w.a, "alice", eve)
	create := activityOf(bob + "/statuses/n")
	if status, body, err := w.b.Send(t.Context(), "bob", w.a.SharedInbox(), create); err != nil || status != 202 {
		t.Fatal(status, body, err)
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	stolen := edited(create, "Update", "u", map[string]any{"attributedTo": eve, "updated": later})
	stolen["actor"] = eve
	follows := w.a.Follows("alice")
	for _, c := range []struct {
		name string
		act  map[string]any
	}{
		{"create in bob's name", edited(create, "Create", "e", nil)},
		{"update", stolen},
		{"attributed to bob", map[string]any{"id": eve + "/c", "type": "Create", "actor": eve, "object": create["object"], "to": create["to"], "cc": create["cc"]}},
		{"delete", map[string]any{"id": eve + "/d", "type": "Delete", "actor": eve, "object": bob + "/statuses/n"}},
		{"reject of bob's follow", map[string]any{"id": eve + "/r", "type": "Reject", "actor": eve,
			"object": map[string]any{"id": follows[0].ID, "type": "Follow", "actor": alice, "object": bob}}},
		{"undo of bob's follow", map[string]any{"id": eve + "/u", "type": "Undo", "actor": eve,
			"object": map[string]any{"type": "Follow", "actor": bob, "object": alice}}},
		{"addressed to others than its note", map[string]any{"id": eve + "/c2", "type": "Create", "actor": eve, "to": create["to"],
			"object": edited(create, "Create", "", map[string]any{"id": eve + "/n", "attributedTo": eve})["object"]}},
		{"id elsewhere", map[string]any{"id": "https://c.example/x", "type": "Like", "actor": eve, "object": alice}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, err := w.b.Send(t.Context(), "eve", w.a.SharedInbox(), c.act)
			if err != nil || status != 401 && status != 400 {
				t.Errorf("answer %d %v, want 401 or 400", status, err)
			}
		})
	}
	if tl := w.a.Timeline("alice"); len(tl) != 1 || tl[0].Author != bob || len(tl[0].Edits) != 0 || !w.a.Following("alice", bob) {
		t.Errorf("eve got through: %+v", tl)
	}
}

// TestStrangersDelete: Mastodon believes nothing and fetches nothing, but says 202.
func TestStrangersDelete(t *testing.T) {
	w := newWorld(t)
	w.b.OnRequest(func(r *http.Request) { t.Errorf("%s was fetched", r.URL) })
	act := map[string]any{"id": bob + "#delete", "type": "Delete", "actor": bob, "object": bob}
	status, _, err := w.b.SendWith(t.Context(), "bob", w.a.SharedInbox(), fedtest.SendOptions{Activity: act, Unsigned: true})
	if err != nil || status != 202 || last(t, w.a).Verified {
		t.Errorf("answer %d %v, recorded as %+v", status, err, last(t, w.a))
	}
}

// TestKeyOfAnotherHost: a key document elsewhere may not speak for bob, whatever it says.
func TestKeyOfAnotherHost(t *testing.T) {
	w := newWorld(t)
	w.net.Handle("evil.example", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/activity+json")
		fmt.Fprintf(rw, `{"id":"https://evil.example/key","owner":%q,"publicKeyPem":"x"}`, bob)
	}))
	for keyID, want := range map[string]string{
		"https://evil.example/key":          "on another host",
		bob + "#key-2":                      "lists the key",
		"https://evil.example/key#main-key": "on another host",
	} {
		status, body, err := w.b.SendWith(t.Context(), "bob", w.a.SharedInbox(), fedtest.SendOptions{Activity: activityOf(bob + "/statuses/n"), KeyID: keyID})
		if err != nil || status < 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s %v", keyID, status, body, err)
		}
	}
}
