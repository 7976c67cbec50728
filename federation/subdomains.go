package federation

import (
	"net"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/net/publicsuffix"
)

// newHostsMost is how many hosts below one registrable domain may bring new followers and reactions in a day. Whoever has a
// wildcard name has any number of hosts for nothing, could have each follow or fill what is kept of a host, and point them all at somebody else
// afterwards, who would get a connection for each with every post (mastodon CVE-2022-46405). Mastodon (4.x,
// SUBDOMAINS_RATELIMIT) allows ten; hosts of platforms that give everybody one, and are not in the public suffix
// list, need more.
const newHostsMost = 30

// subdomains counts the hosts below registrable domains. It is safe for concurrent use, and bounded.
type subdomains struct {
	mu    sync.Mutex
	seen  *lru.Cache[string, hostsOfDay] // by registrable domain
	limit int
}

type hostsOfDay struct {
	since time.Time
	hosts map[string]bool
}

func newSubdomains(limit int) *subdomains {
	return &subdomains{seen: newCache[hostsOfDay](), limit: limit}
}

// allow reports whether a host is one of the few of its domain today, and counts it.
func (s *subdomains) allow(host string, now time.Time) bool {
	domain := registrable(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	day, _ := s.seen.Get(domain)
	if day.hosts == nil || now.Sub(day.since) >= 24*time.Hour {
		day = hostsOfDay{since: now, hosts: map[string]bool{}}
	}
	if !day.hosts[host] {
		if len(day.hosts) >= s.limit {
			return false
		}
		day.hosts[host] = true
	}
	s.seen.Add(domain, day)
	return true
}

// registrable is the domain that somebody registered to have a host; an address, or what no suffix is known of, is
// its own.
func registrable(host string) string {
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return host
	}
	return domain
}
