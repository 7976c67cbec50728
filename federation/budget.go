package federation

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// budget bounds how much of something one host may cause: so many within a window of time. It is safe for
// concurrent use, and itself bounded: the hosts seen longest ago are forgotten.
type budget struct {
	limit  int
	window time.Duration

	mu    sync.Mutex
	spent *lru.Cache[string, spending] // by host
}

type spending struct {
	since time.Time
	n     int
}

func newBudget(limit int, window time.Duration) *budget {
	return &budget{limit: limit, window: window, spent: newCache[spending]()}
}

// left reports whether a host may cause more at now.
func (b *budget) left(host string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, _ := b.spent.Get(host)
	return now.Sub(s.since) >= b.window || s.n < b.limit
}

// spend notes one more for a host and reports whether it was still within the budget.
func (b *budget) spend(host string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, _ := b.spent.Get(host)
	if now.Sub(s.since) >= b.window {
		s = spending{since: now}
	}
	s.n++
	b.spent.Add(host, s)
	return s.n <= b.limit
}

// places bounds how many fetches are under way, in all and for one host, so that a host that answers
// slowly on purpose does not keep all others from being looked up.
type places struct {
	all     chan struct{}
	perHost int

	mu   sync.Mutex
	busy map[string]int // by host
}

func newPlaces(all, perHost int) *places {
	return &places{all: make(chan struct{}, all), perHost: perHost, busy: map[string]int{}}
}

// take waits for a place, for wait at most. leave gives it back; it is nil where there was none.
func (p *places) take(host string, wait time.Duration) (leave func()) {
	p.mu.Lock()
	if p.busy[host] >= p.perHost {
		p.mu.Unlock()
		return nil
	}
	p.busy[host]++
	p.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case p.all <- struct{}{}:
		return func() {
			<-p.all
			p.free(host)
		}
	case <-timer.C:
		p.free(host)
		return nil
	}
}

func (p *places) free(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[host]--; p.busy[host] == 0 {
		delete(p.busy, host)
	}
}
