package federation

import (
	"fmt"
	"net/http"
	"time"
)

const nodeInfoSchema = "http://nodeinfo.diaspora.software/ns/schema/"

// nodeInfo is what NodeInfo 2.0 and 2.1 tell of a server; they differ in version and repository.
type nodeInfo struct {
	Version           string           `json:"version"`
	Software          nodeSoftware     `json:"software"`
	Protocols         []string         `json:"protocols"`
	Services          nodeServices     `json:"services"`
	OpenRegistrations bool             `json:"openRegistrations"`
	Usage             nodeUsage        `json:"usage"`
	Metadata          nodeInfoMetadata `json:"metadata"`
}

type nodeSoftware struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type nodeServices struct {
	Inbound  []string `json:"inbound"`
	Outbound []string `json:"outbound"`
}

type nodeUsage struct {
	Users      nodeUsers `json:"users"`
	LocalPosts int       `json:"localPosts"`
}

type nodeUsers struct {
	Total          int `json:"total"`
	ActiveMonth    int `json:"activeMonth"`
	ActiveHalfyear int `json:"activeHalfyear"`
}

type nodeInfoMetadata struct {
	NodeName        string `json:"nodeName"`
	NodeDescription string `json:"nodeDescription,omitempty"`
}

type nodeInfoLinks struct {
	Links []nodeInfoLink `json:"links"`
}

type nodeInfoLink struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// makeNodeInfoLinks names 2.1 first and 2.0 last: Akkoma knows only 2.0, and GoToSocial takes the last
// one, and refuses a profile parameter with 2.1.
func (s *Server) makeNodeInfoLinks() document {
	links := nodeInfoLinks{}
	for _, version := range []string{"2.1", "2.0"} {
		links.Links = append(links.Links, nodeInfoLink{
			Rel: nodeInfoSchema + version, Href: s.ids.Base() + "/nodeinfo/" + version,
		})
	}
	return newPlainJSON(mustEncode(links), ageDiscovery)
}

func newPlainJSON(b []byte, maxAge time.Duration) document {
	return document{body: b, etag: etagOf(b), typ: "application/json", maxAge: maxAge}
}

// serveNodeInfo returns the handler for one version of NodeInfo. Its figures are those of the store.
func (s *Server) serveNodeInfo(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		usage, err := s.usage(time.Now())
		if err != nil {
			s.fault(w, r, err)
			return
		}
		newPlainJSON(mustEncode(nodeInfo{
			Version:   version,
			Software:  nodeSoftware{Name: "crier", Version: firstOf(s.cfg.Version, "0")},
			Protocols: []string{"activitypub"},
			Services:  nodeServices{Inbound: []string{}, Outbound: []string{}},
			Usage:     usage,
			Metadata: nodeInfoMetadata{
				NodeName: firstOf(s.cfg.Profile.Name, s.user), NodeDescription: plainText(s.cfg.Profile.Summary, 500),
			},
		}), ageActor).serve(w, r)
	}
}

// usage counts the listed posts; the one user is active while the newest of them is young enough.
func (s *Server) usage(now time.Time) (nodeUsage, error) {
	posts, err := s.db.CountListed()
	if err != nil {
		return nodeUsage{}, fmt.Errorf("count the posts: %w", err)
	}
	newest, err := s.db.Outbox(0, 1)
	if err != nil {
		return nodeUsage{}, fmt.Errorf("read the newest post: %w", err)
	}
	u := nodeUsage{Users: nodeUsers{Total: 1}, LocalPosts: posts}
	if len(newest) == 0 {
		return u, nil
	}
	if newest[0].Published.After(now.AddDate(0, -1, 0)) {
		u.Users.ActiveMonth = 1
	}
	if newest[0].Published.After(now.AddDate(0, -6, 0)) {
		u.Users.ActiveHalfyear = 1
	}
	return u, nil
}
