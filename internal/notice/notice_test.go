package notice

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"crier/store"
)

// TestHeld tells of held entries once, however long they wait and however often the daemon starts.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.hold(1, 7)
		w.want(1)
		m := w.sent()[0]
		if m.title != "crier @user@blog.example: 7 entries wait for you" || m.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("title %q, header %v", m.title, m.header)
		}
		const text = `7 entries wait for you, held back from https://blog.example/feed.xml. They appeared at once and may be a mistake of the feed's, so that crier sent none of them.

- Entry 7
- Entry 6
- Entry 5
- Entry 4
- Entry 3
and 2 more

To send them:
  crier poll --release
To keep them as posts that are delivered to nobody:
  crier poll --discard

(crier for @user@blog.example)
`
		if m.text != text {
			t.Errorf("the message is\n%s", m.text)
		}
		pass(3 * time.Hour)
		w.restart()
		pass(3 * time.Hour)
		w.want(1)
		if all := w.notices(); len(all) != 1 || all[0].Subject != "held "+blog || all[0].Count != 7 || all[0].Sent.IsZero() || all[0].Text != text {
			t.Errorf("stored %+v", all)
		}
		w.hold(8, 1) // more, and a while later: told again
		w.want(2)
		w.hold(9, 1) // again, but at once
		w.want(2)
		pass(2 * time.Hour)
		w.want(3)
		if m := w.sent()[2]; !strings.HasPrefix(m.text, "9 entries") {
			t.Errorf("the third message is %q", m.text)
		}
		w.settle()
		if all := w.notices(); len(all) != 0 {
			t.Errorf("after the decision there is %+v", all)
		}
		w.hold(20, 1)
		w.want(4)
		if m := w.sent()[3]; m.title != "crier @user@blog.example: 1 entry waits for you" {
			t.Errorf("title %q", m.title)
		}
	})
}

// TestFewer forgets how many there were, so that new ones on top of what is left are told of.
func TestFewer(t *testing.T) {
	now := time.Now()
	n := store.Notice{Subject: "held x", Count: 9, Since: now, Sent: now}
	s := state{feed: "x", count: 4, first: now, last: now}
	st, something := judge(now.Add(2*time.Hour), n, s, false)
	if !something || st.message != nil || st.notice.Count != 4 {
		t.Fatalf("fewer: %+v, %v", st, something)
	}
	s.count = 5
	if st, _ := judge(now.Add(2*time.Hour), st.notice, s, false); st.message == nil || st.notice.Count != 5 {
		t.Errorf("more again: %+v", st)
	}
}

// TestUnread tells of a feed that failed at polls a day apart, and of its end.
func TestUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.poll("no such host")
		w.start()
		since := time.Now()
		for range 24 {
			pass(59 * time.Minute)
			w.poll("no such host")
		}
		w.want(0)
		w.restart()
		pass(time.Hour)
		w.want(0) // nobody polled meanwhile
		w.poll("the server answers 500\nInternal Server Error")
		w.want(1)
		if m := w.sent()[0]; m.title != "crier @user@blog.example: a feed cannot be read" ||
			!strings.HasPrefix(m.text, blog+" could not be read for more than 24 hours.") ||
			!strings.Contains(m.text, "The last error: the server answers 500 Internal Server Error\n") {
			t.Errorf("%q: %s", m.title, m.text)
		}
		for range 48 {
			pass(time.Hour)
			w.poll("another error")
		}
		w.want(1)
		w.poll("")
		w.want(2)
		if m := w.sent()[1]; m.title != "crier @user@blog.example: a feed works again" ||
			!strings.Contains(m.text, "since "+since.UTC().Format("2006-01-02 15:04 MST")) {
			t.Errorf("%q: %s", m.title, m.text)
		}
		pass(time.Hour)
		if w.want(2); len(w.notices()) != 0 {
			t.Errorf("stored %+v", w.notices())
		}
	})
}

// TestShortFailure says nothing of failures that end within a day.
func TestShortFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		for range 10 {
			w.poll("no such host")
			pass(20 * time.Hour)
			w.poll("no such host")
			w.poll("")
			pass(20 * time.Hour)
		}
		if w.want(0); len(w.notices()) != 0 {
			t.Errorf("stored %+v", w.notices())
		}
	})
}

// TestNotConfigured drops what is about feeds that are not configured any more, without a word, and leaves the
// notices of others alone.
func TestNotConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		sent := time.Now().UTC()
		for _, subject := range []string{"unread https://gone.example/", "held https://gone.example/", "certificate x"} {
			if err := w.db.PutNotice(store.Notice{Subject: subject, Since: sent, Sent: sent}); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		if all := w.notices(); len(all) != 1 || all[0].Subject != "certificate x" {
			t.Errorf("stored %+v", all)
		}
		w.want(0)
	})
}

// TestNowhere does nothing at all without a URL.
func TestNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.URL = ""
		w.start()
		w.hold(1, 3)
		pass(48 * time.Hour)
		if w.srv.tries != 0 || len(w.notices()) != 0 {
			t.Errorf("%d requests, stored %+v", w.srv.tries, w.notices())
		}
	})
}

// TestTexts bounds what strangers can put into a message.
func TestTexts(t *testing.T) {
	long := strings.Repeat("é\x1b[31m\n", 3000)
	feed := "https://blog.example/" + strings.Repeat("x", 4000)
	v := view{account: "ü@blog.example", configured: map[string]bool{feed: true}, held: map[string][]store.Entry{}}
	v.feeds = []store.Feed{{URL: feed, LastError: long}}
	for range 10 {
		v.held[feed] = append(v.held[feed], store.Entry{Title: long})
	}
	states := append(held(v), unread(v)...)
	if len(states) != 2 {
		t.Fatalf("%d states", len(states))
	}
	for _, s := range states {
		m := s.message
		if len(m.text) > maxText || !utf8.ValidString(m.text) || strings.Contains(m.text, "\x1b") || !strings.HasSuffix(m.text, "(crier for @ü@blog.example)\n") {
			t.Errorf("%d bytes: %q", len(m.text), m.text)
		}
		if strings.ContainsFunc(m.title, func(r rune) bool { return r > '~' || r < ' ' }) {
			t.Errorf("title %q", m.title)
		}
	}
	if got := nameOf(store.Entry{Title: " \n", URL: "https://blog.example/1"}); got != "https://blog.example/1" {
		t.Errorf("an entry without title is called %q", got)
	}
	if got := nameOf(store.Entry{}); got != "an entry without title" {
		t.Errorf("an entry without anything is called %q", got)
	}
	if got := cut(strings.Repeat("é", 3000), maxText); len(got) > maxText || !utf8.ValidString(got) {
		t.Errorf("cut to %d bytes", len(got))
	}
}
