package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestSigning(t *testing.T) {
	db := open(t)
	if s := must[Signing](t)(db.Signing("a.example")); s.Scheme != "" {
		t.Errorf("known from nowhere: %+v", s)
	}
	ok(t, db.RememberSigning("a.example", Signing{})) // nothing to forget
	for range 2 {
		ok(t, db.RememberSigning("a.example", Signing{Scheme: "rfc9421", Since: noon}))
	}
	if s := must[Signing](t)(db.Signing("a.example")); s.Scheme != "rfc9421" || !s.Since.Equal(noon) {
		t.Errorf("%+v", s)
	}
	if s := must[Signing](t)(db.Signing("b.example")); s.Scheme != "" {
		t.Errorf("another host: %+v", s)
	}
	sound(t, db)
	for range 2 {
		ok(t, db.RememberSigning("a.example", Signing{}))
	}
	if s := must[Signing](t)(db.Signing("a.example")); s.Scheme != "" {
		t.Errorf("not forgotten: %+v", s)
	}
	ok(t, db.RememberSigning("", Signing{Scheme: "rfc9421"}))
	for _, host := range []string{"a\x00b", strings.Repeat("x", maxKeyPart+1)} {
		if err := db.RememberSigning(host, Signing{Scheme: "rfc9421"}); err == nil {
			t.Errorf("%.20q was stored", host)
		}
	}
}

// TestSigningsAreBounded: strangers cannot make the store grow.
func TestSigningsAreBounded(t *testing.T) {
	db := open(t)
	ok(t, db.b.Update(func(tx *bolt.Tx) error {
		for i := range signingsMost + 50 {
			if err := rememberSigning(tx, fmt.Appendf(nil, "h%d.example", i), Signing{Scheme: "rfc9421"}); err != nil {
				return err
			}
		}
		return nil
	}))
	n := 0
	ok(t, db.b.View(func(tx *bolt.Tx) error {
		n = tx.Bucket(bucketSignings).Stats().KeyN
		return nil
	}))
	if n != signingsMost {
		t.Errorf("%d hosts are remembered, want %d", n, signingsMost)
	}
	if s := must[Signing](t)(db.Signing(fmt.Sprintf("h%d.example", signingsMost+49))); s.Scheme == "" {
		t.Error("the newest is not among them")
	}
}

func TestReplaceFollowerKey(t *testing.T) {
	db := open(t)
	f := Follower{
		Actor: "https://a.example/u", Inbox: "https://a.example/u/inbox", KeyID: "https://a.example/u#1", Key: "old",
		FollowID: "https://a.example/f", Since: noon, State: FollowerAccepted,
	}
	must[bool](t)(db.AddFollower(noon, Follow{Follower: f}))
	line := LogEntry{Time: noon, Type: "key"}
	if must[bool](t)(db.ReplaceFollowerKey("https://b.example/u", "old", FollowerKey{"k", "new"}, line)) {
		t.Error("nobody has a new key")
	}
	if must[bool](t)(db.ReplaceFollowerKey(f.Actor, "another", FollowerKey{"k", "new"}, line)) {
		t.Error("a key was replaced that is not there")
	}
	if !must[bool](t)(db.ReplaceFollowerKey(f.Actor, "old", FollowerKey{"https://a.example/u#2", "new"}, line)) {
		t.Error("the key was not replaced")
	}
	f.KeyID, f.Key = "https://a.example/u#2", "new"
	got := must[Follower](t)(db.Follower(f.Actor))
	if got.KeyID != f.KeyID || got.Key != f.Key || got.FollowID != f.FollowID || !got.Since.Equal(f.Since) || got.State != f.State {
		t.Errorf("%+v", got)
	}
	if n := len(must[[]LogEntry](t)(db.Log(0, 0, false))); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestAddEd25519(t *testing.T) {
	db := open(t)
	seed, other := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))
	if _, err := db.AddEd25519(seed); err == nil {
		t.Error("a key for no account")
	}
	ok(t, db.CreateAccount(Account{BaseURL: "https://fedi.example", Handle: "u@fedi.example", PrivateKey: []byte("rsa"), Created: noon}))
	for _, s := range [][]byte{seed, other} { // the second comes too late
		a := must[Account](t)(db.AddEd25519(s))
		if string(a.Ed25519) != string(seed) || string(a.PrivateKey) != "rsa" || !a.Created.Equal(noon) {
			t.Errorf("%+v", a)
		}
	}
	if a := must[Account](t)(db.Account()); string(a.Ed25519) != string(seed) {
		t.Errorf("stored: %+v", a)
	}
}

func TestSeenAt(t *testing.T) {
	db := open(t)
	if at := must[time.Time](t)(db.SeenAt("x")); !at.IsZero() {
		t.Errorf("seen at %s", at)
	}
	for i := range 2 {
		ok(t, db.MarkSeen(noon.Add(time.Duration(i)*time.Hour), "x"))
	}
	if at := must[time.Time](t)(db.SeenAt("x")); !at.Equal(noon) {
		t.Errorf("seen at %s, first at %s", at, noon)
	}
}
