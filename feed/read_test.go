package feed

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// Reading a feed gives the keys that a first poll of it gives, and stores nothing.
func TestReadAgreesWithTheFirstPoll(t *testing.T) {
	s := &site{}
	s.set(`<rss version="2.0"><channel><title>The &amp; blog</title><link>http://blog.example/</link><language>de</language>
<item><title>Same page, newer</title><link>http://blog.example/a/</link><guid isPermaLink="false">a2</guid><pubDate>02 May 1999 00:00:00 +0000</pubDate></item>
<item><title>Same page</title><link>http://blog.example/a/</link><guid isPermaLink="false">a1</guid><pubDate>01 May 1999 00:00:00 +0000</pubDate></item>
<item><title>Elsewhere</title><link>http://other.example/x/</link><guid isPermaLink="false">b</guid></item>
<item><title>One GUID</title><guid isPermaLink="false">g</guid></item>
<item><title>One GUID, twice</title><guid isPermaLink="false">g</guid></item>
<item><title>One GUID, twice</title><guid isPermaLink="false">g</guid></item>
</channel></rss>`, "")
	var p *Poller
	var db *store.DB
	p, db = newPoller(t, s, nil)
	r, err := Read(t.Context(), p.feeds[0].cfg, "blog.example", "crier-test")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := db.Entries(); len(all) != 0 || err != nil {
		t.Fatalf("stored: %v %v", all, err)
	}
	if r.Title != "The & blog" || r.Kind != "rss" || r.Language != "de" || r.URL != feedURL || len(r.Entries) != 5 || len(r.Advice) == 0 {
		t.Errorf("%+v", r)
	}
	if e := r.Entries[0]; e.Title != "Same page, newer" || e.URL != "http://blog.example/a/" || e.GUID != "a2" || !e.Dated || e.Date.Day() != 2 {
		t.Errorf("first entry %+v", e)
	}
	one(t, p, PollOptions{})
	for _, e := range r.Entries {
		if got, err := db.Entry(e.Key); err != nil || got.Title != e.Title || got.GUID != e.GUID || got.URL != e.URL {
			t.Errorf("%s: %+v, %v; read %+v", e.Key, got, err, e)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	s := &site{}
	s.set("<p>a page</p>", "")
	p, _ := newPoller(t, s, nil)
	if r, err := Read(t.Context(), p.feeds[0].cfg, "blog.example", "crier-test"); err == nil || r != nil {
		t.Errorf("%+v, %v", r, err)
	}
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusGone); return true }
	if _, err := Read(t.Context(), p.feeds[0].cfg, "blog.example", "crier-test"); err == nil || !strings.Contains(err.Error(), "410") {
		t.Error(err)
	}
}

// What a feed says of itself is kept over an unchanged document, a failure and a restart.
func TestHintsAreRemembered(t *testing.T) {
	s := &site{}
	s.set(strings.Replace(rssOf(2, 1), "<item>", "<ttl>180</ttl><skipHours><hour>3</hour></skipHours><skipDays><day>Sunday</day></skipDays>"+
		`<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="https://hub.example/"/>`+
		`<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="http://blog.example/self.xml"/><item>`, 1), `"x"`)
	p, db := newPoller(t, s, func(c *Config) { c.IntervalSet = false })
	check := func(when string) {
		t.Helper()
		rec, err := db.Feed(feedURL)
		if err != nil || rec.Hint != 3*time.Hour || len(rec.SkipHours) != 1 || rec.SkipHours[0] != 3 || len(rec.SkipDays) != 1 ||
			rec.SkipDays[0] != time.Sunday || rec.Hub != "https://hub.example/" || rec.Host != "blog.example" || rec.Topic != "http://blog.example/self.xml" {
			t.Errorf("%s: %+v, %v", when, rec, err)
		}
		if rec.Failures == 0 && rec.NextPoll.Sub(rec.LastPoll) < 3*time.Hour {
			t.Errorf("%s: next poll after %v", when, rec.NextPoll.Sub(rec.LastPoll))
		}
	}
	one(t, p, PollOptions{})
	check("first poll")
	one(t, p, PollOptions{})
	check("304")
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	one(t, p, PollOptions{})
	check("failure")
	s.answer = nil
	p = NewPoller(p.o)
	one(t, p, PollOptions{})
	check("restart")
	s.set(rssOf(2, 1), `"y"`)
	one(t, p, PollOptions{})
	if rec, _ := db.Feed(feedURL); rec.Hint != 0 || rec.SkipHours != nil || rec.Hub != "" {
		t.Errorf("a feed that says nothing any more: %+v", rec)
	}
}
