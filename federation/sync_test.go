package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"crier/store"
)

// toldWith returns the Collection-Synchronization header that an activity is delivered with.
func (d *daemon) toldWith(inbox string, body []byte) string {
	d.t.Helper()
	var header string
	d.net.handle(hostOf(inbox), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Collection-Synchronization")
		w.WriteHeader(http.StatusAccepted)
	}))
	if _, err := d.s.client.post(d.t.Context(), inbox, body); err != nil {
		d.t.Fatal(err)
	}
	return header
}

// followersOn stores n accepted followers on a host.
func (d *daemon) followersOn(host string, n int) {
	d.t.Helper()
	for i := range n {
		id := fmt.Sprintf("https://%s/users/%d", host, i+1)
		f := store.Follower{Actor: id, Inbox: id + "/inbox", SharedInbox: "https://" + host + "/inbox", Since: time.Now(), State: store.FollowerAccepted}
		if _, err := d.db.AddFollower(time.Now(), store.Follow{Follower: f}); err != nil {
			d.t.Fatal(err)
		}
	}
}

// TestFollowersSynchronization: only what is for the followers alone tells of them, in the form that Mastodon's
// documentation gives, with its example's digest.
func TestFollowersSynchronization(t *testing.T) {
	d := published(t, "example.com/a/")
	d.followersOn("testing.example.org", 2)
	d.followersOn("b.example", 1)
	create := func(post store.Post) []byte {
		a, err := d.s.activity("Create", post, "")
		if err != nil {
			t.Fatal(err)
		}
		return a.Body
	}
	secret := create(d.publishFor(visibilityFollowers))
	const inbox = "https://testing.example.org/inbox"
	want := `collectionId="https://fedi.example.com/users/user/followers", ` +
		`url="https://fedi.example.com/users/user/followers_synchronization", ` +
		`digest="c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"`
	if got := d.toldWith(inbox, secret); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, body := range map[string][]byte{
		"public": create(d.post("example.com/a/")), "unlisted": create(d.publishFor(visibilityUnlisted)),
		"accept": []byte(`{"type":"Accept","to":["https://testing.example.org/users/1"]}`), "nothing": nil, "no JSON": []byte("x"),
	} {
		if got := d.toldWith(inbox, body); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := d.toldWith("https://c.example/inbox", secret); got != "" {
		t.Errorf("a host without followers: %s", got)
	}
	if err := d.db.ForgetWhole(); err != nil { // as a restore does
		t.Fatal(err)
	}
	if got := d.toldWith(inbox, secret); got != "" {
		t.Errorf("after a restore: %s", got)
	}
}

// TestFollowersOfOneHost: a host learns of its own followers, signed, and of nobody else's.
func TestFollowersOfOneHost(t *testing.T) {
	d := published(t)
	d.s.cfg.Profile.HideFollowers = true // who is hidden from all others is known to its own server
	const target = "/users/user/followers_synchronization"
	d.followersOn("a.example", 3)
	d.followersOn("a.example.org", 2)
	d.followersOn("b.example", 1)
	x := newStranger(t, d, "a.example", "actor")
	if w := d.ask("GET", target, acceptAS); w.Code != http.StatusUnauthorized {
		t.Errorf("unsigned: %d", w.Code)
	}
	w := x.get(t, d, target)
	var c struct {
		ID, Type     string
		TotalItems   int
		OrderedItems []string
	}
	decode(t, w, &c)
	want := []string{"https://a.example/users/1", "https://a.example/users/2", "https://a.example/users/3"}
	if c.ID != testBase+target || c.Type != "OrderedCollection" || c.TotalItems != 3 || !slices.Equal(c.OrderedItems, want) {
		t.Errorf("%+v", c)
	}
	if h := w.Header(); h.Get("Cache-Control") != "private, max-age=0" || h.Get("Vary") != varyOnSignature {
		t.Errorf("%v", h)
	}
	empty := newStranger(t, d, "c.example", "actor").get(t, d, target)
	if empty.Code != http.StatusOK || !regexp.MustCompile(`"orderedItems":\[\]`).Match(empty.Body.Bytes()) {
		t.Errorf("a host without followers: %d\n%s", empty.Code, empty.Body)
	}
	d.followersOn("A.example", 1) // in a spelling that is counted for the host, but not found there
	if w := x.get(t, d, target); w.Code != http.StatusNotFound {
		t.Errorf("a list that does not fit: %d\n%s", w.Code, w.Body)
	}
	if _, err := d.db.RemoveFollower(time.Now(), "https://A.example/users/1", ""); err != nil {
		t.Fatal(err)
	}
	if w := x.get(t, d, target); w.Code != http.StatusOK {
		t.Errorf("a list that fits again: %d\n%s", w.Code, w.Body)
	}
	if err := d.db.ForgetWhole(); err != nil {
		t.Fatal(err)
	}
	if w := x.get(t, d, target); w.Code != http.StatusNotFound {
		t.Errorf("after a restore: %d\n%s", w.Code, w.Body)
	}
}

// TestSynchronizationIsIgnored: we follow nobody, so what others say of their followers is nothing to us.
func TestSynchronizationIsIgnored(t *testing.T) {
	d := newDaemon(t)
	x := newStranger(t, d, "a.example", "alice")
	r := x.request(t, x.follow())
	r.Header.Set("Collection-Synchronization", `collectionId="`+x.id()+`/followers", url="https://a.example/sync", digest="00"`)
	if w := d.receive(r); w.Code != http.StatusAccepted {
		t.Errorf("%d", w.Code)
	}
	if len(x.gets) != 1 {
		t.Errorf("read %v", x.gets)
	}
}

func TestIsForFollowers(t *testing.T) {
	s := bareServer()
	for body, want := range map[string]bool{
		`{"to":["` + s.ids.Followers() + `"],"cc":[]}`:                            true,
		`{"to":"` + s.ids.Followers() + `"}`:                                      true,
		`{"to":["` + s.ids.Followers() + `"],"cc":["https://a.example/users/a"]}`: true,
		`{"to":["` + s.ids.Followers() + `"],"cc":["` + Public + `"]}`:            false,
		`{"to":["` + Public + `"],"cc":["` + s.ids.Followers() + `"]}`:            false,
		`{"to":["https://a.example/users/a"],"cc":[]}`:                            false,
		`{}`: false, ``: false,
	} {
		if got := s.isForFollowers(json.RawMessage(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}
