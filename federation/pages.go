package federation

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crier/internal/idn"
	"crier/store"
)

//go:embed pages/*.html pages/style.css
var pageFiles embed.FS // read only

// pages is what browsers are shown. A page needs nothing from elsewhere but the pictures it names, and
// its policy forbids everything else: no script runs, whatever slipped through the cleaning of HTML.
type pages struct {
	templates *template.Template
	style     template.CSS
	styleHash string // as Content-Security-Policy wants it
	actor     string
	handle    string
	me        []string // addresses that the owner's fields link to
}

// frame is what every page has.
type frame struct {
	Title, Description string
	Alternate          string // the same as ActivityPub
	Me                 []string
	NoIndex            bool
	Style              template.CSS
	Actor, Handle      string
}

type profilePage struct {
	frame
	Name, Letter   string
	Avatar, Header string
	Summary        template.HTML
	Fields         []pageField
	HideFollowers  bool
	Followers      int
	Posts          []postRow
	MovedTo        string // the actor that the account moved to
	MovedName      string
}

type pageField struct {
	Name  string
	Value template.HTML
}

type tagPage struct {
	frame
	Tag   string
	Posts []postRow
}

type errorPage struct {
	frame
	Text string
}

// postRow is one post in a list.
type postRow struct {
	ID, URL, Title string
	Date           time.Time
	Tags           []string
}

func (s *Server) makePages() *pages {
	style, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		panic(err) // it is part of the program
	}
	sum := sha256.Sum256(style)
	p := &pages{
		templates: template.Must(template.ParseFS(pageFiles, "pages/*.html")),
		style:     template.CSS(style),
		styleHash: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		actor:     s.ids.Actor(), handle: idn.Handle(s.cfg.Handle),
	}
	for _, f := range s.cfg.Profile.Fields {
		p.me = append(p.me, hrefs(f.Value)...)
	}
	return p
}

func (p *pages) frame(title string) frame {
	return frame{Title: title, Style: p.style, Actor: p.actor, Handle: p.handle}
}

// page is one that is to be shown.
type page struct {
	template string
	data     any
	images   []string // addresses of the pictures that it shows
}

// render makes a page, and sets the header lines that guard it.
func (p *pages) render(w http.ResponseWriter, show page) ([]byte, error) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, show.template, show.data); err != nil {
		return nil, fmt.Errorf("make the page %q: %w", show.template, err)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy(show.images))
	h.Set("Referrer-Policy", "no-referrer")
	return b.Bytes(), nil
}

func (p *pages) policy(images []string) string {
	policy := "default-src 'none'; style-src " + p.styleHash + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	var origins []string
	for _, image := range images {
		u, err := url.Parse(image)
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, ";, '\"") {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	if len(origins) > 0 {
		policy += "; img-src " + strings.Join(origins, " ")
	}
	return policy
}

// writeError shows a short page for an error.
func (p *pages) writeError(w http.ResponseWriter, r *http.Request, status int, text string) {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	data := errorPage{frame: p.frame(title), Text: strings.ToUpper(text[:1]) + text[1:]}
	data.NoIndex = true
	b, err := p.render(w, page{template: "error", data: data})
	if err != nil {
		b = []byte(title)
	}
	newPage(b).write(w, r, status)
}

func newPage(b []byte) document {
	return document{body: b, etag: etagOf(b), typ: "text/html; charset=utf-8", maxAge: agePage}
}

// servePage answers with a page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, show page) {
	b, err := s.docs.pages.render(w, show)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	newPage(b).serve(w, r)
}

// serveProfile shows the account to a browser.
func (s *Server) serveProfile(w http.ResponseWriter, r *http.Request) {
	const latest = 10
	followers, err := s.db.CountFollowers()
	if err != nil {
		s.fault(w, r, fmt.Errorf("count the followers: %w", err))
		return
	}
	posts, err := s.db.Outbox(0, latest)
	if err != nil {
		s.fault(w, r, fmt.Errorf("read the latest posts: %w", err))
		return
	}
	p, moved := s.cfg.Profile, s.person().profile
	name := firstOf(p.Name, s.user)
	first, _ := utf8.DecodeRuneInString(name)
	data := profilePage{
		frame: s.docs.pages.frame(name + " (@" + s.docs.pages.handle + ")"),
		Name:  name, Letter: strings.ToUpper(string(first)),
		Avatar: p.Avatar.URL, Header: p.Header.URL, Summary: template.HTML(p.Summary),
		HideFollowers: p.HideFollowers, Followers: followers, Posts: postRows(posts), MovedTo: moved.movedTo,
	}
	if data.MovedName = moved.movedTo; moved.movedHandle != "" {
		data.MovedName = "@" + idn.Handle(moved.movedHandle)
	}
	data.Alternate, data.Me, data.Description = s.ids.Actor(), s.docs.pages.me, plainText(p.Summary, 200)
	for _, f := range p.Fields {
		data.Fields = append(data.Fields, pageField{Name: f.Name, Value: template.HTML(f.Value)})
	}
	s.servePage(w, r, page{"profile", data, []string{p.Avatar.URL, p.Header.URL}})
}

// serveTag answers for a hashtag's page: a list of the posts that have it.
func (s *Server) serveTag(w http.ResponseWriter, r *http.Request) {
	varyAccept(w)
	name, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/tags/"))
	if err != nil || !utf8.ValidString(name) {
		s.fail(w, r, http.StatusNotFound, "there is nothing at this address")
		return
	}
	all, err := s.docs.listing.rows(s.db, time.Now())
	if err != nil {
		s.fault(w, r, err)
		return
	}
	rows, err := s.rowsNow(withTag(all, strings.ToLower(name)))
	if err != nil {
		s.fault(w, r, err)
		return
	}
	if rows = withTag(rows, strings.ToLower(name)); len(rows) == 0 {
		s.fail(w, r, http.StatusNotFound, "no post has this hashtag")
		return
	}
	if !wantsHTML(r) {
		s.serveTagCollection(w, r, name, rows)
		return
	}
	data := tagPage{frame: s.docs.pages.frame("#" + name + " by @" + s.docs.pages.handle), Tag: name, Posts: rows}
	data.Alternate = s.ids.TagBase() + url.PathEscape(name)
	s.servePage(w, r, page{template: "tag", data: data})
}

func (s *Server) serveTagCollection(w http.ResponseWriter, r *http.Request, name string, rows []postRow) {
	c := collection{
		Context: nsActivityStreams, ID: s.ids.TagBase() + url.PathEscape(name), Type: "OrderedCollection",
		TotalItems: len(rows), OrderedItems: []json.RawMessage{},
	}
	for _, row := range rows {
		c.OrderedItems = append(c.OrderedItems, mustEncode(row.ID))
	}
	serveCollection(w, r, c)
}

// withTag are the newest of the rows that have a tag, as many as one page shows.
func withTag(all []postRow, tag string) []postRow {
	const most = 100
	var rows []postRow
	for _, row := range all {
		if slices.Contains(row.Tags, tag) {
			rows = append(rows, row)
		}
	}
	return rows[:min(len(rows), most)]
}

// rowsNow are rows as their posts are now: what was deleted or hidden since the listing was read is not shown.
func (s *Server) rowsNow(rows []postRow) ([]postRow, error) {
	var posts []store.Post
	for _, row := range rows {
		path, _ := s.ids.PostPath(row.ID)
		post, err := s.db.Post(path)
		if err != nil {
			return nil, fmt.Errorf("read a post with a hashtag: %w", err)
		}
		posts = append(posts, post)
	}
	return postRows(posts), nil
}

// listing is the rows of all posts, read from the store once a minute at most: hashtag pages are not
// worth a walk through the store for everybody who asks. It tells which posts may have a hashtag.
type listing struct {
	mu    sync.Mutex
	until time.Time // when what was read is too old
	all   []postRow
}

func (l *listing) rows(db *store.DB, now time.Time) ([]postRow, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.until) {
		return l.all, nil
	}
	posts, err := db.Posts()
	if err != nil {
		return nil, fmt.Errorf("read the posts: %w", err)
	}
	l.all, l.until = postRows(posts), now.Add(time.Minute)
	return l.all, nil
}

// postRows are the rows of those posts that everybody may see.
func postRows(posts []store.Post) []postRow {
	var rows []postRow
	for _, post := range posts {
		if post.State != store.PostLive || !forEverybody(post.Visibility) {
			continue
		}
		rows = append(rows, postRow{ID: post.ID, URL: post.URL, Title: rowTitle(post), Date: post.Published, Tags: post.Tags})
	}
	return rows
}

// rowTitle is the title of a post, or its first words where it has none.
func rowTitle(post store.Post) string {
	if post.Title != "" {
		return post.Title
	}
	n, err := noteOf(post)
	if err != nil {
		return post.URL
	}
	return firstOf(plainText(n.Content, 100), post.URL)
}

// noteOf reads back the Note of a live post.
func noteOf(post store.Post) (noteObject, error) {
	var n noteObject
	if err := json.Unmarshal(post.Object, &n); err != nil {
		return noteObject{}, fmt.Errorf("read the stored post %s: %w", post.ID, err)
	}
	return n, nil
}

// plainText is the text of HTML on one line, cut to so many runes at a word where that is near.
func plainText(source string, limit int) string {
	z := html.NewTokenizer(strings.NewReader(source))
	var b strings.Builder
	for z.Next() != html.ErrorToken {
		switch t := z.Token(); {
		case t.Type == html.TextToken:
			b.WriteString(t.Data)
		case !isInline(t.DataAtom):
			b.WriteByte(' ')
		}
	}
	text := []rune(strings.Join(strings.Fields(b.String()), " "))
	if len(text) <= limit {
		return string(text)
	}
	cut := string(text[:limit])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return cut + "…"
}

// isInline reports whether an element is one of those in a post that part no words.
func isInline(a atom.Atom) bool {
	switch a {
	case atom.A, atom.B, atom.Code, atom.Del, atom.Em, atom.I, atom.Span, atom.Strong, atom.Sub, atom.Sup, atom.U:
		return true
	}
	return false
}

// hrefs are the web addresses that HTML links to.
func hrefs(source string) []string {
	z := html.NewTokenizer(strings.NewReader(source))
	var list []string
	for z.Next() != html.ErrorToken {
		t := z.Token()
		for _, a := range t.Attr {
			web := strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://")
			if t.Data == "a" && a.Key == "href" && web {
				list = append(list, a.Val)
			}
		}
	}
	return list
}
