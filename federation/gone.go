package federation

import (
	"context"
	"math/rand/v2"
	"time"

	"crier/store"
)

const (
	// firstSweep is how long after the start the first look at gone inboxes is taken: soon enough for a
	// daemon that is restarted every day, and not in the rush of the start.
	firstSweep = 10 * time.Minute

	// sweepEvery is the pause between two looks. Days are counted, so more looks would prove no more.
	sweepEvery = 24 * time.Hour

	// sweepMax bounds one look: a big server that closes must not turn into a flood of fetches by us. Who
	// is left out is looked at another day.
	sweepMax = 200

	// goneDays is on how many different days an actor must be gone before the follower is forgotten. A 410
	// alone proves little: a proxy in front of a server that is being moved answers so, too.
	goneDays = 3
)

// runSweeps looks once a day after the followers behind inboxes that answered 410, and after deliveries that
// were parked too long ago, until ctx is done.
func (s *Server) runSweeps(ctx context.Context) {
	for wait := firstSweep; sleep(ctx, nil, wait); wait = sweepEvery {
		s.sweepGone(ctx)
		s.sweepParked()
		s.boundDues()
	}
}

// sweepParked drops what nobody would want to read any more.
func (s *Server) sweepParked() {
	dropped, err := s.db.DropParked(time.Now())
	switch {
	case err != nil:
		s.log.Error("cannot drop old deliveries", "err", err)
	case dropped > 0:
		s.log.Info("deliveries dropped that waited for a month", "deliveries", dropped)
	}
}

// sweepGone asks for the actors of followers whose inbox is gone. One that is gone, too, on several days
// follows us no longer; one that is still there is sent to at the inboxes it names now; one that cannot be
// reached stays as it is.
func (s *Server) sweepGone(ctx context.Context) {
	inboxes, err := s.db.GoneInboxes()
	if err != nil {
		s.log.Error("cannot read which inboxes are gone", "err", err)
		return
	}
	var actors []string
	for _, i := range inboxes {
		actors = append(actors, i.Followers...)
	}
	rand.Shuffle(len(actors), func(i, j int) { actors[i], actors[j] = actors[j], actors[i] })
	for _, id := range actors[:min(len(actors), sweepMax)] {
		if ctx.Err() != nil {
			return
		}
		if err := s.sweepActor(ctx, id); err != nil {
			s.log.Error("cannot store how a follower with a gone inbox fares", "actor", id, "err", err)
		}
	}
}

// sweepActor looks after one of them. Only a failure of the store is an error.
func (s *Server) sweepActor(ctx context.Context, id string) error {
	// Not from memory: what was true yesterday is what is in doubt.
	a, err := s.resolver.fetchActor(ctx, id)
	switch {
	case isGone(err):
		removed, err := s.db.RecordActorGone(time.Now(), id, goneDays)
		if removed {
			s.forgotten(id)
		}
		return err
	case err != nil:
		s.log.Debug("a follower with a gone inbox cannot be reached", "actor", id, "err", err)
		return nil
	case a.ID != id || !sameHost(a.Inbox, id):
		s.log.Debug("a follower with a gone inbox names one that is not its own", "actor", id)
		return nil
	}
	s.log.Debug("a follower with a gone inbox is still there", "actor", id, "inbox", a.Inbox)
	return s.db.RecordActorAlive(id, a.Inbox, a.SharedInbox)
}

// forgotten tells the owner of a follower that was removed because its account is no more.
func (s *Server) forgotten(id string) {
	s.appendLog(store.LogEntry{
		Time: time.Now(), Direction: "out", Type: "GET", Object: id, From: s.ids.Actor(), To: id,
		Result: "gone on 3 days, follower removed",
	})
	s.log.Info("follower removed: its inbox and its account are gone", "actor", id)
}
