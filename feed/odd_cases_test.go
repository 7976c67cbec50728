package feed

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// oddByHand are the feeds that somebody wrote by hand.
func oddByHand() []oddCase {
	return []oddCase{
		{"games-hand/013-016 a bare ampersand in an address is read as one, and nothing is lost or sent twice", func(o *odd) {
			o.to("012")
			before := len(o.posts())
			o.wants("013", "2 created, 0 updated, 0 deleted, 0 held")
			o.wants("014", "0 created, 1 updated, 0 deleted, 0 held")
			o.wants("015", "0 created, 1 updated, 0 deleted, 0 held")
			if c := o.wants("016", nothing); len(c.doc.Items) != len(o.latest()) || len(o.posts()) != before+2 {
				o.t.Errorf("%d entries in the feed, %d known, %d posts", len(c.doc.Items), len(o.latest()), len(o.posts()))
			}
		}},
		{"games-hand/019-020 prefixes that are not declared any more change nothing", func(o *odd) {
			o.to("018")
			o.wants("019", nothing)
			o.wants("020", nothing)
		}},
		{"games-hand/003 a new entry pasted with the id of the one below", func(o *odd) {
			o.to("002")
			c := o.to("003")
			if ids := countBy(c.doc.Items, func(it Item) string { return it.GUID }); most(ids) != 2 {
				o.t.Errorf("ids %v: none of them occurs twice", ids)
			}
			if len(c.created) > 1 || len(c.deleted) > 0 {
				o.t.Errorf("%s", c)
			}
		}},
		{"games-hand/007-008 entries that get another id stay what they are", func(o *odd) {
			o.to("006")
			o.wants("007", "0 created, 4 updated, 0 deleted, 0 held")
			o.wants("008", "0 created, 1 updated, 0 deleted, 0 held")
		}},
		{"games-hand/018 eight ids change at once, some to the title, and no post is made", func(o *odd) {
			before := o.to("017").doc.Items
			c := o.wants("018", "0 created, 1 updated, 0 deleted, 0 held")
			had := countBy(before, func(it Item) string { return it.GUID })
			fresh, titles := 0, 0
			for _, it := range c.doc.Items {
				if had[it.GUID] == 0 {
					fresh++
				}
				if it.GUID == it.Title {
					titles++
				}
			}
			if fresh < 8 || titles == 0 {
				o.t.Errorf("%d ids are new, %d of them titles", fresh, titles)
			}
		}},
		{"games-hand ids that are versions, titles or pages of other sites, or none, are told apart", func(o *odd) {
			advice := strings.Join(o.skip("018").to("018").doc.Lint("06games.ddns.net", day1), "\n")
			if !strings.Contains(advice, "id") {
				o.t.Errorf("the owner is told nothing of ids:\n%s", advice)
			}
			keys := o.latest()
			if slices.Sort(keys); len(slices.Compact(slices.Clone(keys))) != len(keys) || len(keys) == 0 {
				o.t.Errorf("keys %q", keys)
			}
		}},
		{"games-hand a wrong weekday does not spoil a date", func(o *odd) {
			for _, v := range o.versions {
				body := readHistory(o.t, o.name, v.N)
				if body == nil {
					continue
				}
				d, err := Parse(body, Source{URL: o.cfg.URL})
				if err != nil {
					continue
				}
				for _, it := range d.Items {
					if it.flaws.date != "" {
						o.t.Errorf("%s: %q cannot be read", v.N, it.flaws.date)
					}
				}
			}
		}},
		{"games-hand/025 the file is gone for good: nothing is deleted", gone("025")},
		{"games-first/010-018 all entries have one id and one link", func(o *odd) {
			o.to("009")
			c := o.to("010")
			if ids := countBy(c.doc.Items, func(it Item) string { return it.GUID + " " + it.Link }); len(ids) != 1 || len(c.doc.Items) < 2 {
				o.t.Errorf("ids and links %v", ids)
			}
			for n := range strings.FieldsSeq("011 012 013 014 015 016 017 018") {
				if c = o.to(n); len(c.created) != len(only(n, "012")) || len(c.deleted) != 0 {
					o.t.Errorf("%s: %s", n, c)
				}
			}
			if keys := o.latest(); len(keys) != len(c.doc.Items) {
				o.t.Errorf("%d entries in the feed, %d known: %q", len(c.doc.Items), len(keys), keys)
			}
		}},
		{"games-first/020-022 an encoding called UNICODE is UTF-8", func(o *odd) {
			for n := range strings.FieldsSeq("020 021 022") {
				body := readHistory(o.t, o.name, n)
				if !strings.Contains(string(body), `encoding="UNICODE"`) {
					o.t.Errorf("%s does not say so", n)
				}
				c := o.to(n)
				if c.err != "" || len(c.doc.Items) == 0 || c.doc.served.encoding != "utf-8" || c.doc.served.repaired {
					o.t.Errorf("%s: %q %+v", n, c.err, c.doc.served)
				}
			}
		}},
		{"games-first/023 a whole export pasted in makes one post, and its going takes that back", func(o *odd) {
			o.to("022")
			o.wants("023", "1 created, 1 updated, 0 deleted, 0 held")
			o.wants("024", "0 created, 0 updated, 1 deleted, 0 held")
		}},
		{"games-first/004 a date in French words is read, and mending it changes nothing", func(o *odd) {
			o.to("003")
			c := o.wants("004", nothing)
			if got, want := c.doc.Items[0].Date(), time.Date(2017, 2, 4, 8, 3, 0, 0, time.UTC); !got.Equal(want) {
				o.t.Errorf("read as %v, want %v", got, want)
			}
			o.wants("005", nothing)
		}},
		{"games-first 24 versions within two hours make no more posts than there were entries", func(o *odd) {
			o.to("024")
			if n := len(o.posts()); n != 5 {
				o.t.Errorf("%d posts: %q", n, o.posts())
			}
		}},
	}
}

// gone checks that a feed that is not there any more takes nothing with it.
func gone(n string) func(*odd) {
	return func(o *odd) {
		for o.versions[o.next].N != n {
			o.to(o.versions[o.next].N)
		}
		before := o.latest()
		if c := o.to(n); c.err != "missing" || !c.quiet() || !slices.Equal(before, o.latest()) {
			o.t.Errorf("%s %q", c, c.err)
		}
	}
}

// oddMarkup are the feeds whose documents or texts are odd in themselves.
func oddMarkup() []oddCase {
	return []oddCase{
		{"mix3-rdf/001-004 a CDATA section that ends too early: refused, and the line is named", func(o *odd) {
			for n := range strings.FieldsSeq("001 002 003 004") {
				c := o.wants(n, "the feed is broken near line 50")
				if !c.quiet() || !strings.HasSuffix(c.err, "</script> stands where <description> is still open") {
					o.t.Errorf("%s: %s %q", n, c, c.err)
				}
			}
			o.wants("005", "8 created, 0 updated, 0 deleted, 0 held")
		}},
		{"mix3-rdf a file called .rdf is RSS 2.0", func(o *odd) {
			if c := o.skip("005").to("005"); c.doc.Kind != "rss" {
				o.t.Errorf("read as %s", c.doc.Kind)
			}
		}},
		{"mix3-rdf/011 Markdown becomes HTML: eight posts change, and the two new ones go out", func(o *odd) {
			o.to("010")
			o.wants("011", "2 created, 8 updated, 0 deleted, 0 held")
		}},
		{"kucera-micro entries without title", func(o *odd) {
			c := o.to("001")
			titled := countBy(c.doc.Items, func(it Item) string { return it.Title })
			if titled[""] < len(c.doc.Items)/2 || len(c.created) != len(c.doc.Items) {
				o.t.Errorf("%d of %d have none; %s", titled[""], len(c.doc.Items), c)
			}
			if advice := strings.Join(c.doc.Lint("alexanderkucera.com", day1), "\n"); strings.Contains(advice, "have neither title nor text") {
				o.t.Errorf("a short note is no flaw:\n%s", advice)
			}
		}},
		{"kucera-micro/006, 011, 013 old entries whose markup changes make no new posts", func(o *odd) {
			o.to("005")
			o.wants("006", "7 created, 20 updated, 0 deleted, 0 held")
			o.to("010")
			o.wants("011", "1 created, 21 updated, 0 deleted, 0 held")
			o.to("012")
			o.wants("013", "1 created, 21 updated, 0 deleted, 0 held")
		}},
		{"kucera-micro/014 all dates in another time zone change nothing", func(o *odd) {
			before := o.to("013").doc.Items
			c := o.wants("014", nothing)
			if len(c.doc.Items) != 123 || !c.doc.Items[7].Date().Equal(before[7].Date()) {
				o.t.Errorf("%d entries, %v, want %v", len(c.doc.Items), c.doc.Items[7].Date(), before[7].Date())
			}
		}},
		{"kucera-micro ids on another host, in capitals, over http", func(o *odd) {
			c := o.to("001")
			for _, it := range c.doc.Items {
				if !strings.HasPrefix(it.GUID, "http://AlexKucera.micro.blog/") || it.GUIDPermalink {
					o.t.Errorf("id %q, an address: %v", it.GUID, it.GUIDPermalink)
				}
			}
			for _, path := range c.created {
				if !strings.HasPrefix(path, "alexanderkucera.com/") {
					o.t.Errorf("a post is made from %s", path)
				}
			}
		}},
		{"biz-wordpress/004 other markup in five entries changes no post", func(o *odd) {
			o.to("003")
			o.wants("004", nothing)
		}},
		{"biz-wordpress/010 the full text becomes an excerpt everywhere, and no post is made", func(o *odd) {
			before := o.to("009").doc.Items
			c := o.to("010")
			if len(c.created)+len(c.deleted)+c.held > 0 {
				o.t.Errorf("%s", c)
			}
			if before[5].Content == "" || c.doc.Items[5].Content != "" && len(c.doc.Items[5].Content) >= len(before[5].Content) {
				o.t.Errorf("the text did not shrink: %d, %d bytes", len(before[5].Content), len(c.doc.Items[5].Content))
			}
		}},
		{"biz-wordpress addresses with Japanese words in %XX are kept as they are", func(o *odd) {
			c := o.to("003")
			found := false
			for _, it := range c.doc.Items {
				found = found || strings.Contains(it.Link, "%e3%") || strings.Contains(it.Link, "%E3%")
			}
			if !found {
				o.t.Errorf("none has such an address: %+v", c.doc.Items)
			}
		}},
		{"pandas-thumb relative addresses are resolved against the page of each entry, not a folder of its name", func(o *odd) {
			for _, it := range o.to("001").doc.Items {
				if strings.Contains(it.Content, ".html/") {
					o.t.Errorf("%s: an address was taken for one below a page", it.Link)
				}
			}
		}},
		{"pandas-thumb/015 a text that shrinks to a word for seven minutes is one post that changes twice", func(o *odd) {
			o.to("014")
			o.wants("015", "0 created, 1 updated, 0 deleted, 0 held")
			o.wants("016", "0 created, 1 updated, 0 deleted, 0 held")
		}},
		{"pandas-thumb/019-020 markup that changes to and fro changes no post", func(o *odd) {
			o.to("018")
			o.wants("019", nothing)
			o.wants("020", nothing)
		}},
		{"rupil-publii a title with an HTML entity in it", func(o *odd) {
			o.to("001").item(o.t, "Meetings & Events by Club Med")
		}},
		{"rupil-publii date_modified that changes in every version alone changes no post", func(o *odd) {
			o.to("001")
			o.wants("002", nothing)
			o.to("005")
			o.wants("006", nothing)
		}},
		{"rupil-publii/012 four of five change at once, and dates of old entries move: no new post", func(o *odd) {
			o.to("011")
			o.wants("012", "0 created, 3 updated, 0 deleted, 0 held")
		}},
	}
}

// oddMoves are the feeds whose addresses or ids move.
func oddMoves() []oddCase {
	return []oddCase{
		{"mix3-rdf/009, 015, 021 other permalinks for all, another host, another folder: the same entries", func(o *odd) {
			o.to("008")
			o.wants("009", "0 created, 10 updated, 0 deleted, 0 held")
			o.to("014")
			o.wants("015", "1 created, 9 updated, 0 deleted, 0 held")
			o.to("020")
			o.wants("021", "1 created, 9 updated, 0 deleted, 0 held")
		}},
		{"mix3-rdf/001-009 the link is the identity until there is an id", func(o *odd) {
			if it := o.to("008").doc.Items[0]; it.GUID != "" || it.Link == "" {
				o.t.Errorf("id %q, link %q", it.GUID, it.Link)
			}
			if it := o.to("009").doc.Items[0]; it.GUID == "" {
				o.t.Error("no id in 009")
			}
		}},
		{"biz-wordpress/002 the host in all ids changes: the same entries", func(o *odd) {
			before := o.to("001").doc.Items
			c := o.wants("002", "0 created, 8 updated, 0 deleted, 0 held")
			if c.doc.Items[0].GUID == before[0].GUID || c.doc.Items[0].GUIDPermalink {
				o.t.Errorf("id %q, before %q", c.doc.Items[0].GUID, before[0].GUID)
			}
		}},
		{"bemzhao-gridea/006-013, 022 hosts that come and go, one of them localhost: the same entries", func(o *odd) {
			o.to("005")
			o.wants("006", "0 created, 3 updated, 0 deleted, 0 held")
			o.wants("007", "0 created, 3 updated, 0 deleted, 0 held")
			o.to("021")
			o.wants("022", "0 created, 3 updated, 0 deleted, 0 held")
			o.wants("023", "0 created, 3 updated, 0 deleted, 0 held")
		}},
		{"bemzhao-gridea/025 a folder in front of all paths: the same entries", func(o *odd) {
			o.to("024")
			o.wants("025", "0 created, 4 updated, 0 deleted, 0 held")
		}},
		{"bemzhao-gridea/009, 011 only the feed's own date differs", func(o *odd) {
			o.to("008")
			o.wants("009", nothing)
			o.to("010")
			o.wants("011", nothing)
			o.wants("012", nothing)
		}},
		{"lobanov-pelican/020 http becomes https in all links, and the ids stay", func(o *odd) {
			before := o.to("019").doc.Items
			c := o.wants("020", "0 created, 10 updated, 0 deleted, 0 held")
			if c.doc.Items[3].GUID != before[3].GUID || !strings.HasPrefix(c.doc.Items[3].GUID, "tag:") || c.doc.Items[3].GUIDPermalink {
				o.t.Errorf("id %q, before %q", c.doc.Items[3].GUID, before[3].GUID)
			}
		}},
		{"lobanov-pelican/003-004 the generator's examples are replaced", func(o *odd) {
			o.to("002")
			o.wants("003", "2 created, 1 updated, 0 deleted, 0 held")
			o.wants("004", nothing)
		}},
		{"lobanov-pelican/008 the date of an old entry moves by four months: no new post", func(o *odd) {
			o.to("007")
			o.wants("008", nothing)
		}},
		{"lobanov-pelican/012-013 an entry dated a little ahead goes out once", func(o *odd) {
			o.to("011")
			before := len(o.posts())
			o.to("012")
			o.to("013")
			o.to("014")
			if n := len(o.posts()) - before; n != 2 {
				o.t.Errorf("%d posts, want two", n)
			}
		}},
		{"tayefi-hugo/002-003 relative links and ids", func(o *odd) {
			c := o.to("002")
			it := c.doc.Items[0]
			if !strings.HasPrefix(it.Link, "/docs/") || !strings.HasPrefix(it.GUID, "/docs/") {
				o.t.Errorf("link %q, id %q", it.Link, it.GUID)
			}
			if len(c.created) != 1 || !strings.HasPrefix(c.created[0], "feed.example/docs/") {
				o.t.Errorf("created %q", c.created)
			}
			if advice := strings.Join(c.doc.Lint("feed.example", day1), "\n"); !strings.Contains(advice, "has a relative link (\"/docs/") {
				o.t.Errorf("the owner is not told:\n%s", advice)
			}
		}},
		{"tayefi-hugo/004-005 a base without a scheme, and back again: one post", func(o *odd) {
			o.to("003")
			o.wants("004", "0 created, 1 updated, 0 deleted, 0 held")
			o.wants("005", "0 created, 1 updated, 0 deleted, 0 held")
		}},
		{"tayefi-hugo/001 a feed without entries", func(o *odd) {
			if c := o.wants("001", nothing); c.doc.Items == nil || len(c.doc.Items) != 0 {
				o.t.Errorf("%+v", c.doc.Items)
			}
		}},
		{"tayefi-hugo Persian in a feed that says en-us: every letter arrives", func(o *odd) {
			it := o.to("003").doc.Items[0]
			if it.Language != "en-us" || !strings.ContainsFunc(it.Title+it.Summary, func(r rune) bool { return unicode.Is(unicode.Arabic, r) }) {
				o.t.Errorf("language %q, title %q", it.Language, it.Title)
			}
		}},
		{"broslunas-astro/005 the right address at last: nine entries stay themselves", func(o *odd) {
			o.to("003")
			if c := o.to("004"); c.err != "missing" || !c.quiet() {
				o.t.Errorf("004: %s %q", c, c.err)
			}
			o.wants("005", "1 created, 9 updated, 1 deleted, 0 held")
		}},
		{"broslunas-astro/018 the file is gone for good: nothing is deleted", gone("018")},
		{"lavender-gatsby/006 an entry's path and id change: the same entry", func(o *odd) {
			o.to("005")
			o.wants("006", "0 created, 1 updated, 0 deleted, 0 held")
		}},
		{"lavender-gatsby the theme's demo site is taken for the blog", func(o *odd) {
			for _, path := range o.to("001").created {
				if !strings.HasPrefix(path, "gatsby-") {
					o.t.Errorf("a post is made from %s", path)
				}
			}
		}},
	}
}
