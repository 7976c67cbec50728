package federation

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"

	"crier/store"
)

// reopen starts the daemon anew with another profile.
func (d *daemon) reopen(change func(*Config)) {
	d.t.Helper()
	d.halt()
	p, err := d.db.Presence()
	if err != nil {
		d.t.Fatal(err)
	}
	c := testConfig(d.db, d.net, slog.New(slog.NewTextHandler(io.Discard, nil)))
	c.Presence = p
	change(&c)
	d.s = New(c)
	d.run()
}

// TestFollowersHearOfAnotherProfile: once for each change, with the whole actor in it and an id of its own,
// though the profile returns to what it was.
func TestFollowersHearOfAnotherProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "a.example")
		d.follow(p, "ann", true)
		d.run()
		settle()
		expectTypes(t, p)

		d.reopen(fullProfile)
		settle()
		d.reopen(fullProfile)
		settle()
		d.reopen(func(*Config) {})
		settle()
		got := expectTypes(t, p, "Update", "Update")
		if got[0].ID == got[1].ID {
			t.Errorf("two updates have the id %s", got[0].ID)
		}
		key, err := json.Marshal(publicKeyPEM(&testKey().PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "activity_update_actor.json", bytes.Replace(got[0].Body, key, []byte(`"KEY"`), 1))
		if a, err := d.db.Activity(got[0].ID); err != nil || a.Type != "Update" {
			t.Errorf("the update cannot be fetched: %v", err)
		}
	})
}

// TestChangedPresenceIsServedWhenStored: what could not be stored is not served either.
func TestChangedPresenceIsServedWhenStored(t *testing.T) {
	d := newDaemon(t)
	if _, err := d.s.AnnounceActor(); err != nil {
		t.Fatal(err)
	}
	before := d.s.person()
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.s.changePresence(func(p *store.Presence) { p.Announced = "another" }); err == nil {
		t.Error("a closed store took a change")
	}
	if d.s.person() != before {
		t.Error("the change is served")
	}
	d.open()
}
