package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crier/internal/admin"
	"crier/store"
)

// blogOf is one version of a real feed, to be made into what another set-up of the same blog would publish.
type blogOf struct {
	text    string
	typ     string // content type
	version version
}

// migration is something that happens to blogs and must not be seen by anybody who follows them.
type migration struct {
	name    string
	silent  func(blogOf) bool // not even an Update: nothing changed but what leads to the same page as before
	migrate func(blogOf) blogOf
}

var migrations = []migration{
	{"another permalink style", never, permalinks},
	{"http to https", func(blogOf) bool { return true }, func(b blogOf) blogOf { return b.replace(b.hosts(), "http://", "https://") }},
	{"another domain", never, domain},
	{"another GUID scheme", blogOf.linked, guids},
	{"another generator, Atom", never, func(b blogOf) blogOf { return rebuild(b, atomOf) }},
	{"another generator, JSON", never, func(b blogOf) blogOf { return rebuild(b, jsonOf) }},
	{"another domain and permalink style", never, func(b blogOf) blogOf { return domain(permalinks(b)) }},
	{"another generator and domain", never, func(b blogOf) blogOf { return domain(rebuild(b, atomOf)) }},
}

// migrants are the histories whose blogs migrate, each with the version that does.
var migrants = map[string]string{
	"biz-wordpress":   "009", // full text, percent-encoded Japanese permalinks
	"broslunas-astro": "008", // a title and one sentence
	"games-hand":      "012", // GUIDs of every kind, images
	"joplin-pages":    "008", // no link at all
	"kan-podcast":     "005", // nothing but title, date and enclosure
	"kucera-micro":    "012", // no titles
	"lavender-gatsby": "012", // code
	"lobanov-pelican": "018", // tag: URIs
	"mix3-rdf":        "024", // code, Japanese
	"pandas-thumb":    "022", // Atom
	"planet-mk":       "008", // RSS 1.0, several blogs in one
	"rupil-publii":    "010", // JSON Feed
	"bemzhao-gridea":  "021", // Chinese, few entries
	"games-first":     "009", // short texts
	"tayefi-hugo":     "009", // relative links
}

// TestMigrations lets real blogs migrate, under a whole daemon with a follower who was sent every entry: nothing is
// created anew, nothing deleted, every id stays, and the way back is as quiet.
func TestMigrations(t *testing.T) {
	root := os.Getenv("FEED_HISTORIES")
	if root == "" {
		t.Skip("NOT RUN: set FEED_HISTORIES to the folder of recorded feed histories to let their blogs migrate")
	}
	for _, name := range slices.Sorted(maps.Keys(migrants)) {
		b := loadVersion(t, filepath.Join(root, name), migrants[name])
		for _, m := range migrations {
			t.Run(name+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				before := b
				if m.name == "http to https" {
					before = b.replace(b.hosts(), "https://", "http://")
				}
				letMigrate(t, before, m)
			})
		}
	}
}

func loadVersion(t *testing.T, folder, n string) blogOf {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Versions, func(v version) bool { return v.N == n })
	if i < 0 {
		t.Fatalf("%s has no version %s", folder, n)
	}
	b := blogOf{typ: "application/xml", version: m.Versions[i]}
	text, err := os.ReadFile(filepath.Join(folder, b.version.File))
	if err != nil {
		t.Fatal(err)
	}
	b.text = string(text)
	if strings.HasSuffix(b.version.File, ".json") {
		b.typ = "application/feed+json"
	}
	return b
}

func letMigrate(t *testing.T, b blogOf, m migration) {
	after := m.migrate(b)
	if after.text == b.text {
		t.Skip("this blog has nothing that could migrate in this way")
	}
	w := newWorld(t)
	for _, name := range append(b.hosts(), "moved.example") {
		w.cfg.Network.Resolve[name] = host(w.blog.server.URL)
	}
	w.start()
	w.follow()
	w.blog.serve([]byte("<rss><channel></channel></rss>"), "application/xml")
	w.poll()
	w.blog.serve([]byte(b.text), b.typ)
	w.poll() // all of it is news, and goes out
	ids := w.posts()
	if len(ids) == 0 {
		t.Fatal("nothing was published")
	}
	for _, step := range []struct {
		name  string
		serve blogOf
		quiet bool
	}{{"migrated", after, m.silent(b)}, {"the same again", after, true}, {"back again", b, m.silent(b)}} {
		arrived := len(w.peer.Arrivals())
		w.blog.serve([]byte(step.serve.text), step.serve.typ)
		got := w.pollAndHold()
		if got.Error != "" || got.New != 0 || got.Held != 0 || got.Removed != 0 || step.quiet && got.Changed != 0 {
			t.Errorf("%s: %+v", step.name, got)
		}
		updated := map[string]bool{}
		for _, a := range w.since(arrived) {
			if a.Type != "Update" || updated[a.Object] {
				t.Errorf("%s: %s of %s", step.name, a.Type, a.Object)
			}
			updated[a.Object] = true
		}
		if now := w.posts(); !slices.Equal(now, ids) {
			t.Errorf("%s: posts were\n%q\nand are\n%q", step.name, ids, now)
		}
	}
}

// A microblog changes all there is at once: texts, dates, GUIDs, permalinks. What cannot be recognised is held; it is
// for the owner to say that nobody has to read all of it again.
func TestMigrationThatCannotBeFollowed(t *testing.T) {
	root := os.Getenv("FEED_HISTORIES")
	if root == "" {
		t.Skip("NOT RUN: set FEED_HISTORIES to the folder of recorded feed histories to let their blogs migrate")
	}
	b := loadVersion(t, filepath.Join(root, "kucera-micro"), "012")
	after := rebuild(b, func(all []entryOf) blogOf {
		for i := range all {
			all[i].HTML = fmt.Sprintf("<p>%d: what is left is in the hands of an archivist, who tells it in his own words.</p>", i)
			all[i].Title = ""
			all[i].URL = fmt.Sprintf("https://archive.example/%d", i)
		}
		return atomOf(all)
	})
	w := newWorld(t)
	w.start()
	w.follow()
	w.blog.serve([]byte("<rss><channel></channel></rss>"), "application/xml")
	w.poll()
	w.blog.serve([]byte(b.text), b.typ)
	w.poll()
	arrived := len(w.peer.Arrivals())
	for range 2 {
		w.blog.serve([]byte(after.text), after.typ)
		if got := w.pollAndHold(); got.New != 0 || got.Removed != 0 || got.Changed != 0 {
			t.Errorf("new %d, removed %d, changed %d", got.New, got.Removed, got.Changed)
		}
	}
	if got := w.since(arrived); len(got) > 0 {
		t.Errorf("%d activities went out: %v", len(got), got[0])
	}
	w.blog.serve([]byte(b.text), b.typ)
	if got := w.pollAndHold(); got.New+got.Changed+got.Removed+got.Held != 0 {
		t.Errorf("back again: %+v", got)
	}
}

// pollAndHold polls and leaves held what is.
func (w *world) pollAndHold() admin.PolledFeed {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := w.app.Ops().PollNow(ctx, admin.PollRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.settle(ctx)
	return result.Feeds[0]
}

// posts are the entries there are, with what became of them.
func (w *world) posts() []string {
	w.t.Helper()
	all, err := w.app.Ops().Store.Entries()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, e := range all {
		if e.State != store.EntryLive || e.Generation != 1 {
			w.t.Errorf("entry %s is %s, generation %d", e.Key, e.State, e.Generation)
		}
		out = append(out, e.Key)
	}
	return out
}

func never(blogOf) bool { return false }

// linked tells whether entries have links, so that their GUIDs are not what leads to their pages.
func (b blogOf) linked() bool {
	return !slices.ContainsFunc(b.version.Entries, func(e oracleEntry) bool { return e.Link == "" && strings.HasPrefix(e.ID, "http") })
}
