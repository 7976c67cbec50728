package federation

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/content"
	"crier/store"
)

// patient starts a daemon that waits for somebody to look at pictures.
func patient(t *testing.T) *daemon {
	t.Helper()
	d := newDaemon(t)
	d.s.cfg.Patience = 20 * time.Second
	return d
}

func (d *daemon) learn(key string, x content.Extras) {
	d.t.Helper()
	raw, err := json.Marshal(x)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.db.PutExtras(key, raw); err != nil {
		d.t.Fatal(err)
	}
	d.s.WakePublisher()
}

func (d *daemon) there(key string) bool {
	_, err := d.db.Post(key)
	return err == nil
}

func TestNewEntryWaitsForItsPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := patient(t)
		e := store.Entry{
			Key: helloKey, Feed: testFeed, URL: entryURL(helloKey), Title: "Hello", Date: time.Now(), Dated: true, Seen: time.Now(),
			State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: time.Now(), Deliver: true, Listed: true,
		}
		d.putFields(e, []byte(`{"title":"Hello","content":"<p>Look</p><img src=\"https://example.com/cat\">"}`))
		d.add("example.com/silent/", false, time.Now())
		d.run()
		synctest.Wait()
		if d.there(helloKey) {
			t.Fatal("published before anybody looked at the picture")
		}
		if !d.there("example.com/silent/") {
			t.Error("what is sent to nobody waits")
		}
		d.learn(helloKey, content.Extras{Pictures: map[string]content.Picture{
			"https://example.com/cat": {Type: "image/webp", Width: 640, Height: 480, Blurhash: "LKO2?U%2Tw=w]~RBVZRi};RPxuwH"},
		}})
		synctest.Wait()
		if !d.there(helloKey) {
			t.Fatal("not published although the picture is known")
		}
		for _, want := range []string{`"mediaType":"image/webp"`, `"width":640`, `"height":480`, `"blurhash":"LKO2?U%2Tw=w]~RBVZRi};RPxuwH"`} {
			if got := string(d.post(helloKey).Object); !strings.Contains(got, want) {
				t.Errorf("no %s in %s", want, got)
			}
		}
	})
}

func TestSlowPictureDelaysAPostForALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := patient(t)
		d.announce(helloKey)
		d.run()
		time.Sleep(19 * time.Second)
		synctest.Wait()
		if d.there(helloKey) {
			t.Error("published early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !d.there(helloKey) {
			t.Error("still not published")
		}
	})
}

// An edit with another picture waits for a look at it, too.
func TestEditWaitsForItsPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := patient(t)
		d.announce(helloKey)
		d.learn(helloKey, content.Extras{})
		d.run()
		synctest.Wait()
		if !d.there(helloKey) {
			t.Fatal("not published")
		}
		raw := []byte(`{"of":"` + d.entry(helloKey).FieldsHash + `"}`)
		if err := d.db.PutExtras(helloKey, raw); err != nil {
			t.Fatal(err)
		}
		d.edit(helloKey, "Other words")
		synctest.Wait()
		if !d.post(helloKey).Updated.IsZero() {
			t.Fatal("the edit went out before anybody looked")
		}
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if d.post(helloKey).Updated.IsZero() {
			t.Error("the edit still waits")
		}
	})
}

// What waits for its pictures is not overtaken by a later entry of its feed.
func TestOldestFirstThoughItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := patient(t)
		d.announce(helloKey)
		time.Sleep(5 * time.Second)
		d.announce("example.com/second/")
		d.learn("example.com/second/", content.Extras{})
		d.run()
		synctest.Wait()
		if d.there("example.com/second/") {
			t.Error("the later one went first")
		}
		d.learn(helloKey, content.Extras{})
		synctest.Wait()
		if !d.there(helloKey) || !d.there("example.com/second/") {
			t.Error("still waiting")
		}
	})
}

// What was due while nothing ran is looked at like everything else.
func TestOverdueEntryIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := patient(t)
		d.announce(helloKey)
		time.Sleep(time.Hour)
		d.run()
		synctest.Wait()
		if d.there(helloKey) {
			t.Error("published before anybody could look")
		}
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if !d.there(helloKey) {
			t.Error("still waiting")
		}
	})
}

// Extras of another version of crier must not stop a post.
func TestExtrasThatCannotBeRead(t *testing.T) {
	d := patient(t)
	d.announce(helloKey)
	if err := d.db.PutExtras(helloKey, []byte("not JSON")); err != nil {
		t.Fatal(err)
	}
	if n, err := d.s.PublishDue(t.Context()); n != 1 || err != nil {
		t.Errorf("%d published: %v", n, err)
	}
}

// A post keeps its type: servers that know an id as a Note refuse an Article under it.
func TestTypeOfAPostStays(t *testing.T) {
	d := newDaemon(t)
	d.announce(helloKey)
	d.announce("example.com/second/")
	d.s.cfg.Feeds[testFeed] = content.Style{Options: content.Options{Format: content.FormatNote}}
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.s.cfg.Feeds[testFeed] = content.Style{Options: content.Options{Format: content.FormatArticle}}
	d.edit(helloKey, "Edited.")
	d.announce("example.com/third/")
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{helloKey: "Note", "example.com/second/": "Note", "example.com/third/": "Article"} {
		if got := servedNote(t, d.post(key)).Type; got != want {
			t.Errorf("%s is of type %s, want %s", key, got, want)
		}
	}
	d.remove("example.com/third/")
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := string(d.post("example.com/third/").Object); !strings.Contains(got, `"formerType":"Article"`) {
		t.Error(got)
	}
}

func TestPreviewIsWhatIsSent(t *testing.T) {
	d := newDaemon(t)
	d.announce(helloKey)
	if _, err := d.s.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	fields, _, err := d.db.EntryFields(helloKey)
	if err != nil {
		t.Fatal(err)
	}
	var e content.Entry
	if err := json.Unmarshal(fields, &e); err != nil {
		t.Fatal(err)
	}
	p, err := d.s.Preview(testFeed, e, helloKey, d.post(helloKey).Published, content.Extras{})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := d.db.Activity(d.post(helloKey).Create)
	if err != nil {
		t.Fatal(err)
	}
	if string(p.Create) != string(sent.Body) || p.ID != d.post(helloKey).ID || p.Visibility != visibilityPublic {
		t.Errorf("preview\n%s\nsent\n%s", p.Create, sent.Body)
	}
}
