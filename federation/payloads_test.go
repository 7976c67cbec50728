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
	if strings.HasPrefix(file, "microblog/") {
		p.keyID = id + "#key"
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
