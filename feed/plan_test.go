package feed

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

// day1 is when the stories begin: later than all posts but those dated ahead.
var day1 = time.Date(2024, 5, 20, 12, 0, 0, 0, time.UTC)

// post is an item with its own page, dated on a day of May.
func post(n int) Item {
	return Item{
		Entry:     content.Entry{Title: fmt.Sprintf("Post %d", n), Summary: fmt.Sprintf("The text of post number %d.", n)},
		GUID:      fmt.Sprintf("id-%d", n),
		Link:      fmt.Sprintf("https://blog.example/%d/", n),
		Published: time.Date(2024, 5, n, 0, 0, 0, 0, time.UTC),
	}
}

func docOf(items ...Item) *Document { return &Document{Link: "https://blog.example/", Items: items} }

func posts(ns ...int) *Document {
	d := docOf()
	for _, n := range ns {
		d.Items = append(d.Items, post(n))
	}
	return d
}

// at polls a document so many hours after the beginning, and publishes what is due.
func (s *story) at(hours int, d *Document) []string {
	s.t.Helper()
	now := day1.Add(time.Duration(hours) * time.Hour)
	s.poll(d, now)
	return publishDue(s.t, s.db, now)
}

func want(t *testing.T, what string, got []string, wanted ...string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: %q, want %q", what, got, wanted)
	}
}

func TestConfirmNeedsTwoLooksFarApart(t *testing.T) {
	type look struct {
		hours  int
		result lookResult
		done   string // what is published then
	}
	for _, c := range []struct {
		name  string
		looks []look
	}{
		{"gone twice, six hours apart", []look{{24, pageGone, ""}, {30, pageGone, "delete blog.example/2/"}}},
		{"the second look comes too early", []look{{24, pageGone, ""}, {29, pageGone, ""}, {30, pageGone, "delete blog.example/2/"}}},
		{"the page is still there", []look{{24, pageThere, ""}, {30, pageThere, ""}, {100, pageThere, ""}}},
		{"it comes back for a while", []look{{24, pageGone, ""}, {30, pageThere, ""}, {54, pageGone, ""}, {60, pageGone, "delete blog.example/2/"}}},
		{"no answer is put off by a day and proves nothing", []look{{24, pageUnclear, ""}, {30, pageGone, ""}, {48, pageGone, ""}, {54, pageGone, "delete blog.example/2/"}}},
		{"no answer in between", []look{{24, pageGone, ""}, {30, pageUnclear, ""}, {53, pageGone, ""}, {54, pageGone, "delete blog.example/2/"}}},
		{"after thirty days it is left in peace", []look{{24, pageThere, ""}, {24 * 40, pageGone, ""}, {24 * 41, pageGone, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t, "deletions = confirm")
			s.at(0, posts(3, 2, 1))
			d := posts(3, 1)
			for _, l := range c.looks {
				s.looks = map[string]lookResult{"blog.example/2/": l.result}
				var wanted []string
				if l.done != "" {
					wanted = []string{l.done}
				}
				want(t, fmt.Sprintf("after %d hours", l.hours), s.at(l.hours, d), wanted...)
				d = nil // the later polls end in 304
			}
		})
	}
}

func TestConfirmAsksForNoMoreLooksThanItNeeds(t *testing.T) {
	s := newStory(t, "deletions = confirm")
	alone := post(2)
	alone.Link = "https://elsewhere.example/2/"
	s.at(0, docOf(post(4), alone, post(1)))
	p := s.plan(docOf(post(4), post(1)), day1.Add(time.Hour))
	if len(p.want) != 0 || p.feed.Missing != 0 {
		t.Errorf("an entry without a page of its own is suspected: %+v", p.want)
	}
	p = s.plan(docOf(post(4), alone), day1.Add(time.Hour))
	if len(p.want) != 0 {
		t.Errorf("the oldest entry slid out of the window and is suspected: %+v", p.want)
	}
	p = s.plan(docOf(alone, post(1)), day1.Add(time.Hour))
	if len(p.want) != 1 || p.want[0].URL != "https://blog.example/4/" {
		t.Errorf("looks wanted at %+v, want one at post 4", p.want)
	}
	if p.feed.Missing != 1 {
		t.Errorf("%d entries missing, want 1", p.feed.Missing)
	}
}

func TestReturnClearsSuspicion(t *testing.T) {
	s := newStory(t, "deletions = confirm")
	s.at(0, posts(3, 2, 1))
	s.looks = map[string]lookResult{"blog.example/2/": pageGone}
	s.at(24, posts(3, 1))
	s.at(25, posts(3, 2, 1))
	if e := s.entry("blog.example/2/"); !e.MissingSince.IsZero() || !e.FirstLook.IsZero() || !e.NextLook.IsZero() {
		t.Errorf("still suspected: %+v", e)
	}
	want(t, "after the return", s.at(40, nil))
}

func TestReturnAfterDeleteIsTheNextGeneration(t *testing.T) {
	s := newStory(t, "deletions = feed")
	s.at(0, posts(2, 1))
	want(t, "news", s.at(24, posts(3, 2, 1)), "create blog.example/3/")
	want(t, "gone", s.at(25, posts(2, 1)), "delete blog.example/3/")
	want(t, "back", s.at(26, posts(3, 2, 1)), "create blog.example/3/~2")
	want(t, "gone again", s.at(27, posts(2, 1)), "delete blog.example/3/~2")
	want(t, "back again", s.at(28, posts(3, 2, 1)), "create blog.example/3/~3")
	if e := s.entry("blog.example/3/"); !e.Deliver || e.State != store.EntryLive {
		t.Errorf("the returned entry is %+v", e)
	}
}

func TestDeleteNotYetSentIsTakenBack(t *testing.T) {
	s := newStory(t, "deletions = feed")
	s.at(0, posts(3, 2, 1))
	s.poll(posts(3, 1), day1.Add(time.Hour))
	if e := s.entry("blog.example/2/"); e.Todo != store.TodoDelete {
		t.Fatalf("todo %q, want delete", e.Todo)
	}
	want(t, "after the return", s.at(2, posts(3, 2, 1)))
}

func TestChangeTakenBackSendsNothing(t *testing.T) {
	s := newStory(t, "deletions = feed")
	s.at(0, posts(2, 1))
	edited := post(2)
	edited.Summary = "Something else entirely."
	s.poll(docOf(edited, post(1)), day1.Add(time.Hour))
	if e := s.entry("blog.example/2/"); e.Todo != store.TodoUpdate {
		t.Fatalf("todo %q, want update", e.Todo)
	}
	want(t, "after the change was taken back", s.at(2, posts(2, 1)))
	want(t, "after it was made again", s.at(3, docOf(edited, post(1))), "update blog.example/2/")
}

func TestAnotherVersionOfCrierSendsNothing(t *testing.T) {
	s := newStory(t, "deletions = feed")
	s.at(0, posts(2, 1))
	e := s.entry("blog.example/2/")
	e.FieldsHash = "0:made by a version that read less"
	if err := s.db.RecordPoll(store.Poll{Feed: store.Feed{URL: s.cfg.URL, FirstRead: day1}, Put: []store.EntryPut{{Entry: e}}}); err != nil {
		t.Fatal(err)
	}
	richer := post(2)
	richer.Categories = []string{"Now read"}
	want(t, "first poll of the new version", s.at(1, docOf(richer, post(1))))
	richer.Summary = "A change by the author."
	want(t, "a real change", s.at(2, docOf(richer, post(1))), "update blog.example/2/")
}

func TestFirstPollListsTheNewestAndDeliversNone(t *testing.T) {
	s := newStory(t, "")
	s.cfg.Backfill = 2
	p := s.poll(posts(30, 3, 2, 1), day1)
	var listed []string
	for _, put := range p.put {
		e := put.Entry
		if e.Listed {
			listed = append(listed, e.Key)
		}
		if e.Deliver != (e.Key == "blog.example/30/") {
			t.Errorf("%s: deliver is %v", e.Key, e.Deliver)
		}
	}
	want(t, "listed", listed, "blog.example/30/", "blog.example/3/", "blog.example/2/")
	if f := p.feed; !f.FirstNewest.Equal(post(3).Published) || !f.Newest.Equal(post(3).Published) {
		t.Errorf("first newest %v, newest %v: a date ahead counts for nothing", f.FirstNewest, f.Newest)
	}
}

func TestNewsGoesOutOldestFirstASecondApart(t *testing.T) {
	s := newStory(t, "grace = 10m")
	s.at(0, posts(1))
	now := day1.Add(200 * time.Hour)
	p := s.plan(posts(4, 3, 2, 1), now)
	for i, put := range p.put {
		due := now.Add(10*time.Minute + time.Duration(i)*time.Second)
		if put.Entry.Key != fmt.Sprintf("blog.example/%d/", i+2) || !put.Entry.Due.Equal(due) {
			t.Errorf("%d: %s due %v, want %v", i, put.Entry.Key, put.Entry.Due, due)
		}
	}
}

func TestEntriesOfOtherFeeds(t *testing.T) {
	s := newStory(t, "url = https://blog.example/all.xml")
	s.at(0, posts(2, 1))
	s.cfg.URL = "https://blog.example/tag.xml"
	s.configured[s.cfg.URL] = true
	want(t, "known from another feed", s.at(1, posts(3, 2)), "create blog.example/3/")
	if e := s.entry("blog.example/2/"); e.Feed != "https://blog.example/all.xml" {
		t.Errorf("the entry was taken away from its feed: %s", e.Feed)
	}
	delete(s.configured, "https://blog.example/all.xml")
	want(t, "the other feed is configured no more", s.at(2, posts(3, 2)))
	if e := s.entry("blog.example/2/"); e.Feed != s.cfg.URL {
		t.Errorf("nobody adopted the entry of %s", e.Feed)
	}
	want(t, "an orphan that this feed does not show", s.at(3, posts(3, 2)))
}

func TestOneKeyTwoFeeds(t *testing.T) {
	s := newStory(t, "url = https://blog.example/all.xml")
	s.at(0, posts(1))
	s.cfg.URL = "https://other.example/feed.xml"
	s.configured[s.cfg.URL] = true
	other := Item{Entry: content.Entry{Title: "Another blog's"}, GUID: "id-1", Link: "https://other.example/1/"}
	s.poll(&Document{Link: "https://other.example/", Items: []Item{other}}, day1)
	s.entry("other.example/1/") // a short GUID means nothing across feeds

	delete(s.configured, "https://blog.example/all.xml")
	other.Title, other.Link = "One more", "https://other.example/2/"
	s.poll(&Document{Link: "https://other.example/", Items: []Item{post(1), other}}, day1.Add(time.Hour))
	want(t, "blog.example/1/ is", []string{s.entry("blog.example/1/").Feed}, "https://other.example/feed.xml")
}

func TestOrphanOfAnotherBlog(t *testing.T) {
	s := newStory(t, "url = https://blog.example/all.xml")
	s.at(0, posts(1))
	s.cfg.URL = "https://other.example/feed.xml"
	s.configured = map[string]bool{s.cfg.URL: true}
	other := Item{Entry: content.Entry{Title: "Another blog's"}, GUID: "id-1", Link: "https://other.example/1/"}
	want(t, "same short GUID, another blog", s.at(1, &Document{Link: "https://other.example/", Items: []Item{other}}), "create other.example/1/")
}

func TestAliasesAreBounded(t *testing.T) {
	s := newStory(t, "")
	s.at(0, posts(2, 1))
	for i := range 30 {
		moved := post(2)
		moved.GUID = fmt.Sprintf("moved-%d", i)
		s.at(i+1, docOf(moved, post(1)))
	}
	e := s.entry("blog.example/2/")
	if len(e.Aliases) != maxAliases || e.GUID != "moved-29" || e.Aliases[maxAliases-1] != "g:moved-28" {
		t.Errorf("guid %s, aliases %s", e.GUID, strings.Join(e.Aliases, " "))
	}
}

func TestAnotherPostAtAnOldAddress(t *testing.T) {
	s := newStory(t, "")
	s.at(0, posts(2, 1))
	moved, fresh := post(2), post(7)
	moved.Link, fresh.Link = "https://blog.example/old/2/", "https://blog.example/2/"
	s.at(1, docOf(moved, post(1)))
	got := s.at(200, docOf(fresh, moved, post(1)))
	want(t, "the new one", got, "create "+hashKey("blog.example", s.cfg.URL, "id-7"))
}

// under returns a post under another GUID and address.
func under(it Item, name string) Item {
	it.GUID, it.Link = name, "https://blog.example/"+name+"/"
	return it
}

func TestEarlierNamesAreRemembered(t *testing.T) {
	s := newStory(t, "")
	s.at(0, docOf(post(3), post(2)))
	s.at(1, docOf(post(3), under(post(2), "b")))
	s.at(2, docOf(post(3), under(post(2), "c")))
	s.at(3, docOf(post(3)))
	want(t, "back under its second name", s.at(4, docOf(post(3), under(post(2), "b"))), "update blog.example/2/")
	if e := s.entry("blog.example/2/"); e.GUID != "b" || e.State != store.EntryLive {
		t.Errorf("entry %+v", e)
	}
}

func TestSameTextCountsOnlyInTheSamePoll(t *testing.T) {
	s := newStory(t, "")
	s.at(0, docOf(post(3), post(2)))
	s.at(1, docOf(post(3)))
	want(t, "the same text a poll later", s.at(2, docOf(post(3), under(post(2), "b"))), "create blog.example/b/")
}

func TestOneOfSeveralThatSharedAGUID(t *testing.T) {
	s := newStory(t, "deletions = never")
	a, b := post(2), post(3)
	a.GUID, b.GUID = "g", "g"
	a.Link, b.Link = "", ""
	s.at(0, docOf(b, a))
	s.at(1, docOf(b))
	edited := post(4)
	edited.GUID, edited.Link = "g", ""
	keyB := hashKey("blog.example", s.cfg.URL, "g", "Post 3", "2024-05-03T00:00:00Z")
	want(t, "the one still there, edited", s.at(2, docOf(edited)), "update "+keyB)
}

// A page whose content is replaced now and then belongs to the entry that stood there last.
func TestPageThatIsUsedAgain(t *testing.T) {
	s := newStory(t, "deletions = never")
	on := func(n int, title, guid string) Item {
		it := post(n)
		it.Title, it.GUID, it.Link = title, guid, "https://blog.example/menu/"
		return it
	}
	keyB := hashKey("blog.example", s.cfg.URL, "g2")
	s.at(0, docOf(on(1, "A", "g1")))
	want(t, "another entry at the page", s.at(1, docOf(on(2, "B", "g2"))), "create "+keyB)
	want(t, "the same with another GUID and date", s.at(2, docOf(on(3, "B", "g3"))), "update "+keyB)
}
