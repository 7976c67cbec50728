package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"crier/internal/admin"
	"crier/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what is shown with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is shown otherwise (-want +got; -update takes it):\n%s", name, diff)
	}
}

// terminal is a display of 80 columns without colours; its rows must not be longer.
func terminal(t *testing.T, show func(display)) string {
	t.Helper()
	var b bytes.Buffer
	show(display{Writer: &b, width: 80})
	for row := range strings.Lines(b.String()) {
		if n := text.StringWidth(strings.TrimSuffix(row, "\n")); n > 80 {
			t.Errorf("a row takes %d columns: %s", n, row)
		}
	}
	return b.String()
}

func piped(show func(display)) string {
	var b bytes.Buffer
	show(display{Writer: &b})
	return b.String()
}

func TestLogLines(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 57, 49, 0, time.Local)
	lines := []admin.LogLine{
		{Time: at, Direction: "in", Type: "Follow", Object: "user@example.com", From: "https://a.example/users/alice",
			To: "https://fedi.example.com/users/user/inbox", Result: "202 Accepted, follower added"},
		{Time: at, Direction: "out", Type: "Accept", Object: "Follow(alice@a.example → user@example.com)",
			From: "https://fedi.example.com/users/user", To: "https://a.example/users/alice/inbox", Result: "202 Accepted",
			Source: json.RawMessage(`{"type":"Accept","z":"\u003cp\u003ea \\u003c b\u003c/p\u003e","a":{"id":"x"}}`)},
		{Time: at, Direction: "feed", Type: "Poll", Object: "https://example.com/index.xml", From: "https://example.com/index.xml",
			Result: "1 new, 0 changed, 0 removed"},
		{Time: at, Direction: "out", Type: "Create", Object: `Note "新しい記事がとても長い題名を持っていて一行には収まりきらないのでどこかで切られる"`,
			From: "https://fedi.example.com/users/user", To: "https://a-server-with-a-long-name.example/inbox",
			Result: "503 Service Unavailable, again in 5 min"},
		{Time: at, Direction: "in", Type: "Note\x1b]0;owned\x07", Object: "evil\u202etxt.exe\nsecond line", From: "https://e.example/", Result: "ignored"},
	}
	show := func(d display) {
		for _, l := range lines {
			printLine(d, l)
		}
	}
	golden(t, "log_terminal", terminal(t, show))
	got := piped(show)
	golden(t, "log_piped", got)
	if n := strings.Count(got, "2026-11-24"); n != len(lines) {
		t.Errorf("%d lines in the log and %d rows piped", len(lines), n)
	}
}

func TestStatusShown(t *testing.T) {
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.Local)
	s := admin.Status{
		Account: admin.Account{Handle: "user@example.com", Actor: "https://fedi.example.com/users/user",
			BaseURL: "https://fedi.example.com", Since: now.AddDate(0, -1, 0), Posts: 12, Listed: 10},
		Followers: 3, Pending: 2, Queue: admin.Queue{Pending: 2, Retrying: 1}, Dead: []string{"b.example"}, DeadHosts: []admin.DeadHost{{Host: "b.example", Since: admin.Time{Time: now.AddDate(0, 0, -9)}, Waiting: 3}},
		Running: true, Version: "1.2.3", StoreBytes: 120_000,
		Feeds: []admin.Feed{
			{URL: "https://example.com/index.xml", LastPoll: admin.Time{Time: now.Add(-3 * time.Minute)}, NextPoll: admin.Time{Time: now.Add(12 * time.Minute)},
				Entries: 25, Held: 8, Missing: 1, Read: true, LastError: "the server says 503 and that it has a great deal to do at the moment, please come again",
				Waiting: []admin.Waiting{{Title: "Later\x1b[2J", Due: now.AddDate(0, 0, 7)}, {URL: "https://example.com/untitled/", Due: now.AddDate(0, 0, 8)}}},
			{URL: "/srv/blog/" + strings.Repeat("deep/", 20) + "index.xml"},
		},
	}
	var b bytes.Buffer
	printStatus(display{Writer: &b, width: 80}, s, now)
	golden(t, "status_terminal", b.String())

	// Who waits for an account that has moved cannot be approved any more.
	s.Account.MovedTo, s.Feeds = "@me@new.example", nil
	b.Reset()
	printStatus(display{Writer: &b, width: 80}, s, now)
	if got := b.String(); !strings.Contains(got, "2 asked before the account moved: crier follower reject") || strings.Contains(got, "approv") {
		t.Error(got)
	}
}

func TestListingsShown(t *testing.T) {
	at := time.Date(2026, 11, 24, 11, 0, 0, 0, time.Local)
	golden(t, "listings_terminal", terminal(t, func(d display) {
		showFollowers(d, []admin.Follower{
			{Actor: "https://a.example/users/alice", Handle: "alice@a.example", Since: at, State: "accepted"},
			{Actor: "https://a.example/users/" + strings.Repeat("long", 20), Since: at, State: "pending"},
		})
		showPosts(d, []admin.Post{
			{ID: "https://fedi.example.com/posts/example.com/a/", URL: "https://example.com/a/", Title: "A 題名", State: "live", Published: at, Listed: true},
			{ID: "https://fedi.example.com/posts/example.com/b/", State: "deleted", Published: at},
			{ID: "https://fedi.example.com/posts/example.com/c/", URL: "https://example.com/c/", Title: "C", State: "live", Published: at},
		})
		showDeliveries(d, []admin.Delivery{
			{Type: "Create", Inbox: "https://a.example/inbox", Attempts: 0, Next: at},
			{Type: "Update", Inbox: "https://b.example/inbox", Attempts: 3, Next: at, LastError: "503 Service Unavailable", Parked: true},
		})
		showDeliveries(d, []admin.Delivery{{Type: "Create", Inbox: "https://c.example/inbox", Attempts: 1, State: "refused", LastError: "404 Not Found", Ended: at}})
		showByHost(d, []admin.Delivery{
			{Host: "a.example", Added: time.Now().Add(-3 * time.Hour), Attempts: 1, Next: at},
			{Host: "b.example", Added: time.Now().Add(-25 * time.Hour), Next: at},
			{Host: "b.example", Added: time.Now().Add(-49 * time.Hour), Attempts: 9, Parked: true, LastError: strings.Repeat("dial timeout ", 9)},
		})
		showSent(d, admin.PostDetail{
			Sent: []admin.Sent{
				{Type: "Create", Inboxes: 40, Delivered: 36, Waiting: 3, Parked: 1, Failed: 1},
				{Type: "Update", Inboxes: 40, Delivered: 40},
			},
			Undelivered: []admin.Delivery{{Host: "c.example", Type: "Create", State: "refused", LastError: "404 Not Found"}, {Host: "b.example", Type: "Create", State: "parked", LastError: strings.Repeat("dial timeout ", 9)}},
		})
		showFollowers(d, nil)
		showPosts(d, nil)
		showDeliveries(d, nil)
	}))
}

func TestPlain(t *testing.T) {
	tests := map[string]string{
		"plain":                     "plain",
		"two\nlines\tand a tab":     "two\nlines\tand a tab",
		"\x1b[31mred\x1b[0m":        "[31mred[0m",
		"bell\a, del\x7f, c1\u009b": "bell, del, c1",
		"\u202eright to left\u202c": "right to left",
		"\u2066isolate\u2069\u200f": "isolate",
		"family 👨\u200d👩\u200d👧":    "family 👨\u200d👩\u200d👧",
		"carriage\rreturn":          "carriagereturn",
		"invalid \xff":              "invalid \ufffd",
	}
	for in, want := range tests {
		if got := plain(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := line("a\nb\tc\u2028d"); got != "a b cd" {
		t.Errorf("line: %q", got)
	}
}

// FuzzPlain: whatever comes in, nothing comes out that a terminal takes for a command.
func FuzzPlain(f *testing.F) {
	f.Add("\x1b]8;;http://x\x07link\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range line(s) {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("%q lets %U through", s, r)
			}
		}
	})
}

func TestColour(t *testing.T) {
	for environ, want := range map[string]bool{
		"": true, "NO_COLOR=": true, "NO_COLOR=1": false, "TERM=dumb": false, "TERM=xterm": true,
	} {
		if got := colourWanted([]string{environ}); got != want {
			t.Errorf("%s: %v", environ, got)
		}
	}
	if got := (&env{Streams: Streams{Out: io.Discard}}).display(); got.colour || got.width != 0 {
		t.Errorf("not a terminal: %+v", got)
	}
}

func TestDistance(t *testing.T) {
	now := time.Now()
	tests := map[time.Duration]string{
		0: "now", 30 * time.Second: "in 30 s", -90 * time.Second: "1 min ago", -3 * time.Minute: "3 min ago",
		119 * time.Minute: "in 119 min", 2 * time.Hour: "in 2 h", -47 * time.Hour: "47 h ago", 72 * time.Hour: "in 3 d",
	}
	for d, want := range tests {
		if got := distance(now.Add(d), now); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
	if got := distance(time.Time{}, now); got != "never" {
		t.Errorf("no time: %s", got)
	}
}

func TestDialable(t *testing.T) {
	tests := map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", ":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80",
		"[::1]:80": "[::1]:80", "localhost:80": "localhost:80", "192.0.2.1:80": "192.0.2.1:80", "nonsense": "nonsense",
	}
	for in, want := range tests {
		if got := dialable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestAskReady(t *testing.T) {
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	addr := srv.Listener.Addr().String()
	if err := askReady(t.Context(), addr); err != nil {
		t.Error(err)
	}
	status = http.StatusServiceUnavailable
	if err := askReady(t.Context(), addr); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("not ready: %v", err)
	}
	srv.Close()
	if err := askReady(t.Context(), addr); err == nil {
		t.Error("nobody there, and no error")
	}
}

// TestTable: every command has a help text, and none takes another's flag away.
func TestTable(t *testing.T) {
	var walk func(path string, list []command)
	walk = func(path string, list []command) {
		for _, c := range list {
			name := path + " " + strings.Fields(c.use)[0]
			if c.short == "" || (c.run == nil) == (len(c.subs) == 0) {
				t.Errorf("%s: no help, or neither or both of run and subs", name)
			}
			var out, errs bytes.Buffer
			args := append(strings.Fields(name), "--help")
			if code := Run(context.Background(), args, Streams{Out: &out, Err: &errs}); code != 0 || out.Len() == 0 || errs.Len() > 0 {
				t.Errorf("%s --help: code %d, %s", name, code, &errs)
			}
			for row := range strings.Lines(out.String()) {
				if text.StringWidth(row) > 100 {
					t.Errorf("%s --help: too long: %s", name, row)
				}
			}
			walk(name, c.subs)
		}
	}
	walk("", commands())
}

// TestLockedStore: a store that another process has, without a daemon that answers, is one clear line.
func TestLockedStore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	text := `base_url = "https://fedi.example.com"
[account]
handle = "user@example.com"
[[feed]]
url = "https://example.com/index.xml"
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(dir, "data", "crier.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	var out, errs bytes.Buffer
	code := Run(t.Context(), []string{"status", "--config", file}, Streams{Out: &out, Err: &errs})
	said := errs.String()
	if code != exitFailed || out.Len() > 0 || strings.Count(said, "\n") != 1 ||
		!strings.Contains(said, "in use by another process") || !strings.Contains(said, "crier.sock") {
		t.Errorf("code %d, said %q", code, said)
	}
}

// A full disk, or whatever else swallows the answer, is no success.
func TestAnswerThatCannotBePrinted(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	var stderr strings.Builder
	if code := Run(t.Context(), []string{"version"}, Streams{Out: full, Err: &stderr}); code != 1 || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
