package extras

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"crier/content"
	"crier/store"
)

// TestRun is the usual day: an entry comes, is looked at, and the publisher is told.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.web.answers[pic] = rawAnswer(pngOf(t, quarters(30, 20)))
		wd.put("blog.example/first", inText(pic), nil)
		defer wd.run()()
		<-wd.told
		if x, ok := wd.learnt("blog.example/first"); !ok || x.Pictures[pic].Width != 30 {
			t.Errorf("at the start: %+v", x)
		}
		wd.put("blog.example/second", inText(), nil)
		wd.w.Wake()
		<-wd.told
		if x, ok := wd.learnt("blog.example/second"); !ok || len(x.Pictures) > 0 {
			t.Errorf("nothing was needed, which is a record, too: %+v, %v", x, ok)
		}
		time.Sleep(24 * time.Hour)
		if n := len(wd.web.asked); n != 1 {
			t.Errorf("asked %d times in a day", n)
		}
	})
}

func TestWhatIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.put("blog.example/served", inText(pic), func(e *store.Entry) { e.Deliver = false })
		wd.put("blog.example/gone", inText(pic), func(e *store.Entry) { e.Todo = store.TodoDelete })
		wd.put("blog.example/held", inText(pic), func(e *store.Entry) { e.State, e.Todo = store.EntryHeld, store.TodoNothing })
		if err := wd.w.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(wd.web.asked) > 0 {
			t.Errorf("asked for %v", wd.web.asked)
		}
	})
}

// An entry that only links to somebody else's page has neither its language nor its picture.
func TestLinkToElsewhere(t *testing.T) {
	wd := newWorld(t, content.Options{PageImage: true})
	elsewhere := "https://elsewhere.example/article"
	wd.web.answers[elsewhere] = htmlPage(`<html lang=fr><meta property=og:image content=/a.png>`)
	wd.put("blog.example/link", content.Entry{URL: elsewhere, Title: "Worth reading"}, func(e *store.Entry) { e.HasPage = false })
	if err := wd.w.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x, ok := wd.learnt("blog.example/link"); !ok || x.Language != "" || x.Image != nil || len(wd.web.asked) > 0 {
		t.Errorf("got %+v, %v, asked for %v", x, ok, wd.web.asked)
	}
}

// TestDatedAhead: an entry that waits for its date is looked at shortly before, when its page is up.
func TestDatedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		due := time.Now().Add(30 * time.Hour)
		wd.put("blog.example/later", inText(pic), func(e *store.Entry) { e.Due = due })
		defer wd.run()()
		time.Sleep(time.Until(due) - ahead - time.Second)
		synctest.Wait()
		if _, ok := wd.learnt("blog.example/later"); ok {
			t.Error("looked at it too early")
		}
		wd.web.mu.Lock()
		wd.web.answers[pic] = rawAnswer(pngOf(t, quarters(30, 20)))
		wd.web.mu.Unlock()
		<-wd.told
		if x, _ := wd.learnt("blog.example/later"); x.Pictures[pic].Width != 30 || time.Now().After(due.Add(-ahead)) {
			t.Errorf("%v before: %+v", time.Until(due), x)
		}
	})
}

// TestEdit: an entry that has changed since it was looked at is looked at again, for what is new in it.
func TestEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		a, b := "https://pics.example/a.png", "https://pics.example/b.png"
		wd.web.answers[a], wd.web.answers[b] = rawAnswer(pngOf(t, quarters(30, 20))), rawAnswer(pngOf(t, quarters(40, 20)))
		wd.put("blog.example/post", inText(a), nil)
		defer wd.run()()
		<-wd.told
		wd.put("blog.example/post", inText(a, b), func(e *store.Entry) { e.State, e.Todo = store.EntryLive, store.TodoUpdate })
		wd.w.Wake()
		<-wd.told
		x, _ := wd.learnt("blog.example/post")
		if x.Pictures[a].Width != 30 || x.Pictures[b].Width != 40 {
			t.Errorf("got %+v", x)
		}
		wd.put("blog.example/post", inText(b), func(e *store.Entry) { e.State, e.Todo = store.EntryLive, store.TodoUpdate })
		wd.w.Wake()
		<-wd.told
		if x, _ = wd.learnt("blog.example/post"); len(x.Pictures) != 1 {
			t.Errorf("what is no longer shown is kept: %+v", x)
		}
		if wd.web.times(a) != 1 || wd.web.times(b) != 1 {
			t.Errorf("asked for %v", wd.web.asked)
		}
	})
}

// TestSlowHost: entries with pictures on a host that hangs do not hold up the others for long.
func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.web.answers[pic] = answer{wait: time.Hour}
		good := "https://good.example/a.png"
		wd.web.answers[good] = rawAnswer(pngOf(t, quarters(30, 20)))
		start := time.Now()
		for i := range 30 {
			wd.put("blog.example/slow"+string(rune('a'+i)), inText(pic), func(e *store.Entry) { e.Due = start.Add(time.Duration(i) * time.Second) })
		}
		wd.put("blog.example/zgood", inText(good), func(e *store.Entry) { e.Due = start.Add(31 * time.Second) })
		stop := wd.run()
		for range 31 {
			<-wd.told
		}
		if took := time.Since(start); took > 2*pictureTimeout {
			t.Errorf("all together took %v", took)
		}
		if x, _ := wd.learnt("blog.example/zgood"); x.Pictures[good].Width != 30 {
			t.Errorf("got %+v", x)
		}
		if wd.web.most > atOnce {
			t.Errorf("%d at the same time", wd.web.most)
		}
		stop()
	})
}

// TestStop: a stop in the middle leaves no record, so that the next start does it again.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.web.answers[pic] = answer{wait: 3 * time.Second, body: pngOf(t, quarters(30, 20))}
		wd.put("blog.example/post", inText(pic), nil)
		stop := wd.run()
		time.Sleep(time.Second)
		before := time.Now()
		stop()
		if took := time.Since(before); took > 0 {
			t.Errorf("stopping took %v", took)
		}
		if _, ok := wd.learnt("blog.example/post"); ok {
			t.Error("a stop is no knowledge")
		}
		stop = wd.run()
		<-wd.told
		stop()
		if x, _ := wd.learnt("blog.example/post"); x.Pictures[pic].Width != 30 {
			t.Errorf("after the next start: %+v", x)
		}
	})
}

// TestStoreFails: a store that fails is said once and tried again, without a hurry.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.put("blog.example/post", inText(), nil)
		if err := wd.db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := wd.w.RunDue(t.Context()); err == nil {
			t.Error("RunDue hides that the store failed")
		}
		stop := wd.run()
		for range 100 {
			wd.w.Wake()
			time.Sleep(5 * time.Second)
		}
		stop()
		if n := logged(wd.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("said %d times: %s", n, wd.log)
		}
	})
}

func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.put("blog.example/post", inText(), nil)
		d := dispatcher{w: wd.w, busy: map[string]bool{}, done: make(chan finished)}
		for _, err := range []error{nil, errors.New("disk full"), errors.New("disk full")} {
			d.report(err)
		}
		if next := d.start(t.Context()); !next.Equal(time.Now().Add(pause)) || len(d.busy) > 0 {
			t.Errorf("tried again at %v, %d at work", next, len(d.busy))
		}
		time.Sleep(pause)
		if d.start(t.Context()); len(d.busy) != 1 {
			t.Errorf("%d at work after the pause", len(d.busy))
		}
		d.drain()
		d.report(nil)
		d.report(nil)
		if e, i := logged(wd.log.String(), "level=ERROR"), logged(wd.log.String(), "level=INFO"); e != 1 || i != 1 {
			t.Errorf("said: %s", wd.log)
		}
	})
}

// What cannot be read must not be tried for ever.
func TestUnreadable(t *testing.T) {
	wd := newWorld(t, full())
	now := time.Now()
	e := store.Entry{Key: "blog.example/post", Feed: blog, Date: now, Seen: now, State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: now, Deliver: true, FieldsHash: "x"}
	if err := wd.db.RecordPoll(store.Poll{Feed: store.Feed{URL: blog}, Put: []store.EntryPut{{Entry: e, Fields: []byte("no JSON")}}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := wd.w.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := wd.learnt("blog.example/post"); !ok || len(wd.told) != 1 {
		t.Errorf("record: %v, told %d times", ok, len(wd.told))
	}
	if err := wd.db.PutExtras("blog.example/post", []byte("of another version")); err != nil {
		t.Fatal(err)
	}
	if err := wd.w.RunDue(t.Context()); err != nil {
		t.Errorf("a record of another version: %v", err)
	}
}

// TestOwnTransport: a feed may have a transport of its own, which reaches what others may not.
func TestOwnTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		own := &web{answers: map[string]answer{pic: rawAnswer(pngOf(t, quarters(30, 20)))}}
		cfg := wd.w.cfg
		cfg.Transports = map[string]http.RoundTripper{blog: own}
		w := New(cfg)
		if x := w.Look(t.Context(), blog, inText(pic)); x.Pictures[pic].Width != 30 {
			t.Errorf("by its own: %+v", x)
		}
		if x := w.Look(t.Context(), "https://other.example/feed", inText(pic)); x.Pictures[pic].Width == 30 || len(wd.web.asked) == 0 {
			t.Errorf("another feed: %+v", x)
		}
	})
}

func TestSkipped(t *testing.T) {
	wd := newWorld(t, full())
	cfg := wd.w.cfg
	cfg.Styles = map[string]content.Style{blog: {Rules: []content.Rule{{Skip: true, Category: "private"}}}}
	e := inText(pic)
	e.Categories = []string{"Private"}
	if x := New(cfg).Look(t.Context(), blog, e); len(x.Pictures) > 0 || len(wd.web.asked) > 0 {
		t.Errorf("asked for %v", wd.web.asked)
	}
}

// TestLatePicture: a picture that was not there is said so in the log, and asked for again when the entry is edited.
func TestLatePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.put("blog.example/post", inText(pic), nil)
		defer wd.run()()
		<-wd.told
		if x, _ := wd.learnt("blog.example/post"); !x.Pictures[pic].Unfit {
			t.Fatalf("learnt %+v", x)
		}
		log, err := wd.db.Log(0, 0, false)
		if err != nil || len(log) != 1 || log[0].Type != "Picture left out" || log[0].Object != pic {
			t.Errorf("the log says %+v, %v", log, err)
		}
		wd.web.mu.Lock()
		wd.web.answers[pic] = rawAnswer(pngOf(t, quarters(30, 20)))
		wd.web.mu.Unlock()
		wd.put("blog.example/post", inText(pic, "https://pics.example/other.png"), func(e *store.Entry) { e.State, e.Todo = store.EntryLive, store.TodoUpdate })
		wd.w.Wake()
		<-wd.told
		if x, _ := wd.learnt("blog.example/post"); x.Pictures[pic].Unfit || x.Pictures[pic].Width != 30 {
			t.Errorf("after the edit: %+v", x)
		}
	})
}
