package federation

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestReportIsKept: who complains of what is kept for the owner, once however often it is sent, and of one host not
// without end.
func TestReportIsKept(t *testing.T) {
	d := newDaemon(t)
	x := newStranger(t, d, "peer.example", "actor")
	flag := func(n int) string {
		return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://peer.example/flags/%d","type":"Flag","actor":"%s",
			"object":["%s/users/user","https://elsewhere.example/1"],"content":"<p>spam</p><p>&lt;b&gt; <a href='x'>#<span>Tag</span></a>. more</p>"}`, n, x.id(), testBase)
	}
	for range 2 {
		if code := x.post(t, d, flag(1)); code != http.StatusAccepted {
			t.Fatalf("a report: %d", code)
		}
	}
	kept, err := d.db.Reports(time.Now())
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept: %+v, %v", kept, err)
	}
	r := kept[0]
	if r.Actor != x.id() || !slices.Equal(r.Objects, []string{d.s.ids.Actor()}) || r.Text != "spam <b> #Tag. more" {
		t.Errorf("kept: %+v", r)
	}
	for n := 2; n < 40; n++ {
		if code := x.post(t, d, flag(n)); code != http.StatusAccepted {
			t.Fatalf("report %d: %d", n, code)
		}
	}
	if kept, _ := d.db.Reports(time.Now()); len(kept) != 20 {
		t.Errorf("%d are kept of one host", len(kept))
	}
	d.sound()
}

func TestWithoutTags(t *testing.T) {
	for markup, want := range map[string]string{
		`<p>By the <a href="https://a.example/">sea</a>. <a href="x">#<span>Holidays</span></a></p>`: "By the sea. #Holidays",
		`<p>one</p><p>two<br>three</p>`:      "one two three",
		`1 &lt; 2 < 3`:                       "1 < 2 ",
		`<STRONG>be</STRONG>fore <custom-x>`: "before",
	} {
		if got := clean(withoutTags(markup), 200); got != clean(want, 200) {
			t.Errorf("%s\n%q, want %q", markup, got, want)
		}
	}
}
