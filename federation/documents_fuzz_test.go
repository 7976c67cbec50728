package federation

import (
	"encoding/json"
	"testing"
)

// FuzzActor: whatever a server says of an actor, what is kept of it is short, its keys are its own and on its host,
// and a shared inbox is on that host as well.
func FuzzActor(f *testing.F) {
	key := publicPEM(testKey())
	good, err := json.Marshal(map[string]any{
		"id": "https://a.example/users/x", "type": "Person", "inbox": "https://a.example/inbox", "preferredUsername": "x",
		"endpoints": map[string]any{"sharedInbox": "https://a.example/inbox"},
		"publicKey": map[string]any{"id": "https://a.example/users/x#main-key", "owner": "https://a.example/users/x", "publicKeyPem": key},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, seed := range []string{
		`{"@id":"https://a.example/","@type":["Woof","Service"],"inbox":"https://b.example/"}`,
		`{"id":"https://a.example/","type":"Person","inbox":"https://a.example/","endpoints":[],"publicKey":[{"id":"https://b.example/"},7]}`,
		`{"id":{"id":"https://a.example/"},"type":7,"inbox":null}`, `[]`, `null`, `{"owner":"https://a.example/","publicKeyPem":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(body) != nil {
			return
		}
		_ = keyOwner(body)
		a, err := parseActor(body)
		if err != nil {
			return
		}
		for _, address := range []string{a.ID, a.Inbox} {
			if !isShortAddress(address) {
				t.Errorf("the actor has the address %q", address)
			}
		}
		if a.SharedInbox != "" && !sameHost(a.SharedInbox, a.ID) {
			t.Errorf("the shared inbox of %q is %q", a.ID, a.SharedInbox)
		}
		if len(a.Keys) > maxKeys || len(a.Name) > 1_000 || len(a.Handle) > 1_000 {
			t.Errorf("too much is kept: %d keys, name %q, handle %q", len(a.Keys), a.Name, a.Handle)
		}
		if clean(a.Name, 1_000) != a.Name || clean(a.Handle, 1_000) != a.Handle {
			t.Errorf("the name %q or the handle %q is not fit to be shown", a.Name, a.Handle)
		}
		for _, k := range a.Keys {
			if !sameHost(k.ID, a.ID) || len(k.PEM) > 4<<10 || len(k.ID) > maxAddress {
				t.Errorf("the key %q of %q", k.ID, a.ID)
			}
		}
	})
}

// FuzzJRD: whatever a host answers to WebFinger, the actor that is read off it comes from a link to itself of an
// ActivityPub type.
func FuzzJRD(f *testing.F) {
	for _, seed := range []string{
		`{"subject":"acct:x@a.example","links":[{"rel":"self","type":"application/activity+json","href":"https://a.example/x"}]}`,
		`{"subject":7,"links":[{"rel":["self"],"type":{},"href":7},{"rel":"self","type":"text/html","href":"https://a.example/x"}]}`,
		`{"links":{"rel":"self"}}`, `{"links":[null,7,[]]}`, `[]`, `null`, `{"subject":null,"links":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(body) != nil {
			return
		}
		var j jrd
		if json.Unmarshal(body, &j) != nil {
			return
		}
		id := j.actor()
		found := id == ""
		for _, l := range j.Links {
			found = found || string(l.Href) == id && l.Rel == "self" && isActivityType(string(l.Type))
		}
		if !found {
			t.Errorf("%s names %q", body, id)
		}
	})
}
