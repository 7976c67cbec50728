package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"html/template"
	"image/png"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed site
var siteFiles embed.FS

// post is one entry of the sample blog.
type post struct {
	Slug, Title, Summary string
	Tags                 []string
	Picture, Alt         string // name of a painted picture; empty: none
	HTML                 template.HTML
	Published, Updated   time.Time
	Path, URL            string
}

// site is the sample blog: pages as a static generator would write them, an Atom feed with validators, and
// the two things that a blog needs for crier: the WebFinger redirect and the link to each entry's post.
type site struct {
	base    string // "http://blog.localhost:4000"
	crier   string // base_url of crier
	handle  string
	pages   *template.Template
	publish func(context.Context, post) // called after the button was pressed

	mu    sync.Mutex
	posts []post // newest first
	spare []string
}

func newSite(base, crier, handle string) (*site, error) {
	pages, err := template.ParseFS(siteFiles, "site/blog.html")
	if err != nil {
		return nil, fmt.Errorf("parse the sample blog's pages: %w", err)
	}
	return &site{base: base, crier: crier, handle: handle, pages: pages, publish: func(context.Context, post) {},
		spare: []string{"borrowed-boat", "glass-float"}}, nil
}

// read reads one of the embedded entries: lines of "key: value", an empty line, HTML.
func (s *site) read(slug string, now time.Time) (post, error) {
	b, err := siteFiles.ReadFile("site/posts/" + slug + ".html")
	if err != nil {
		return post{}, fmt.Errorf("read sample entry: %w", err)
	}
	head, body, _ := strings.Cut(string(b), "\n\n")
	p := post{Slug: slug, HTML: template.HTML(body), Published: now.UTC().Truncate(time.Second)}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "title":
			p.Title = value
		case "summary":
			p.Summary = value
		case "tags":
			p.Tags = strings.Split(value, ", ")
		case "picture":
			p.Picture = value
		case "alt":
			p.Alt = value
		case "days":
			n, err := strconv.Atoi(value)
			if err != nil {
				return p, fmt.Errorf("sample entry %s: days: %w", slug, err)
			}
			p.Published = p.Published.AddDate(0, 0, -n)
		}
	}
	p.Updated = p.Published
	p.Path = fmt.Sprintf("/%d/%s/", p.Published.Year(), slug)
	p.URL = s.base + p.Path
	return p, nil
}

// add puts an entry onto the blog and returns it.
func (s *site) add(slug string, now time.Time) (post, error) {
	p, err := s.read(slug, now)
	if err != nil {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = slices.Insert(s.posts, 0, p) // of two from the same second the later one stays in front
	slices.SortStableFunc(s.posts, func(a, b post) int { return b.Published.Compare(a.Published) })
	return p, nil
}

// edit changes the text of an entry.
func (s *site) edit(slug, from, to string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.posts {
		if p := &s.posts[i]; p.Slug == slug {
			p.Summary = strings.Replace(p.Summary, from, to, 1)
			p.HTML = template.HTML(strings.Replace(string(p.HTML), from, to, 1))
			p.Updated = now.UTC().Truncate(time.Second)
		}
	}
}

// remove takes an entry off the blog: its page answers 404 from then on.
func (s *site) remove(slug string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = slices.DeleteFunc(s.posts, func(p post) bool { return p.Slug == slug })
}

func (s *site) snapshot() []post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// postID is what the template of a real site writes: crier's base address, "/posts/", and the page's
// address without its scheme. Nobody has to be asked.
func (s *site) postID(p post) string {
	return s.crier + "/posts/" + strings.TrimPrefix(p.URL, "http://")
}

func (s *site) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.serveIndex)
	m.HandleFunc("GET /{year}/{slug}/{$}", s.servePost)
	m.HandleFunc("GET /feed.xml", s.serveFeed)
	m.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, siteFiles, "site/style.css")
	})
	m.HandleFunc("GET /{picture}", s.servePicture)
	m.HandleFunc("GET /.well-known/webfinger", s.toCrier)
	m.HandleFunc("GET /.well-known/host-meta", s.toCrier)
	m.HandleFunc("POST /publish", s.servePublish)
	return http.NewCrossOriginProtection().Handler(m)
}

// toCrier is the one redirect that gives a blog's own host the fediverse handle, query included.
func (s *site) toCrier(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.Redirect(w, r, s.crier+r.URL.RequestURI(), http.StatusFound)
}

// page is what the templates are given.
type page struct {
	Title, Site, Handle, Profile, PostID string
	Posts                                []post
	Post                                 post
}

func (s *site) page(title string) page {
	user, _, _ := strings.Cut(s.handle, "@")
	return page{Title: title, Site: s.base, Handle: s.handle, Profile: s.crier + "/users/" + user}
}

func (s *site) serveIndex(w http.ResponseWriter, _ *http.Request) {
	p := s.page("Tidewater")
	p.Posts = s.snapshot()
	s.render(w, "index", p)
}

func (s *site) servePost(w http.ResponseWriter, r *http.Request) {
	for _, one := range s.snapshot() {
		if one.Path != r.URL.Path {
			continue
		}
		p := s.page(one.Title)
		p.Post, p.PostID = one, s.postID(one)
		s.render(w, "post", p)
		return
	}
	http.NotFound(w, r)
}

func (s *site) render(w http.ResponseWriter, name string, p page) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// servePublish puts the next spare entry onto the blog, for who presses the button.
func (s *site) servePublish(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	slug := ""
	if len(s.spare) > 0 {
		slug, s.spare = s.spare[0], s.spare[1:]
	}
	s.mu.Unlock()
	if slug == "" {
		http.Error(w, "All sample entries are out already. Start the demo again for more.", http.StatusConflict)
		return
	}
	p, err := s.add(slug, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.publish(r.Context(), p)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *site) servePicture(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(r.PathValue("picture"), ".png")
	img := paint(name)
	if !ok || img == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_ = png.Encode(w, img) // fails only where the reader has gone
}

// Atom (RFC 4287), as far as the sample blog needs it.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"xml:lang,attr"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  string      `xml:"author>name"`
	Entries []atomEntry `xml:"entry"`
}

type atomEntry struct {
	Title      string         `xml:"title"`
	ID         string         `xml:"id"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Links      []atomLink     `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Summary    string         `xml:"summary"`
	Content    atomContent    `xml:"content"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	HTML string `xml:",chardata"`
}

// feed writes the feed; modified is the newest date in it.
func (s *site) feed() (body []byte, modified time.Time, err error) {
	f := atomFeed{Lang: "en", Title: "Tidewater", ID: s.base + "/", Author: "Tidewater", Links: []atomLink{
		{Rel: "self", Type: "application/atom+xml", Href: s.base + "/feed.xml"}, {Rel: "alternate", Type: "text/html", Href: s.base + "/"}}}
	for _, p := range s.snapshot() {
		if p.Updated.After(modified) {
			modified = p.Updated
		}
		e := atomEntry{Title: p.Title, ID: p.URL, Summary: p.Summary, Links: []atomLink{{Rel: "alternate", Type: "text/html", Href: p.URL}},
			Published: p.Published.Format(time.RFC3339), Updated: p.Updated.Format(time.RFC3339),
			Content: atomContent{Type: "html", HTML: s.withPicture(p)}}
		for _, t := range p.Tags {
			e.Categories = append(e.Categories, atomCategory{Term: t})
		}
		f.Entries = append(f.Entries, e)
	}
	f.Updated = modified.Format(time.RFC3339)
	body, err = xml.MarshalIndent(f, "", "  ")
	return append([]byte(xml.Header), body...), modified, err
}

func (s *site) withPicture(p post) string {
	if p.Picture == "" {
		return string(p.HTML)
	}
	return fmt.Sprintf(`<p><img src="%s/%s.png" alt="%s" width="960" height="540"></p>%s`,
		s.base, p.Picture, template.HTMLEscapeString(p.Alt), p.HTML)
}

// serveFeed answers conditional requests by ETag; dates alone would miss a second change in one second.
func (s *site) serveFeed(w http.ResponseWriter, r *http.Request) {
	body, modified, err := s.feed()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
	http.ServeContent(w, r, "", modified, bytes.NewReader(body))
}
