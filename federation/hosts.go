package federation

import (
	"fmt"
	"slices"

	"crier/store"
)

// learnHosts takes the hosts that the feeds name as the blog's into what the actor shows, beside those that are
// configured, and reports whether it has to be announced for that. A feed that was not read yet says nothing.
func (s *Server) learnHosts() (changed bool, err error) {
	feeds, err := s.db.Feeds()
	if err != nil {
		return false, fmt.Errorf("read the feeds: %w", err)
	}
	hosts := slices.Clone(s.cfg.Profile.AttributionDomains)
	for _, f := range feeds {
		host := store.HostName("//" + f.Host)
		if _, ours := s.cfg.Feeds[f.URL]; ours && host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	s.living.mu.Lock()
	defer s.living.mu.Unlock()
	// What is served counts, not what was learnt: it may not have been stored the last time.
	if slices.Equal(hosts, slices.Sorted(slices.Values(s.person().profile.AttributionDomains))) {
		return false, nil
	}
	s.living.hosts = hosts
	return true, nil
}
