package federation

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"crier/content"
)

const elsewhere = "https://social.example/users/other"

func withAliases(c *Config) {
	c.Aliases = map[string]string{
		"blog@example.com": "self", "Example.COM@example.com": "self", "user@bücher.example": "self",
		"other@example.com": elsewhere, "user@example.com": elsewhere, "no name": "self",
	}
}

// TestWebFingerResources: the account's own name is always user@example.com, whatever was asked for.
func TestWebFingerResources(t *testing.T) {
	const own, none = "acct:user@example.com", ""
	h := bareServer(withAliases).Handler()
	for _, c := range []struct {
		query, subject string // no subject: status says why
		status         int
	}{
		{"acct:user@example.com", own, 200},
		{"acct%3Auser%40example.com", own, 200},
		{"acct%253Auser%2540example.com", own, 200},
		{"ACCT:user@example.com", own, 200},
		{"acct:USER@example.com", own, 200},
		{"acct:user@EXAMPLE.com", own, 200},
		{"acct:user@example.com.", own, 200},
		{"acct:user@example.com:443", own, 200},
		{"acct:user@example.com.:443", own, 200},
		{"acct:@user@example.com", own, 200},
		{"user@example.com", own, 200},
		{"@user@example.com", own, 200},
		{"%20user@example.com%20", own, 200},
		{"acct:user@fedi.example.com", own, 200},
		{"user@FEDI.example.com.:443", own, 200},
		{"https://fedi.example.com/users/user", own, 200},
		{"https%3A%2F%2Ffedi.example.com%2Fusers%2Fuser", own, 200},
		{"https://fedi.example.com/users/user/", own, 200},
		{"https://fedi.example.com:443/users/user", own, 200},
		{"https://fedi.example.com./users/user", own, 200},
		{"HTTPS://FEDI.example.com/users/User", own, 200},
		{"http://fedi.example.com/users/user", own, 200},
		{"http://fedi.example.com:80/users/user", own, 200},
		{"https://fedi.example.com/users/user%23main-key", own, 200},
		{"acct:https://fedi.example.com/users/user", own, 200},
		{"https://FEDI.EXAMPLE.COM/users/user", own, 200},
		{"acct:user@example.com&rel=self&rel=other", own, 200},
		{"acct:user@example.com&x=1&x=2", own, 200},
		{"acct:%75ser@example.com", own, 200},
		{"acct:user@www.example.com", own, 200},
		{"https://www.example.com/", own, 200},
		{"acct:www.example.com@example.com", none, 404},
		{"acct:blog@example.com", own, 200},
		{"blog@example.com", own, 200},
		{"acct:example.com@example.com", own, 200},
		{"acct:user@xn--bcher-kva.example", own, 200},
		{"acct:user@b%C3%BCcher.example", own, 200},
		{"acct:user@bücher.example", own, 200},
		{"acct:user@B%C3%9CCHER.example.", own, 200},
		{"acct:other@example.com", "acct:other@example.com", 200},
		{"Other@Example.com", "acct:other@example.com", 200},

		{"acct:nobody@example.com", none, 404},
		{"acct:other@fedi.example.com", none, 404},
		{"acct:user@other.example", none, 404},
		{"acct:user@example.com:8080", none, 404},
		{"acct:user@sub.example.com", none, 404},
		{"https://fedi.example.com/", own, 200},
		{"https://example.com", own, 200},
		{"http://example.com/", own, 200},
		{"https://example.com/about", none, 404},
		{"https://fedi.example.com/users/other", none, 404},
		{"https://fedi.example.com/users/user/inbox", none, 404},
		{"https://fedi.example.com/users/user?x=1", none, 404},
		{"https://example.com/users/user", none, 404},
		{"https://fedi.example.com:8443/users/user", none, 404},
		{elsewhere, none, 404},
		{"mailto:user@example.com", none, 404},
		{"xmpp:user@example.com", none, 404},
		{"gopher://example.com/user", none, 404},
		{"https://fedi.example.com/posts/example.com/a/", none, 404},
		{"https://example.com/a/", none, 404},
		{"acct:" + strings.Repeat("u", 8000) + "@example.com", none, 404},
		{"https://fedi.example.com/" + strings.Repeat("u", 8000), none, 404},
		{"acct:user@" + strings.Repeat("a.", 4000) + "example.com", none, 404},
		{"urn:x", none, 404},

		{"", none, 400},
		{"acct:", none, 400},
		{"acct:user", none, 400},
		{"user", none, 400},
		{"acct:@example.com", none, 400},
		{"acct:user@", none, 400},
		{"acct:user@.", none, 400},
		{"acct:user@a@example.com", none, 400},
		{"acct:us%20er@example.com", none, 400},
		{"acct:user@example.com/x", none, 400},
		{"acct:user@example.com%00", none, 400},
		{"acct:%00user@example.com", none, 400},
		{"acct:us%0Aer@example.com", none, 400},
		{"acct:user@exa%0D%0Ample.com", none, 400},
		{"%00", none, 400},
		{"acct:acct:user@example.com&resource=", none, 400},
		{"https://", none, 400},
		{"https://%5B::1", none, 400},
		{"acct:user@example.com&resource=acct:user@example.com", none, 400},
		{"%zz", none, 400},
	} {
		w := askHandler(h, "GET", "/.well-known/webfinger?resource="+c.query, "")
		if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%q: %d %v, want %d", c.query, w.Code, w.Header(), c.status)
			continue
		}
		if c.status != http.StatusOK {
			continue
		}
		var d descriptor
		decode(t, w, &d)
		if d.Subject != c.subject || w.Header().Get("Content-Type") != "application/jrd+json" {
			t.Errorf("%q: subject %q, %q", c.query, d.Subject, w.Header().Get("Content-Type"))
		}
		checkLinks(t, c.query, d)
	}
	if w := askHandler(h, "GET", "/.well-known/webfinger", ""); w.Code != http.StatusBadRequest {
		t.Errorf("no resource: %d", w.Code)
	}
}

// checkLinks checks that there is one link to the actor, the one that the subject names.
func checkLinks(t *testing.T, query string, d descriptor) {
	t.Helper()
	want := testBase + "/users/user"
	if d.Subject == "acct:other@example.com" {
		want = elsewhere
	}
	var self []descriptorLink
	for _, l := range d.Links {
		if l.Rel == "self" {
			self = append(self, l)
		} else if strings.HasPrefix(l.Type, "application/") {
			t.Errorf("%q: a link of type %s", query, l.Type)
		}
	}
	if !slices.Equal(self, []descriptorLink{{"self", "application/activity+json", want}}) {
		t.Errorf("%q: self links %v", query, self)
	}
	if !slices.Contains(d.Aliases, want) {
		t.Errorf("%q: aliases %v", query, d.Aliases)
	}
}

func TestWebFingerDocuments(t *testing.T) {
	h := bareServer(fullProfile, withAliases).Handler()
	for name, resource := range map[string]string{
		"own": "acct:user@example.com", "host": "acct:user@fedi.example.com", "alias": "blog@example.com", "elsewhere": "other@example.com",
	} {
		w := askHandler(h, "GET", "/.well-known/webfinger?resource="+resource, "")
		golden(t, "webfinger_"+name+".json", w.Body.Bytes())
	}
}

func TestWebFingerRelations(t *testing.T) {
	h := bareServer(fullProfile).Handler()
	for query, want := range map[string][]string{
		"":                                    {relProfile, "self", relAvatar},
		"&rel=self":                           {"self"},
		"&rel=self&rel=" + relAvatar:          {"self", relAvatar},
		"&rel=" + url.QueryEscape(relProfile): {relProfile},
		"&rel=unknown":                        {},
		"&rel=":                               {},
	} {
		var d descriptor
		decode(t, askHandler(h, "GET", "/.well-known/webfinger?resource=acct:user@example.com"+query, ""), &d)
		got := []string{}
		for _, l := range d.Links {
			got = append(got, l.Rel)
		}
		if !slices.Equal(got, want) || d.Subject != "acct:user@example.com" || len(d.Aliases) == 0 {
			t.Errorf("%q: %v of %+v", query, got, d)
		}
	}
}

// TestWebFingerOnOneHost: where handle and daemon share a host, and that has a port, as in tests.
func TestWebFingerOnOneHost(t *testing.T) {
	s := bareServer(func(c *Config) { c.BaseURL, c.Handle = "http://127.0.0.1:8080", "user@127.0.0.1:8080" })
	for _, resource := range []string{"acct:user@127.0.0.1:8080", "http://127.0.0.1:8080/users/user"} {
		var d descriptor
		decode(t, askHandler(s.Handler(), "GET", "/.well-known/webfinger?resource="+resource, ""), &d)
		if d.Subject != "acct:user@127.0.0.1:8080" || !slices.Equal(d.Aliases, []string{"http://127.0.0.1:8080/users/user"}) {
			t.Errorf("%s: %+v", resource, d)
		}
	}
}

func TestHostMeta(t *testing.T) {
	w := askHandler(bareServer().Handler(), "GET", "/.well-known/host-meta", "")
	want := `<Link rel="lrdd" template="https://fedi.example.com/.well-known/webfinger?resource={uri}"></Link>`
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

// TestNamesOfTheSite: a site goes by its own name and by www, too, but what the owner configures comes first.
func TestNamesOfTheSite(t *testing.T) {
	ask := func(s *Server, name string) (d descriptor) {
		decode(t, askHandler(s.Handler(), "GET", "/.well-known/webfinger?resource=acct:"+name, ""), &d)
		return d
	}
	plain := bareServer()
	for _, name := range []string{"user@www.example.com", "example.com@example.com"} {
		if d := ask(plain, name); d.Subject != "acct:user@example.com" || !slices.Contains(d.Aliases, "acct:"+name) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := ask(bareServer(func(c *Config) { c.Handle = "user@www.example.com" }), "user@example.com"); d.Subject != "acct:user@www.example.com" {
		t.Errorf("without www: %+v", d)
	}
	given := bareServer(func(c *Config) { c.Aliases = map[string]string{"example.com@example.com": elsewhere} })
	if d := ask(given, "example.com@example.com"); d.Subject != "acct:example.com@example.com" || d.Links[1].Href != elsewhere {
		t.Errorf("given away: %+v", d)
	}
}

func FuzzWebFinger(f *testing.F) {
	for _, seed := range []string{
		"acct:user@example.com", "https://fedi.example.com/users/user", "@a@b", "acct:user@bücher.example.:443", "acct%3Aa%40b", "::", "//[",
	} {
		f.Add(seed)
	}
	h := bareServer(withAliases).Handler()
	f.Fuzz(func(t *testing.T, resource string) {
		w := askHandler(h, "GET", "/.well-known/webfinger?resource="+url.QueryEscape(resource), "")
		switch w.Code {
		case http.StatusBadRequest, http.StatusNotFound:
			return
		case http.StatusOK:
		default:
			t.Fatalf("%q: %d", resource, w.Code)
		}
		var d descriptor
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
			t.Fatalf("%q: %v", resource, err)
		}
		checkLinks(t, resource, d)
		key, err := resourceKey(resource)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(key, "//") {
			key = "https:" + key
		}
		if again, err := resourceKey(key); err != nil || "https:"+again != key && again != key {
			t.Errorf("%q: key %q becomes %q, %v", resource, key, again, err)
		}
	})
}

// TestFingerOfAPlainBlog: the blog's page is named as it is reached; a domain with one feed behind TLS is.
func TestFingerOfAPlainBlog(t *testing.T) {
	for want, feeds := range map[string][]string{
		"http://example.com/":  {"http://example.com/feed.xml", "https://other.example/feed.xml"},
		"https://example.com/": {"http://example.com/feed.xml", "https://www.example.com/feed.xml"},
	} {
		d := newDaemon(t)
		c := d.s.cfg
		c.Feeds = map[string]content.Style{}
		for _, feed := range feeds {
			c.Feeds[feed] = content.Style{}
		}
		var v struct{ Aliases []string }
		decode(t, askHandler(New(c).Handler(), "GET", pathFinger+"?resource="+want, ""), &v)
		if !slices.Contains(v.Aliases, want) {
			t.Errorf("%v: aliases %v", feeds, v.Aliases)
		}
	}
}
