package federation

import (
	"context"
	"errors"

	"crier/store"
)

const (
	maxComplaint = 200 // bytes of what a report says that are shown in the log
	maxReported  = 20  // things that one report may be about
)

// takeReport keeps a report (Flag) of us or of posts of ours. It is the owner's to read: the log says why somebody
// complains, crier status that somebody does, and a notice tells of it. One host cannot have many kept.
func (s *Server) takeReport(_ context.Context, a arrival) error {
	if !s.noted.spend(hostOf(a.actor), a.now) {
		return errTooMany
	}
	if err := s.notCrowded(a); err != nil {
		return err
	}
	r := store.Report{Actor: a.actor, Time: a.now}
	// Lemmy gives its reason as summary.
	r.Text = clean(withoutTags(firstOf(a.doc.text("content"), a.doc.text("summary"))), maxComplaint)
	for _, id := range a.doc.refs("object") {
		if s.ids.Ours(id) && len(r.Objects) < maxReported {
			r.Objects = append(r.Objects, clean(id, maxAddress))
		}
	}
	result := "202 Accepted, reported to you"
	if r.Text != "" {
		result += ": " + r.Text
	}
	line := s.line(a.activity, result, a.now)
	switch err := s.db.AddReport(r, a.seenAs(), line); {
	case errors.Is(err, store.ErrBlocked):
		return nil // just now
	case errors.Is(err, store.ErrFull):
		return s.log202(a, result)
	default:
		return err
	}
}

// takeMove notes that a follower moved. It stays until its server takes the follow back or deletes the account, and the
// new account has to follow for itself: the word of the old one does not bind it.
func (s *Server) takeMove(_ context.Context, a arrival) error {
	if a.objectID() != a.actor {
		return s.onlyLog(a, "202 Accepted, noted")
	}
	follows, err := s.follows(a.actor)
	if err != nil {
		return err
	}
	if !follows {
		return s.onlyLog(a, "202 Accepted, noted: it does not follow")
	}
	return s.onlyLog(a, "202 Accepted, noted: the new account has to follow for itself")
}

// takeNote writes an activity that concerns us and changes nothing into the log.
func (s *Server) takeNote(_ context.Context, a arrival) error {
	return s.onlyLog(a, "202 Accepted, noted"+whyNoted(a.activity))
}

// whyNoted says why nothing came of an activity, where that is not plain.
func whyNoted(a *activity) string {
	switch a.typ {
	case "Dislike":
		return ": dislikes are not counted"
	case "Accept", "Reject":
		return ": nothing was asked for"
	}
	return ""
}
