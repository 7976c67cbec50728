//go:build interop

package interop

// What crier is able to do. Nothing else in these tests depends on it: where one of them is false, the tests
// demand that crier does well without.
const (
	// takesRFC9421: signatures by RFC 9421 are verified, and tried where draft-cavage is refused. Without it such a
	// request is answered with 401 at once, and draft-cavage is all that is sent.
	takesRFC9421 = false

	// knowsSecureMode: the configuration has network.secure_mode, by which posts and collections are shown to who
	// signs alone.
	knowsSecureMode = false

	// countsReactions: likes, shares and replies of a post count what came in.
	countsReactions = false
)
