package store

import "time"

// aheadOfOthers is by how much what is urgent is due before what is not, and so overtakes what waits already, at its own
// host and at others. Only what has been due for longer, since there is no room at all, still goes first.
const aheadOfOthers = time.Hour

// ahead is by how much an activity of a type is due before others: somebody waits for an answer, and what is to
// disappear should not wait for what appears. Within one object and inbox the order stays what it was.
func ahead(typ string) time.Duration {
	switch typ {
	case "Accept", "Reject", "Delete":
		return aheadOfOthers
	}
	return 0
}
