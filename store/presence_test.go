package store

import (
	"errors"
	"testing"
)

func TestPresence(t *testing.T) {
	db := open(t)
	first := must[Presence](t)(db.Presence())
	first.Announced = "a"
	tell := Broadcast{
		Activity: Activity{ID: "https://fedi.example/activities/u", Type: "Update", Object: "https://fedi.example/users/u", Body: []byte(`{"id":1}`)},
		Log:      []LogEntry{{Time: noon, Type: "Update"}},
	}
	if n := must[int](t)(db.SavePresence(noon, first, tell)); n != 0 {
		t.Errorf("%d inboxes without followers", n)
	}
	if _, err := db.Activity(tell.Activity.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("an activity for nobody is kept: %v", err)
	}
	if _, err := db.SavePresence(noon, first); !errors.Is(err, ErrConflict) {
		t.Errorf("an outdated presence was stored: %v", err)
	}
	second := must[Presence](t)(db.Presence())
	if second.Announced != "a" || second.Version != 1 {
		t.Errorf("stored is %+v", second)
	}
	if lines := must[[]LogEntry](t)(db.Log(0, 0, false)); len(lines) != 1 {
		t.Errorf("%d lines in the log", len(lines))
	}
}
