package federation

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"crier/store"
)

// TestRepliesToOtherNamesOfAPost: whatever address of a post of ours somebody answers, it is an answer to that post.
func TestRepliesToOtherNamesOfAPost(t *testing.T) {
	d, alice, post := reacting(t)
	p := d.post(helloKey)
	for i, address := range []string{
		post, post + "#fragment", strings.Replace(post, "https://", "HTTPS://", 1), p.URL, p.URL + "#comments", strings.TrimSuffix(p.URL, "/"),
		d.s.ids.Base() + "/posts?url=" + p.URL, p.Create,
	} {
		id := fmt.Sprintf("n%d", i)
		alice.sends(t, d, alice.act("c"+id, "Create", alice.note(id, address, "")))
		if r, err := d.db.Reaction("https://a.example/" + id); err != nil || r.Post != helloKey || r.Kind != store.ReactionReply || r.Depth != 0 {
			t.Errorf("an answer to %s: %+v %v", address, r, err)
		}
	}
	for i, address := range []string{"https://example.com/elsewhere/", d.s.ids.Base() + "/posts?url=https://example.com/elsewhere/", d.s.ids.Base() + "/activities/none", "not an address"} {
		id := fmt.Sprintf("o%d", i)
		alice.sends(t, d, alice.act("c"+id, "Create", alice.note(id, address, "")))
		if _, err := d.db.Reaction("https://a.example/" + id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an answer to %s: %v", address, err)
		}
	}
}

// TestRepliesToReplies count where we are addressed, as deep as a bound; they outlive what they answer, and are shown
// only if that is.
func TestRepliesToReplies(t *testing.T) {
	d, alice, post := reacting(t)
	toUs := fmt.Sprintf(`,"cc":["%s"]`, d.s.ids.Actor())
	at := func(id string) string { return "https://a.example/" + id }
	reply := func(id, to, more string) (store.Reaction, error) {
		t.Helper()
		alice.sends(t, d, alice.act("c-"+id, "Create", alice.note(id, to, more)))
		return d.db.Reaction(at(id))
	}
	if _, err := reply("n0", post, ""); err != nil {
		t.Fatal(err)
	}
	if r, err := reply("n1", at("n0"), toUs); err != nil || r.Post != helloKey || r.Depth != 1 || r.Kind != store.ReactionReply {
		t.Errorf("%+v %v", r, err)
	}
	mention := fmt.Sprintf(`,"tag":[{"type":"Mention","href":"%s"}]`, d.s.ids.Actor())
	if r, err := reply("n2", at("n1"), mention); err != nil || r.Depth != 2 {
		t.Errorf("mentioned: %+v %v", r, err)
	}
	if _, err := reply("x", at("n0"), ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what does not address us counts: %v", err)
	}
	if _, err := reply("y", at("nowhere"), toUs); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what answers something unknown counts: %v", err)
	}
	for i := 3; i <= threadDepth+2; i++ {
		_, err := reply(fmt.Sprintf("n%d", i), at(fmt.Sprintf("n%d", i-1)), toUs)
		if deep := i > threadDepth; (err != nil) != deep {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
	if n, err := d.db.CountReactions(helloKey); err != nil || n.Replies != threadDepth+1 {
		t.Errorf("%+v %v", n, err)
	}

	alice.sends(t, d, alice.act("d1", "Delete", `"`+at("n0")+`"`),
		alice.act("u1", "Update", alice.note("n1", at("n0"), toUs+`,"updated":"2026-03-02T12:00:00Z"`)))
	if r, err := d.db.Reaction(at("n1")); err != nil || r.Depth != 1 || r.Post != helloKey || r.Updated.IsZero() {
		t.Errorf("an edit without what it answers: %+v %v", r, err)
	}
	if _, err := d.db.HideReaction(at("n2"), true); err != nil {
		t.Fatal(err)
	}
	if r, err := reply("z", at("n2"), toUs); err != nil || !r.Hidden {
		t.Errorf("an answer to what is hidden: %+v %v", r, err)
	}
}

// TestUndoneDelete: what its author deleted and took back is there again.
func TestUndoneDelete(t *testing.T) {
	d, alice, post := reacting(t)
	note := alice.note("n", post, "")
	remove := alice.act("d", "Delete", `"https://a.example/n"`)
	alice.sends(t, d, alice.act("c", "Create", note), remove)
	if got := d.shown(store.ReactionReply); got != "" {
		t.Fatalf("after the Delete: %s", got)
	}
	alice.sends(t, d, alice.act("c2", "Create", note)) // late, or sent again: it was deleted
	if got := d.shown(store.ReactionReply); got != "" {
		t.Fatalf("a Create after the Delete: %s", got)
	}
	restore := alice.act("u", "Undo", alice.act("d", "Delete", note))
	mallory := newStranger(t, d, "m.example", "mallory")
	mallory.sends(t, d, mallory.act("u", "Undo", mallory.act("d", "Delete", note)))
	if got := d.shown(store.ReactionReply); got != "" {
		t.Fatalf("after somebody else's Undo: %s", got)
	}
	alice.sends(t, d, restore)
	if got := d.shown(store.ReactionReply); got != "n <p>text</p>" {
		t.Errorf("after the Undo: %s", got)
	}
}
