package federation

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/store"
)

const payloadFolder = "testdata/payloads"

// payloadCase is one captured activity and what comes of it.
type payloadCase struct {
	file  string   // IMPLEMENTATION/ACTIVITY[-variant]
	after []string // payloads that came before
	told  string   // by the last line of the log, less "202 Accepted, "; empty: nothing is logged
	left  string   // what is stored afterwards, see daemon.stored
}

// payloadCases states for every file in testdata/payloads what it does.
func payloadCases() []payloadCase {
	const (
		added, counted, noted = "follower added", " counted", "noted"
		gone                  = "follower removed"
	)
	m := func(names ...string) []string { return names }
	return []payloadCase{
		{"mastodon/follow", nil, added, "follower"},
		{"mastodon/undo-follow", m("mastodon/follow"), gone, ""},
		{"mastodon/create-reply", nil, "reply added", "reply"},
		{"mastodon/create-reply-unlisted", nil, "reply added", "reply"},
		{"mastodon/create-reply-followers", nil, "reply kept, not shown: it is not public", "hidden reply"},
		{"mastodon/create-direct", nil, "noted: a message for you alone", ""},
		{"mastodon/create-mention", nil, noted, ""},
		{"mastodon/create-vote", nil, "noted: a vote, and there is no poll", ""},
		{"mastodon/create-question", nil, "reply added", "reply"},
		{"mastodon/create-quote", nil, "quote added", "quote"},
		{"mastodon/update-note", m("mastodon/create-reply"), "reply changed", "changed reply"},
		{"mastodon/delete-note", m("mastodon/create-reply"), "reply removed", ""},
		{"mastodon/delete-actor", m("mastodon/follow", "mastodon/create-reply"), gone + ": its account was deleted", ""},
		{"mastodon/update-actor", m("mastodon/follow"), "profile renewed", "follower"},
		{"mastodon/like", nil, "like" + counted, "like"},
		{"mastodon/undo-like", m("mastodon/like"), "like removed", ""},
		{"mastodon/undo-like-by-id", m("mastodon/like"), "like removed", ""},
		{"mastodon/announce", nil, "boost" + counted, "boost"},
		{"mastodon/undo-announce", m("mastodon/announce"), "boost removed", ""},
		{"mastodon/block", m("mastodon/follow"), gone, ""},
		{"mastodon/undo-block", nil, noted, ""},
		{"mastodon/flag", nil, "reported to you: Please look at this", ""},
		{"mastodon/move", m("mastodon/follow"), "noted: the new account has to follow for itself", "follower"},
		{"mastodon/quote-request", nil, "quote allowed", ""},
		{"mastodon/quote-request-embedded", nil, "quote allowed", ""},
		{"mastodon/add", nil, noted, ""},
		{"mastodon/remove", nil, noted, ""},
		{"mastodon/accept", nil, "noted: nothing was asked for", ""},
		{"mastodon/reject", nil, "noted: nothing was asked for", ""},

		{"gotosocial/follow", nil, added, "follower"},
		{"gotosocial/undo-follow", m("gotosocial/follow"), gone, ""},
		{"gotosocial/create-reply", nil, "reply added", "reply"},
		{"gotosocial/create-reply-by-id", nil, "reply added", "reply"},
		{"gotosocial/create-direct", nil, "noted: a message for you alone", ""},
		{"gotosocial/create-votes", nil, "noted: a vote, and there is no poll", ""},
		{"gotosocial/update-note", m("gotosocial/create-reply"), "reply changed", "changed reply"},
		{"gotosocial/delete-note", m("gotosocial/create-reply"), "reply removed", ""},
		{"gotosocial/like", nil, "like" + counted, "like"},
		{"gotosocial/undo-like", m("gotosocial/like"), "like removed", ""},
		{"gotosocial/announce", nil, "boost" + counted, "boost"},
		{"gotosocial/announce-followers", nil, "boost kept, not shown: it is not public", "hidden boost"},
		{"gotosocial/flag", nil, "reported to you: please look at this", ""},

		{"misskey/follow", nil, added, "follower"},
		{"misskey/undo-follow", m("misskey/follow"), gone, ""},
		{"misskey/create-reply", nil, "reply added", "reply"},
		{"misskey/create-quote", nil, "quote added", "quote"},
		{"misskey/delete-note", m("misskey/create-reply"), "reply removed", ""},
		{"misskey/like", nil, "like" + counted, "like"},
		{"misskey/like-custom-emoji", m("misskey/like"), "like counted already", "like"},
		{"misskey/undo-like", m("misskey/like"), "like removed", ""},
		{"misskey/announce", nil, "boost" + counted, "boost"},
		{"misskey/undo-announce", m("misskey/announce"), "boost removed", ""},
		{"misskey/block", nil, "noted: it blocks you", ""},
		{"misskey/flag", nil, "reported to you: Note: https://fedi.example.com/posts/example.com/hello/ ----- spam", ""},
		{"misskey/update-actor", m("misskey/follow"), "profile renewed", "follower"},

		{"akkoma/follow", nil, added, "follower"},
		{"akkoma/undo-follow-by-id", m("akkoma/follow"), gone, ""},
		{"akkoma/emoji-react", nil, "like" + counted, "like"},
		{"akkoma/undo-emoji-react", m("akkoma/emoji-react"), "like removed", ""},
		{"pleroma/create-reply", nil, "reply added", "reply"},
		{"pleroma/delete-note", m("pleroma/create-reply"), "reply removed", ""},
		{"pleroma/create-quote-link", nil, "quote added", "quote"},

		{"lemmy/follow", nil, added, "follower"},
		{"lemmy/undo-follow", m("lemmy/follow"), gone, ""},
		{"lemmy/create-comment", nil, "reply added", "reply"},
		{"lemmy/delete-comment", m("lemmy/create-comment"), "reply removed", ""},
		{"lemmy/like", nil, "like" + counted, "like"},
		{"lemmy/undo-like", m("lemmy/like"), "like removed", ""},
		{"lemmy/dislike", nil, "noted: dislikes are not counted", ""},
		{"lemmy/announce-foreign-like", nil, noted, ""},
		{"lemmy/announce-our-create", nil, "boost" + counted, "boost"},
		{"lemmy/flag", nil, "reported to you: report this post", ""},
		{"lemmy/delete-actor", m("lemmy/create-comment", "lemmy/like"), "reactions removed: its account was deleted", ""},

		{"peertube/follow", nil, added, "follower"},
		{"peertube/undo-follow", m("peertube/follow"), gone, ""},
		{"peertube/create-comment", nil, "reply added", "reply"},
		{"peertube/like", nil, "like" + counted, "like"},
		{"peertube/undo-like", m("peertube/like"), "like removed", ""},
		{"peertube/announce", nil, "boost" + counted, "boost"},
		{"peertube/dislike", nil, "noted: dislikes are not counted", ""},
		{"peertube/view", nil, "", ""},

		{"pixelfed/follow", nil, added, "follower"},
		{"pixelfed/create-reply", nil, "reply added", "reply"},
		{"pixelfed/like", nil, "like" + counted, "like"},
		{"pixelfed/undo-like", m("pixelfed/like"), "like removed", ""},
		{"pixelfed/announce", nil, "boost" + counted, "boost"},
		{"pixelfed/undo-announce", m("pixelfed/announce"), "boost removed", ""},
		{"pixelfed/delete-note", m("pixelfed/create-reply"), "reply removed", ""},

		{"wordpress/follow", nil, added, "follower"},
		{"wordpress/create-comment", nil, "reply added", "reply"},
		{"wordpress/quote-request", nil, "quote allowed", ""},
		{"wordpress/delete-comment", m("wordpress/create-comment"), "reply removed", ""},

		{"friendica/follow", nil, added, "follower"},
		{"friendica/undo-follow", m("friendica/follow"), gone, ""},
		{"friendica/create-reply", nil, "reply added", "reply"},
		{"friendica/like", nil, "like" + counted, "like"},
		{"friendica/undo-like", m("friendica/like"), "like removed", ""},
		{"friendica/dislike", nil, "noted: dislikes are not counted", ""},
		{"friendica/undo-dislike", nil, noted, ""},
		{"friendica/delete-note", m("friendica/create-reply"), "reply removed", ""},

		{"hubzilla/follow-actor-object", nil, added, "follower"},
		{"hubzilla/create-reply", nil, "reply added", "reply"},

		{"bookwyrm/follow", nil, added, "follower"},
		{"bookwyrm/create-reply", nil, "reply added", "reply"},
		{"bookwyrm/create-quotation", nil, noted, ""},
		{"bookwyrm/like", nil, "like" + counted, "like"},
		{"bookwyrm/announce", nil, "boost" + counted, "boost"},

		{"ghost/follow", nil, added, "follower"},
		{"ghost/like", nil, "like" + counted, "like"},
		{"ghost/undo-like", m("ghost/like"), "like removed", ""},
		{"ghost/create-reply", nil, "reply added", "reply"},
		{"ghost/announce", nil, "boost" + counted, "boost"},
		{"ghost/delete-note", m("ghost/create-reply"), "reply removed", ""},

		{"nodebb/follow", nil, added, "follower"},
		{"nodebb/undo-follow", m("nodebb/follow"), gone, ""},
		{"nodebb/like", m("nodebb/like", "nodebb/undo-like"), "like" + counted, "like"},
		{"nodebb/undo-like", m("nodebb/like"), "like removed", ""},
		{"nodebb/create-reply", nil, "reply added", "reply"},
		{"nodebb/flag", nil, "reported to you: off topic", ""},
		{"nodebb/move-topic", nil, noted, ""},

		{"mobilizon/join", nil, "", ""},
		{"mobilizon/create-event-mention", nil, noted, ""},
		{"gnusocial/like", nil, "like" + counted, "like"},
		{"bridgyfed/like-actor-embedded", nil, "like" + counted, "like"},
		{"kroeg/announce-actor-embedded", nil, "boost" + counted, "boost"},
		{"jsonld/like-expanded", nil, "like" + counted, "like"},
		{"jsonld/create-prefixed", nil, "reply added", "reply"},
		{"jsonld/follow-types-and-lists", nil, added, "follower"},
	}
}

// TestPayloads sends every captured payload to the real inbox, signed by its actor, twice.
func TestPayloads(t *testing.T) {
	for _, c := range payloadCases() {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t)
			d.announce(helloKey)
			if _, err := d.s.PublishDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, before := range append(c.after, c.file) {
				d.deliver(t, before)
			}
			lines := d.told()
			if got := lastTold(lines); got != c.told {
				t.Errorf("told %q, want %q", got, c.told)
			}
			if got := d.stored(t); got != c.left {
				t.Errorf("left %q, want %q", got, c.left)
			}
			d.deliver(t, c.file)
			if got := d.stored(t); got != c.left {
				t.Errorf("a second time left %q, want %q", got, c.left)
			}
		})
	}
}

// lastTold is what the last line says of an activity that came in.
func lastTold(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if _, result, ok := strings.Cut(line, ": 202 Accepted, "); ok {
			return result
		}
	}
	return ""
}

// stored is what the daemon keeps of others, in words.
func (d *daemon) stored(t *testing.T) string {
	t.Helper()
	var all []string
	if d.followers() != "" {
		all = append(all, "follower")
	}
	path := d.post(helloKey).Path
	for _, kind := range []store.ReactionKind{store.ReactionLike, store.ReactionBoost, store.ReactionReply, store.ReactionQuote} {
		shown, err := d.db.Reactions(path, kind, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range shown {
			word := string(kind)
			if !r.Updated.IsZero() && strings.Contains(r.Content, "etter") || strings.Contains(r.Content, "Very") {
				word = "changed " + word
			}
			all = append(all, word)
			if r.Handle != "" && !strings.HasSuffix(r.Handle, "@a.example") || r.Received.IsZero() || r.Actor == "" {
				t.Errorf("%+v", r)
			}
			if kind == store.ReactionReply && (r.Content == "" || r.URL == "" || r.Published.IsZero() && !strings.Contains(r.ID, "/notes/1")) {
				t.Errorf("%+v", r)
			}
		}
		for _, id := range payloadHidden() {
			if r, err := d.db.Reaction(id); err == nil && r.Kind == kind && !r.Public {
				all = append(all, "hidden "+string(kind))
			}
		}
	}
	return strings.Join(all, ", ")
}

// payloadHidden are the reactions among the payloads that are not public.
func payloadHidden() []string {
	return []string{"https://a.example/users/alice/statuses/3", "https://a.example/users/alice/statuses/01JHHHHHHHHHHHHHHHHHHHHHHJ"}
}

// deliver posts a payload, signed by its actor, and wants a 202.
func (d *daemon) deliver(t *testing.T, file string) {
	t.Helper()
	body := payload(t, file)
	a, err := parseActivity(body)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	by := d.cast(t, file, a.actor)
	r := postTo(t, testInbox, string(body), time.Now())
	by.sign(t, r)
	if w := d.receive(r); w.Code != http.StatusAccepted {
		t.Fatalf("%s: status %d: %s", file, w.Code, w.Body)
	}
}

func payload(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(payloadFolder, file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(body)
}

// performer is an actor of a payload, with a server that has its document and what its payloads only name.
type performer struct {
	id, keyID string
	pair      *rsa.PrivateKey
}

// cast puts the actor of a payload onto the network.
func (d *daemon) cast(t *testing.T, file, id string) performer {
	t.Helper()
	p := performer{id: id, keyID: id + "#main-key", pair: keyPair(t, 1)}
	folder := filepath.Join(payloadFolder, filepath.Dir(file))
	if strings.HasPrefix(file, "gotosocial/") {
		p.keyID = id + "/main-key"
	}
	objects := map[string][]byte{}
	for _, path := range payloadFiles(t, folder, ".object.json") {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		objects[idOf(body)] = body
	}
	actor := p.document(t, folder)
	d.net.handle("a.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", typeActivity)
		asked := "https://a.example" + r.URL.RequestURI()
		if body, ok := objects[asked]; ok {
			_, _ = w.Write(body)
			return
		}
		if asked != withoutFragment(p.id) && asked != withoutFragment(p.keyID) {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(actor)
	}))
	return p
}

// document is the actor's: that of its implementation where there is one, else a plain one.
func (p performer) document(t *testing.T, folder string) []byte {
	t.Helper()
	if body, err := os.ReadFile(filepath.Join(folder, "actor.json")); err == nil {
		pem, _ := json.Marshal(publicPEM(p.pair))
		return bytes.ReplaceAll(body, []byte(`"@PEM@"`), pem)
	}
	body, err := json.Marshal(map[string]any{
		"@context": nsActivityStreams, "id": p.id, "type": "Person", "preferredUsername": "alice", "name": "Alice",
		"inbox":     "https://a.example/inbox/alice",
		"publicKey": map[string]any{"id": p.keyID, "owner": p.id, "publicKeyPem": publicPEM(p.pair)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (p performer) sign(t *testing.T, r *http.Request) {
	t.Helper()
	cavage{key: p.pair, keyID: p.keyID, headers: allFour, label: "rsa-sha256"}.sign(t, r)
}

// payloadFiles lists the files below a folder whose names end so.
func payloadFiles(t testing.TB, folder, suffix string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestPayloadsAreStated: every file has a case and a place where its shape was seen, and there are no others.
func TestPayloadsAreStated(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(payloadFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{}
	for _, c := range payloadCases() {
		cases[c.file] = true
	}
	makers := map[string]bool{}
	for _, path := range payloadFiles(t, payloadFolder, ".json") {
		name, _ := strings.CutPrefix(strings.TrimSuffix(filepath.ToSlash(path), ".json"), payloadFolder+"/")
		if strings.HasSuffix(name, ".object") || strings.HasSuffix(name, "/actor") {
			continue
		}
		makers[strings.Split(name, "/")[0]] = true
		if !cases[name] {
			t.Errorf("%s has no case", name)
		}
		if !bytes.Contains(readme, fmt.Appendf(nil, "| `%s` | ", name)) {
			t.Errorf("%s has no provenance", name)
		}
		delete(cases, name)
	}
	for name := range cases {
		t.Errorf("%s has no file", name)
	}
	if len(makers) < 12 {
		t.Errorf("only %d implementations", len(makers))
	}
}
