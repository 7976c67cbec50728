package federation

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		if got := alice.post(t, d, alice.follow()); got != 202 {
			t.Fatal(got)
		}
		time.Sleep(justFetched)
		alice.pair = keyPair(t, 2)
		if got := alice.post(t, d, aboutUs); got != 202 {
			t.Errorf("status %d after the key was changed", got)
		}
		if alice.reads() != 2 {
			t.Errorf("%d look-ups, want 2", alice.reads())
		}
		// Whoever signs with a wrong key now does not make us fetch again for a while.
		mallory := *keyPair(t, 0)
		good := alice.pair
		post := func(pair bool, n int) int {
			body := strings.Replace(aboutUs, "example/2", fmt.Sprintf("example/r%d", n), 1)
			alice.pair = &mallory
			if pair {
				alice.pair = good
			}
			r := alice.request(t, body)
			alice.pair = good
			return d.receive(r).Code
		}
		for n := range 5 {
			time.Sleep(2 * justFetched)
			if got := post(false, n); got != 401 {
				t.Errorf("a wrong key: status %d", got)
			}
		}
		if alice.reads() != 2 {
			t.Errorf("%d look-ups, want 2", alice.reads())
		}
		time.Sleep(refetchEvery)
		if got := post(false, 10); got != 401 || alice.reads() != 3 {
			t.Errorf("status %d after %d look-ups", got, alice.reads())
		}
		if got := post(true, 11); got != 202 {
			t.Errorf("the right key: status %d", got)
		}
	})
}

func TestAnOutageDoesNotForgetKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		alice := newStranger(t, d, "a.example", "alice")
		if got := alice.post(t, d, aboutUs); got != 202 {
			t.Fatal(got)
		}
		time.Sleep(justFetched)
		alice.status(502)
		r := alice.request(t, strings.Replace(aboutUs, "example/2", "example/5", 1))
		r.Header.Set("Date", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
		if got := d.receive(r).Code; got != 503 {
			t.Errorf("status %d", got)
		}
		if got := alice.post(t, d, strings.Replace(aboutUs, "example/2", "example/6", 1)); got != 202 {
			t.Errorf("status %d", got)
		}
	})
}

func TestStoredKeyNeedsNoFetch(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	d.s = New(d.s.cfg) // an empty memory
	if got := alice.post(t, d, aboutUs); got != 202 {
		t.Fatal(got)
	}
	if alice.reads() != 1 {
		t.Errorf("%d look-ups, want 1", alice.reads())
	}
}

// TestHostileActors has documents that must not make a follower, each for a reason of its own.
func TestHostileActors(t *testing.T) {
	set := func(key string, value any) func(map[string]any) { return func(doc map[string]any) { doc[key] = value } }
	key := func(doc map[string]any) map[string]any { return doc["publicKey"].(map[string]any) }
	tests := []struct {
		name   string
		change func(map[string]any)
		want   int
	}{
		{"inbox on another host", set("inbox", "https://victim.example/inbox"), 400},
		{"inbox of ours", set("inbox", testBase+"/inbox"), 400},
		{"inbox on another port", set("inbox", "https://a.example:8443/inbox"), 400},
		{"no inbox", func(doc map[string]any) { delete(doc, "inbox") }, 401},
		{"inbox that is no address", set("inbox", "javascript:alert(1)"), 401},
		{"id on another host", set("id", "https://b.example/users/alice"), 401},
		{"id of another actor", set("id", "https://a.example/users/bob"), 401},
		{"no id", func(doc map[string]any) { delete(doc, "id") }, 401},
		{"a Note", set("type", "Note"), 401},
		{"no key", func(doc map[string]any) { delete(doc, "publicKey") }, 401},
		{"owner on another host", func(doc map[string]any) { key(doc)["owner"] = "https://b.example/users/bob" }, 401},
		{"owner is another actor", func(doc map[string]any) { key(doc)["owner"] = "https://a.example/users/bob" }, 401},
		{"no owner", func(doc map[string]any) { delete(key(doc), "owner") }, 401},
		{"another key's id", func(doc map[string]any) { key(doc)["id"] = "https://a.example/users/alice#other" }, 401},
		{"key on another host", func(doc map[string]any) { key(doc)["id"] = "https://b.example/users/alice#main-key" }, 401},
		{"somebody else's key", func(doc map[string]any) { key(doc)["publicKeyPem"] = publicPEM(testKey()) }, 401},
		{"a key that is none", func(doc map[string]any) { key(doc)["publicKeyPem"] = "hello" }, 401},
		{"eleven keys, ours last", func(doc map[string]any) {
			keys := []any{}
			for i := range 10 {
				keys = append(keys, map[string]any{"id": fmt.Sprintf("https://a.example/users/alice#%d", i), "owner": doc["id"], "publicKeyPem": key(doc)["publicKeyPem"]})
			}
			doc["publicKey"] = append(keys, doc["publicKey"])
		}, 401},
		{"too long", set("summary", strings.Repeat("x", maxDocument)), 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			alice.bend(test.change)
			if got := alice.post(t, d, alice.follow()); got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
			if d.followers() != "" || len(d.queue()) != 0 || len(d.told()) != 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestForeignSharedInboxIsIgnored(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	alice.bend(func(doc map[string]any) {
		doc["endpoints"] = map[string]any{"sharedInbox": "https://victim.example/inbox"}
	})
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil {
		t.Fatal(err)
	}
	if f.SharedInbox != "" || f.DeliveryInbox() != alice.id()+"/inbox" {
		t.Errorf("%+v", f)
	}
}

// TestKeyForms has the forms in which servers publish keys.
func TestKeyForms(t *testing.T) {
	forms := map[string]func(*stranger){
		"fragment (Mastodon, Misskey, Pleroma)": func(*stranger) {},
		"document of its own (GoToSocial)":      func(x *stranger) { x.keyPath = "/main-key" },
		"key document with owner": func(x *stranger) {
			x.keyPath = "/publickey"
			x.serve = func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/publickey") {
					serveJSON(w, typeLD, map[string]any{"id": x.keyID(), "owner": x.id(), "publicKeyPem": publicPEM(x.pair)})
					return
				}
				x.documents(w, r)
			}
		},
		"list of keys": func(x *stranger) {
			x.change = func(doc map[string]any) { doc["publicKey"] = []any{doc["publicKey"]} }
		},
		"several types, endpoints missing": func(x *stranger) {
			x.change = func(doc map[string]any) {
				doc["type"] = []any{"Person", "http://schema.org#Person"}
				delete(doc, "endpoints")
			}
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			alice := newStranger(t, d, "a.example", "alice")
			form(alice)
			if got := alice.post(t, d, alice.follow()); got != 202 {
				t.Fatal(got)
			}
			if got := d.followers(); got != "alice@a.example accepted" {
				t.Error(got)
			}
		})
	}
}

// TestKeyDocumentProvesNothing: a document that names an owner is not enough, the owner has to agree.
func TestKeyDocumentProvesNothing(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	forged := &stranger{host: "a.example", name: "alice", pair: keyPair(t, 2), keyPath: "/media/upload.json"}
	alice.instead(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/media/upload.json") {
			serveJSON(w, typeActivity, map[string]any{"id": forged.keyID(), "owner": alice.id(), "publicKeyPem": publicPEM(forged.pair)})
			return
		}
		alice.documents(w, r)
	})
	if got := forged.post(t, d, alice.follow()); got != 401 {
		t.Errorf("status %d", got)
	}
	if d.followers() != "" {
		t.Error("a forged key made a follower")
	}
}

// What is kept of an actor is small, however large its document is.
func TestActorsAreKeptSmall(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	alice.bend(func(doc map[string]any) {
		key := doc["publicKey"].(map[string]any)
		key["publicKeyPem"] = strings.Repeat("x", 400_000) + "\n" + key["publicKeyPem"].(string) + strings.Repeat("y", 400_000)
		doc["endpoints"] = []any{} // as an empty one is written by some
	})
	if got := alice.post(t, d, alice.follow()); got != 202 {
		t.Fatal(got)
	}
	f, err := d.db.Follower(alice.id())
	if err != nil || len(f.Key) > 1000 || f.SharedInbox != "" {
		t.Errorf("kept: a key of %d bytes, shared inbox %q (%v)", len(f.Key), f.SharedInbox, err)
	}
}

func TestOneHostCannotTakeAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(3, 2)
		slow1, slow2 := p.take("slow.example", time.Second), p.take("slow.example", time.Second)
		if slow1 == nil || slow2 == nil || p.take("slow.example", time.Hour) != nil {
			t.Fatal("not two for one host")
		}
		other := p.take("a.example", time.Second)
		if other == nil {
			t.Fatal("a slow host keeps others out")
		}
		if p.take("b.example", time.Second) != nil {
			t.Error("more than all places were given")
		}
		slow1()
		if p.take("b.example", time.Second) == nil {
			t.Error("a place that was given back is lost")
		}
	})
}

// However a forger varies the address of a key, a host is asked a bounded number of times.
func TestFailuresOfAHostAreBounded(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	for i := range 3 * failedMost {
		alice.keyPath = fmt.Sprintf("?x=%d#main-key", i)
		alice.pair = keyPair(t, 2)
		alice.bend(func(doc map[string]any) { doc["publicKey"] = nil })
		alice.post(t, d, alice.follow())
	}
	if n := alice.reads(); n > 2*failedMost+2 {
		t.Errorf("%d requests", n)
	}
}

func TestBudgetBeginsAnew(t *testing.T) {
	b, now := newBudget(2, time.Minute), time.Now()
	var within []bool
	for range 3 {
		within = append(within, b.spend("h", now))
	}
	if !slices.Equal(within, []bool{true, true, false}) || b.left("h", now) || !b.left("other", now) {
		t.Errorf("within the budget: %v", within)
	}
	if now = now.Add(time.Minute); !b.left("h", now) || !b.spend("h", now) {
		t.Error("no new budget after a minute")
	}
}

// A proxy that changes Host would go unnoticed: the owner is told, once.
func TestOwnerHearsOfAWrongProxy(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	for range 3 {
		r := alice.request(t, alice.follow())
		r.Host = "127.0.0.1:8080"
		if got := d.receive(r).Code; got != 401 {
			t.Errorf("status %d", got)
		}
	}
	if n := strings.Count(d.log.String(), "reverse proxy"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
