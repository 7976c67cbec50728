package extras

import (
	"sync"
	"time"
)

const (
	slow     = 5 * time.Second // a request that takes so long and fails counts against its host
	strikes  = 2               // so many in a row, and the host is left alone
	rest     = 2 * time.Minute // for so long
	maxHosts = 1_000           // that are remembered
)

// hosts remembers which hosts do not answer, so that a backlog of entries does not wait for each of its
// pictures in turn. It is safe for concurrent use.
type hosts struct {
	mu sync.Mutex
	m  map[string]trouble // guarded by mu; only hosts whose last request was in vain
}

type trouble struct {
	strikes int
	until   time.Time
}

func newHosts() *hosts { return &hosts{m: map[string]trouble{}} }

// resting tells whether a host is to be left alone at now.
func (h *hosts) resting(host string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.m[host].until)
}

// count takes down how a request from start to now went.
func (h *hosts) count(host string, failed bool, start, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !failed {
		delete(h.m, host)
		return
	}
	if now.Sub(start) < slow {
		return
	}
	if len(h.m) >= maxHosts {
		clear(h.m)
	}
	t := h.m[host]
	if t.strikes++; t.strikes >= strikes {
		t.until = now.Add(rest)
	}
	h.m[host] = t
}
