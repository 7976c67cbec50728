package feed

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

// blogger is a blog that does what bytes tell it: a small grammar of all that people do to their feeds.
type blogger struct {
	items []Item
	next  int
}

// do changes the blog in one way. n says what it is done to.
func (b *blogger) do(act, n byte) {
	if len(b.items) == 0 || act%12 == 0 {
		b.next++
		it := post(b.next)
		it.Published = time.Date(2024, 5, 1, b.next, int(n), 0, 0, time.UTC)
		b.items = append([]Item{it}, b.items...)
		return
	}
	i := int(n) % len(b.items)
	it := &b.items[i]
	switch act % 12 {
	case 1:
		b.items = slices.Delete(b.items, i, i+1)
	case 2:
		it.Summary = fmt.Sprintf("Edited, the %dth text of a post.", n)
	case 3:
		it.Title = []string{"", "Open thread", "A", "A title that is long"}[n%4]
	case 4:
		it.GUID = []string{"", "shared", fmt.Sprint(n), fmt.Sprintf("https://blog.example/%d/", n%8)}[n%4]
	case 5:
		it.Link = []string{"", "https://blog.example/", fmt.Sprintf("https://blog.example/%d/", n%8), fmt.Sprintf("https://new.example/x/%d", n)}[n%4]
	case 6:
		it.Published = []time.Time{{}, day1.Add(time.Duration(n) * time.Hour), it.Published.Truncate(24 * time.Hour), it.Published.Add(-time.Hour)}[n%4]
	case 7:
		it.Categories = [][]string{nil, {"links"}}[n%2]
	case 8:
		for j := range b.items { // all at once
			b.items[j].GUID, b.items[j].Link = fmt.Sprintf("all-%d-%d", n%3, j), fmt.Sprintf("https://blog.example/%d/%d/", n%3, j)
		}
	case 9:
		b.items = append(b.items, *it) // pasted twice
	case 10:
		b.items = b.items[:min(len(b.items), 1+int(n)%6)] // the window
	case 11:
		slices.Reverse(b.items)
	}
}

// invariants are what must hold whatever a blog does. Entries are kept in memory: a plan reads nothing but its
// input, and a real store would be a thousand times slower.
type invariants struct {
	t         *testing.T
	cfg       Config
	feed      store.Feed
	looks     map[string]sight
	entries   map[string]store.Entry
	fields    map[string][]byte
	published map[string][]byte
	created   map[string]bool // by path
	deleted   map[string]bool
}

func newInvariants(t *testing.T) *invariants {
	cfg := Config{URL: "https://blog.example/feed.xml", Backfill: 20, MaxNew: 2, ConfirmAfter: 6 * time.Hour}
	return &invariants{t: t, cfg: cfg, feed: store.Feed{URL: cfg.URL}, entries: map[string]store.Entry{}, fields: map[string][]byte{},
		published: map[string][]byte{}, created: map[string]bool{}, deleted: map[string]bool{}}
}

func (v *invariants) plan(d *Document, now time.Time) planned {
	v.t.Helper()
	var known []store.Entry
	for _, key := range slices.Sorted(maps.Keys(v.entries)) {
		known = append(known, v.entries[key])
	}
	p, err := plan(input{
		now: now, cfg: v.cfg, spacing: spacing, handleHost: "handle.example", feed: v.feed, known: known,
		configured: map[string]bool{v.cfg.URL: true}, doc: d, learnt: learnt{looks: v.looks},
		current:   func(key string) ([]byte, error) { return v.fields[key], nil },
		published: func(key string) ([]byte, error) { return v.published[key], nil },
		visible:   func(_ string, a, b content.Entry) bool { return !reflect.DeepEqual(a, b) },
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return p
}

func (v *invariants) poll(d *Document, now time.Time) {
	v.t.Helper()
	p := v.plan(d, now)
	seen := map[string]bool{}
	for _, put := range p.put {
		e := put.Entry
		if seen[e.Key] || v.entries[e.Key].Version != e.Version {
			v.t.Fatalf("%s is written twice in one poll, or over another one", e.Key)
		}
		seen[e.Key] = true
		if idle := e.State == store.EntryHeld || e.State == store.EntrySkipped || e.State == store.EntryWithdrawn || e.State == store.EntryGone; idle && e.Todo != store.TodoNothing {
			v.t.Fatalf("something is to be done with an entry that is %s: %+v", e.State, e)
		}
		if e.Generation < 1 || len(e.Aliases) > maxAliases {
			v.t.Fatalf("%+v", e)
		}
		e.Version++
		v.entries[e.Key] = e
		if put.Fields != nil {
			v.fields[e.Key] = put.Fields
		}
	}
	if d != nil && p.fresh+p.held > len(d.Items) || (p.held > 0) != (p.why != "") {
		v.t.Fatalf("%d are new and %d held (%s)", p.fresh, p.held, p.why)
	}
	v.feed = p.feed
}

// publish lets everything that is due go out.
func (v *invariants) publish(now time.Time) {
	v.t.Helper()
	for _, key := range slices.Sorted(maps.Keys(v.entries)) {
		e := v.entries[key]
		if e.Todo == store.TodoNothing || e.Due.After(now) {
			continue
		}
		path := fmt.Sprintf("%s~%d", e.Key, e.Generation)
		there := v.created[path] && !v.deleted[path]
		if (e.Todo == store.TodoCreate) == v.created[path] || e.Todo != store.TodoCreate && !there {
			v.t.Fatalf("%s of %s, which was created %v and deleted %v", e.Todo, path, v.created[path], v.deleted[path])
		}
		v.created[path] = true
		v.deleted[path] = e.Todo == store.TodoDelete
		if e.State = store.EntryLive; e.Todo == store.TodoDelete {
			e.State = store.EntryGone
		} else {
			v.published[key] = v.fields[key]
		}
		e.Todo, e.Due = store.TodoNothing, time.Time{}
		e.Version++
		v.entries[key] = e
	}
}

// settle does what the store does when the owner decides about held entries.
func (v *invariants) settle(release bool, now time.Time) {
	for key, e := range v.entries {
		if e.State == store.EntryHeld {
			e.State, e.Todo, e.Due, e.Deliver, e.Listed = store.EntryNew, store.TodoCreate, now, release, release
			e.Version++
			v.entries[key] = e
		}
	}
}

// quiet polls what was polled a moment ago: nothing may come of it.
func (v *invariants) quiet(d *Document, now time.Time) {
	v.t.Helper()
	if p := v.plan(d, now); len(p.items) > 0 {
		v.t.Fatalf("the same document again: %+v\nof %+v\nwhere %+v", p.items, d.Items, p.put)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x02\x00\x03\xff\x00\x01\x01\xff\x01\x08\x01\xff\x02"))
	f.Add([]byte("\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05\xff\x00\x08\x01\xff\x00\x08\x02\xff\x01\x08\x01\xff\x02"))
	f.Add([]byte("\x00\x01\x07\x01\xff\x00\x07\x00\xff\x01\x01\x00\xff\x03\x00\x01\xff\x04\xfe\x00\xff\x05"))
	f.Add([]byte("\x00\x01\x00\x02\x04\x01\x04\x05\xff\x00\x09\x00\xff\x00\x0a\x00\xff\x00\x0b\x00\xff\x07\x03\x01\xff\x06"))
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 400 {
			return
		}
		v, b, now := newInvariants(t), &blogger{}, day1
		for i := 0; i+1 < len(program); i += 2 {
			if act, n := program[i], program[i+1]; act < 0xf0 {
				b.do(act, n)
			} else {
				now = now.Add(time.Duration(n) * 10 * time.Minute)
				v.step(b, act, n, now)
			}
		}
		v.step(b, 0xff, 0, now)
	})
}

// step polls the blog as it is now, under circumstances that act and n choose.
func (v *invariants) step(b *blogger, act, n byte, now time.Time) {
	v.t.Helper()
	d := docOf(slices.Clone(b.items)...)
	v.cfg.Deletions = []string{"feed", "confirm", "never"}[n%3]
	v.cfg.Grace = []time.Duration{0, time.Hour}[n/3%2]
	v.cfg.MaxAge = []time.Duration{0, 48 * time.Hour}[n/6%2]
	v.looks = map[string]sight{}
	for key, e := range v.entries {
		v.looks[key] = []sight{{pageGone, ""}, {pageThere, e.URL}, {}, {pageThere, "https://blog.example/3/"}}[n%4]
	}
	v.cfg.Style.Rules = nil
	if n%5 != 0 {
		v.cfg.Style.Rules = []content.Rule{{Category: "links", Skip: true}}
	}
	switch act {
	case 0xfe:
		v.settle(n%2 == 0, now)
	case 0xfd:
		d = nil
	}
	v.poll(d, now)
	if n%7 != 0 {
		v.publish(now)
	}
	v.quiet(d, now)
}
