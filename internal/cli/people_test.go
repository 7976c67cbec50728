package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"crier/internal/admin"
)

// TestPeopleShown has everything that strangers name themselves in it: it must fit 80 columns, and nothing of it may
// act on the terminal.
func TestPeopleShown(t *testing.T) {
	at := time.Date(2026, 11, 24, 11, 0, 0, 0, time.Local)
	long := "https://a-server-with-a-long-name.example/users/" + strings.Repeat("long", 20)
	var b bytes.Buffer
	d := display{Writer: &b, width: 80}
	showBlocks(d, nil)
	showBlocks(d, []admin.Block{
		{What: "https://a.example/users/x", Handle: "x\x1b[2J@a.example", Kind: "actor", Since: at, Note: "wrote\nthe same\x07 eleven times, and then some more of what nobody wants to read"},
		{What: "bad.example", Kind: "domain", Since: at},
		{What: long, Kind: "actor", Since: at},
	})
	showBlocked(d, admin.BlockChange{Block: admin.Block{What: "bad.example"}, Followers: 1, Deliveries: 12})
	showBlocked(d, admin.BlockChange{Block: admin.Block{What: long}, Known: true,
		Doubt: "fetch https://a-server-with-a-long-name.example/users/x: the server says \x1b]0;owned\x07 503 Service Unavailable"})
	showFollowers(d, []admin.Follower{
		{Actor: long, Since: at, State: "pending"}, {Actor: "https://a.example/u/1", Handle: "alice@a.example", Since: at, State: "pending"},
	})
	golden(t, "people_terminal", b.String())
	for l := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimRight(l, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\x07") {
		t.Error("a control character is printed")
	}
}
