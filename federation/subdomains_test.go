package federation

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSubdomains(t *testing.T) {
	s := newSubdomains(2)
	now := time.Now()
	tests := []struct {
		host  string
		after time.Duration
		want  bool
	}{
		{"a.evil.example", 0, true},
		{"b.evil.example", 0, true},
		{"c.evil.example", 0, false},
		{"a.evil.example", time.Hour, true}, // known today
		{"x.y.evil.example", time.Hour, false},
		{"evil.example:8443", time.Hour, false},
		{"good.example", time.Hour, true},
		{"one.github.io", time.Hour, true}, // a public suffix: each is somebody's own
		{"two.github.io", time.Hour, true},
		{"three.github.io", time.Hour, true},
		{"[2001:db8::1]", time.Hour, true},
		{"localhost", time.Hour, true},
		{"c.evil.example", 24 * time.Hour, true},
	}
	for _, tt := range tests {
		if got := s.allow(tt.host, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s after %v: %v", tt.host, tt.after, got)
		}
	}
}

// TestCrowdOfSubdomains: hosts of one domain without end become few followers; who follows already is not counted.
func TestCrowdOfSubdomains(t *testing.T) {
	d := newDaemon(t)
	d.s.crowds = newSubdomains(2)
	var all []*stranger
	for i := range 3 {
		x := newStranger(t, d, fmt.Sprintf("h%d.evil.example", i), "x")
		want := http.StatusAccepted
		if i == 2 {
			want = http.StatusTooManyRequests
		}
		if got := x.post(t, d, x.follow()); got != want {
			t.Errorf("host %d: %d", i, got)
		}
		all = append(all, x)
	}
	d.s.crowds = newSubdomains(0)
	if got := all[0].post(t, d, all[0].follow()); got != http.StatusAccepted {
		t.Errorf("a follower again: %d", got)
	}
	d.announce(helloKey)
	d.publishDue()
	post := `"` + d.post(helloKey).ID + `"`
	for x, want := range map[*stranger]int{all[0]: http.StatusAccepted, all[2]: http.StatusTooManyRequests} {
		if got := x.post(t, d, x.act("1", "Like", post)); got != want {
			t.Errorf("a like from %s: %d, want %d", x.host, got, want)
		}
	}
	if n := strings.Count(d.followers(), "evil.example"); n != 2 {
		t.Errorf("followers: %s", d.followers())
	}
}
