package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crier/internal/fedtest"
)

// The rules by which other software finds the post behind a page's address that somebody pastes into its search, in
// our own words. Each returns the id of the post.
type searchRule struct {
	name string
	find func(w web, page string) (id string, err error)
}

func searchRules() []searchRule {
	return []searchRule{
		{"Mastodon 4.4 to 4.7", web.mastodonSearch},
		{"Misskey 2025.11", web.misskeySearch},
		{"GoToSocial 0.20", web.goToSocialSearch},
		{"Akkoma 2025.10", web.akkomaSearch},
		{"Fedify 2.3", web.fedifySearch},
	}
}

func idIn(body []byte) (id, shown string) {
	var v struct{ ID, URL string }
	_ = json.Unmarshal(body, &v)
	return v.ID, v.URL
}

func isAS(g got) bool { return g.typ == "application/activity+json" || g.typ == "application/ld+json" }

var errNoPost = errors.New("no post")

// link is the first alternate of an ActivityPub type in a page.
func link(page []byte) string {
	m := regexp.MustCompile(`<link rel="alternate" type="application/activity\+json" href="([^"]*)">`).FindSubmatch(page)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// mastodonSearch: app/services/fetch_resource_service.rb. A document is taken by its id, fetched once more if that is
// another address than the one asked for. Of a page the first alternate is fetched, and has to bear its address as
// its id.
func (w web) mastodonSearch(page string) (string, error) {
	const accept = `application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", text/html;q=0.1`
	g, err := w.get(page, accept, 3)
	if err != nil || g.status != http.StatusOK {
		return "", fmt.Errorf("%d %w", g.status, err)
	}
	asked := page
	if !isAS(g) {
		if asked = link(g.body); g.typ != "text/html" || asked == "" {
			return "", errNoPost
		}
		if g, err = w.get(asked, accept, 3); err != nil || g.status != http.StatusOK || !isAS(g) {
			return "", fmt.Errorf("the alternate: %d %s %w", g.status, g.typ, err)
		}
		if id, _ := idIn(g.body); id != asked {
			return "", fmt.Errorf("%s is %s", asked, id)
		}
		return asked, nil
	}
	id, _ := idIn(g.body)
	if id == asked {
		return id, nil
	}
	g, err = w.get(id, accept, 3)
	if again, _ := idIn(g.body); err != nil || again != id {
		return "", fmt.Errorf("%s is %s, %w", id, again, err)
	}
	return id, nil
}

// misskeySearch: src/server/api/endpoints/ap/show.ts, src/core/activitypub/ApRequestService.ts. The final address is the
// id; an alternate counts only on the page's own host.
func (w web) misskeySearch(page string) (string, error) {
	g, err := w.get(page, `application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, 3)
	if err != nil || g.status != http.StatusOK {
		return "", fmt.Errorf("%d %w", g.status, err)
	}
	if href := link(g.body); !isAS(g) && href != "" && hostname(href) == hostname(page) {
		return w.misskeySearch(href)
	}
	if id, _ := idIn(g.body); isAS(g) && id == g.url {
		return id, nil
	}
	return "", errNoPost
}

// goToSocialSearch: internal/federation/dereferencing/status.go. The final address is the id or the url.
func (w web) goToSocialSearch(page string) (string, error) {
	g, err := w.get(page, `application/ld+json;profile="https://www.w3.org/ns/activitystreams",application/activity+json`, 10)
	if err != nil || g.status != http.StatusOK || !isAS(g) {
		return "", fmt.Errorf("%d %s %w", g.status, g.typ, err)
	}
	if id, shown := idIn(g.body); id == g.url || shown == g.url {
		return id, nil
	}
	return "", errNoPost
}

// akkomaSearch: lib/pleroma/object/fetcher.ex. An id that is another address is fetched once, and must not redirect.
func (w web) akkomaSearch(page string) (string, error) {
	g, err := w.get(page, "application/activity+json", 5)
	if err != nil || g.status != http.StatusOK || !isAS(g) {
		return "", fmt.Errorf("%d %s %w", g.status, g.typ, err)
	}
	id, _ := idIn(g.body)
	g, err = w.get(id, "application/activity+json", 0)
	if again, _ := idIn(g.body); err != nil || again != id {
		return "", fmt.Errorf("%s is %s, %w", id, again, err)
	}
	return id, nil
}

// fedifySearch: packages/vocab/src/lookup.ts and the document loader: alternates are followed, origins have to agree.
func (w web) fedifySearch(page string) (string, error) {
	g, err := w.get(page, "application/activity+json, application/ld+json", 20)
	if err != nil || g.status != http.StatusOK {
		return "", fmt.Errorf("%d %w", g.status, err)
	}
	if href := link(g.body); !isAS(g) && href != "" {
		if g, err = w.get(href, "application/activity+json, application/ld+json", 20); err != nil {
			return "", err
		}
	}
	if id, _ := idIn(g.body); isAS(g) && hostname(id) == hostname(g.url) {
		return id, nil
	}
	return "", errNoPost
}

// blog serves one entry's page. What asks for ActivityPub is sent to redirect, if that is set; the page names an
// alternate, if that is set.
func blog(redirect, alternate string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if redirect != "" && strings.Contains(r.Header.Get("Accept"), "json") {
			http.Redirect(w, r, redirect, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>An entry</title><link rel="alternate" type="application/rss+xml" href="/index.xml">`)
		if alternate != "" {
			fmt.Fprintf(w, `<link rel="alternate" type="application/activity+json" href="%s">`, alternate)
		}
	}
}

// TestPastedAddress plays what others do with the address of an entry's page, for each way in which the blog can lead
// them to the post.
func TestPastedAddress(t *testing.T) {
	const key = "example.com/%C3%BCber/uns/"
	const post, page, query = testBase + "/posts/" + key, "https://" + key, testBase + "/posts?url=https://" + "example.com/%25C3%25BCber/uns/"
	everybody := []string{"Akkoma 2025.10", "Fedify 2.3", "GoToSocial 0.20", "Mastodon 4.4 to 4.7", "Misskey 2025.11"}
	byAlternate := []string{"Fedify 2.3", "Mastodon 4.4 to 4.7"}
	for name, c := range map[string]struct {
		redirect, alternate string
		finders             []string
	}{
		"an alternate":                       {"", post, byAlternate},
		"a redirect to the post":             {post, "", everybody},
		"a redirect to the search":           {query, "", everybody},
		"both":                               {query, post, everybody},
		"nothing":                            {"", "", nil},
		"an alternate that is the search":    {"", query, []string{"Fedify 2.3"}}, // Mastodon wants the id, not a way to it
		"an alternate of another entry":      {"", testBase + "/posts/example.com/none/", nil},
		"an alternate in another spelling":   {"", testBase + "/posts/example.com/%c3%bcber/uns/", []string{"Fedify 2.3"}},
		"an alternate with a campaign's tag": {"", post + "?utm_source=x", []string{"Fedify 2.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := published(t, key)
			d.net.handle("fedi.example.com", d.s.Handler())
			d.net.handle("example.com", blog(c.redirect, c.alternate))
			var finders []string
			for _, rule := range searchRules() {
				id, err := rule.find(web{d.net}, page)
				if err == nil && id == post {
					finders = append(finders, rule.name)
				}
			}
			slices.Sort(finders)
			if !slices.Equal(finders, c.finders) {
				t.Errorf("found by %q, want %q", finders, c.finders)
			}
		})
	}
}

// TestPastedAddressInAnIndependentPeer does it with signatures, and in secure mode.
func TestPastedAddressInAnIndependentPeer(t *testing.T) {
	for _, secure := range []bool{false, true} {
		d := published(t, "example.com/a/")
		d.s.cfg.SecureMode = secure
		d.net.handle("fedi.example.com", d.s.Handler())
		peer := fedtest.New(fedtest.Config{BaseURL: "https://peer.example", HTTP: d.net})
		t.Cleanup(peer.Close)
		d.net.handle("peer.example", peer)
		const post = testBase + "/posts/example.com/a/"
		for _, way := range []http.HandlerFunc{blog("", post), blog(testBase+"/posts?url=https://example.com/a/", "")} {
			d.net.handle("example.com", way)
			found, err := peer.Search(t.Context(), "https://example.com/a/")
			if err != nil || found["id"] != post {
				t.Errorf("secure %v: %v, %v", secure, found["id"], err)
			}
		}
	}
}

// TestPastedAddressForPeople: whoever opens the post's address sees the entry's page.
func TestPastedAddressForPeople(t *testing.T) {
	d := published(t, "example.com/a/")
	for _, target := range []string{"/posts/example.com/a/", "/posts/example.com/a/?utm_source=x"} {
		w := d.ask("GET", target, acceptBrowser)
		h := w.Header()
		if w.Code != http.StatusFound || h.Get("Location") != "https://example.com/a/" || h.Get("Vary") != "Accept" || h.Get("Cache-Control") != "public, max-age=60, stale-if-error=86400" {
			t.Errorf("%s: %d %v", target, w.Code, h)
		}
	}
	search := d.ask("GET", "/posts?url=https://example.com/a/", acceptBrowser)
	if search.Code != http.StatusFound || search.Header().Get("Location") != testBase+"/posts/example.com/a/" {
		t.Errorf("the search: %d %v", search.Code, search.Header())
	}
}
