package federation

import "context"

const maxComplaint = 200 // bytes of what a report says that are shown in the log

// takeReport notes a report (Flag) of us or of a post of ours. It is the owner's to read: the log says what is
// complained of.
func (s *Server) takeReport(_ context.Context, a arrival) error {
	result := "202 Accepted, reported to you"
	if text := clean(withoutTags(a.doc.text("content")), maxComplaint); text != "" {
		result += ": " + text
	}
	return s.onlyLog(a, result)
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
