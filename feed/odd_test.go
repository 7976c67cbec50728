package feed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// odd is a real feed with something odd in it, polled version by version.
type odd struct {
	*story
	name     string
	versions []historyVersion
	next     int // the version that is polled next
}

// came is what came of one poll.
type came struct {
	doc     *Document
	err     string
	actions map[string]int // how many of each kind were announced
	held    int
	created []string // paths of the posts that went out, in order
	updated []string
	deleted []string
}

// quiet tells that nobody would see anything of it.
func (c came) quiet() bool { return len(c.created)+len(c.updated)+len(c.deleted)+c.held == 0 }

func newOdd(t *testing.T, name string) *odd {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(historiesDir(t), name, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var h history
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return &odd{story: newStory(t, "url = https://feed.example/"+name+"\ndeletions = feed"), name: name, versions: h.Versions}
}

// to polls all versions up to one, releasing what is held, and returns what came of that one.
func (o *odd) to(n string) (c came) {
	o.t.Helper()
	for o.next < len(o.versions) {
		v := o.versions[o.next]
		o.next++
		c = o.poll1(v)
		if v.N == n {
			return c
		}
		if _, err := o.db.SettleHeld("", true, v.Time, 0); err != nil {
			o.t.Fatal(err)
		}
		publishDue(o.t, o.db, v.Time)
	}
	o.t.Fatalf("no version %s to come", n)
	return c
}

// skip leaves out the versions before one.
func (o *odd) skip(n string) *odd {
	o.next = slices.IndexFunc(o.versions, func(v historyVersion) bool { return v.N == n })
	return o
}

func (o *odd) poll1(v historyVersion) (c came) {
	o.t.Helper()
	body := readHistory(o.t, o.name, v.N)
	if body == nil {
		c.err = "missing"
		return c
	}
	var err error
	if c.doc, err = Parse(body, Source{URL: o.cfg.URL}); err != nil {
		c.err = err.Error()
		return c
	}
	p := o.story.poll(c.doc, v.Time)
	c.held, c.actions = p.held, map[string]int{}
	for _, i := range p.items {
		c.actions[i.Action]++
	}
	for _, did := range publishDue(o.t, o.db, v.Time.Add(time.Minute)) {
		what, path, _ := strings.Cut(did, " ")
		switch what {
		case "create":
			c.created = append(c.created, path)
		case "update":
			c.updated = append(c.updated, path)
		case "delete":
			c.deleted = append(c.deleted, path)
		}
	}
	return c
}

// created lists what a poll has to create, update and delete, as it is written in the tests below.
func (c came) String() string {
	return fmt.Sprintf("%d created, %d updated, %d deleted, %d held", len(c.created), len(c.updated), len(c.deleted), c.held)
}

// wants checks what a poll came to: "3 created, 1 updated, 0 deleted, 0 held", or the beginning of its error.
func (o *odd) wants(n, want string) came {
	o.t.Helper()
	c := o.to(n)
	if c.err != "" && !strings.HasPrefix(c.err, want) || c.err == "" && c.String() != want {
		o.t.Errorf("%s/%s: %s %s, want %s", o.name, n, c, c.err, want)
	}
	return c
}

const nothing = "0 created, 0 updated, 0 deleted, 0 held"

// item returns the item of a document with that title.
func (c came) item(t *testing.T, title string) Item {
	t.Helper()
	for _, it := range c.doc.Items {
		if it.Title == title {
			return it
		}
	}
	t.Fatalf("no entry %q", title)
	return Item{}
}

// oddCase is one remark of the corpus.
type oddCase struct {
	name  string // "history/versions what"
	check func(o *odd)
}

// TestOdd has a test for each remark that the corpus makes on its feeds.
func TestOdd(t *testing.T) {
	for _, c := range slices.Concat(oddByHand(), oddMarkup(), oddMoves(), oddWindows(), oddGenerators()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			end := strings.IndexAny(c.name, "/ ")
			c.check(newOdd(t, c.name[:end]))
		})
	}
}
