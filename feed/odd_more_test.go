package feed

import (
	"slices"
	"strings"
	"time"
)

// oddWindows are the feeds in which entries come, go and come back.
func oddWindows() []oddCase {
	return []oddCase{
		{"kucera-micro/002 73 entries at once: the old ones are served and not delivered", func(o *odd) {
			o.to("001")
			c := o.wants("002", "73 created, 1 updated, 0 deleted, 0 held")
			if c.actions["serve"] != 61 || c.actions["publish"] != 12 {
				o.t.Errorf("%v", c.actions)
			}
		}},
		{"pandas-thumb/006, 014, 017, 023 a window that has wholly turned over deletes nothing", func(o *odd) {
			for n := range strings.FieldsSeq("006 014 017 023") {
				if c := o.to(n); len(c.deleted) != 0 || len(c.created)+c.held != 10 {
					o.t.Errorf("%s: %s", n, c)
				}
			}
		}},
		{"pandas-thumb/009, 002 nothing but the feed's own date differs", func(o *odd) {
			o.to("008")
			o.wants("009", nothing)
		}},
		{"pandas-thumb/003 two entries with one id for eleven minutes: the other one is not lost", func(o *odd) {
			o.to("002")
			c := o.wants("003", nothing)
			if ids := countBy(c.doc.Items, func(it Item) string { return it.GUID }); most(ids) != 2 {
				o.t.Errorf("ids %v: none of them occurs twice", ids)
			}
			if advice := strings.Join(c.doc.Lint("pandasthumb.org", day1), "\n"); !strings.Contains(advice, "each entry needs its own") {
				o.t.Errorf("the owner is not told:\n%s", advice)
			}
		}},
		{"pandas-thumb/007-013 a post withdrawn, and back under another id three minutes apart", func(o *odd) {
			o.to("006")
			before := len(o.posts())
			o.wants("007", "1 created, 0 updated, 1 deleted, 0 held") // what slid back into the window is not deleted again
			for n := range strings.FieldsSeq("008 009 010 011 012 013") {
				if c := o.to(n); len(c.created) > 1 || len(c.deleted) > 1 {
					o.t.Errorf("%s: %s", n, c)
				}
			}
			if n := len(o.posts()) - before; n != 5 {
				o.t.Errorf("%d posts", n)
			}
		}},
		{"pandas-thumb/024 a post without title, there for one minute", func(o *odd) {
			o.to("023")
			c := o.wants("024", "1 created, 0 updated, 0 deleted, 0 held")
			if countBy(c.doc.Items, func(it Item) string { return it.Title })[""] != 1 {
				o.t.Error("none is without title")
			}
			o.wants("025", "0 created, 0 updated, 1 deleted, 0 held")
		}},
		{"mix3-rdf/005-025 what leaves a window of ten is not deleted", func(o *odd) {
			for _, v := range o.versions {
				if c := o.to(v.N); len(c.deleted) != 0 {
					o.t.Errorf("%s: %s", v.N, c)
				}
			}
		}},
		{"biz-wordpress a window of ten: one in, one out, and nothing is deleted", func(o *odd) {
			for _, v := range o.versions {
				if c := o.to(v.N); len(c.deleted) != 0 || len(c.doc.Items) > 10 {
					o.t.Errorf("%s: %d entries, %s", v.N, len(c.doc.Items), c)
				}
			}
		}},
		{"lobanov-pelican/016 a window of ten from here on: what falls out is not deleted", func(o *odd) {
			o.to("015")
			for _, v := range o.versions[o.next:] {
				if c := o.to(v.N); len(c.deleted) != 0 {
					o.t.Errorf("%s: %s", v.N, c)
				}
			}
		}},
		{"planet-mk/009 18 entries at once, 010 25 gone: only a window of time", func(o *odd) {
			o.to("008")
			o.wants("009", "18 created, 1 updated, 0 deleted, 0 held")
			before := len(o.posts())
			c := o.wants("010", "1 created, 0 updated, 0 deleted, 0 held")
			if len(c.doc.Items) != 1 || len(o.posts()) != before+1 {
				o.t.Errorf("%d entries, %d posts, %d before", len(c.doc.Items), len(o.posts()), before)
			}
		}},
		{"tayefi-hugo/009 a test entry goes, the section is renamed: one post more", func(o *odd) {
			o.to("008")
			if c := o.to("009"); len(c.created) > 1 || len(c.deleted) > 1 {
				o.t.Errorf("%s", c)
			}
		}},
		{"joplin-pages/004 from 4 to 8 entries, 80 KB each", func(o *odd) {
			o.to("003")
			c := o.wants("004", "4 created, 0 updated, 0 deleted, 0 held")
			if len(c.doc.Items) != 8 {
				o.t.Errorf("%d entries", len(c.doc.Items))
			}
		}},
		{"joplin-pages/009 eight entries vanish: only what the feed proves is deleted", func(o *odd) {
			o.to("008")
			o.wants("009", "0 created, 1 updated, 3 deleted, 0 held")
		}},
		{"kan-podcast/002 one entry vanishes", func(o *odd) {
			o.to("001")
			o.wants("002", "0 created, 0 updated, 1 deleted, 0 held")
		}},
		{"lavender-gatsby/002 13 example posts vanish and one appears: it waits for the owner", func(o *odd) {
			o.to("001")
			o.wants("002", "0 created, 0 updated, 0 deleted, 1 held")
		}},
		{"broslunas-astro/017 eleven entries move to another path and three are new in the same step", func(o *odd) {
			o.to("016")
			if c := o.to("017"); len(c.updated) < 7 || len(c.created)+c.held > 7 || len(c.deleted) != 0 {
				o.t.Errorf("%s", c)
			}
		}},
	}
}

// oddGenerators are the feeds whose generator has its own ways.
func oddGenerators() []oddCase {
	return []oddCase{
		{"planet-mk RSS 1.0: the id is rdf:about, the link leads through a redirector", func(o *odd) {
			c := o.to("001")
			for _, it := range c.doc.Items {
				if c.doc.Kind != "rdf" || it.GUID == "" || it.GUID == it.Link || it.GUIDPermalink {
					o.t.Errorf("%s: id %q, link %q", c.doc.Kind, it.GUID, it.Link)
				}
			}
		}},
		{"planet-mk/005-018 the date of an undated entry is that of the build, and moves with it: no post changes", func(o *odd) {
			o.to("004")
			o.wants("005", nothing)
			o.wants("006", nothing)
			o.to("010")
			moved := map[string]bool{}
			for n := range strings.FieldsSeq("011 012 013 014 015 016") {
				c := o.wants(n, nothing)
				moved[stamp(c.doc.Items[0].Date())] = true
			}
			if len(moved) < 2 {
				o.t.Errorf("the date does not move: %v", moved)
			}
		}},
		{"planet-mk/002, 014, 016 small changes of markup change no post", func(o *odd) {
			o.to("001")
			o.wants("002", nothing)
			o.to("013")
			o.wants("014", nothing)
			o.to("015")
			o.wants("016", nothing)
		}},
		{"joplin-pages no link at all, ids of 32 digits", func(o *odd) {
			c := o.to("001")
			for _, it := range c.doc.Items {
				if it.Link != "" || len(it.GUID) != 32 {
					o.t.Errorf("link %q, id %q", it.Link, it.GUID)
				}
			}
			advice := c.doc.Lint("feed.example", day1)
			if !slices.Contains(advice, "all 4 entries have no link; their posts lead nowhere") {
				o.t.Errorf("the owner is not told:\n%s", strings.Join(advice, "\n"))
			}
		}},
		{"joplin-pages the blog's address is the word undefined, its title empty", func(o *odd) {
			c := o.to("001")
			if c.doc.Link != "undefined" || c.doc.Title != "" {
				o.t.Errorf("link %q, title %q", c.doc.Link, c.doc.Title)
			}
			for _, path := range c.created {
				if !strings.HasPrefix(path, "feed.example/") {
					o.t.Errorf("a post is made from %s", path)
				}
			}
			advice := c.doc.Lint("feed.example", day1)
			if want := `the feed's link to the blog, "undefined", is no whole address; crier takes feed.example for its host`; !slices.Contains(advice, want) {
				o.t.Errorf("the owner is not told:\n%s", strings.Join(advice, "\n"))
			}
		}},
		{"kan-podcast title, id, date and enclosure only; line breaks at the ends, length 0", func(o *odd) {
			c := o.to("001")
			for _, it := range c.doc.Items {
				if it.Link != "" || it.Content+it.Summary != "" || strings.ContainsAny(it.GUID, " \n") || len(it.Media) != 1 ||
					strings.ContainsAny(it.Media[0].URL, " \n") || !strings.HasPrefix(it.Media[0].Type, "audio/") {
					o.t.Errorf("%+v", it)
				}
			}
			if len(c.created) != len(c.doc.Items) {
				o.t.Errorf("%s", c)
			}
		}},
		{"kan-podcast/006 only the date of the build differs", func(o *odd) {
			o.to("005")
			o.wants("006", nothing)
		}},
		{"broslunas-astro/001-003 the example address of the theme", func(o *odd) {
			for _, path := range o.to("001").created {
				if !strings.HasPrefix(path, "astro") {
					o.t.Errorf("a post is made from %s", path)
				}
			}
		}},
		{"broslunas-astro/009-016 entries dated days ahead wait for their day", func(o *odd) {
			var ahead int
			for n := range strings.FieldsSeq("009 010 011 012 013 014 015 016") {
				c := o.to(n)
				now := o.versions[o.next-1].Time
				for _, it := range c.doc.Items {
					if it.Date().After(now.Add(skew)) {
						ahead++
					}
				}
				all, err := o.db.Entries()
				if err != nil {
					o.t.Fatal(err)
				}
				for _, e := range all {
					if e.State == "live" && e.Date.After(now.Add(time.Hour)) {
						o.t.Errorf("%s: %q of %v is out", n, e.Title, e.Date)
					}
				}
			}
			if ahead == 0 {
				o.t.Error("none is dated ahead")
			}
		}},
		{"broslunas-astro dates are local midnights", func(o *odd) {
			for _, it := range o.to("001").doc.Items {
				if d := it.Date(); d.IsZero() || d.Minute() != 0 || d.Second() != 0 {
					o.t.Errorf("%q: %v", it.Title, d)
				}
			}
		}},
		{"lavender-gatsby/002-003 an entry called No title, without any date", func(o *odd) {
			o.to("001")
			c := o.to("002")
			it := c.item(o.t, "No title")
			if !it.Date().IsZero() {
				o.t.Errorf("dated %v", it.Date())
			}
			if advice := strings.Join(c.doc.Lint("gatsby-starter-lavender.netlify.app", day1), "\n"); !strings.Contains(advice, "(“No title”) has no date") {
				o.t.Errorf("the owner is not told:\n%s", advice)
			}
		}},
	}
}

// posts are the paths of all posts that ever went out.
func (o *odd) posts() (paths []string) {
	o.t.Helper()
	all, err := o.db.Entries()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range all {
		if e.State == "live" || e.State == "gone" {
			for range max(1, e.Generation) {
				paths = append(paths, e.Key)
			}
		}
	}
	return paths
}

// latest are the keys of the entries that stood in the last document.
func (o *odd) latest() (keys []string) {
	o.t.Helper()
	all, err := o.db.Entries()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range all {
		if e.MissingSince.IsZero() && e.State != "gone" {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

func countBy(items []Item, key func(Item) string) map[string]int {
	n := map[string]int{}
	for _, it := range items {
		n[key(it)]++
	}
	return n
}

func most(counts map[string]int) (n int) {
	for _, c := range counts {
		n = max(n, c)
	}
	return n
}

// only returns one element if the two are the same.
func only(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return nil
}
