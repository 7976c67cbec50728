package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hugoSite is a site made by Hugo as a blogger has it: sources in one folder, the built site served from
// another.
type hugoSite struct {
	t      *testing.T
	source string
	server *httptest.Server
}

func newHugoSite(t *testing.T) *hugoSite {
	t.Helper()
	s := &hugoSite{t: t, source: t.TempDir()}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.server.Close)
	s.write("config.toml", fmt.Sprintf("baseURL = %q\ntitle = \"A blog\"\nlanguageCode = \"en\"\n", s.server.URL+"/"))
	s.write("layouts/_default/single.html", `<!doctype html><title>{{ .Title }}</title>{{ .Content }}`)
	s.write("layouts/_default/list.html", `<!doctype html><title>{{ .Title }}</title>{{ range .Pages }}<a href="{{ .Permalink }}">{{ .Title }}</a>{{ end }}`)
	s.write("layouts/index.html", `<!doctype html><title>{{ .Title }}</title>`)
	return s
}

// serve serves the built site with validators that follow from the content: two builds within a second have
// the same times.
func (s *hugoSite) serve(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(s.source, "public", filepath.FromSlash(r.URL.Path))
	if strings.HasSuffix(r.URL.Path, "/") {
		name = filepath.Join(name, "index.html")
	}
	b, err := os.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf("%q", etag(b)))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
}

func (s *hugoSite) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.source, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *hugoSite) post(slug, title, text string, date time.Time) {
	s.t.Helper()
	s.write("content/posts/"+slug+".md", fmt.Sprintf("---\ntitle: %q\ndate: %s\n---\n\n%s\n",
		title, date.UTC().Format(time.RFC3339), text))
}

func (s *hugoSite) remove(slug string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.source, "content/posts", slug+".md")); err != nil {
		s.t.Fatal(err)
	}
}

// build builds the site anew, so that the page of a removed post is gone.
func (s *hugoSite) build() {
	s.t.Helper()
	public := filepath.Join(s.source, "public")
	if err := os.RemoveAll(public); err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command("hugo", "--quiet", "--source", s.source, "--destination", public)
	if out, err := c.CombinedOutput(); err != nil {
		s.t.Fatalf("hugo: %v\n%s", err, out)
	}
}

func TestHugoSite(t *testing.T) {
	if _, err := exec.LookPath("hugo"); err != nil {
		t.Skip("NOT RUN: hugo is not installed")
	}
	site := newHugoSite(t)
	day := time.Now().AddDate(0, 0, -10)
	for i, title := range []string{"One", "Two", "Three"} {
		site.post(strings.ToLower(title), title, "Text of *"+title+"*.", day.AddDate(0, 0, i))
	}
	site.build()

	w := newWorld(t)
	w.cfg.Feeds[0].URL = site.server.URL + "/index.xml"
	w.cfg.Feeds[0].ConfirmAfter = 0
	w.start()
	w.follow()
	if p := w.poll(); p.Error != "" {
		t.Fatal(p.Error)
	}
	if got := w.since(0); len(got) != 0 {
		t.Fatalf("the first poll was delivered: %v", got)
	}
	if n, err := w.app.Ops().Store.CountListed(); n != 3 || err != nil {
		t.Errorf("%d posts in the outbox (%v)", n, err)
	}

	id := w.cfg.BaseURL + "/posts/" + host(site.server.URL) + "/posts/four/"
	site.post("four", "Four", "A *fourth* text.", day.AddDate(0, 0, 5))
	site.build()
	create := w.one("Create", id)
	for _, part := range []string{"<strong>", "Four", `href=\"` + site.server.URL + `/posts/four/\"`, "fourth"} {
		if !strings.Contains(string(create.Note), part) {
			t.Errorf("the note lacks %q: %s", part, create.Note)
		}
	}

	site.post("four", "Four", "An *edited* text.", day.AddDate(0, 0, 5))
	site.build()
	if update := w.one("Update", id); !strings.Contains(string(update.Note), "edited") {
		t.Errorf("the edit did not arrive: %s", update.Note)
	}

	site.remove("four")
	site.build()
	before := len(w.peer.Arrivals())
	w.poll() // the page is gone, says the first look
	if got := w.since(before); len(got) != 0 {
		t.Errorf("one look was proof enough: %v", got)
	}
	w.one("Delete", id)
	if notes := w.peer.Timeline("alice"); len(notes) != 0 {
		t.Errorf("alice still sees %v", notes)
	}
}

// one polls and returns the only activity that reached the peer, which is of that type and about that post.
func (w *world) one(typ, id string) received {
	w.t.Helper()
	before := len(w.peer.Arrivals())
	w.poll()
	got := w.since(before)
	if len(got) != 1 || got[0].Type != typ || got[0].Object != id {
		w.t.Fatalf("want one %s of %s, got %v", typ, id, got)
	}
	return got[0]
}
