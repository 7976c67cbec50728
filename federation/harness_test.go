package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crier/content"
	"crier/store"
)

const (
	testBase = "https://fedi.example.com"
	testFeed = "https://example.com/index.xml"
)

// daemon is a whole Server with its store on a network of its own.
type daemon struct {
	t   testing.TB
	net *network
	db  *store.DB
	s   *Server
	log *bytes.Buffer // what the program's log says at Info and above; read it after stop

	path   string
	stop   func() error
	edited int
}

// newDaemon makes a Server on a new store. The store is checked and closed at the end of the test.
func newDaemon(t testing.TB) *daemon {
	t.Helper()
	d := &daemon{t: t, net: newNetwork(), log: &bytes.Buffer{}, path: filepath.Join(t.TempDir(), "crier.db")}
	d.open()
	t.Cleanup(d.close)
	return d
}

func (d *daemon) open() {
	d.t.Helper()
	db, err := store.Open(d.path, store.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	d.db = db
	c := testConfig(db, d.net, slog.New(slog.NewTextHandler(d.log, nil)))
	if c.Presence, err = db.Presence(); err != nil {
		d.t.Fatal(err)
	}
	d.s = New(c)
}

func testConfig(db *store.DB, transport http.RoundTripper, log *slog.Logger) Config {
	return Config{
		Store: db, Key: testKey(), Log: log, Transport: transport,
		BaseURL: testBase, Handle: "user@example.com", Version: "test",
		Profile: Profile{Name: "User", Published: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)},
		Feeds: map[string]content.Style{testFeed: {
			Options:    content.Options{Mode: content.ModeFull, Pictures: content.PicturesAttach},
			Visibility: visibilityPublic,
		}},
	}
}

func (d *daemon) close() {
	d.t.Helper()
	if d.stop != nil {
		d.halt()
	}
	d.sound()
	if err := d.db.Close(); err != nil {
		d.t.Error(err)
	}
}

// sound fails the test if the store breaks an invariant.
func (d *daemon) sound() {
	d.t.Helper()
	wrong, err := d.db.Check()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, w := range wrong {
		d.t.Errorf("store: %s", w)
	}
}

// run starts publisher, mover and deliverer.
func (d *daemon) run() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	loops := []func(context.Context) error{d.s.RunPublisher, d.s.RunMover, d.s.RunDeliverer}
	errs := make(chan error, len(loops))
	for _, loop := range loops {
		go func() { errs <- loop(ctx) }()
	}
	d.stop = func() error {
		cancel()
		var all []error
		for range loops {
			all = append(all, <-errs)
		}
		return errors.Join(all...)
	}
}

// halt stops them and waits.
func (d *daemon) halt() {
	d.t.Helper()
	if err := d.stop(); err != nil {
		d.t.Error(err)
	}
	d.stop = nil
}

// restart stops everything and starts a new Server on the same store file.
func (d *daemon) restart() {
	d.t.Helper()
	d.halt()
	d.sound()
	if err := d.db.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.open()
	d.run()
}

// follow stores an accepted follower of that name on a peer, reached through the peer's shared inbox or
// through its own.
func (d *daemon) follow(p *peer, name string, shared bool) {
	d.t.Helper()
	f := store.Follower{
		Actor: p.actor(name), Inbox: p.inbox(name), Handle: name + "@" + p.host,
		KeyID: p.actor(name) + "#main-key", Key: publicPEM(testKey()),
		FollowID: p.actor(name) + "/follows/1", Since: time.Now(), State: store.FollowerAccepted,
	}
	if shared {
		f.SharedInbox = p.shared()
	}
	if _, err := d.db.AddFollower(time.Now(), store.Follow{Follower: f}); err != nil {
		d.t.Fatal(err)
	}
}

// entryURL is the page of an entry with that key.
func entryURL(key string) string { return "https://" + key }

// announce stores a new entry that goes to the followers now, as a poll would, and wakes the publisher.
func (d *daemon) announce(key string) { d.t.Helper(); d.add(key, true, time.Now()) }

// add stores a new entry; deliver says whether the followers get it.
func (d *daemon) add(key string, deliver bool, date time.Time) {
	d.t.Helper()
	d.put(store.Entry{
		Key: key, Feed: testFeed, GUID: key, Link: entryURL(key), URL: entryURL(key), HasPage: true,
		Title: "About " + key, Date: date, Dated: true, Seen: time.Now(),
		State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: time.Now(), Deliver: deliver, Listed: true,
	}, "Text of "+key)
}

// edit changes an entry's text.
func (d *daemon) edit(key, text string) {
	d.t.Helper()
	e := d.entry(key)
	e.Todo, e.Due = store.TodoUpdate, time.Now()
	d.put(e, text)
}

// remove takes an entry down.
func (d *daemon) remove(key string) {
	d.t.Helper()
	e := d.entry(key)
	e.Todo, e.Due = store.TodoDelete, time.Now()
	d.put(e, "")
}

func (d *daemon) entry(key string) store.Entry {
	d.t.Helper()
	e, err := d.db.Entry(key)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// put records a poll that brought one entry; an empty text leaves the stored fields as they are.
func (d *daemon) put(e store.Entry, text string) {
	d.t.Helper()
	var fields []byte
	if text != "" {
		var err error
		fields, err = json.Marshal(content.Entry{URL: e.URL, Title: e.Title, Content: "<p>" + text + "</p>", Language: "en"})
		if err != nil {
			d.t.Fatal(err)
		}
		d.edited++
		e.FieldsHash = fmt.Sprint(d.edited)
	}
	d.putFields(e, fields)
}

func (d *daemon) putFields(e store.Entry, fields []byte) {
	d.t.Helper()
	err := d.db.RecordPoll(store.Poll{
		Feed: store.Feed{URL: testFeed, LastPoll: time.Now(), FirstRead: time.Now()},
		Put:  []store.EntryPut{{Entry: e, Fields: fields}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.s.WakePublisher()
}

// post returns the post of an entry's first generation.
func (d *daemon) post(key string) store.Post {
	d.t.Helper()
	p, err := d.db.Post(key)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// queue returns what waits for delivery.
func (d *daemon) queue() []store.Delivery {
	d.t.Helper()
	q, err := d.db.Deliveries()
	if err != nil {
		d.t.Fatal(err)
	}
	return q
}

// lines returns the activity log as text, without times and JSON.
func (d *daemon) lines() []string {
	d.t.Helper()
	entries, err := d.db.Log(0, 0, false)
	if err != nil {
		d.t.Fatal(err)
	}
	var lines []string
	for _, l := range entries {
		lines = append(lines, strings.Join([]string{l.Direction, l.Type, l.Object, l.To, l.Result}, " | "))
	}
	return lines
}
