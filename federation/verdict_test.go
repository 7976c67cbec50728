package federation

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crier/store"
)

func TestVerdict(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const week = 7 * 24 * time.Hour
	fresh := store.Delivery{Attempts: 1, Added: now.Add(-time.Second)}
	aged := func(age time.Duration, attempts, lastStatus int) store.Delivery {
		return store.Delivery{Attempts: attempts, Added: now.Add(-age), LastStatus: lastStatus}
	}
	for _, c := range []struct {
		name  string
		try   try
		want  store.Result
		rests bool // the whole host
	}{
		{"no answer", try{delivery: fresh, err: context.DeadlineExceeded}, store.Retry, true},
		{"ourselves", try{delivery: fresh, err: fmt.Errorf("contact: %w", errSelf)}, store.Refused, false},
		{"first 401", try{delivery: fresh, answer: answer{Status: 401}}, store.Retry, false},
		{"fourth 401", try{delivery: aged(time.Hour, 4, 403), answer: answer{Status: 401}}, store.Refused, false},
		{"first 401 after failures", try{delivery: aged(time.Hour, 9, 503), answer: answer{Status: 401}}, store.Retry, false},
		{"first 400 that is maybe for the signature", try{delivery: fresh, answer: answer{Status: 400, Unsure: true}}, store.Retry, false},
		{"fourth of these", try{delivery: aged(time.Hour, 4, 400), answer: answer{Status: 400, Unsure: true}}, store.Refused, false},
		{"any other 400", try{delivery: fresh, answer: answer{Status: 400}}, store.Refused, false},
		{"a week of failures", try{delivery: aged(week, 12, 503), answer: answer{Status: 503}}, store.Park, true},
		{"nearly a week", try{delivery: aged(week-time.Hour, 12, 503), answer: answer{Status: 503}}, store.Retry, true},
		{"a week asleep", try{delivery: aged(week, 1, 0), answer: answer{Status: 503}}, store.Retry, true},
		{
			"a week behind a dead host",
			try{delivery: aged(week, 1, 0), answer: answer{Status: 503}, host: store.Host{BadDays: 7}}, store.Park, true,
		},
		{"a week old and accepted", try{delivery: aged(week, 12, 503), answer: answer{Status: 202}}, store.Done, false},
	} {
		o := c.try.outcome(now, 0.5)
		if o.Result != c.want || o.Until.IsZero() == c.rests {
			t.Errorf("%s: %s until %v, want %s, host rests: %v", c.name, o.Result, o.Until, c.want, c.rests)
		}
	}
}

func TestVerdictOfEachStatus(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want := map[int]store.Result{
		410: store.Gone, 401: store.Retry, 403: store.Retry, 408: store.Retry, 425: store.Retry, 429: store.Retry,
		501: store.Refused,
	}
	for status := 200; status < 600; status++ {
		expected, ok := want[status]
		switch {
		case ok:
		case status < 300:
			expected = store.Done
		case status < 500:
			expected = store.Refused
		default:
			expected = store.Retry
		}
		o := try{delivery: store.Delivery{Attempts: 1, Added: now}, answer: answer{Status: status}}.outcome(now, 0.5)
		if o.Result != expected {
			t.Errorf("%d: %s, want %s", status, o.Result, expected)
		}
		host := status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
		if o.Until.IsZero() == host {
			t.Errorf("%d: the host rests until %v", status, o.Until)
		}
	}
}

// The host rests by its own count of failures, however new the delivery is that met the last of them.
func TestHostRestsByItsOwnCount(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	fails := try{delivery: store.Delivery{Attempts: 1, Added: now}, answer: answer{Status: 502}, host: store.Host{Failures: 3}}
	o := fails.outcome(now, 0.5)
	if next, until := o.Next.Sub(now), o.Until.Sub(now); next != time.Minute || until != 2*time.Hour {
		t.Errorf("the delivery waits %v and the host %v, want 1m and 2h", next, until)
	}
	if text := resultText(o); !strings.HasSuffix(text, "again at 2026-03-01 14:00 UTC") {
		t.Errorf("the log says %q, want the time from which the host is tried", text)
	}
}

// The last attempt is at the end of the week and not up to a day later.
func TestLastAttemptEndsTheWeek(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	added := now.Add(time.Hour - giveUpAfter)
	late := try{delivery: store.Delivery{Attempts: 12, Added: added}, answer: answer{Status: 503}, host: store.Host{Failures: 11}}
	if o := late.outcome(now, 0.5); !o.Next.Equal(now.Add(time.Hour)) || !o.Until.Equal(o.Next) {
		t.Errorf("next %v, host until %v, want both in an hour", o.Next, o.Until)
	}
}
