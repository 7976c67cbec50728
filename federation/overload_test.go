package federation

import (
	"errors"
	"io"
	"net/http"
	"testing"
)

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("read")
}

// TestOverloadIsRefusedEarly: with too much under way an activity is refused before its body is read, and once there
// is room it is taken.
func TestOverloadIsRefusedEarly(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	d.s.work.n.Add(workingMost)
	r := alice.request(t, alice.follow())
	r.Body = io.NopCloser(unread{t})
	w := d.receive(r)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if alice.reads() > 0 {
		t.Error("somebody was asked")
	}
	d.s.work.n.Add(-1)
	if got := alice.post(t, d, alice.follow()); got != http.StatusAccepted {
		t.Errorf("status %d with room for one", got)
	}
	if n := d.s.work.n.Load(); n != workingMost-1 {
		t.Errorf("%d under way after the answer", n)
	}
}

// TestStoreThatFailsIsNotNow: whatever the inbox cannot store because of the store is answered with 503 and a time to
// come back, never with 202 or 500.
func TestStoreThatFailsIsNotNow(t *testing.T) {
	d := newDaemon(t)
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.post(t, d, alice.follow()); got != http.StatusAccepted {
		t.Fatal(got)
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	about := testBase + "/posts/example.com/1/"
	for typ, body := range map[string]string{
		"Follow":        alice.follow(),
		"Undo":          alice.undo("https://a.example/1"),
		"Delete":        `{"id":"https://a.example/d","type":"Delete","actor":"` + alice.id() + `","object":"` + alice.id() + `"}`,
		"Update":        `{"id":"https://a.example/u","type":"Update","actor":"` + alice.id() + `","object":"` + alice.id() + `"}`,
		"Like":          `{"id":"https://a.example/l","type":"Like","actor":"` + alice.id() + `","object":"` + about + `"}`,
		"Announce":      `{"id":"https://a.example/b","type":"Announce","actor":"` + alice.id() + `","object":"` + about + `"}`,
		"Block":         `{"id":"https://a.example/k","type":"Block","actor":"` + alice.id() + `","object":"` + testBase + `/users/user"}`,
		"Flag":          `{"id":"https://a.example/f","type":"Flag","actor":"` + alice.id() + `","object":"` + about + `"}`,
		"Move":          `{"id":"https://a.example/m","type":"Move","actor":"` + alice.id() + `","object":"` + alice.id() + `"}`,
		"Accept":        `{"id":"https://a.example/a","type":"Accept","actor":"` + alice.id() + `","object":"` + about + `"}`,
		"QuoteRequest":  `{"id":"https://a.example/q","type":"QuoteRequest","actor":"` + alice.id() + `","object":"` + about + `","instrument":"https://a.example/n"}`,
		"Create":        `{"id":"https://a.example/c","type":"Create","actor":"` + alice.id() + `","object":{"id":"https://a.example/n","type":"Note","attributedTo":"` + alice.id() + `","inReplyTo":"` + about + `","content":"x"}}`,
		"Delete a Note": `{"id":"https://a.example/e","type":"Delete","actor":"` + alice.id() + `","object":"https://a.example/n"}`,
	} {
		w := d.receive(alice.request(t, body))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: status %d, Retry-After %q", typ, w.Code, w.Header().Get("Retry-After"))
		}
	}
	d.open()
}
