package federation

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNodeInfoSchema holds the documents against what the schemas 2.0 and 2.1 ask for, with the values that others
// read: GoToSocial and Akkoma the name and version of the software, Lemmy that there is an answer, crawlers the figures.
func TestNodeInfoSchema(t *testing.T) {
	for _, change := range []func(*Config){func(*Config) {}, fullProfile, func(c *Config) { c.Version = "" }} {
		d := newDaemon(t)
		c := d.s.cfg
		change(&c)
		d.s = New(c)
		for _, version := range []string{"2.1", "2.0"} {
			var n map[string]any
			decode(t, d.ask("GET", "/nodeinfo/"+version, ""), &n)
			required := []string{"metadata", "openRegistrations", "protocols", "services", "software", "usage", "version"}
			if got := slices.Sorted(maps.Keys(n)); !slices.Equal(got, required) {
				t.Errorf("%s has %v", version, got)
			}
			software, services, usage := sub(n, "software"), sub(n, "services"), sub(n, "usage")
			if n["version"] != version || n["openRegistrations"] != false {
				t.Errorf("%s: %v", version, n)
			}
			if got := slices.Sorted(maps.Keys(software)); !slices.Equal(got, []string{"name", "version"}) ||
				!regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(str(software, "name")) || str(software, "version") == "" {
				t.Errorf("%s: software %v", version, software)
			}
			if p, _ := n["protocols"].([]any); !slices.Equal(p, []any{"activitypub"}) {
				t.Errorf("%s: protocols %v", version, p)
			}
			for _, way := range []string{"inbound", "outbound"} {
				if list, ok := services[way].([]any); !ok || len(list) > 0 {
					t.Errorf("%s: %s %v", version, way, services[way])
				}
			}
			users := sub(usage, "users")
			for name, v := range map[string]any{
				"localPosts": usage["localPosts"], "total": users["total"], "activeMonth": users["activeMonth"], "activeHalfyear": users["activeHalfyear"],
			} {
				if f, ok := v.(float64); !ok || f < 0 || f != float64(int(f)) {
					t.Errorf("%s: %s is %v", version, name, v)
				}
			}
			if name := str(sub(n, "metadata"), "nodeName"); name == "" || strings.ContainsAny(name, "\n") {
				t.Errorf("%s: nodeName %q", version, name)
			}
		}
	}
}

func TestNodeInfoDescription(t *testing.T) {
	d := newDaemon(t)
	c := d.s.cfg
	fullProfile(&c)
	d.s = New(c)
	var n nodeInfo
	decode(t, d.ask("GET", "/nodeinfo/2.1", ""), &n)
	if n.Metadata.NodeDescription != "I write things." {
		t.Errorf("%q", n.Metadata.NodeDescription)
	}
}

// TestNodeInfoActivity: the one user is active as long as the newest post is young.
func TestNodeInfoActivity(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		newest time.Time
		want   nodeUsers
	}{
		"nothing":          {time.Time{}, nodeUsers{Total: 1}},
		"today":            {now.Add(-time.Hour), nodeUsers{1, 1, 1}},
		"three weeks ago":  {now.AddDate(0, 0, -21), nodeUsers{1, 1, 1}},
		"two months ago":   {now.AddDate(0, -2, 0), nodeUsers{1, 0, 1}},
		"five months ago":  {now.AddDate(0, -5, 0), nodeUsers{1, 0, 1}},
		"seven months ago": {now.AddDate(0, -7, 0), nodeUsers{1, 0, 0}},
	} {
		d := published(t)
		if !c.newest.IsZero() {
			d.add("example.com/old/", false, now.AddDate(-3, 0, 0))
			d.add("example.com/new/", false, c.newest)
			d.publishDue()
		}
		got, err := d.s.usage(now)
		if err != nil || got.Users != c.want {
			t.Errorf("%s: %+v, %v", name, got.Users, err)
		}
	}
}

// TestNodeInfoLinks: Akkoma takes 2.0 alone, Misskey 2.1 before others, GoToSocial the last that begins with schema/2,
// and none with a profile in its type.
func TestNodeInfoLinks(t *testing.T) {
	d := newDaemon(t)
	w := d.ask("GET", "/.well-known/nodeinfo", "")
	var v struct{ Links []struct{ Rel, Href string } }
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	last := v.Links[len(v.Links)-1]
	if v.Links[0].Rel != "http://nodeinfo.diaspora.software/ns/schema/2.1" || last.Rel != "http://nodeinfo.diaspora.software/ns/schema/2.0" {
		t.Errorf("%v", v.Links)
	}
	if w.Header().Get("Content-Type") != "application/json" || d.ask("GET", "/nodeinfo/2.0", "").Header().Get("Content-Type") != "application/json" {
		t.Error("a type with parameters")
	}
}
