package notice

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/store"
)

func (w *world) report(r store.Report) {
	w.t.Helper()
	r.Time = time.Now().UTC()
	if err := w.db.AddReport(r, ""); err != nil {
		w.t.Fatal(err)
	}
	w.n.Wake()
	synctest.Wait()
}

// TestReports tells of complaints: at once of the first, of all others together an hour later, and never twice.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.report(store.Report{
			Actor: "https://big.example/actor", Objects: []string{"https://fedi.example/users/user", "https://fedi.example/posts/1", "a", "b"},
			Text: "spam\x1b[2J\nof\u202e all kinds",
		})
		w.want(1)
		first := w.sent()[0].text
		for _, want := range []string{"by big.example (https://big.example/actor)", "about https://fedi.example/posts/1", "and 1 more", "“spam [2J of all kinds”"} {
			if !strings.Contains(first, want) {
				t.Errorf("%q is not in:\n%s", want, first)
			}
		}
		for range 7 {
			w.report(store.Report{Actor: "https://small.example/actor"})
		}
		w.want(1)
		w.restart()
		pass(2 * repeatPause)
		w.want(2)
		second := w.sent()[1].text
		if strings.Contains(second, "big.example") || strings.Count(second, "by small.example") != reportsShown || !strings.Contains(second, "and 2 more") {
			t.Errorf("the second message:\n%s", second)
		}
		pass(40 * 24 * time.Hour)
		w.want(2)
		if all := w.notices(); len(all) > 0 {
			t.Errorf("notices stay: %+v", all)
		}
		w.report(store.Report{Actor: "https://big.example/actor"})
		w.want(3)
	})
}
