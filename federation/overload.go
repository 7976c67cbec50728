package federation

import (
	"net/http"
	"sync/atomic"
)

// workingMost is how many activities are looked at at once. More than this are never under way on a server of any size
// while the disk and the network do their work; each may hold its body, what was read from it, and a look-up.
const workingMost = 256

var errOverloaded = &refusal{status: http.StatusServiceUnavailable, reason: "too much to do, try later"}

// workload counts the activities that are being looked at. An inbox that has too many answers 503 before it reads the
// next one, so that to refuse costs nothing. A body that is still on its way does not count, else who sends slowly
// would keep out all others: connections and large bodies are bounded where they come in (internal/app).
type workload struct{ n atomic.Int64 }

// full reports whether there are too many.
func (w *workload) full() bool { return w.n.Load() >= workingMost }

// begin counts one; the caller calls done when it is over.
func (w *workload) begin() (done func()) {
	w.n.Add(1)
	return func() { w.n.Add(-1) }
}
