package federation

import (
	"fmt"
	"time"
)

// sameMoment is how long the same message may come again and count again. Signatures have seconds for time:
// who follows, leaves and follows within one, as only programs do, sends the same bytes twice.
const sameMoment = 3 * time.Second

// alreadyTaken reports whether the activity was taken before; of one that may be sent again, whether this very
// message was, and not just now.
func (s *Server) alreadyTaken(a *activity) (bool, error) {
	if a.seenAs() == "" {
		return false, nil
	}
	first, err := s.db.SeenAt(a.seenAs())
	if err != nil {
		return false, fmt.Errorf("look for activity %s: %w", a.id, err)
	}
	if a.repeats() {
		return !first.IsZero() && time.Since(first) > sameMoment, nil
	}
	return !first.IsZero(), nil
}

// repeats reports whether an activity of this type may come again and count again. A Follow does: it is how peers
// heal a lost Accept, and so is the wish to quote. So does an Undo: Misskey and Pixelfed make the same id
// of it each time somebody leaves.
func (a *activity) repeats() bool {
	return a.typ == "Follow" || a.typ == "Undo" || a.typ == "QuoteRequest"
}
