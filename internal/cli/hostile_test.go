package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"crier/internal/admin"
	"crier/internal/app"
)

// hostileTexts are what strangers put where a person will read it.
func hostileTexts() []struct{ name, seen, text string } {
	return []struct{ name, seen, text string }{
		{"a title for the window", "xterm CVE-2003-0063", "\x1b]0;owned\x07name"},
		{"a cleared screen", "log injection", "\x1b[2J\x1b[Hname"},
		{"a link that is another", "OSC 8 links", "\x1b]8;;http://evil.example\x1b\\name\x1b]8;;\x1b\\"},
		{"a question to the terminal", "answers typed as commands: xterm CVE-2008-2383", "\x1bP$q\"p\x1b\\\x1b[6nname"},
		{"a control character of eight bits", "terminals that take C1", "\u009b2J\u0090name"},
		{"a line of its own", "log injection", "name\r\n2026-01-01 00:00:00 ← Accept  forged"},
		{"an overwritten line", "log injection", "name\rforged"},
		{"another end of a line", "readers of U+2028 and U+0085", "name\u2028forged\u2029\u0085"},
		{"a word turned round", "Trojan Source CVE-2021-42574", "name\u202egnp.exe\u202c"},
		{"isolated words", "Trojan Source CVE-2021-42574", "\u2066name\u2069\u2067"},
		{"marks of direction", "Trojan Source CVE-2021-42574", "\u200fname\u200e\u061c"},
		{"a backspace", "cat -v's reason", "evil\b\b\b\bname\x7f"},
		{"a NUL", "truncating readers", "name\x00hidden"},
		{"bytes that are no UTF-8", "terminals that decode on their own", "name\x9b\xff"},
	}
}

// unfit tells what of a text a terminal would obey, or its reader be misled by.
func unfit(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
	})
	if i < 0 {
		return ""
	}
	return s[i:]
}

// TestHostileOutput: nothing that a stranger wrote reaches the terminal as more than letters, in any listing.
func TestHostileOutput(t *testing.T) {
	now := time.Now()
	for _, h := range hostileTexts() {
		x := h.text
		shown := map[string]func(display){
			"followers":          func(d display) { showFollowers(d, []admin.Follower{{Actor: x}, {Actor: x, Handle: x, Name: x}}) },
			"posts":              func(d display) { showPosts(d, []admin.Post{{ID: x, URL: x, Title: x}, {ID: x}}) },
			"deliveries":         func(d display) { showDeliveries(d, []admin.Delivery{{Type: "Create", Inbox: x, LastError: x}}) },
			"deliveries by host": func(d display) { showByHost(d, []admin.Delivery{{Host: x, LastError: x}}) },
			"what was sent":      func(d display) { showSent(d, admin.PostDetail{Undelivered: []admin.Delivery{{Host: x, LastError: x}}}) },
			"the log": func(d display) {
				source, err := json.Marshal(map[string]string{"name": x})
				if err != nil {
					t.Fatal(err)
				}
				printLine(d, admin.LogLine{Time: now, Direction: "in", Type: x, Object: x, From: x, To: x, Result: x, Source: source})
			},
			"the status": func(d display) {
				printStatus(d, admin.Status{DeadHosts: []admin.DeadHost{{Host: x}}, Version: x, Feeds: []admin.Feed{{
					URL: x, Title: x, LastError: x, Advice: []string{x}, Push: "active", Hub: x, PushError: x,
					Waiting: []admin.Waiting{{Title: x, URL: x, Due: now.Add(time.Hour)}},
				}}}, now)
			},
			"a finding": func(d display) { printItem(d, app.CheckItem{Subject: x, State: app.CheckWrong, Text: x, Mend: x}) },
		}
		for name, show := range shown {
			for _, width := range []int{0, 60} {
				var b bytes.Buffer
				show(display{Writer: &b, width: width})
				if bad := unfit(b.String()); bad != "" {
					t.Errorf("%s in %s: %q", h.name, name, bad)
				}
				if strings.Contains(b.String(), "\n2026-01-01") || strings.Contains(b.String(), "\nforged") {
					t.Errorf("%s in %s makes a line: %q", h.name, name, b.String())
				}
			}
		}
		if h.seen == "" {
			t.Errorf("%s names no real-world case", h.name)
		}
	}
}

// TestHostileJSON: JSON has nothing in it that a terminal obeys, and still says all that was to be said.
func TestHostileJSON(t *testing.T) {
	for _, h := range hostileTexts() {
		x := strings.ToValidUTF8(h.text, "\ufffd")
		raw, err := json.Marshal(map[string]string{x: x})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		e := &env{Streams: Streams{Out: &b}}
		if err := e.printJSON(map[string]any{"text": x, "document": json.RawMessage(raw)}); err != nil {
			t.Fatal(err)
		}
		if bad := unfit(b.String()); bad != "" {
			t.Errorf("%s: %q", h.name, bad)
		}
		var got struct {
			Text     string
			Document map[string]string
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v in %q", h.name, err, b.String())
		}
		if got.Text != x || !reflect.DeepEqual(got.Document, map[string]string{x: x}) {
			t.Errorf("%s: got %q and %q", h.name, got.Text, got.Document)
		}
	}
}

// FuzzEscapeJSON: what is escaped means the same as before.
func FuzzEscapeJSON(f *testing.F) {
	for _, h := range hostileTexts() {
		f.Add(h.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var doc bytes.Buffer
		enc := json.NewEncoder(&doc)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		var want, got string
		if err := json.Unmarshal(doc.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		escaped := escapeJSON(doc.Bytes())
		if err := json.Unmarshal(escaped, &got); err != nil || got != want {
			t.Errorf("%q became %q: %v", want, got, err)
		}
		if bad := unfit(string(escaped)); bad != "" {
			t.Errorf("%q lets %q through", s, bad)
		}
	})
}

// TestAskReadyStays: whoever has the daemon's port now cannot send the health check elsewhere.
func TestAskReadyStays(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer srv.Close()
	if err := askReady(t.Context(), srv.Listener.Addr().String()); err == nil {
		t.Error("a redirect is taken for an answer")
	}
}

// TestHostileErrors: an error with somebody's words in it stays on its line.
func TestHostileErrors(t *testing.T) {
	for _, h := range hostileTexts() {
		var b bytes.Buffer
		printError(&b, errors.New("look up x: "+h.text))
		if bad := unfit(b.String()); bad != "" {
			t.Errorf("%s: %q", h.name, bad)
		}
		if strings.Count(b.String(), "\n") != 1 {
			t.Errorf("%s: %q", h.name, b.String())
		}
	}
}
