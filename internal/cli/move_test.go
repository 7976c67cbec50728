package cli

import (
	"fmt"
	"testing"
	"time"

	"crier/internal/admin"
)

// TestMovingShown: what the owner reads of aliases and moves fits 80 columns.
func TestMovingShown(t *testing.T) {
	at := time.Date(2026, 1, 5, 10, 0, 0, 0, time.Local)
	alias := admin.Alias{
		Actor: "https://social.example/users/me", Handle: "me@social.example", Added: admin.Time{Time: at}, Followers: 120, Known: 120, Arrived: 80, Since: 85,
	}
	partly, hidden, configured := alias, alias, alias
	partly.Known, partly.Arrived, partly.Handle = 50, 31, ""
	hidden.Known, hidden.Arrived, hidden.Followers = 0, 0, -1
	configured = admin.Alias{Actor: "https://b.example/users/b", Followers: -1, Configured: true}
	plan := admin.MovePlan{
		From: "user@example.com", Target: alias.Actor, Handle: "me@social.example", Followers: 3, Locked: true, WebFinger: true,
		Checks: []admin.MoveCheck{{OK: true, What: "this account has not moved away"}, {OK: true, What: "it can be fetched, and is an account"}},
	}
	wrong := plan
	wrong.Checks = append(wrong.Checks, admin.MoveCheck{Mend: "it does not say that it is also known as https://fedi.example.com/users/user: " +
		"enter @user@example.com there as an alias, then try again"})
	none := admin.MoveStatus{From: "user@example.com", Phase: "none", Next: at.Add(240 * time.Hour)}
	telling := admin.MoveStatus{
		From: "user@example.com", Phase: "telling", Target: alias.Actor, Handle: alias.Handle, Begun: at, Followers: 9, Telling: admin.Queue{Pending: 2},
	}
	sending := telling
	sending.Phase, sending.Sent, sending.Delivered, sending.Left = "sending", at, 1, 4
	sending.Waiting = admin.Queue{Pending: 1, Retrying: 2, Parked: 1}
	done := sending
	done.Phase, done.Waiting, done.Delivered, done.Refused, done.Left = "done", admin.Queue{}, 4, 1, 9

	golden(t, "moving_terminal", terminal(t, func(d display) {
		showAdded(d, alias, "user@example.com")
		fmt.Fprintln(d, "---")
		again := alias
		again.Before = true
		showAdded(d, again, "user@example.com")
		fmt.Fprintln(d, "---")
		showAliases(d, []admin.Alias{alias, partly, hidden, configured})
		fmt.Fprintln(d, "---")
		showPlan(d, wrong)
		fmt.Fprintln(d, "---")
		showPlan(d, plan)
		for _, s := range []admin.MoveStatus{none, telling, sending, done} {
			fmt.Fprintln(d, "---")
			printMove(d, s, at)
		}
		held := none
		held.Held = 7
		for _, former := range []bool{false, true} {
			fmt.Fprintln(d, "---")
			showCancelled(d, held, former)
		}
	}))
}

func TestWhoIsGone(t *testing.T) {
	for _, tt := range []struct {
		left, followers int
		want            string
	}{
		{0, 0, "nobody has gone over yet"},
		{0, 1, "nobody has gone over yet"},
		{1, 1, "1 of 1 follower is gone, and does not come back by this"},
		{1, 9, "1 of 9 followers is gone, and does not come back by this"},
		{4, 9, "4 of 9 followers are gone, and do not come back by this"},
	} {
		if got := whoIsGone(tt.left, tt.followers); got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.left, tt.followers, got, tt.want)
		}
	}
}
