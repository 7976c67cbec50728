package app

import (
	"crypto/x509"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// former makes the store of a former account at old.test, which shows movedTo as given.
func (o *outside) former(handle, movedTo string, move *store.Move) {
	o.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(o.key)
	must(o.t, err)
	dir := filepath.Join(o.dir, "data-old")
	db, err := openStore(dir)
	must(o.t, err)
	must(o.t, db.CreateAccount(store.Account{BaseURL: "http://old.test", Handle: handle, PrivateKey: der, Created: time.Now()}))
	if move != nil {
		_, err := db.SavePresence(time.Now(), store.Presence{Move: move})
		must(o.t, err)
	}
	must(o.t, db.Close())
	o.top = `former = "data-old"`
	actor := strings.ReplaceAll(o.actor(o.key), "http://fedi.test", "http://old.test")
	if movedTo != "" {
		actor = strings.Replace(actor, "{", `{"movedTo":"`+movedTo+`",`, 1)
	}
	o.old = map[string]http.HandlerFunc{
		"/readyz":           reply("text/plain", "ok"),
		"/users/user":       reply("application/activity+json", actor),
		"/users/user/inbox": status(http.StatusBadRequest, "text/plain", ""),
		"/.well-known/webfinger": reply("application/jrd+json",
			`{"subject":"acct:`+handle+`","links":[{"rel":"self","type":"application/activity+json","href":"http://old.test/users/user"}]}`),
	}
}

// formerFindings are the findings about the former account.
func (o *outside) formerFindings() []string {
	return slices.DeleteFunc(o.check(), func(line string) bool { return !strings.Contains(line, " former ") })
}

func TestCheckFormer(t *testing.T) {
	const here = "http://fedi.test/users/user"
	key := newKey(t)
	for name, c := range map[string]struct {
		moved   string // as the store says
		movedTo string // as the actor says
		bend    func(o *outside)
		want    []string
	}{
		"not yet moved": {want: []string{
			"note former account: @user@old.test at http://old.test, 0 followers there; they do not know yet that it moves → when all else is well: crier move --former",
			"ok former base address", "warn former base address: http://old.test is plain http", "ok former actor", "ok former inbox",
			"ok former WebFinger at old.test: @user@old.test leads to http://old.test/users/user",
		}},
		"moved": {moved: here, movedTo: here, want: []string{
			"ok former account", "ok", "warn", "ok", "ok", "ok", "ok former movedTo: http://old.test/users/user says that it has moved to " + here,
		}},
		"moved, but an old page is shown": {moved: here, want: []string{
			"ok former account", "ok", "warn", "ok", "ok", "ok", `wrong former movedTo: http://old.test/users/user shows "" as movedTo`,
		}},
		"moved to another": {moved: "http://else.test/users/me", movedTo: "http://else.test/users/me", want: []string{
			"wrong former account: @user@old.test at http://old.test, 0 followers there, moved to http://else.test/users/me and not here",
			"ok", "warn", "ok", "ok", "ok", "ok former movedTo",
		}},
		"the old host leads nowhere": {bend: func(o *outside) { o.old = nil }, want: []string{
			"note former account", "wrong former base address: http://old.test/readyz answers 404", "warn", "warn former actor",
		}},
		"its WebFinger is gone": {bend: func(o *outside) { delete(o.old, "/.well-known/webfinger") }, want: []string{
			"note", "ok", "warn", "ok", "ok", "wrong former WebFinger at old.test",
		}},
		"no such folder": {bend: func(o *outside) { o.top = `former = "nowhere"` }, want: []string{"wrong former account: there is no store in "}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutside(t, key)
			o.account(key)
			var move *store.Move
			if c.moved != "" {
				move = &store.Move{Target: c.moved, Begun: time.Now()}
			}
			o.former("user@old.test", c.movedTo, move)
			if c.bend != nil {
				c.bend(o)
			}
			got := o.formerFindings()
			for i, want := range c.want {
				if i >= len(got) || !strings.HasPrefix(got[i], want) {
					t.Fatalf("finding %d is not %q:\n%s", i, want, strings.Join(got, "\n"))
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("more was found:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}
