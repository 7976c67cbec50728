package feed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

// A history is a real feed as it was at successive moments, with what an independent reader found in it.
type history struct {
	Name     string           `json:"name"`
	Versions []historyVersion `json:"versions"`
	Steps    []historyStep    `json:"steps"`
	ByTitle  []historyStep    `json:"steps_by_id_and_title"`
}

type historyVersion struct {
	N     string    `json:"n"`
	File  string    `json:"file"`
	Time  time.Time `json:"time"`
	Parse string    `json:"parse"`
}

type historyStep struct {
	From, To   string
	New        []string
	Changed    []string
	Vanished   []string
	Reappeared []string
	Moved      [][2]string
	Links      []string `json:"links_changed"`
}

// sane names the places where the oracle and a sane reading differ.
var sane = map[string]string{
	"games-hand/003":   "an entry is pasted twice under one GUID and one title, and gets its own title in 004: it is new when it appears",
	"games-hand/004":   "the other half of 003: the copy gets its title",
	"games-first/016":  "markup that is not escaped in a description is part of the text for us, and goes away",
	"pandas-thumb/015": "one capital letter of a title changes: the oracle by id and title calls that a new entry, the one by id a change",
}

// replay is a history on its way through parse, plan and a real store.
type replay struct {
	*story
	name    string
	byTitle bool
	last    *prints // of the version before
	items   []Item  // that it had
	same    int     // versions that were taken for the one before
}

func TestHistories(t *testing.T) {
	dir := os.Getenv("FEED_HISTORIES")
	if dir == "" {
		t.Log("FEED_HISTORIES IS NOT SET: the real feed histories are not replayed")
		t.Skip("set FEED_HISTORIES to the folder of the histories")
	}
	manifests, err := filepath.Glob(filepath.Join(dir, "*", "manifest.json"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("no histories in %s: %v", dir, err)
	}
	for _, path := range manifests {
		for _, deletions := range []string{"feed", "never"} {
			t.Run(filepath.Base(filepath.Dir(path))+"/"+deletions, func(t *testing.T) {
				replayHistory(t, path, deletions)
			})
		}
	}
}

func replayHistory(t *testing.T, manifest, deletions string) {
	raw, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	var h history
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	steps, byTitle := h.Steps, false
	if h.ByTitle != nil {
		steps, byTitle = h.ByTitle, true
	}
	r := &replay{story: newStory(t, "url = https://feed.example/"+h.Name+"\ndeletions = "+deletions), name: h.Name, byTitle: byTitle}
	for i, v := range h.Versions {
		r.step(filepath.Join(filepath.Dir(manifest), v.File), v, steps[i])
	}
	t.Logf("%d of %d versions need not be parsed", r.same, len(h.Versions))
}

func (r *replay) step(path string, v historyVersion, want historyStep) {
	r.t.Helper()
	body, err := os.ReadFile(path)
	if v.File == "" || err != nil {
		return
	}
	doc, err := Parse(body, Source{URL: r.cfg.URL})
	if (err != nil) != (v.Parse == "broken") {
		r.t.Errorf("%s: parse: %v, want %s", v.N, err, v.Parse)
	}
	if err != nil {
		return
	}
	r.since(body, doc, v)
	p := r.poll(doc, v.Time)
	var fresh, updates []string
	for _, put := range p.put {
		e := put.Entry
		switch {
		case put.Fields != nil && e.MissingSince.IsZero() && (e.State == store.EntryNew || e.State == store.EntryHeld) && (e.Version == 0 || e.Generation > 1):
			fresh = append(fresh, r.identity(e))
		case e.Todo == store.TodoUpdate && !r.extras(e.Key):
			updates = append(updates, r.identity(e))
		}
	}
	if why := sane[r.name+"/"+v.N]; why != "" {
		r.t.Logf("%s: not compared: %s", v.N, why)
	} else {
		r.compare(v.N, want, fresh, updates)
	}
	if _, err := r.db.SettleHeld("", true, v.Time, 0); err != nil {
		r.t.Fatal(err)
	}
	publishDue(r.t, r.db, v.Time)
}

// since checks that a version is taken for the one before only where it reads the same.
func (r *replay) since(body []byte, doc *Document, v historyVersion) {
	r.t.Helper()
	some, now, err := parseSince(body, Source{URL: r.cfg.URL}, r.last)
	if err != nil {
		r.t.Errorf("%s: read on: %v", v.N, err)
	}
	items := withoutFlaws(doc.Items)
	switch {
	case err == nil && some == nil:
		r.same++
		if !reflect.DeepEqual(items, r.items) {
			r.t.Errorf("%s: is taken for the version before", v.N)
		}
	case some != nil && !reflect.DeepEqual(items, withoutFlaws(some.Items)):
		r.t.Errorf("%s: reads differently when it is read on", v.N)
	}
	r.last, r.items = now, items
}

func (r *replay) compare(n string, want historyStep, fresh, updates []string) {
	r.t.Helper()
	expected := map[string]bool{}
	for _, id := range want.New {
		expected[id] = true
	}
	may := map[string]bool{}
	for _, id := range slices.Concat(want.Changed, want.Reappeared, want.Links) {
		may[id] = true
	}
	for _, m := range want.Moved {
		delete(expected, m[1])
		may[m[1]] = true
	}
	for _, id := range want.Reappeared {
		if r.cfg.Deletions == "never" {
			delete(expected, id)
		}
	}
	sort.Strings(fresh)
	for i, id := range fresh {
		if i > 0 && fresh[i-1] == id {
			r.t.Errorf("%s: created twice: %s", n, id)
		}
		if !expected[id] {
			r.t.Errorf("%s: created but not new: %s", n, id)
		}
		delete(expected, id)
	}
	for id := range expected {
		if r.cfg.Deletions == "feed" && slices.Contains(want.Reappeared, id) {
			continue // it was not deleted meanwhile, since only the window had moved on
		}
		r.t.Errorf("%s: new but not created: %s", n, id)
	}
	for _, id := range updates {
		if !may[id] {
			r.t.Errorf("%s: updated but not changed: %s", n, id)
		}
	}
}

// extras tells whether more of an entry changed than the manifest's hash covers, which is title and content:
// its categories, its pictures, the language of the feed.
func (r *replay) extras(key string) bool {
	var before, after content.Entry
	current, published, err := r.db.EntryFields(key)
	if err != nil || json.Unmarshal(current, &after) != nil || json.Unmarshal(published, &before) != nil {
		r.t.Fatalf("fields of %s: %v", key, err)
	}
	return before.Language != after.Language || !slices.Equal(before.Categories, after.Categories) || !slices.Equal(before.Media, after.Media)
}

// identity returns an entry's identity in the words of the manifest.
func (r *replay) identity(e store.Entry) string {
	id := first(e.GUID, e.Link)
	if id == "" {
		id = "title:" + e.Title
	}
	if r.byTitle {
		id += " | " + e.Title
	}
	return id
}

// openStore opens a store that is checked when the test ends.
func openStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "crier.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if bad, err := db.Check(); err != nil || len(bad) > 0 {
			t.Errorf("store: %v %s", err, strings.Join(bad, "; "))
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// publishDue does what the publisher will do with entries that are due, as far as the store can tell.
func publishDue(t *testing.T, db *store.DB, now time.Time) []string {
	t.Helper()
	due, _, err := db.DueEntries(now, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, e := range due {
		fields, _, err := db.EntryFields(e.Key)
		if err != nil {
			t.Fatal(err)
		}
		path := e.Key
		if e.Generation > 1 {
			path = fmt.Sprintf("%s~%d", e.Key, e.Generation)
		}
		done = append(done, fmt.Sprintf("%s %s", e.Todo, path))
		post := store.Post{Path: path, Entry: e.Key, ID: "https://fedi.example/posts/" + path, URL: e.URL,
			State: store.PostLive, Published: e.Date, Listed: e.Listed, Object: []byte(`{}`)}
		todo := e.Todo
		e.State, e.Todo, e.Due = store.EntryLive, store.TodoNothing, time.Time{}
		if todo == store.TodoDelete {
			e.State, fields = store.EntryGone, nil
			post.State, post.Listed = store.PostDeleted, false
		}
		id := fmt.Sprintf("https://fedi.example/activities/%s-%s-%d", todo, path, e.Version)
		post.Create = id
		_, err = db.Publish(now, store.Publication{Entry: e, Fields: fields, Post: post,
			Activity: store.Activity{ID: id, Type: string(todo), Object: post.ID, Body: []byte(`{}`)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return done
}
