package federation

import (
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"crier/store"
)

// postPage is the page of a post that has none elsewhere.
type postPage struct {
	frame
	Name, Letter, Avatar string
	Answers, AnswersHost string // what it answers, and where that is
	Warning              string // what stands behind it is folded up
	Content              template.HTML
	Pictures             []attachment
	Date                 time.Time
	Edited               *time.Time
}

// servePostPage shows a post that has no page elsewhere. Its HTML is what package content made safe. Nothing of what a
// warning hides stands in the head, from where other sites make their cards.
func (s *Server) servePostPage(w http.ResponseWriter, r *http.Request, post store.Post) {
	n, err := noteOf(post)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	p := s.cfg.Profile
	name := firstOf(p.Name, s.user)
	first, _ := utf8.DecodeRuneInString(name)
	data := postPage{
		frame: s.docs.pages.frame(firstOf(post.Title, "A post by @"+s.docs.pages.handle)),
		Name:  name, Letter: strings.ToUpper(string(first)), Avatar: p.Avatar.URL,
		Answers: n.InReplyTo, AnswersHost: hostOf(n.InReplyTo),
		Content: template.HTML(n.Content), Date: post.Published,
	}
	data.Alternate, data.NoIndex = post.ID, post.Visibility == visibilityUnlisted
	if n.Type == typeNote { // that of an Article is an excerpt
		data.Warning = n.Summary
	}
	if data.Warning == "" {
		data.Description = plainText(n.Content, 200)
	}
	if !post.Updated.IsZero() {
		data.Edited = &post.Updated
	}
	images := []string{p.Avatar.URL}
	for _, a := range n.Attachment {
		if a.Type == "Image" {
			data.Pictures, images = append(data.Pictures, a), append(images, a.URL)
		}
	}
	s.servePage(w, r, page{"post", data, images})
}
