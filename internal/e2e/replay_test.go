package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// manifest is what the oracle says of a recorded feed history (FEED_HISTORIES/NAME/manifest.json). It was
// made without any library of this project.
type manifest struct {
	Name     string
	Versions []version
	Steps    []step
	ByTitle  []step `json:"steps_by_id_and_title"` // only where ids repeat
}

// steps are the oracle's differences, told apart by id alone or by id and title.
func (m manifest) steps() (_ []step, byTitle bool) {
	if m.ByTitle != nil {
		return m.ByTitle, true
	}
	return m.Steps, false
}

type version struct {
	N       string
	File    string
	Parse   string // "ok", "repaired", "broken" or "missing"
	Format  string
	Entries []oracleEntry
}

type oracleEntry struct {
	ID           string
	Title        string
	Link         string
	PublishedUTC time.Time `json:"published_utc"`
	UpdatedUTC   time.Time `json:"updated_utc"`
	Hash         string
}

type step struct {
	To    string
	Moved [][2]string // old and new identity
}

// TestReplay serves recorded histories of real blogs version by version to a daemon and holds what its
// follower received against the oracle: every new entry once, no entry twice, Updates only where something
// changed, nothing at a version that cannot be read.
func TestReplay(t *testing.T) {
	root := os.Getenv("FEED_HISTORIES")
	if root == "" {
		t.Skip("NOT RUN: set FEED_HISTORIES to the folder of recorded feed histories to replay them")
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "manifest.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("FEED_HISTORIES=%s holds %d histories (%v)", root, len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			replay(t, file)
		})
	}
}

func replay(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	// The default policy: what vanished is looked for on its own page. Those pages are all still there, as far as
	// plain http can tell here, so nothing is ever deleted.
	w.cfg.Feeds[0].ConfirmAfter = 0
	for _, name := range m.hosts() {
		w.cfg.Network.Resolve[name] = host(w.blog.server.URL)
	}
	w.serveVersion(filepath.Dir(file), m.Versions[0])
	w.start()
	w.follow()
	o := newOracle(t, m)
	for i, v := range m.Versions {
		w.serveVersion(filepath.Dir(file), v)
		before := len(w.peer.Arrivals())
		polled := w.poll()
		got := w.since(before)
		if v.Parse != "repaired" && (polled.Error == "") != (v.Parse == "ok") {
			t.Errorf("%s: the oracle calls it %q, crier says %q", v.N, v.Parse, polled.Error)
		}
		if polled.Error != "" {
			if len(got) > 0 {
				t.Errorf("%s: could not be read, yet %d activities went out", v.N, len(got))
			}
			continue
		}
		o.judge(w, o.steps[i], v, got)
	}
	if o.created == 0 && o.updated == 0 && !quiet[m.Name] {
		t.Error("nothing was published in the whole history")
	}
	t.Logf("%d versions, %d Creates, %d Updates, %d looks at pages", len(m.Versions), o.created, o.updated, w.blog.looks())
}

// hosts are those of all pages in the history.
func (m manifest) hosts() []string {
	var all []string
	for _, v := range m.Versions {
		for _, e := range v.Entries {
			if u, err := url.Parse(e.Link); err == nil && u.Hostname() != "" {
				all = append(all, u.Hostname())
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (w *world) serveVersion(folder string, v version) {
	w.t.Helper()
	if v.File == "" {
		w.blog.serve(nil, "")
		return
	}
	b, err := os.ReadFile(filepath.Join(folder, v.File))
	if err != nil {
		w.t.Fatal(err)
	}
	typ := "application/xml"
	if strings.HasSuffix(v.File, ".json") {
		typ = "application/feed+json"
	}
	w.blog.serve(b, typ)
}

// oracle works out, from the entries that the manifest lists, what a follower should get.
type oracle struct {
	t           *testing.T
	name        string
	steps       []step
	byTitle     bool
	first       bool
	firstNewest time.Time
	seen        map[string]bool   // identities there ever were
	last        map[string]string // identity → hash in the last readable version
	posts       map[string]string // id of a post → identity that it was created for
	notes       map[string]string // id of a post → what the follower has of it
	created     int
	updated     int
}

func newOracle(t *testing.T, m manifest) *oracle {
	o := &oracle{t: t, name: m.Name, first: true, seen: map[string]bool{}, posts: map[string]string{}, notes: map[string]string{}}
	o.steps, o.byTitle = m.steps()
	return o
}

// identify gives each entry of a version its identity; of several with one the first counts.
func (o *oracle) identify(v version) map[string]oracleEntry {
	all := map[string]oracleEntry{}
	for _, e := range v.Entries {
		id := o.identity(e.ID, e.Title)
		if _, ok := all[id]; !ok {
			all[id] = e
		}
	}
	return all
}

func (o *oracle) identity(id, title string) string {
	if o.byTitle {
		return id + " | " + title
	}
	return id
}

func (e oracleEntry) date() time.Time {
	if !e.PublishedUTC.IsZero() {
		return e.PublishedUTC
	}
	return e.UpdatedUTC
}

// judge compares what the follower got after one readable version with what it should have got.
func (o *oracle) judge(w *world, s step, v version, got []received) {
	o.t.Helper()
	now := o.identify(v)
	moved := map[string]string{}
	for _, m := range s.Moved {
		moved[m[1]] = m[0]
	}
	if o.first {
		o.first = false
		for _, e := range now {
			if e.date().After(o.firstNewest) {
				o.firstNewest = e.date()
			}
		}
		if len(got) > 0 {
			o.t.Errorf("%s: the first document was delivered: %v", v.N, got)
		}
	} else {
		o.creates(w, v, now, moved, got)
		o.updates(w, v, now, moved, got)
	}
	o.last = map[string]string{}
	for id, e := range now {
		o.seen[id], o.last[id] = true, e.Hash
	}
}

// creates checks that just the new entries were created. Two kinds of entries are new to the oracle that
// crier rightly does not announce: those that are older than the newest of the first document (contract:
// they get a post, but are no news), and those that only moved (same text under another identity).
func (o *oracle) creates(w *world, v version, now map[string]oracleEntry, moved map[string]string, got []received) {
	o.t.Helper()
	want := map[string]bool{}
	for id, e := range now {
		old := !e.date().IsZero() && e.date().Before(o.firstNewest)
		if !o.seen[id] && moved[id] == "" && !old {
			want[id] = true
		}
	}
	for _, a := range got {
		if a.Type != "Create" {
			continue
		}
		o.created++
		id := o.identityOf(w, a, now)
		if was, twice := o.posts[a.Object]; twice {
			o.t.Errorf("%s: %s was created twice, for %q and %q", v.N, a.Object, was, id)
		}
		o.posts[a.Object], o.notes[a.Object] = id, a.note()
		if !want[id] && !o.excused(v, id) {
			o.t.Errorf("%s: a Create for %q, which is not new", v.N, id)
		}
		delete(want, id)
	}
	for id := range want {
		if !o.excused(v, id) {
			o.t.Errorf("%s: no Create for %q", v.N, id)
		}
	}
}

// updates checks that only entries with other content than before were updated.
func (o *oracle) updates(w *world, v version, now map[string]oracleEntry, moved map[string]string, got []received) {
	o.t.Helper()
	var ids []string
	for _, a := range got {
		if a.Type == "Create" {
			continue
		}
		if a.Type != "Update" {
			o.t.Errorf("%s: %s of %s", v.N, a.Type, a.Object)
			continue
		}
		o.updated++
		id := o.identityOf(w, a, now)
		if slices.Contains(ids, id) {
			o.t.Errorf("%s: two Updates of %q", v.N, id)
		}
		ids = append(ids, id)
		if o.notes[a.Object] == a.note() {
			o.t.Errorf("%s: an Update of %q in which nothing is new", v.N, id)
		}
		o.notes[a.Object] = a.note()
		was, known := o.last[id]
		if known && was == now[id].Hash && !o.excused(v, id) {
			o.t.Errorf("%s: an Update of %q, whose content is the same", v.N, id)
		}
		if !o.seen[id] && moved[id] == "" && !o.excused(v, id) {
			o.t.Errorf("%s: an Update of %q, which is new", v.N, id)
		}
	}
}

// identityOf finds which entry of the oracle's a post was made from.
func (o *oracle) identityOf(w *world, a received, now map[string]oracleEntry) string {
	o.t.Helper()
	db := w.app.Ops().Store
	post, err := db.Post(strings.TrimPrefix(a.Object, w.cfg.BaseURL+"/posts/"))
	if err != nil {
		o.t.Fatalf("%s: %v", a.Object, err)
	}
	e, err := db.Entry(post.Entry)
	if err != nil {
		o.t.Fatalf("%s: %v", post.Entry, err)
	}
	for _, id := range []string{e.GUID, e.Link, "title:" + e.Title} {
		if id := o.identity(id, e.Title); now[id].ID != "" {
			return id
		}
	}
	o.t.Errorf("%s: no entry of the oracle's matches guid %q, link %q, title %q", a.Object, e.GUID, e.Link, e.Title)
	return e.GUID
}

// differences are the cases in which the oracle, which knows only ids, titles and texts, and a sane policy
// do not say the same, by history and version.
var differences = map[string]string{
	"biz-wordpress 006":   "its category changed, so its hashtag did",
	"biz-wordpress 008":   "its category changed, so its hashtag did",
	"biz-wordpress 018":   "its category changed, so its hashtag did",
	"games-first 016":     "markup that was no CDATA left the description: a heading is shown as one",
	"games-hand 003":      "a new entry was pasted with guid and title of the one below; its date and text are its own",
	"games-hand 004":      "the pasted entry got its own title; date and place say that it is the same",
	"lobanov-pelican 015": "it got a category, so a hashtag",
	"lobanov-pelican 016": "its category changed, so its hashtag did",
	"pandas-thumb 015":    "only the capitals in the title changed, and the text shrank: the id is the same",
	"rupil-publii 008":    "it got a picture",
	"rupil-publii 012":    "its picture changed",
}

func (o *oracle) excused(v version, id string) bool {
	why := differences[o.name+" "+v.N]
	if why != "" {
		o.t.Logf("%s: %q: %s", v.N, id, why)
	}
	return why != ""
}

// quiet are histories in which nothing is news.
var quiet = map[string]bool{}
