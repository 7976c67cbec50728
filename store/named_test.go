package store

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestBlockDropsWhatNamesTheActor: what waits for a blocked actor who does not follow goes from its server's shared
// inbox, too; not what others are reached through there.
func TestBlockDropsWhatNamesTheActor(t *testing.T) {
	const x, y, shared, own = "https://p.example/x", "https://p.example/y", "https://p.example/inbox", "https://p.example/x/inbox"
	named := func(actor, inbox string) Mention { return Mention{Actor: actor, Inbox: inbox} }
	for name, c := range map[string]struct {
		mentions []Mention
		follower string // shared inbox of somebody who follows
		left     string
	}{
		"alone":                   {[]Mention{named(x, shared)}, "", ""},
		"alone, directly":         {[]Mention{named(x, own)}, shared, ""},
		"with others elsewhere":   {[]Mention{named(x, shared), named("https://q.example/z", "https://q.example/inbox")}, "", "Create q.example/inbox"},
		"with a neighbour":        {[]Mention{named(x, shared), named(y, shared)}, "", "Create p.example/inbox"},
		"a neighbour alone":       {[]Mention{named(y, shared)}, "", "Create p.example/inbox"},
		"a neighbour who follows": {[]Mention{named(x, shared)}, shared, "Create p.example/inbox"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			if c.follower != "" {
				follow(t, db, "https://p.example/f", "https://p.example/f/inbox", c.follower)
			}
			p := Publication{
				Post: Post{
					Path: "notes/1", ID: "https://me.example/posts/notes/1", State: PostLive, Published: noon,
					Mentions: c.mentions, Object: json.RawMessage(`{}`), Create: "https://me.example/activities/1",
				},
				Deliver:  slices.Contains(c.mentions, named(x, shared)), // what is direct goes to nobody else
				Activity: Activity{ID: "https://me.example/activities/1", Type: "Create", Object: "https://me.example/posts/notes/1", Body: []byte(`{}`)},
			}
			for _, m := range c.mentions {
				p.Inboxes = append(p.Inboxes, m.Inbox)
			}
			must[int](t)(db.Publish(noon, p))
			must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, x)))
			left := slices.DeleteFunc(must[[]Delivery](t)(db.Deliveries()), func(d Delivery) bool { return d.Type == "Accept" })
			if got := names(left); got != c.left {
				t.Errorf("left: %s", got)
			}
			sound(t, db)
		})
	}
}

// TestBlockDropsBoosts: the author of a boosted post is not told of it any more.
func TestBlockDropsBoosts(t *testing.T) {
	db := open(t)
	b := Boost{Object: "https://p.example/1", Author: "https://p.example/x", Inbox: "https://p.example/inbox", Number: 1, Announce: "https://me.example/activities/a", Published: noon}
	must[int](t)(db.AddBoost(noon, b, Outgoing{
		Activity: Activity{ID: b.Announce, Type: "Announce", Object: b.Object, Body: []byte(`{}`)}, Inboxes: []string{b.Inbox},
	}))
	if done := must[Blocked](t)(db.AddBlock(noon, actorBlock(t, db, b.Author))); done.Deliveries != 1 {
		t.Errorf("%+v", done)
	}
	sound(t, db)
}
