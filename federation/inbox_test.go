package federation

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const aboutUs = `{"id":"https://a.example/2","type":"Like","actor":"https://a.example/users/alice","object":"` + testBase + `/posts/example.com/hello/"}`

// TestInboxStatuses has every answer of the inbox that peers rely on, in the cheap order.
func TestInboxStatuses(t *testing.T) {
	type env struct {
		t     *testing.T
		d     *daemon
		alice *stranger
	}
	send := func(body string) func(env) *http.Request {
		return func(e env) *http.Request { return e.alice.request(e.t, body) }
	}
	unsigned := func(body string) func(env) *http.Request {
		return func(e env) *http.Request { return postTo(e.t, testInbox, body, time.Now()) }
	}
	typed := func(contentType string) func(env) *http.Request {
		return func(e env) *http.Request {
			r := e.alice.request(e.t, aboutUs)
			r.Header.Set("Content-Type", contentType)
			return r
		}
	}
	served := func(serve http.HandlerFunc, body string) func(env) *http.Request {
		return func(e env) *http.Request { e.alice.instead(serve); return e.alice.request(e.t, body) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	const self = `{"id":"https://a.example/3","type":"%s","actor":"https://a.example/users/alice","object":%s}`
	tests := []struct {
		name  string
		r     func(env) *http.Request
		want  int
		reads int // requests to the sender's server
	}{
		{"like of a post", send(aboutUs), 202, 1},
		{"ld+json", typed(typeLD), 202, 1},
		{"ld+json without profile", typed("application/ld+json"), 202, 1},
		{"json", typed("application/json"), 415, 0},
		{"no type", typed(""), 415, 0},
		{"form", typed("application/x-www-form-urlencoded"), 415, 0},
		{"PUT", func(e env) *http.Request { r := e.alice.request(e.t, aboutUs); r.Method = "PUT"; return r }, 405, 0},
		{"too long, said", func(e env) *http.Request {
			return e.alice.request(e.t, `{"type":"Like","pad":"`+strings.Repeat("x", maxInbox)+`"}`)
		}, 413, 0},
		{"too long, not said", func(e env) *http.Request {
			r := e.alice.request(e.t, `{"type":"Like","pad":"`+strings.Repeat("x", maxInbox)+`"}`)
			r.ContentLength = -1
			return r
		}, 413, 0},
		{"no JSON", send(`{"type":`), 400, 0},
		{"two values", send(aboutUs + "{}"), 400, 0},
		{"a list of one, as an expanded document is", send("[" + aboutUs + "]"), 202, 1},
		{"a list of two", send("[" + aboutUs + "," + aboutUs + "]"), 400, 0},
		{"the actor twice", send(strings.Replace(aboutUs, `"actor"`, `"actor":"https://b.example/users/bob","actor"`, 1)), 400, 0},
		{"the actor in two spellings", send(strings.Replace(aboutUs, `"actor"`, `"as:actor":"https://b.example/users/bob","actor"`, 1)), 400, 0},
		{"the actor in two cases", send(strings.Replace(aboutUs, `"actor"`, `"Actor":"https://b.example/users/bob","actor"`, 1)), 400, 0},
		{"an Actor is no actor", send(strings.Replace(aboutUs, `"actor"`, `"Actor"`, 1)), 400, 0},
		{"deep", send(strings.Repeat(`{"object":`, 5000) + "1" + strings.Repeat("}", 5000)), 400, 0},
		{"no actor", send(`{"type":"Like"}`), 400, 0},
		{"two actors", send(`{"type":"Like","actor":["https://a.example/users/alice","https://b.example/users/bob"]}`), 400, 0},
		{"actor that is no address", send(`{"type":"Like","actor":"alice"}`), 400, 0},
		{"no UTF-8", send("{\"type\":\"Like\xff\",\"actor\":\"https://a.example/users/alice\"}"), 400, 0},
		{"unsigned", unsigned(aboutUs), 401, 0},
		{"unsigned and of no interest", unsigned(strings.Replace(aboutUs, "Like", "Arrive", 1)), 401, 0},
		{"unsigned Delete of itself, unknown", unsigned(fmt.Sprintf(self, "Delete", `"https://a.example/users/alice"`)), 202, 0},
		{"unsigned Update of itself, unknown", unsigned(fmt.Sprintf(self, "Update", `{"id":"https://a.example/users/alice","type":"Person"}`)), 202, 0},
		{"Delete of itself as Tombstone, unknown", unsigned(fmt.Sprintf(self, "Delete", `{"id":"https://a.example/users/alice","type":"Tombstone"}`)), 202, 0},
		{"unsigned Delete of another", unsigned(fmt.Sprintf(self, "Delete", `"https://a.example/users/bob"`)), 401, 0},
		{"unknown type", send(strings.Replace(aboutUs, "Like", "Arrive", 1)), 202, 0},
		{"nothing of ours", send(strings.Replace(aboutUs, testBase, "https://c.example", 1)), 202, 0},
		{"signature off", func(e env) *http.Request {
			r := e.alice.request(e.t, aboutUs)
			r.Header.Set("Date", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
			return r
		}, 401, 1},
		{"body off", func(e env) *http.Request {
			r := e.alice.request(e.t, aboutUs)
			other := postTo(e.t, testInbox, strings.Replace(aboutUs, "hello", "hallo", 1), time.Now())
			r.Body = other.Body
			return r
		}, 401, 0},
		{"RFC 9421", func(e env) *http.Request {
			r := postTo(e.t, testInbox, aboutUs, time.Now())
			r.Header.Set("Signature-Input", `sig1=("@method" "@target-uri");created=1;keyid="https://a.example/users/alice#main-key"`)
			r.Header.Set("Signature", "sig1=:AAAA:")
			return r
		}, 401, 0},
		{"key on another host", func(e env) *http.Request {
			r := postTo(e.t, testInbox, aboutUs, time.Now())
			cavage{key: e.alice.pair, keyID: "https://b.example/users/bob#main-key", headers: allFour}.sign(e.t, r)
			return r
		}, 401, 0},
		{"id on another host", send(strings.Replace(aboutUs, "https://a.example/2", "https://b.example/2", 1)), 401, 0},
		{"actor over http", send(strings.Replace(aboutUs, `"https://a.example/users`, `"http://a.example/users`, 1)), 401, 0},
		{"actor of ours", send(strings.Replace(aboutUs, "https://a.example/users/alice", testBase+"/users/user", 1)), 401, 0},
		{"forwarded by another server", func(e env) *http.Request {
			r := postTo(e.t, testInbox, strings.Replace(aboutUs, `"actor"`, `"signature":{"type":"RsaSignature2017"},"actor"`, 1), time.Now())
			cavage{key: e.alice.pair, keyID: "https://b.example/users/bob#main-key", headers: allFour}.sign(e.t, r)
			return r
		}, 202, 0},
		{"Follow, signed by another server", func(e env) *http.Request {
			r := postTo(e.t, testInbox, strings.Replace(e.alice.follow(), `"actor"`, `"signature":{"type":"RsaSignature2017"},"actor"`, 1), time.Now())
			cavage{key: e.alice.pair, keyID: "https://b.example/users/bob#main-key", headers: allFour}.sign(e.t, r)
			return r
		}, 401, 0},
		{"another actor of the host", send(strings.Replace(aboutUs, "users/alice", "users/bob", 1)), 401, 1},
		{"key gone", served(status(410), aboutUs), 401, 1},
		{"key forbidden", served(status(403), aboutUs), 401, 1},
		{"key server fails", served(status(502), aboutUs), 503, 1},
		{"key server busy", served(status(429), aboutUs), 503, 1},
		{"key is HTML", served(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
		}, aboutUs), 401, 1},
		{"too many values", unsigned(`{"type":"Like","actor":"https://a.example/users/alice","object":[` + strings.Repeat("{},", maxValues) + `{}]}`), 400, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			e := env{t, d, newStranger(t, d, "a.example", "alice")}
			w := d.receive(test.r(e))
			if w.Code != test.want {
				t.Errorf("status %d (%s), want %d", w.Code, strings.TrimSpace(w.Body.String()), test.want)
			}
			if got := e.alice.reads(); got != test.reads {
				t.Errorf("%d requests to the sender's server, want %d: %v", got, test.reads, e.alice.gets)
			}
			for code, header := range map[int]string{401: "WWW-Authenticate", 405: "Allow", 503: "Retry-After", 429: "Retry-After"} {
				if w.Code == code && w.Header().Get(header) == "" {
					t.Errorf("%d without %s", code, header)
				}
			}
			if lines := d.told(); (len(lines) > 0) != (test.want == 202 && test.reads > 0) {
				t.Errorf("log: %q", lines)
			}
			if d.followers() != "" || len(d.queue()) > 0 {
				t.Error("something was stored")
			}
			if d.log.Len() > 0 {
				t.Errorf("a stranger wrote into the program's log: %s", d.log)
			}
		})
	}
}

func TestInboxTakesEachActivityOnce(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	for range 3 {
		if got := alice.post(t, d, aboutUs); got != 202 {
			t.Fatal(got)
		}
	}
	shared := postTo(t, testBase+"/inbox", aboutUs, time.Now())
	alice.sign(t, shared)
	if w := d.receive(shared); w.Code != 202 {
		t.Fatal(w.Code)
	}
	want := []string{"Like(" + testBase + "/posts/example.com/hello/): 202 Accepted, noted: there is no such post"}
	if diff := cmp.Diff(want, d.told()); diff != "" {
		t.Error(diff)
	}
	if alice.reads() != 1 {
		t.Errorf("the key was fetched %d times", alice.reads())
	}
}

func TestInboxWaitsForASlowKeyFourSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		alice.instead(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		if got := alice.post(t, d, alice.follow()); got != 503 {
			t.Errorf("status %d, want 503", got)
		}
		if took := time.Since(start); took != keyTimeout {
			t.Errorf("took %v", took)
		}
		// The failure is remembered for a moment, and then the key is fetched again.
		if got := alice.post(t, d, alice.follow()); got != 503 || alice.reads() != 1 {
			t.Errorf("status %d after %d reads", got, alice.reads())
		}
		alice.instead(nil)
		time.Sleep(failureAge)
		if got := alice.post(t, d, alice.follow()); got != 202 {
			t.Errorf("status %d, want 202", got)
		}
	})
}

func TestInboxBoundsLookUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		var wg sync.WaitGroup
		codes := make(chan int, 2*parallelFetch)
		for i := range 2 * parallelFetch {
			x := newStranger(t, d, fmt.Sprintf("s%d.example", i), "alice")
			x.instead(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			wg.Go(func() { codes <- x.post(t, d, x.follow()) })
		}
		wg.Wait()
		close(codes)
		count := map[int]int{}
		for c := range codes {
			count[c]++
		}
		if diff := cmp.Diff(map[int]int{429: parallelFetch, 503: parallelFetch}, count); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInboxSharesOneLookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		alice.instead(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			alice.documents(w, r)
		})
		var wg sync.WaitGroup
		for i := range 20 {
			body := strings.Replace(aboutUs, "example/2", fmt.Sprintf("example/n%d", i), 1)
			wg.Go(func() {
				if got := alice.post(t, d, body); got != 202 {
					t.Error(got)
				}
			})
		}
		wg.Wait()
		if alice.reads() != 1 {
			t.Errorf("%d look-ups", alice.reads())
		}
	})
}

func TestInboxAnswers503WhenTheStoreFails(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	w := d.receive(alice.request(t, alice.follow()))
	d.open()
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d", w.Code)
	}
	if !strings.Contains(d.log.String(), "level=ERROR") {
		t.Error("the owner is not told")
	}
	if strings.Contains(w.Body.String(), "database") {
		t.Errorf("the sender is told of the store: %s", w.Body)
	}
}

// TestAnswersDoNotTellOfTheNetwork: what a look-up met is not told to whoever caused it.
func TestAnswersDoNotTellOfTheNetwork(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	alice.instead(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://a.example:1/secret", http.StatusFound)
	})
	for _, code := range []int{302, 403, 404, 500} {
		if code != 302 {
			alice.status(code)
		}
		d.s = New(d.s.cfg)
		if w := d.receive(alice.request(t, aboutUs)); strings.ContainsAny(w.Body.String(), "0123456789:/") {
			t.Errorf("%d: %s", code, w.Body)
		}
	}
}

func TestRefusalIsAnError(t *testing.T) {
	var r *refusal
	if !errors.As(unauthorized(errUnsigned), &r) || r.status != 401 {
		t.Error(r)
	}
}

func FuzzActivity(f *testing.F) {
	f.Add(aboutUs)
	f.Add(`{"@context":["https://www.w3.org/ns/activitystreams",{"a":{"@id":"b"}}],"@id":"x","@type":["Undo"],"actor":[{"id":"https://a.example/users/alice"}],"object":{"type":"Follow","object":[{"id":"y"}]}}`)
	f.Add(`{"type":"Create","actor":"https://a.example/u","object":{"inReplyTo":["` + testBase + `/posts/x"],"tag":[{"href":1},null,[]]}}`)
	d := newDaemon(f)
	f.Fuzz(func(t *testing.T, body string) {
		a, err := parseActivity([]byte(body))
		if err != nil {
			return
		}
		if a.actor == "" || a.typ == "" || hostOf(a.actor) == "" {
			t.Errorf("%q gave %+v", body, a)
		}
		if k := d.s.kindOf(a.typ); k.act != nil {
			if _, err := k.concerns(a); err != nil {
				t.Error(err)
			}
		}
		if _, err := d.s.aboutStranger(a); err != nil {
			t.Error(err)
		}
	})
}
