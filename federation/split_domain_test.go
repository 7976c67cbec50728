package federation

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	atDomain = "user@example.com"      // what the owner wants to be called
	atDaemon = "user@fedi.example.com" // what those call the account that know no other name than the one at its host
)

// apex is what the handle's own host answers. It is given the daemon's routes, to copy or to stand in front of.
type apex func(daemon http.Handler) http.Handler

// sendsOn redirects some paths to another host, with what was asked for, and knows nothing else.
func sendsOn(status int, to string, paths ...string) apex {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !slices.Contains(paths, r.URL.Path) {
				http.NotFound(w, r)
				return
			}
			http.Redirect(w, r, to+r.URL.RequestURI(), status)
		})
	}
}

// keeps serves copies of what the daemon answers as files, under the given types, whatever is asked for.
func keeps(types map[string]string) apex {
	return func(daemon http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			typ, ok := types[r.URL.Path]
			if !ok {
				http.NotFound(w, r)
				return
			}
			target := r.URL.Path
			if target == pathFinger {
				target += "?resource=acct:" + atDomain
			}
			copied := askHandler(daemon, http.MethodGet, target, "")
			w.Header().Set("Content-Type", typ)
			_, _ = w.Write(copied.Body.Bytes())
		})
	}
}

const pathFinger, pathMeta = "/.well-known/webfinger", "/.well-known/host-meta"

// standsIn passes everything on, as a proxy does.
func standsIn(daemon http.Handler) http.Handler { return daemon }

// splitDaemon is an account whose handle is on another host than the daemon, with that host's answers.
func splitDaemon(t *testing.T, front apex, change ...func(*Config)) (*daemon, web) {
	t.Helper()
	d := newDaemon(t)
	c := d.s.cfg
	for _, f := range change {
		f(&c)
	}
	d.s = New(c)
	d.net.handle("fedi.example.com", d.s.Handler())
	if front != nil {
		d.net.handle("example.com", front(d.s.Handler()))
	}
	return d, web{d.net}
}

// refused is shown where that software finds nobody.
const refused = ""

// TestSplitDomain plays what each implementation does for each way in which the handle's host can lead to the daemon,
// by the handle and, back, by the id. What is not listed as otherwise shows the wished handle, or that at the
// daemon's host where it knows no other.
func TestSplitDomain(t *testing.T) {
	onlyAtHost := map[string]string{
		"Misskey 2025.11": atDaemon, "Sharkey 2025.4": atDaemon, "Lemmy 0.19": atDaemon, "Pixelfed": atDaemon, "PeerTube": atDaemon,
	}
	noHostMeta := map[string]string{
		"Misskey 2025.11": refused, "Lemmy 0.19": refused, "Fedify 2.3": refused, "Pixelfed": refused, "PeerTube": refused, "WordPress": refused,
	}
	const jrd, xrd, octets = "application/jrd+json", "application/xrd+xml", "application/octet-stream"
	for _, world := range []struct {
		name  string
		front apex
		other map[string]string
	}{
		{"301 of both", sendsOn(301, testBase, pathFinger, pathMeta), nil},
		{"302 of both", sendsOn(302, testBase, pathFinger, pathMeta), nil},
		{"307 of both", sendsOn(307, testBase, pathFinger, pathMeta), nil},
		{"308 of both", sendsOn(308, testBase, pathFinger, pathMeta), nil},
		// Akkoma believes the subject only where both names lead to one host.
		{"redirect without host-meta", sendsOn(302, testBase, pathFinger), map[string]string{"Akkoma 2025.10": atDaemon}},
		{"files", keeps(map[string]string{pathFinger: jrd, pathMeta: xrd}), nil},
		{"files, as JSON and XML", keeps(map[string]string{pathFinger: "application/json; charset=utf-8", pathMeta: "application/xml"}), nil},
		{"one file", keeps(map[string]string{pathFinger: jrd}), map[string]string{"Akkoma 2025.10": atDaemon}},
		// GitHub Pages knows no type for files of such names.
		{"files as octets", keeps(map[string]string{pathFinger: octets, pathMeta: octets}), map[string]string{"GoToSocial 0.20": refused}},
		{"one file as octets", keeps(map[string]string{pathFinger: octets}), map[string]string{"GoToSocial 0.20": refused, "Akkoma 2025.10": refused}},
		{"host-meta alone, sent on", sendsOn(302, testBase, pathMeta), noHostMeta},
		{"host-meta alone, as a file", keeps(map[string]string{pathMeta: xrd}), noHostMeta},
		{"crier behind a proxy", standsIn, nil},
		{"nothing", sendsOn(302, testBase), map[string]string{
			"Mastodon 4.5": refused, "Mastodon 4.6": refused, "GoToSocial 0.20": refused, "Sharkey 2025.4": refused, "Akkoma 2025.10": refused,
			"Misskey 2025.11": refused, "Lemmy 0.19": refused, "Fedify 2.3": refused, "Pixelfed": refused, "PeerTube": refused, "WordPress": refused,
		}},
	} {
		t.Run(world.name, func(t *testing.T) {
			d, w := splitDaemon(t, world.front)
			for _, rule := range resolverRules() {
				want := firstOf(onlyAtHost[rule.name], atDomain)
				if other, ok := world.other[rule.name]; ok {
					want = other
				}
				shown, id, err := rule.show(w, atDomain)
				if shown != want || want != refused && id != d.s.ids.Actor() {
					t.Errorf("%s shows %q (%s), want %q: %v", rule.name, shown, id, want, err)
				}
				if want == refused {
					continue
				}
				if back, err := rule.showID(w, d.s.ids.Actor()); back != want {
					t.Errorf("%s shows %q for the id, want %q: %v", rule.name, back, want, err)
				}
			}
		})
	}
}

// TestSplitDomainByWWW: a blog whose domain leads to its www leads on from there. Lemmy follows one redirect only.
func TestSplitDomainByWWW(t *testing.T) {
	d, w := splitDaemon(t, sendsOn(301, "https://www.example.com", pathFinger, pathMeta))
	d.net.handle("www.example.com", sendsOn(302, testBase, pathFinger, pathMeta)(nil))
	for _, rule := range resolverRules() {
		shown, _, err := rule.show(w, atDomain)
		if rule.name == "Lemmy 0.19" {
			if err == nil {
				t.Errorf("%s followed two redirects", rule.name)
			}
			continue
		}
		if shown != atDomain && shown != atDaemon {
			t.Errorf("%s shows %q: %v", rule.name, shown, err)
		}
	}
}

// TestOtherNames: every further name of the account leads to it, and to one handle, the only one that is ever shown.
// GoToSocial wants the user that it asked for, so that it finds no other.
func TestOtherNames(t *testing.T) {
	d, w := splitDaemon(t, sendsOn(302, testBase, pathFinger, pathMeta), func(c *Config) {
		c.Aliases = map[string]string{
			"user@www.example.com": "self", "example.com@example.com": "self", "blog@example.com": "self", "old.name@example.com": "self",
			"user@old.example": "self",
		}
	})
	for _, host := range []string{"www.example.com", "old.example"} {
		d.net.handle(host, sendsOn(302, testBase, pathFinger, pathMeta)(nil))
	}
	for _, name := range []string{
		atDaemon, "user@www.example.com", "user@old.example", "example.com@example.com", "blog@example.com", "old.name@example.com",
	} {
		user, _ := parts(name)
		for _, rule := range resolverRules() {
			shown, id, err := rule.show(w, name)
			if rule.name == "GoToSocial 0.20" && user != "user" {
				if err == nil {
					t.Errorf("%s takes %s for %s", rule.name, name, shown)
				}
				continue
			}
			if id != d.s.ids.Actor() || shown != atDomain && shown != atDaemon {
				t.Errorf("%s shows %q for %s: %v", rule.name, shown, name, err)
			}
		}
	}
}

// TestNameOfAnother: a name of this host may stand for an actor elsewhere; everybody finds that one.
func TestNameOfAnother(t *testing.T) {
	d, w := splitDaemon(t, sendsOn(302, testBase, pathFinger, pathMeta), func(c *Config) {
		c.Aliases = map[string]string{"other@example.com": elsewhere}
	})
	d.net.handle("social.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/users/other":
			serveJSON(w, typeActivity, map[string]any{"id": elsewhere, "type": "Person", "preferredUsername": "other", "inbox": elsewhere + "/inbox"})
		case pathFinger:
			serveJSON(w, typeJRD, elsewhereJRD("acct:other@social.example", elsewhere))
		default:
			http.NotFound(w, r)
		}
	}))
	for _, rule := range resolverRules() {
		shown, id, err := rule.show(w, "other@example.com")
		if shown != "other@social.example" || id != elsewhere {
			t.Errorf("%s shows %q (%s): %v", rule.name, shown, id, err)
		}
	}
}

// TestOneHost: where handle and daemon share a host everybody shows the same.
func TestOneHost(t *testing.T) {
	_, w := splitDaemon(t, nil, func(c *Config) { c.Handle = atDaemon })
	for _, rule := range resolverRules() {
		if shown, _, err := rule.show(w, atDaemon); shown != atDaemon {
			t.Errorf("%s shows %q: %v", rule.name, shown, err)
		}
	}
}

// TestInternationalDomain: the domain goes around as its A-label; people type the other form.
func TestInternationalDomain(t *testing.T) {
	const domain, base, handle = "xn--bcher-kva.example", "https://fedi.xn--bcher-kva.example", "user@xn--bcher-kva.example"
	d, w := splitDaemon(t, nil, func(c *Config) { c.BaseURL, c.Handle = base, handle })
	d.net.handle("fedi."+domain, d.s.Handler())
	d.net.handle(domain, sendsOn(302, base, pathFinger, pathMeta)(nil))
	for _, rule := range resolverRules() {
		shown, _, err := rule.show(w, handle)
		if shown != handle && shown != "user@fedi."+domain {
			t.Errorf("%s shows %q: %v", rule.name, shown, err)
		}
	}
	if page := d.ask("GET", "/users/user", acceptBrowser).Body.String(); !strings.Contains(page, ">@user@bücher.example</span>") || strings.Contains(page, "@xn--") {
		t.Errorf("the page shows the domain as nobody reads it:\n%s", page)
	}
	for _, resource := range []string{"acct:user@bücher.example", "acct:user@B%C3%9CCHER.example", "acct:user@" + domain, "https://fedi.b%C3%BCcher.example/users/user",
		"acct:" + domain + "@" + domain, "acct:b%C3%BCcher.example@b%C3%BCcher.example", "acct:B%C3%9CCHER.example@" + domain} {
		var v foundJRD
		decode(t, askHandler(d.s.Handler(), "GET", pathFinger+"?resource="+resource, ""), &v)
		if v.Subject != "acct:"+handle {
			t.Errorf("%s: %q", resource, v.Subject)
		}
	}
}

// TestHandleWithCapitals: the case of a handle makes no difference to who is found, and the handle has one spelling.
func TestHandleWithCapitals(t *testing.T) {
	_, w := splitDaemon(t, sendsOn(302, testBase, pathFinger, pathMeta))
	for _, rule := range resolverRules() {
		shown, _, err := rule.show(w, "User@example.com")
		if rule.name == "GoToSocial 0.20" { // it would not match the subject; it asks as people type
			if err == nil {
				t.Errorf("%s shows %q", rule.name, shown)
			}
			continue
		}
		if shown != atDomain && shown != atDaemon {
			t.Errorf("%s shows %q: %v", rule.name, shown, err)
		}
	}
}

// TestRulesRefuse: the rules themselves can say no, or this file would prove nothing.
func TestRulesRefuse(t *testing.T) {
	lies := map[string]func(j map[string]any){
		"another subject": func(j map[string]any) { j["subject"] = "acct:user@elsewhere.example" },
		"no subject":      func(j map[string]any) { delete(j, "subject") },
		"another id":      func(j map[string]any) { j["links"].([]any)[1].(map[string]any)["href"] = testBase + "/users/user/" },
		"no links":        func(j map[string]any) { j["links"] = []any{} },
	}
	takes := map[string][]string{ // who is none the worse for it
		"another subject": {"Fedify 2.3", "GoToSocial 0.20", "Lemmy 0.19", "Misskey 2025.11", "PeerTube", "Pixelfed", "Sharkey 2025.4", "WordPress"},
		"no subject":      {"Fedify 2.3", "Lemmy 0.19", "Misskey 2025.11", "PeerTube", "Pixelfed", "Sharkey 2025.4"},
	}
	for _, name := range slices.Sorted(maps.Keys(lies)) {
		d, w := splitDaemon(t, nil)
		honest := d.s.Handler()
		lying := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != pathFinger {
				honest.ServeHTTP(w, r)
				return
			}
			var j map[string]any
			if err := json.Unmarshal(askHandler(honest, "GET", r.URL.RequestURI(), "").Body.Bytes(), &j); err != nil {
				http.NotFound(w, r)
				return
			}
			lies[name](j)
			serveJSON(w, typeJRD, j)
		})
		d.net.handle("example.com", lying)
		d.net.handle("fedi.example.com", lying)
		var took []string
		for _, rule := range resolverRules() {
			if _, _, err := rule.show(w, atDomain); err == nil {
				took = append(took, rule.name)
			}
		}
		slices.Sort(took)
		if !slices.Equal(took, takes[name]) {
			t.Errorf("%s: taken by %s, want %s", name, strings.Join(took, ", "), strings.Join(takes[name], ", "))
		}
	}
}
