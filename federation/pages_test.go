package federation

import (
	"net/http"
	"strings"
	"testing"
)

func TestProfilePage(t *testing.T) {
	d := published(t, "example.com/a/", "example.com/b/")
	d.crowd(3)
	fullProfile(&d.s.cfg)
	d.s.docs = d.s.makeDocuments()
	w := d.ask("GET", "/users/user", acceptBrowser)
	page := w.Body.String()
	for _, want := range []string{
		`<title>Ünal &amp; &lt;Co&gt; (@user@example.com)</title>`,
		`<link rel="alternate" type="application/activity+json" href="https://fedi.example.com/users/user">`,
		`<link rel="me" href="https://example.com">`,
		`<h1>Ünal &amp; &lt;Co&gt;</h1>`, `<p>I write <em>things</em>.</p>`, `3 followers`,
		`<img class="avatar" src="https://example.com/avatar.png"`, `<img class="header" src="https://example.com/header.jpg"`,
		`>@user@example.com</span>`, `<a href="https://example.com" rel="me">https://example.com</a>`,
		`<a href="https://example.com/b/">About example.com/b/</a><time datetime="2026-03-01T12:01:00Z">1 March 2026</time>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(page, "example.com/b/") > strings.Index(page, "example.com/a/") {
		t.Error("the newest post is not the first")
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.HasSuffix(policy, "img-src https://example.com") {
		t.Errorf("policy %q", policy)
	}
	if strings.Contains(page, "<script") || strings.Contains(page, " style=") || strings.Count(page, "src=") != 2 {
		t.Error("the page loads more than its pictures")
	}
}

func TestProfilePageOfABareAccount(t *testing.T) {
	d := published(t)
	page := d.ask("GET", "/users/user", acceptBrowser).Body.String()
	if !strings.Contains(page, `aria-hidden="true">U</div>`) || strings.Contains(page, "Latest posts") || strings.Contains(page, "<dl>") {
		t.Error(page)
	}
}

func TestTagPage(t *testing.T) {
	d := published(t, "example.com/a/")
	d.tagged("example.com/tagged/")
	page := d.ask("GET", "/tags/Go", acceptBrowser).Body.String()
	if !strings.Contains(page, "<h1>#Go</h1>") || !strings.Contains(page, "https://example.com/tagged/") || strings.Contains(page, "example.com/a/") {
		t.Error(page)
	}
	w := d.ask("GET", "/tags/%3Cscript%3E", acceptBrowser)
	if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<script>") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

func TestErrorPage(t *testing.T) {
	w := published(t).ask("GET", "/nothing", acceptBrowser)
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "<h1>404 Not Found</h1>") || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), w.Body)
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"<p>a <b>b</b></p><p>c":     "a b c",
		"<p>a<b>b</b><br>#<i>c</i>": "ab #c",
		"1 &lt; 2":                  "1 < 2",
		"aaaa bbbb cccc dddd eeee":  "aaaa bbbb cccc…",
		"äääääääääääääääääääääää": "ääääääääääääääääää…",
	} {
		if got := plainText(in, 18); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
