package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"crier/content"
)

// wishes sends the wish to quote a post with another one, and returns the status.
func (x *stranger) wishes(t *testing.T, d *daemon, post, instrument string) int {
	t.Helper()
	return x.post(t, d, fmt.Sprintf(`{"@context":["https://www.w3.org/ns/activitystreams",{"QuoteRequest":"https://w3id.org/fep/044f#QuoteRequest"}],`+
		`"id":"https://%s/requests/1","type":"QuoteRequest","actor":"%s","object":"%s","instrument":%s}`, x.host, x.id(), post, instrument))
}

// answered returns the answer that waits for a stranger.
func (d *daemon) answered() (v struct {
	ID, Type, Result string
	Object           struct{ ID, Type, Actor, Object, Instrument string }
}) {
	d.t.Helper()
	for _, q := range d.queue() {
		a, err := d.db.Activity(q.Activity)
		if err != nil {
			d.t.Fatal(err)
		}
		if a.Type != "Accept" && a.Type != "Reject" {
			continue
		}
		if err := json.Unmarshal(a.Body, &v); err != nil {
			d.t.Fatal(err)
		}
	}
	return v
}

// body is that of the activity of a type that waits in the queue.
func (d *daemon) body(typ string) []byte {
	d.t.Helper()
	for _, q := range d.queue() {
		if q.Type != typ {
			continue
		}
		a, err := d.db.Activity(q.Activity)
		if err != nil {
			d.t.Fatal(err)
		}
		return a.Body
	}
	d.t.Fatalf("no %s waits", typ)
	return nil
}

// quotable starts a daemon with one post that those may quote.
func quotable(t *testing.T, quotes string) (*daemon, *stranger, string) {
	t.Helper()
	d := newDaemon(t)
	style := d.s.cfg.Feeds[testFeed]
	style.Quotes = quotes
	d.s.cfg.Feeds[testFeed] = style
	d.announce(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, newStranger(t, d, "a.example", "alice"), d.post(helloKey).ID
}

func TestQuoteIsAllowed(t *testing.T) {
	d, alice, post := quotable(t, "")
	const quoting = "https://a.example/notes/9"
	for name, instrument := range map[string]string{
		"by id":    `"` + quoting + `"`,
		"embedded": `{"id":"` + quoting + `","type":"Note","attributedTo":"https://a.example/users/alice"}`,
	} {
		if got := alice.wishes(t, d, post, instrument); got != http.StatusAccepted {
			t.Fatalf("%s: status %d", name, got)
		}
	}
	a := d.answered()
	if a.Type != "Accept" || a.Object.Type != "QuoteRequest" || a.Object.ID != "https://a.example/requests/1" ||
		a.Object.Instrument != quoting || a.Object.Object != post {
		t.Fatalf("%+v", a)
	}
	if n := len(d.queue()); n != 1 {
		t.Errorf("%d answers for one wish", n)
	}
	w := d.ask("GET", strings.TrimPrefix(a.Result, testBase), acceptAS)
	var proof struct{ ID, Type, AttributedTo, InteractingObject, InteractionTarget string }
	if err := json.Unmarshal(w.Body.Bytes(), &proof); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if proof.ID != a.Result || proof.Type != "QuoteAuthorization" || proof.AttributedTo != d.s.ids.Actor() ||
		proof.InteractingObject != quoting || proof.InteractionTarget != post {
		t.Errorf("%+v", proof)
	}

	d.remove(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := d.ask("GET", strings.TrimPrefix(a.Result, testBase), acceptAS); w.Code != http.StatusGone {
		t.Errorf("after the post was deleted its quotes answer %d", w.Code)
	}
}

func TestQuotePolicies(t *testing.T) {
	for _, c := range []struct {
		quotes string
		follow bool
		want   string
	}{
		{"everyone", false, "Accept"}, {"followers", false, "Reject"}, {"followers", true, "Accept"},
		{"nobody", false, "Reject"}, {"nobody", true, "Reject"},
	} {
		d, alice, post := quotable(t, c.quotes)
		if c.follow {
			if got := alice.post(t, d, alice.follow()); got != http.StatusAccepted {
				t.Fatal(got)
			}
		}
		if got := alice.wishes(t, d, post, `"https://a.example/notes/9"`); got != http.StatusAccepted {
			t.Fatal(got)
		}
		var types []string
		for _, q := range d.queue() {
			if q.Object == "https://a.example/notes/9" {
				types = append(types, q.Type)
			}
		}
		if len(types) != 1 || types[0] != c.want {
			t.Errorf("%s, follower %v: %v, want %s", c.quotes, c.follow, types, c.want)
		}
		if !c.follow {
			golden(t, "quote_"+strings.ToLower(c.want)+".json", d.body(types[0]))
		}
	}
}

func TestQuoteOfNothing(t *testing.T) {
	d, alice, post := quotable(t, "")
	if got := alice.wishes(t, d, post+"gone/", `"https://a.example/notes/9"`); got != http.StatusAccepted || d.answered().Type != "Reject" {
		t.Errorf("an unknown post: %d, %s", got, d.answered().Type)
	}
	d, alice, post = quotable(t, "")
	for _, instrument := range []string{`"https://b.example/notes/9"`, `null`, `["https://a.example/1","https://a.example/2"]`} {
		if got := alice.wishes(t, d, post, instrument); got != http.StatusBadRequest {
			t.Errorf("instrument %s: %d", instrument, got)
		}
	}
	if w := d.ask("GET", "/quotes/aaaaaaaaaaaaaaaaaaaaaaaaaa", acceptAS); w.Code != http.StatusNotFound {
		t.Errorf("an authorization that never was: %d", w.Code)
	}
	if n := len(d.queue()); n != 0 {
		t.Errorf("%d answers", n)
	}
}

// A post for followers only says nothing of quotes, and nobody may quote it.
func TestQuoteOfAPrivatePost(t *testing.T) {
	d := newDaemon(t)
	d.s.cfg.Feeds[testFeed] = content.Style{Visibility: visibilityFollowers}
	d.announce(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	alice := newStranger(t, d, "a.example", "alice")
	if got := alice.wishes(t, d, d.post(helloKey).ID, `"https://a.example/notes/9"`); got != http.StatusAccepted || d.answered().Type != "Reject" {
		t.Errorf("%d, %s", got, d.answered().Type)
	}
}

// TestBlockTakesQuotesBack: whoever is blocked has no leave to quote any more, by name or with a whole domain.
func TestBlockTakesQuotesBack(t *testing.T) {
	for _, what := range []string{"https://a.example/users/alice", "a.example"} {
		d, alice, post := quotable(t, "")
		if got := alice.wishes(t, d, post, `"https://a.example/notes/9"`); got != http.StatusAccepted {
			t.Fatalf("status %d", got)
		}
		proof := strings.TrimPrefix(d.answered().Result, testBase)
		if w := d.ask("GET", proof, acceptAS); w.Code != http.StatusOK {
			t.Fatalf("the authorization: %d", w.Code)
		}
		d.block(what)
		if w := d.ask("GET", proof, acceptAS); w.Code != http.StatusNotFound {
			t.Errorf("blocked as %s, and the authorization answers %d", what, w.Code)
		}
	}
}
