package preview

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"

	"crier/content"
)

//go:embed page.html page.css
var files embed.FS // read only

// Mark is what stands near the beginning of every page, and of no other.
const Mark = `<meta name="generator" content="crier preview">`

// Page writes the posts as a web page that stands by itself.
func Page(w io.Writer, s Sheet) error {
	t, err := template.ParseFS(files, "page.html")
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	style, err := files.ReadFile("page.css")
	if err != nil {
		return fmt.Errorf("read the page's style: %w", err)
	}
	d := pageData{Style: template.CSS(style), Account: s.Account, Letter: letter(s.Account)}
	// Only what is a picture for certain: the template engine lets no data: URL through by itself.
	if strings.HasPrefix(s.Account.Avatar, "data:image/") || isWeb(s.Account.Avatar) {
		d.Avatar = template.URL(s.Account.Avatar)
	}
	for _, p := range s.Posts {
		d.Posts = append(d.Posts, newPagePost(p))
	}
	for _, f := range s.Feeds {
		if len(f.Advice) > 0 {
			d.Feeds = append(d.Feeds, f)
		}
	}
	if err := t.Execute(w, d); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

type pageData struct {
	Style   template.CSS
	Account Account
	Avatar  template.URL
	Letter  string
	Posts   []pagePost
	Feeds   []Feed
}

// pagePost is a post in the form the template needs.
type pagePost struct {
	Post
	HTML     template.HTML // content.Render's invariants make it safe; the page's policy forbids scripts besides
	Pictures []pageMedia   // shown in a grid
	Others   []pageMedia
	Card     *Card
	Source   string
	Article  bool
}

// pageMedia is an attachment.
type pageMedia struct {
	content.Media
	Kind   string  // "image", "audio", "video", or "" for anything else
	FX, FY float64 // per cent from the left and from the top: what a crop must keep
}

func newPagePost(p Post) pagePost {
	out := pagePost{
		Post: p, HTML: template.HTML(p.Content.HTML), Source: indented(p.Create),
		Article: p.Content.Format == content.FormatArticle,
	}
	if c, ok := p.Card(); ok {
		out.Card = &c
	}
	for _, m := range p.Content.Attachments {
		pm := pageMedia{Media: m, FX: 50, FY: 50}
		if m.Focus != nil {
			pm.FX, pm.FY = 50+m.Focus.X*50, 50-m.Focus.Y*50
		}
		switch kind, _, _ := strings.Cut(strings.ToLower(m.Type), "/"); kind {
		case "image", "audio", "video":
			pm.Kind = kind
		}
		if pm.Kind == "image" {
			out.Pictures = append(out.Pictures, pm)
			continue
		}
		out.Others = append(out.Others, pm)
	}
	return out
}

// indented is JSON for a reader.
func indented(source json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, source, "", "  "); err != nil {
		return string(source)
	}
	return b.String()
}

func letter(a Account) string {
	r, _ := utf8.DecodeRuneInString(orElse(a.Name, a.Handle))
	return strings.ToUpper(string(r))
}

func isWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}
