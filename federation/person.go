package federation

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"crier/store"
)

// person is what is served of the actor itself. It is made from the configuration and from what the store
// knows of the account's life (store.Presence), and made anew when that changes.
type person struct {
	profile Profile
	actor   document
	fingers map[string]finger // WebFinger answers by resourceKey
}

// living is the person as it is now.
type living struct {
	mu    sync.Mutex // held while it is changed
	hosts []string   // of the blog, once the feeds have named others than are configured
	now   atomic.Pointer[person]
}

// person returns what is served of the actor now; nobody may change it.
func (s *Server) person() *person { return s.living.now.Load() }

// makePerson makes what is to be served of the actor while its presence is p.
func (s *Server) makePerson(p store.Presence) *person {
	profile := s.profileOf(p)
	return &person{
		profile: profile,
		actor:   newDocument(s.makeActor(profile), ageActor),
		fingers: s.makeFingers(profile),
	}
}

// profileOf is the configured profile with what the store knows beyond it.
func (s *Server) profileOf(p store.Presence) Profile {
	profile := s.cfg.Profile
	profile.AlsoKnownAs = s.knownAs(p)
	if s.living.hosts != nil {
		profile.AttributionDomains = s.living.hosts
	}
	if p.Move != nil {
		profile.movedTo, profile.movedHandle = p.Move.Target, p.Move.Handle
		profile.handleMoved = p.Move.WebFinger
	}
	return profile
}

// changePresence changes what the store knows of the account, tells the followers where the actor is
// another one by that (Update{Person}), and serves the new actor from then on. What else they are to be
// told follows the Update. All of it is one transaction; after an error nothing has changed.
func (s *Server) changePresence(edit func(*store.Presence), also ...store.Broadcast) (queued int, err error) {
	s.living.mu.Lock()
	defer s.living.mu.Unlock()
	p, err := s.db.Presence()
	if err != nil {
		return 0, fmt.Errorf("read the account's presence: %w", err)
	}
	before := p
	edit(&p)
	next := s.makePerson(p)
	tell := also
	if hash := next.actor.etag; hash != p.Announced {
		if p.Announced != "" { // who follows an account that was never announced has just read its actor
			p.Told++
			update, err := s.updateActor(next, p.Told)
			if err != nil {
				return 0, err
			}
			tell = append([]store.Broadcast{update}, also...)
		}
		p.Announced = hash
	}
	if samePresence(p, before) && len(tell) == 0 {
		return 0, nil
	}
	if queued, err = s.db.SavePresence(time.Now(), p, tell...); err != nil {
		return 0, fmt.Errorf("store the account's presence: %w", err)
	}
	s.living.now.Store(next)
	if queued > 0 {
		s.WakeDeliverer()
	}
	return queued, nil
}

// samePresence reports whether nothing changed that would have to be stored.
func samePresence(a, b store.Presence) bool { return string(mustEncode(a)) == string(mustEncode(b)) }

// AnnounceActor tells the followers of an actor that is another one than they were last told of: after a
// change of the configuration, that is. It returns how many deliveries were queued.
func (s *Server) AnnounceActor() (queued int, err error) {
	return s.changePresence(func(*store.Presence) {})
}

// updateActor makes the Update{Person} with that number. Mastodon takes only one whose object is the
// signer's whole actor.
func (s *Server) updateActor(p *person, number uint64) (store.Broadcast, error) {
	body, err := encode(activityObject{
		Context: actorContext(),
		ID:      s.ids.Activity("Update", s.ids.Actor(), strconv.FormatUint(number, 10)),
		Type:    "Update", Actor: s.ids.Actor(),
		To: []string{Public}, CC: []string{s.ids.Followers()},
		Object: withoutContext(json.RawMessage(p.actor.body)),
	})
	if err != nil {
		return store.Broadcast{}, fmt.Errorf("write the update of the actor: %w", err)
	}
	id := idOf(body)
	return store.Broadcast{
		Activity: store.Activity{ID: id, Type: "Update", Object: s.ids.Actor(), Body: body},
		Log: []store.LogEntry{{
			Time: time.Now(), Direction: "out", Type: "Update", Object: "Person " + s.cfg.Handle, From: s.ids.Actor(),
			To: "the followers", Result: "queued", Activity: id,
		}},
	}, nil
}
