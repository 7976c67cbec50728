package notice

import (
	"strings"
	"time"

	"crier/store"
)

// view is what the store says, as far as conditions look at it.
type view struct {
	now        time.Time
	account    string
	configured map[string]bool
	feeds      []store.Feed             // the configured ones
	held       map[string][]store.Entry // by feed
	reports    []store.Report           // oldest first
	notices    []store.Notice
}

// message is what the owner gets.
type message struct {
	title string // ASCII
	text  string
	tag   string // an emoji's name in ntfy; other receivers ignore it
}

// state is something that lasts and that the owner should know.
type state struct {
	feed    string // which feed it is about, or another name for what it is about
	message message
	count   int           // how many things it is about; a greater number than was told is told again
	first   time.Time     // when it was there for certain, if it was not known before
	last    time.Time     // when it was there for certain last
	after   time.Duration // how long it must have lasted before it is told of
}

// condition is a kind of state.
type condition struct {
	kind string // the first word of its subjects
	find func(view) []state
	// over returns the message for the end of a state that the owner was told of; nil: the end speaks for itself.
	over func(v view, feed string, told store.Notice) *message
}

func (c condition) subject(feed string) string { return c.kind + " " + feed }

// step is what to do about one subject: send the message if there is one, and once it is sent store or delete the
// notice.
type step struct {
	notice  store.Notice
	ended   bool
	message *message
}

// plan works out what to do. Notices of kinds that are not in the table belong to somebody else.
func plan(v view, table []condition) (steps []step) {
	known := map[string]store.Notice{}
	for _, n := range v.notices {
		known[n.Subject] = n
	}
	for _, c := range table {
		lasting := map[string]bool{}
		for _, s := range c.find(v) {
			subject := c.subject(s.feed)
			lasting[subject] = true
			old, ok := known[subject]
			if !ok {
				old = store.Notice{Subject: subject, Since: s.first}
			}
			if st, something := judge(v.now, old, s, !ok); something {
				steps = append(steps, st)
			}
		}
		for _, n := range v.notices {
			if feed, ours := strings.CutPrefix(n.Subject, c.kind+" "); ours && !lasting[n.Subject] {
				steps = append(steps, c.end(v, feed, n))
			}
		}
	}
	return steps
}

// judge decides about a state that lasts. It reports false where nothing is to be done.
func judge(now time.Time, n store.Notice, s state, unknown bool) (step, bool) {
	worse := s.count > n.Count && now.Sub(n.Sent) >= repeatPause
	switch {
	case n.Sent.IsZero() && s.last.Sub(n.Since) >= s.after, !n.Sent.IsZero() && worse:
		n.Text, n.Count = s.message.text, s.count
		return step{notice: n, message: &s.message}, true
	case unknown:
		n.Text = s.message.text
		return step{notice: n}, true
	case !n.Sent.IsZero() && s.count < n.Count: // fewer than were told: new ones on top are worth telling
		n.Count = s.count
		return step{notice: n}, true
	}
	return step{}, false
}

// end decides about a state that is over.
func (c condition) end(v view, feed string, n store.Notice) step {
	s := step{notice: n, ended: true}
	if c.over != nil && !n.Sent.IsZero() && v.configured[feed] {
		s.message = c.over(v, feed, n)
	}
	return s
}
