package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestSecurityClients: one client that proves nothing is soon not listened to any more, however it calls itself, and
// everybody else still is. The tests come from loopback, as our own proxy would.
func TestSecurityClients(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, seen string
		forwarded  func(i int) string // X-Forwarded-For of the i-th request
		limited    bool
	}{
		{"one address", "a flood by one", func(int) string { return "93.184.$.34" }, true},
		{"one that says each time who it is", "mastodon CVE-2024-34535: limits by a header of the client", func(i int) string {
			return fmt.Sprintf("1.1.1.%d, 93.184.$.34", i)
		}, true},
		{"one that says it is trusted", "mastodon CVE-2024-34535", func(i int) string { return "127.0.0.1, 93.184.$.34" }, true},
		{"one with many addresses", "an IPv6 network is one customer", func(i int) string { return fmt.Sprintf("2606:2800:220:$::%x", i) }, true},
		{"one address written in two ways", "readers that compare text", func(i int) string {
			return []string{"93.184.$.34", "::ffff:93.184.$.34"}[i%2]
		}, true},
		{"one on many ports", "proxies that write ports", func(i int) string { return fmt.Sprintf("93.184.$.34:%d", i+1) }, true},
		{"many", "a stampede of honest servers with wrong clocks", func(i int) string { return fmt.Sprintf("93.185.$.%d", i) }, false},
		{"nobody named", "a proxy that tells nothing: all would be one", func(int) string { return "" }, false},
	}
	arena := newArena(t)
	for i, k := range rows {
		t.Run(k.name, func(t *testing.T) {
			a := *arena
			a.t = t
			network := fmt.Sprint(i) // each row has clients of its own
			asked, limited := len(a.out.since(0)), 0
			for i := range 30 {
				m := a.message(a.friend, follow)
				m.unsigned = true
				if by := k.forwarded(i); by != "" {
					m.header.Set("X-Forwarded-For", strings.ReplaceAll(by, "$", network))
				}
				switch got := a.do(m.request(t)); got.status {
				case http.StatusUnauthorized:
				case http.StatusTooManyRequests:
					limited++
					if got.header.Get("Retry-After") == "" {
						t.Error("429 without Retry-After")
					}
				default:
					t.Fatalf("answered %d", got.status)
				}
			}
			if (limited > 0) != k.limited {
				t.Errorf("%d of 30 requests were limited", limited)
			}
			other := a.message(a.friend, follow)
			other.header.Set("X-Forwarded-For", "93.184.218.1")
			if got := a.do(other.request(t)); got.status != http.StatusAccepted {
				t.Errorf("an honest server: %d", got.status)
			}
			a.rest()
			if k.seen == "" {
				t.Error("the row names no real-world case")
			}
			if caused := a.out.since(asked); len(caused) > 2 { // the friend's actor, read anew, and its Accept
				t.Errorf("it caused %q", caused)
			}
			arena.serial = a.serial
			if n, err := a.app.Ops().Store.CountFollowers(); err != nil || n != 1 {
				t.Errorf("%d followers, %v", n, err)
			}
		})
	}
}
