package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"crier/internal/fedtest"
)

const (
	typeActivity = "application/activity+json"

	editFrom = "any post you have not counted"
	editTo   = "any post that you have not counted twice"
)

func (s *stage) chapters() []chapter { return slices.Concat(s.beginning(), s.news(), s.moves()) }

// beginning is what happens before the blog says anything new.
func (s *stage) beginning() []chapter {
	return []chapter{
		{"Finding the blog", "alice searches for the blog's handle. Her server asks the blog's host, is sent on to " +
			"crier, fetches the actor, and asks back whether the actor's own host says the same.", []step{
			{"birch finds the handle, there and back", func(ctx context.Context) error { return s.find(ctx, s.peers[0], true) }},
			{"heron finds it too", func(ctx context.Context) error { return s.find(ctx, s.peers[1], false) }},
		}},
		{"Following", "Three people follow it. Each Follow is signed, verified by crier, and answered with a signed " +
			"Accept that embeds it.", []step{
			{"every Follow was answered with an Accept that the follower's server takes", s.followAll},
			{"crier counts 3 followers", func(ctx context.Context) error { return s.countFollowers(ctx, 3) }},
		}},
		{"What was there before", "The three older entries are posts that anybody can fetch, listed in the outbox. " +
			"They were delivered to nobody.", []step{
			{"the outbox lists the 3 older entries with their true dates", s.backfilled},
			{"the address of an older entry, pasted into a search, finds its post", s.pasted},
			{"none of them was delivered", func(context.Context) error { return s.delivered(0) }},
		}},
	}
}

// news is a new entry, an edit, a deletion, and the end of a follow.
func (s *stage) news() []chapter {
	var fog, mistake, winter post
	return []chapter{
		{"A new entry", "The blog publishes an entry. crier reads the feed and sends one Create to each server, however " +
			"many followers live there.", []step{
			{"each server got exactly one Create, on its shared inbox, and verified it", func(ctx context.Context) error {
				return s.publish(ctx, "sea-fog", &fog, s.peers)
			}},
			{"it stands in all three timelines", func(ctx context.Context) error { return s.shows(ctx, &fog, "", s.follows()) }},
			{"its id is made from its page's address, and answers", func(ctx context.Context) error { return s.fetches(ctx, &fog) }},
		}},
		{"An edit", "The author thinks of a word that was missing, and changes the entry on the blog.", []step{
			{"each server got exactly one Update", func(ctx context.Context) error {
				s.site.edit(fog.Slug, editFrom, editTo, time.Now())
				return s.sent(ctx, "Update", fog, s.peers)
			}},
			{"all three timelines show the new text, as an edit", func(ctx context.Context) error {
				return s.shows(ctx, &fog, "edited", s.follows())
			}},
		}},
		{"A deletion", "A draft goes out by mistake, and is taken down again.", []step{
			{"the draft arrived at both servers", func(ctx context.Context) error {
				return s.publish(ctx, "a-mistake", &mistake, s.peers)
			}},
			{"each server got exactly one Delete", func(ctx context.Context) error {
				s.site.remove(mistake.Slug)
				return s.sent(ctx, "Delete", mistake, s.peers)
			}},
			{"it is gone from all three timelines", func(ctx context.Context) error { return s.vanished(ctx, mistake) }},
			{"its id answers 410, with a Tombstone", func(ctx context.Context) error { return s.tombstone(ctx, mistake) }},
		}},
		{"A goodbye", "bob, the only follower on heron, has had enough. The next entry goes to birch alone.", []step{
			{"the Undo was taken, and crier counts 2 followers", s.goodbye},
			{"birch got the next entry", func(ctx context.Context) error {
				return s.publish(ctx, "winter-hours", &winter, s.peers[:1])
			}},
			{"it stands in the timelines of alice and anna", func(ctx context.Context) error {
				return s.shows(ctx, &winter, "", s.follows()[:2])
			}},
			{"heron got nothing", func(context.Context) error { return s.nothingFor(s.peers[1], winter) }},
		}},
	}
}

// find looks the handle up and, where shown, prints the requests that it took.
func (s *stage) find(ctx context.Context, p *peer, shown bool) error {
	p.trace.take()
	a, err := p.Lookup(ctx, s.handle)
	for _, t := range p.trace.take() {
		if shown {
			s.row(row{when: t.when, what: "GET " + t.path, from: p.name, to: s.hosts[t.host], outcome: fmt.Sprint(t.status)})
		}
	}
	switch {
	case err != nil:
		return err
	case a.ID != s.actor:
		return fmt.Errorf("the handle leads to %s, want %s", a.ID, s.actor)
	case a.Handle != s.handle:
		return fmt.Errorf("the account calls itself %s, want %s", a.Handle, s.handle)
	}
	return nil
}

func (s *stage) followAll(ctx context.Context) error {
	for _, f := range s.follows() {
		when := time.Now()
		id, err := f.at.Follow(ctx, f.user, s.actor)
		if err != nil {
			return err
		}
		s.row(row{when: when, what: "Follow(" + f.user + " → blog)", from: f.user + "@" + f.at.name, to: "blog’s inbox", outcome: "202"})
		in, err := f.at.WaitFor(ctx, func(in fedtest.Arrival) bool { return in.Type == "Accept" && in.Object == id })
		if err != nil {
			return err
		}
		s.arrived(f.at, in)
		if !f.at.Following(f.user, s.actor) || !in.Verified || in.Inbox != "/users/"+f.user+"/inbox" {
			return fmt.Errorf("the Accept for %s came to %s and did: %s", f.user, in.Inbox, in.Effect)
		}
	}
	return nil
}

// total reads the totalItems of one of crier's collections.
func (s *stage) total(ctx context.Context, name string) (int, error) {
	doc, err := s.peers[0].GetObject(ctx, s.actor+"/"+name)
	if err != nil {
		return 0, err
	}
	n, ok := doc["totalItems"].(float64)
	if !ok {
		return 0, fmt.Errorf("the collection %s has no number totalItems", name)
	}
	return int(n), nil
}

func (s *stage) countFollowers(ctx context.Context, want int) error {
	n, err := s.total(ctx, "followers")
	if err == nil && n != want {
		err = fmt.Errorf("it counts %d followers, want %d", n, want)
	}
	return err
}

// poll asks again and again until check is content, for what nobody tells us of: crier's own pages.
func poll(ctx context.Context, check func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("it is not so after %s: %w", stepTime, err)
		}
	}
}

// backfilled waits for the end of the first poll and looks at the outbox's first page.
func (s *stage) backfilled(ctx context.Context) error {
	old := s.site.snapshot()
	err := poll(ctx, func() error {
		n, err := s.total(ctx, "outbox")
		if err == nil && n != len(old) {
			err = fmt.Errorf("the outbox lists %d posts, want %d", n, len(old))
		}
		return err
	})
	if err != nil {
		return err
	}
	s.looked("outbox", http.StatusOK, fmt.Sprintf("lists %d posts", len(old)))
	for _, p := range old {
		doc, err := s.peers[0].GetObject(ctx, s.site.postID(p))
		if err != nil {
			return err
		}
		if got, _ := doc["published"].(string); !sameTime(got, p.Published) {
			return fmt.Errorf("post %s is dated %s, want %s", doc["id"], got, p.Published)
		}
		s.looked("“"+p.Title+"”", http.StatusOK, "")
	}
	return nil
}

func sameTime(text string, want time.Time) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && t.Equal(want)
}

// looked prints a line for a document that birch fetched.
func (s *stage) looked(what string, status int, effect string) {
	s.row(row{when: time.Now(), what: "GET " + what, from: "birch", to: "crier", outcome: fmt.Sprint(status), effect: effect})
}

func (s *stage) pasted(ctx context.Context) error {
	p := s.site.snapshot()[0]
	when := time.Now()
	doc, err := s.peers[0].Search(ctx, p.URL)
	if err != nil {
		return err
	}
	s.row(row{when: when, what: "GET " + p.Path, from: "birch", to: "blog", outcome: "200", effect: "links to the post by rel=alternate"})
	if doc["id"] != s.site.postID(p) {
		return fmt.Errorf("the search found %v, want %s", doc["id"], s.site.postID(p))
	}
	return nil
}

// delivered checks how many posts came to the peers so far.
func (s *stage) delivered(want int) error {
	n := 0
	for _, p := range s.peers {
		for _, in := range p.Arrivals() {
			if in.Type == "Create" {
				n++
			}
		}
	}
	if n != want {
		return fmt.Errorf("%d Creates arrived, want %d", n, want)
	}
	return nil
}

// publish puts an entry onto the blog and waits for its Create at the peers.
func (s *stage) publish(ctx context.Context, slug string, to *post, peers []*peer) error {
	p, err := s.site.add(slug, time.Now())
	if err != nil {
		return err
	}
	*to = p
	s.name(p)
	return s.sent(ctx, "Create", p, peers)
}

// sent waits until each peer got an activity about the post, and checks how.
func (s *stage) sent(ctx context.Context, kind string, p post, peers []*peer) error {
	s.poke(ctx)
	id := s.site.postID(p)
	for _, at := range peers {
		match := func(in fedtest.Arrival) bool { return in.Type == kind && in.Object == id }
		in, err := at.WaitFor(ctx, match)
		if err != nil {
			return fmt.Errorf("no %s of %s: %w", kind, id, err)
		}
		s.arrived(at, in)
		n := 0
		for _, one := range at.Arrivals() {
			if match(one) {
				n++
			}
		}
		if n != 1 || !in.Verified || in.Err != nil || in.Inbox != "/inbox" {
			return fmt.Errorf("%d times a %s at %s, the first at %s, verified: %t", n, kind, at.name, in.Inbox, in.Verified)
		}
	}
	return nil
}

// shows checks that the post stands in the timelines, with its edited text where that is asked for.
func (s *stage) shows(_ context.Context, p *post, version string, in []follow) error {
	id := s.site.postID(*p)
	for _, f := range in {
		all := f.at.Timeline(f.user)
		i := slices.IndexFunc(all, func(n fedtest.Note) bool { return n.ID == id })
		if i < 0 {
			return fmt.Errorf("%s does not see %s", f.user, id)
		}
		edited := len(all[i].Edits) == 1 && strings.Contains(all[i].Content, editTo) && all[i].Updated.After(all[i].Published)
		if !strings.Contains(all[i].Content, p.Title) || edited != (version != "") {
			return fmt.Errorf("%s sees %q, edited: %t", f.user, all[i].Content, edited)
		}
	}
	return nil
}

// fetches checks the post as a server finds it at its id.
func (s *stage) fetches(ctx context.Context, p *post) error {
	doc, err := s.peers[1].GetObject(ctx, s.site.postID(*p))
	if err != nil {
		return err
	}
	if doc["url"] != p.URL || doc["attributedTo"] != s.actor {
		return fmt.Errorf("the post's page is %v, its author %v", doc["url"], doc["attributedTo"])
	}
	return nil
}

func (s *stage) vanished(_ context.Context, p post) error {
	id := s.site.postID(p)
	for _, f := range s.follows() {
		for _, n := range f.at.Timeline(f.user) {
			if n.ID == id {
				return fmt.Errorf("%s still sees %s", f.user, id)
			}
		}
	}
	return nil
}

func (s *stage) tombstone(ctx context.Context, p post) error {
	f, err := s.peers[0].Get(ctx, s.site.postID(p), typeActivity)
	if err != nil {
		return err
	}
	s.looked("“"+p.Title+"”", f.Status, "")
	var doc struct{ ID, Type string }
	if err := json.Unmarshal(f.Body, &doc); err != nil {
		return fmt.Errorf("read the tombstone: %w", err)
	}
	if f.Status != http.StatusGone || doc.Type != "Tombstone" || doc.ID != s.site.postID(p) {
		return fmt.Errorf("it answers %d with a %q of id %s", f.Status, doc.Type, doc.ID)
	}
	return nil
}

func (s *stage) goodbye(ctx context.Context) error {
	bob := s.follows()[2]
	when := time.Now()
	if err := bob.at.Undo(ctx, bob.user, s.actor); err != nil {
		return err
	}
	s.row(row{when: when, what: "Undo(Follow(" + bob.user + " → blog))", from: bob.user + "@" + bob.at.name, to: "blog’s inbox", outcome: "202"})
	return s.countFollowers(ctx, 2)
}

func (s *stage) nothingFor(p *peer, about post) error {
	for _, in := range p.Arrivals() {
		if in.Object == s.site.postID(about) {
			return fmt.Errorf("%s got a %s of it", p.name, in.Type)
		}
	}
	return nil
}

// clean looks through all that ever arrived.
func (s *stage) clean() error {
	var errs []error
	for _, p := range s.peers {
		for _, in := range p.Arrivals() {
			if in.Err != nil || in.Duplicate || !in.Verified {
				errs = append(errs, fmt.Errorf("%s at %s: %s %v", in.Type, p.name, in.Effect, in.Err))
			}
		}
	}
	return errors.Join(errs...)
}
