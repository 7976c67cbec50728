package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"crier/store"
)

const testFeed = "https://blog.example/index.xml"

// filled returns Ops on a store with something of everything.
func filled(t *testing.T) *Ops {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crier.db")
	db, err := store.Open(path, store.Options{})
	must(t, err)
	t.Cleanup(func() {
		if faults, err := db.Check(); err != nil || len(faults) > 0 {
			t.Errorf("the store is not sound: %v %v", faults, err)
		}
		must(t, db.Close())
	})
	now := time.Now().UTC().Truncate(time.Second)
	must(t, db.CreateAccount(store.Account{BaseURL: "https://fedi.example", Handle: "user@blog.example", Created: now}))
	_, err = db.AddFollower(now, store.Follow{
		Follower: store.Follower{
			Actor: "https://a.example/users/alice", Inbox: "https://a.example/users/alice/inbox",
			SharedInbox: "https://a.example/inbox", Since: now, State: store.FollowerAccepted, Key: "KEY",
		},
		Answer: &store.Activity{ID: "https://fedi.example/activities/1", Type: "Accept", Object: "f", Body: []byte(`{"type":"Accept"}`)},
		Log:    []store.LogEntry{logLine("Follow", now), logLine("Accept", now)},
	})
	must(t, err)
	must(t, db.RecordPoll(store.Poll{
		Feed: store.Feed{URL: testFeed, LastPoll: now, NextPoll: now.Add(time.Hour), LastError: "no such host"},
		Put: []store.EntryPut{
			{Entry: entry("blog.example/held", store.EntryHeld, store.TodoNothing, now), Fields: []byte("{}")},
			{Entry: entry("blog.example/later", store.EntryNew, store.TodoCreate, now.Add(time.Hour)), Fields: []byte("{}")},
			{Entry: entry("blog.example/now", store.EntryNew, store.TodoCreate, now.Add(-time.Minute)), Fields: []byte("{}")},
		},
	}))
	return &Ops{
		Store: db, StorePath: path, Actor: "https://fedi.example/users/user", Feeds: []string{testFeed, "/never/polled.xml"},
		Version: "1.2.3",
		Poll: func(_ context.Context, dryRun bool) ([]PolledFeed, error) {
			return []PolledFeed{{URL: testFeed, New: 2, Error: map[bool]string{true: "dry"}[dryRun]}}, nil
		},
		Settle: func(_ context.Context, release bool) (int, error) {
			if !release {
				return 0, errors.New("disk full")
			}
			return 3, nil
		},
		Find: func(_ context.Context, what string) (json.RawMessage, string, error) {
			if what != "@a@a.example" {
				return nil, "", errors.New("not there")
			}
			return json.RawMessage(`{"id":"x"}`), "https://a.example/users/a", nil
		},
	}
}

func entry(key string, state store.EntryState, todo store.Todo, due time.Time) store.Entry {
	e := store.Entry{
		Key: key, Feed: testFeed, GUID: key, Title: "about " + key, URL: "https://" + key, Date: due, Seen: due,
		State: state, Generation: 1, Todo: todo,
	}
	if todo != store.TodoNothing {
		e.Due = due
	}
	return e
}

func logLine(kind string, at time.Time) store.LogEntry {
	return store.LogEntry{
		Time: at, Direction: "in", Type: kind, Object: "o", From: "f", To: "t", Result: "r", Source: json.RawMessage(`{"a":1}`),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dialled serves ops on the socket of a data directory and returns a client of it.
func dialled(t *testing.T, ops *Ops) (c *Client, stop func()) {
	t.Helper()
	dir := t.TempDir()
	s, err := Listen(dir)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, s, ops) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		must(t, <-done)
		must(t, s.Close())
	}
	t.Cleanup(stop)
	c, err = Dial(dir)
	must(t, err)
	return c, stop
}

// TestSameAnswers holds the promise of the package: what a command shows does not depend on who answers.
func TestSameAnswers(t *testing.T) {
	ops := filled(t)
	c, _ := dialled(t, ops)
	ctx := t.Context()
	same(t, "status", ops.Status, c.Status, ctx)
	same(t, "followers", ops.Followers, c.Followers, ctx)
	same(t, "posts", ops.Posts, c.Posts, ctx)
	same(t, "deliveries", ops.Deliveries, c.Deliveries, ctx)
	for _, q := range []LogQuery{{Last: -1, Source: true}, {Last: 1}, {}, {After: 1}} {
		same(t, "log", with(ops.Log, q), with(c.Log, q), ctx)
	}
	for _, r := range []PollRequest{
		{}, {DryRun: true}, {Release: true}, {Discard: true}, {Release: true, Discard: true}, {DryRun: true, Release: true},
	} {
		same(t, "poll", with(ops.PollNow, r), with(c.PollNow, r), ctx)
	}
	same(t, "lookup", with(ops.Lookup, "@a@a.example"), with(c.Lookup, "@a@a.example"), ctx)
	same(t, "lookup", with(ops.Lookup, "nobody"), with(c.Lookup, "nobody"), ctx)
}

func with[A, T any](f func(context.Context, A) (T, error), a A) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return f(ctx, a) }
}

func same[T any](t *testing.T, what string, local, remote func(context.Context) (T, error), ctx context.Context) {
	t.Helper()
	want, wantErr := local(ctx)
	got, gotErr := remote(ctx)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs over the socket (-local +socket):\n%s", what, diff)
	}
	if (wantErr == nil) != (gotErr == nil) || wantErr != nil && wantErr.Error() != gotErr.Error() {
		t.Errorf("%s: error %v over the socket, %v locally", what, gotErr, wantErr)
	}
}

// TestNames pins the JSON names that the contract gives.
func TestNames(t *testing.T) {
	ops := filled(t)
	ctx := t.Context()
	status, err := ops.Status(ctx)
	must(t, err)
	followers, err := ops.Followers(ctx)
	must(t, err)
	deliveries, err := ops.Deliveries(ctx)
	must(t, err)
	log, err := ops.Log(ctx, LogQuery{Last: -1})
	must(t, err)
	tests := []struct {
		what  string
		value any
		names string
	}{
		{"status", status, "account followers feeds queue dead"},
		{"status.account", status.Account, "handle actor base_url since posts"},
		{"status.feeds", status.Feeds[0], "url last_poll next_poll last_error entries held"},
		{"status.queue", status.Queue, "pending retrying parked"},
		{"follower", followers[0], "actor inbox shared_inbox since state"},
		{"post", Post{}, "id url title state published updated"},
		{"delivery", deliveries[0], "activity type inbox attempts next last_error"},
		{"log", log[0], "time direction type object from to result"},
		{"poll", PollResult{}, "feeds"},
		{"poll.feeds", PolledFeed{}, "url new changed removed held error"},
	}
	for _, tt := range tests {
		b, err := json.Marshal(tt.value)
		must(t, err)
		var m map[string]json.RawMessage
		must(t, json.Unmarshal(b, &m))
		for name := range strings.FieldsSeq(tt.names) {
			if _, ok := m[name]; !ok {
				t.Errorf("%s has no %q: %s", tt.what, name, b)
			}
		}
	}
	if b, _ := json.Marshal(followers); strings.Contains(string(b), "KEY") {
		t.Error("a follower shows its key")
	}
}

func TestStatus(t *testing.T) {
	s, err := filled(t).Status(t.Context())
	must(t, err)
	f := s.Feeds[0]
	if f.Entries != 3 || f.Held != 1 || f.LastError != "no such host" {
		t.Errorf("feed: %+v", f)
	}
	if len(f.Waiting) != 1 || f.Waiting[0].URL != "https://blog.example/later" {
		t.Errorf("only the entry with its time to come waits, got %+v", f.Waiting)
	}
	if never := s.Feeds[1]; never.URL != "/never/polled.xml" || !never.LastPoll.IsZero() {
		t.Errorf("a feed that was never polled: %+v", never)
	}
	if s.Followers != 1 || s.Queue.Pending != 1 || s.StoreBytes == 0 || s.Dead == nil {
		t.Errorf("status: %+v", s)
	}
}

// TestEmptyListings: a listing of nothing is an empty list, never null.
func TestEmptyListings(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "crier.db"), store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	ops := &Ops{Store: db, Poll: func(context.Context, bool) ([]PolledFeed, error) { return nil, nil }}
	ctx := t.Context()
	lists := map[string]func() (any, error){
		"followers":  func() (any, error) { return ops.Followers(ctx) },
		"posts":      func() (any, error) { return ops.Posts(ctx) },
		"deliveries": func() (any, error) { return ops.Deliveries(ctx) },
		"log":        func() (any, error) { return ops.Log(ctx, LogQuery{Last: 5}) },
		"poll":       func() (any, error) { r, err := ops.PollNow(ctx, PollRequest{}); return r.Feeds, err },
	}
	for name, list := range lists {
		v, err := list()
		must(t, err)
		if b, _ := json.Marshal(v); string(b) != "[]" {
			t.Errorf("%s of nothing: %s", name, b)
		}
	}
}

// TestFollowLog: what is there, then what comes, then the daemon stops.
func TestFollowLog(t *testing.T) {
	ops := filled(t)
	c, stop := dialled(t, ops)
	lines := make(chan string, 10)
	ended := make(chan error, 1)
	go func() {
		ended <- c.FollowLog(t.Context(), LogQuery{Last: 1}, func(l LogLine) error {
			lines <- l.Type
			return nil
		})
	}()
	if got := <-lines; got != "Accept" {
		t.Errorf("the newest line is %s, not Accept", got)
	}
	must(t, ops.Store.AppendLog(logLine("Undo", time.Now())))
	if got := <-lines; got != "Undo" {
		t.Errorf("the line that came is %s, not Undo", got)
	}
	stop()
	if err := <-ended; !errors.Is(err, ErrStreamEnded) {
		t.Errorf("after the daemon stopped: %v", err)
	}
}

// TestFollowLogFromNow: with no line wanted, only what comes is shown.
func TestFollowLogFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := filled(t)
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		ended := make(chan error, 1)
		go func() {
			ended <- ops.FollowLog(ctx, LogQuery{}, func(l LogLine) error {
				got = append(got, l.Type)
				return nil
			})
		}()
		synctest.Wait() // until it waits for the first tick
		must(t, ops.Store.AppendLog(logLine("A", time.Now()), logLine("B", time.Now())))
		time.Sleep(2 * followPause)
		must(t, ops.Store.AppendLog(logLine("C", time.Now())))
		time.Sleep(2 * followPause)
		cancel()
		must(t, <-ended)
		if !slices.Equal(got, []string{"A", "B", "C"}) {
			t.Errorf("followed %v", got)
		}
	})
}

func TestListen(t *testing.T) {
	short, err := os.MkdirTemp("", "s")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(short) })
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	must(t, os.MkdirAll(long, 0o700))
	for _, dir := range []string{short, long} {
		s, err := Listen(dir)
		must(t, err)
		if s.Instead != (dir == long) {
			t.Errorf("%s: Instead is %v", s.Path, s.Instead)
		}
		if got := SocketPath(dir); got != s.Path {
			t.Errorf("clients look at %s, the socket is %s", got, s.Path)
		}
		fi, err := os.Stat(s.Path)
		must(t, err)
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", s.Path, fi.Mode().Perm())
		}
		_, err = Dial(dir)
		must(t, err)

		// A daemon that is killed leaves all of it behind; the next one replaces it.
		must(t, s.Listener.Close())
		if _, err := Dial(dir); !errors.Is(err, ErrNoDaemon) {
			t.Errorf("a stale socket: %v", err)
		}
		next, err := Listen(dir)
		must(t, err)
		if next.Path != s.Path {
			if _, err := os.Stat(filepath.Dir(s.Path)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder of the stale socket is still there: %v", err)
			}
		}
		must(t, next.Close())
		left, err := os.ReadDir(dir)
		must(t, err)
		if len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if _, err := Dial(dir); !errors.Is(err, ErrNoDaemon) {
			t.Errorf("no socket: %v", err)
		}
	}
}

// TestStrangeAnswer: something else than our daemon on the socket is no reason for a riddle.
func TestStrangeAnswer(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, socketFile))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			conn.Close()
		}
	}()
	c, err := Dial(dir)
	must(t, err)
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "ask") && !strings.Contains(err.Error(), "restart") {
		t.Errorf("err = %v", err)
	}
}
