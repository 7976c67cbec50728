package notice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"crier/store"
)

const (
	// unreadAfter is how long a feed must have failed: sites are down for a while, and builds break overnight.
	unreadAfter = 24 * time.Hour
	titlesShown = 5
	titleLength = 100 // bytes of an entry's title
	errorLength = 500 // bytes of a feed's error

	addressLength = 300 // bytes of a feed's address
)

// conditions is the table of all states that are told of. A new one needs a line here and a kind of its own.
func conditions() []condition {
	return []condition{
		{kind: "held", find: held},
		{kind: "unread", find: unread, over: readAgain},
		{kind: reportKind, find: reported},
	}
}

// held finds the feeds with entries that wait for the owner's decision.
func held(v view) (states []state) {
	for _, f := range v.feeds {
		entries := v.held[f.URL]
		if len(entries) == 0 {
			continue
		}
		states = append(states, state{
			feed: f.URL, count: len(entries), first: v.now, last: v.now,
			message: message{
				title: title(v, entriesWait(len(entries))), tag: "raised_hand",
				text: text(v, heldText(f.URL, entries)),
			},
		})
	}
	return states
}

func entriesWait(n int) string {
	if n == 1 {
		return "1 entry waits for you"
	}
	return fmt.Sprintf("%d entries wait for you", n)
}

// heldText says what is held, the newest first, and what can be done about it.
func heldText(feed string, entries []store.Entry) string {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b store.Entry) int { return b.Date.Compare(a.Date) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s, held back from %s. They appeared at once and may be a mistake of the feed's, so that crier sent none of them.\n\n",
		entriesWait(len(entries)), oneLine(feed, addressLength))
	for i, e := range entries {
		if i == titlesShown {
			fmt.Fprintf(&b, "and %d more\n", len(entries)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", nameOf(e))
	}
	b.WriteString("\nTo send them:\n  crier poll --release\n" +
		"To keep them as posts that are delivered to nobody:\n  crier poll --discard\n")
	return b.String()
}

func nameOf(e store.Entry) string {
	for _, name := range []string{e.Title, e.URL, e.GUID} {
		if name = oneLine(name, titleLength); name != "" {
			return name
		}
	}
	return "an entry without title"
}

// unread finds the feeds whose last poll failed. Only polls prove anything: while the daemon is stopped no time
// passes.
func unread(v view) (states []state) {
	for _, f := range v.feeds {
		if f.LastError == "" {
			continue
		}
		states = append(states, state{
			feed: f.URL, first: f.LastPoll, last: f.LastPoll, after: unreadAfter,
			message: message{
				title: title(v, "a feed cannot be read"), tag: "warning",
				text: text(v, fmt.Sprintf("%s could not be read for more than %d hours. Posts stay as they are, and new entries are not seen.\n\nThe last error: %s\n\nTo look into it:\n  crier check\n",
					oneLine(f.URL, addressLength), unreadAfter/time.Hour, oneLine(f.LastError, errorLength))),
			},
		})
	}
	return states
}

func readAgain(v view, feed string, told store.Notice) *message {
	return &message{
		title: title(v, "a feed works again"), tag: "white_check_mark",
		text: text(v, fmt.Sprintf("%s can be read again. It could not since %s.\n", oneLine(feed, addressLength), told.Since.Format("2006-01-02 15:04 MST"))),
	}
}
