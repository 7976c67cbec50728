package federation

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"crier/store"
)

const (
	// deniedTries is how often a delivery answered 401 or 403 is tried, or 400 where the signature may be
	// why: the other side may have an old key of ours in its cache or a wrong clock, but mostly it has blocked us.
	deniedTries = 4

	// fairTries and fairDays keep a delivery that could not even be tried (the daemon was stopped for a
	// week) from being given up at its first failure, unless its host is known to be down for days.
	fairTries = 4
	fairDays  = 3
)

// try is one attempt to deliver and what came of it.
type try struct {
	delivery store.Delivery // as claimed: this attempt is counted
	answer   answer
	err      error      // no answer came
	host     store.Host // as it fared before, if the attempt failed
}

// fate is what an answer means for the delivery.
type fate int

const (
	fateAccepted   fate = iota
	fateGone            // the inbox is no more
	fateRefused         // this activity will never be taken
	fateDenied          // not taken from us, maybe only now
	fateLater           // not now
	fateHostFailed      // nothing is taken by that host now
)

// fate sorts the answers as Mastodon does, with 401 and 403 in between: Mastodon gives up on 403 at once,
// but GoToSocial and Pleroma answer so for a signature whose key they could not fetch.
func (t try) fate() fate {
	status := t.answer.Status
	switch {
	case errors.Is(t.err, errSelf):
		return fateRefused
	case t.err != nil:
		return fateHostFailed
	case status >= 200 && status <= 299:
		return fateAccepted
	case status == http.StatusGone:
		return fateGone
	case status == http.StatusUnauthorized, status == http.StatusForbidden, t.answer.Unsure:
		return fateDenied
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return fateLater
	case status == http.StatusTooManyRequests, status >= 500 && status != http.StatusNotImplemented:
		return fateHostFailed
	}
	// What is left of 4xx, 501, and redirects: a signature holds for one address only, so a redirected
	// post would be refused where it arrives.
	return fateRefused
}

func (t try) failed() bool { return t.fate() != fateAccepted }

// outcome says what becomes of the delivery. jitter is in [0,1).
func (t try) outcome(now time.Time, jitter float64) store.Outcome {
	o := store.Outcome{Delivery: t.delivery, Status: t.answer.Status, Error: t.problem()}
	fate := t.fate()
	switch fate {
	case fateAccepted:
		o.Result = store.Done
		return o
	case fateGone:
		o.Result = store.Gone
		return o
	case fateRefused:
		o.Result = store.Refused
		return o
	case fateDenied:
		if t.deniedForGood() {
			o.Result = store.Refused
			return o
		}
	}
	if t.tooOld(now) {
		o.Result = store.Park
		if fate == fateHostFailed {
			o.Until = now.Add(probeEvery)
		}
		return o
	}
	o.Result = store.Retry
	o.Next = t.notAfterEnd(now, pause(t.delivery.Attempts, t.answer.RetryAfter, jitter))
	if fate == fateHostFailed {
		o.Until = t.notAfterEnd(now, pause(t.host.Failures+1, t.answer.RetryAfter, jitter))
	}
	return o
}

// deniedForGood reports whether a refusal is the last that is waited for. It takes two of them in a row,
// so that a host which was down for hours does not lose everything by its first confused answer.
func (t try) deniedForGood() bool {
	last := t.delivery.LastStatus
	before := last == http.StatusUnauthorized || last == http.StatusForbidden || last == http.StatusBadRequest
	return t.delivery.Attempts >= deniedTries && before
}

func (t try) tooOld(now time.Time) bool {
	fair := t.delivery.Attempts >= fairTries || t.host.BadDays >= fairDays
	return fair && !now.Before(t.end())
}

func (t try) end() time.Time { return t.delivery.Added.Add(giveUpAfter) }

// notAfterEnd is the time after a pause, but no later than when the delivery has its last attempt.
func (t try) notAfterEnd(now time.Time, pause time.Duration) time.Time {
	next := now.Add(pause)
	if end := t.end(); end.After(now) && end.Before(next) {
		// Never sooner than the least pause, even for a delivery that was parked and is tried again.
		return maxTime(end, now.Add(shortestPause))
	}
	return next
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// problem is why the delivery was not accepted, for people.
func (t try) problem() string {
	switch {
	case t.err != nil:
		return t.err.Error()
	case t.fate() == fateAccepted:
		return ""
	case t.answer.Snippet != "":
		return statusText(t.answer.Status) + ": " + t.answer.Snippet
	}
	return statusText(t.answer.Status)
}

// resultText is what the activity log says of an outcome.
func resultText(o store.Outcome) string {
	what := o.Error
	if o.Status != 0 {
		what = statusText(o.Status)
	}
	switch o.Result {
	case store.Retry:
		at := o.Next
		if o.Until.After(at) {
			at = o.Until
		}
		return what + ", again at " + at.UTC().Format("2006-01-02 15:04 UTC")
	case store.Refused:
		return what + ", not sent again"
	case store.Gone:
		return what + ", inbox gets nothing more"
	case store.Park:
		return what + ", parked after 7 days"
	}
	return what
}

func statusText(status int) string {
	text := http.StatusText(status)
	if text == "" {
		return strconv.Itoa(status)
	}
	return strconv.Itoa(status) + " " + text
}
